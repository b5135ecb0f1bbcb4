//! Wrong frees: a block released by a function of another family, or twice.
use crate::control::Ledger;
use crate::map::SlowLock;
use crate::threads::Context;
use crate::walk::{self, Entry};
use core::sync::atomic::Ordering::*;
use stanch_ledger::{BlockKind, MISUSE_LIMIT, Slot, release};

const MISMATCHED: u32 = 1;
const DOUBLE: u32 = 2;

/// True where the block's kind asks for another function than the one that releases it.
#[inline(always)]
pub(crate) fn is_mismatch(slot: Slot, released_by: u32) -> bool {
    // Most blocks by far are malloc's and go through free.
    let kind = slot.0 >> 1 & 15;
    if kind <= BlockKind::Memalign as u64 && (released_by == release::FREE || released_by == release::REALLOC) {
        return false;
    }
    match slot.kind() {
        Some(BlockKind::New | BlockKind::NewAligned) => {
            !matches!(released_by, release::DELETE | release::DELETE_ALIGNED)
        }
        Some(BlockKind::NewArray | BlockKind::NewArrayAligned) => {
            !matches!(released_by, release::DELETE_ARRAY | release::DELETE_ARRAY_ALIGNED)
        }
        Some(BlockKind::Inherited) => false,
        _ => !matches!(released_by, release::FREE | release::REALLOC),
    }
}

#[cold]
#[inline(never)]
pub(crate) fn mismatched(context: Context, slot: Slot, bytes: u64, released_by: u32, entry: Entry) {
    note(context, MISMATCHED, slot, bytes, released_by, entry);
}

#[cold]
#[inline(never)]
pub(crate) fn double_free(context: Context, slot: Slot, released_by: u32, entry: Entry) {
    note(context, DOUBLE, slot, slot.bytes(), released_by, entry);
}

fn note(context: Context, kind: u32, slot: Slot, bytes: u64, released_by: u32, entry: Entry) {
    let node = walk::node(context, entry);
    let block_kind = slot.allocated_by().map_or(0, |kind| kind as u32);
    let Some(_lock) = SlowLock::acquire(&context.ledger.header().map_lock) else { return };
    enter(context.ledger, kind, slot.site(), block_kind, bytes, released_by, node);
}

fn enter(ledger: Ledger, kind: u32, site: u32, block_kind: u32, bytes: u64, released_by: u32, node: u32) {
    let count = ledger.header().misuse_count.load(Relaxed) as usize;
    for index in 0..count {
        let entry = ledger.misuse(index);
        let same = entry.kind.load(Relaxed) == kind
            && entry.site.load(Relaxed) == site
            && entry.node.load(Relaxed) == node
            && entry.released_by.load(Relaxed) == released_by;
        if same {
            entry.count.fetch_add(1, Relaxed);
            return;
        }
    }
    if count < MISUSE_LIMIT {
        let entry = ledger.misuse(count);
        entry.kind.store(kind, Relaxed);
        entry.site.store(site, Relaxed);
        entry.block_kind.store(block_kind, Relaxed);
        entry.bytes.store(bytes, Relaxed);
        entry.released_by.store(released_by, Relaxed);
        entry.node.store(node, Relaxed);
        entry.count.store(1, Relaxed);
        entry.ready.store(1, Release);
        ledger.header().misuse_count.store(count as u32 + 1, Release);
    }
}
