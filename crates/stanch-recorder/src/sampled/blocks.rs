//! What is written down of sampled blocks.
use super::filter;
use crate::control::Ledger;
use crate::threads::{self, Context, add};
use crate::walk::{self, Entry};
use crate::{map, trie, undo};
use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering::*};
use stanch_ledger::sampling::{COUNT_UNITS, weight};
use stanch_ledger::{BirthCode, BlockKind, FIRST_SITE, GRANULE_BYTES, LARGE_BYTES, Slot, lifetime_bucket};

/// What a sampled block adds to the counters.
struct Weighted {
    /// In [`COUNT_UNITS`] of a block.
    blocks: u64,
    bytes: u64,
}

fn weighted(ledger: Ledger, bytes: u64) -> Weighted {
    let weight = weight(bytes, ledger.header().sample_bytes.load(Relaxed));
    Weighted { blocks: (weight * COUNT_UNITS as f64 + 0.5) as u64, bytes: (weight * bytes as f64 + 0.5) as u64 }
}

/// A new sampled block.
pub(super) fn write_down(context: Context, block: *mut c_void, bytes: usize, kind: BlockKind, entry: Entry) {
    let (ledger, address, bytes) = (context.ledger, block as u64, bytes as u64);
    let header = ledger.header();
    let site = trie::site(ledger, walk::node(context, entry));
    let Some(slot) = ledger.slot(address).or_else(|| map::map_slot(ledger, address)) else {
        header.dropped.fetch_add(1, Relaxed);
        return;
    };
    if bytes >= LARGE_BYTES {
        match map::next_slot(ledger, address) {
            Some(next) => next.store(bytes, Relaxed),
            None => drop(header.dropped.fetch_add(1, Relaxed)),
        }
    }
    // Where a release went past the hooks, the last block's mark is still there.
    if !Slot(slot.load(Relaxed)).is_live() {
        filter::insert(block as usize);
    }
    let birth = BirthCode(header.clock.load(Relaxed) as u16);
    slot.store(Slot::new(address, bytes, kind, birth, site).0, Release);
    let weighted = weighted(ledger, bytes);
    if let Some(counters) = threads::counters(context, site) {
        add(&counters.allocations, weighted.blocks);
        add(&counters.bytes, weighted.bytes);
    }
    let grown = weighted.bytes as i64;
    let live = header.live_bytes.fetch_add(grown, Relaxed) + grown;
    header.peak_bytes.fetch_max(live, Relaxed);
}

/// A sampled block on its way out of the ledger.
pub(super) struct Lifted {
    context: Context,
    address: u64,
    place: &'static AtomicU64,
    slot: Slot,
    bytes: u64,
}

/// Takes a block out of its slot, if it is there, before it is released: afterwards its address may be another
/// thread's.
pub(super) fn lift(block: *mut c_void) -> Option<Lifted> {
    if block.is_null() {
        return None;
    }
    let context = threads::context()?;
    let address = block as u64;
    let place = context.ledger.slot(address)?;
    let slot = Slot(place.load(Relaxed));
    if !slot.is_live() || slot.address(address & !(GRANULE_BYTES - 1)) != address {
        return None;
    }
    let mut bytes = slot.bytes();
    if bytes == LARGE_BYTES
        && let Some(next) = map::next_slot(context.ledger, address)
    {
        bytes = next.swap(0, Relaxed);
    }
    place.store(0, Release);
    filter::remove(block as usize);
    Some(Lifted { context, address, place, slot, bytes })
}

impl Lifted {
    /// The release failed: the block is still there.
    pub(super) fn put_back(self) {
        if self.slot.bytes() == LARGE_BYTES
            && let Some(next) = map::next_slot(self.context.ledger, self.address)
        {
            next.store(self.bytes, Relaxed);
        }
        filter::insert(self.address as usize);
        self.place.store(self.slot.0, Release);
    }

    /// The block is gone.
    pub(super) fn release(self) {
        let header = self.context.ledger.header();
        if self.slot.site() < FIRST_SITE || undo::is_detached(self.context.ledger) {
            return;
        }
        let weighted = weighted(self.context.ledger, self.bytes);
        // Whether the thread has allocated since is not known: there is no class of temporary blocks.
        let now_ms = header.clock.load(Relaxed) >> 16;
        let class = lifetime_bucket(now_ms.saturating_sub(self.slot.birth().ms()));
        if let Some(counters) = threads::counters(self.context, self.slot.site()) {
            add(&counters.lifetimes[class], weighted.blocks);
            add(&counters.freed_bytes, weighted.bytes);
        }
        header.live_bytes.fetch_sub(weighted.bytes as i64, Relaxed);
    }
}
