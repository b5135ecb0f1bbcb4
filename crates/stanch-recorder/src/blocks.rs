//! What is written down when a block comes and goes.
use crate::control::Ledger;
use crate::threads::{self, Context, add, context};
use crate::walk::{self, Entry, Origin};
use crate::{huge, map, misuse, real, undo};
use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering::*};
use stanch_ledger::{BirthCode, BlockKind, LARGE_BYTES, Slot, Thread, lifetime_bucket};

/// Threads hand in their live bytes when they differ by this much, so that the peak is known to within
/// this much a thread (and exactly for one thread).
const NET_LIMIT: i64 = 64 << 10;

/// The block, in the register of a function's result and in no other that a function may leave anything in. A copy of
/// its address left there would pass for a pointer of the program's until something overwrites it, and hide that the
/// block is lost.
#[inline(always)]
pub(crate) fn alone_in_result(block: *mut c_void) -> *mut c_void {
    let result: usize;
    // SAFETY: says which registers it changes, and touches nothing else.
    unsafe {
        core::arch::asm!(
            "xor ecx, ecx", "xor edx, edx", "xor esi, esi", "xor edi, edi",
            "xor r8d, r8d", "xor r9d, r9d", "xor r10d, r10d", "xor r11d, r11d",
            inlateout("rax") block as usize => result,
            out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _, out("r8") _, out("r9") _, out("r10") _,
            out("r11") _, options(nomem, nostack),
        );
    }
    result as *mut c_void
}

/// A new block.
#[inline(always)]
pub(crate) fn allocated(block: *mut c_void, bytes: usize, kind: BlockKind, entry: Entry) {
    if block.is_null() {
        return;
    }
    match context() {
        Some(context) => {
            let (kind, entry) = pending(context.thread, kind, entry);
            write_down(context, block as u64, bytes as u64, kind, entry);
        }
        None => forget(block),
    }
}

/// `operator new` without the C++ runtime: null, and nothing has happened, where it is needed after all.
#[inline(always)]
pub(crate) fn allocate_with(bytes: usize, kind: BlockKind, entry: Entry) -> *mut c_void {
    let (Some(malloc), Some(context)) = (real::malloc::get(), threads::known_context()) else {
        return core::ptr::null_mut();
    };
    if context.thread.pending_kind.load(Relaxed) != 0 {
        return core::ptr::null_mut();
    }
    // SAFETY: malloc takes any size. The runtime's operator asks for one byte where none is wanted, too.
    let block = unsafe { malloc(bytes.max(1)) };
    if !block.is_null() {
        clear(block, bytes);
        write_down(context, block as u64, bytes as u64, kind, entry);
    }
    alone_in_result(block)
}

#[inline(always)]
fn write_down(context: Context, address: u64, bytes: u64, kind: BlockKind, entry: Entry) {
    let Context { ledger, thread } = context;
    let header = ledger.header();
    if header.attention.load(Relaxed) != 0 && !undo::keep(ledger, address, bytes) {
        return;
    }
    let Origin { site, counters } = walk::origin(context, entry);
    let birth = BirthCode(header.clock.load(Relaxed) as u16);
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
    slot.store(Slot::new(address, bytes, kind, birth, site).0, Release);
    if let Some(counters) = counters {
        add(&counters.allocations, 1);
        add(&counters.bytes, bytes);
    }
    thread.last_block.store(address, Relaxed);
    grow(context, address, bytes as i64);
}

/// A block that is not the program's came to an address: what the ledger says of it no longer holds.
#[cold]
fn forget(block: *mut c_void) {
    let Some(ledger) = crate::control::ledger() else { return };
    if let Some(slot) = ledger.slot(block as u64) {
        undo::keep(ledger, block as u64, 0);
        slot.store(0, Relaxed);
    }
}

#[inline(always)]
fn grow(context: Context, address: u64, bytes: i64) {
    let thread = context.thread;
    let net = thread.net_bytes.load(Relaxed) + bytes;
    thread.net_bytes.store(net, Relaxed);
    if net > thread.net_peak.load(Relaxed) {
        thread.net_peak.store(net, Relaxed);
    }
    if !(-NET_LIMIT..=NET_LIMIT).contains(&net) {
        hand_in(context, address, bytes);
    }
}

