//! Which memory counts as a root: everything but the heap, dead stacks, and the unused parts of live
//! stacks.
use crate::heap::Heap;
use crate::image::{Image, is_part_of};
use stanch_leaks::{PointerPolicy, RootSpan};
use stanch_ledger::{BlockKind, LEAF_SPAN};

/// The part of the stack below its pointer that leaf functions may use without moving it (x86-64 ABI).
const RED_ZONE_BYTES: u64 = 128;

/// What the ledger knows of memory that is no block.
pub(crate) struct Surroundings<'a> {
    pub(crate) heap: &'a Heap,
    /// Stacks of threads that have ended.
    pub(crate) dead_stacks: &'a [(u64, u64)],
    /// Parts of the program break that the program itself asked for.
    pub(crate) program_break: &'a [(u64, u64)],
    /// Memory that another allocator than glibc's mapped for itself.
    pub(crate) allocator_memory: &'a [(u64, u64)],
    /// True where glibc's malloc stands behind the heap.
    pub(crate) is_glibc: bool,
}

/// The roots in memory, sorted and disjoint from blocks.
pub(crate) fn roots(image: &Image, around: &Surroundings<'_>) -> Vec<RootSpan> {
    let not_roots = excluded(image, around);
    let mut roots = Vec::new();
    let mut next = 0;
    for run in &image.runs {
        let (start, end) = (run.start, run.end);
        let policy = policy(image, run.mapping);
        let mut at = start;
        while next > 0 && not_roots[next - 1].1 > at {
            next -= 1;
        }
        while next < not_roots.len() && not_roots[next].0 < end {
            let (first, last) = not_roots[next];
            if first > at {
                roots.push(RootSpan { start: at, end: first & !7, policy });
            }
            at = at.max(last.saturating_add(7) & !7);
            next += 1;
        }
        if at < end {
            roots.push(RootSpan { start: at, end, policy });
        }
    }
    roots.retain(|root| root.start < root.end);
    roots
}

/// glibc's own data points into the tails of blocks (its lists of free chunks name the word before a chunk), so only
/// pointers to the start of a block count there.
fn policy(image: &Image, mapping: usize) -> PointerPolicy {
    let is_libc = |name: &str| {
        name.rsplit('/').next().is_some_and(|file| file.starts_with("libc.so.6") || file.starts_with("libc-2."))
    };
    if is_part_of(&image.mappings, mapping, is_libc) { PointerPolicy::StartOnly } else { PointerPolicy::Any }
}

/// Ranges that are no roots: sorted, disjoint.
fn excluded(image: &Image, around: &Surroundings<'_>) -> Vec<(u64, u64)> {
    let mut ranges = around.allocator_memory.to_vec();
    if around.is_glibc {
        ranges.extend(program_heap(image, around));
        ranges.extend(arenas(image, around.heap));
    }
    ranges.extend(unused_stacks(image));
    ranges.extend_from_slice(around.dead_stacks);
    let ranges = merged(ranges);
    // Nearly all blocks lie in one of these; there are too many of them to list.
    let blocks = around.heap.ranges.iter().map(|block| (block.start, block.start.saturating_add(block.bytes)));
    let apart: Vec<(u64, u64)> = blocks
        .chain(around.heap.freed.iter().copied())
        .filter(|(start, end)| {
            let after = ranges.partition_point(|range| range.0 <= *start);
            ranges[..after].last().is_none_or(|range| range.1 < *end)
        })
        .collect();
    merged([ranges, apart].concat())
}

/// The ranges in the order of addresses, those that meet as one.
fn merged(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The program break is glibc's main arena, but for what the program took of it by itself.
fn program_heap(image: &Image, around: &Surroundings<'_>) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    for mapping in image.mappings.iter().filter(|mapping| mapping.name == "[heap]") {
        let mut at = mapping.start;
        for (start, end) in around.program_break {
            if (mapping.start..mapping.end).contains(start) {
                parts.push((at, *start));
                at = *end;
            }
        }
        parts.push((at, mapping.end));
    }
    parts.retain(|(start, end)| start < end);
    parts
}

/// glibc's other arenas: 64 MiB regions, aligned to their size, that begin with a `heap_info`.
fn arenas(image: &Image, heap: &Heap) -> Vec<(u64, u64)> {
    let mut arenas = Vec::new();
    let mut last = u64::MAX;
    let addresses = heap.ranges.iter().map(|block| block.start).chain(heap.freed.iter().map(|freed| freed.0));
    for address in addresses {
        let base = address & !(LEAF_SPAN - 1);
        if base != last {
            last = base;
            arenas.extend(arena_at(image, base));
        }
    }
    arenas
}

