//! Groups lost blocks: who is lost because of whom.
//!
//! A lost block that no other lost block points to is a *leader*: losing it lost whatever hangs on it. What hangs on no
//! such leader hangs on cycles, each of which gets one leader. These are found by two passes: upwards by address, a
//! block that was not reached from those before it is a candidate; downwards, a candidate that is not reached from
//! those above it is a leader. (No leader is missed: the first block met of a cycle that nothing else reaches is a
//! candidate. And none is too many: a candidate that another cycle reaches was met before that cycle's leader, or it
//! would have been reached from there.)
//!
//! The first two passes follow many chains side by side. Those over cycles take one candidate at a time and wait for
//! memory at every step; lost cycles are rare.
use super::BlockRange;
use super::trace::{Trace, Visitor};
use stanch_recording::Class;

/// In `leader`: not reached from any leader or candidate yet.
const NOT_REACHED: u32 = u32::MAX;
/// In `leader`: reached from a candidate.
const BELOW_CANDIDATE: u32 = u32::MAX - 1;

/// Of the blocks of class definitely lost, gives those that are no leaders the class indirectly lost. Returns for each
/// block a leader that reaches it; for blocks that are not indirectly lost, themselves.
pub(super) fn group(trace: &mut Trace<'_>, class: &mut [Class]) -> Vec<u32> {
    trace.run(&mut PointedTo { class, seed: 0 });
    let no_leader_yet =
        |(block, class): (u32, &Class)| if *class == Class::IndirectlyLost { NOT_REACHED } else { block };
    let mut leader: Vec<u32> = (0..).zip(&*class).map(no_leader_yet).collect();
    trace.run(&mut BelowLeaders { class, leader: &mut leader, seed: 0 });
    let candidates = cycle_candidates(trace, &mut leader);
    lead_cycles(trace, class, &mut leader, &candidates);
    leader
}

fn cycle_candidates(trace: &mut Trace<'_>, leader: &mut [u32]) -> Vec<u32> {
    let mut candidates = Vec::new();
    for block in 0..leader.len() as u32 {
        if leader[block as usize] == NOT_REACHED {
            leader[block as usize] = block;
            candidates.push(block);
            trace.push(block);
            trace.run(&mut BelowCandidates { leader });
        }
    }
    candidates
}

fn lead_cycles(trace: &mut Trace<'_>, class: &mut [Class], leader: &mut [u32], candidates: &[u32]) {
    for &candidate in candidates.iter().rev() {
        if leader[candidate as usize] == candidate {
            class[candidate as usize] = Class::DefinitelyLost;
            trace.push(candidate);
            trace.run(&mut BelowCycles { class, leader, current: candidate });
        }
    }
}

/// Scans every lost block and makes indirectly lost what another one points to. A block that points to itself
/// would come out right as a cycle, too, but later.
struct PointedTo<'a> {
    class: &'a mut [Class],
    seed: usize,
}

impl Visitor for PointedTo<'_> {
    fn next_seed(&mut self) -> Option<u32> {
        let is_lost = |class: &Class| matches!(class, Class::DefinitelyLost | Class::IndirectlyLost);
        next(&mut self.seed, self.class.len(), |block| is_lost(&self.class[block]))
    }

    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.class[block as usize] == Class::DefinitelyLost
    }

    #[inline]
    fn points(&mut self, from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        if from != to && self.wants(to) {
            self.class[to as usize] = Class::IndirectlyLost;
        }
        false
    }
}

/// Scans the leaders and passes them on to whatever they reach.
struct BelowLeaders<'a> {
    class: &'a [Class],
    leader: &'a mut [u32],
    seed: usize,
}

impl Visitor for BelowLeaders<'_> {
    fn next_seed(&mut self) -> Option<u32> {
        next(&mut self.seed, self.class.len(), |block| self.class[block] == Class::DefinitelyLost)
    }

    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.leader[block as usize] == NOT_REACHED
    }

    #[inline]
    fn points(&mut self, from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        let is_new = self.wants(to);
        if is_new {
            self.leader[to as usize] = self.leader[from as usize];
        }
        is_new
    }
}

/// The pass upwards over what is left.
struct BelowCandidates<'a> {
    leader: &'a mut [u32],
}

impl Visitor for BelowCandidates<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.leader[block as usize] == NOT_REACHED
    }

    #[inline]
    fn points(&mut self, _from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        let is_new = self.wants(to);
        if is_new {
            self.leader[to as usize] = BELOW_CANDIDATE;
        }
        is_new
    }
}

/// The pass downwards over the candidates. Those below the current one that were not reached yet are still their own
/// leaders and indirectly lost, which no other block is.
struct BelowCycles<'a> {
    class: &'a [Class],
    leader: &'a mut [u32],
    current: u32,
}

impl Visitor for BelowCycles<'_> {
    #[inline]
    fn wants(&self, block: u32) -> bool {
        let leader = self.leader[block as usize];
        leader == BELOW_CANDIDATE || (leader == block && self.class[block as usize] == Class::IndirectlyLost)
    }

    #[inline]
    fn points(&mut self, _from: u32, _word: u64, to: u32, _block: BlockRange) -> bool {
        let is_new = self.wants(to);
        if is_new {
            self.leader[to as usize] = self.current;
        }
        is_new
    }
}

/// The next block for which something holds.
fn next(seed: &mut usize, blocks: usize, holds: impl Fn(usize) -> bool) -> Option<u32> {
    let found = (*seed..blocks).find(|&block| holds(block));
    *seed = found.map_or(blocks, |block| block + 1);
    found.map(|block| block as u32)
}
