//! Memory at one instant: what is live, and whether it can still be reached.
use crate::heap::{Block, Heap};
use crate::image::{Image, Source, ThreadImage, is_part_of};
use crate::ledger::{Ledger, LiveMapping, Tables};
use crate::roots::{Surroundings, control_block, dead_stacks, is_program_break, roots};
use crate::timeline;
use crate::work::{at_leisure, cores};
use stanch_leaks::{Classification, HeapImage, MemoryRange, classify};
use stanch_ledger::{BirthCode, BlockKind, flag};
use stanch_process::{ForkError, Pid, Stopped, SystemCallSite, Tid};
use stanch_recording::{AllocatorFunction, Class, Group, Loss, SiteIndex, SizeClass, Snapshot, SnapshotReason};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::*;
use std::time::Instant;

/// Fewer blocks are not worth a second thread.
const BLOCKS_MANY: usize = 4096;

/// What was taken of a process at one instant. What it means is worked out afterwards.
#[derive(Debug)]
pub(crate) struct Frozen {
    at_ms: u64,
    reason: SnapshotReason,
    pause_ns: u64,
    heap: Heap,
    mappings: Vec<LiveMapping>,
    allocator_memory: Vec<(u64, u64)>,
    dead_stacks: Vec<(u64, u64)>,
    is_glibc: bool,
    image: Result<Image, io::Error>,
    pub(crate) losses: Vec<Loss>,
}

/// Takes what is needed from a process at its end: the thread that ends it waits for us, the others are stopped here.
pub(crate) fn freeze_at_exit(pid: Pid, ledger: &Ledger, at_ms: u64, recorder: &str) -> Frozen {
    let header = ledger.header();
    let ending = Tid(header.exit_tid.load(Acquire));
    let taken = Taken::standing(ledger, pid, stanch_process::stop(pid, &[ending]), recorder);
    let mut frozen = taken.into_frozen(ledger, at_ms, SnapshotReason::Exit, 0);
    if let Ok(image) = &mut frozen.image {
        if header.exit_registers_valid.load(Acquire) != 0 {
            image.registers.extend(header.exit_registers.iter().map(|register| register.load(Relaxed)));
        }
        let stack_pointer = header.exit_stack.load(Acquire);
        let thread_pointer = header.exit_thread_pointer.load(Acquire);
        image.threads.push(ThreadImage { stack_pointer, thread_pointer });
    }
    frozen
}

/// Takes what is needed from a running process, which stands still only while the kernel makes a copy-on-write image of
/// it, or, where that cannot be, while its memory is copied.
pub(crate) fn freeze_running(pid: Pid, ledger: &Ledger, at_ms: u64, reason: SnapshotReason, recorder: &str) -> Frozen {
    ledger.clear_undo();
    let mappings_before = stanch_process::maps(pid).unwrap_or_default();
    let site = SystemCallSite::find(pid, &mappings_before, recorder);
    let started = Instant::now();
    let stopped = stanch_process::stop(pid, &[]);
    let (taken, pause) = match stopped {
        Ok(mut stopped) => match site.map_err(ForkError::from).and_then(|site| stopped.fork(pid, site)) {
            Ok(process) => {
                let undo = ledger.begin_undo();
                let tables = ledger.tables();
                let losses = running_threads(&stopped).into_iter().collect();
                let threads = stopped.resume();
                let pause = started.elapsed();
                let source = Source { frozen: process.pid(), live: stanch_process::memory_id(pid), mappings_before };
                let (heap, image) = at_leisure(|| {
                    let heap = Heap::read(ledger, &tables);
                    drop(undo);
                    (heap, Image::copy(&source, &threads, recorder))
                });
                (Taken { tables, heap, image, losses }, pause)
            }
            Err(error) => {
                let mut taken = Taken::standing(ledger, pid, Ok(stopped), recorder);
                taken.losses.push(Loss {
                    what: "a fork of the program".to_owned(),
                    why: format!("it stood still until its memory was copied: {error}"),
                });
                (taken, started.elapsed())
            }
        },
        Err(error) => (Taken::standing(ledger, pid, Err(error), recorder), started.elapsed()),
    };
    taken.into_frozen(ledger, at_ms, reason, pause.as_nanos() as u64)
}

/// What one instant left.
struct Taken {
    tables: Tables,
    heap: Heap,
    image: io::Result<Image>,
    losses: Vec<Loss>,
}

