//! Groups lost blocks: who is lost because of whom.
//!
//! A lost block that no other lost block points to is a *leader*: losing it lost whatever hangs on it. What hangs on no
//! such leader hangs on cycles, each of which gets one leader. These are found by two passes: upwards by address, a
//! block that was not reached from those before it is a candidate; downwards, a candidate that is not reached from
//! those above it is a leader. (No leader is missed: the first block met of a cycle that nothing else reaches is a
//! candidate. And none is too many: a candidate that another cycle reaches was met before that cycle's leader, or it
//! would have been reached from there.)
//!
//! Which lost blocks are pointed to is found out by all threads. Who leads whom depends on who comes first, so one
//! thread does it, to the same end each time: it follows many chains side by side. The passes over cycles take one
//! candidate at a time and wait for memory at every step; lost cycles are rare.
use super::edges::Target;
use super::marks::{Mark, Marks};
use super::team::Team;
use super::trace::{Trace, Visitor};
use stanch_recording::Class;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// In `leader`: not reached from any leader or candidate yet.
const NOT_REACHED: u32 = u32::MAX;
/// In `leader`: reached from a candidate.
const BELOW_CANDIDATE: u32 = u32::MAX - 1;

/// The class of each block, and for each a leader that reaches it; for blocks that are not indirectly lost, themselves.
pub(super) fn group(team: &Team<'_>, marks: &Marks) -> (Vec<Class>, Vec<u32>) {
    let mut class = marks.classes();
    if pointed_to(team, marks, &mut class) == 0 {
        return (class, (0..marks.len() as u32).collect());
    }
    let no_leader_yet =
        |(block, class): (u32, &Class)| if *class == Class::IndirectlyLost { NOT_REACHED } else { block };
    let mut leader: Vec<u32> = (0..).zip(&class).map(no_leader_yet).collect();
    let mut trace = team.trace();
    trace.run(&mut BelowLeaders { class: &class, leader: &mut leader, seed: 0 });
    let candidates = cycle_candidates(&mut trace, &mut leader);
    lead_cycles(&mut trace, &mut class, &mut leader, &candidates);
    (class, leader)
}

/// Follows every lost block and makes indirectly lost what another one points to. Gives the number of these.
fn pointed_to(team: &Team<'_>, marks: &Marks, class: &mut [Class]) -> usize {
    const PART: usize = 1 << 16;
    let seen: Vec<AtomicU8> = class.iter().map(|_| AtomicU8::new(0)).collect();
    let starts: Vec<usize> = (0..marks.len()).step_by(PART).collect();
    team.run(&starts, |start, trace| {
        let Some(&start) = start else { return };
        let seeds = marks.with(Mark::Lost, start..(start + PART).min(marks.len()));
        trace.run_alone(&mut PointedTo { marks, seen: &seen, seeds });
    });
    let mut count = 0;
    for (class, seen) in class.iter_mut().zip(&seen) {
        if seen.load(Relaxed) != 0 {
            *class = Class::IndirectlyLost;
            count += 1;
        }
    }
    count
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

/// Notes which lost blocks other lost blocks point to.
struct PointedTo<'a, I> {
    marks: &'a Marks,
    seen: &'a [AtomicU8],
    seeds: I,
}

impl<I: Iterator<Item = u32>> Visitor for PointedTo<'_, I> {
    fn next_seed(&mut self) -> Option<u32> {
        self.seeds.next()
    }

    #[inline]
    fn wants(&self, block: u32) -> bool {
        self.marks.is_below(block, Mark::Possible) && self.seen[block as usize].load(Relaxed) == 0
    }

    #[inline]
    fn points(&mut self, _from: u32, to: Target) -> bool {
        self.seen[to.block() as usize].store(1, Relaxed);
        false
    }
}

/// Follows the leaders and passes them on to whatever they reach.
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
    fn points(&mut self, from: u32, to: Target) -> bool {
        let is_new = self.wants(to.block());
        if is_new {
            self.leader[to.block() as usize] = self.leader[from as usize];
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
    fn points(&mut self, _from: u32, to: Target) -> bool {
        let is_new = self.wants(to.block());
        if is_new {
            self.leader[to.block() as usize] = BELOW_CANDIDATE;
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
    fn points(&mut self, _from: u32, to: Target) -> bool {
        let is_new = self.wants(to.block());
        if is_new {
            self.leader[to.block() as usize] = self.current;
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
