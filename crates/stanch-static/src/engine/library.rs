//! Library functions, as their models say.
use super::call::Called;
use super::memory::Place;
use super::region::{Background, Block, Region, RegionKind, Status};
use super::run::{Engine, Exit};
use super::state::{Cause, Exception, State, Stop, Value};
use super::term::{Operation, RegionId, TermId, bits_of};
use super::trace::Event;
use crate::ir::Type;
use crate::models::{Comparison, Condition, Effect, End, Expression, Model, NewBlock, Outcome};
use std::sync::Arc;

impl Engine<'_> {
    /// All that can be after a call of a modelled function.
    ///
    /// # Errors
    /// Where it needs a split.
    pub(super) fn model(&mut self, state: State, model: &Model, called: &Called) -> Result<Vec<Exit>, Stop> {
        let mut exits = Vec::new();
        for outcome in &model.outcomes {
            let mut state = state.clone();
            let is_known = self.is_known(&mut state, &outcome.known, called)?;
            if !is_known {
                continue;
            }
            if self.can_be(&mut state, &outcome.when, called)?
                && self.may_fail_to_resize(&mut state, model, outcome, called)?
            {
                exits.extend(self.outcome(state, outcome, called)?);
            }
            if !outcome.known.is_empty() {
                break;
            }
        }
        if model.outcomes.len() > 1 && exits.len() > 1 {
            for exit in &mut exits {
                exit.state_mut().splits += 1;
            }
        }
        Ok(exits)
    }

    /// Counts an outcome by which a block could not be resized; false where too much failed already.
    fn may_fail_to_resize(
        &mut self,
        state: &mut State,
        model: &Model,
        outcome: &Outcome,
        called: &Called,
    ) -> Result<bool, Stop> {
        let resized = model.outcomes.iter().find_map(|other| match &other.returns {
            Some(Expression::Resize(old, _)) => Some(old),
            _ => None,
        });
        let (Some(old), Some(Expression::Int(0)), true) = (resized, &outcome.returns, outcome.known.is_empty()) else {
            return Ok(true);
        };
        state.failures += 1;
        let old = self.expression(state, old, called)?;
        let function = state.frame.function;
        if let Some(&region) = self.world.terms.regions(old).first() {
            state.trace.push(Event::ResizeFailed(region), function, state.location);
        }
        Ok(state.failures <= self.limits.failures)
    }

    /// True where all conditions are known to hold.
    fn is_known(&mut self, state: &mut State, conditions: &[Condition], called: &Called) -> Result<bool, Stop> {
        for condition in conditions {
            let (term, truth) = self.condition(state, condition, called)?;
            if state.facts.decide(&mut self.world.terms, term) != Some(truth) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Assumes all conditions; false where they cannot hold.
    fn can_be(&mut self, state: &mut State, conditions: &[Condition], called: &Called) -> Result<bool, Stop> {
        for condition in conditions {
            let (term, truth) = self.condition(state, condition, called)?;
            if self.assume(state, term, truth).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A term of 1 bit, and the truth that it shall have.
    fn condition(&mut self, state: &mut State, condition: &Condition, called: &Called) -> Result<(TermId, bool), Stop> {
        let left = self.expression(state, &condition.left, called)?;
        let right = self.expression(state, &condition.right, called)?;
        let bits = self.world.terms.bits(left).max(self.world.terms.bits(right));
        let left = self.world.terms.resize(left, bits, true);
        let right = self.world.terms.resize(right, bits, true);
        let terms = &mut self.world.terms;
        Ok(match condition.comparison {
            Comparison::Equal => (terms.equal(left, right), true),
            Comparison::NotEqual => (terms.equal(left, right), false),
            Comparison::Less => (terms.less(true, left, right), true),
            Comparison::GreaterOrEqual => (terms.less(true, left, right), false),
            Comparison::Greater => (terms.less(true, right, left), true),
            Comparison::LessOrEqual => (terms.less(true, right, left), false),
        })
    }

    fn outcome(&mut self, state: State, outcome: &Outcome, called: &Called) -> Result<Vec<Exit>, Stop> {
        let mut exits = Vec::new();
        let mut states = vec![state];
        for effect in &outcome.effects {
            let mut next = Vec::with_capacity(states.len());
            for state in states {
                self.effect(state, effect, called, &mut next, &mut exits)?;
            }
            states = next;
        }
        for state in states {
            match outcome.ends {
                Some(End::Exit | End::Abort) => {}
                Some(End::Throw) => {
                    let thrown = self.unknown_exception();
                    exits.extend(self.throw(state, thrown, called.unwind));
                }
                None => self.returned(state, outcome, called, &mut exits)?,
            }
        }
        Ok(exits)
    }

    fn unknown_exception(&mut self) -> Exception {
        let object = self.world.terms.unknown(Type::Pointer);
        let null = self.world.terms.null();
        Exception { object, type_info: self.world.terms.unknown(Type::Pointer), destructor: null, is_rethrown: false }
    }

    fn returned(
        &mut self,
        mut state: State,
        outcome: &Outcome,
        called: &Called,
        exits: &mut Vec<Exit>,
    ) -> Result<(), Stop> {
        if called.result == Type::Void {
            exits.push(Exit::Return(state, None));
            return Ok(());
        }
        match &outcome.returns {
            None | Some(Expression::Any) => {
                let value = self.world.unknown_value(called.result);
                exits.push(Exit::Return(state, Some(value)));
            }
            Some(Expression::Call(function, arguments)) => {
                for exit in self.called_back(state, function, arguments, called)? {
                    exits.push(exit);
                }
            }
            Some(Expression::Range(low, high)) => {
                let term = self.world.terms.unknown(called.result);
                if self.world.limit(&mut state, term, *low, *high).is_ok() {
                    exits.push(Exit::Return(state, Some(Value::Term(term))));
                }
            }
            Some(expression) => {
                let term = self.expression(&mut state, expression, called)?;
                let term = self.world.terms.resize(term, bits_of(called.result).min(64), true);
                exits.push(Exit::Return(state, Some(Value::Term(term))));
            }
        }
        Ok(())
    }

    fn called_back(
        &mut self,
        mut state: State,
        function: &Expression,
        arguments: &[Expression],
        called: &Called,
    ) -> Result<Vec<Exit>, Stop> {
        let address = self.expression(&mut state, function, called)?;
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(Value::Term(self.expression(&mut state, argument, called)?));
        }
        let is_null = self.world.terms.is_zero(address);
        if is_null {
            return Ok(vec![Exit::Return(state, None)]);
        }
        self.call_address(state, address, values, called.result)
    }

    fn effect(
        &mut self,
        mut state: State,
        effect: &Effect,
        called: &Called,
        next: &mut Vec<State>,
        exits: &mut Vec<Exit>,
    ) -> Result<(), Stop> {
        match effect {
            Effect::Store { value: value @ Expression::Call(..), .. }
            | Effect::Keep { value: value @ Expression::Call(..), .. } => {
                return self.effect_of_call(state, effect, value, called, (next, exits));
            }
            Effect::Store { address, value } => self.store_effect(&mut state, address, value, called)?,
            Effect::Release { value, family } => {
                let value = self.expression(&mut state, value, called)?;
                if self.release(&mut state, value, family).is_err() {
                    return Ok(());
                }
            }
            Effect::Keep { value, holder } => self.keep(&mut state, value, holder.as_ref(), called)?,
            Effect::Write { address, size } => {
                for address in self.addresses(&mut state, address, called)? {
                    self.write_anything(&mut state, address, size.as_ref(), called)?;
                }
            }
            Effect::Zero { address, size } => {
                let place = self.place_of(&mut state, address, called)?;
                let size = self.size_of(&mut state, Some(size), called)?;
                let zero = self.world.terms.int(8, 0);
                self.world.fill(&mut state, place, zero, size)?;
            }
            Effect::Copy { to, from, size } => {
                let (to, from) = (self.place_of(&mut state, to, called)?, self.place_of(&mut state, from, called)?);
                let size = self.size_of(&mut state, size.as_ref(), called)?;
                self.world.copy(&mut state, to, from, size)?;
            }
            Effect::Call(Expression::Call(function, arguments)) => {
                for exit in self.called_back(state, function, arguments, called)? {
                    match exit {
                        Exit::Return(state, _) => next.push(state),
                        other => exits.push(other),
                    }
                }
                return Ok(());
            }
            Effect::Call(_) => {}
        }
        next.push(state);
        Ok(())
    }

    /// An effect with what a function returns.
    fn effect_of_call(
        &mut self,
        state: State,
        effect: &Effect,
        call: &Expression,
        called: &Called,
        (next, exits): (&mut Vec<State>, &mut Vec<Exit>),
    ) -> Result<(), Stop> {
        let Expression::Call(function, arguments) = call else { return Ok(()) };
        for exit in self.called_back(state, function, arguments, called)? {
            let Exit::Return(mut state, value) = exit else {
                exits.push(exit);
                continue;
            };
            if let Some(Value::Term(term)) = value {
                match effect {
                    Effect::Store { address, .. } => {
                        let place = self.place_of(&mut state, address, called)?;
                        self.world.store(&mut state, place, Type::Pointer, &Value::Term(term))?;
                    }
                    Effect::Keep { holder: None, .. } => state.escape(&mut self.world.terms, term),
                    Effect::Keep { holder: Some(holder), .. } => {
                        let place = self.place_of(&mut state, holder, called)?;
                        self.hold(&mut state, place, term);
                    }
                    _ => {}
                }
            }
            next.push(state);
        }
        Ok(())
    }

    fn store_effect(
        &mut self,
        state: &mut State,
        address: &Expression,
        value: &Expression,
        called: &Called,
    ) -> Result<(), Stop> {
        let value = self.expression(state, value, called)?;
        let value = self.world.terms.resize(value, 64, true);
        let place = self.place_of(state, address, called)?;
        let value = Value::Term(value);
        self.name_blocks(state, place, &value);
        self.world.store(state, place, Type::Pointer, &value)
    }

    fn size_of(&mut self, state: &mut State, size: Option<&Expression>, called: &Called) -> Result<Option<u64>, Stop> {
        let Some(size) = size else { return Ok(None) };
        let size = self.expression(state, size, called)?;
        let size = state.facts.normalise(&mut self.world.terms, size);
        Ok(state.facts.interval(&self.world.terms, size).value())
    }

    fn place_of(&mut self, state: &mut State, address: &Expression, called: &Called) -> Result<Place, Stop> {
        let address = self.expression(state, address, called)?;
        self.usable_place(state, address)
    }

    /// One address, or all variadic arguments.
    fn addresses(&mut self, state: &mut State, expression: &Expression, called: &Called) -> Result<Vec<TermId>, Stop> {
        if *expression != Expression::Rest {
            return Ok(vec![self.expression(state, expression, called)?]);
        }
        let rest = called.arguments.iter().skip(called.variadic_from);
        Ok(rest.filter_map(|value| if let Value::Term(term) = value { Some(*term) } else { None }).collect())
    }

    /// Bytes become anything.
    fn write_anything(
        &mut self,
        state: &mut State,
        address: TermId,
        size: Option<&Expression>,
        called: &Called,
    ) -> Result<(), Stop> {
        if self.world.terms.bits(address) != 64 {
            return Ok(());
        }
        let size = self.size_of(state, size, called)?;
        let place = match self.usable_place(state, address)? {
            Place::Null => return Ok(()),
            place => place,
        };
        match (place, size) {
            (Place::At(region, offset), Some(size)) => {
                self.world.erase(state, region, offset, size, Cause::Overwritten);
                let bits = u16::try_from(size.saturating_mul(8)).unwrap_or(u16::MAX);
                if size <= 64 {
                    let value = self.world.terms.unknown(Type::Int(bits));
                    self.world.write(state, region, offset, super::cells::Cell { size, value });
                } else {
                    self.make_unknown(state, region);
                }
            }
            (Place::At(region, offset), None) => {
                self.world.erase(state, region, offset, u64::MAX >> 2, Cause::Overwritten);
                self.make_unknown(state, region);
            }
            (Place::Somewhere(region, _), _) => self.world.blur(state, region),
            (Place::Null | Place::Wild, _) => {}
        }
        Ok(())
    }

    fn make_unknown(&mut self, state: &mut State, region: RegionId) {
        if let Some(content) = state.region_mut(region) {
            content.background = Background::Unknown;
        }
    }

    fn keep(
        &mut self,
        state: &mut State,
        value: &Expression,
        holder: Option<&Expression>,
        called: &Called,
    ) -> Result<(), Stop> {
        let holder = match holder {
            Some(holder) => self.place_of(state, holder, called)?,
            None => Place::Wild,
        };
        for value in self.addresses(state, value, called)? {
            self.hold(state, holder, value);
        }
        Ok(())
    }

    /// A region holds an address, nobody knows where in it.
    fn hold(&mut self, state: &mut State, holder: Place, value: TermId) {
        match holder {
            Place::At(region, _) | Place::Somewhere(region, _) => {
                let mut held = Vec::new();
                state.regions_in(&mut self.world.terms, value, &mut held);
                if let Some(content) = state.region_mut(region) {
                    content.held.extend(held);
                }
            }
            Place::Null | Place::Wild => state.escape(&mut self.world.terms, value),
        }
    }

    /// The value of an expression.
    fn expression(&mut self, state: &mut State, expression: &Expression, called: &Called) -> Result<TermId, Stop> {
        Ok(match expression {
            Expression::Argument(index) => match called.arguments.get(*index) {
                Some(Value::Term(term)) => state.facts.normalise(&mut self.world.terms, *term),
                _ => self.world.terms.unknown(Type::Pointer),
            },
            Expression::Int(value) => self.world.terms.int64(*value),
            Expression::Any | Expression::Rest | Expression::Call(..) => self.world.terms.unknown(Type::Pointer),
            Expression::NonNull => {
                let term = self.world.terms.unknown(Type::Pointer);
                let null = self.world.terms.null();
                let is_null = self.world.terms.equal(term, null);
                state.facts.assume(&mut self.world.terms, is_null, false)?;
                term
            }
            Expression::Range(low, high) => {
                let term = self.world.terms.unknown(Type::Int(64));
                self.world.limit(state, term, *low, *high)?;
                term
            }
            Expression::Content(address) => {
                let place = self.place_of(state, address, called)?;
                match self.world.load(state, place, Type::Pointer)? {
                    Value::Term(term) => state.facts.normalise(&mut self.world.terms, term),
                    Value::Bytes(_) => self.world.terms.unknown(Type::Pointer),
                }
            }
            Expression::Sum(left, right) => {
                let (left, right) = (self.wide(state, left, called)?, self.wide(state, right, called)?);
                self.world.terms.add(left, right)
            }
            Expression::Product(left, right) => {
                let (left, right) = (self.wide(state, left, called)?, self.wide(state, right, called)?);
                self.world.terms.binary(Operation::Multiply, left, right)
            }
            Expression::Inside(inner) => {
                let inner = self.expression(state, inner, called)?;
                let offset = self.world.terms.unknown(Type::Int(64));
                self.world.limit(state, offset, 0, i64::from(u32::MAX))?;
                self.world.terms.add(inner, offset)
            }
            Expression::New(block) => self.new_block(state, block, called)?,
            Expression::Resize(old, block) => {
                let old = self.expression(state, old, called)?;
                self.resize_block(state, old, block, called)?
            }
        })
    }

    fn wide(&mut self, state: &mut State, expression: &Expression, called: &Called) -> Result<TermId, Stop> {
        let term = self.expression(state, expression, called)?;
        Ok(self.world.terms.resize(term, 64, false))
    }

    /// Allocates.
    fn new_block(&mut self, state: &mut State, block: &NewBlock, called: &Called) -> Result<TermId, Stop> {
        let size = match &block.size {
            Some(size) => Some(self.wide(state, size, called)?),
            None => None,
        };
        let allocator = called.function.map_or_else(|| block.family.clone(), |id| self.function(id).name.clone());
        let kind = RegionKind::Block(Arc::new(Block { allocator, family: block.family.clone(), site: state.site() }));
        let background = if block.is_zero { Background::Zero } else { Background::Undefined };
        let region = self.world.new_region(state, Region::new(kind, size, background));
        let address = self.world.terms.region(region);
        if block.or_null {
            state.facts.make_nullable(address);
        }
        let function = state.frame.function;
        state.trace.push(Event::Allocated(region), function, state.location);
        state.latest = Some(region);
        Ok(address)
    }

    /// Allocates with the content of an old block, which is given back.
    fn resize_block(
        &mut self,
        state: &mut State,
        old: TermId,
        block: &NewBlock,
        called: &Called,
    ) -> Result<TermId, Stop> {
        let null = self.world.terms.null();
        let is_null = self.world.terms.equal(old, null);
        let is_new = state.facts.decide(&mut self.world.terms, is_null) == Some(true);
        let place = if is_new { Place::Null } else { self.usable_place(state, old)? };
        let address = self.new_block(state, block, called)?;
        let Place::At(from, _) = place else { return Ok(address) };
        let Some(source) = state.region(from).cloned() else { return Ok(address) };
        if let Some(&[target]) = Some(self.world.terms.regions(address))
            && let Some(content) = state.region_mut(target)
        {
            content.cells = source.cells;
            content.scattered = source.scattered;
            content.background = source.background;
            content.held = source.held;
            content.is_escaped = source.is_escaped;
            content.name = source.name;
        }
        if let Some(old) = state.region_mut(from)
            && matches!(old.kind, RegionKind::Block(_) | RegionKind::Behind(_))
        {
            old.status = Status::Released;
            old.cells.clear();
            old.scattered.clear();
            old.held.clear();
            state.released.push(from);
        }
        Ok(address)
    }
}
