//! Which blocks nothing refers to any more.
//!
//! When a reference ends, its block is a suspect. It is lost if no root leads to it: live values of all activations,
//! their stack slots, globals, memory that code not seen may know. A block that only a value of the running activation
//! holds is watched until that value dies.
use super::issue::{Issue, IssueKind};
use super::region::{Region, Status};
use super::run::Engine;
use super::state::{Cause, State, Suspect, Value};
use super::term::RegionId;
use crate::ir::ValueId;
use rustc_hash::FxHashSet;

/// How far the hints of holders are followed before all memory is searched.
const HINTS_MAX: usize = 6;

impl Engine<'_> {
    /// Looks after all suspects: says what is lost.
    pub(super) fn settle(&mut self, state: &mut State) {
        if state.suspects.is_empty() {
            return;
        }
        let mut suspects = std::mem::take(&mut state.suspects);
        suspects.retain(|suspect| {
            let is_owned = state.region(suspect.region).is_some_and(Region::is_owned);
            is_owned && !self.is_held_by_hint(state, suspect.region)
        });
        if suspects.is_empty() {
            return;
        }
        let mut reached = FxHashSet::default();
        self.mark_memory(state, &mut reached);
        suspects.retain(|suspect| !reached.contains(&suspect.region));
        if suspects.is_empty() {
            return;
        }
        self.mark_values(state, &mut reached);
        let (watched, lost): (Vec<Suspect>, Vec<Suspect>) =
            suspects.into_iter().partition(|suspect| reached.contains(&suspect.region));
        for suspect in watched {
            if !state.watched.iter().any(|other| other.region == suspect.region) {
                state.watched.push(suspect);
            }
        }
        self.lose(state, lost, &reached);
    }

    /// Says that these are lost. One that another of them leads to goes with it and is not spoken of; `reached` is what
    /// is held otherwise.
    pub(super) fn lose(&mut self, state: &mut State, lost: Vec<Suspect>, reached: &FxHashSet<RegionId>) {
        let mut with_others = FxHashSet::default();
        for suspect in &lost {
            let mut below = FxHashSet::default();
            let next = self.next_regions(state, suspect.region);
            self.mark_from(state, next, &mut below);
            below.remove(&suspect.region);
            if !with_others.contains(&suspect.region) {
                with_others.extend(below);
            }
        }
        for suspect in &lost {
            if !with_others.contains(&suspect.region) {
                self.report_loss(state, suspect);
            }
        }
        let mut all = FxHashSet::default();
        self.mark_from(state, lost.iter().map(|suspect| suspect.region).collect(), &mut all);
        for region in all.difference(reached).copied() {
            if let Some(content) = state.region_mut(region)
                && content.is_owned()
            {
                content.status = Status::Lost;
            }
        }
    }

    fn report_loss(&mut self, state: &State, suspect: &Suspect) {
        let Some(region) = state.region(suspect.region) else { return };
        let Some(block) = region.block() else { return };
        if state.cut_at.is_some_and(|cut| suspect.region < cut) {
            return;
        }
        let kind = IssueKind::Lost { cause: suspect.cause, name: region.name.clone() };
        self.issues.add(Issue::new(kind, block, suspect.region, suspect.site.clone(), state, &self.world.terms));
    }

    fn next_regions(&mut self, state: &State, region: RegionId) -> Vec<RegionId> {
        state.referred(&mut self.world.terms, region)
    }

    /// Adds all that the given regions lead to, themselves included.
    pub(super) fn mark_from(&mut self, state: &State, mut open: Vec<RegionId>, reached: &mut FxHashSet<RegionId>) {
        while let Some(region) = open.pop() {
            if reached.insert(region) {
                open.extend(self.next_regions(state, region));
            }
        }
    }

    /// Adds all that memory which outlives the instruction leads to.
    pub(super) fn mark_memory(&mut self, state: &State, reached: &mut FxHashSet<RegionId>) {
        let roots = state.memory.iter().filter(|(_, region)| region.is_root()).map(|(id, _)| *id).collect();
        self.mark_from(state, roots, reached);
        let mut open = Vec::new();
        for exception in &state.caught {
            state.regions_in(&mut self.world.terms, exception.object, &mut open);
        }
        for (_, result) in &state.threads {
            state.regions_in(&mut self.world.terms, *result, &mut open);
        }
        for (_, argument) in &state.at_exit {
            argument.iter().for_each(|argument| state.regions_in(&mut self.world.terms, *argument, &mut open));
        }
        self.mark_from(state, open, reached);
    }

    /// Adds all that values of activations lead to.
    pub(super) fn mark_values(&mut self, state: &State, reached: &mut FxHashSet<RegionId>) {
        let mut open = Vec::new();
        let mut frame = Some(&state.frame);
        while let Some(current) = frame {
            for (_, value) in &current.values {
                state.regions_of(&mut self.world.terms, value, &mut open);
            }
            frame = current.parent.as_ref();
        }
        for landing in &state.landings {
            landing.values.iter().for_each(|(_, value)| state.regions_of(&mut self.world.terms, value, &mut open));
        }
        self.mark_from(state, open, reached);
    }

    /// Takes away blocks that were released and that nothing refers to: paths that differ only in them are the same.
    pub(super) fn forget_released(&mut self, state: &mut State, returned: Option<&Value>) {
        if state.released.is_empty() {
            return;
        }
        let mut reached = FxHashSet::default();
        self.mark_memory(state, &mut reached);
        self.mark_values(state, &mut reached);
        let mut open = Vec::new();
        if let Some(value) = returned {
            state.regions_of(&mut self.world.terms, value, &mut open);
        }
        open.extend(state.suspects.iter().map(|suspect| suspect.region));
        self.mark_from(state, open, &mut reached);
        let (kept, gone) = std::mem::take(&mut state.released).into_iter().partition(|one| reached.contains(one));
        state.released = kept;
        let gone: Vec<RegionId> = gone;
        for region in gone {
            state.memory.remove(&region);
            let address = self.world.terms.region(region);
            state.facts.forget(address);
        }
    }

    /// Follows where addresses were last stored, as long as they are still there, to a root.
    fn is_held_by_hint(&mut self, state: &State, region: RegionId) -> bool {
        let mut current = region;
        for _ in 0..HINTS_MAX {
            let Some(content) = state.region(current) else { return false };
            if content.is_root() {
                return true;
            }
            let holders = content.holders;
            let is_there = |(holder, offset): &(RegionId, i64)| {
                let cell = state.region(*holder).and_then(|holder| holder.cells.get(*offset));
                *holder != region && cell.is_some_and(|cell| self.world.terms.regions(cell.value).contains(&current))
            };
            let Some((holder, _)) = holders.into_iter().flatten().find(is_there) else { return false };
            current = holder;
        }
        false
    }

    /// Takes dead values out of the running activation; what they held may be lost.
    pub(super) fn kill_values(&mut self, state: &mut State, dying: &[ValueId], is_holder: &[bool], cause: Cause) {
        if dying.is_empty() {
            return;
        }
        let mut ended = Vec::new();
        let watches = !state.watched.is_empty();
        for value in dying {
            let frame = state.frame_mut();
            let Some(at) = frame.values.iter().position(|(id, _)| id == value) else { continue };
            let (_, content) = frame.values.swap_remove(at);
            if watches || is_holder[value.index()] {
                self.end_value(state, &content, &mut ended);
            }
        }
        self.end_references(state, &ended, cause);
    }

    fn end_value(&mut self, state: &State, value: &Value, ended: &mut Vec<RegionId>) {
        state.regions_of(&mut self.world.terms, value, ended);
    }

    /// Regions that were referred to become suspects, with the cause known before if they were watched.
    pub(super) fn end_references(&mut self, state: &mut State, ended: &[RegionId], cause: Cause) {
        for &region in ended {
            match state.watched.iter().position(|suspect| suspect.region == region) {
                Some(at) => {
                    let suspect = state.watched.swap_remove(at);
                    if !state.suspects.iter().any(|other| other.region == region) {
                        state.suspects.push(suspect);
                    }
                }
                None => state.suspect(&[region], cause),
            }
        }
    }
}