#[cold]
#[inline(never)]
fn hand_in(context: Context, address: u64, bytes: i64) {
    const SMALL: i64 = 4096;
    if (0..SMALL).contains(&bytes) {
        huge::heap_grew(context.ledger, address, NET_LIMIT as u64);
    }
    let (header, thread) = (context.ledger.header(), context.thread);
    let (net, peak) = (thread.net_bytes.load(Relaxed), thread.net_peak.load(Relaxed));
    thread.net_bytes.store(0, Relaxed);
    thread.net_peak.store(0, Relaxed);
    let before = header.live_bytes.fetch_add(net, Relaxed);
    header.peak_bytes.fetch_max(before + peak, Relaxed);
}

/// A block as the ledger knows it.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    place: &'static AtomicU64,
    slot: Slot,
    bytes: u64,
}

/// What the ledger says of a block; `None` for one that it does not know.
#[inline(always)]
fn known(ledger: Ledger, block: *mut c_void) -> Option<Known> {
    let address = block as u64;
    let place = ledger.slot(address)?;
    let slot = Slot(place.load(Relaxed));
    if slot.is_empty() || slot.address(address & !(stanch_ledger::GRANULE_BYTES - 1)) != address {
        return None;
    }
    let mut bytes = slot.bytes();
    if bytes == LARGE_BYTES {
        bytes = map::next_slot(ledger, address).map_or(LARGE_BYTES, |next| next.load(Relaxed));
    }
    Some(Known { place, slot, bytes })
}

/// Has the allocator's word before the block fetched while the slot is being waited for.
#[inline(always)]
fn prefetch_header(block: *mut c_void) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing and never faults, wherever it points.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(block.cast::<i8>().wrapping_sub(8)) };
}

/// Kinds of blocks that a function releases, as bits.
#[derive(Clone, Copy)]
pub(crate) struct Kinds(u32);

impl Kinds {
    /// Those of C's functions.
    pub(crate) const C: Self = Self(
        1 << BlockKind::Malloc as u32
            | 1 << BlockKind::Calloc as u32
            | 1 << BlockKind::Realloc as u32
            | 1 << BlockKind::Memalign as u32,
    );
    /// Those of `operator new`.
    pub(crate) const NEW: Self = Self(1 << BlockKind::New as u32);
    /// Those of `operator new[]`.
    pub(crate) const NEW_ARRAY: Self = Self(1 << BlockKind::NewArray as u32);
}

/// A block is about to be released by a function that is for blocks of these kinds. Gives false, and has done nothing,
/// where anything about it is out of the ordinary: then [`releasing`] has to see to it.
#[inline(always)]
pub(crate) fn released_quickly(block: *mut c_void, kinds: Kinds) -> bool {
    let Some(context) = threads::known_context() else { return false };
    let Context { ledger, thread } = context;
    let address = block as u64;
    let Some(place) = ledger.slot(address) else { return false };
    prefetch_header(block);
    let slot = Slot(place.load(Relaxed));
    let is_ordinary = kinds.0 >> (slot.0 >> 1 & 15) & 1 != 0
        && address & 31 == (slot.0 & 1) << 4
        && slot.bytes() < MMAP_THRESHOLD_MIN
        && thread.pending_kind.load(Relaxed) == 0
        && ledger.header().attention.load(Relaxed) == 0;
    if !is_ordinary {
        return false;
    }
    let net = thread.net_bytes.load(Relaxed) - slot.bytes() as i64;
    let Some(counters) = threads::mapped_counters(context, slot.site()).filter(|_| net >= -NET_LIMIT) else {
        return false;
    };
    add(&counters.lifetimes[lifetime_class(context, address, slot)], 1);
    add(&counters.freed_bytes, slot.bytes());
    thread.net_bytes.store(net, Relaxed);
    place.store(slot.freed().0, Relaxed);
    true
}

/// Blocks below this size are never mappings of their own: glibc's threshold is never lower.
const MMAP_THRESHOLD_MIN: u64 = 64 << 10;

