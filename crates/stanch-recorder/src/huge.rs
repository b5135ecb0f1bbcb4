//! Huge pages for the parts of a ledger that are used densely.
//!
//! A ledger is a sparse file, and its first use of a page costs a fault of some microseconds; a large one costs a miss
//! of the address translation with nearly every block. `MADV_COLLAPSE` (Linux 6.1) makes one huge page of 2 MiB of a
//! file in memory, whatever the system's policy for shared memory is. It is asked for only where most of the 2 MiB will
//! be used, so that a small program's ledger stays small. Where the kernel cannot, everything works as before.
use crate::control::Ledger;
use crate::sys;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use stanch_ledger::{GRANULE_BYTES, HEAD_COUNT, HEADS, HUGE_PAGE_BYTES, RULES};

/// `MADV_COLLAPSE`, which the C library's headers may not know.
const MADV_COLLAPSE: i32 = 25;
/// Bytes of heap whose slots fill a huge page.
const HEAP_SPAN: u64 = (HUGE_PAGE_BYTES / 8) as u64 * GRANULE_BYTES;
/// Nodes whose heads fill a huge page.
const NODES_PER_HUGE_PAGE: u32 = (HUGE_PAGE_BYTES / 4) as u32 / crate::trie::HEADS_PER_NODE as u32;

static CANNOT: AtomicBool = AtomicBool::new(false);

/// Makes a huge page of the 2 MiB of ledger around `address`.
fn collapse(address: *const u8) {
    if CANNOT.load(Relaxed) || sys::is_restricted() {
        return;
    }
    let start = (address as usize & !(HUGE_PAGE_BYTES - 1)) as *mut u8;
    // SAFETY: callers pass addresses inside a mapping of the ledger, all of which begin and end at multiples of
    // HUGE_PAGE_BYTES. The kernel wants at least one page to be there; a read makes it.
    unsafe { start.read_volatile() };
    if sys::madvise(start, HUGE_PAGE_BYTES, MADV_COLLAPSE) == -(libc::EINVAL as isize) {
        CANNOT.store(true, Relaxed);
    }
}

/// Small blocks for which a huge page is made for the slots of the heap around them, in bytes.
const DENSE_BYTES: u64 = 1 << 20;
const CHUNKS: usize = 1 << 10;
/// Growth seen in parts of the heap: number of the part << 32 | bytes. Parts that want the same entry replace each
/// other.
static GROWTH: [AtomicU64; CHUNKS] = [const { AtomicU64::new(0) }; CHUNKS];

/// Small blocks of `bytes` in all came to the heap near `address` in a short time.
#[cold]
pub(crate) fn heap_grew(ledger: Ledger, address: u64, bytes: u64) {
    let part = address / HEAP_SPAN;
    let entry = &GROWTH[part as usize % CHUNKS];
    let before = entry.load(Relaxed);
    let so_far = if before >> 32 == part { before & u32::MAX as u64 } else { 0 };
    let grown = (so_far + bytes).min(2 * DENSE_BYTES);
    entry.store(part << 32 | grown, Relaxed);
    if (so_far..grown).contains(&DENSE_BYTES)
        && let Some(slot) = ledger.slot(address)
    {
        collapse((&raw const *slot).cast());
    }
}

/// Node `node` was entered.
#[inline]
pub(crate) fn nodes_grew(ledger: Ledger, node: u32) {
    const DENSE_NODES: u32 = 4096;
    if node % NODES_PER_HUGE_PAGE == DENSE_NODES {
        let page = (node / NODES_PER_HUGE_PAGE) as usize % (HEAD_COUNT * 4 / HUGE_PAGE_BYTES);
        // SAFETY: the table of heads is that long.
        collapse(unsafe { ledger.base().add(HEADS + page * HUGE_PAGE_BYTES) });
    }
}

/// One more unwind rule was computed.
pub(crate) fn rules_grew(ledger: Ledger) {
    const DENSE_RULES: u64 = 1024;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    if COUNT.fetch_add(1, Relaxed) + 1 == DENSE_RULES {
        // SAFETY: the rules stand in the fixed part.
        collapse(unsafe { ledger.base().add(RULES) });
    }
}

/// A batch of extents is being filled by tables that are used densely.
pub(crate) fn extents_grew(batch: *mut u8) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    if LAST.swap(batch as u64, Relaxed) != batch as u64 {
        collapse(batch);
    }
}
