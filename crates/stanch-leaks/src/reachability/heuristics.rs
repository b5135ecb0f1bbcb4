//! Pointers into the middle of a block that are, by the custom of a compiler or library, how the block is held.
//!
//! The four customs that valgrind knows. A pointer that fits one counts as a pointer to the start.
use super::BlockRange;
use super::memory::Memory;

const WORD: u64 = 8;

/// Decides about pointers into the middle of blocks.
pub(super) struct Heuristics<'a> {
    memory: Memory<'a>,
    /// Sorted by start.
    vtable_spans: Vec<(u64, u64)>,
}

impl<'a> Heuristics<'a> {
    pub(super) fn new(memory: Memory<'a>, vtable_spans: &[(u64, u64)]) -> Self {
        let mut vtable_spans = vtable_spans.to_vec();
        vtable_spans.sort_unstable();
        Self { memory, vtable_spans }
    }

    /// True where `pointer`, which points into the middle of `block`, is as good as one to its start.
    pub(super) fn holds(&self, pointer: u64, block: BlockRange) -> bool {
        if !pointer.is_multiple_of(WORD) || !block.start.is_multiple_of(WORD) {
            return false;
        }
        let offset = pointer - block.start;
        self.is_new_array(offset, block)
            || self.has_length_before(offset, block)
            || self.is_reference_counted_string(offset, block)
            || self.is_second_base(offset, block)
    }

    /// `new T[n]` of types with destructors: the count is the word before the first element (Itanium C++ ABI 2.7), and
    /// a second word of padding comes first where elements are aligned to 16. `new T[0]` is nothing but the count.
    fn is_new_array(&self, offset: u64, block: BlockRange) -> bool {
        if (offset != WORD && offset != 2 * WORD) || block.bytes < offset {
            return false;
        }
        let elements = self.memory.word(block.start + offset - WORD);
        let elements_bytes = block.bytes - offset;
        match elements {
            0 => elements_bytes == 0,
            _ => 0 < elements_bytes && elements_bytes.is_multiple_of(elements),
        }
    }

    /// The length of the rest comes first, as SQLite keeps it.
    fn has_length_before(&self, offset: u64, block: BlockRange) -> bool {
        offset == WORD && WORD < block.bytes && self.memory.word(block.start) == block.bytes - WORD
    }

    /// `std::string` of libstdc++ before GCC 5: length, capacity, reference count, then the characters and a NUL.
    fn is_reference_counted_string(&self, offset: u64, block: BlockRange) -> bool {
        let capacity = || self.memory.word(block.start + WORD);
        offset == 3 * WORD
            && 3 * WORD < block.bytes
            && capacity() == block.bytes - 3 * WORD - 1
            && self.memory.word(block.start) <= capacity()
    }

    /// A pointer to a second base class: an object begins with a vtable pointer, and so do the bases within it.
    fn is_second_base(&self, offset: u64, block: BlockRange) -> bool {
        offset + WORD <= block.bytes
            && self.is_vtable(self.memory.word(block.start + offset))
            && self.is_vtable(self.memory.word(block.start))
    }

    fn is_vtable(&self, word: u64) -> bool {
        let after = self.vtable_spans.partition_point(|span| span.0 <= word);
        word.is_multiple_of(WORD) && self.vtable_spans[..after].last().is_some_and(|span| word < span.1)
    }
}
