//! Which block points to which: what the contents of a heap are reduced to.
//!
//! Blocks are numbered by address, and the memory is read in parts by address, so each part has the pointers of a run
//! of blocks. Only a block that crosses the end of a part has pointers in several.
//!
//! ```text
//! part      first block, how far the targets of each block reach, targets
//! homes     for each 256 blocks the part with which a search begins
//! ```
//!
//! That is 4 bytes a block and 4 bytes a pointer.

/// Blocks that share a home, as a power of two.
const HOME_BITS: u32 = 8;
/// Set in a target where the pointer leads to the middle of the block.
const MIDDLE: u32 = 1 << 31;

/// A pointer's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target(u32);

impl Target {
    pub(super) fn start(block: u32) -> Self {
        Self(block)
    }

    pub(super) fn middle(block: u32) -> Self {
        Self(block | MIDDLE)
    }

    /// The block that is pointed to.
    #[inline]
    pub(super) fn block(self) -> u32 {
        self.0 & !MIDDLE
    }

    /// True where the pointer is one to its start, or as good as that.
    #[inline]
    pub(super) fn is_start(self) -> bool {
        self.0 & MIDDLE == 0
    }

    /// Lets the pointer count as one to the start.
    pub(super) fn make_start(&mut self) {
        self.0 &= !MIDDLE;
    }
}

/// The pointers found in one part of memory.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The first block that lies in the part, in whole or not.
    pub(super) first: u32,
    /// For each block from there on where its targets end.
    pub(super) ends: Box<[u32]>,
    /// What is pointed to.
    pub(super) targets: Box<[Target]>,
}

impl Part {
    /// The number after that of its last block.
    fn end(&self) -> u32 {
        self.first + self.ends.len() as u32
    }

    #[inline]
    fn of(&self, block: u32) -> &[Target] {
        let at = (block - self.first) as usize;
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.targets[from as usize..self.ends[at] as usize]
    }
}

/// The pointers in all blocks.
#[derive(Debug, Default)]
pub(super) struct Edges {
    parts: Vec<Part>,
    homes: Vec<u32>,
}

impl Edges {
    /// From the parts in the order of addresses; each must hold some block.
    pub(super) fn new(parts: Vec<Part>, blocks: usize) -> Self {
        let mut homes = Vec::with_capacity((blocks >> HOME_BITS) + 2);
        let mut home = 0;
        for first in (0..=blocks).step_by(1 << HOME_BITS) {
            while parts.get(home).is_some_and(|part| part.end() as usize <= first) {
                home += 1;
            }
            homes.push(home as u32);
        }
        homes.push(parts.len() as u32);
        Self { parts, homes }
    }

    /// Where in the parts a block's targets begin, with those in that part; empty where it has none.
    #[inline]
    pub(super) fn first(&self, block: u32) -> (usize, &[Target]) {
        let group = (block >> HOME_BITS) as usize;
        let (mut at, last) = (self.homes[group] as usize, self.homes[group + 1] as usize);
        if last - at > 4 {
            at += self.parts[at..last].partition_point(|part| part.end() <= block);
        }
        while let Some(part) = self.parts.get(at) {
            if block < part.end() {
                return (at, if part.first <= block { part.of(block) } else { &[] });
            }
            at += 1;
        }
        (at, &[])
    }

    /// What the parts after `part` have of a block.
    #[inline]
    pub(super) fn rest(&self, block: u32, part: usize) -> impl Iterator<Item = &[Target]> {
        let after = self.parts.get(part + 1..).unwrap_or_default();
        after.iter().take_while(move |part| part.first == block).map(move |part| part.of(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(first: u32, targets: &[&[u32]]) -> Part {
        let ends = targets.iter().scan(0, |end, targets| {
            *end += targets.len() as u32;
            Some(*end)
        });
        let all = targets.iter().copied().flatten().map(|block| Target::start(*block));
        Part { first, ends: ends.collect(), targets: all.collect() }
    }

    fn all(edges: &Edges, block: u32) -> Vec<u32> {
        let (part, first) = edges.first(block);
        let rest = edges.rest(block, part).flatten();
        first.iter().chain(rest).map(|target| target.block()).collect()
    }

    #[test]
    fn blocks_in_several_parts_and_in_none() {
        let mut parts = vec![part(1, &[&[5, 6], &[], &[7]]), part(3, &[&[8]]), part(3, &[&[9], &[10]])];
        parts.extend((600..620).map(|block| part(block, &[&[block]])));
        let edges = Edges::new(parts, 700);
        assert_eq!(all(&edges, 0), []);
        assert_eq!(all(&edges, 1), [5, 6]);
        assert_eq!(all(&edges, 2), []);
        assert_eq!(all(&edges, 3), [7, 8, 9]);
        assert_eq!(all(&edges, 4), [10]);
        assert_eq!(all(&edges, 5), []);
        assert_eq!(all(&edges, 599), []);
        assert_eq!(all(&edges, 600), [600]);
        assert_eq!(all(&edges, 617), [617]);
        assert_eq!(all(&edges, 699), []);
        assert_eq!(all(&Edges::new(Vec::new(), 1), 0), []);
    }

    #[test]
    fn a_middle_may_become_a_start() {
        let mut target = Target::middle(7);
        assert!(!target.is_start());
        target.make_start();
        assert_eq!(target, Target::start(7));
    }
}
