//! The ends of blocks that choose: which ways a path goes.
use super::activation::Activation;
use super::run::Engine;
use super::state::{State, failed_allocation};
use super::term::{Term, TermId, bits_of};
use super::trace::Event;
use crate::ir::{BlockId, FunctionId, Op, Operand, Type};
use std::sync::Arc;

impl Engine<'_> {
    pub(super) fn branch(
        &mut self,
        activation: &mut Activation,
        mut state: State,
        block: BlockId,
        condition: &Operand,
        (then, otherwise): (BlockId, BlockId),
    ) {
        let term = self.operand_term(&mut state, condition, Type::Int(1));
        match state.facts.decide(&mut self.world.terms, term) {
            Some(truth) => {
                let (next, other) = if truth { (then, otherwise) } else { (otherwise, then) };
                let next = self.stay(activation, &mut state, block, condition, (next, other));
                self.go(activation, state, block, next);
            }
            None => {
                let term = state.facts.normalise(&mut self.world.terms, term);
                let failed =
                    [true, false].into_iter().find_map(|truth| failed_allocation(&self.world.terms, term, truth));
                let is_failure = failed.is_some();
                if let Some(region) = failed
                    && state.latest != Some(region)
                    && !self.is_direct_check(activation.function, block, condition)
                {
                    return self.without_failure(activation, state, block, term, (then, otherwise));
                }
                let words = self.describe(activation.function, block, condition);
                let mut state = state;
                if !is_failure {
                    Self::note_exits(activation, &mut state, block, &[then, otherwise], true);
                }
                for (mut state, truth) in self.split(state, term) {
                    state.splits += u32::from(!is_failure);
                    let event = Event::Branch { condition: words.clone(), taken: truth };
                    state.trace.push(event, activation.function, state.location);
                    self.go(activation, state, block, if truth { then } else { otherwise });
                }
            }
        }
    }

    fn case_term(&mut self, ty: Type, case: u128) -> TermId {
        self.world.terms.int(bits_of(ty).min(64), u64::try_from(case).unwrap_or(u64::MAX))
    }

    /// Notes in all loops that one of `targets` leaves and another does not whether it was open which is taken.
    fn note_exits(activation: &Activation, state: &mut State, block: BlockId, targets: &[BlockId], is_open: bool) {
        for which in activation.code.loops_of(block) {
            let inside = targets.iter().filter(|target| activation.code.is_in_loop(**target, which)).count();
            let may_leave = 0 < inside && inside < targets.len();
            if may_leave && let Some(at) = state.frame.rounds.iter().position(|rounds| rounds.of == which) {
                let rounds = &mut state.frame_mut().rounds[at];
                rounds.is_tempted |= is_open;
                rounds.is_decided |= !is_open;
            }
        }
    }

    /// The one way that a branch goes where a block is there.
    fn without_failure(
        &mut self,
        activation: &mut Activation,
        state: State,
        block: BlockId,
        condition: TermId,
        (then, otherwise): (BlockId, BlockId),
    ) {
        for (state, truth) in self.split(state, condition) {
            let next = if truth { then } else { otherwise };
            if failed_allocation(&self.world.terms, condition, truth).is_none() {
                self.go(activation, state, block, next);
            }
        }
    }

    /// True where a condition asks about a variable or the result of a call. What is found on a walk through memory
    /// ends the walk if it is null; that is no test of whether the allocation failed, long ago and elsewhere.
    fn is_direct_check(&self, function: FunctionId, block: BlockId, condition: &Operand) -> bool {
        let instructions = &self.program.function(function).blocks[block.index()].instructions;
        let definition = |operand: &Operand| match operand {
            Operand::Value(value) => instructions.iter().find(|instruction| instruction.result == Some(*value)),
            _ => None,
        };
        let Some(Op::Compare { left, right, .. }) = definition(condition).map(|instruction| &instruction.op) else {
            return true;
        };
        [left, right].into_iter().all(|side| match definition(side).map(|instruction| &instruction.op) {
            Some(Op::Load { address, .. }) => definition(address).is_none(),
            _ => true,
        })
    }

    pub(super) fn switch(
        &mut self,
        activation: &mut Activation,
        mut state: State,
        block: BlockId,
        (ty, value): (Type, &Operand),
        cases: &[(u128, BlockId)],
        default: BlockId,
    ) {
        let value_term = self.operand_term(&mut state, value, ty);
        let targets: Vec<BlockId> = cases.iter().map(|(_, target)| *target).chain([default]).collect();
        let is_open = cases.iter().any(|(case, _)| {
            let case = self.case_term(ty, *case);
            let is_same = self.world.terms.equal(value_term, case);
            state.facts.decide(&mut self.world.terms, is_same).is_none()
        });
        Self::note_exits(activation, &mut state, block, &targets, is_open);
        let mut rest = Some(state);
        let words = self.describe(activation.function, block, value);
        for (case, target) in cases {
            let Some(state) = rest.take() else { break };
            let case_term = self.case_term(ty, *case);
            let is_same = self.world.terms.equal(value_term, case_term);
            match state.facts.decide(&mut self.world.terms, is_same) {
                Some(true) => self.go(activation, state, block, *target),
                Some(false) => rest = Some(state),
                None => {
                    for (mut state, truth) in self.split(state, is_same) {
                        state.splits += 1;
                        if truth {
                            let text = words.as_ref().map(|words| Arc::from(format!("{words} == {case}")));
                            state.trace.push(Event::Case(text), activation.function, state.location);
                            self.go(activation, state, block, *target);
                        } else {
                            rest = Some(state);
                        }
                    }
                }
            }
        }
        if let Some(state) = rest {
            self.go(activation, state, block, default);
        }
    }

    pub(super) fn indirect_goto(
        &mut self,
        activation: &mut Activation,
        mut state: State,
        block: BlockId,
        address: &Operand,
        targets: &[BlockId],
    ) {
        let address = self.operand_term(&mut state, address, Type::Pointer);
        let address = state.facts.normalise(&mut self.world.terms, address);
        if let Term::Label(function, target) = *self.world.terms.get(address)
            && function == activation.function
            && targets.contains(&target)
        {
            return self.go(activation, state, block, target);
        }
        for target in targets {
            let mut state = state.clone();
            state.splits += 1;
            self.go(activation, state, block, *target);
        }
    }
}
