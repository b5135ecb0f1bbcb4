//! Reachability straight from the definitions: the slow, obvious twin of [`crate::classify`].
//!
//! Nothing is shared with the fast one but the questions and answers. Quadratic and worse: for small heaps in tests.
use crate::{BlockRange, Classification, HeapImage, PointerPolicy};
use stanch_recording::Class;
use std::collections::{BTreeMap, BTreeSet};

/// How a pointer holds a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Middle,
    Start,
}

/// A way to a block: who points, to which block, how.
struct Edge {
    from: usize,
    to: usize,
    hold: Hold,
}

/// Classifies every block of a heap, as [`crate::classify`] does; of several leaders it names the lowest.
pub fn classify(image: &HeapImage<'_>) -> Classification {
    let (class, mapping_referenced, leaders) = decide(image);
    let leader = (0..).zip(&leaders).map(|(block, leaders)| leaders.first().copied().unwrap_or(block)).collect();
    Classification { class, leader, mapping_referenced }
}

/// Every leader that [`crate::classify`] might rightly name, for each lost block; none for other blocks.
pub fn leaders(image: &HeapImage<'_>) -> Vec<Vec<u32>> {
    decide(image).2
}

fn decide(image: &HeapImage<'_>) -> (Vec<Class>, Vec<bool>, Vec<Vec<u32>>) {
    let heap = Heap::new(image);
    let edges = heap.edges();
    let reached = heap.reached(&heap.rooted(), &edges);
    let class_of_reached = |hold: Option<&Hold>| match hold {
        Some(Hold::Start) => Class::StillReachable,
        Some(Hold::Middle) => Class::PossiblyLost,
        None => Class::DefinitelyLost,
    };
    let mut class: Vec<Class> = (0..image.blocks.len()).map(|block| class_of_reached(reached.get(&block))).collect();
    let mapping_referenced = heap.mapping_referenced(&class);
    let leaders = group_lost(&mut class, &edges);
    (class, mapping_referenced, leaders)
}

struct Heap<'i> {
    image: &'i HeapImage<'i>,
    /// Captured words by address.
    words: BTreeMap<u64, u64>,
    /// Blocks by start.
    starts: BTreeMap<u64, usize>,
}

impl<'i> Heap<'i> {
    fn new(image: &'i HeapImage<'i>) -> Self {
        let mut words = BTreeMap::new();
        for (start, end) in image.memory.ranges() {
            let mut bytes = vec![0; (end - start) as usize];
            let count = image.memory.read(start, &mut bytes);
            for (at, word) in bytes[..count].chunks(8).enumerate().filter(|(_, word)| word.len() == 8) {
                let value = word.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
                words.insert(start + 8 * at as u64, value);
            }
        }
        let starts = image.blocks.iter().enumerate().map(|(number, block)| (block.start, number)).collect();
        Self { image, words, starts }
    }

    /// The block into which an address points, counting addresses up to the end of what glibc grants: the next number
    /// of bytes that is 8 more than a multiple of 16, and at least 24.
    fn block_at(&self, address: u64) -> Option<usize> {
        let (_, &number) = self.starts.range(..=address).next_back()?;
        let BlockRange { start, bytes } = self.image.blocks[number];
        let granted = (24..).step_by(16).find(|granted| *granted >= bytes)?;
        let last = start + granted;
        (address <= last).then_some(number)
    }

    /// The aligned words that lie wholly in `start..end`, with their addresses.
    fn words_in(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        self.words.iter().map(|(&at, &word)| (at, word)).filter(|&(at, _)| start <= at && at + 8 <= end).collect()
    }

    fn words_of(&self, number: usize) -> Vec<(u64, u64)> {
        let BlockRange { start, bytes } = self.image.blocks[number];
        self.words_in(start, start + bytes)
    }

    fn word(&self, address: u64) -> u64 {
        self.words.get(&address).copied().unwrap_or(0)
    }