impl Taken {
    /// Copies everything while the process stands still, and lets it go on.
    fn standing(ledger: &Ledger, pid: Pid, stopped: io::Result<Stopped>, recorder: &str) -> Self {
        let pid = stanch_process::memory_id(pid);
        let source = Source { frozen: pid, live: pid, mappings_before: Vec::new() };
        let losses = stopped.as_ref().ok().and_then(running_threads).into_iter().collect();
        let image = match &stopped {
            Ok(stopped) => Image::copy(&source, &stopped.threads, recorder),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let tables = ledger.tables();
        let heap = Heap::read(ledger, &tables);
        Self { tables, heap, image, losses }
    }

    fn into_frozen(self, ledger: &Ledger, at_ms: u64, reason: SnapshotReason, pause_ns: u64) -> Frozen {
        let Self { tables, heap, image, losses } = self;
        let (mappings, allocator_memory) = ledger.split_mappings(tables.mappings);
        let dead_stacks = tables.dead_stacks;
        let is_glibc = ledger.header().flags.load(Relaxed) & flag::FOREIGN_MALLOC == 0;
        Frozen { at_ms, reason, pause_ns, heap, mappings, allocator_memory, dead_stacks, is_glibc, image, losses }
    }
}

fn running_threads(stopped: &Stopped) -> Option<Loss> {
    let (tid, error) = stopped.running.first()?;
    Some(Loss {
        what: format!("registers and stacks of {} threads, among them {}", stopped.running.len(), tid.0),
        why: format!("they could not be stopped: {error}; blocks that only they hold may be called lost"),
    })
}

/// Only what is live: the process is gone, and its memory with it.
pub(crate) fn live_only(ledger: &Ledger, at_ms: u64) -> (Snapshot, Vec<SizeClass>) {
    let tables = ledger.tables();
    let heap = Heap::read(ledger, &tables);
    let mappings = ledger.split_mappings(tables.mappings).0;
    let mut groups = Groups::default();
    let blocks = || heap.blocks().chain(mappings.iter().filter_map(mapping_block));
    blocks().for_each(|block| groups.add_live(&block));
    (
        Snapshot { at_ms, reason: SnapshotReason::Killed, pause_ns: 0, groups: groups.finish() },
        timeline::sizes(blocks()),
    )
}

impl Frozen {
    /// Sizes of the live blocks.
    pub(crate) fn sizes(&self) -> Vec<SizeClass> {
        timeline::sizes(self.blocks())
    }

    /// The live blocks, mappings included.
    fn blocks(&self) -> impl Iterator<Item = Block> {
        self.heap.blocks().chain(self.mappings.iter().filter_map(mapping_block))
    }

    /// Decides what is lost.
    pub(crate) fn decide(mut self) -> (Snapshot, Vec<Loss>) {
        let mut groups = Groups::default();
        match std::mem::replace(&mut self.image, Err(io::ErrorKind::NotFound.into())) {
            Ok(image) => self.decide_with(&image, &mut groups),
            Err(error) => {
                self.losses.push(Loss {
                    what: "what is lost and what can still be reached".to_owned(),
                    why: format!("the process's memory could not be read: {error}"),
                });
                self.blocks().for_each(|block| groups.add_live(&block));
            }
        }
        let (at_ms, reason, pause_ns) = (self.at_ms, self.reason, self.pause_ns);
        (Snapshot { at_ms, reason, pause_ns, groups: groups.finish() }, self.losses)
    }

    fn decide_with(&mut self, image: &Image, groups: &mut Groups) {
        if image.unread_bytes > 0 {
            self.losses.push(Loss {
                what: format!("{} bytes of memory", image.unread_bytes),
                why: "they could not be read; blocks that only they hold may be called lost".to_owned(),
            });
        }
        let heap_image = self.heap_image(image);
        let threads = if heap_image.blocks.len() < BLOCKS_MANY { 1 } else { cores() };
        let decided = classify(&heap_image, threads);
        drop(heap_image);
        let indirect = indirect_sums(&self.heap, &decided);
        for (index, block) in self.heap.blocks().enumerate() {
            groups.add(&block, decided.class[index], indirect.get(&(index as u32)).copied().unwrap_or_default());
        }
        for (mapping, is_referenced) in self.mappings.iter().zip(&decided.mapping_referenced) {
            let is_held = *is_referenced || is_program_break(mapping.slot.kind());
            let class = if is_held { Class::StillReachable } else { Class::DefinitelyLost };
            if let Some(block) = mapping_block(mapping) {
                groups.add(&block, class, (0, 0));
            }
        }
    }

