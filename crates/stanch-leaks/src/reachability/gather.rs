//! Reads a memory once, from one end to the other, and keeps of it which block points to which.
//!
//! Memory passes through one small buffer a thread, so none of it is kept, and it is read in the order in which
//! processors like to read. Pointers are looked up in batches: the index does not fit a cache, and so the processor
//! waits for many misses at once.
use super::edges::{Part, Target};
use super::heuristics::Vtables;
use super::index::{Found, NO_BLOCK, PointerIndex};
use super::mappings::Mappings;
use super::marks::{Mark, Marks};
use super::words::{aligned, words};
use super::{BlockRange, HeapImage, PointerPolicy, RootSpan};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Memory read at a time.
const PART_BYTES: u64 = 1 << 20;
/// Words looked up at a time.
const WORD_BATCH: usize = 256;

/// Where a pointer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In a block.
    Block(u32),
    /// In a root from which every pointer counts.
    Root,
    /// In a root from which only pointers to starts count.
    StartsOnly,
    /// Where every pointer into a block counts as one to its start.
    AllStarts,
}

/// A pointer to the middle of a block, about which the contents of that block have the last word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Middle {
    /// The pointer.
    pub(super) word: u64,
    /// The block it points into.
    pub(super) to: u32,
    /// Its place in [`Part::targets`]; [`IN_ROOT`] where it was found in a root.
    pub(super) place: u32,
}

/// In [`Middle::place`].
pub(super) const IN_ROOT: u32 = u32::MAX;

/// What was found in one part of memory.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Pointers from blocks to blocks.
    pub(super) part: Part,
    /// Pointers to middles.
    pub(super) middles: Vec<Middle>,
    /// Pointers from blocks to mappings: the block and the mapping's position.
    pub(super) to_mappings: Vec<(u32, u32)>,
    /// Bytes that could not be read.
    pub(super) unread_bytes: u64,
}

/// The parts in which memory is read, as (start, end).
pub(super) fn parts(image: &HeapImage<'_>) -> Vec<(u64, u64)> {
    let mut parts = Vec::new();
    for (start, end) in image.memory.ranges() {
        let mut at = start;
        while at < end {
            let next = at.saturating_add(PART_BYTES).min(end);
            parts.push((at, next));
            at = next;
        }
    }
    parts
}

/// One bit a block, that it begins with a pointer to a vtable.
#[derive(Debug)]
pub(super) struct Begins(Vec<AtomicU8>);

impl Begins {
    pub(super) fn new(blocks: usize) -> Self {
        Self((0..blocks.div_ceil(8)).map(|_| AtomicU8::new(0)).collect())
    }

    fn set(&self, block: u32) {
        self.0[block as usize / 8].fetch_or(1 << (block % 8), Relaxed);
    }

    pub(super) fn with_vtable(&self, block: u32) -> bool {
        self.0[block as usize / 8].load(Relaxed) >> (block % 8) & 1 != 0
    }
}

/// What all threads that gather share.
pub(super) struct Shared<'a> {
    pub(super) image: &'a HeapImage<'a>,
    /// Sorted by address.
    pub(super) roots: &'a [RootSpan],
    pub(super) index: &'a PointerIndex,
    pub(super) marks: &'a Marks,
    pub(super) mappings: &'a Mappings,
    pub(super) vtables: &'a Vtables,
    pub(super) begins: &'a Begins,
}