/// A block is about to be released.
#[inline(always)]
pub(crate) fn releasing(block: *mut c_void, released_by: u32, entry: Entry) {
    let Some(context) = context() else { return };
    let (released_by, entry) = pending_release(context.thread, released_by, entry);
    if block.is_null() {
        return;
    }
    let Some(known) = known(context.ledger, block) else { return };
    if !known.slot.is_live() {
        misuse::double_free(context, known.slot, released_by, entry);
        return;
    }
    if misuse::is_mismatch(known.slot, released_by) {
        misuse::mismatched(context, known.slot, known.bytes, released_by, entry);
    }
    count_release(context, block as u64, known);
    known.place.store(tombstone(block, known), Relaxed);
    if known.bytes >= LARGE_BYTES {
        clear_large(context.ledger, block as u64);
    }
}

#[cold]
fn clear_large(ledger: Ledger, address: u64) {
    if let Some(next) = map::next_slot(ledger, address) {
        next.store(0, Relaxed);
    }
}

#[inline(always)]
fn count_release(context: Context, address: u64, known: Known) {
    let attention = context.ledger.header().attention.load(Relaxed);
    if attention != 0 && !undo::keep(context.ledger, address, known.bytes) {
        return;
    }
    if known.slot.site() < stanch_ledger::FIRST_SITE {
        return;
    }
    if let Some(counters) = threads::counters(context, known.slot.site()) {
        add(&counters.lifetimes[lifetime_class(context, address, known.slot)], 1);
        add(&counters.freed_bytes, known.bytes);
    }
    grow(context, address, -(known.bytes as i64));
}

/// Class of the time that a block lived: 0 where the thread allocated nothing else meanwhile.
#[inline(always)]
fn lifetime_class(context: Context, address: u64, slot: Slot) -> usize {
    if context.thread.last_block.load(Relaxed) == address {
        return 0;
    }
    let now_ms = context.ledger.header().clock.load(Relaxed) >> 16;
    lifetime_bucket(now_ms.saturating_sub(slot.birth().ms()))
}

/// What is left in the slot of a released block: whose it was, unless its memory goes back to the kernel, where
/// anything may appear next.
#[inline(always)]
fn tombstone(block: *mut c_void, known: Known) -> u64 {
    if known.bytes >= MMAP_THRESHOLD_MIN { large_tombstone(block, known) } else { known.slot.freed().0 }
}

#[cold]
fn large_tombstone(block: *mut c_void, known: Known) -> u64 {
    const IS_MMAPPED: usize = 2;
    if crate::life::is_glibc_malloc() {
        // SAFETY: the block is live and glibc's: the word before it is its chunk's size and flags.
        let is_mmapped = unsafe { *block.cast::<usize>().sub(1) } & IS_MMAPPED != 0;
        if !is_mmapped && known.bytes < LARGE_BYTES {
            return known.slot.freed().0;
        }
    }
    0
}

/// A block taken out of the ledger while `realloc` works on it.
pub(crate) struct Lifted {
    context: Context,
    known: Known,
    address: u64,
}

/// Takes a block out of its slot before `realloc`, which may give its address to another thread. A snapshot in
/// between finds it in the thread's record.
#[inline(always)]
pub(crate) fn lift(block: *mut c_void) -> Option<Lifted> {
    let context = context()?;
    let known = known(context.ledger, block).filter(|known| known.slot.is_live())?;
    let thread = context.thread;
    thread.realloc_slot.store(known.slot.0, Relaxed);
    thread.realloc_bytes.store(known.bytes, Relaxed);
    thread.realloc_address.store(block as u64, Release);
    if context.ledger.header().attention.load(Relaxed) != 0 {
        undo::keep(context.ledger, block as u64, known.bytes);
    }
    known.place.store(tombstone(block, known), Release);
    if known.bytes >= LARGE_BYTES {
        clear_large(context.ledger, block as u64);
    }
    Some(Lifted { context, known, address: block as u64 })
}

impl Lifted {
    /// `realloc` failed: the block is still there.
    pub(crate) fn put_back(self) {
        undo::keep(self.context.ledger, self.address, self.known.bytes);
        if self.known.bytes >= LARGE_BYTES
            && let Some(next) = map::next_slot(self.context.ledger, self.address)
        {
            next.store(self.known.bytes, Relaxed);
        }
        self.known.place.store(self.known.slot.0, Release);
        self.context.thread.realloc_address.store(0, Release);
    }

