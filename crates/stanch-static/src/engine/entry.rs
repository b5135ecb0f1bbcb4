//! Where execution begins: `main` with all that runs before and after it; without it, every function that nobody
//! calls, with any input.
use super::globals::{is_never_written, unwritten_globals};
use super::issue::{Issue, IssueKind};
use super::region::{Background, Region, RegionKind};
use super::run::{Engine, Exit};
use super::state::{Cause, Frame, State, Suspect, Value};
use super::term::{RegionId, SymbolFacts, bits_of};
use crate::ir::visit::{operands, terminator_operands};
use crate::ir::{
    Callee, FunctionId, GlobalId, Linkage, LocationId, Module, Op, Operand, Startup, Symbol, Terminator, Type,
};
use rustc_hash::FxHashSet;
use std::rc::Rc;

/// The activation of the frame that is below all others.
pub(super) const ROOT: u32 = u32::MAX;

/// The function where programs begin.
pub(super) fn main_of(program: &Module) -> Option<FunctionId> {
    let at = program.functions.iter().position(|function| function.symbol == "main" && function.is_defined())?;
    Some(FunctionId(u32::try_from(at).unwrap_or(u32::MAX)))
}

/// Without `main`: functions that no other calls; of those that only call each other, one.
pub(super) fn uncalled(program: &Module) -> Vec<FunctionId> {
    let mut is_called = vec![false; program.functions.len()];
    for (caller, function) in program.functions.iter().enumerate() {
        for callee in direct_callees(function) {
            if callee.index() != caller {
                is_called[callee.index()] = true;
            }
        }
    }
    let startup = program.constructors.iter().chain(&program.destructors).map(|startup| startup.function);
    let startup: FxHashSet<FunctionId> = startup.collect();
    let ids = (0..u32::try_from(program.functions.len()).unwrap_or(u32::MAX)).map(FunctionId);
    ids.filter(|id| {
        let function = program.function(*id);
        // Inline functions of headers come with every file; only those that the program uses matter.
        function.is_defined() && !is_called[id.index()] && function.linkage != Linkage::Merged && !startup.contains(id)
    })
    .collect()
}

/// Functions that `main` leads to, by calls and by addresses taken, and that were not executed to an end; of those that
/// call each other the outermost ones.
pub(super) fn not_covered(program: &Module, main: FunctionId, is_covered: &[bool]) -> Vec<FunctionId> {
    let mut is_reached = vec![false; program.functions.len()];
    let mut open = vec![main];
    while let Some(function) = open.pop() {
        if !std::mem::replace(&mut is_reached[function.index()], true) {
            open.extend(mentioned(program.function(function)));
        }
    }
    let is_left = |id: FunctionId| {
        let function = program.function(id);
        is_reached[id.index()] && !is_covered[id.index()] && function.is_defined() && id != main
    };
    let ids = || (0..u32::try_from(program.functions.len()).unwrap_or(u32::MAX)).map(FunctionId);
    let mut is_called = vec![false; program.functions.len()];
    for caller in ids().filter(|id| is_left(*id)) {
        direct_callees(program.function(caller)).filter(|callee| *callee != caller).for_each(|callee| {
            is_called[callee.index()] = true;
        });
    }
    ids()
        .filter(|id| is_left(*id) && !is_called[id.index()] && program.function(*id).linkage != Linkage::Merged)
        .collect()
}

/// Functions that a function names, as callee or otherwise.
fn mentioned(function: &crate::ir::Function) -> Vec<FunctionId> {
    let mut found: Vec<FunctionId> = direct_callees(function).collect();
    let mut visit = |operand: &Operand| {
        if let Operand::Address(Symbol::Function(id), _) = operand {
            found.push(*id);
        }
    };
    for block in &function.blocks {
        block.instructions.iter().for_each(|instruction| operands(&instruction.op, &mut visit));
        terminator_operands(&block.terminator, &mut visit);
    }
    found
}

