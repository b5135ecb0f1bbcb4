//! Threads that work side by side.
use super::edges::Edges;
use super::pool::Pool;
use super::trace::Trace;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// What a traversal needs, and how many threads take part in it.
pub(super) struct Team<'a> {
    edges: &'a Edges,
    threads: usize,
}

impl<'a> Team<'a> {
    pub(super) fn new(edges: &'a Edges, threads: usize) -> Self {
        Self { edges, threads: threads.max(1) }
    }

    /// A traversal by this thread alone.
    pub(super) fn trace(&self) -> Trace<'_> {
        Trace::new(self.edges, None)
    }

    /// Has `work` done with each task, by some thread, and then, once in each thread, with `None`: for what the
    /// tasks have left pending. What is pending there is shared with threads that have nothing left to do.
    pub(super) fn run<T: Sync>(&self, tasks: &[T], work: impl Fn(Option<&T>, &mut Trace<'_>) + Sync) {
        let pool = Pool::new(self.threads);
        let next = AtomicUsize::new(0);
        let run = || {
            let mut trace = Trace::new(self.edges, Some(&pool));
            while let Some(task) = tasks.get(next.fetch_add(1, Relaxed)) {
                work(Some(task), &mut trace);
            }
            work(None, &mut trace);
        };
        on_threads(self.threads, &run);
    }
}

/// Has something done with each task by some thread, of which each gets a worker of its own. Gives the results in the
/// order of the tasks.
pub(super) fn each<T: Sync, R: Send, W: FnMut(&T) -> R>(
    tasks: &[T],
    threads: usize,
    worker: impl Fn() -> W + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(tasks.len()));
    let run = || {
        let mut worker = worker();
        loop {
            let at = next.fetch_add(1, Relaxed);
            let Some(task) = tasks.get(at) else { return };
            let result = worker(task);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    on_threads(threads.min(tasks.len()), &run);
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn on_threads(threads: usize, run: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
}
