//! Tracked mappings: does anything outside one point into it?
use super::PointerPolicy;
use super::words::words;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Collects which mappings were seen to be pointed to.
#[derive(Debug)]
pub(super) struct Mappings {
    /// (start, end, position in the image), sorted.
    mappings: Vec<(u64, u64, usize)>,
    referenced: Vec<AtomicBool>,
}

impl Mappings {
    pub(super) fn new(mappings: &[(u64, u64)]) -> Self {
        let mut sorted: Vec<_> = mappings.iter().enumerate().map(|(i, &(start, end))| (start, end, i)).collect();
        sorted.sort_unstable();
        Self { mappings: sorted, referenced: mappings.iter().map(|_| AtomicBool::new(false)).collect() }
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
        self.referenced[position as usize].store(true, Relaxed);
    }

    /// Notes a pointer that lies in no memory.
    pub(super) fn note_word(&self, word: u64) {
        if let Some(&(_, _, position)) = self.find(word) {
            self.referenced[position].store(true, Relaxed);
        }
    }

    pub(super) fn into_referenced(self) -> Vec<bool> {
        self.referenced.into_iter().map(AtomicBool::into_inner).collect()
    }

    /// Finds the pointers from some content at `address` to mappings that it is not part of: each one's position, and
    /// whether it points to the start.
    #[inline]
    pub(super) fn find_in(&self, address: u64, bytes: &[u8], each: impl FnMut(u32, bool)) {
        if !self.mappings.is_empty() {
            self.find_some(address, bytes, each);
        }
    }

    fn find_some(&self, address: u64, bytes: &[u8], mut each: impl FnMut(u32, bool)) {
        let (lowest, highest) = (self.mappings[0].0, self.mappings[self.mappings.len() - 1].1);
        for (word, at) in words(bytes).zip((address..).step_by(8)) {
            if word < lowest || highest <= word {
                continue;
            }
            if let Some(&(start, end, position)) = self.find(word)
                && (at < start || end <= at)
            {
                each(position as u32, word == start);
            }
        }
    }

    fn find(&self, word: u64) -> Option<&(u64, u64, usize)> {
        let after = self.mappings.partition_point(|mapping| mapping.0 <= word);
        self.mappings[..after].last().filter(|mapping| word < mapping.1)
    }
}
