//! Tracked mappings: does anything outside one point into it?
use super::PointerPolicy;
use super::memory::words;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Collects which mappings were seen to be pointed to.
pub(super) struct MappingReferences {
    /// (start, end, position in the image), sorted.
    mappings: Vec<(u64, u64, usize)>,
    referenced: Vec<AtomicBool>,
}

impl MappingReferences {
    pub(super) fn new(mappings: &[(u64, u64)]) -> Self {
        let mut sorted: Vec<_> = mappings.iter().enumerate().map(|(i, &(start, end))| (start, end, i)).collect();
        sorted.sort_unstable();
        Self { mappings: sorted, referenced: mappings.iter().map(|_| AtomicBool::new(false)).collect() }
    }

    /// Notes the pointers in some content at `address`.
    #[inline]
    pub(super) fn note(&self, address: u64, bytes: &[u8], policy: PointerPolicy) {
        if !self.mappings.is_empty() {
            self.note_some(address, bytes, policy);
        }
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

    fn note_some(&self, address: u64, bytes: &[u8], policy: PointerPolicy) {
        let (lowest, highest) = (self.mappings[0].0, self.mappings[self.mappings.len() - 1].1);
        for (word, at) in words(bytes).zip((address..).step_by(8)) {
            if word < lowest || highest <= word {
                continue;
            }
            if let Some(&(start, end, position)) = self.find(word) {
                let from_outside = at < start || end <= at;
                let counts = policy == PointerPolicy::Any || word == start;
                if from_outside && counts {
                    self.referenced[position].store(true, Relaxed);
                }
            }
        }
    }

    fn find(&self, word: u64) -> Option<&(u64, u64, usize)> {
        let after = self.mappings.partition_point(|mapping| mapping.0 <= word);
        self.mappings[..after].last().filter(|mapping| word < mapping.1)
    }
}
