//! Functions that the engine does itself: exceptions of the Itanium C++ ABI, `setjmp`, exit handlers, casts.
use super::call::Called;
use super::exception::Search;
use super::memory::Place;
use super::region::{Background, Region, RegionKind};
use super::run::{Engine, Exit};
use super::state::{Exception, Landing, State, Stop, Value};
use super::term::{Term, TermId};
use super::trace::Event;
use crate::ir::{Function, Type};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    AllocateException,
    FreeException,
    Throw,
    Rethrow,
    BeginCatch,
    EndCatch,
    ExceptionPointer,
    GuardAcquire,
    GuardRelease,
    AtExitWithArgument,
    AtExit,
    DynamicCast,
    SetJump,
    LongJump,
    ThreadCreate,
    ThreadJoin,
    ThreadExit,
    Once,
    /// The process ends, or the program is wrong beyond this point.
    End,
}

impl Builtin {
    pub(super) fn of(function: &Function) -> Option<Builtin> {
        Some(match function.symbol.as_str() {
            "__cxa_allocate_exception" => Builtin::AllocateException,
            "__cxa_free_exception" => Builtin::FreeException,
            "__cxa_throw" => Builtin::Throw,
            "__cxa_rethrow" => Builtin::Rethrow,
            "__cxa_begin_catch" => Builtin::BeginCatch,
            "__cxa_end_catch" => Builtin::EndCatch,
            "__cxa_get_exception_ptr" => Builtin::ExceptionPointer,
            "__cxa_guard_acquire" => Builtin::GuardAcquire,
            "__cxa_guard_release" | "__cxa_guard_abort" => Builtin::GuardRelease,
            "__cxa_atexit" | "__cxa_thread_atexit" => Builtin::AtExitWithArgument,
            "atexit" | "at_quick_exit" => Builtin::AtExit,
            "__dynamic_cast" => Builtin::DynamicCast,
            "longjmp" | "_longjmp" | "siglongjmp" | "__longjmp_chk" => Builtin::LongJump,
            "pthread_create" => Builtin::ThreadCreate,
            "pthread_join" => Builtin::ThreadJoin,
            "pthread_exit" => Builtin::ThreadExit,
            "pthread_once" | "call_once" => Builtin::Once,
            // Sizes beyond all memory, and strings of null: no program means to come here.
            "_ZSt20__throw_length_errorPKc"
            | "_ZSt17__throw_bad_allocv"
            | "_ZSt28__throw_bad_array_new_lengthv"
            | "_ZSt19__throw_logic_errorPKc"
            | "__cxa_throw_bad_array_new_length" => Builtin::End,
            "abort"
            | "exit"
            | "_exit"
            | "_Exit"
            | "quick_exit"
            | "__cxa_pure_virtual"
            | "_ZSt9terminatev"
            | "__assert_fail"
            | "__cxa_deleted_virtual"
            | "__stack_chk_fail" => Builtin::End,
            symbol if function.returns_twice || symbol.starts_with("__sigsetjmp") || symbol == "_setjmp" => {
                Builtin::SetJump
            }
            _ => return None,
        })
    }
}

