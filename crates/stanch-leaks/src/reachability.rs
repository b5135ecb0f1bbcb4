//! Which blocks of a frozen heap a program can still reach, in valgrind's terms.
//!
//! The scan is conservative: every aligned word that looks like a pointer into a block is one.
//! See [`HeapImage`] for what the caller brings and [`crate::naive`] for the same answer said slowly.
mod heuristics;
mod image;
mod index;
mod lost;
mod mappings;
mod mark;
mod memory;
mod trace;

pub use image::{BlockRange, Classification, HeapImage, MemoryRange, PointerPolicy, RootSpan};

use index::PointerIndex;
use mappings::MappingReferences;
use memory::Memory;
use stanch_recording::Class;
use trace::Trace;

/// Classifies every block of a heap.
///
/// Linear in the bytes scanned: each block is scanned once if it is reachable, and up to three times if it is lost.
/// Needs 5 bytes a block for the answer, up to 8 for pending work and an index of about 1.6 % of the heap's
/// address range. Blocks that are out of order or overlap make the answer wrong, never the call fail.
///
/// # Panics
///
/// On 2³¹ blocks or more.
pub fn classify(image: &HeapImage<'_>) -> Classification {
    let index = PointerIndex::build(image.blocks);
    let memory = Memory::new(&image.memory);
    let mut trace = Trace::new(image.blocks, &index, memory);
    let mut mappings = MappingReferences::new(&image.mappings);
    let mut class = vec![Class::DefinitelyLost; image.blocks.len()];

    mark::from_roots(image, &mut trace, &mut mappings, &mut class);
    mark::possibly(&mut trace, &mut mappings, &mut class);
    let leader = lost::group(&mut trace, &mut class);

    Classification { class, leader, mapping_referenced: mappings.into_referenced() }
}
