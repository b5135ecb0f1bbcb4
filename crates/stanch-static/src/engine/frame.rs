//! How a call begins and ends: frames, parameters, stack slots.
use super::activation::Activation;
use super::run::{Engine, Exit};
use super::state::{Cause, Frame, State, Value};
use super::trace::Event;
use crate::ir::{BlockId, FunctionId, LocationId, ValueId};
use std::rc::Rc;

impl Engine<'_> {
    /// Makes the activation's frame; false where calls are nested too deep.
    pub(super) fn enter(
        &mut self,
        state: &mut State,
        function: FunctionId,
        arguments: Vec<Value>,
        location: LocationId,
        unwind: Option<BlockId>,
    ) -> bool {
        let code = self.code(function);
        let caller = state.frame.clone();
        let (mut open_recursion, mut frame) = (0, Some(&caller));
        while let Some(current) = frame {
            if current.function == function {
                open_recursion = current.open_recursion + u32::from(current.splits < state.splits);
                break;
            }
            frame = current.parent.as_ref();
        }
        let depth = caller.depth + 1;
        if depth > self.limits.depth || open_recursion > self.limits.open_recursion {
            self.counts.recursion_cut += 1;
            return false;
        }
        let activation = self.world.next_activation;
        self.world.next_activation += 1;
        let live = &code.live_in[0];
        let program = self.program;
        let parameters = program.function(function).parameters.len();
        let (named, variadic) = arguments.split_at(arguments.len().min(parameters));
        let ids = (0..).map(ValueId);
        let is_live = |id: &ValueId| live.binary_search(id).is_ok();
        let values = ids.zip(named.iter().cloned()).filter(|(id, _)| is_live(id)).collect();
        let variadic = self.variadic_region(state, activation, variadic);
        state.frame = Rc::new(Frame {
            function,
            activation,
            values,
            slots: Vec::new(),
            parent: Some(caller),
            call_location: location,
            unwind,
            rounds: Vec::new(),
            variadic,
            depth,
            splits: state.splits,
            open_recursion,
        });
        if program.function(function).location != LocationId(0) {
            state.trace.push(Event::Entered(function), function, location);
        }
        true
    }

    /// Ends the activation on one path.
    pub(super) fn exit(&mut self, activation: &mut Activation, mut exit: Exit) {
        let cause = match &exit {
            Exit::Return(..) => Cause::ScopeLeft,
            Exit::Throw(..) | Exit::Jump(..) => Cause::Unwound,
        };
        self.pop(exit.state_mut(), cause);
        if let Exit::Throw(state, exception) = &mut exit {
            // What the exception refers to is still held.
            state.caught.push(exception.clone());
            self.settle(state);
            state.caught.pop();
        }
        if matches!(exit, Exit::Jump(..)) {
            self.settle(exit.state_mut());
        }
        if let Exit::Return(state, value) = &mut exit {
            self.forget_released(state, value.as_ref());
        }
        if let Exit::Return(state, value) = &exit {
            for other in &mut activation.exits {
                if let Exit::Return(known, known_value) = other
                    && known_value == value
                    && known.is_same(state)
                {
                    known.facts = known.facts.join(&state.facts);
                    self.counts.joined += 1;
                    return;
                }
            }
        }
        if activation.exits.len() >= self.limits.width(self.limits.exits, self.steps) {
            self.counts.dropped += 1;
            return;
        }
        activation.exits.push(exit);
    }

    /// Takes the frame and its slots away.
    fn pop(&mut self, state: &mut State, cause: Cause) {
        let frame = state.frame.clone();
        let mut ended = Vec::new();
        for (_, value) in &frame.values {
            state.regions_of(&mut self.world.terms, value, &mut ended);
        }
        let own: Vec<_> = frame
            .slots
            .iter()
            .flat_map(|(_, address)| self.world.terms.regions(*address).first().copied())
            .chain(frame.variadic)
            .chain(state.dynamic_slots(frame.activation))
            .collect();
        for region in own {
            ended.extend(state.referred(&mut self.world.terms, region));
            state.memory.remove(&region);
        }
        self.end_references(state, &ended, cause);
        state.landings.retain(|landing| landing.activation != frame.activation);
        if let Some(parent) = &frame.parent {
            state.frame = parent.clone();
            state.location = frame.call_location;
        }
    }
}