/// One thread that gathers.
pub(super) struct Gatherer<'a> {
    shared: &'a Shared<'a>,
    buffer: Vec<u8>,
    candidates: Vec<(u64, Source)>,
    targets: Vec<Target>,
    first: u32,
    ends: Vec<u32>,
    last: Option<(Source, Target)>,
    found: Gathered,
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(shared: &'a Shared<'a>) -> Self {
        Self {
            shared,
            buffer: Vec::new(),
            candidates: Vec::with_capacity(WORD_BATCH),
            targets: Vec::new(),
            first: 0,
            ends: Vec::new(),
            last: None,
            found: Gathered::default(),
        }
    }

    /// Reads one part. Pointers from roots to starts are marked at once.
    pub(super) fn read(&mut self, (start, end): (u64, u64)) -> Gathered {
        let image = self.shared.image;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(PART_BYTES as usize, 0);
        let wanted = &mut buffer[..(end - start) as usize];
        let count = image.memory.read(start, wanted).min(wanted.len()) & !7;
        let unread_bytes = (end - start) - count as u64;
        let content = Content { start, bytes: &buffer[..count] };
        let first = image.blocks.partition_point(|block| block.start.saturating_add(block.bytes) <= start);
        let len = image.blocks[first..].partition_point(|block| block.start < end);
        self.first = first as u32;
        self.ends.clear();
        self.ends.resize(len, 0);
        self.targets.clear();
        self.last = None;
        for (number, block) in (self.first..).zip(&image.blocks[first..first + len]) {
            self.read_block(number, *block, &content);
        }
        self.resolve();
        self.read_roots(end, &content);
        self.buffer = buffer;
        Gathered { part: self.part(), unread_bytes, ..std::mem::take(&mut self.found) }
    }

    /// Takes words that lie in no memory.
    pub(super) fn read_words(&mut self, words: &[u64], source: Source) -> Gathered {
        for &word in words {
            self.shared.mappings.note_word(word);
            self.add(word, source);
        }
        self.resolve();
        std::mem::take(&mut self.found)
    }

    fn part(&self) -> Part {
        let sum = |sum: &mut u32, count: &u32| {
            *sum += count;
            Some(*sum)
        };
        Part {
            first: self.first,
            ends: self.ends.iter().scan(0, sum).collect(),
            targets: self.targets.as_slice().into(),
        }
    }

    fn read_block(&mut self, number: u32, block: BlockRange, content: &Content<'_>) {
        let (start, end) = aligned(block.start, block.start.saturating_add(block.bytes));
        let (at, bytes) = content.span(start, end);
        if at == block.start
            && let Some(first) = words(bytes).next()
            && self.shared.vtables.hold(first)
        {
            self.shared.begins.set(number);
        }
        let mappings = &mut self.found.to_mappings;
        self.shared.mappings.find_in(at, bytes, |mapping, _| {
            let found = (number, mapping);
            if mappings.last() != Some(&found) {
                mappings.push(found);
            }
        });
        words(bytes).for_each(|word| self.add(word, Source::Block(number)));
    }

    fn read_roots(&mut self, end: u64, content: &Content<'_>) {
        let roots = self.shared.roots;
        let first = roots.partition_point(|root| root.end <= content.start);
        for &RootSpan { start, end, policy } in roots[first..].iter().take_while(|root| root.start < end) {
            let (start, end) = aligned(start, end);
            let (at, bytes) = content.span(start, end);
            self.shared.mappings.note(at, bytes, policy);
            let source = match policy {
                PointerPolicy::Any => Source::Root,
                PointerPolicy::StartOnly => Source::StartsOnly,
            };
            words(bytes).for_each(|word| self.add(word, source));
        }
        self.resolve();
    }

    #[inline]
    fn add(&mut self, word: u64, source: Source) {
        if self.shared.index.may_point(word) {
            self.candidates.push((word, source));
            if self.candidates.len() == WORD_BATCH {
                self.resolve();
            }
        }
    }

    fn resolve(&mut self) {
        let mut candidates = std::mem::take(&mut self.candidates);
        let mut found = [Found::default(); WORD_BATCH];
        for (found, (word, _)) in found.iter_mut().zip(&candidates) {
            *found = self.shared.index.lookup(*word);
        }
        for (found, (word, source)) in found.iter().zip(candidates.drain(..)) {
            if found.block != NO_BLOCK {
                self.points(source, word, *found);
            }
        }
        self.candidates = candidates;
    }

    #[inline]
    fn points(&mut self, source: Source, word: u64, Found { block: to, is_start }: Found) {
        let target = match source {
            Source::Block(from) if from == to => return,
            _ if is_start => Target::start(to),
            _ if word <= self.shared.image.blocks[to as usize].last_pointer() => Target::middle(to),
            _ => return,
        };
        match (source, target.is_start()) {
            (Source::Block(from), is_start) => {
                if is_start && self.last == Some((source, target)) {
                    return;
                }
                self.last = Some((source, target));
                if !is_start {
                    self.found.middles.push(Middle { word, to, place: self.targets.len() as u32 });
                }
                self.targets.push(target);
                self.ends[(from - self.first) as usize] += 1;
            }
            (_, true) | (Source::AllStarts, false) => {
                self.shared.marks.raise(to, Mark::Reached);
            }
            (Source::Root, false) => self.found.middles.push(Middle { word, to, place: IN_ROOT }),
            (Source::StartsOnly, false) => {}
        }
    }
}

/// What was read of a part.
struct Content<'a> {
    start: u64,
    bytes: &'a [u8],
}

impl Content<'_> {
    /// The bytes of `start..end`, both multiples of 8, that were read, with the address of the first.
    #[inline]
    fn span(&self, start: u64, end: u64) -> (u64, &[u8]) {
        let from = start.max(self.start);
        let until = end.min(self.start + self.bytes.len() as u64);
        if until <= from {
            return (from, &[]);
        }
        (from, &self.bytes[(from - self.start) as usize..(until - self.start) as usize])
    }
}
