//! Which blocks of a frozen heap a program can still reach, in valgrind's terms.
//!
//! The scan is conservative: every aligned word that looks like a pointer into a block is one.
//! See [`HeapImage`] for what the caller brings and [`crate::naive`] for the same answer said slowly.
//!
//! First memory is read, once and in order, and reduced to which block points to which ([`Pointers::read`]). From then
//! on neither the process nor a copy of its memory is needed ([`Pointers::classify`]).
mod edges;
mod gather;
mod heuristics;
mod image;
mod index;
mod lost;
mod mappings;
mod mark;
mod marks;
mod middles;
mod pool;
mod team;
mod trace;
mod words;

pub use image::{BlockRange, Captured, Classification, HeapImage, Memory, MemoryRange, PointerPolicy, RootSpan};

use edges::Edges;
use gather::{Begins, Gathered, Gatherer, Shared, Source};
use heuristics::Vtables;
use index::PointerIndex;
use mappings::Mappings;
use marks::{Mark, Marks};
use team::Team;

/// What a frozen heap's memory says: which block points to which, and which ones the roots point to.
#[derive(Debug)]
pub struct Pointers {
    edges: Edges,
    marks: Marks,
    mappings: Mappings,
    /// From a block to a mapping's position.
    to_mappings: Vec<(u32, u32)>,
    unread_bytes: u64,
}

impl Pointers {
    /// Reads the memory of a heap, each byte once, on so many threads.
    ///
    /// Needs about 2 MiB a thread, 4 bytes a block, 4 bytes for each pointer between blocks and 12 more for one to a
    /// middle, and meanwhile an index of about 1.6 % of the heap's address range. Blocks that are out of order or
    /// overlap make the answer wrong, never the call fail.
    ///
    /// # Panics
    ///
    /// On 2³¹ blocks or more.
    pub fn read(image: &HeapImage<'_>, threads: usize) -> Self {
        let index = PointerIndex::build(image.blocks);
        let marks = Marks::new(image.blocks.len());
        let mappings = Mappings::new(&image.mappings);
        let vtables = Vtables::new(&image.vtable_spans);
        let begins = Begins::new(image.blocks.len());
        let mut roots = image.roots.clone();
        roots.sort_unstable_by_key(|root| root.start);
        let shared = Shared {
            image,
            roots: &roots,
            index: &index,
            marks: &marks,
            mappings: &mappings,
            vtables: &vtables,
            begins: &begins,
        };
        let parts = gather::parts(image);
        let mut gathered = team::each(&parts, threads, || {
            let mut gatherer = Gatherer::new(&shared);
            move |part| gatherer.read(*part)
        });
        let mut gatherer = Gatherer::new(&shared);
        let from_registers = gatherer.read_words(&image.root_words, Source::Root);
        gatherer.read_words(&image.start_words, Source::AllStarts);
        gathered.push(from_registers);
        middles::decide(&shared, &mut gathered);
        let unread_bytes = gathered.iter().map(|found| found.unread_bytes).sum();
        let to_mappings = gathered.iter().flat_map(|found| found.to_mappings.iter().copied()).collect();
        let parts = gathered.into_iter().map(|found: Gathered| found.part).filter(|part| !part.ends.is_empty());
        let edges = Edges::new(parts.collect(), image.blocks.len());
        Self { edges, marks, mappings, to_mappings, unread_bytes }
    }

    /// Bytes of the memory that could not be read.
    pub fn unread_bytes(&self) -> u64 {
        self.unread_bytes
    }

    /// Classifies every block, on so many threads. The answer does not depend on their number.
    ///
    /// Each block's pointers are followed once if it is reachable, and up to three times if it is lost. Needs 6 bytes a
    /// block for the answer and up to 8 for pending work.
    pub fn classify(self, threads: usize) -> Classification {
        let Self { edges, marks, mappings, to_mappings, .. } = self;
        let team = Team::new(&edges, threads);
        mark::from_roots(&team, &marks);
        mark::possibly(&team, &marks);
        for (block, mapping) in to_mappings {
            if !marks.is_below(block, Mark::Possible) {
                mappings.note_position(mapping);
            }
        }
        let (class, leader) = lost::group(&team, &marks);
        Classification { class, leader, mapping_referenced: mappings.into_referenced() }
    }
}

/// Reads a heap and classifies its blocks: [`Pointers::read`], then [`Pointers::classify`].
///
/// # Panics
///
/// On 2³¹ blocks or more.
pub fn classify(image: &HeapImage<'_>, threads: usize) -> Classification {
    Pointers::read(image, threads).classify(threads)
}
