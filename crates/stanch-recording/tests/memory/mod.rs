//! What a reader of hostile files takes of memory. Included by the tests of each such reader.
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is allocated, so that a test can say how much a reader took.
struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);
/// Tests that count run one at a time, as the counts are of the whole process.
pub(crate) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

// SAFETY: every call goes to `System` unchanged, which keeps the contract; the counts do not touch memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK_BYTES.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`; the block came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads `input_bytes`, which must take less memory than `allowed_bytes`.
pub(crate) fn bounded<T>(allowed_bytes: usize, input_bytes: usize, read: impl FnOnce() -> T) -> T {
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    PEAK_BYTES.store(before, Ordering::Relaxed);
    let result = read();
    let taken_bytes = PEAK_BYTES.load(Ordering::Relaxed).saturating_sub(before);
    assert!(taken_bytes < allowed_bytes, "{taken_bytes} bytes taken for {input_bytes}");
    result
}
