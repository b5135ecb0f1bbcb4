//! Memory at one instant: what is live, and whether it can still be reached.
use crate::heap::{Block, Heap};
use crate::image::{Image, Source, ThreadImage};
use crate::ledger::{Ledger, LiveMapping, Tables};
use crate::reading::{self, Known};
use crate::roots::is_program_break;
use crate::timeline;
use crate::work::at_leisure;
use stanch_leaks::{Classification, Pointers};
use stanch_ledger::{BirthCode, BlockKind, flag};
use stanch_process::{ForkError, Pid, Stopped, SystemCallSite, Tid};
use stanch_recording::{AllocatorFunction, Class, Group, Loss, SiteIndex, SizeClass, Snapshot, SnapshotReason};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::*;
use std::time::Instant;

/// What was taken of a process at one instant. What it means is worked out afterwards.
#[derive(Debug)]
pub(crate) struct Frozen {
    at_ms: u64,
    reason: SnapshotReason,
    pause_ns: u64,
    heap: Heap,
    known: Known,
    pointers: io::Result<Pointers>,
    pub(crate) losses: Vec<Loss>,
}

/// Takes what is needed from a process at its end: the thread that ends it waits for us, the others are stopped here.
pub(crate) fn freeze_at_exit(pid: Pid, ledger: &Ledger, at_ms: u64, recorder: &str) -> Frozen {
    let header = ledger.header();
    let ending = Tid(header.exit_tid.load(Acquire));
    let stopped = stanch_process::stop(pid, &[ending]);
    let mut standing = Standing::find(ledger, pid, &stopped, recorder);
    if let Ok(image) = &mut standing.image {
        if header.exit_registers_valid.load(Acquire) != 0 {
            image.registers.extend(header.exit_registers.iter().map(|register| register.load(Relaxed)));
        }
        let stack_pointer = header.exit_stack.load(Acquire);
        let thread_pointer = header.exit_thread_pointer.load(Acquire);
        image.threads.push(ThreadImage { stack_pointer, thread_pointer });
    }
    standing.freeze(ledger, at_ms, SnapshotReason::Exit)
}

/// Takes what is needed from a running process, which stands still only while the kernel makes a copy-on-write image of
/// it, or, where that cannot be, while its memory is read.
pub(crate) fn freeze_running(pid: Pid, ledger: &Ledger, at_ms: u64, reason: SnapshotReason, recorder: &str) -> Frozen {
    ledger.clear_undo();
    let mappings_before = stanch_process::maps(pid).unwrap_or_default();
    let site = SystemCallSite::find(pid, &mappings_before, recorder);
    let started = Instant::now();
    let mut stopped = stanch_process::stop(pid, &[]);
    let forked = match &mut stopped {
        Ok(stopped) => site.map_err(ForkError::from).and_then(|site| stopped.fork(pid, site)).map_err(Some),
        Err(_) => Err(None),
    };
    let (mut frozen, pause) = match (forked, stopped) {
        (Ok(process), Ok(stopped)) => {
            let undo = ledger.begin_undo();
            let tables = ledger.tables();
            let losses = running_threads(&stopped).into_iter().collect();
            let threads = stopped.resume();
            let pause = started.elapsed();
            let source = Source { frozen: process.pid(), live: stanch_process::memory_id(pid), mappings_before };
            let frozen = at_leisure(|| {
                let heap = Heap::read(ledger, &tables);
                drop(undo);
                let image = Image::find(&source, &threads, recorder);
                Standing { tables, heap, image, losses }.freeze(ledger, at_ms, reason)
            });
            (frozen, pause)
        }
        (forked, stopped) => {
            let mut standing = Standing::find(ledger, pid, &stopped, recorder);
            if let Err(Some(error)) = forked {
                standing.losses.push(Loss {
                    what: "a fork of the program".to_owned(),
                    why: format!("it stood still until its memory was read: {error}"),
                });
            }
            let frozen = standing.freeze(ledger, at_ms, reason);
            drop(stopped);
            (frozen, started.elapsed())
        }
    };
    frozen.pause_ns = pause.as_nanos() as u64;
    frozen
}

/// What there is of a process that stands still.
struct Standing {
    tables: Tables,
    heap: Heap,
    image: io::Result<Image>,
    losses: Vec<Loss>,
}

impl Standing {
    fn find(ledger: &Ledger, pid: Pid, stopped: &io::Result<Stopped>, recorder: &str) -> Self {
        let pid = stanch_process::memory_id(pid);
        let source = Source { frozen: pid, live: pid, mappings_before: Vec::new() };
        let losses = stopped.as_ref().ok().and_then(running_threads).into_iter().collect();
        let image = match stopped {
            Ok(stopped) => Image::find(&source, &stopped.threads, recorder),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let tables = ledger.tables();
        let heap = Heap::read(ledger, &tables);
        Self { tables, heap, image, losses }
    }

    /// Reads the memory. From here on the process need not stand still any more.
    fn freeze(self, ledger: &Ledger, at_ms: u64, reason: SnapshotReason) -> Frozen {
        let Self { tables, heap, image, mut losses } = self;
        let (mappings, allocator_memory) = ledger.split_mappings(tables.mappings);
        let is_glibc = ledger.header().flags.load(Relaxed) & flag::FOREIGN_MALLOC == 0;
        let known = Known { mappings, allocator_memory, dead_stacks: tables.dead_stacks, is_glibc };
        let pointers = image.map(|image| reading::read(&image, &heap, &known));
        let unread_bytes = pointers.as_ref().map_or(0, Pointers::unread_bytes);
        if unread_bytes > 0 {
            losses.push(Loss {
                what: format!("{unread_bytes} bytes of memory"),
                why: "they could not be read; blocks that only they hold may be called lost".to_owned(),
            });
        }
        Frozen { at_ms, reason, pause_ns: 0, heap, known, pointers, losses }
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
        self.heap.blocks().chain(self.known.mappings.iter().filter_map(mapping_block))
    }

    /// Decides what is lost.
    pub(crate) fn decide(mut self) -> (Snapshot, Vec<Loss>) {
        let mut groups = Groups::default();
        match std::mem::replace(&mut self.pointers, Err(io::ErrorKind::NotFound.into())) {
            Ok(pointers) => self.decide_with(pointers, &mut groups),
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

    fn decide_with(&self, pointers: Pointers, groups: &mut Groups) {
        let decided = pointers.classify(reading::threads(&self.heap));
        let indirect = indirect_sums(&self.heap, &decided);
        for (index, block) in self.heap.blocks().enumerate() {
            groups.add(&block, decided.class[index], indirect.get(&(index as u32)).copied().unwrap_or_default());
        }
        for (mapping, is_referenced) in self.known.mappings.iter().zip(&decided.mapping_referenced) {
            let is_held = *is_referenced || is_program_break(mapping.slot.kind());
            let class = if is_held { Class::StillReachable } else { Class::DefinitelyLost };
            if let Some(block) = mapping_block(mapping) {
                groups.add(&block, class, (0, 0));
            }
        }
    }
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
