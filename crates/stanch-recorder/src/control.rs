//! Where this process's ledger is, on a page that the kernel empties in every forked child.
//!
//! A child must not write its parent's ledger. Fork handlers cover `fork`, but not a bare `clone`;
//! `MADV_WIPEONFORK` covers both: in a child this page reads as zero and the hooks start afresh.
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::*};
use stanch_ledger::{
    ADDRESS_LIMIT, FIXED_BYTES, GRANULE_BYTES, HEADS, Header, LEAF_POINTERS, LEAF_SLOTS, LEAF_SPAN, MAPPINGS, MISUSES,
    MODULES, MappingEntry, MisuseEntry, ModuleEntry, NODE_POINTERS, NODES_PER_EXTENT, Node, RULES, RuleEntry,
    SITE_POINTERS, SITES_PER_EXTENT, SiteEntry,
};

#[repr(C, align(4096))]
struct Page {
    ledger: AtomicPtr<u8>,
    rest: UnsafeCell<[u8; 4088]>,
}
// SAFETY: `rest` is never touched; it only keeps other variables off the page.
unsafe impl Sync for Page {}

static PAGE: Page = Page { ledger: AtomicPtr::new(core::ptr::null_mut()), rest: UnsafeCell::new([0; 4088]) };
/// The same address where a fork does not reach it: a child finds its parent's mapping here to let go of it.
static LAST: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

/// Handle to the ledger of this process. Exists only while the ledger is mapped, which is until the
/// process ends: a ledger is never unmapped by the process that writes it.
#[derive(Clone, Copy)]
pub(crate) struct Ledger {
    base: *mut u8,
}

/// The ledger, once there is one.
#[inline(always)]
pub(crate) fn ledger() -> Option<Ledger> {
    let base = PAGE.ledger.load(Acquire);
    (!base.is_null()).then_some(Ledger { base })
}

/// Address of the last ledger of this process or of an ancestor.
pub(crate) fn last_ledger() -> Option<Ledger> {
    let base = LAST.load(Acquire);
    (!base.is_null()).then_some(Ledger { base })
}

/// Makes the ledger whose fixed part is mapped at `base` that of this process.
pub(crate) fn adopt(base: *mut u8) {
    LAST.store(base, Release);
    PAGE.ledger.store(base, Release);
}

/// Asks the kernel to empty the page in children. False where it cannot.
pub(crate) fn wipe_on_fork() -> bool {
    crate::sys::madvise((&raw const PAGE).cast_mut().cast(), 4096, libc::MADV_WIPEONFORK) == 0
}

impl Ledger {
    /// # Safety
    /// The fixed part of a ledger must be mapped at `base` for as long as the handle is used.
    pub(crate) unsafe fn at(base: *mut u8) -> Self {
        Self { base }
    }

    pub(crate) fn base(self) -> *mut u8 {
        self.base
    }

    /// A record of the fixed part.
    #[inline(always)]
    fn record<T>(self, offset: usize, index: usize) -> &'static T {
        debug_assert!(offset + (index + 1) * size_of::<T>() <= FIXED_BYTES);
        // SAFETY: the fixed part is mapped, every offset is a table's, every index is below that table's
        // length (callers check), and the records are atomics, for which any bit pattern is valid.
        unsafe { &*self.base.add(offset + index * size_of::<T>()).cast::<T>() }
    }

    #[inline(always)]
    pub(crate) fn header(self) -> &'static Header {
        self.record(0, 0)
    }

    pub(crate) fn module(self, index: usize) -> &'static ModuleEntry {
        self.record(MODULES, index)
    }

    pub(crate) fn misuse(self, index: usize) -> &'static MisuseEntry {
        self.record(MISUSES, index)
    }

    pub(crate) fn mapping(self, index: usize) -> &'static MappingEntry {
        self.record(MAPPINGS, index)
    }

    pub(crate) fn dead_stack(self, index: usize) -> &'static stanch_ledger::DeadStack {
        self.record(stanch_ledger::DEAD_STACKS, index)
    }

    pub(crate) fn spawn(self, index: usize) -> &'static stanch_ledger::SpawnEntry {
        self.record(stanch_ledger::SPAWNS, index)
    }

    pub(crate) fn extent_entry(self, index: usize) -> &'static AtomicU32 {
        self.record(stanch_ledger::EXTENT_TABLE, index)
    }

    pub(crate) fn leaf_entry(self, index: usize) -> &'static AtomicU32 {
        self.record(stanch_ledger::LEAF_TABLE, index)
    }

    #[inline(always)]
    pub(crate) fn head(self, index: usize) -> &'static AtomicU32 {
        self.record(HEADS, index)
    }

    #[inline(always)]
    pub(crate) fn rule(self, index: usize) -> &'static RuleEntry {
        self.record(RULES, index)
    }

    pub(crate) fn node_pointer(self, extent: usize) -> &'static AtomicPtr<Node> {
        self.record(NODE_POINTERS, extent)
    }

    pub(crate) fn site_pointer(self, extent: usize) -> &'static AtomicPtr<SiteEntry> {
        self.record(SITE_POINTERS, extent)
    }

    pub(crate) fn leaf_pointer(self, prefix: usize) -> &'static AtomicPtr<AtomicU64> {
        self.record(LEAF_POINTERS, prefix)
    }

    /// A trie node whose extent is mapped.
    #[inline(always)]
    pub(crate) fn node(self, node: u32) -> Option<&'static Node> {
        let extent = self.node_pointer(node as usize / NODES_PER_EXTENT).load(Acquire);
        // SAFETY: a non-null pointer is that of a mapped extent, which holds this many nodes.
        (!extent.is_null()).then(|| unsafe { &*extent.add(node as usize % NODES_PER_EXTENT) })
    }

    /// A site entry whose extent is mapped.
    pub(crate) fn site(self, site: u32) -> Option<&'static SiteEntry> {
        let extent = self.site_pointer(site as usize / SITES_PER_EXTENT).load(Acquire);
        // SAFETY: a non-null pointer is that of a mapped extent, which holds this many entries.
        (!extent.is_null()).then(|| unsafe { &*extent.add(site as usize % SITES_PER_EXTENT) })
    }

    /// The undo word of a slot.
    pub(crate) fn undo_word(self, slot: &'static AtomicU64) -> &'static AtomicU64 {
        // SAFETY: every slot is one of a mapped leaf, and a leaf's undo words are mapped with it, right behind it.
        unsafe { &*(&raw const *slot).add(LEAF_SLOTS) }
    }

    /// The slot for an address, where its leaf is mapped.
    #[inline(always)]
    pub(crate) fn slot(self, address: u64) -> Option<&'static AtomicU64> {
        if address >= ADDRESS_LIMIT {
            return None;
        }
        let leaf = self.leaf_pointer((address / LEAF_SPAN) as usize).load(Acquire);
        let index = (address / GRANULE_BYTES) as usize % LEAF_SLOTS;
        // SAFETY: a non-null pointer is that of a mapped leaf, which holds this many slots.
        (!leaf.is_null()).then(|| unsafe { &*leaf.add(index) })
    }
}
