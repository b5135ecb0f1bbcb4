//! Running a function symbolically: all its paths, block by block, as far as the limits allow.
//!
//! Paths that reach a block in the same state are joined. A loop goes round as often as its condition says; where that
//! is not known, a few times. A call is executed in the caller's state, so that everything known there holds in it.
use super::activation::{Activation, Item};
use super::code::Code;
use super::issue::Issues;
use super::limits::{Counts, Limits};
use super::memory::World;
use super::state::{Cause, Exception, State, Stop, Value, failed_allocation};
use super::term::TermId;
use super::trace::Event;
use crate::ir::{
    BlockId, Call, Function, FunctionId, Instruction, LocationId, Module, Op, Operand, Terminator, Type, ValueId,
};
use crate::models::Models;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::time::Instant;

/// The state as it was before an instruction, and the condition that it depends on.
pub(super) type Undone = Box<(State, TermId)>;

/// How a call ends.
pub(super) enum Exit {
    Return(State, Option<Value>),
    Throw(State, Exception),
    /// `longjmp` to the landing of this index in the state.
    Jump(State, usize, TermId),
}

impl Exit {
    pub(super) fn state_mut(&mut self) -> &mut State {
        match self {
            Exit::Return(state, _) | Exit::Throw(state, _) | Exit::Jump(state, ..) => state,
        }
    }
}

/// The landing of `pthread_exit`: where the thread was started.
pub(super) const THREAD_END: usize = usize::MAX;

/// The engine: one for each entry.
pub(super) struct Engine<'a> {
    pub(super) world: World<'a>,
    pub(super) program: &'a Module,
    pub(super) models: &'a Models,
    pub(super) limits: Limits,
    pub(super) issues: Issues,
    pub(super) counts: Counts,
    pub(super) steps: u64,
    pub(super) deadline: Instant,
    codes: Vec<Option<Rc<Code>>>,
    pub(super) callees: Vec<Option<super::call::Known<'a>>>,
    /// The call that each activation is at: block and instruction.
    pub(super) running_call: FxHashMap<u32, (BlockId, usize)>,
    /// Functions that were executed to an end.
    pub(super) is_covered: Vec<bool>,
    /// True where nobody calls the entry: an exception that leaves it ends the process.
    pub(super) is_program: bool,
}

