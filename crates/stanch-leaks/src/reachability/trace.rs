//! Follows pointers from block to block.
//!
//! A heap does not fit a cache, so nearly every step of a traversal misses: the index, the block's extent, its
//! content. The work is therefore done in batches, each step for a whole batch before the next one, which lets the
//! processor wait for many misses at once. No order between blocks is promised.
use super::BlockRange;
use super::index::{NO_BLOCK, PointerIndex};
use super::memory::{Memory, aligned, words};
use super::pool::Pool;
use std::hint::black_box;

/// Blocks scanned at a time.
pub(super) const BLOCK_BATCH: usize = 64;
/// Words looked up at a time.
const WORD_BATCH: usize = 256;

/// What a traversal wants with the pointers it finds.
pub(super) trait Visitor {
    /// The next block to scan of those with which the traversal starts.
    fn next_seed(&mut self) -> Option<u32> {
        None
    }

    /// False where no pointer to the block could matter: spares looking closer.
    fn wants(&self, block: u32) -> bool;

    /// `word`, found in the block `from` or, where that is [`NO_BLOCK`], in a root, points into the block `to` or one
    /// past its end. True where that block is to be scanned too.
    fn points(&mut self, from: u32, word: u64, to: u32, block: BlockRange) -> bool;

    /// Content of a block is about to be scanned, or of a root.
    fn scans(&mut self, address: u64, bytes: &[u8]) {
        let _ = (address, bytes);
    }
}

/// A word that may be a pointer.
#[derive(Clone, Copy, Default)]
struct Candidate {
    word: u64,
    from: u32,
    to: u32,
}

/// A traversal: what is still to be scanned, and the means to find out where pointers lead.
pub(super) struct Trace<'a> {
    blocks: &'a [BlockRange],
    index: &'a PointerIndex,
    pub(super) memory: Memory<'a>,
    pending: Vec<u32>,
    /// Where other threads find work, if there are any.
    pool: Option<&'a Pool>,
    candidates: Vec<Candidate>,
}

impl<'a> Trace<'a> {
    pub(super) fn new(
        blocks: &'a [BlockRange],
        index: &'a PointerIndex,
        memory: Memory<'a>,
        pool: Option<&'a Pool>,
    ) -> Self {
        Self { blocks, index, memory, pending: Vec::new(), pool, candidates: Vec::with_capacity(WORD_BATCH) }
    }

    /// Has the block scanned by the next [`Self::run`].
    pub(super) fn push(&mut self, block: u32) {
        self.pending.push(block);
    }

    /// Follows these words.
    pub(super) fn follow(&mut self, words: impl IntoIterator<Item = u64>, visitor: &mut impl Visitor) {
        words.into_iter().for_each(|word| self.add(NO_BLOCK, word, visitor));
        self.resolve(visitor);
    }

    /// Follows the words in this span of captured memory.
    pub(super) fn follow_span(&mut self, start: u64, end: u64, visitor: &mut impl Visitor) {
        let (start, end) = aligned(start, end);
        for (address, bytes) in self.memory.pieces(start, end) {
            visitor.scans(address, bytes);
            self.follow(words(bytes), visitor);
        }
    }

    /// Scans the pending blocks, the visitor's seeds and what they lead to, until nothing is left, neither here nor at
    /// other threads that share their work with this one.
    pub(super) fn run(&mut self, visitor: &mut impl Visitor) {
        let mut batch = [Content::default(); BLOCK_BATCH];
        let mut hint = 0;
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
            for (content, &number) in batch.iter_mut().zip(&self.pending[from..]) {
                *content = Content::of(number, self.blocks[number as usize], &self.memory, &mut hint);
            }
            self.pending.truncate(from);
            touch(&batch[..len]);
            for content in &batch[..len] {
                self.add_content(content, visitor);
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

    fn add_content(&mut self, content: &Content<'_>, visitor: &mut impl Visitor) {
        if content.bytes.len() as u64 == content.end - content.start {
            visitor.scans(content.start, content.bytes);
            words(content.bytes).for_each(|word| self.add(content.number, word, visitor));
        } else {
            for (address, bytes) in self.memory.pieces(content.start, content.end) {
                visitor.scans(address, bytes);
                words(bytes).for_each(|word| self.add(content.number, word, visitor));
            }
        }
    }

    #[inline]
    fn add(&mut self, from: u32, word: u64, visitor: &mut impl Visitor) {
        if self.index.may_point(word) {
            self.candidates.push(Candidate { word, from, to: NO_BLOCK });
            if self.candidates.len() == WORD_BATCH {
                self.resolve(visitor);
            }
        }
    }

    /// Looks up the candidates, shows the visitor those that point into blocks, and makes pending what it asks for.
    fn resolve(&mut self, visitor: &mut impl Visitor) {
        for candidate in &mut self.candidates {
            candidate.to = self.index.lookup(candidate.word);
        }
        self.candidates.retain(|candidate| candidate.to != NO_BLOCK && visitor.wants(candidate.to));

        let mut extents = [BlockRange::default(); WORD_BATCH];
        for (extent, candidate) in extents.iter_mut().zip(&self.candidates) {
            *extent = self.blocks[candidate.to as usize];
        }
        for (&extent, &Candidate { word, from, to }) in extents.iter().zip(&self.candidates) {
            if word <= extent.last_pointer() && visitor.points(from, word, to, extent) {
                self.pending.push(to);
            }
        }
        self.candidates.clear();
    }
}

/// The words of a block that is about to be scanned.
#[derive(Clone, Copy, Default)]
struct Content<'a> {
    number: u32,
    start: u64,
    end: u64,
    /// What was captured of them, up to the first gap.
    bytes: &'a [u8],
}

impl<'a> Content<'a> {
    #[inline]
    fn of(number: u32, block: BlockRange, memory: &Memory<'a>, hint: &mut usize) -> Self {
        let (start, end) = aligned(block.start, block.start.saturating_add(block.bytes));
        Self { number, start, end, bytes: memory.prefix(start, end, hint) }
    }
}

/// Reads a byte at each end of every content, so that the misses happen side by side.
fn touch(contents: &[Content<'_>]) {
    let mut sum = 0_u8;
    for content in contents {
        sum ^= content.bytes.first().unwrap_or(&0) ^ content.bytes.last().unwrap_or(&0);
    }
    black_box(sum);
}