fn arena_at(image: &Image, base: u64) -> Option<(u64, u64)> {
    // `heap_info`: pointer to the arena, previous heap, size in use, size that may be written.
    let (arena, size) = (image.word(base)?, image.word(base + 16)?);
    let looks_right = size != 0 && size <= LEAF_SPAN && size % 4096 == 0 && arena % LEAF_SPAN < 4096;
    let is_arena = looks_right && image.word(arena & !(LEAF_SPAN - 1)) == Some(arena);
    is_arena.then_some((base, base + size))
}

/// Below each thread's stack pointer there is nothing. (A thread whose stack is not its own mapping, a coroutine's,
/// leaves all of that as roots.)
fn unused_stacks(image: &Image) -> impl Iterator<Item = (u64, u64)> {
    image.threads.iter().filter_map(|thread| {
        let pointer = thread.stack_pointer.saturating_sub(RED_ZONE_BYTES);
        let mapping = &image.mappings[image.mapping_at(thread.stack_pointer)?];
        let is_stack = mapping.name == "[stack]" || (mapping.start..mapping.end).contains(&thread.thread_pointer);
        (is_stack && mapping.start < pointer).then_some((mapping.start, pointer))
    })
}

/// Stacks of ended threads that glibc keeps for the next ones: those that the ledger knows, and those that show by the
/// control block at their top. One that has been taken into use again, as a stack or as part of a module, is not dead.
pub(crate) fn dead_stacks(image: &Image, known: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let in_use = |start: u64, end: u64| {
        let by_thread = image.threads.iter().any(|thread| {
            (start..end).contains(&thread.stack_pointer) || (start..end).contains(&thread.thread_pointer)
        });
        let by_other = image
            .mapping_at(start)
            .zip(image.mapping_at(end - 1))
            .is_none_or(|(first, last)| (first..=last).any(|mapping| !image.mappings[mapping].name.is_empty()));
        by_thread || by_other
    };
    let mut stacks: Vec<(u64, u64)> = known.iter().copied().chain(guarded_stacks(image)).collect();
    stacks.sort_unstable();
    stacks.dedup();
    stacks.retain(|(start, end)| !in_use(*start, *end));
    stacks
}

/// Anonymous mappings above a guard page with a thread's control block at the top.
fn guarded_stacks(image: &Image) -> impl Iterator<Item = (u64, u64)> {
    image.mappings.windows(2).filter_map(|pair| {
        let (guard, stack) = (&pair[0], &pair[1]);
        let is_guard = !guard.readable && !guard.writable && guard.name.is_empty() && guard.end == stack.start;
        let range = (stack.start, stack.end);
        let is_stack = is_guard && stack.writable && !stack.shared && stack.name.is_empty();
        (is_stack && control_block(image, range).is_some()).then_some(range)
    })
}

/// The control block at the top of a thread's stack: its first and third words are its own address (x86-64 TLS ABI).
pub(crate) fn control_block(image: &Image, (start, end): (u64, u64)) -> Option<u64> {
    const SEARCH_BYTES: u64 = 16 << 10;
    const ALIGNMENT: u64 = 64;
    const PAGE_BYTES: u64 = 4096;
    let lowest = end.saturating_sub(SEARCH_BYTES).max(start).next_multiple_of(ALIGNMENT);
    // Not all of its pages need be there.
    let page_of = |address: u64| address & !(PAGE_BYTES - 1);
    (page_of(lowest)..end).step_by(PAGE_BYTES as usize).find_map(|page| {
        let words = image.words(page, page + PAGE_BYTES);
        let holds_itself = |at: usize, address: u64| words.get(at) == Some(&address);
        (page..page + PAGE_BYTES).step_by(ALIGNMENT as usize).filter(|address| (lowest..end).contains(address)).find(
            |address| {
                let at = ((address - page) / 8) as usize;
                holds_itself(at, *address) && holds_itself(at + 2, *address)
            },
        )
    })
}

/// Kinds that are ranges of memory the program asked for itself.
pub(crate) fn is_program_break(kind: Option<BlockKind>) -> bool {
    kind == Some(BlockKind::Brk)
}