impl<'a> Engine<'a> {
    pub(super) fn new(program: &'a Module, models: &'a Models, limits: Limits, is_program: bool) -> Engine<'a> {
        Engine {
            world: World::new(program),
            program,
            models,
            limits,
            issues: Issues::default(),
            counts: Counts::default(),
            steps: 0,
            deadline: Instant::now() + limits.time,
            codes: vec![None; program.functions.len()],
            callees: vec![None; program.functions.len()],
            running_call: FxHashMap::default(),
            is_covered: vec![false; program.functions.len()],
            is_program,
        }
    }

    pub(super) fn code(&mut self, function: FunctionId) -> Rc<Code> {
        let program = self.program;
        self.codes[function.index()].get_or_insert_with(|| Rc::new(Code::of(program.function(function)))).clone()
    }

    /// True where the entry has used up what it may.
    pub(super) fn is_exhausted(&mut self) -> bool {
        const CLOCK_STEPS: u64 = 1024;
        if self.steps.is_multiple_of(CLOCK_STEPS) && Instant::now() > self.deadline {
            self.counts.is_out_of_time = true;
        }
        self.steps >= self.limits.steps || self.counts.is_out_of_time || self.world.terms.count() > self.limits.terms
    }

    /// Executes a function's body in the state of its caller, whose frame is the state's.
    pub(super) fn run(
        &mut self,
        mut state: State,
        function: FunctionId,
        arguments: Vec<Value>,
        location: LocationId,
        unwind: Option<BlockId>,
    ) -> Vec<Exit> {
        if !self.enter(&mut state, function, arguments, location, unwind) {
            return Vec::new();
        }
        let code = self.code(function);
        let mut activation = Activation::new(function, code);
        activation.wait(Item { state, block: BlockId(0), index: 0, turn: 0 });
        while let Some(item) = activation.next() {
            if self.is_exhausted() {
                self.counts.gave_up(function);
                break;
            }
            self.run_block(&mut activation, item);
        }
        self.is_covered[function.index()] |= !activation.exits.is_empty();
        activation.exits
    }

    /// Executes a block, and what splits off on the way, to its end.
    fn run_block(&mut self, activation: &mut Activation, item: Item) {
        let program = self.program;
        let block = item.block;
        let content = &program.function(activation.function).blocks[block.index()];
        let mut open = vec![item];
        let mut splits = 0;
        while let Some(Item { mut state, index, .. }) = open.pop() {
            self.steps += 1;
            if self.is_exhausted() {
                self.counts.gave_up(activation.function);
                return;
            }
            let result = match content.instructions.get(index) {
                Some(instruction) => {
                    state.location = instruction.location;
                    self.step(activation, &mut open, state, block, index, instruction)
                }
                None => {
                    state.location = content.location;
                    self.leave(activation, state, block, &content.terminator)
                }
            };
            if let Err(undone) = result {
                let (state, condition) = *undone;
                splits += 1;
                if splits > self.limits.splits_at_block {
                    self.counts.dropped += 1;
                    continue;
                }
                for (state, _) in self.split(state, condition) {
                    open.push(Item { state, block, index, turn: 0 });
                }
            }
        }
    }

    /// The state for each truth of a condition that can be.
    pub(super) fn split(&mut self, state: State, condition: TermId) -> Vec<(State, bool)> {
        let mut both = Vec::with_capacity(2);
        for truth in [false, true] {
            let mut state = state.clone();
            if self.assume(&mut state, condition, truth).is_ok() {
                both.push((state, truth));
            }
        }
        both
    }

    /// Learns a condition; counts allocations that fail by it.
    pub(super) fn assume(&mut self, state: &mut State, condition: TermId, truth: bool) -> Result<(), Stop> {
        if let Some(region) = failed_allocation(&self.world.terms, condition, truth) {
            let is_memory =
                state.region(region).and_then(|region| region.block()).is_some_and(|block| block.is_memory());
            if is_memory {
                state.failures += 1;
                if state.failures > self.limits.failures {
                    return Err(Stop::Dead);
                }
            }
            let function = state.frame.function;
            state.trace.push(Event::Failed(region), function, state.location);
        }
        state.assume(&mut self.world.terms, condition, truth)
    }

    /// One instruction; `Err` with the untouched state where it needs a split.
    fn step(
        &mut self,
        activation: &mut Activation,
        open: &mut Vec<Item>,
        mut state: State,
        block: BlockId,
        index: usize,
        instruction: &Instruction,
    ) -> Result<(), Undone> {
        if let Op::Call(call) = &instruction.op {
            self.running_call.insert(state.frame.activation, (block, index));
            let exits =
                self.call(state, call, None, activation.code.dying(block, index), &activation.code.is_holder)?;
            for exit in exits {
                self.after_call(activation, open, exit, (block, index), instruction.result);
            }
            return Ok(());
        }
        match self.execute(&mut state, instruction) {
            Ok(value) => {
                if let (Some(result), Some(value)) = (instruction.result, value) {
                    self.set(&mut state, &activation.code, result, value);
                }
                self.end_step(&mut state, &activation.code, block, index, Cause::Unused);
                open.push(Item { state, block, index: index + 1, turn: 0 });
                Ok(())
            }
            Err(Stop::Split(condition)) => Err(Box::new((state, condition))),
            Err(Stop::Dead) => Ok(()),
        }
    }

    fn end_step(&mut self, state: &mut State, code: &Code, block: BlockId, index: usize, cause: Cause) {
        self.kill_values(state, code.dying(block, index), &code.is_holder, cause);
        self.settle(state);
    }

    fn set(&mut self, state: &mut State, code: &Code, result: ValueId, value: Value) {
        let frame = state.frame_mut();
        if code.is_slot[result.index()] {
            if let Value::Term(term) = value {
                frame.slots.retain(|(id, _)| *id != result);
                frame.slots.push((result, term));
            }
            return;
        }
        match frame.values.iter_mut().find(|(id, _)| *id == result) {
            Some((_, old)) => *old = value,
            None => frame.values.push((result, value)),
        }
    }

    fn after_call(
        &mut self,
        activation: &mut Activation,
        open: &mut Vec<Item>,
        exit: Exit,
        (block, index): (BlockId, usize),
        result: Option<ValueId>,
    ) {
        match exit {
            Exit::Return(mut state, value) => {
                if let (Some(result), Some(value)) = (result, value) {
                    self.set(&mut state, &activation.code, result, value);
                }
                self.end_step(&mut state, &activation.code, block, index, Cause::Unused);
                open.push(Item { state, block, index: index + 1, turn: 0 });
            }
            Exit::Throw(state, exception) => self.exit(activation, Exit::Throw(state, exception)),
            Exit::Jump(state, landing, value) => self.land(activation, open, state, landing, value),
        }
    }

    /// A `longjmp` arrives here, or goes on to the caller.
    fn land(
        &mut self,
        activation: &mut Activation,
        open: &mut Vec<Item>,
        mut state: State,
        landing: usize,
        value: TermId,
    ) {
        if landing == THREAD_END {
            return self.exit(activation, Exit::Jump(state, landing, value));
        }
        let Some(there) = state.landings.get(landing).cloned() else { return };
        if there.activation != state.frame.activation {
            return self.exit(activation, Exit::Jump(state, landing, value));
        }
        state.landings.truncate(landing + 1);
        let content = &self.program.function(activation.function).blocks[there.block.index()];
        let result = content.instructions.get(there.index).and_then(|instruction| instruction.result);
        let ended = std::mem::replace(&mut state.frame_mut().values, there.values);
        let mut regions = Vec::new();
        ended.iter().for_each(|(_, value)| state.regions_of(&mut self.world.terms, value, &mut regions));
        self.end_references(&mut state, &regions, Cause::ScopeLeft);
        if let Some(result) = result {
            self.set(&mut state, &activation.code, result, Value::Term(value));
        }
        self.settle(&mut state);
        let turn = activation.code.turn(there.block, there.block);
        let item = Item { state, block: there.block, index: there.index + 1, turn };
        // The block may not be the one that runs now.
        let _ = open;
        activation.wait(item);
    }

    /// The end of a block.
    fn leave(
        &mut self,
        activation: &mut Activation,
        state: State,
        block: BlockId,
        terminator: &Terminator,
    ) -> Result<(), Undone> {
        match terminator {
            Terminator::Goto(next) => self.go(activation, state, block, *next),
            Terminator::Branch { condition, then, otherwise } => {
                self.branch(activation, state, block, condition, (*then, *otherwise));
            }
            Terminator::Switch { ty, value, cases, default } => {
                self.switch(activation, state, block, (*ty, value), cases, *default);
            }
            Terminator::IndirectGoto { address, targets } => {
                self.indirect_goto(activation, state, block, address, targets);
            }
            Terminator::Return(value) => {
                let mut state = state;
                let value = value.as_ref().map(|(ty, operand)| self.operand(&mut state, operand, *ty));
                self.exit(activation, Exit::Return(state, value));
            }
            Terminator::Invoke { call, result, normal, unwind } => {
                return self.invoke(activation, state, block, call, *result, (*normal, *unwind));
            }
            Terminator::Resume(operand) => {
                let mut state = state;
                if let Some(exception) = self.resumed(&mut state, operand) {
                    self.exit(activation, Exit::Throw(state, exception));
                }
            }
            Terminator::Unreachable => {}
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        activation: &mut Activation,
        state: State,
        block: BlockId,
        call: &Call,
        result: Option<ValueId>,
        (normal, unwind): (BlockId, BlockId),
    ) -> Result<(), Undone> {
        let end = self.program.function(activation.function).blocks[block.index()].instructions.len();
        let code = activation.code.clone();
        let exits = self.call(state, call, Some(unwind), code.dying(block, end), &code.is_holder)?;
        for exit in exits {
            match exit {
                Exit::Return(mut state, value) => {
                    if let (Some(result), Some(value)) = (result, value) {
                        self.set(&mut state, &code, result, value);
                    }
                    self.go(activation, state, block, normal);
                }
                Exit::Throw(state, exception) => self.unwind(activation, state, block, unwind, exception),
                Exit::Jump(state, landing, value) => {
                    let mut open = Vec::new();
                    self.land(activation, &mut open, state, landing, value);
                }
            }
        }
        Ok(())
    }

    /// An exception arrives at a call with a landing pad.
    fn unwind(
        &mut self,
        activation: &mut Activation,
        mut state: State,
        block: BlockId,
        unwind: BlockId,
        exception: Exception,
    ) {
        if self.enter_pad(&mut state, activation.function, unwind, &exception) {
            self.go(activation, state, block, unwind);
        } else {
            self.exit(activation, Exit::Throw(state, exception));
        }
    }

    /// Along an edge: phis, values that die, loops.
    pub(super) fn go(&mut self, activation: &mut Activation, mut state: State, from: BlockId, to: BlockId) {
        let program = self.program;
        let code = activation.code.clone();
        if !self.count_rounds(&code, &mut state, from, to) {
            return;
        }
        let content = &program.function(activation.function).blocks[to.index()];
        let mut phis = Vec::new();
        for instruction in &content.instructions {
            let Op::Phi { ty, incoming } = &instruction.op else { break };
            let value = incoming.iter().find(|(block, _)| *block == from).map(|(_, operand)| operand);
            let value = match value {
                Some(operand) => self.operand(&mut state, operand, *ty),
                None => Value::Term(self.world.terms.undefined(*ty)),
            };
            phis.push((instruction.result, value));
        }
        let index = phis.len();
        for (result, value) in phis {
            if let Some(result) = result {
                self.set(&mut state, &code, result, value);
            }
        }
        let live = &code.live_in[to.index()];
        let defined_here = |value: &ValueId| content.instructions[..index].iter().any(|phi| phi.result == Some(*value));
        let dying: Vec<ValueId> = state
            .frame
            .values
            .iter()
            .map(|(value, _)| *value)
            .filter(|value| live.binary_search(value).is_err() && !defined_here(value))
            .collect();
        self.kill_values(&mut state, &dying, &code.is_holder, Cause::Unused);
        self.settle(&mut state);
        if code.loop_of_head(to).is_some() && activation.is_seen(&mut self.world.terms, &state, to) {
            return;
        }
        let item = Item { state, block: to, index, turn: code.turn(from, to) };
        let limit = self.limits.width(self.limits.states_at_block, self.steps);
        match activation.join(item) {
            Some(item) => {
                if activation.wait_bounded(item, limit) {
                    self.counts.dropped += 1;
                }
            }
            None => self.counts.joined += 1,
        }
    }

    /// Executes an operand as a term; aggregates have none.
    pub(super) fn operand_term(&mut self, state: &mut State, operand: &Operand, ty: Type) -> TermId {
        match self.operand(state, operand, ty) {
            Value::Term(term) => term,
            Value::Bytes(_) => self.world.terms.unknown(ty),
        }
    }

    /// The function that a frame runs.
    pub(super) fn function(&self, id: FunctionId) -> &'a Function {
        self.program.function(id)
    }
}