    fn heap_image<'a>(&'a self, image: &'a Image) -> HeapImage<'a> {
        let program_break: Vec<(u64, u64)> = self
            .mappings
            .iter()
            .filter(|mapping| is_program_break(mapping.slot.kind()))
            .map(|mapping| (mapping.start, mapping.end))
            .collect();
        let dead_stacks = dead_stacks(image, &self.dead_stacks);
        let around = Surroundings {
            heap: &self.heap,
            dead_stacks: &dead_stacks,
            program_break: &program_break,
            allocator_memory: &self.allocator_memory,
            is_glibc: self.is_glibc,
        };
        HeapImage {
            blocks: &self.heap.ranges,
            memory: image.pieces.iter().map(|piece| MemoryRange { start: piece.start, bytes: &piece.bytes }).collect(),
            roots: roots(image, &around),
            root_words: image.registers.clone(),
            start_words: thread_vectors(image, &dead_stacks).into_iter().chain(linker_words(image)).collect(),
            mappings: self.mappings.iter().map(|mapping| (mapping.start, mapping.end)).collect(),
            vtable_spans: image
                .mappings
                .iter()
                .filter(|mapping| mapping.readable && !mapping.writable && mapping.inode != 0)
                .map(|mapping| (mapping.start, mapping.end))
                .collect(),
        }
    }
}

/// A thread's dynamic thread vector (the second word of its control block) is held by a pointer past its first element.
/// glibc keeps that of an ended thread with its stack, for the next one.
fn thread_vectors(image: &Image, dead_stacks: &[(u64, u64)]) -> Vec<u64> {
    let running = image.threads.iter().map(|thread| thread.thread_pointer);
    let ended = dead_stacks.iter().filter_map(|stack| control_block(image, *stack));
    running.chain(ended).filter_map(|thread| image.word(thread.checked_add(8)?)).collect()
}

/// What stands in the dynamic linker's own variables. It keeps its tables of code ranges by an aligned address inside
/// the block (`dl-find_object.c`), so any pointer there holds its block.
fn linker_words(image: &Image) -> Vec<u64> {
    let is_linker = |name: &str| name.rsplit('/').next().is_some_and(|file| file.starts_with("ld-linux"));
    let pieces = image.pieces.iter().filter(|piece| is_part_of(&image.mappings, piece.mapping, is_linker));
    let words = pieces.flat_map(|piece| piece.bytes.as_chunks::<8>().0);
    words.map(|word| u64::from_le_bytes(*word)).collect()
}

pub(crate) fn mapping_block(mapping: &LiveMapping) -> Option<Block> {
    Block::of(mapping.end - mapping.start, mapping.slot)
}

/// Blocks and bytes of each lost leader's followers.
fn indirect_sums(heap: &Heap, decided: &Classification) -> HashMap<u32, (u64, u64)> {
    let mut sums: HashMap<u32, (u64, u64)> = HashMap::new();
    for (index, block) in heap.ranges.iter().enumerate() {
        if decided.class[index] == Class::IndirectlyLost {
            let sum = sums.entry(decided.leader[index]).or_default();
            sum.0 += 1;
            sum.1 += block.bytes;
        }
    }
    sums
}

/// Live blocks summed by site, function and class.
#[derive(Default)]
pub(crate) struct Groups(HashMap<(u32, u8, Class), Group>);

impl Groups {
    pub(crate) fn add_live(&mut self, block: &Block) {
        self.add(block, Class::Live, (0, 0));
    }

    fn add(&mut self, block: &Block, class: Class, indirect: (u64, u64)) {
        // What a child inherited is its parent's to report.
        if block.kind == BlockKind::Inherited {
            return;
        }
        let birth_ms = BirthCode::ms(block.birth);
        let group = self.0.entry((block.site, block.kind as u8, class)).or_insert(Group {
            site: SiteIndex(block.site),
            allocator: allocator(block.kind),
            class,
            blocks: 0,
            bytes: 0,
            indirect_blocks: 0,
            indirect_bytes: 0,
            oldest_ms: birth_ms,
            newest_ms: birth_ms,
        });
        group.blocks += 1;
        group.bytes += block.bytes;
        group.indirect_blocks += indirect.0;
        group.indirect_bytes += indirect.1;
        group.oldest_ms = group.oldest_ms.min(birth_ms);
        group.newest_ms = group.newest_ms.max(birth_ms);
    }

    pub(crate) fn finish(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_unstable_by_key(|group| (group.site, group.allocator, group.class));
        groups
    }
}

/// The recording's word for a kind of block.
pub(crate) fn allocator(kind: BlockKind) -> AllocatorFunction {
    match kind {
        BlockKind::Inherited | BlockKind::Freed => AllocatorFunction::Inherited,
        BlockKind::Malloc => AllocatorFunction::Malloc,
        BlockKind::Calloc => AllocatorFunction::Calloc,
        BlockKind::Realloc => AllocatorFunction::Realloc,
        BlockKind::Memalign => AllocatorFunction::Memalign,
        BlockKind::New => AllocatorFunction::New,
        BlockKind::NewArray => AllocatorFunction::NewArray,
        BlockKind::NewAligned => AllocatorFunction::NewAligned,
        BlockKind::NewArrayAligned => AllocatorFunction::NewArrayAligned,
        BlockKind::Mmap => AllocatorFunction::Mmap,
        BlockKind::Brk => AllocatorFunction::Brk,
    }
}
