//! Thread records: one for each thread that allocates, reused once its thread is gone.
use crate::control::{self, Ledger};
use crate::{life, map, sys, tls};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering::*};
use stanch_ledger::{COUNTERS_PER_EXTENT, Counters, DEAD_STACK_LIMIT, SITE_LIMIT, THREAD_COUNTER_POINTERS, Thread};

/// Thread records of this ledger, newest first, as a list through `NEXT`; kept here because only the target
/// walks it. Reset with the ledger.
const REGISTRY: usize = 1 << 14;
static THREADS: [AtomicPtr<Thread>; REGISTRY] = [const { AtomicPtr::new(core::ptr::null_mut()) }; REGISTRY];
static THREAD_COUNT: AtomicU32 = AtomicU32::new(0);
static CURSOR: AtomicU32 = AtomicU32::new(0);

/// What a hook needs.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    pub(crate) ledger: Ledger,
    pub(crate) thread: &'static Thread,
}

/// The ledger and this thread's record; `None` where nothing is to be recorded.
#[inline(always)]
pub(crate) fn context() -> Option<Context> {
    match known_context() {
        Some(context) => Some(context),
        None => slow_context(),
    }
}

/// The same where this thread is known already.
#[inline(always)]
pub(crate) fn known_context() -> Option<Context> {
    let thread = core::ptr::NonNull::new(tls::thread())?;
    let ledger = control::ledger()?;
    // SAFETY: a thread's word names a record in a ledger that stays mapped; `forget_all` resets the word of
    // the one thread that survives a fork, and the emptied control page keeps other forks out of here.
    Some(Context { ledger, thread: unsafe { thread.as_ref() } })
}

#[cold]
#[inline(never)]
fn slow_context() -> Option<Context> {
    if tls::is_internal() {
        return None;
    }
    let internal = tls::Internal::enter();
    let ledger = life::ensure_started()?;
    let thread = new_thread(ledger)?;
    drop(internal);
    tls::set_thread((&raw const *thread).cast_mut());
    Some(Context { ledger, thread })
}

/// Forgets the thread records of another ledger, after a fork.
pub(crate) fn forget_all() {
    THREAD_COUNT.store(0, Relaxed);
    CURSOR.store(0, Relaxed);
}

fn new_thread(ledger: Ledger) -> Option<&'static Thread> {
    let tid = if sys::is_restricted() { tls::token() } else { sys::gettid() };
    let thread = adopt_ended(ledger);
    let thread = match thread {
        Some(thread) => thread,
        None => {
            let number = THREAD_COUNT.fetch_add(1, Relaxed);
            // SAFETY: the extents start with a thread record; fresh ones are zero, which is valid.
            let thread = unsafe { &*map::map_thread(ledger, number)?.cast::<Thread>() };
            thread.number.store(number, Relaxed);
            if let Some(entry) = THREADS.get(number as usize) {
                entry.store((&raw const *thread).cast_mut(), Release);
            }
            thread
        }
    };
    let here = &raw const tid as usize;
    let (start, end) = if sys::is_restricted() { (0, 0) } else { life::stack_of_this_thread(here) };
    thread.stack_start.store(start as u64, Relaxed);
    thread.stack_end.store(end as u64, Relaxed);
    thread.tid.store(tid, Release);
    Some(thread)
}

/// Looks at a few records for one whose thread is gone; its counts go on under the new thread.
fn adopt_ended(ledger: Ledger) -> Option<&'static Thread> {
    let count = THREAD_COUNT.load(Relaxed).min(REGISTRY as u32);
    let pid = ledger.header().pid.load(Relaxed);
    if sys::is_restricted() {
        return None;
    }
    for _ in 0..count.min(8) {
        let index = CURSOR.fetch_add(1, Relaxed) % count;
        let thread = THREADS[index as usize].load(Acquire);
        // SAFETY: registered records are in this ledger, which stays mapped.
        let Some(thread) = (unsafe { thread.as_ref() }) else { continue };
        let tid = thread.tid.load(Acquire);
        let is_free = tid != 0 && !sys::thread_exists(pid, tid);
        if is_free && thread.tid.compare_exchange(tid, 0, AcqRel, Relaxed).is_ok() {
            remember_stack(ledger, thread);
            reset(thread);
            return Some(thread);
        }
    }
    None
}

fn remember_stack(ledger: Ledger, thread: &Thread) {
    let (start, end) = (thread.stack_start.load(Relaxed), thread.stack_end.load(Relaxed));
    if start != 0 {
        let index = ledger.header().dead_stack_count.fetch_add(1, Relaxed) as usize % DEAD_STACK_LIMIT;
        let dead = ledger.dead_stack(index);
        dead.start.store(start, Relaxed);
        dead.end.store(end, Relaxed);
    }
}

fn reset(thread: &Thread) {
    thread.walking.store(0, Relaxed);
    thread.depth.store(0, Relaxed);
    thread.window_end.store(0, Relaxed);
    thread.realloc_address.store(0, Relaxed);
    thread.last_block.store(0, Relaxed);
    thread.pending_kind.store(0, Relaxed);
}

/// This thread's counters of a site; `None` where the ledger cannot hold them.
#[inline(always)]
pub(crate) fn counters(context: Context, site: u32) -> Option<&'static Counters> {
    match mapped_counters(context, site) {
        Some(counters) => Some(counters),
        None => new_counters(context, site),
    }
}

/// The same where their extent is mapped already.
#[inline(always)]
pub(crate) fn mapped_counters(context: Context, site: u32) -> Option<&'static Counters> {
    let extent = counters_pointer(context, site).load(Relaxed);
    // SAFETY: a mapped extent of counters holds COUNTERS_PER_EXTENT of them.
    (!extent.is_null()).then(|| unsafe { &*extent.add(site as usize % COUNTERS_PER_EXTENT) })
}

#[inline(always)]
fn counters_pointer(context: Context, site: u32) -> &'static AtomicPtr<Counters> {
    let index = site as usize % SITE_LIMIT / COUNTERS_PER_EXTENT;
    // SAFETY: the table of counter extents lies in the thread's own extents and has SITE_LIMIT /
    // COUNTERS_PER_EXTENT entries.
    unsafe { &*(&raw const *context.thread).byte_add(THREAD_COUNTER_POINTERS).cast::<AtomicPtr<Counters>>().add(index) }
}

#[cold]
#[inline(never)]
fn new_counters(context: Context, site: u32) -> Option<&'static Counters> {
    let index = site as usize % SITE_LIMIT / COUNTERS_PER_EXTENT;
    map::map_counters(context.ledger, counters_pointer(context, site), index)?;
    mapped_counters(context, site)
}

/// Adds to a word that only this thread writes.
#[inline(always)]
pub(crate) fn add(word: &core::sync::atomic::AtomicU64, amount: u64) {
    word.store(word.load(Relaxed).wrapping_add(amount), Relaxed);
}
