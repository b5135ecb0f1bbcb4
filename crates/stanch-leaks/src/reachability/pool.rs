//! Shares pending blocks between threads that trace side by side.
use super::trace::BLOCK_BATCH;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Condvar, Mutex, PoisonError};

/// A thread with fewer pending blocks gives none away: two batches, so that both have one.
const GIVE_MIN: usize = 2 * BLOCK_BATCH;

/// Blocks that are pending at no thread, and the threads that have nothing to do.
pub(super) struct Pool {
    threads: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// True where a thread waits for work; looked at often, so kept beside the lock.
    is_wanted: AtomicBool,
}

#[derive(Default)]
struct State {
    parts: Vec<Vec<u32>>,
    waiting: usize,
}

impl Pool {
    pub(super) fn new(threads: usize) -> Self {
        Self { threads, state: Mutex::default(), changed: Condvar::new(), is_wanted: AtomicBool::new(false) }
    }

    /// Gives half of the pending blocks away if somebody waits for some.
    #[inline]
    pub(super) fn offer(&self, pending: &mut Vec<u32>) {
        if self.is_wanted.load(Relaxed) && GIVE_MIN <= pending.len() {
            self.give(pending);
        }
    }

    #[cold]
    fn give(&self, pending: &mut Vec<u32>) {
        // The older half: what hangs on it is likely more.
        let rest = pending.split_off(pending.len() / 2);
        let part = std::mem::replace(pending, rest);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.parts.push(part);
        self.is_wanted.store(state.parts.len() < state.waiting, Relaxed);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for blocks that another thread gives away; `None` once all threads wait.
    pub(super) fn take(&self) -> Option<Vec<u32>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting += 1;
        if state.waiting == self.threads && state.parts.is_empty() {
            self.changed.notify_all();
        }
        loop {
            if let Some(part) = state.parts.pop() {
                state.waiting -= 1;
                self.is_wanted.store(state.parts.len() < state.waiting, Relaxed);
                return Some(part);
            }
            if state.waiting == self.threads {
                return None;
            }
            self.is_wanted.store(true, Relaxed);
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
