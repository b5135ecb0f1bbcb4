//! Gets more of the ledger's file into the address space, without a file descriptor.
//!
//! The program may close every descriptor, lower its limits or change its root, so the recorder keeps
//! none: it duplicates the mapping it has and lets it reach further into the file.
use crate::control::Ledger;
use crate::{huge, sys, tls};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use stanch_ledger::{
    EXTENT_BYTES, EXTENT_LIMIT, LEAF_LIMIT, LEAF_SPAN, LEAF_STRIDE, NODES_PER_EXTENT, Node, SITES_PER_EXTENT,
    SiteEntry, extent, flag,
};

/// Extents are mapped this many at a time; unused ones cost address space only.
pub(crate) const BATCH: usize = 16;
const BATCH_BYTES: usize = BATCH * EXTENT_BYTES;
const _: () = assert!(BATCH_BYTES == stanch_ledger::HUGE_PAGE_BYTES);

/// Held while the ledger's own structure changes. The word holds the owner's token, so that a signal
/// handler that interrupts the owner gives up instead of waiting for itself.
pub(crate) struct SlowLock(&'static AtomicU32);

impl SlowLock {
    pub(crate) fn acquire(word: &'static AtomicU32) -> Option<Self> {
        let me = tls::token();
        let mut spins = 0u32;
        loop {
            match word.compare_exchange_weak(0, me, Acquire, Relaxed) {
                Ok(_) => return Some(Self(word)),
                Err(owner) if owner == me => return None,
                Err(_) => {
                    spins += 1;
                    if spins.is_multiple_of(200) && !sys::is_restricted() {
                        // SAFETY: takes no arguments.
                        unsafe { sys::call(libc::SYS_sched_yield, 0, 0, 0, 0, 0, 0) };
                    }
                    core::hint::spin_loop();
                }
            }
        }
    }
}

impl Drop for SlowLock {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

fn failed<T>(ledger: Ledger) -> Option<T> {
    ledger.header().flags.fetch_or(flag::MAP_FAILED, Relaxed);
    None
}

/// True for the later extents of tables that a program with many stacks fills one after the other.
fn is_dense(entry: u32) -> bool {
    let index = entry & extent::INDEX;
    match entry & !extent::INDEX {
        extent::NODES => index >= 4,
        extent::COUNTERS => index >= 8,
        _ => false,
    }
}

/// Maps `count` extents side by side and enters them in the extent table. The lock must be held.
fn map_extents(ledger: Ledger, _lock: &SlowLock, count: usize, entry: u32) -> Option<*mut u8> {
    let header = ledger.header();
    let mut first = header.extent_count.load(Relaxed) as usize;
    // The first batch is mapped from the start.
    let batch_end = first.max(1).next_multiple_of(BATCH);
    if first + count > batch_end {
        if batch_end + BATCH > EXTENT_LIMIT || sys::is_restricted() {
            return failed(ledger);
        }
        let seed = header.extent_seed.load(Relaxed) as *mut u8;
        // SAFETY: the last page of the batch that is mapped at `seed`.
        let last_page = unsafe { seed.add(BATCH_BYTES - 4096) };
        let Some(batch) = sys::map_following(last_page, BATCH_BYTES) else { return failed(ledger) };
        sys::madvise(batch, BATCH_BYTES, libc::MADV_DONTDUMP);
        header.extent_seed.store(batch as u64, Relaxed);
        first = batch_end;
    }
    let batch = header.extent_seed.load(Relaxed) as *mut u8;
    for index in 0..count {
        let entry = if index == 0 { entry } else { extent::THREAD_REST };
        ledger.extent_entry(first + index).store(entry, Relaxed);
    }
    header.extent_count.store((first + count) as u32, Release);
    if is_dense(entry) {
        huge::extents_grew(batch);
    }
    // SAFETY: extents `first` to `first + count` lie in the batch mapped at `batch`.
    Some(unsafe { batch.add(first % BATCH * EXTENT_BYTES) })
}

/// Maps what `pointer` should point to, unless somebody was faster.
fn map_once<T>(ledger: Ledger, pointer: &AtomicPtr<T>, count: usize, entry: u32) -> Option<*mut T> {
    let lock = SlowLock::acquire(&ledger.header().map_lock)?;
    let there = pointer.load(Acquire);
    if !there.is_null() {
        return Some(there);
    }
    let new = map_extents(ledger, &lock, count, entry)?.cast::<T>();
    pointer.store(new, Release);
    Some(new)
}

/// The node with this number, mapped if need be.
#[cold]
pub(crate) fn map_node(ledger: Ledger, node: u32) -> Option<&'static Node> {
    let extent_index = node as usize / NODES_PER_EXTENT;
    map_once(ledger, ledger.node_pointer(extent_index), 1, extent::NODES | extent_index as u32)?;
    ledger.node(node)
}

/// The site with this number, mapped if need be.
#[cold]
pub(crate) fn map_site(ledger: Ledger, site: u32) -> Option<&'static SiteEntry> {
    let extent_index = site as usize / SITES_PER_EXTENT;
    map_once(ledger, ledger.site_pointer(extent_index), 1, extent::SITES | extent_index as u32)?;
    ledger.site(site)
}

