//! How much the engine may try, and how much it left out for that.
use crate::ir::FunctionId;
use std::time::Duration;

/// Bounds for one entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Instructions executed.
    pub steps: u64,
    /// Wall-clock time.
    pub time: Duration,
    /// Terms made.
    pub terms: usize,
    /// Paths that wait at one block of one activation.
    pub states_at_block: usize,
    /// Ways in which a call ends.
    pub exits: usize,
    /// Splits while one block is executed.
    pub splits_at_block: u32,
    /// Nested calls.
    pub depth: u32,
    /// Nested calls of one function through undecided branches.
    pub open_recursion: u32,
    /// Rounds of a loop none of whose ways out is decided.
    pub open_rounds: u32,
    /// Rounds of a loop one of whose ways out could have been taken, while another was decided.
    pub tempted_rounds: u32,
    /// Rounds of any loop.
    pub rounds_max: u32,
    /// Allocations that fail on one path.
    pub failures: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 2_000_000,
            time: Duration::from_secs(10),
            terms: 8_000_000,
            states_at_block: 32,
            exits: 32,
            splits_at_block: 64,
            depth: 240,
            open_recursion: 3,
            open_rounds: 3,
            tempted_rounds: 10,
            rounds_max: 6000,
            failures: 1,
        }
    }
}

impl Limits {
    /// Limits for a first look: few paths, so that it gets through programs with very many of them.
    pub(super) fn narrow(self) -> Limits {
        const PART: u32 = 4;
        Limits {
            steps: self.steps / u64::from(PART),
            time: self.time / PART,
            states_at_block: 5,
            exits: 4,
            open_rounds: 1,
            tempted_rounds: 3,
            ..self
        }
    }

    /// How many of `most` paths are followed side by side: fewer, the more was spent, so that the end is reached.
    pub(super) fn width(&self, most: usize, steps: u64) -> usize {
        let least = 2;
        match steps.saturating_mul(8) / self.steps.max(1) {
            0 => most,
            1 => (most / 2).max(least),
            2 | 3 => (most / 4).max(least),
            4 | 5 => (most / 8).max(least),
            _ => least,
        }
    }

    /// Rounds of a loop none of whose ways out is decided.
    pub(super) fn open_rounds(&self, steps: u64) -> u32 {
        if steps.saturating_mul(4) < self.steps { self.open_rounds } else { 1 }
    }

    /// Rounds after which a loop is left although its condition holds: fewer, the more was spent.
    pub(super) fn rounds(&self, steps: u64) -> u32 {
        const PLENTY: u32 = 4096;
        const FEW: u32 = 64;
        const LEAST: u32 = 4;
        match steps.saturating_mul(8) / self.steps.max(1) {
            0 => PLENTY,
            1 | 2 => FEW,
            _ => LEAST,
        }
    }
}

/// What was joined, dropped and cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Paths joined with others in the same state: nothing lost but their conditions.
    pub joined: u64,
    /// Paths dropped because there were too many.
    pub dropped: u64,
    /// Loops left or paths ended after enough rounds.
    pub loops_cut: u64,
    /// Calls not followed because they are nested too deep.
    pub recursion_cut: u64,
    /// Functions in which the entry ran out of steps, time or memory.
    pub gave_up_in: Vec<FunctionId>,
    /// The clock ended it.
    pub is_out_of_time: bool,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { joined, dropped, loops_cut, recursion_cut, gave_up_in, is_out_of_time } = self;
        write!(out, "{joined} joined, {dropped} dropped, {loops_cut} loops cut, {recursion_cut} calls cut, ")?;
        write!(out, "gave up in {} functions{}", gave_up_in.len(), if *is_out_of_time { ", out of time" } else { "" })
    }
}

impl Counts {
    /// True where nothing was left out.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.dropped == 0 && self.loops_cut == 0 && self.recursion_cut == 0 && self.gave_up_in.is_empty()
    }

    pub(super) fn add(&mut self, other: &Counts) {
        self.joined += other.joined;
        self.dropped += other.dropped;
        self.loops_cut += other.loops_cut;
        self.recursion_cut += other.recursion_cut;
        self.is_out_of_time |= other.is_out_of_time;
        other.gave_up_in.iter().for_each(|function| self.gave_up(*function));
    }

    pub(super) fn gave_up(&mut self, function: FunctionId) {
        if !self.gave_up_in.contains(&function) {
            self.gave_up_in.push(function);
        }
    }
}
