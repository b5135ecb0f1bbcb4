//! From a process that stands still to what its memory says: which block points to which, and what the roots point to.
use crate::heap::Heap;
use crate::image::{Image, is_part_of};
use crate::ledger::LiveMapping;
use crate::roots::{Surroundings, control_block, dead_stacks, is_program_break, roots};
use crate::work::cores;
use stanch_leaks::{HeapImage, Pointers};

/// Fewer blocks are not worth a second thread.
const BLOCKS_MANY: usize = 4096;

/// What the ledger knows beside blocks.
#[derive(Debug)]
pub(crate) struct Known {
    /// Mappings that the program made itself.
    pub(crate) mappings: Vec<LiveMapping>,
    /// Memory that another allocator than glibc's mapped for itself.
    pub(crate) allocator_memory: Vec<(u64, u64)>,
    /// Stacks of threads that have ended.
    pub(crate) dead_stacks: Vec<(u64, u64)>,
    /// True where glibc's malloc stands behind the heap.
    pub(crate) is_glibc: bool,
}

/// How many threads a heap is worth.
pub(crate) fn threads(heap: &Heap) -> usize {
    if heap.ranges.len() < BLOCKS_MANY { 1 } else { cores() }
}

/// Reads all memory that may hold pointers.
pub(crate) fn read(image: &Image, heap: &Heap, known: &Known) -> Pointers {
    let program_break: Vec<(u64, u64)> = known
        .mappings
        .iter()
        .filter(|mapping| is_program_break(mapping.slot.kind()))
        .map(|mapping| (mapping.start, mapping.end))
        .collect();
    let dead_stacks = dead_stacks(image, &known.dead_stacks);
    let around = Surroundings {
        heap,
        dead_stacks: &dead_stacks,
        program_break: &program_break,
        allocator_memory: &known.allocator_memory,
        is_glibc: known.is_glibc,
    };
    let heap_image = HeapImage {
        blocks: &heap.ranges,
        memory: image,
        roots: roots(image, &around),
        root_words: image.registers.clone(),
        start_words: thread_vectors(image, &dead_stacks).into_iter().chain(linker_words(image)).collect(),
        mappings: known.mappings.iter().map(|mapping| (mapping.start, mapping.end)).collect(),
        vtable_spans: image
            .mappings
            .iter()
            .filter(|mapping| mapping.readable && !mapping.writable && mapping.inode != 0)
            .map(|mapping| (mapping.start, mapping.end))
            .collect(),
    };
    Pointers::read(&heap_image, threads(heap))
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
    let runs = image.runs.iter().filter(|run| is_part_of(&image.mappings, run.mapping, is_linker));
    runs.flat_map(|run| image.words(run.start, run.end)).collect()
}
