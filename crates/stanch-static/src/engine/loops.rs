//! How often loops go round.
//!
//! A loop whose condition is known goes round as often as it says, up to a limit that no small program meets. One of
//! whose ways out none is decided goes round a few times. Where a limit is met, the path is dropped, or leaves the loop
//! as if it were done if it only counts.
use super::activation::Activation;
use super::call::Known;
use super::code::Code;
use super::run::Engine;
use super::state::{Rounds, State};
use crate::ir::{Block, BlockId, Callee, FunctionId, Op, Operand, Terminator, Type};

impl Engine<'_> {
    /// Where a decided branch goes: `next`, unless that stays in a loop that went round too often already and counts
    /// something. A loop that walks along pointers is never left early: what it did not come to would seem forgotten.
    pub(super) fn stay(
        &mut self,
        activation: &Activation,
        state: &mut State,
        block: BlockId,
        condition: &Operand,
        (next, other): (BlockId, BlockId),
    ) -> BlockId {
        let is_counting = self.is_counting(activation.function, block, condition);
        let limit = self.limits.rounds(self.steps);
        let mut chosen = next;
        for which in activation.code.loops_of(block) {
            if activation.code.is_in_loop(next, which) == activation.code.is_in_loop(other, which) {
                continue;
            }
            let Some(at) = state.frame.rounds.iter().position(|rounds| rounds.of == which) else { continue };
            let tempted_max = self.limits.tempted_rounds;
            let rounds = &mut state.frame_mut().rounds[at];
            rounds.is_decided = true;
            let is_enough = rounds.count >= limit || rounds.tempted >= tempted_max;
            if is_enough && is_counting && activation.code.is_in_loop(next, which) {
                if self.may_release_in(activation, which) {
                    state.cut_at = Some(self.world.next_region());
                }
                self.counts.loops_cut += 1;
                chosen = other;
            }
        }
        chosen
    }

    /// True where rounds that were left out might have released something.
    fn may_release_in(&mut self, activation: &Activation, which: u32) -> bool {
        let program = self.program;
        let blocks = &program.function(activation.function).blocks;
        let inside = (0..).map(BlockId).zip(blocks).filter(|(id, _)| {
            activation.code.position[id.index()] != u32::MAX && activation.code.is_in_loop(*id, which)
        });
        let callees: Vec<Option<FunctionId>> = inside.flat_map(|(_, block)| callees(block)).collect();
        callees.into_iter().any(|callee| self.may_release(callee))
    }

    /// True where a call of the function may release something.
    fn may_release(&mut self, function: Option<FunctionId>) -> bool {
        let Some(first) = function else { return true };
        let program = self.program;
        let mut seen = vec![first];
        let mut next = 0;
        while let Some(&function) = seen.get(next) {
            next += 1;
            match self.known(function) {
                Known::Nothing => return true,
                Known::Builtin(_) => {}
                Known::Model(model) => {
                    if model.outcomes.iter().any(|outcome| outcome.may_release()) {
                        return true;
                    }
                }
                Known::Body => {
                    for callee in program.function(function).blocks.iter().flat_map(callees) {
                        match callee {
                            None => return true,
                            Some(callee) if !seen.contains(&callee) => seen.push(callee),
                            Some(_) => {}
                        }
                    }
                }
            }
        }
        false
    }

    /// True where a condition compares numbers.
    fn is_counting(&self, function: FunctionId, block: BlockId, condition: &Operand) -> bool {
        let Operand::Value(value) = condition else { return false };
        let instructions = &self.program.function(function).blocks[block.index()].instructions;
        let definition = instructions.iter().find(|instruction| instruction.result == Some(*value));
        matches!(definition.map(|one| &one.op), Some(Op::Compare { ty: Type::Int(_), .. }))
    }

    /// Counts rounds of loops; false where the path has gone round often enough.
    pub(super) fn count_rounds(&mut self, code: &Code, state: &mut State, from: BlockId, to: BlockId) -> bool {
        let mut rounds: Vec<Rounds> =
            state.frame.rounds.iter().copied().filter(|rounds| code.is_in_loop(to, rounds.of)).collect();
        if let Some(which) = code.loop_of_head(to) {
            let is_back = code.is_in_loop(from, which);
            match rounds.iter_mut().find(|rounds| rounds.of == which) {
                Some(rounds) if is_back => {
                    rounds.count += 1;
                    rounds.open += u32::from(!rounds.is_decided);
                    rounds.is_decided = false;
                    rounds.tempted += u32::from(rounds.is_tempted);
                    rounds.is_tempted = false;
                    if rounds.open > self.limits.open_rounds(self.steps)
                        || rounds.count > self.limits.rounds_max
                        || rounds.tempted > self.limits.tempted_rounds + self.limits.open_rounds
                    {
                        self.counts.loops_cut += 1;
                        return false;
                    }
                }
                _ => {
                    rounds.retain(|rounds| rounds.of != which);
                    rounds.push(Rounds::new(which));
                }
            }
        }
        if rounds != state.frame.rounds {
            state.frame_mut().rounds = rounds;
        }
        true
    }
}

/// Whom a block calls; `None` for calls by address.
fn callees(block: &Block) -> Vec<Option<FunctionId>> {
    let of = |callee: &Callee| match callee {
        Callee::Function(function) => Some(*function),
        Callee::Pointer(_) | Callee::Assembly => None,
    };
    let calls = block.instructions.iter().filter_map(|instruction| match &instruction.op {
        Op::Call(call) => Some(of(&call.callee)),
        _ => None,
    });
    let invoked = match &block.terminator {
        Terminator::Invoke { call, .. } => Some(of(&call.callee)),
        _ => None,
    };
    calls.chain(invoked).collect()
}
