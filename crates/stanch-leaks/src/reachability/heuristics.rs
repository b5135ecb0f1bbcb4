//! Pointers into the middle of a block that are, by the custom of a compiler or library, how the block is held.
//!
//! The four customs that valgrind knows. A pointer that fits one counts as a pointer to the start.
use super::BlockRange;
use super::words::Words;

const WORD: u64 = 8;

/// Where vtables lie.
#[derive(Debug)]
pub(super) struct Vtables {
    /// Sorted by start.
    spans: Vec<(u64, u64)>,
    lowest: u64,
    highest: u64,
}

impl Vtables {
    pub(super) fn new(spans: &[(u64, u64)]) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_unstable();
        let lowest = spans.first().map_or(u64::MAX, |span| span.0);
        let highest = spans.iter().map(|span| span.1).max().unwrap_or(0);
        Self { spans, lowest, highest }
    }

    /// True where the word may point to a vtable.
    #[inline]
    pub(super) fn hold(&self, word: u64) -> bool {
        (self.lowest..self.highest).contains(&word) && self.search(word)
    }

    fn search(&self, word: u64) -> bool {
        let after = self.spans.partition_point(|span| span.0 <= word);
        word.is_multiple_of(WORD) && self.spans[..after].last().is_some_and(|span| word < span.1)
    }
}

/// True where a pointer into the middle of a block may be held by a custom. `begins_with_vtable` says what the block's
/// first word is.
pub(super) fn may_hold(pointer: u64, block: BlockRange, begins_with_vtable: bool) -> bool {
    let offset = pointer.wrapping_sub(block.start);
    let is_aligned = pointer.is_multiple_of(WORD) && block.start.is_multiple_of(WORD);
    is_aligned && (offset <= 3 * WORD || begins_with_vtable)
}

/// The addresses whose words [`Heuristics::holds`] asks for.
pub(super) fn words_needed(pointer: u64, block: BlockRange) -> [u64; 3] {
    [block.start, block.start.wrapping_add(WORD), pointer]
}

/// Decides about pointers into the middle of blocks.
pub(super) struct Heuristics<'a> {
    pub(super) words: &'a Words,
    pub(super) vtables: &'a Vtables,
}

impl Heuristics<'_> {
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
        let elements = self.words.at(block.start + offset - WORD);
        let elements_bytes = block.bytes - offset;
        match elements {
            0 => elements_bytes == 0,
            _ => 0 < elements_bytes && elements_bytes.is_multiple_of(elements),
        }
    }

    /// The length of the rest comes first, as SQLite keeps it.
    fn has_length_before(&self, offset: u64, block: BlockRange) -> bool {
        offset == WORD && WORD < block.bytes && self.words.at(block.start) == block.bytes - WORD
    }

    /// `std::string` of libstdc++ before GCC 5: length, capacity, reference count, then the characters and a NUL.
    fn is_reference_counted_string(&self, offset: u64, block: BlockRange) -> bool {
        let capacity = || self.words.at(block.start + WORD);
        offset == 3 * WORD
            && 3 * WORD < block.bytes
            && capacity() == block.bytes - 3 * WORD - 1
            && self.words.at(block.start) <= capacity()
    }

    /// A pointer to a second base class: an object begins with a vtable pointer, and so do the bases within it.
    fn is_second_base(&self, offset: u64, block: BlockRange) -> bool {
        offset + WORD <= block.bytes
            && self.vtables.hold(self.words.at(block.start + offset))
            && self.vtables.hold(self.words.at(block.start))
    }
}