/// Functions that a function calls by name.
pub(super) fn direct_callees(function: &crate::ir::Function) -> impl Iterator<Item = FunctionId> + '_ {
    let callee = |callee: &Callee| if let Callee::Function(id) = callee { Some(*id) } else { None };
    function.blocks.iter().flat_map(move |block| {
        let calls = block.instructions.iter().filter_map(move |instruction| match &instruction.op {
            Op::Call(call) => callee(&call.callee),
            _ => None,
        });
        let invoked = match &block.terminator {
            Terminator::Invoke { call, .. } => callee(&call.callee),
            _ => None,
        };
        calls.chain(invoked)
    })
}

impl Engine<'_> {
    /// Memory and globals before anything runs.
    fn initial_state(&mut self, entry: FunctionId) -> State {
        let frame = Frame {
            function: entry,
            activation: ROOT,
            values: Vec::new(),
            slots: Vec::new(),
            parent: None,
            call_location: LocationId(0),
            unwind: None,
            rounds: Vec::new(),
            variadic: None,
            depth: 0,
            splits: 0,
            open_recursion: 0,
        };
        let mut state = State::new(Rc::new(frame));
        let unwritten = if self.is_program { Vec::new() } else { unwritten_globals(self.program) };
        for (index, global) in self.program.globals.iter().enumerate() {
            let id = GlobalId(u32::try_from(index).unwrap_or(u32::MAX));
            let is_known =
                global.initial.is_some() && (self.is_program || global.is_constant || is_never_written(&unwritten, id));
            let background = if is_known { Background::Initial(id) } else { Background::Unknown };
            let size = self.world.terms.int(64, global.size);
            let region = Region::new(RegionKind::Global(id), Some(size), background);
            state.memory.insert(RegionId(id.0), Rc::new(region));
        }
        state
    }

    /// Runs the whole program: constructors of globals, `main`, exit handlers.
    pub(super) fn run_program(&mut self, main: FunctionId) {
        let state = self.initial_state(main);
        let mut starters: Vec<Startup> = self.program.constructors.clone();
        starters.sort_by_key(|startup| startup.priority);
        let mut states = vec![state];
        for startup in starters {
            states = self.run_each(states, startup.function);
        }
        let mut ended = Vec::new();
        for state in states {
            let mut state = state;
            let arguments = self.main_arguments(&mut state, main);
            for exit in self.run(state, main, arguments, LocationId(0), None) {
                if let Exit::Return(mut state, _) = exit {
                    self.settle(&mut state);
                    ended.push(state);
                }
            }
        }
        for state in ended {
            self.end_program(state);
        }
    }

    /// Calls a function without arguments from each state.
    fn run_each(&mut self, states: Vec<State>, function: FunctionId) -> Vec<State> {
        if !self.program.function(function).is_defined() {
            return states;
        }
        let mut after = Vec::new();
        for state in states {
            for exit in self.run(state, function, Vec::new(), LocationId(0), None) {
                if let Exit::Return(mut state, _) = exit {
                    self.settle(&mut state);
                    after.push(state);
                }
            }
        }
        after
    }

    fn main_arguments(&mut self, state: &mut State, main: FunctionId) -> Vec<Value> {
        let mut values = Vec::new();
        for (index, parameter) in self.program.function(main).parameters.iter().enumerate() {
            let facts = SymbolFacts { is_pointer: parameter.ty == Type::Pointer, is_undefined: false, is_input: true };
            let term = self.world.terms.symbol(bits_of(parameter.ty), facts);
            if index == 0 {
                // A program is called by its name.
                let _ = self.world.limit(state, term, 1, i64::from(i32::MAX));
            }
            values.push(Value::Term(term));
        }
        values
    }

    /// Exit handlers, last registered first; destructors; then what globals still hold.
    fn end_program(&mut self, state: State) {
        let mut states = vec![state];
        let handlers_max = self.limits.exits * 8;
        for _ in 0..handlers_max {
            let mut next = Vec::new();
            let mut is_done = true;
            for mut state in states {
                let Some((address, argument)) = state.at_exit.pop() else {
                    next.push(state);
                    continue;
                };
                is_done = false;
                let arguments: Vec<Value> = argument.into_iter().map(Value::Term).collect();
                let exits = self.call_address(state, address, arguments, Type::Void).unwrap_or_default();
                for exit in exits {
                    if let Exit::Return(mut state, _) = exit {
                        self.settle(&mut state);
                        next.push(state);
                    }
                }
            }
            states = next;
            if is_done {
                break;
            }
        }
        let mut enders: Vec<Startup> = self.program.destructors.clone();
        enders.sort_by_key(|startup| std::cmp::Reverse(startup.priority));
        for startup in enders {
            states = self.run_each(states, startup.function);
        }
        for mut state in states {
            self.sweep(&mut state, &[]);
            self.held_to_exit(&state);
        }
    }

    /// Runs a function of a library, with any input.
    pub(super) fn run_entry(&mut self, function: FunctionId) {
        let mut state = self.initial_state(function);
        let mut arguments = Vec::new();
        for parameter in &self.program.function(function).parameters {
            let facts = SymbolFacts { is_pointer: parameter.ty == Type::Pointer, is_undefined: false, is_input: true };
            match parameter.ty {
                Type::Bytes(_) => arguments.push(self.world.unknown_value(parameter.ty)),
                ty => {
                    let term = self.world.terms.symbol(bits_of(ty), facts);
                    let is_there =
                        parameter.is_non_null || parameter.copied_bytes.is_some() || parameter.is_result_slot;
                    if is_there && ty == Type::Pointer {
                        let null = self.world.terms.null();
                        let is_null = self.world.terms.equal(term, null);
                        let _ = state.facts.assume(&mut self.world.terms, is_null, false);
                    }
                    arguments.push(Value::Term(term));
                }
            }
        }
        for exit in self.run(state, function, arguments, LocationId(0), None) {
            match exit {
                Exit::Return(mut state, value) => {
                    let mut held = Vec::new();
                    if let Some(value) = &value {
                        state.regions_of(&mut self.world.terms, value, &mut held);
                    }
                    self.sweep(&mut state, &held);
                }
                Exit::Throw(..) | Exit::Jump(..) => {}
            }
        }
    }

    /// Says of every block that nothing leads to, from memory or from `held`, that it is lost.
    fn sweep(&mut self, state: &mut State, held: &[RegionId]) {
        state.suspects.clear();
        let mut reached = FxHashSet::default();
        self.mark_memory(state, &mut reached);
        self.mark_from(state, held.to_vec(), &mut reached);
        let site = state.site();
        let lost: Vec<Suspect> = state
            .memory
            .iter()
            .filter(|(id, region)| region.is_owned() && !reached.contains(id))
            .map(|(id, _)| Suspect { region: *id, cause: Cause::ScopeLeft, site: site.clone() })
            .collect();
        self.lose(state, lost, &reached);
    }

    /// Blocks that globals hold.
    fn held_to_exit(&mut self, state: &State) {
        for index in 0..self.program.globals.len() {
            let holder = RegionId(u32::try_from(index).unwrap_or(u32::MAX));
            for region in state.referred(&mut self.world.terms, holder) {
                let Some(content) = state.region(region) else { continue };
                let (true, Some(block)) = (content.is_owned(), content.block()) else { continue };
                let name = Some(self.program.globals[index].name.clone());
                let kind = IssueKind::HeldToExit { holder: name };
                self.issues.add(Issue::new(kind, block, region, state.site(), state, &self.world.terms));
            }
        }
    }
}

/// True where a constant's initial content may be read for an operand: used to find never-written globals.
pub(super) fn global_of(operand: &Operand) -> Option<GlobalId> {
    match operand {
        Operand::Address(Symbol::Global(global), _) => Some(*global),
        _ => None,
    }
}
