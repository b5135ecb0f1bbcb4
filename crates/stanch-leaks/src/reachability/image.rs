//! What reachability is asked about, and its answer.
use stanch_recording::Class;
use std::fmt::Debug;

/// A live allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockRange {
    /// Address of its first byte.
    pub start: u64,
    /// Requested size in bytes; may be 0.
    pub bytes: u64,
}

impl BlockRange {
    /// The last address that still counts as a pointer into the block: one past the end of what glibc grants for its
    /// size, because programs use what `malloc_usable_size` says and keep end pointers. glibc puts 8 bytes of its own
    /// to a request, counts in 16 bytes and grants at least 24, so this is never where the next block starts: a
    /// stale pointer to a freed neighbour is no pointer to this block.
    pub(crate) fn last_pointer(self) -> u64 {
        let granted = self.bytes.saturating_add(8).checked_next_multiple_of(16).map_or(u64::MAX, |chunk| chunk - 8);
        self.start.saturating_add(granted.max(24))
    }
}

/// The memory of a process that stands still: what its blocks and roots hold.
pub trait Memory: Debug + Sync {
    /// What can be read, as (start, end), sorted by address and disjoint. Every start is a multiple of 8. Addresses
    /// outside were not readable or not present; they hold zeros.
    fn ranges(&self) -> Vec<(u64, u64)>;

    /// Fills `into` with what is at `start`, both inside one of the ranges. Gives the number of bytes read; where it is
    /// smaller than wanted the rest cannot be read.
    fn read(&self, start: u64, into: &mut [u8]) -> usize;
}

/// Some memory at hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryRange<'a> {
    /// Address of the first byte; a multiple of 8.
    pub start: u64,
    /// What was there.
    pub bytes: &'a [u8],
}

/// Memory that has been captured: ranges sorted by address and disjoint.
#[derive(Clone, Debug, Default)]
pub struct Captured<'a>(pub Vec<MemoryRange<'a>>);

impl Memory for Captured<'_> {
    fn ranges(&self) -> Vec<(u64, u64)> {
        self.0.iter().map(|range| (range.start, range.start + range.bytes.len() as u64)).collect()
    }

    fn read(&self, start: u64, into: &mut [u8]) -> usize {
        let at = self.0.partition_point(|range| range.start <= start);
        let Some(range) = self.0[..at].last() else { return 0 };
        let rest = range.bytes.get((start - range.start) as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        count
    }
}

/// What a pointer found in a root may point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointerPolicy {
    /// Any address in a block: its start makes it reachable, its middle possibly so.
    Any,
    /// Only its start counts. For the C library's own data, whose free lists point into the tails of live blocks.
    StartOnly,
}

/// Captured memory that is scanned for pointers although no block contains it: stacks, writable data, mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootSpan {
    /// Address of its first byte.
    pub start: u64,
    /// Address after its last byte.
    pub end: u64,
    /// Which pointers from here count.
    pub policy: PointerPolicy,
}

/// A process at one instant, as far as reachability needs it.
#[derive(Clone, Debug)]
pub struct HeapImage<'a> {
    /// The live blocks, sorted by address and disjoint.
    pub blocks: &'a [BlockRange],
    /// The contents of blocks and roots.
    pub memory: &'a dyn Memory,
    /// Where scanning starts; disjoint from the blocks.
    pub roots: Vec<RootSpan>,
    /// Values of registers.
    pub root_words: Vec<u64>,
    /// Values that count as pointers to the start of a block wherever in it they point, such as glibc's `dtv`
    /// pointers, which are 16 past the block.
    pub start_words: Vec<u64>,
    /// Tracked mappings as (start, end). Their contents belong to the roots; the question is only whether
    /// anything outside a mapping points into it.
    pub mappings: Vec<(u64, u64)>,
    /// Read-only data of modules as (start, end), where vtables live.
    pub vtable_spans: Vec<(u64, u64)>,
}

impl Default for HeapImage<'_> {
    fn default() -> Self {
        const NOTHING: &Captured<'_> = &Captured(Vec::new());
        Self {
            blocks: &[],
            memory: NOTHING,
            roots: Vec::new(),
            root_words: Vec::new(),
            start_words: Vec::new(),
            mappings: Vec::new(),
            vtable_spans: Vec::new(),
        }
    }
}

/// The answer, in the order of [`HeapImage::blocks`] and [`HeapImage::mappings`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Classification {
    /// For each block what is left of it.
    pub class: Vec<Class>,
    /// For each block that is indirectly lost the index of a definitely lost block that reaches it; for every other
    /// block its own index. Where several reach it, which one it is depends on nothing but the image.
    pub leader: Vec<u32>,
    /// For each mapping whether a root outside it, or a block that is not lost, points into it. A root that lets
    /// only start pointers count must point to the mapping's start.
    pub mapping_referenced: Vec<bool>,
}
