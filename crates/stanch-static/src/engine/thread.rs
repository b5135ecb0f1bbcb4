//! Threads, as if each ran where it is started.
use super::call::Called;
use super::run::{Engine, Exit, THREAD_END};
use super::state::{Cause, State, Stop, Value};
use super::term::TermId;
use crate::ir::Type;

impl Engine<'_> {
    /// `pthread_create`: the thread runs to its end, or cannot be started.
    ///
    /// # Errors
    /// Where the handle cannot be written.
    pub(super) fn thread_create(&mut self, state: State, called: &Called) -> Result<Vec<Exit>, Stop> {
        let argument = |index: usize| match called.arguments.get(index) {
            Some(Value::Term(term)) => Some(*term),
            _ => None,
        };
        let (Some(handle), Some(start), Some(given)) = (argument(0), argument(2), argument(3)) else {
            return Ok(Vec::new());
        };
        let mut exits = Vec::new();
        let mut refused = state.clone();
        let status = self.world.terms.unknown(Type::Int(32));
        if self.world.limit(&mut refused, status, 1, i64::from(i32::MAX)).is_ok() {
            exits.push(Exit::Return(refused, Some(Value::Term(status))));
        }
        let mut state = state;
        let number = self.world.terms.unknown(Type::Int(64));
        let place = self.usable_place(&mut state, handle)?;
        self.world.store(&mut state, place, Type::Int(64), &Value::Term(number))?;
        for exit in self.call_address(state, start, vec![Value::Term(given)], Type::Pointer)? {
            match exit {
                Exit::Return(state, value) => exits.push(self.thread_ended(state, number, value)),
                Exit::Jump(state, THREAD_END, value) => {
                    exits.push(self.thread_ended(state, number, Some(Value::Term(value))));
                }
                // An exception that leaves a thread ends the process.
                Exit::Throw(..) | Exit::Jump(..) => {}
            }
        }
        Ok(exits)
    }

    fn thread_ended(&mut self, mut state: State, number: TermId, value: Option<Value>) -> Exit {
        if let Some(Value::Term(result)) = value {
            state.threads.push((number, result));
        }
        self.settle(&mut state);
        Exit::Return(state, Some(Value::Term(self.world.terms.int(32, 0))))
    }

    /// `pthread_join`: hands over the result, or drops it.
    pub(super) fn thread_join(&mut self, state: &mut State, number: TermId, target: TermId) -> Result<(), Stop> {
        let number = state.facts.normalise(&mut self.world.terms, number);
        let known = state.threads.iter().position(|(handle, _)| *handle == number);
        let is_dropped = self.world.terms.is_zero(target);
        let result = match known {
            Some(at) => state.threads[at].1,
            None => self.world.terms.unknown(Type::Pointer),
        };
        if !is_dropped {
            let place = self.usable_place(state, target)?;
            self.world.store(state, place, Type::Pointer, &Value::Term(result))?;
        }
        if let Some(at) = known {
            state.threads.remove(at);
            let mut held = Vec::new();
            state.regions_in(&mut self.world.terms, result, &mut held);
            self.end_references(state, &held, Cause::Unused);
        }
        Ok(())
    }
}
