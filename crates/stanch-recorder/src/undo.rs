//! Lets the collector read the slots as they were at one instant while the program goes on.
//!
//! Slots are shared memory, so a copy-on-write image of the process does not hold them still. While a snapshot is under
//! way each hook keeps the old value of a slot before it writes it; the collector reads the slot first and then its
//! undo word, in which it finds the value if the slot has changed. A hook that looked for the attention word before
//! the process was stopped and writes after it went on may pass unnoticed: its block is then seen as it is a moment
//! later, which is what the program was about to make of it. `realloc` tells of its block in the thread's record
//! before it looks.
use crate::control::Ledger;
use core::sync::atomic::{AtomicU64, Ordering::*};
use stanch_ledger::{GRANULE_BYTES, LARGE_BYTES, attention};

/// True once nobody reads the ledger any more.
pub(crate) fn is_detached(ledger: Ledger) -> bool {
    ledger.header().attention.load(Relaxed) & attention::DETACHED != 0
}

/// Keeps what the slots of a block say, where somebody wants to know: the next slot too where the block is a large one.
/// Called before they are written if the attention word is not 0. False where nobody reads the ledger any more.
#[cold]
#[inline(never)]
pub(crate) fn keep(ledger: Ledger, address: u64, bytes: u64) -> bool {
    if ledger.header().attention.load(Relaxed) & attention::SNAPSHOT != 0 {
        keep_slot(ledger, address);
        if bytes >= LARGE_BYTES {
            keep_slot(ledger, address + GRANULE_BYTES);
        }
    }
    !is_detached(ledger)
}

fn keep_slot(ledger: Ledger, address: u64) {
    // A leaf that is not there yet was not there when the snapshot began.
    let Some(slot) = ledger.slot(address) else { return };
    let undo: &AtomicU64 = ledger.undo_word(slot);
    let old = slot.load(Relaxed);
    let was_first = undo.compare_exchange(0, !old, AcqRel, Relaxed).is_ok();
    // The snapshot may have ended, and its undo words been cleared, since the caller looked.
    if was_first && ledger.header().attention.load(Acquire) & attention::SNAPSHOT == 0 {
        undo.store(0, Relaxed);
    }
}
