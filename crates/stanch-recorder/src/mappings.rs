//! Anonymous memory that the program maps itself: a class of its own beside the heap.
use crate::control::Ledger;
use crate::map::SlowLock;
use crate::threads::context;
use crate::walk::{self, Entry, Origin};
use crate::{real, undo};
use core::arch::naked_asm;
use core::ffi::{c_int, c_long, c_void};
use core::sync::atomic::Ordering::*;
use stanch_ledger::{BirthCode, BlockKind, MAPPING_LIMIT, Slot, flag};

/// Functions of more than four arguments hand their frame over on the stack.
macro_rules! wide_hooks {
    ($($name:ident, $first:literal, $second:literal;)*) => {$(
        /// As the C library's function of this name.
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "mov rax, rsp",
                "sub rsp, 8",
                concat!("push ", $first),
                concat!("push ", $second),
                "call {work}",
                "add rsp, 24",
                "ret",
                work = sym mmap_entered
            );
        }
    )*};
}

wide_hooks! {
    mmap, "rbp", "rax";
    mmap64, "rbp", "rax";
}

#[allow(clippy::too_many_arguments, reason = "the six of mmap and the frame of its caller")]
unsafe extern "C" fn mmap_entered(
    address: *mut c_void,
    bytes: usize,
    protection: c_int,
    flags: c_int,
    fd: c_int,
    offset: c_long,
    slot: usize,
    rbp: usize,
) -> *mut c_void {
    real::resolve();
    let result = match real::mmap::get() {
        // SAFETY: the caller's arguments are those of mmap.
        Some(function) => unsafe { function(address, bytes, protection, flags, fd, offset) },
        None => return libc::MAP_FAILED,
    };
    if result == libc::MAP_FAILED {
        return result;
    }
    if flags & libc::MAP_FIXED != 0 {
        unmapped(result as u64, bytes as u64);
    }
    let counts = flags & libc::MAP_ANONYMOUS != 0 && protection & libc::PROT_WRITE != 0;
    if counts {
        mapped(result as u64, bytes as u64, BlockKind::Mmap, Entry { slot, rbp });
    }
    result
}

/// `munmap(address, bytes)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn munmap(address: *mut c_void, bytes: usize) -> c_int {
    real::resolve();
    // Before the fact: afterwards the addresses may be another thread's.
    unmapped(address as u64, bytes as u64);
    // SAFETY: the caller's arguments are those of munmap.
    real::munmap::get().map_or(-1, |function| unsafe { function(address, bytes) })
}

/// `mremap(address, old, new, flags, target)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn mremap(
    address: *mut c_void,
    old: usize,
    new: usize,
    flags: c_int,
    target: *mut c_void,
) -> *mut c_void {
    real::resolve();
    let Some(function) = real::mremap::get() else { return libc::MAP_FAILED };
    // SAFETY: the caller's arguments are those of mremap.
    let result = unsafe { function(address, old, new, flags, target) };
    if result != libc::MAP_FAILED && old != 0 {
        moved(address as u64, result as u64, new as u64);
    }
    result
}

/// `sbrk(increment)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn sbrk() {
    naked_asm!("mov rsi, rsp", "mov rdx, rbp", "jmp {work}", work = sym sbrk_entered);
}

unsafe extern "C" fn sbrk_entered(increment: isize, slot: usize, rbp: usize) -> *mut c_void {
    real::resolve();
    let Some(function) = real::sbrk::get() else { return usize::MAX as *mut c_void };
    // SAFETY: sbrk takes any increment.
    let before = unsafe { function(increment) };
    if before as usize != usize::MAX {
        if increment > 0 {
            mapped(before as u64, increment as u64, BlockKind::Brk, Entry { slot, rbp });
        } else {
            unmapped((before as u64).wrapping_add_signed(increment as i64), increment.unsigned_abs() as u64);
        }
    }
    before
}

fn page_up(bytes: u64) -> u64 {
    bytes.saturating_add(4095) & !4095
}

fn mapped(start: u64, bytes: u64, kind: BlockKind, entry: Entry) {
    let Some(context) = context() else { return };
    let ledger = context.ledger;
    if undo::is_detached(ledger) {
        return;
    }
    let Origin { site, counters } = walk::origin(context, entry);
    if let Some(counters) = counters {
        crate::threads::add(&counters.allocations, crate::BLOCK_UNITS);
        crate::threads::add(&counters.bytes, bytes);
        // The mapping table says what is live of mappings.
        crate::threads::add(&counters.freed_bytes, bytes);
    }
    let birth = BirthCode(ledger.header().clock.load(Relaxed) as u16);
    let end = if kind == BlockKind::Mmap { start + page_up(bytes) } else { start + bytes };
    let slot = Slot::new(start, 0, kind, birth, site);
    if let Some(_lock) = SlowLock::acquire(&ledger.header().mapping_lock) {
        enter(ledger, start, end, slot.0);
    }
}

fn unmapped(start: u64, bytes: u64) {
    let Some(context) = context() else { return };
    if let Some(_lock) = SlowLock::acquire(&context.ledger.header().mapping_lock) {
        remove(context.ledger, start, start.saturating_add(page_up(bytes)));
    }
}

/// A mapping grew, shrank or moved: it keeps its site and birth.
fn moved(from: u64, to: u64, bytes: u64) {
    let Some(context) = context() else { return };
    let ledger = context.ledger;
    let Some(_lock) = SlowLock::acquire(&ledger.header().mapping_lock) else { return };
    let count = ledger.header().mapping_count.load(Relaxed) as usize;
    let found = (0..count).map(|index| ledger.mapping(index)).find(|entry| entry.start.load(Relaxed) == from);
    if let Some(entry) = found {
        let slot = entry.slot.load(Relaxed);
        remove(ledger, from, entry.end.load(Relaxed));
        enter(ledger, to, to.saturating_add(page_up(bytes)), slot);
    }
}

/// Adds an entry. The lock must be held.
fn enter(ledger: Ledger, start: u64, end: u64, slot: u64) {
    let header = ledger.header();
    let count = header.mapping_count.load(Relaxed) as usize;
    let free = (0..count).find(|index| ledger.mapping(*index).start.load(Relaxed) == 0).unwrap_or(count);
    if free >= MAPPING_LIMIT {
        header.flags.fetch_or(flag::MAPPINGS_FULL, Relaxed);
        return;
    }
    let entry = ledger.mapping(free);
    entry.end.store(end, Relaxed);
    entry.slot.store(slot, Relaxed);
    entry.start.store(start, Release);
    if free == count {
        header.mapping_count.store(count as u32 + 1, Release);
    }
}

/// Takes a range out of all entries, splitting one that it lies inside of. The lock must be held.
fn remove(ledger: Ledger, start: u64, end: u64) {
    let count = ledger.header().mapping_count.load(Relaxed) as usize;
    for index in 0..count {
        let entry = ledger.mapping(index);
        let (first, last) = (entry.start.load(Relaxed), entry.end.load(Relaxed));
        if first == 0 || last <= start || end <= first {
            continue;
        }
        match (first < start, end < last) {
            (false, false) => entry.start.store(0, Release),
            (true, false) => entry.end.store(start, Release),
            (false, true) => entry.start.store(end, Release),
            (true, true) => {
                entry.end.store(start, Release);
                enter(ledger, end, last, entry.slot.load(Relaxed));
            }
        }
    }
}
