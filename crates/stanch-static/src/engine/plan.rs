//! What is executed in which order, and how much each may take.
//!
//! A program with `main` is executed from there: first narrowly, so that the end is reached, then widely. Functions
//! that it could come to and did not, for want of time, are executed alone, as are those of a library: with any input,
//! first all of them a little, then those that need more with what is left.
use super::entry;
use super::issue::{Issue, Issues};
use super::limits::{Counts, Limits};
use super::run::Engine;
use crate::ir::{FunctionId, Module};
use crate::models::Models;
use std::time::{Duration, Instant};

/// A run over everything.
pub(super) struct Plan<'a> {
    program: &'a Module,
    models: &'a Models,
    limits: Limits,
    pub(super) issues: Issues,
    pub(super) counts: Counts,
    /// Functions that were executed to an end.
    is_covered: Vec<bool>,
}

/// Functions without callers get this many times what `main` gets, together.
const LIBRARY_SHARE: u32 = 6;
/// Least and most steps of a function that is executed alone.
const ALONE_LEAST: u64 = 4_000;
const ALONE_MOST: u64 = 400_000;
const ALONE_TIME: Duration = Duration::from_secs(3);

impl<'a> Plan<'a> {
    pub(super) fn new(program: &'a Module, models: &'a Models, limits: Limits) -> Plan<'a> {
        let is_covered = vec![false; program.functions.len()];
        Plan { program, models, limits, issues: Issues::default(), counts: Counts::default(), is_covered }
    }

    pub(super) fn run(&mut self) {
        match entry::main_of(self.program) {
            Some(main) => {
                let is_complete = self.run_main(main);
                if !is_complete {
                    let left = entry::not_covered(self.program, main, &self.is_covered);
                    self.run_alone(left);
                }
            }
            None => self.run_alone(entry::uncalled(self.program)),
        }
    }

    /// True where nothing was left out.
    fn run_main(&mut self, main: FunctionId) -> bool {
        for (limits, is_last) in [(self.limits.narrow(), false), (self.limits, true)] {
            let mut engine = Engine::new(self.program, self.models, limits, true);
            engine.run_program(main);
            let is_complete = engine.counts.is_complete();
            self.take(engine, is_last || is_complete);
            if is_complete {
                return true;
            }
        }
        if !self.is_covered[main.index()] {
            self.counts.gave_up(main);
        }
        false
    }

    /// Adds what an engine saw; what it left out only if nobody comes after it.
    fn take(&mut self, engine: Engine<'_>, is_last: bool) {
        if is_last {
            self.counts.add(&engine.counts);
        }
        let covered = self.is_covered.iter_mut().zip(&engine.is_covered);
        covered.for_each(|(known, new)| *known |= new);
        let is_any_input = !engine.is_program;
        let issues = engine.issues.into_sorted().into_iter();
        issues.for_each(|issue| self.issues.add(Issue { is_any_input, ..issue }));
    }

    fn run_alone(&mut self, entries: Vec<FunctionId>) {
        let mut left = self.limits.steps.saturating_mul(LIBRARY_SHARE.into());
        let deadline = Instant::now() + self.limits.time * LIBRARY_SHARE;
        let share = |left: u64, count: usize| (left / count.max(1) as u64).clamp(ALONE_LEAST, ALONE_MOST);
        let first = share(left / 3, entries.len());
        let mut unfinished = Vec::new();
        for entry in entries {
            let limits = Limits { steps: first * 4, time: ALONE_TIME, ..self.limits }.narrow();
            if !self.run_entry(entry, limits, deadline, &mut left, false) {
                unfinished.push(entry);
            }
        }
        let count = unfinished.len();
        for (done, entry) in unfinished.into_iter().enumerate() {
            let limits = Limits { steps: share(left, count - done), time: ALONE_TIME, ..self.limits };
            self.run_entry(entry, limits, deadline, &mut left, true);
        }
    }

    /// True where nothing was left out.
    fn run_entry(
        &mut self,
        entry: FunctionId,
        limits: Limits,
        deadline: Instant,
        left: &mut u64,
        is_last: bool,
    ) -> bool {
        if *left == 0 || deadline < Instant::now() {
            self.counts.gave_up(entry);
            return true;
        }
        let mut engine = Engine::new(self.program, self.models, limits, false);
        engine.run_entry(entry);
        *left = left.saturating_sub(engine.steps);
        let is_complete = engine.counts.is_complete();
        self.take(engine, is_last || is_complete);
        is_complete
    }
}
