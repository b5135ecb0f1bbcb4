//! Memory at one instant: what is live, and whether it can still be reached.
use crate::image::{Image, ThreadImage, is_part_of};
use crate::ledger::{Block, Heap, Ledger, LiveMapping};
use crate::roots::{Surroundings, control_block, dead_stacks, is_program_break, roots};
use crate::timeline;
use stanch_leaks::{BlockRange, Classification, HeapImage, MemoryRange, classify};
use stanch_ledger::{BirthCode, BlockKind, flag};
use stanch_process::{Pid, Stopped, Tid};
use stanch_recording::{AllocatorFunction, Class, Group, Loss, SiteIndex, SizeClass, Snapshot, SnapshotReason};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::*;

/// All that has to be taken while the process stands still. What it means is worked out afterwards.
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
    let mut frozen = freeze(pid, ledger, at_ms, SnapshotReason::Exit, &[ending], recorder);
    if let Ok(image) = &mut frozen.image {
        if header.exit_registers_valid.load(Acquire) != 0 {
            image.registers.extend(header.exit_registers.iter().map(|register| register.load(Relaxed)));
        }
        let stack_pointer = header.exit_stack.load(Acquire);
        image.threads.push(ThreadImage { stack_pointer, thread_pointer: 0 });
    }
    frozen
}

/// Takes what is needed from a running process; it goes on when this returns.
pub(crate) fn freeze_running(pid: Pid, ledger: &Ledger, at_ms: u64, reason: SnapshotReason, recorder: &str) -> Frozen {
    freeze(pid, ledger, at_ms, reason, &[], recorder)
}

fn freeze(pid: Pid, ledger: &Ledger, at_ms: u64, reason: SnapshotReason, except: &[Tid], recorder: &str) -> Frozen {
    let started = std::time::Instant::now();
    let mut losses = Vec::new();
    let stopped = stanch_process::stop(pid, except);
    let image = stopped.and_then(|stopped| {
        losses.extend(running_threads(&stopped));
        Image::copy(pid, &stopped, recorder).map(|image| (image, stopped))
    });
    let (heap, dead_stacks) = (ledger.heap(), ledger.dead_stacks());
    let (mappings, allocator_memory) = ledger.split_mappings();
    let image = image.map(|(image, stopped)| {
        drop(stopped);
        image
    });
    let pause_ns = if reason == SnapshotReason::Exit { 0 } else { started.elapsed().as_nanos() as u64 };
    let is_glibc = ledger.header().flags.load(Relaxed) & flag::FOREIGN_MALLOC == 0;
    Frozen { at_ms, reason, pause_ns, heap, mappings, allocator_memory, dead_stacks, is_glibc, image, losses }
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
    let heap = ledger.heap();
    let mut groups = Groups::default();
    for block in &heap.blocks {
        groups.add(block, Class::Live, (0, 0));
    }
    let mappings: Vec<Block> = ledger.split_mappings().0.iter().map(mapping_block).collect();
    mappings.iter().for_each(|mapping| groups.add(mapping, Class::Live, (0, 0)));
    let sizes = timeline::sizes(heap.blocks.iter().chain(&mappings));
    (Snapshot { at_ms, reason: SnapshotReason::Killed, pause_ns: 0, groups: groups.finish() }, sizes)
}

impl Frozen {
    /// Sizes of the live blocks.
    pub(crate) fn sizes(&self) -> Vec<SizeClass> {
        let mappings: Vec<Block> = self.mappings.iter().map(mapping_block).collect();
        timeline::sizes(self.heap.blocks.iter().chain(&mappings))
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
                let blocks = self.heap.blocks.iter().copied().chain(self.mappings.iter().map(mapping_block));
                blocks.for_each(|block| groups.add(&block, Class::Live, (0, 0)));
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
        let decided = classify(&heap_image);
        let indirect = indirect_sums(&self.heap.blocks, &decided);
        for (index, block) in self.heap.blocks.iter().enumerate() {
            groups.add(block, decided.class[index], indirect.get(&(index as u32)).copied().unwrap_or_default());
        }
        for (mapping, is_referenced) in self.mappings.iter().zip(&decided.mapping_referenced) {
            let is_held = *is_referenced || is_program_break(mapping.slot.kind());
            let class = if is_held { Class::StillReachable } else { Class::DefinitelyLost };
            groups.add(&mapping_block(mapping), class, (0, 0));
        }
    }

    fn heap_image<'a>(&self, image: &'a Image) -> HeapImage<'a> {
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
            blocks: self
                .heap
                .blocks
                .iter()
                .map(|block| BlockRange { start: block.address, bytes: block.bytes })
                .collect(),
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

fn mapping_block(mapping: &LiveMapping) -> Block {
    Block {
        address: mapping.start,
        bytes: mapping.end - mapping.start,
        site: mapping.slot.site(),
        kind: mapping.slot.kind().unwrap_or(BlockKind::Mmap),
        birth: mapping.slot.birth(),
    }
}

/// Blocks and bytes of each lost leader's followers.
fn indirect_sums(blocks: &[Block], decided: &Classification) -> HashMap<u32, (u64, u64)> {
    let mut sums: HashMap<u32, (u64, u64)> = HashMap::new();
    for (index, block) in blocks.iter().enumerate() {
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
struct Groups(HashMap<(u32, u8, Class), Group>);

impl Groups {
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

    fn finish(self) -> Vec<Group> {
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
