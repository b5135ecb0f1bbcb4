//! What each site holds now, from the counters alone: cheaper than going through the slots, and cheap enough to be
//! done many times a second while the program runs.
use super::Ledger;
use crate::sampled;
use stanch_ledger::{COUNTERS_PER_EXTENT, Counters, EXTENT_BYTES, EXTENTS, extent};
use std::mem::offset_of;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering::*;

/// What one site holds, over all threads; an estimate where blocks are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
    pub(crate) allocations: u64,
}

impl Ledger {
    /// Writes what each site holds into `held`, by site number; mappings included, the allocator's own left out.
    /// Counters are read while threads write them: each number is one that was true a moment ago.
    pub(crate) fn held(&self, held: &mut Vec<Held>) {
        let count = self.header().site_count.load(Acquire) as usize;
        held.clear();
        held.resize(count, Held::default());
        let mut buffer = vec![0; EXTENT_BYTES];
        for (index, entry) in self.extents() {
            let first = (entry & extent::INDEX) as usize * COUNTERS_PER_EXTENT;
            if entry & !extent::INDEX != extent::COUNTERS || first >= count {
                continue;
            }
            let length = (count - first).min(COUNTERS_PER_EXTENT) * size_of::<Counters>();
            if self.file.read_exact_at(&mut buffer[..length], EXTENTS + (index * EXTENT_BYTES) as u64).is_ok() {
                let counters = buffer[..length].as_chunks::<{ size_of::<Counters>() }>().0;
                held[first..].iter_mut().zip(counters).for_each(|(held, raw)| held.add(raw));
            }
        }
        held.iter_mut().for_each(Held::settle);
        if sampled::mean_bytes(self).is_some() {
            held.iter_mut().for_each(Held::count_whole_blocks);
        }
        for mapping in self.split_mappings(self.mappings()).0 {
            if let Some(held) = held.get_mut(mapping.slot.site() as usize) {
                held.bytes = held.bytes.saturating_add(mapping.end - mapping.start);
                held.blocks += 1;
            }
        }
    }

    /// Live bytes of the allocation functions: what threads handed in, and what they have not handed in yet.
    pub(crate) fn heap_bytes(&self) -> u64 {
        let live = self.header().live_bytes.load(Relaxed);
        self.threads().iter().fold(live, |live, thread| live.wrapping_add(thread.net_bytes)).max(0) as u64
    }

    /// Live bytes of anonymous mappings. `None` where another allocator than glibc's makes some of its own, and only
    /// the sites tell them from the program's.
    pub(crate) fn mapped_bytes(&self) -> Option<u64> {
        let is_glibc = self.header().allocator_path_len.load(Relaxed) == 0;
        is_glibc.then(|| {
            let sizes = self.mappings().into_iter().map(|mapping| mapping.end - mapping.start);
            sizes.fold(0, u64::saturating_add)
        })
    }
}

impl Held {
    /// Adds one thread's counters. Sums wrap until `settle`: a thread may free more than it allocated.
    fn add(&mut self, raw: &[u8; size_of::<Counters>()]) {
        let word = |offset| super::word(raw, offset);
        let freed: u64 = (0..13).map(|class| word(offset_of!(Counters, lifetimes) + class * 8)).sum();
        let allocations = word(offset_of!(Counters, allocations));
        let live = word(offset_of!(Counters, bytes)).wrapping_sub(word(offset_of!(Counters, freed_bytes)));
        self.bytes = self.bytes.wrapping_add(live);
        self.blocks = self.blocks.wrapping_add(allocations.wrapping_sub(freed));
        self.allocations = self.allocations.wrapping_add(allocations);
    }

    /// A free that was read before its allocation leaves less than nothing.
    fn settle(&mut self) {
        self.bytes = (self.bytes as i64).max(0) as u64;
        // The sites of mappings count no frees; blocks of no bytes go with them.
        self.blocks = if self.bytes == 0 { 0 } else { (self.blocks as i64).max(0) as u64 };
    }

    /// A sampled ledger counts in parts of a block.
    fn count_whole_blocks(&mut self) {
        self.blocks = sampled::blocks(self.blocks);
        self.allocations = sampled::blocks(self.allocations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(allocations: u64, bytes: u64, freed_bytes: u64, freed: u64) -> [u8; size_of::<Counters>()] {
        let mut raw = [0; size_of::<Counters>()];
        let mut put = |offset: usize, value: u64| raw[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        put(offset_of!(Counters, allocations), allocations);
        put(offset_of!(Counters, bytes), bytes);
        put(offset_of!(Counters, freed_bytes), freed_bytes);
        put(offset_of!(Counters, lifetimes) + 12 * 8, freed);
        raw
    }

    #[test]
    fn what_one_thread_allocates_another_may_free() {
        let mut held = Held::default();
        held.add(&counters(0, 0, 300, 3));
        held.add(&counters(5, 500, 0, 0));
        held.settle();
        assert_eq!(held, Held { bytes: 200, blocks: 2, allocations: 5 });
    }

    #[test]
    fn less_than_nothing_is_nothing() {
        let mut held = Held::default();
        held.add(&counters(1, 10, 30, 2));
        held.settle();
        assert_eq!(held, Held { bytes: 0, blocks: 0, allocations: 1 });
    }
}
