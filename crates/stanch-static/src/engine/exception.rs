//! Exceptions on their way: who catches them, landing pads, types and their bases.
//!
//! Itanium C++ ABI, exception handling and 2.9 (run-time type information).
use super::builtin_types::standard_base;
use super::call::Called;
use super::cells::{Cell, Cells};
use super::memory::Place;
use super::run::{Engine, Exit};
use super::state::{Exception, State, Stop, Value};
use super::term::{Term, TermId};
use crate::ir::{BlockId, Clause, FunctionId, GlobalId, Op, Operand, Symbol, Terminator, Type};
use std::rc::Rc;

/// Whether an exception gets anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Somebody catches it, or may.
    Caught,
    /// Nobody does: the process ends where it was thrown.
    Ends,
}

/// Selector of a handler that takes everything.
const CATCH_ALL: u64 = 0x7fff_ffff;
/// Inheritance deeper than this is not followed.
const BASES_MAX: u32 = 32;

impl Engine<'_> {
    /// Looks through the activations for a handler, as the runtime does before it unwinds anything.
    pub(super) fn search_handler(
        &mut self,
        state: &mut State,
        exception: &Exception,
        unwind: Option<BlockId>,
    ) -> Search {
        let mut frame = state.frame.clone();
        let mut pad = unwind;
        loop {
            match pad {
                Some(block) if self.catches(state, frame.function, block, exception) => {
                    let ends = self.ends_process(frame.function, block);
                    return if ends { Search::Ends } else { Search::Caught };
                }
                Some(_) => {}
                None if self.program.function(frame.function).is_no_unwind && !frame.is_root() => return Search::Ends,
                None => {}
            }
            let Some(parent) = frame.parent.clone().filter(|parent| !parent.is_root()) else {
                return if self.is_program { Search::Ends } else { Search::Caught };
            };
            pad = frame.unwind;
            frame = parent;
        }
    }

    fn pad_clauses(&self, function: FunctionId, block: BlockId) -> Option<(&[Clause], bool)> {
        let instructions = &self.program.functions[function.index()].blocks[block.index()].instructions;
        instructions.iter().find_map(|instruction| match &instruction.op {
            Op::LandingPad { clauses, is_cleanup } => Some((clauses.as_slice(), *is_cleanup)),
            _ => None,
        })
    }

    fn catches(&mut self, state: &mut State, function: FunctionId, block: BlockId, exception: &Exception) -> bool {
        let Some((clauses, _)) = self.pad_clauses(function, block) else { return true };
        let clauses = clauses.to_vec();
        clauses.iter().any(|clause| self.selector(state, clause, exception).is_some())
    }

    /// True for the landing pad of `noexcept`: it calls nothing but the end of the process.
    fn ends_process(&self, function: FunctionId, block: BlockId) -> bool {
        let content = &self.program.functions[function.index()].blocks[block.index()];
        let calls_end = content.instructions.iter().any(|instruction| match &instruction.op {
            Op::Call(call) => match call.callee {
                crate::ir::Callee::Function(callee) => {
                    let symbol = &self.program.functions[callee.index()].symbol;
                    symbol == "__clang_call_terminate" || symbol == "_ZSt9terminatev"
                }
                _ => false,
            },
            _ => false,
        });
        calls_end && matches!(content.terminator, Terminator::Unreachable)
    }

    /// Enters a landing pad; false where it lets the exception pass.
    pub(super) fn enter_pad(
        &mut self,
        state: &mut State,
        function: FunctionId,
        block: BlockId,
        exception: &Exception,
    ) -> bool {
        let is_cleanup = self.pad_clauses(function, block).is_none_or(|(_, is_cleanup)| is_cleanup);
        if !is_cleanup && !self.catches(state, function, block, exception) {
            return false;
        }
        state.in_flight.retain(|other| other.object != exception.object);
        state.in_flight.push(exception.clone());
        true
    }

    /// What a landing pad begins with: the exception, and which clause takes it.
    pub(super) fn landing_pad(&mut self, state: &mut State, clauses: &[Clause]) -> Value {
        let Some(exception) = state.in_flight.last().cloned() else {
            return self.world.unknown_value(Type::Bytes(16));
        };
        let selector = clauses.iter().find_map(|clause| self.selector(state, clause, &exception)).unwrap_or(0);
        let selector = self.world.terms.int(32, selector);
        let mut cells = Cells::of(0, Cell { size: 8, value: exception.object });
        cells.insert(8, Cell { size: 4, value: selector });
        Value::Bytes(Rc::new(cells))
    }

    /// The selector of a clause that takes the exception.
    fn selector(&mut self, state: &mut State, clause: &Clause, exception: &Exception) -> Option<u64> {
        match clause {
            Clause::Catch(Operand::Zero) => Some(CATCH_ALL),
            Clause::Catch(operand) => {
                let wanted = self.operand_term(state, operand, Type::Pointer);
                let Some(thrown) = self.type_global(exception.type_info) else {
                    return Some(self.selector_of(wanted));
                };
                let wanted_type = self.type_global(wanted)?;
                let is_it = self.is_caught_as(thrown, wanted_type);
                is_it.then(|| self.selector_of(wanted))
            }
            Clause::Filter(_) => None,
        }
    }

    fn type_global(&self, term: TermId) -> Option<GlobalId> {
        match *self.world.terms.get(term) {
            Term::Region(region) if (region.0 as usize) < self.program.globals.len() => Some(GlobalId(region.0)),
            _ => None,
        }
    }

    fn selector_of(&self, type_info: TermId) -> u64 {
        self.type_global(type_info).map_or(CATCH_ALL - 1, |global| u64::from(global.0) + 1)
    }

    /// The selector that means this type.
    pub(super) fn type_id(&mut self, state: &mut State, type_info: &Operand) -> TermId {
        let term = self.operand_term(state, type_info, Type::Pointer);
        let selector = if self.world.terms.is_zero(term) { CATCH_ALL } else { self.selector_of(term) };
        self.world.terms.int(32, selector)
    }

    fn symbol_of(&self, global: GlobalId) -> &str {
        &self.program.globals[global.index()].symbol
    }

    /// A handler of `wanted` takes `thrown`: the same class, a base of it, or pointers to such.
    fn is_caught_as(&self, thrown: GlobalId, wanted: GlobalId) -> bool {
        if self.symbol_of(thrown) == self.symbol_of(wanted) || self.is_derived(thrown, wanted, 0) {
            return true;
        }
        match (self.pointee(thrown), self.pointee(wanted)) {
            (Some(one), Some(other)) => self.symbol_of(one) == self.symbol_of(other) || self.is_derived(one, other, 0),
            _ => false,
        }
    }

    fn is_derived(&self, thrown: GlobalId, wanted: GlobalId, depth: u32) -> bool {
        if depth > BASES_MAX {
            return false;
        }
        let (mut symbol, target) = (self.symbol_of(thrown), self.symbol_of(wanted));
        while let Some(base) = standard_base(symbol) {
            if base == target {
                return true;
            }
            symbol = base;
        }
        self.bases(thrown)
            .into_iter()
            .any(|(base, _)| self.symbol_of(base) == target || self.is_derived(base, wanted, depth + 1))
    }

    fn address_in(&self, global: GlobalId, offset: u64) -> Option<Symbol> {
        let initial = self.program.globals[global.index()].initial.as_ref()?;
        let found = initial.relocations.iter().find(|relocation| relocation.offset == offset)?;
        Some(found.symbol)
    }

    fn number_in(&self, global: GlobalId, offset: usize) -> Option<i64> {
        let initial = self.program.globals[global.index()].initial.as_ref()?;
        let bytes: [u8; 8] = std::array::from_fn(|at| initial.bytes.get(offset + at).copied().unwrap_or(0));
        Some(i64::from_le_bytes(bytes))
    }

    /// The class of a `type_info`, by its table of virtual functions.
    fn sort_of_type(&self, global: GlobalId) -> Option<&str> {
        match self.address_in(global, 0)? {
            Symbol::Global(table) => Some(self.symbol_of(table)),
            Symbol::Function(_) => None,
        }
    }

    /// Direct bases with their offset; virtual ones without.
    fn bases(&self, global: GlobalId) -> Vec<(GlobalId, Option<i64>)> {
        const FIRST_BASE: u64 = 24;
        const BASE_SIZE: u64 = 16;
        let as_global = |symbol| if let Symbol::Global(global) = symbol { Some(global) } else { None };
        match self.sort_of_type(global) {
            Some("_ZTVN10__cxxabiv120__si_class_type_infoE") => {
                let base = self.address_in(global, 16).and_then(as_global);
                base.map(|base| (base, Some(0))).into_iter().collect()
            }
            Some("_ZTVN10__cxxabiv121__vmi_class_type_infoE") => {
                let count = self.number_in(global, 20).unwrap_or(0) & 0xffff;
                (0..count.unsigned_abs())
                    .filter_map(|index| {
                        let at = FIRST_BASE + index * BASE_SIZE;
                        let base = self.address_in(global, at).and_then(as_global)?;
                        let flags = self.number_in(global, usize::try_from(at + 8).ok()?)?;
                        let is_virtual = flags & 1 != 0;
                        Some((base, (!is_virtual).then_some(flags >> 8)))
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a pointer type points to.
    fn pointee(&self, global: GlobalId) -> Option<GlobalId> {
        if self.sort_of_type(global)? != "_ZTVN10__cxxabiv119__pointer_type_infoE" {
            return None;
        }
        match self.address_in(global, 24)? {
            Symbol::Global(pointee) => Some(pointee),
            Symbol::Function(_) => None,
        }
    }

    pub(super) fn is_pointer_type(&self, exception: &Exception) -> bool {
        let Some(global) = self.type_global(exception.type_info) else { return false };
        self.symbol_of(global).starts_with("_ZTIP") || self.pointee(global).is_some()
    }

    /// The exception that a landing pad passes on.
    pub(super) fn resumed(&mut self, state: &mut State, operand: &Operand) -> Option<Exception> {
        let Value::Bytes(cells) = self.operand(state, operand, Type::Bytes(16)) else { return None };
        let object = cells.get(0)?.value;
        match state.in_flight.iter().rposition(|exception| exception.object == object) {
            Some(at) => Some(state.in_flight.remove(at)),
            None => {
                let null = self.world.terms.null();
                let type_info = self.world.terms.unknown(Type::Pointer);
                Some(Exception { object, type_info, destructor: null, is_rethrown: false })
            }
        }
    }

    /// `dynamic_cast`: by the type that the object's table of virtual functions names.
    ///
    /// # Errors
    /// Where the object cannot be read.
    pub(super) fn dynamic_cast(&mut self, mut state: State, called: &Called) -> Result<Vec<Exit>, Stop> {
        let (Some(Value::Term(object)), Some(Value::Term(target))) =
            (called.arguments.first(), called.arguments.get(2))
        else {
            return Ok(Vec::new());
        };
        let target = self.type_global(*target);
        let whole = self.most_derived(&mut state, *object);
        if let (Some((whole, dynamic)), Some(target)) = (whole, target) {
            let address = match self.base_offset(dynamic, target, 0) {
                Some(offset) => self.world.terms.offset(whole, offset),
                None => self.world.terms.null(),
            };
            return Ok(vec![Exit::Return(state, Some(Value::Term(address)))]);
        }
        let null = self.world.terms.null();
        state.splits += 1;
        Ok(vec![Exit::Return(state.clone(), Some(Value::Term(*object))), Exit::Return(state, Some(Value::Term(null)))])
    }

    /// The whole object that a polymorphic object is part of, and its type.
    fn most_derived(&mut self, state: &mut State, object: TermId) -> Option<(TermId, GlobalId)> {
        let table = self.read_pointer(state, object)?;
        let type_slot = self.world.terms.offset(table, -8);
        let type_info = self.read_pointer(state, type_slot)?;
        let dynamic = self.type_global(type_info)?;
        let top_slot = self.world.terms.offset(table, -16);
        let Ok(Place::At(region, offset)) = self.world.place(state, top_slot) else { return None };
        let to_top = self.world.load_bytes(state, region, offset, 8, false);
        let to_top = self.world.terms.as_signed(to_top)?;
        Some((self.world.terms.offset(object, to_top), dynamic))
    }

    /// Where in an object of type `from` its base `to` lies.
    fn base_offset(&self, from: GlobalId, to: GlobalId, depth: u32) -> Option<i64> {
        if self.symbol_of(from) == self.symbol_of(to) {
            return Some(0);
        }
        if depth > BASES_MAX {
            return None;
        }
        self.bases(from)
            .into_iter()
            .find_map(|(base, offset)| Some(self.base_offset(base, to, depth + 1)? + offset.unwrap_or(0)))
    }
}
