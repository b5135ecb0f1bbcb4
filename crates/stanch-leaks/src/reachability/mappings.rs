//! Tracked mappings: does anything outside one point into it?
use super::PointerPolicy;
use super::words::words;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Collects which mappings were seen to be pointed to.
#[derive(Debug)]
pub(super) struct Mappings {
    /// (start, end, position in the image), sorted.
    mappings: Vec<(u64, u64, usize)>,
    referenced: Vec<AtomicBool>,
    /// How many are not.
    unreferenced: AtomicUsize,
}

impl Mappings {
    pub(super) fn new(mappings: &[(u64, u64)]) -> Self {
        let mut sorted: Vec<_> = mappings.iter().enumerate().map(|(i, &(start, end))| (start, end, i)).collect();
        sorted.sort_unstable();
        let referenced = mappings.iter().map(|_| AtomicBool::new(false)).collect();
        Self { mappings: sorted, referenced, unreferenced: AtomicUsize::new(mappings.len()) }
    }

    /// Notes the pointers in some content at `address`.
    #[inline]
    pub(super) fn note(&self, address: u64, bytes: &[u8], policy: PointerPolicy) {
        self.find_in(address, bytes, |position, is_start| {
            if policy == PointerPolicy::Any || is_start {
                self.note_position(position);
            }
        });
    }

    /// Notes a mapping by its position.
    pub(super) fn note_position(&self, position: u32) {
        if !self.referenced[position as usize].swap(true, Relaxed) {
            self.unreferenced.fetch_sub(1, Relaxed);
        }
    }

    /// Notes a pointer that lies in no memory.
    pub(super) fn note_word(&self, word: u64) {
        if let Some(&(_, _, position)) = self.find(word) {
            self.note_position(position as u32);
        }
    }

    pub(super) fn into_referenced(self) -> Vec<bool> {
        self.referenced.into_iter().map(AtomicBool::into_inner).collect()
    }

    /// Finds the pointers from some content at `address` to mappings that it is not part of and that nothing is known
    /// to refer to yet: each one's position, and whether it points to the start.
    #[inline]
    pub(super) fn find_in(&self, address: u64, bytes: &[u8], each: impl FnMut(u32, bool)) {
        if self.unreferenced.load(Relaxed) > 0 {
            self.find_some(address, bytes, each);
        }
    }

    fn find_some(&self, address: u64, bytes: &[u8], mut each: impl FnMut(u32, bool)) {
        let (lowest, highest) = (self.mappings[0].0, self.mappings[self.mappings.len() - 1].1);
        // Pointers to one place come in crowds.
        let (mut last_start, mut last_end) = (0, 0);
        for (word, at) in words(bytes).zip((address..).step_by(8)) {
            if word < lowest || highest <= word || (last_start..last_end).contains(&word) {
                continue;
            }
            let Some(&(start, end, position)) = self.find(word) else { continue };
            if self.referenced[position].load(Relaxed) {
                (last_start, last_end) = (start, end);
            } else if at < start || end <= at {
                each(position as u32, word == start);
            }
        }
    }

    fn find(&self, word: u64) -> Option<&(u64, u64, usize)> {
        let after = self.mappings.partition_point(|mapping| mapping.0 <= word);
        self.mappings[..after].last().filter(|mapping| word < mapping.1)
    }
}