impl Engine<'_> {
    /// Executes one.
    ///
    /// # Errors
    /// Where it needs a split, or the path ends.
    pub(super) fn builtin(&mut self, mut state: State, builtin: Builtin, called: &Called) -> Result<Vec<Exit>, Stop> {
        let argument = |index: usize| match called.arguments.get(index) {
            Some(Value::Term(term)) => Some(*term),
            _ => None,
        };
        let first = argument(0).unwrap_or_else(|| self.world.terms.null());
        let value = match builtin {
            Builtin::End => return Ok(Vec::new()),
            Builtin::AllocateException => {
                let region = Region::new(RegionKind::Exception, None, Background::Undefined);
                let region = self.world.new_region(&mut state, region);
                Some(self.world.terms.region(region))
            }
            Builtin::FreeException => {
                self.drop_exception(&mut state, first);
                None
            }
            Builtin::Throw => {
                let type_info = argument(1).unwrap_or(first);
                let destructor = argument(2).unwrap_or_else(|| self.world.terms.null());
                let exception = Exception { object: first, type_info, destructor, is_rethrown: false };
                return Ok(self.throw(state, exception, called.unwind).into_iter().collect());
            }
            Builtin::Rethrow => {
                let Some(caught) = state.caught.last_mut() else { return Ok(Vec::new()) };
                caught.is_rethrown = true;
                let exception = Exception { is_rethrown: false, ..caught.clone() };
                return Ok(self.throw(state, exception, called.unwind).into_iter().collect());
            }
            Builtin::BeginCatch => Some(self.begin_catch(&mut state, first)?),
            Builtin::EndCatch => return self.end_catch(state),
            Builtin::ExceptionPointer => Some(first),
            Builtin::GuardAcquire | Builtin::GuardRelease => Some(self.guard(&mut state, builtin, first)?),
            Builtin::AtExitWithArgument => {
                state.at_exit.push((first, argument(1)));
                Some(self.world.terms.int(32, 0))
            }
            Builtin::AtExit => {
                state.at_exit.push((first, None));
                Some(self.world.terms.int(32, 0))
            }
            Builtin::DynamicCast => return self.dynamic_cast(state, called),
            Builtin::SetJump => Some(self.set_jump(&mut state, first)),
            Builtin::ThreadCreate => return self.thread_create(state, called),
            Builtin::ThreadJoin => {
                let target = argument(1).unwrap_or_else(|| self.world.terms.null());
                self.thread_join(&mut state, first, target)?;
                Some(self.world.terms.int(32, 0))
            }
            Builtin::Once => return self.once(state, first, argument(1)),
            Builtin::ThreadExit => {
                return Ok(vec![Exit::Jump(state, super::run::THREAD_END, first)]);
            }
            Builtin::LongJump => return Ok(self.long_jump(state, first, argument(1)).into_iter().collect()),
        };
        let value = value.filter(|_| called.result != Type::Void).map(Value::Term);
        Ok(vec![Exit::Return(state, value)])
    }

    /// An exception sets out, if anybody catches it; a program that does not ends there, and loses nothing.
    pub(super) fn throw(
        &mut self,
        mut state: State,
        exception: Exception,
        unwind: Option<crate::ir::BlockId>,
    ) -> Option<Exit> {
        if self.search_handler(&mut state, &exception, unwind) == Search::Ends {
            return None;
        }
        let function = state.frame.function;
        state.trace.push(Event::Thrown, function, state.location);
        Some(Exit::Throw(state, exception))
    }

    fn begin_catch(&mut self, state: &mut State, object: TermId) -> Result<TermId, Stop> {
        let in_flight = state.in_flight.iter().rposition(|exception| exception.object == object);
        let exception = match in_flight {
            Some(at) => state.in_flight.remove(at),
            None => {
                let (null, unknown) = (self.world.terms.null(), self.world.terms.unknown(Type::Pointer));
                Exception { object, type_info: unknown, destructor: null, is_rethrown: false }
            }
        };
        let is_pointer = self.is_pointer_type(&exception);
        state.caught.retain(|caught| !(caught.is_rethrown && caught.object == object));
        state.caught.push(exception);
        let function = state.frame.function;
        state.trace.push(Event::Caught, function, state.location);
        if !is_pointer {
            return Ok(object);
        }
        // A handler of pointers gets the pointer itself.
        let place = self.usable_place(state, object)?;
        match self.world.load(state, place, Type::Pointer)? {
            Value::Term(term) => Ok(term),
            Value::Bytes(_) => Ok(object),
        }
    }

    fn end_catch(&mut self, mut state: State) -> Result<Vec<Exit>, Stop> {
        let Some(exception) = state.caught.pop() else { return Ok(vec![Exit::Return(state, None)]) };
        if exception.is_rethrown {
            return Ok(vec![Exit::Return(state, None)]);
        }
        let destructor = state.facts.normalise(&mut self.world.terms, exception.destructor);
        let object = exception.object;
        let mut exits = match self.world.terms.get(destructor) {
            Term::Code(_) => self.call_address(state, destructor, vec![Value::Term(object)], Type::Void)?,
            _ => vec![Exit::Return(state, None)],
        };
        for exit in &mut exits {
            self.drop_exception(exit.state_mut(), object);
        }
        Ok(exits)
    }

    fn drop_exception(&mut self, state: &mut State, object: TermId) {
        let regions = self.world.terms.regions(object).to_vec();
        for region in regions {
            if matches!(state.region(region).map(|content| &content.kind), Some(RegionKind::Exception)) {
                let held = state.referred(&mut self.world.terms, region);
                state.memory.remove(&region);
                self.end_references(state, &held, super::state::Cause::OwnerReleased);
            }
        }
    }

    /// The guard of a local static variable: its first byte says whether it was initialised.
    fn guard(&mut self, state: &mut State, builtin: Builtin, guard: TermId) -> Result<TermId, Stop> {
        let place = self.usable_place(state, guard)?;
        if builtin == Builtin::GuardRelease {
            let done = Value::Term(self.world.terms.int(8, 1));
            self.world.store(state, place, Type::Int(8), &done)?;
            return Ok(self.world.terms.int(32, 0));
        }
        let Value::Term(byte) = self.world.load(state, place, Type::Int(8))? else { return Err(Stop::Dead) };
        let zero = self.world.terms.int(8, 0);
        let is_open = self.world.terms.equal(byte, zero);
        let is_open = state.decide(&mut self.world.terms, is_open)?;
        Ok(self.world.terms.int(32, u64::from(is_open)))
    }

    /// `pthread_once`: calls a function unless the flag says that it was called.
    fn once(&mut self, mut state: State, flag: TermId, function: Option<TermId>) -> Result<Vec<Exit>, Stop> {
        let place = self.usable_place(&mut state, flag)?;
        let Value::Term(done) = self.world.load(&mut state, place, Type::Int(32))? else { return Err(Stop::Dead) };
        let zero = self.world.terms.int(32, 0);
        let is_first = self.world.terms.equal(done, zero);
        let mut exits = match (state.decide(&mut self.world.terms, is_first)?, function) {
            (true, Some(function)) => {
                let one = Value::Term(self.world.terms.int(32, 1));
                self.world.store(&mut state, place, Type::Int(32), &one)?;
                self.call_address(state, function, Vec::new(), Type::Void)?
            }
            _ => vec![Exit::Return(state, None)],
        };
        for exit in &mut exits {
            if let Exit::Return(_, value) = exit {
                *value = Some(Value::Term(zero));
            }
        }
        Ok(exits)
    }

    fn set_jump(&mut self, state: &mut State, buffer: TermId) -> TermId {
        let frame = state.frame.clone();
        if let Some((block, index)) = self.position_of_call(state) {
            state.landings.retain(|landing| landing.buffer != buffer || landing.activation != frame.activation);
            let values = frame.values.clone();
            state.landings.push(Landing { buffer, activation: frame.activation, block, index, values });
        }
        self.world.terms.int(32, 0)
    }

    /// Where the running call of `setjmp` stands: the call at the state's location.
    fn position_of_call(&mut self, state: &State) -> Option<(crate::ir::BlockId, usize)> {
        self.running_call.get(&state.frame.activation).copied()
    }

    fn long_jump(&mut self, state: State, buffer: TermId, value: Option<TermId>) -> Option<Exit> {
        let landing = state.landings.iter().rposition(|landing| landing.buffer == buffer)?;
        let value = value.unwrap_or_else(|| self.world.terms.int(32, 1));
        let value = if self.world.terms.is_zero(value) { self.world.terms.int(32, 1) } else { value };
        Some(Exit::Jump(state, landing, value))
    }

    /// Reads 8 bytes at an address, where they are known.
    pub(super) fn read_pointer(&mut self, state: &mut State, address: TermId) -> Option<TermId> {
        let place = self.world.place(state, address).ok()?;
        if !matches!(place, Place::At(..)) {
            return None;
        }
        match self.world.load(state, place, Type::Pointer).ok()? {
            Value::Term(term) => Some(state.facts.normalise(&mut self.world.terms, term)),
            Value::Bytes(_) => None,
        }
    }
}
