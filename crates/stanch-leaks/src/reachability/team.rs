//! Threads that trace side by side.
use super::BlockRange;
use super::index::PointerIndex;
use super::memory::Memory;
use super::pool::Pool;
use super::trace::Trace;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a traversal needs, and how many threads take part in it.
pub(super) struct Team<'a> {
    pub(super) blocks: &'a [BlockRange],
    pub(super) index: &'a PointerIndex,
    pub(super) memory: Memory<'a>,
    threads: usize,
}

impl<'a> Team<'a> {
    pub(super) fn new(blocks: &'a [BlockRange], index: &'a PointerIndex, memory: Memory<'a>, threads: usize) -> Self {
        Self { blocks, index, memory, threads: threads.max(1) }
    }

    /// A traversal by this thread alone.
    pub(super) fn trace(&self) -> Trace<'_> {
        Trace::new(self.blocks, self.index, self.memory, None)
    }

    /// Has `work` done with each task, by some thread, and then, once in each thread, with `None`: for what the
    /// tasks have left pending. What is pending there is shared with threads that have nothing left to do.
    pub(super) fn run<T: Sync>(&self, tasks: &[T], work: impl Fn(Option<&T>, &mut Trace<'_>) + Sync) {
        let pool = Pool::new(self.threads);
        let next = AtomicUsize::new(0);
        let run = || {
            let mut trace = Trace::new(self.blocks, self.index, self.memory, Some(&pool));
            while let Some(task) = tasks.get(next.fetch_add(1, Relaxed)) {
                work(Some(task), &mut trace);
            }
            work(None, &mut trace);
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(run);
            }
            run();
        });
    }
}

/// Parts of a list that threads can share.
pub(super) fn parts<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    const PART: usize = 4096;
    list.chunks(PART)
}
