//! System calls made directly: they go through nobody's hooks and leave `errno` alone.
use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering::*};
use stanch_ledger::HUGE_PAGE_BYTES;

/// Result of a raw system call: negative values are `-errno`.
pub(crate) type Raw = isize;

static RESTRICTED: AtomicBool = AtomicBool::new(false);

/// The program is about to restrict its system calls: the recorder makes none of its own from here on, for a filter may
/// punish them. (Exits and forks inherit this, as they inherit the filter.)
pub(crate) fn restrict() {
    RESTRICTED.store(true, SeqCst);
}

/// True where the recorder may make no system call of its own.
#[inline]
pub(crate) fn is_restricted() -> bool {
    RESTRICTED.load(Relaxed)
}

/// # Safety
/// The arguments must be valid for the call with this number.
#[inline]
pub(crate) unsafe fn call(number: i64, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> Raw {
    let result;
    // SAFETY: the kernel's calling convention; it overwrites rax, rcx and r11 only, and what the
    // arguments point to is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
            in("r10") d, in("r8") e, in("r9") f, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

pub(crate) fn getpid() -> u32 {
    // SAFETY: takes no arguments.
    unsafe { call(libc::SYS_getpid, 0, 0, 0, 0, 0, 0) as u32 }
}

pub(crate) fn getppid() -> u32 {
    // SAFETY: takes no arguments.
    unsafe { call(libc::SYS_getppid, 0, 0, 0, 0, 0, 0) as u32 }
}

pub(crate) fn gettid() -> u32 {
    // SAFETY: takes no arguments.
    unsafe { call(libc::SYS_gettid, 0, 0, 0, 0, 0, 0) as u32 }
}

/// True while a thread of this process with this id exists.
pub(crate) fn thread_exists(pid: u32, tid: u32) -> bool {
    // SAFETY: signal 0 is never delivered.
    unsafe { call(libc::SYS_tgkill, pid as usize, tid as usize, 0, 0, 0, 0) != -(libc::ESRCH as isize) }
}

pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec to the local variable.
    unsafe { call(libc::SYS_clock_gettime, libc::CLOCK_MONOTONIC as usize, &raw mut time as usize, 0, 0, 0, 0) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Wakes everybody who waits on the word, in any process that maps it.
pub(crate) fn futex_wake(word: &core::sync::atomic::AtomicU32) {
    // SAFETY: FUTEX_WAKE only looks at the address.
    unsafe { call(libc::SYS_futex, word.as_ptr() as usize, libc::FUTEX_WAKE as usize, i32::MAX as usize, 0, 0, 0) };
}

/// Waits while the word has this value, at most so many milliseconds.
pub(crate) fn futex_wait(word: &core::sync::atomic::AtomicU32, value: u32, milliseconds: u32) {
    let time =
        libc::timespec { tv_sec: (milliseconds / 1000) as i64, tv_nsec: (milliseconds % 1000) as i64 * 1_000_000 };
    // SAFETY: the word and the timespec outlive the call.
    unsafe {
        call(
            libc::SYS_futex,
            word.as_ptr() as usize,
            libc::FUTEX_WAIT as usize,
            value as usize,
            &raw const time as usize,
            0,
            0,
        )
    };
}

/// # Safety
/// As mmap(2): with `MAP_FIXED` the range must be the caller's own.
pub(crate) unsafe fn mmap(address: usize, bytes: usize, flags: i32, fd: i32, offset: u64) -> Option<*mut u8> {
    let protection = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    // SAFETY: the caller's promise.
    let result =
        unsafe { call(libc::SYS_mmap, address, bytes, protection, flags as usize, fd as usize, offset as usize) };
    (result > 0).then_some(result as *mut u8)
}

const PAGE: usize = 4096;

/// Address space of this size that begins at a multiple of [`HUGE_PAGE_BYTES`], with nothing in it.
pub(crate) fn reserve(bytes: usize) -> Option<*mut u8> {
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as usize;
    let more = bytes + HUGE_PAGE_BYTES;
    // SAFETY: a new mapping at an address of the kernel's choice disturbs nobody.
    let result = unsafe { call(libc::SYS_mmap, 0, more, libc::PROT_NONE as usize, flags, usize::MAX, 0) };
    if result <= 0 {
        return None;
    }
    let (start, end) = (result as usize, result as usize + more);
    let aligned = start.next_multiple_of(HUGE_PAGE_BYTES);
    for (from, to) in [(start, aligned), (aligned + bytes, end)] {
        if from < to {
            // SAFETY: both ends are part of the new mapping, and nobody has seen it.
            unsafe { munmap(from as *mut u8, to - from) };
        }
    }
    Some(aligned as *mut u8)
}

/// Maps `bytes` of a file from a page of a shared mapping on once more, at a place of the kernel's choice or, with
/// `MREMAP_FIXED`, at this one. Needs no file descriptor (mremap(2): an old size of zero duplicates a shared mapping).
///
/// # Safety
/// With `MREMAP_FIXED` the place must be the caller's own, and not hold the page.
unsafe fn map_again(page: *mut u8, bytes: usize, fixed: i32, place: usize) -> Option<*mut u8> {
    let flags = (libc::MREMAP_MAYMOVE | fixed) as usize;
    // SAFETY: nothing is unmapped but what is at the place, and that is the caller's.
    let result = unsafe { call(libc::SYS_mremap, page as usize, 0, bytes, flags, place, 0) };
    (result > 0).then_some(result as *mut u8)
}

/// Maps the `bytes` of a file, a multiple of [`HUGE_PAGE_BYTES`], that follow those of a shared mapping, whose last
/// page is given, at a multiple of that.
///
/// The place is reserved, for other threads map too, and then filled piece by piece: the kernel holds a new mapping
/// against a limit on address space as if what it replaces stayed.
pub(crate) fn map_following(last_page: *mut u8, bytes: usize) -> Option<*mut u8> {
    let reserved = reserve(HUGE_PAGE_BYTES + bytes)?;
    // SAFETY: inside what was reserved.
    let start = unsafe { reserved.add(HUGE_PAGE_BYTES) };
    if fill(start, last_page, bytes).is_none() {
        // SAFETY: nobody has seen the reserved range.
        unsafe { munmap(reserved, HUGE_PAGE_BYTES + bytes) };
        return None;
    }
    // SAFETY: nobody has seen what was reserved before `start`.
    unsafe { munmap(reserved, HUGE_PAGE_BYTES) };
    Some(start)
}

/// Fills reserved space from `start` on, and the page before, with what follows in a file from `last_page` on.
fn fill(start: *mut u8, last_page: *mut u8, bytes: usize) -> Option<()> {
    let mut before = last_page;
    for offset in (0..bytes).step_by(HUGE_PAGE_BYTES) {
        // A piece begins with the page before it, which is mapped elsewhere meanwhile.
        // SAFETY: without MREMAP_FIXED nothing is unmapped.
        let aside = unsafe { map_again(before, PAGE, 0, 0) }?;
        let place = start as usize + offset - PAGE;
        // SAFETY: the place was reserved; of what is filled already it has only the page that is there again.
        let piece = unsafe { map_again(aside, PAGE + HUGE_PAGE_BYTES, libc::MREMAP_FIXED, place) };
        // SAFETY: nobody has seen that page.
        unsafe { munmap(aside, PAGE) };
        // SAFETY: the last page of the piece.
        before = unsafe { piece?.add(HUGE_PAGE_BYTES) };
    }
    Some(())
}

/// # Safety
/// Nothing may use the range any more.
pub(crate) unsafe fn munmap(start: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { call(libc::SYS_munmap, start as usize, bytes, 0, 0, 0, 0) };
}

pub(crate) fn madvise(start: *mut u8, bytes: usize, advice: i32) -> Raw {
    // SAFETY: used only with advice that does not change content (DONTDUMP, WIPEONFORK, COLLAPSE).
    unsafe { call(libc::SYS_madvise, start as usize, bytes, advice as usize, 0, 0, 0) }
}

/// True where all pages of the range are mapped. Asks for at most 256 pages.
pub(crate) fn is_mapped(start: usize, pages: usize) -> bool {
    let mut residency = [0u8; 256];
    let pages = pages.min(residency.len());
    // SAFETY: the kernel writes one byte a page, and there are at most as many as the array holds.
    unsafe { call(libc::SYS_mincore, start, pages * 4096, residency.as_mut_ptr() as usize, 0, 0, 0) == 0 }
}

/// Which pages of the range (at most 4096 of them) are in memory: bit 0 of each byte.
pub(crate) fn residency(start: *mut u8, pages: &mut [u8]) -> bool {
    // SAFETY: the kernel writes one byte a page, and the slice has that many.
    unsafe { call(libc::SYS_mincore, start as usize, pages.len() * 4096, pages.as_mut_ptr() as usize, 0, 0, 0) == 0 }
}

pub(crate) fn close(fd: i32) {
    // SAFETY: every caller closes a descriptor that it opened itself a moment ago.
    unsafe { call(libc::SYS_close, fd as usize, 0, 0, 0, 0, 0) };
}

/// Writes some bytes to a descriptor, as far as it takes them.
#[cfg(feature = "checked-walks")]
pub(crate) fn write(fd: i32, text: &[u8]) {
    // SAFETY: the kernel reads the slice only.
    unsafe { call(libc::SYS_write, fd as usize, text.as_ptr() as usize, text.len(), 0, 0, 0) };
}

/// Ends the process by SIGABRT, whatever the program does with that signal.
#[cfg(feature = "checked-walks")]
pub(crate) fn abort() -> ! {
    // SAFETY: a default action of zeros is valid, and ending the process is what is wanted.
    unsafe {
        let default = [0usize; 4];
        call(libc::SYS_rt_sigaction, libc::SIGABRT as usize, default.as_ptr() as usize, 0, 8, 0, 0);
        call(libc::SYS_tgkill, getpid() as usize, gettid() as usize, libc::SIGABRT as usize, 0, 0, 0);
    }
    loop {
        core::hint::spin_loop();
    }
}