    /// The block is gone, or lives on under another description.
    #[inline(always)]
    pub(crate) fn release(self, entry: Entry) {
        if misuse::is_mismatch(self.known.slot, stanch_ledger::release::REALLOC) {
            let (slot, bytes) = (self.known.slot, self.known.bytes);
            misuse::mismatched(self.context, slot, bytes, stanch_ledger::release::REALLOC, entry);
        }
        count_release(self.context, self.address, self.known);
        self.context.thread.realloc_address.store(0, Release);
    }
}

/// Called at the entry of a C++ operator that will call malloc or free: the block's kind and stack are the
/// operator's, not those of the call inside it. The outermost operator counts (`new[]` calls `new`).
pub(crate) fn announce(kind: u32, entry: Entry) {
    let Some(context) = context() else { return };
    let thread = context.thread;
    if thread.pending_kind.load(Relaxed) != 0 && is_active(thread, entry) {
        return;
    }
    // SAFETY: the operator's own return address, which its caller just pushed.
    let return_address = unsafe { *(entry.slot as *const usize) };
    thread.pending_kind.store(kind, Relaxed);
    thread.pending_slot.store(entry.slot as u64, Relaxed);
    thread.pending_return.store(return_address as u64, Relaxed);
    thread.pending_rbp.store(entry.rbp as u64, Relaxed);
}

/// True while the announced operator has not returned: its return address still stands where it was, at or
/// above the place where the present call was entered.
#[inline]
fn is_active(thread: &Thread, entry: Entry) -> bool {
    let slot = thread.pending_slot.load(Relaxed) as usize;
    let distance = slot.wrapping_sub(entry.slot);
    // SAFETY: the word lies on this thread's stack, above the present frame and at most a few frames away.
    distance < 4096 && unsafe { *(slot as *const usize) } as u64 == thread.pending_return.load(Relaxed)
}

/// Added to the number of a releasing operator in `pending_kind`.
pub(crate) const RELEASE: u32 = 64;

#[inline(always)]
fn take_pending(thread: &Thread, entry: Entry) -> Option<(u32, Entry)> {
    let kind = thread.pending_kind.load(Relaxed);
    if kind == 0 {
        return None;
    }
    thread.pending_kind.store(0, Relaxed);
    is_active(thread, entry).then(|| {
        let slot = thread.pending_slot.load(Relaxed) as usize;
        (kind, Entry { slot, rbp: thread.pending_rbp.load(Relaxed) as usize })
    })
}

#[inline(always)]
fn pending(thread: &Thread, kind: BlockKind, entry: Entry) -> (BlockKind, Entry) {
    match take_pending(thread, entry) {
        Some((number, entry)) if number < RELEASE => (BlockKind::from_number(number as u8).unwrap_or(kind), entry),
        _ => (kind, entry),
    }
}

#[inline(always)]
fn pending_release(thread: &Thread, released_by: u32, entry: Entry) -> (u32, Entry) {
    match take_pending(thread, entry) {
        Some((number, entry)) if number > RELEASE => (number - RELEASE, entry),
        _ => (released_by, entry),
    }
}

/// Blocks of other allocators than glibc's may lie closer than a granule; asking for a granule at least keeps them
/// apart.
#[inline(always)]
pub(crate) fn padded(bytes: usize) -> usize {
    if crate::life::is_glibc_malloc() { bytes } else { bytes.max(stanch_ledger::GRANULE_BYTES as usize) }
}

/// Blocks up to this size are cleared when they are handed out. What an earlier owner left there would otherwise pass
/// for pointers of the new one, and hide leaks or tell lost trees wrong.
const CLEARED_BYTES: usize = 1024;

/// Clears a new block. C leaves its content undefined, so any content is right.
#[inline(always)]
pub(crate) fn clear(block: *mut c_void, bytes: usize) {
    if block.is_null() || bytes > CLEARED_BYTES {
        return;
    }
    let words = block.cast::<u64>();
    for word in 0..bytes.div_ceil(8) {
        // SAFETY: the block is new, aligned to 16, and allocators round its size up to a multiple of 8.
        unsafe { words.add(word).write(0) };
    }
}

/// `malloc` of the C library for callers in the recorder, before and after the table is filled.
pub(crate) fn real_malloc(bytes: usize) -> *mut c_void {
    match real::malloc::get() {
        // SAFETY: malloc takes any size.
        Some(malloc) => unsafe { malloc(bytes) },
        None if real::resolve() => real_malloc(bytes),
        None => real::early_allocate(bytes, 16),
    }
}