/// One extent of counters for a thread.
#[cold]
pub(crate) fn map_counters<T>(ledger: Ledger, pointer: &AtomicPtr<T>, index: usize) -> Option<*mut T> {
    map_once(ledger, pointer, 1, extent::COUNTERS | index as u32)
}

/// The extents of a new thread record.
pub(crate) fn map_thread(ledger: Ledger, number: u32) -> Option<*mut u8> {
    let lock = SlowLock::acquire(&ledger.header().map_lock)?;
    map_extents(ledger, &lock, stanch_ledger::THREAD_EXTENTS as usize, extent::THREAD | number)
}

/// The slot for an address, its leaf mapped if need be.
#[cold]
pub(crate) fn map_slot(ledger: Ledger, address: u64) -> Option<&'static AtomicU64> {
    if address >= stanch_ledger::ADDRESS_LIMIT {
        return failed(ledger);
    }
    let prefix = (address / LEAF_SPAN) as usize;
    let Some(lock) = SlowLock::acquire(&ledger.header().map_lock) else { return failed(ledger) };
    if ledger.leaf_pointer(prefix).load(Acquire).is_null() {
        map_leaf(ledger, &lock, prefix)?;
    }
    drop(lock);
    ledger.slot(address)
}

/// Hands out the leaf that is mapped in reserve and puts the next one there.
fn map_leaf(ledger: Ledger, _lock: &SlowLock, prefix: usize) -> Option<()> {
    let header = ledger.header();
    let index = header.leaf_count.load(Relaxed) as usize;
    let in_reserve = header.leaf_seed.swap(0, Relaxed) as *mut u8;
    let leaf = if in_reserve.is_null() { last_leaf(ledger).and_then(leaf_after) } else { Some(in_reserve) };
    let Some(leaf) = leaf.filter(|_| index < LEAF_LIMIT) else { return failed(ledger) };
    ledger.leaf_entry(index).store(prefix as u32 + 1, Relaxed);
    header.leaf_count.store(index as u32 + 1, Release);
    ledger.leaf_pointer(prefix).store(leaf.cast(), Release);
    // The next one is there then, even when system calls no longer are.
    if let Some(next) = leaf_after(leaf) {
        header.leaf_seed.store(next as u64, Relaxed);
    }
    Some(())
}

/// The leaf that stands last in the file.
fn last_leaf(ledger: Ledger) -> Option<*mut u8> {
    let last = (ledger.header().leaf_count.load(Relaxed) as usize).checked_sub(1)?;
    let prefix = (ledger.leaf_entry(last).load(Relaxed) as usize).checked_sub(1)?;
    Some(ledger.leaf_pointer(prefix).load(Acquire).cast())
}

/// Maps the leaf after `leaf` in the file.
fn leaf_after(leaf: *mut u8) -> Option<*mut u8> {
    if sys::is_restricted() {
        return None;
    }
    // SAFETY: the last page of the leaf.
    let last_page = unsafe { leaf.add(LEAF_STRIDE - 4096) };
    let next = sys::map_following(last_page, LEAF_STRIDE)?;
    sys::madvise(next, LEAF_STRIDE, libc::MADV_DONTDUMP);
    Some(next)
}

/// The slot after that of `address`, which a large block owns too.
pub(crate) fn next_slot(ledger: Ledger, address: u64) -> Option<&'static AtomicU64> {
    let next = address + stanch_ledger::GRANULE_BYTES;
    ledger.slot(next).or_else(|| map_slot(ledger, next))
}
