//! Calls: who is called, with what, and what happens where it is not code of the program.
use super::builtin::Builtin;
use super::cells::Cell;
use super::issue::{Issue, IssueKind};
use super::memory::Place;
use super::region::{Background, Region, RegionKind, Status};
use super::run::{Engine, Exit, Undone};
use super::state::{Cause, State, Stop, Value};
use super::term::{RegionId, Term, TermId};
use super::trace::Event;
use crate::ir::{Call, Callee, FunctionId, Operand, Parameter, Pass, Type, ValueId};
use crate::models::Model;
use rustc_hash::FxHashSet;

/// What is known of a function.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    /// Its code.
    Body,
    /// The engine does it.
    Builtin(Builtin),
    /// A model says what it does.
    Model(&'a Model),
    /// Nothing.
    Nothing,
}

/// An evaluated call.
pub(super) struct Called {
    pub(super) function: Option<FunctionId>,
    pub(super) arguments: Vec<Value>,
    /// From here on they are variadic.
    pub(super) variadic_from: usize,
    pub(super) result: Type,
    /// Where an exception goes on in the caller.
    pub(super) unwind: Option<crate::ir::BlockId>,
    /// Copies made for arguments.
    copies: Vec<RegionId>,
    is_no_return: bool,
}

impl<'a> Engine<'a> {
    pub(super) fn known(&mut self, function: FunctionId) -> Known<'a> {
        if let Some(known) = self.callees[function.index()] {
            return known;
        }
        let content = self.program.function(function);
        let model = self.models.find(&content.symbol, &content.name);
        let known = match (Builtin::of(content), model) {
            (Some(builtin), _) if !content.is_defined() => Known::Builtin(builtin),
            (_, Some(model)) if model.overrides || !content.is_defined() => Known::Model(model),
            _ if content.is_defined() => Known::Body,
            _ => Known::Nothing,
        };
        self.callees[function.index()] = Some(known);
        known
    }

    /// Executes a call; `Err` with the untouched state where it needs a split.
    pub(super) fn call(
        &mut self,
        state: State,
        call: &Call,
        unwind: Option<crate::ir::BlockId>,
        dying: &[ValueId],
        is_holder: &[bool],
    ) -> Result<Vec<Exit>, Undone> {
        let before = state.clone();
        match self.try_call(state, call, unwind, dying, is_holder) {
            Ok(exits) => Ok(exits),
            Err(Stop::Dead) => Ok(Vec::new()),
            Err(Stop::Split(condition)) => Err(Box::new((before, condition))),
        }
    }

    fn try_call(
        &mut self,
        mut state: State,
        call: &Call,
        unwind: Option<crate::ir::BlockId>,
        dying: &[ValueId],
        is_holder: &[bool],
    ) -> Result<Vec<Exit>, Stop> {
        let function = match &call.callee {
            Callee::Function(function) => Some(*function),
            Callee::Pointer(operand) => self.pointed_function(&mut state, operand)?,
            Callee::Assembly => None,
        };
        let mut called = Called {
            function,
            arguments: Vec::with_capacity(call.arguments.len()),
            variadic_from: call.variadic_from.map_or(call.arguments.len(), |from| from as usize),
            result: call.result,
            unwind,
            copies: Vec::new(),
            is_no_return: call.is_no_return,
        };
        for argument in &call.arguments {
            let value = self.operand(&mut state, &argument.value, argument.ty);
            let value = match argument.pass {
                Pass::Copy(size) => self.copied_argument(&mut state, &value, size, &mut called.copies)?,
                Pass::Value | Pass::ResultSlot(_) => value,
            };
            called.arguments.push(value);
        }
        if let Some(function) = function
            && matches!(self.known(function), Known::Body)
        {
            // The callee holds the arguments; values of this frame that end here hold nothing any more.
            let used_here: Vec<ValueId> = dying.to_vec();
            let frame = state.frame_mut();
            frame.values.retain(|(id, _)| !used_here.contains(id));
            let _ = is_holder;
            let location = state.location;
            return Ok(self.run(state, function, called.arguments, location, unwind));
        }
        self.call_outside(state, called)
    }

    /// A call of what is not executed as code.
    pub(super) fn call_outside(&mut self, state: State, called: Called) -> Result<Vec<Exit>, Stop> {
        let copies = called.copies.clone();
        let mut exits = match called.function.map(|function| self.known(function)) {
            Some(Known::Builtin(builtin)) => self.builtin(state, builtin, &called)?,
            Some(Known::Model(model)) => match called.function.and_then(|function| self.string_function(function)) {
                Some(which) => self.string_call(state, which, model, &called)?,
                None => self.model(state, model, &called)?,
            },
            _ => self.unknown_call(state, &called)?,
        };
        for exit in &mut exits {
            let state = exit.state_mut();
            for &copy in &copies {
                let held = state.referred(&mut self.world.terms, copy);
                state.memory.remove(&copy);
                self.end_references(state, &held, Cause::ScopeLeft);
            }
        }
        Ok(exits)
    }

    /// Calls a function by its address, for models and handlers.
    pub(super) fn call_address(
        &mut self,
        mut state: State,
        address: TermId,
        arguments: Vec<Value>,
        result: Type,
    ) -> Result<Vec<Exit>, Stop> {
        let function = self.function_at(&mut state, address)?;
        if let Some(function) = function
            && matches!(self.known(function), Known::Body)
        {
            let location = state.location;
            return Ok(self.run(state, function, arguments, location, None));
        }
        let variadic_from = arguments.len();
        let called = Called {
            function,
            arguments,
            variadic_from,
            result,
            unwind: None,
            copies: Vec::new(),
            is_no_return: false,
        };
        self.call_outside(state, called)
    }

    fn pointed_function(&mut self, state: &mut State, operand: &Operand) -> Result<Option<FunctionId>, Stop> {
        let address = self.operand_term(state, operand, Type::Pointer);
        self.function_at(state, address)
    }

    /// The function at an address; `None` where that is not known.
    fn function_at(&mut self, state: &mut State, address: TermId) -> Result<Option<FunctionId>, Stop> {
        let address = state.facts.normalise(&mut self.world.terms, address);
        match *self.world.terms.get(address) {
            Term::Code(function) => Ok(Some(function)),
            Term::Int { .. } => Err(Stop::Dead),
            _ => Ok(None),
        }
    }

    /// The address of a copy of what an argument points to, for the callee.
    fn copied_argument(
        &mut self,
        state: &mut State,
        value: &Value,
        size: u64,
        copies: &mut Vec<RegionId>,
    ) -> Result<Value, Stop> {
        let Value::Term(address) = value else { return Ok(value.clone()) };
        let from = self.usable_place(state, *address)?;
        let activation = self.world.next_activation;
        let size_term = self.world.terms.int64(size.cast_signed());
        let kind = RegionKind::Arguments { activation };
        let copy = self.world.new_region(state, Region::new(kind, Some(size_term), Background::Undefined));
        self.world.copy(state, Place::At(copy, 0), from, Some(size))?;
        state.extra_slots.push((activation, copy));
        copies.push(copy);
        Ok(Value::Term(self.world.terms.region(copy)))
    }

    /// The variadic arguments of an activation, 8 bytes each.
    pub(super) fn variadic_region(
        &mut self,
        state: &mut State,
        activation: u32,
        arguments: &[Value],
    ) -> Option<RegionId> {
        if arguments.is_empty() {
            return None;
        }
        let mut region = Region::new(RegionKind::Arguments { activation }, None, Background::Undefined);
        let mut offset = 0;
        for argument in arguments {
            match argument {
                Value::Term(term) => {
                    let bits = self.world.terms.bits(*term).max(64);
                    let value = self.world.terms.resize(*term, bits, false);
                    let size = u64::from(bits).div_ceil(64) * 8;
                    region.cells.insert(offset, Cell { size, value });
                    offset = offset.saturating_add_unsigned(size);
                }
                Value::Bytes(cells) => {
                    region.cells.extend(cells.iter().map(|(at, cell)| (offset + at, cell)));
                    let end = cells.iter().map(|(at, cell)| at.saturating_add_unsigned(cell.size)).max().unwrap_or(8);
                    offset = offset.saturating_add((end + 7) & !7);
                }
            }
        }
        Some(self.world.new_region(state, region))
    }

    /// Makes a `va_list` of x86-64 whose register areas are used up, so that all arguments come from memory.
    /// System V ABI, AMD64 supplement, 3.5.7.
    pub(super) fn variadic_start(&mut self, state: &mut State, list: &Operand) -> Result<(), Stop> {
        const REGISTERS_USED: u64 = 48;
        const VECTORS_USED: u64 = 304;
        let list = self.operand_term(state, list, Type::Pointer);
        let place = self.usable_place(state, list)?;
        let area = match state.frame.variadic {
            Some(region) => self.world.terms.region(region),
            None => self.world.terms.unknown(Type::Pointer),
        };
        let Place::At(region, offset) = place else { return Ok(()) };
        let (general, vector) = (self.world.terms.int(32, REGISTERS_USED), self.world.terms.int(32, VECTORS_USED));
        let parts = [(0, Type::Int(32), general), (4, Type::Int(32), vector), (8, Type::Pointer, area)];
        for (at, ty, term) in parts {
            self.world.store(state, Place::At(region, offset + at), ty, &Value::Term(term))?;
        }
        let saved = self.world.terms.undefined(Type::Pointer);
        self.world.store(state, Place::At(region, offset + 16), Type::Pointer, &Value::Term(saved))
    }

    /// A function of which nothing is known: it may keep and change what it can reach, except through pointers to
    /// constant data, which hardly ever pass on ownership.
    fn unknown_call(&mut self, mut state: State, called: &Called) -> Result<Vec<Exit>, Stop> {
        let parameters: &[Parameter] =
            called.function.map_or(&[], |function| self.function(function).parameters.as_slice());
        for (index, argument) in called.arguments.iter().enumerate() {
            let parameter = parameters.get(index);
            let is_read = parameter.is_some_and(|one| one.is_pointer_to_const || one.is_read_only);
            let is_kept = !parameter.is_some_and(|one| one.is_not_captured);
            if is_read {
                continue;
            }
            let mut regions = Vec::new();
            state.regions_of(&mut self.world.terms, argument, &mut regions);
            for region in regions {
                self.give_away(&mut state, region, is_kept);
            }
        }
        if let Some(function) = called.function
            && !state.assumed.contains(&function)
        {
            state.assumed.push(function);
        }
        if called.is_no_return {
            return Ok(Vec::new());
        }
        let value = (called.result != Type::Void).then(|| self.world.unknown_value(called.result));
        Ok(vec![Exit::Return(state, value)])
    }

    /// Code that is not seen gets the address of a region: it may keep it, and change all that it reaches.
    pub(super) fn give_away(&mut self, state: &mut State, region: RegionId, is_kept: bool) {
        let mut reached = FxHashSet::default();
        let mut open = vec![region];
        while let Some(next) = open.pop() {
            if reached.insert(next) && reached.len() < 4096 {
                open.extend(state.referred(&mut self.world.terms, next));
            }
        }
        for &one in &reached {
            let is_constant = match state.region(one).map(|content| &content.kind) {
                Some(RegionKind::Global(global)) => self.program.global(*global).is_constant,
                _ => false,
            };
            if is_constant {
                continue;
            }
            if let Some(content) = state.region_mut(one) {
                content.is_escaped |= is_kept || one != region;
                content.cells.clear();
                content.scattered.clear();
                content.held.clear();
                content.background = Background::Unknown;
            }
        }
    }

    /// Gives a block back.
    ///
    /// # Errors
    /// Where it was given back before, which ends the path.
    pub(super) fn release(&mut self, state: &mut State, address: TermId, family: &str) -> Result<(), Stop> {
        let address = state.facts.normalise(&mut self.world.terms, address);
        if self.world.terms.is_zero(address) {
            return Ok(());
        }
        if self.world.terms.symbol_facts(address).is_some() {
            // An unknown pointer may be null, which is no block: nothing is learned of it.
            let null = self.world.terms.null();
            let is_null = self.world.terms.equal(address, null);
            if state.facts.decide(&mut self.world.terms, is_null) == Some(true) {
                return Ok(());
            }
            if !state.behind.contains_key(&address) {
                return Ok(());
            }
        }
        let (Place::At(region, _) | Place::Somewhere(region, _)) = self.world.place(state, address)? else {
            return Ok(());
        };
        let Some(content) = state.region(region) else { return Ok(()) };
        let is_escaped = content.is_escaped;
        let (status, block) = (content.status, content.block().cloned());
        match (status, &content.kind) {
            (Status::Released, _) => {
                if !is_escaped {
                    self.report_misuse(state, region, IssueKind::ReleasedTwice);
                }
                return Err(Stop::Dead);
            }
            (_, RegionKind::Block(_) | RegionKind::Behind(_)) => {}
            _ => return Ok(()),
        }
        if let Some(block) = block
            && block.family != family
        {
            self.report_misuse(state, region, IssueKind::Mismatched { family: family.to_owned() });
        }
        state.mark_released(&mut self.world.terms, region, Cause::OwnerReleased);
        let function = state.frame.function;
        state.trace.push(Event::Released(region), function, state.location);
        Ok(())
    }

    pub(super) fn report_misuse(&mut self, state: &State, region: RegionId, kind: IssueKind) {
        if let Some(block) = state.region(region).and_then(Region::block) {
            self.issues.add(Issue::new(kind, block, region, state.site(), state, &self.world.terms));
        }
    }
}
