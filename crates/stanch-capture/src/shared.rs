//! The collector's view of a ledger's fixed part, and the futex that both sides use.
use stanch_ledger::{FIXED_BYTES, Header, MAGIC};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A mapped ledger header.
#[derive(Debug)]
pub(crate) struct SharedHeader {
    base: *mut u8,
}

// SAFETY: the mapping is shared memory that is only accessed through atomics.
unsafe impl Send for SharedHeader {}
// SAFETY: as above.
unsafe impl Sync for SharedHeader {}

impl SharedHeader {
    /// # Errors
    /// Where the file is no ledger of this version.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        let not_a_ledger = || io::Error::new(io::ErrorKind::InvalidData, "not a ledger of this version of Stanch");
        if file.metadata()?.len() != stanch_ledger::FILE_BYTES {
            return Err(not_a_ledger());
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new shared mapping of a file that is longer than it; the target cannot shrink what it maps
        // itself without ending its own recording first.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), FIXED_BYTES, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let shared = Self { base: base.cast() };
        if shared.header().magic.load(Ordering::Acquire) != MAGIC {
            return Err(not_a_ledger());
        }
        Ok(shared)
    }

    pub(crate) fn header(&self) -> &Header {
        self.record(0, 0)
    }

    /// A record of one of the fixed part's tables.
    pub(crate) fn record<T>(&self, offset: usize, index: usize) -> &T {
        let start = offset + index * size_of::<T>();
        assert!(start + size_of::<T>() <= FIXED_BYTES, "an index beyond its table");
        // SAFETY: the range was just checked, the mapping lives as long as `self`, table offsets are aligned, and
        // records consist of atomics, for which any bits are valid.
        unsafe { &*self.base.add(start).cast::<T>() }
    }
}

impl Drop for SharedHeader {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map`, and all references to it borrow `self`.
        unsafe { libc::munmap(self.base.cast(), FIXED_BYTES) };
    }
}

/// Waits while the word has this value, at most so long.
pub(crate) fn futex_wait(word: &AtomicU32, value: u32, patience: Duration) {
    let time = libc::timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
    // SAFETY: the word and the time outlive the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, &raw const time) };
}

/// Wakes everybody who waits on the word.
pub(crate) fn futex_wake(word: &AtomicU32) {
    // SAFETY: the kernel only looks at the address.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, i32::MAX) };
}

/// CLOCK_MONOTONIC in nanoseconds, as the target reads it.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is a local variable.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Makes a part of a sparse file empty.
pub(crate) fn punch(file: &File, start: u64, end: u64) {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: takes no pointers. Where it fails, the part keeps its content, which costs memory.
    unsafe { libc::fallocate(file.as_raw_fd(), mode, start as i64, (end - start) as i64) };
}

/// The next part of a sparse file, at or after `offset` and before `end`, that holds anything.
pub(crate) fn next_data(file: &File, offset: u64, end: u64) -> Option<(u64, u64)> {
    // SAFETY: takes no pointers. The file's position is used by nobody.
    let start = unsafe { libc::lseek(file.as_raw_fd(), offset as i64, libc::SEEK_DATA) };
    if start < 0 || start as u64 >= end {
        return None;
    }
    // SAFETY: as above.
    let hole = unsafe { libc::lseek(file.as_raw_fd(), start, libc::SEEK_HOLE) };
    Some((start as u64, (hole.max(0) as u64).clamp(start as u64, end)))
}
