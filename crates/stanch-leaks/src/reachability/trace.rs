//! Follows pointers from block to block.
//!
//! Even reduced to its pointers a heap does not fit a cache, so nearly every step of a traversal misses: where a
//! block's pointers stand, they themselves, what is known of their targets. The work is therefore done in batches, each
//! step for a whole batch before the next one, which lets the processor wait for many misses at once. No order between
//! blocks is promised.
use super::edges::{Edges, Target};
use super::pool::Pool;
use std::hint::black_box;

/// Blocks followed at a time.
pub(super) const BLOCK_BATCH: usize = 64;
/// Pointers looked at at a time.
const TARGET_BATCH: usize = 256;

/// What a traversal wants with the pointers it finds.
pub(super) trait Visitor {
    /// The next block of those with which the traversal starts.
    fn next_seed(&mut self) -> Option<u32> {
        None
    }

    /// False where no pointer to the block could matter.
    fn wants(&self, block: u32) -> bool;

    /// The block `from` points to another. True where that one is to be followed too.
    fn points(&mut self, from: u32, to: Target) -> bool;
}

/// A traversal: what is still to be followed.
pub(super) struct Trace<'a> {
    edges: &'a Edges,
    pending: Vec<u32>,
    /// Where other threads find work, if there are any.
    pool: Option<&'a Pool>,
    candidates: Vec<(u32, Target)>,
}

impl<'a> Trace<'a> {
    pub(super) fn new(edges: &'a Edges, pool: Option<&'a Pool>) -> Self {
        Self { edges, pending: Vec::new(), pool, candidates: Vec::with_capacity(TARGET_BATCH) }
    }

    /// Has the block followed by the next [`Self::run`].
    pub(super) fn push(&mut self, block: u32) {
        self.pending.push(block);
    }

    /// Follows the pending blocks, the visitor's seeds and what they lead to, until nothing is left, neither here nor
    /// at other threads that share their work with this one.
    pub(super) fn run(&mut self, visitor: &mut impl Visitor) {
        let mut batch: [(u32, usize, &[Target]); BLOCK_BATCH] = [(0, 0, &[]); BLOCK_BATCH];
        loop {
            while self.pending.len() < BLOCK_BATCH
                && let Some(seed) = visitor.next_seed()
            {
                self.pending.push(seed);
            }
            let from = self.pending.len().saturating_sub(BLOCK_BATCH);
            let len = self.pending.len() - from;
            if len == 0 {
                match self.pool.and_then(Pool::take) {
                    Some(pending) => self.pending = pending,
                    None => return,
                }
                continue;
            }
            for (entry, &block) in batch.iter_mut().zip(&self.pending[from..]) {
                let (part, targets) = self.edges.first(block);
                *entry = (block, part, targets);
            }
            self.pending.truncate(from);
            touch(&batch[..len]);
            for &(block, part, targets) in &batch[..len] {
                self.add(block, targets, visitor);
                for targets in self.edges.rest(block, part) {
                    self.add(block, targets, visitor);
                }
            }
            self.resolve(visitor);
            if let Some(pool) = self.pool {
                pool.offer(&mut self.pending);
            }
        }
    }

    /// As [`Self::run`], but without the work of other threads.
    pub(super) fn run_alone(&mut self, visitor: &mut impl Visitor) {
        let pool = self.pool.take();
        self.run(visitor);
        self.pool = pool;
    }

    #[inline]
    fn add(&mut self, from: u32, targets: &[Target], visitor: &mut impl Visitor) {
        for &to in targets {
            self.candidates.push((from, to));
            if self.candidates.len() == TARGET_BATCH {
                self.resolve(visitor);
            }
        }
    }

    /// Shows the visitor the pointers that it wants, and makes pending what it asks for.
    fn resolve(&mut self, visitor: &mut impl Visitor) {
        self.candidates.retain(|(_, to)| visitor.wants(to.block()));
        for &(from, to) in &self.candidates {
            if visitor.points(from, to) {
                self.pending.push(to.block());
            }
        }
        self.candidates.clear();
    }
}

/// Reads the first pointer of every block, so that the misses happen side by side.
fn touch(batch: &[(u32, usize, &[Target])]) {
    let mut sum = 0;
    for (_, _, targets) in batch {
        sum ^= targets.first().map_or(0, |target| target.block());
    }
    black_box(sum);
}