    /// Every pointer in a block to a block.
    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for from in 0..self.image.blocks.len() {
            for (_, word) in self.words_of(from) {
                edges.extend(self.block_at(word).map(|to| Edge { from, to, hold: self.hold(word, to) }));
            }
        }
        edges
    }

    /// Every pointer in a root to a block.
    fn rooted(&self) -> Vec<(usize, Hold)> {
        let mut found = Vec::new();
        for &word in &self.image.root_words {
            found.extend(self.block_at(word).map(|to| (to, self.hold(word, to))));
        }
        for &word in &self.image.start_words {
            found.extend(self.block_at(word).map(|to| (to, Hold::Start)));
        }
        for root in &self.image.roots {
            for (_, word) in self.words_in(root.start, root.end) {
                match root.policy {
                    PointerPolicy::Any => found.extend(self.block_at(word).map(|to| (to, self.hold(word, to)))),
                    PointerPolicy::StartOnly => found.extend(self.starts.get(&word).map(|&to| (to, Hold::Start))),
                }
            }
        }
        found
    }

    /// How a pointer into a block holds it: by its start, by what is as good as its start, or by its middle.
    fn hold(&self, pointer: u64, number: usize) -> Hold {
        let BlockRange { start, bytes } = self.image.blocks[number];
        let (first, second) = (self.word(start), self.word(start + 8));
        let is_vtable =
            |word: u64| word.is_multiple_of(8) && self.image.vtable_spans.iter().any(|s| s.0 <= word && word < s.1);
        let divides =
            |count: u64, total: u64| if count == 0 { total == 0 } else { total > 0 && total.is_multiple_of(count) };

        let array = start + 8 == pointer && bytes >= 8 && divides(first, bytes - 8);
        let array_of_aligned = start + 16 == pointer && bytes >= 16 && divides(second, bytes - 16);
        let length64 = start + 8 == pointer && bytes > 8 && first == bytes - 8;
        let string = start + 24 == pointer && bytes > 24 && second == bytes - 25 && first <= second;
        let second_base = pointer.is_multiple_of(8)
            && pointer + 8 <= start + bytes
            && is_vtable(first)
            && is_vtable(self.word(pointer));
        let custom = start % 8 == 0 && (array || array_of_aligned || length64 || string || second_base);
        if pointer == start || custom { Hold::Start } else { Hold::Middle }
    }

    /// The best way by which each block is reached: a chain is as good as its weakest pointer.
    fn reached(&self, rooted: &[(usize, Hold)], edges: &[Edge]) -> BTreeMap<usize, Hold> {
        let mut reached: BTreeMap<usize, Hold> = BTreeMap::new();
        loop {
            let mut next = reached.clone();
            let onward = edges.iter().filter_map(|edge| Some((edge.to, edge.hold.min(*reached.get(&edge.from)?))));
            for (block, hold) in rooted.iter().copied().chain(onward) {
                let best = next.entry(block).or_insert(hold);
                *best = hold.max(*best);
            }
            if next == reached {
                return reached;
            }
            reached = next;
        }
    }

    /// Whether a root outside of it, or a block that is not lost, points into each mapping.
    fn mapping_referenced(&self, class: &[Class]) -> Vec<bool> {
        let mut pointers: Vec<(Option<u64>, u64, PointerPolicy)> = Vec::new();
        for &word in self.image.root_words.iter().chain(&self.image.start_words) {
            pointers.push((None, word, PointerPolicy::Any));
        }
        for root in &self.image.roots {
            let words = self.words_in(root.start, root.end);
            pointers.extend(words.into_iter().map(|(at, word)| (Some(at), word, root.policy)));
        }
        for number in (0..class.len()).filter(|&number| class[number] != Class::DefinitelyLost) {
            let words = self.words_of(number);
            pointers.extend(words.into_iter().map(|(at, word)| (Some(at), word, PointerPolicy::Any)));
        }
        let refers = |&(start, end): &(u64, u64)| {
            let within = |address: u64| start <= address && address < end;
            pointers.iter().any(|&(at, word, policy)| {
                within(word) && !at.is_some_and(within) && (policy == PointerPolicy::Any || word == start)
            })
        };
        self.image.mappings.iter().map(refers).collect()
    }
}

/// Among the lost blocks, a leader is one that reaches back every lost block that reaches it, the lowest of those that
/// reach each other. The rest are indirectly lost. Returns for each block the leaders that reach it.
fn group_lost(class: &mut [Class], edges: &[Edge]) -> Vec<Vec<u32>> {
    let lost: Vec<usize> = (0..class.len()).filter(|&block| class[block] == Class::DefinitelyLost).collect();
    let reach: BTreeMap<usize, BTreeSet<usize>> =
        lost.iter().map(|&block| (block, reach(block, &lost, edges))).collect();
    let leads = |block: usize| {
        let mut reaching = lost.iter().filter(|other| reach[other].contains(&block));
        reaching.all(|other| reach[&block].contains(other) && block <= *other)
    };
    let leaders: Vec<usize> = lost.iter().copied().filter(|&block| leads(block)).collect();
    for &block in lost.iter().filter(|block| !leaders.contains(block)) {
        class[block] = Class::IndirectlyLost;
    }
    let reaches = |leader: &&usize, block: usize| reach[*leader].contains(&block);
    (0..class.len())
        .map(|block| leaders.iter().filter(|leader| reaches(leader, block)).map(|&leader| leader as u32).collect())
        .collect()
}

/// The lost blocks that one of them reaches, itself included.
fn reach(block: usize, lost: &[usize], edges: &[Edge]) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([block]);
    loop {
        let next =
            edges.iter().filter(|edge| found.contains(&edge.from) && lost.contains(&edge.to)).map(|edge| edge.to);
        let grown: BTreeSet<usize> = found.iter().copied().chain(next).collect();
        if grown == found {
            return found;
        }
        found = grown;
    }
}
