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
mod marks;
mod memory;
mod pool;
mod team;
mod trace;

pub use image::{BlockRange, Classification, HeapImage, MemoryRange, PointerPolicy, RootSpan};

use index::PointerIndex;
use mappings::MappingReferences;
use marks::Marks;
use memory::Memory;
use team::Team;

/// Classifies every block of a heap, on so many threads. The answer does not depend on their number.
///
/// Linear in the bytes scanned: each block is scanned once if it is reachable, and up to three times if it is lost.
/// Needs 6 bytes a block for the answer, up to 8 for pending work and an index of about 1.6 % of the heap's
/// address range. Blocks that are out of order or overlap make the answer wrong, never the call fail.
///
/// # Panics
///
/// On 2³¹ blocks or more.
pub fn classify(image: &HeapImage<'_>, threads: usize) -> Classification {
    let index = PointerIndex::build(image.blocks);
    let team = Team::new(image.blocks, &index, Memory::new(&image.memory), threads);
    let mappings = MappingReferences::new(&image.mappings);
    let marks = Marks::new(image.blocks.len());

    mark::from_roots(image, &team, &mappings, &marks);
    mark::possibly(&team, &mappings, &marks);
    let (class, leader) = lost::group(&team, &marks);

    Classification { class, leader, mapping_referenced: mappings.into_referenced() }
}
