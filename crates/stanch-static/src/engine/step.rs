//! Instructions that are no calls.
use super::cells::{Cell, Cells};
use super::memory::Place;
use super::region::{Background, Region, RegionKind};
use super::run::Engine;
use super::state::{State, Stop, Value};
use super::term::{Operation, POINTER_BITS, RegionId, Term, TermId, bits_of, mask_of};
use crate::ir::{BinaryOp, CastOp, Instruction, Op, Operand, Predicate, Scaled, Type};
use std::rc::Rc;
use std::sync::Arc;

impl Engine<'_> {
    /// The value of an operand.
    pub(super) fn operand(&mut self, state: &mut State, operand: &Operand, ty: Type) -> Value {
        let term = match operand {
            Operand::Value(id) => {
                if let Some((_, value)) = state.frame.values.iter().find(|(known, _)| known == id) {
                    return value.clone();
                }
                match state.frame.slots.iter().rev().find(|(known, _)| known == id) {
                    Some((_, address)) => *address,
                    None => return self.world.undefined_value(ty),
                }
            }
            Operand::Int(value) => self.wide_int(*value, bits_of(ty)),
            Operand::Float(bits) => {
                let value = f64::from_bits(bits.0);
                match ty {
                    Type::Float(32) => self.world.terms.int(32, to_single(value).to_bits().into()),
                    Type::Float(64) => self.world.terms.int(64, value.to_bits()),
                    _ => {
                        let bits_term = self.world.terms.int(64, value.to_bits());
                        self.world.terms.apply("float", bits_of(ty), &[bits_term])
                    }
                }
            }
            Operand::Zero => match ty {
                Type::Bytes(size) => {
                    let value = self.world.terms.int(8, 0);
                    return Value::Bytes(Rc::new(Cells::of(0, Cell { size, value })));
                }
                _ => self.world.terms.zeros(bits_of(ty)),
            },
            Operand::Address(symbol, addend) => self.world.symbol_address(*symbol, *addend),
            Operand::Block(block) => self.world.terms.intern(Term::Label(state.frame.function, *block)),
            Operand::Undefined => return self.world.undefined_value(ty),
            Operand::Unknown => return self.world.unknown_value(ty),
        };
        Value::Term(term)
    }

    fn wide_int(&mut self, value: u128, bits: u16) -> TermId {
        let low = u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0);
        if bits <= 64 {
            return self.world.terms.int(bits, low);
        }
        let low = self.world.terms.int(64, low);
        let high = u64::try_from(value >> 64).unwrap_or(0);
        let high = self.world.terms.int((bits - 64).min(64), high);
        let mut parts = vec![low, high];
        if bits > 128 {
            parts.push(self.world.terms.zeros(bits - 128));
        }
        self.world.terms.concat(&parts)
    }

    /// Executes an instruction. Nothing is changed where it stops.
    ///
    /// # Errors
    /// Where it needs a split, or the path ends.
    pub(super) fn execute(&mut self, state: &mut State, instruction: &Instruction) -> Result<Option<Value>, Stop> {
        let value = match &instruction.op {
            Op::StackSlot { .. } => return self.stack_slot(state, instruction).map(Some),
            Op::Load { ty, address } => {
                let place = self.used_place(state, address)?;
                self.world.load(state, place, *ty)?
            }
            Op::Store { ty, address, value } => {
                let value = self.operand(state, value, *ty);
                let place = self.used_place(state, address)?;
                self.name_blocks(state, place, &value);
                self.world.store(state, place, *ty, &value)?;
                return Ok(None);
            }
            Op::Address { base, offset, scaled } => Value::Term(self.address(state, base, *offset, scaled)),
            Op::Binary { op, ty, left, right } => Value::Term(self.binary(state, *op, *ty, left, right)),
            Op::Compare { predicate, ty, left, right } => {
                Value::Term(self.compare(state, *predicate, *ty, left, right))
            }
            Op::Cast { op, from, to, value } => self.cast(state, *op, *from, *to, value),
            Op::Select { condition, ty, then, otherwise } => {
                let condition = self.operand_term(state, condition, Type::Int(1));
                let chosen = if state.decide(&mut self.world.terms, condition)? { then } else { otherwise };
                self.operand(state, chosen, *ty)
            }
            Op::Insert { aggregate_ty, aggregate, ty, value, offset } => {
                let aggregate = self.operand(state, aggregate, *aggregate_ty);
                let value = self.operand(state, value, *ty);
                self.insert(aggregate, &value, *ty, offset.cast_signed())
            }
            Op::Extract { aggregate_ty, aggregate, ty, offset } => {
                let aggregate = self.operand(state, aggregate, *aggregate_ty);
                self.extract(state, &aggregate, *ty, offset.cast_signed())?
            }
            Op::VariadicStart { list } => {
                self.variadic_start(state, list)?;
                return Ok(None);
            }
            Op::LandingPad { clauses, .. } => self.landing_pad(state, clauses),
            Op::ExceptionTypeId { type_info } => Value::Term(self.type_id(state, type_info)),
            Op::Assume { condition } => {
                let condition = self.operand_term(state, condition, Type::Int(1));
                self.assume(state, condition, true)?;
                return Ok(None);
            }
            Op::Copy { .. } | Op::Fill { .. } => {
                self.bulk(state, &instruction.op)?;
                return Ok(None);
            }
            Op::Computed { .. } | Op::VariadicArgument { .. } | Op::NotUnderstood { .. } => {
                return Ok(self.opaque(state, instruction));
            }
            Op::Lifetime { .. } => return Ok(None),
            Op::Phi { ty, .. } => self.world.undefined_value(*ty),
            Op::Call(_) => return Ok(None),
        };
        Ok(Some(value))
    }

    /// Many bytes at once.
    fn bulk(&mut self, state: &mut State, op: &Op) -> Result<(), Stop> {
        match op {
            Op::Copy { to, from, size } => {
                let (size, from) = (self.known_size(state, size), self.used_place(state, from)?);
                let to = self.used_place(state, to)?;
                self.world.copy(state, to, from, size)
            }
            Op::Fill { to, byte, size } => {
                let (size, byte) = (self.known_size(state, size), self.operand_term(state, byte, Type::Int(8)));
                let to = self.used_place(state, to)?;
                self.world.fill(state, to, byte, size)
            }
            _ => Ok(()),
        }
    }

    /// Instructions whose result is not modelled.
    fn opaque(&mut self, state: &mut State, instruction: &Instruction) -> Option<Value> {
        let (ty, operands) = match &instruction.op {
            Op::Computed { ty: ty @ Type::Bytes(_), .. } => return Some(self.world.unknown_value(*ty)),
            Op::Computed { ty, operands } => {
                // The same instruction makes the same of the same operands.
                let name = format!("{:?} {:?}", state.frame.function, instruction.result);
                let operands: Vec<TermId> =
                    operands.iter().map(|operand| self.operand_term(state, operand, Type::Int(64))).collect();
                return Some(Value::Term(self.world.terms.apply(&name, bits_of(*ty), &operands)));
            }
            Op::VariadicArgument { list, ty } => (*ty, std::slice::from_ref(list)),
            Op::NotUnderstood { ty, operands, .. } => (*ty, operands.as_slice()),
            _ => return None,
        };
        self.lose_track(state, operands);
        (ty != Type::Void).then(|| self.world.unknown_value(ty))
    }

    /// What the operands reach may be kept and written by anybody.
    fn lose_track(&mut self, state: &mut State, operands: &[Operand]) {
        for operand in operands {
            let term = self.operand_term(state, operand, Type::Pointer);
            state.escape(&mut self.world.terms, term);
        }
    }

    fn stack_slot(&mut self, state: &mut State, instruction: &Instruction) -> Result<Value, Stop> {
        let Op::StackSlot { size, count, .. } = &instruction.op else { return Err(Stop::Dead) };
        let count = self.operand_term(state, count, Type::Int(64));
        let count = self.world.terms.resize(count, 64, false);
        let size = self.world.terms.linear(&[(count, *size)], 0, 64);
        let activation = state.frame.activation;
        let region = Region::new(RegionKind::Slot { activation }, Some(size), Background::Undefined);
        let id = self.world.new_region(state, region);
        let is_again =
            instruction.result.is_some_and(|result| state.frame.slots.iter().any(|(known, _)| *known == result));
        if is_again {
            // An array of variable length in a loop: the old one stays until the function ends.
            let old = state.frame.slots.iter().find(|(known, _)| Some(*known) == instruction.result);
            let old = old.and_then(|(_, address)| self.world.terms.regions(*address).first().copied());
            state.extra_slots.extend(old.map(|old| (activation, old)));
        }
        Ok(Value::Term(self.world.terms.region(id)))
    }

    /// Where an address points; a use of released memory is said.
    fn used_place(&mut self, state: &mut State, address: &Operand) -> Result<Place, Stop> {
        let address = self.operand_term(state, address, Type::Pointer);
        self.usable_place(state, address)
    }

    /// Where an address points; a use of released memory is said, and ends the path.
    pub(super) fn usable_place(&mut self, state: &mut State, address: TermId) -> Result<Place, Stop> {
        let place = self.world.place(state, address)?;
        if self.world.is_usable(state, place) {
            return Ok(place);
        }
        if let Place::At(region, _) | Place::Somewhere(region, _) = place {
            self.report_misuse(state, region, super::issue::IssueKind::UsedAfterRelease);
        }
        Err(Stop::Dead)
    }

    /// A block takes the name of the variable that its address is stored in.
    pub(super) fn name_blocks(&mut self, state: &mut State, place: Place, value: &Value) {
        let (Place::At(slot, offset), Value::Term(term)) = (place, value) else { return };
        let held = self.world.terms.regions(*term).to_vec();
        for block in held {
            let is_block = state.region(block).is_some_and(|region| region.block().is_some());
            if is_block
                && let Some(name) = self.variable_name(state, slot, offset)
                && let Some(content) = state.region_mut(block)
            {
                content.name = Some(name);
            }
        }
    }

    /// The variable that a region is: a local of any activation, or a global.
    pub(super) fn variable_name(&self, state: &State, region: RegionId, offset: i64) -> Option<Arc<str>> {
        if offset != 0 {
            return None;
        }
        match state.region(region)?.kind {
            RegionKind::Global(global) => Some(Arc::from(self.program.global(global).name.as_str())),
            RegionKind::Slot { activation } => {
                let mut frame = Some(&state.frame);
                while let Some(current) = frame {
                    if current.activation == activation {
                        return self.slot_name(current, region);
                    }
                    frame = current.parent.as_ref();
                }
                None
            }
            _ => None,
        }
    }

    fn slot_name(&self, frame: &super::state::Frame, region: RegionId) -> Option<Arc<str>> {
        let is_it = |address: TermId| matches!(self.world.terms.get(address), Term::Region(known) if *known == region);
        let (value, _) = frame.slots.iter().find(|(_, address)| is_it(*address))?;
        let function = self.program.function(frame.function);
        let instructions = function.blocks.iter().flat_map(|block| &block.instructions);
        let slot = instructions.into_iter().find(|instruction| instruction.result == Some(*value))?;
        let Op::StackSlot { variable: Some(variable), .. } = slot.op else { return None };
        Some(Arc::from(function.variables[variable.index()].name.as_str()))
    }

    fn address(&mut self, state: &mut State, base: &Operand, offset: i64, scaled: &[Scaled]) -> TermId {
        let base = self.operand_term(state, base, Type::Pointer);
        let mut parts = vec![(base, 1)];
        for one in scaled {
            let index = self.operand_term(state, &one.index, one.ty);
            let index = state.facts.normalise(&mut self.world.terms, index);
            let index = self.world.terms.resize(index, POINTER_BITS, true);
            parts.push((index, one.scale.cast_unsigned()));
        }
        self.world.terms.linear(&parts, offset.cast_unsigned(), POINTER_BITS)
    }

    /// A size in bytes, where it is known on this path.
    pub(super) fn known_size(&mut self, state: &mut State, size: &Operand) -> Option<u64> {
        let size = self.operand_term(state, size, Type::Int(64));
        let size = state.facts.normalise(&mut self.world.terms, size);
        state.facts.interval(&self.world.terms, size).value()
    }

    fn binary(&mut self, state: &mut State, op: BinaryOp, ty: Type, left: &Operand, right: &Operand) -> TermId {
        let left = self.operand_term(state, left, ty);
        let right = self.operand_term(state, right, ty);
        let left = state.facts.normalise(&mut self.world.terms, left);
        let right = state.facts.normalise(&mut self.world.terms, right);
        let terms = &mut self.world.terms;
        let wide = terms.bits(left) > 64;
        let operation = match op {
            BinaryOp::Add if !wide => return terms.add(left, right),
            BinaryOp::Sub if !wide => return terms.subtract(left, right),
            BinaryOp::Mul => Operation::Multiply,
            BinaryOp::UDiv => Operation::UnsignedDivide,
            BinaryOp::SDiv => Operation::SignedDivide,
            BinaryOp::URem => Operation::UnsignedRemainder,
            BinaryOp::SRem => Operation::SignedRemainder,
            BinaryOp::Shl => Operation::ShiftLeft,
            BinaryOp::LShr => Operation::ShiftRight,
            BinaryOp::AShr => Operation::ShiftRightSigned,
            BinaryOp::And => Operation::And,
            BinaryOp::Or => Operation::Or,
            BinaryOp::Xor => Operation::Xor,
            _ => return self.float_binary(op, ty, left, right),
        };
        if wide {
            let folded = match (op, terms.wide_int(left), terms.wide_int(right)) {
                (BinaryOp::Add, Some(a), Some(b)) => a.checked_add(b),
                (BinaryOp::Sub, Some(a), Some(b)) => a.checked_sub(b),
                (BinaryOp::Mul, Some(a), Some(b)) => a.checked_mul(b),
                _ => None,
            };
            if let Some(value) = folded {
                return self.wide_int(value, bits_of(ty));
            }
            return terms.apply(&format!("{op:?}"), bits_of(ty), &[left, right]);
        }
        terms.binary(operation, left, right)
    }

    fn float_binary(&mut self, op: BinaryOp, ty: Type, left: TermId, right: TermId) -> TermId {
        let folded = match (self.as_float(ty, left), self.as_float(ty, right)) {
            (Some(a), Some(b)) => match op {
                BinaryOp::FAdd => Some(a + b),
                BinaryOp::FSub => Some(a - b),
                BinaryOp::FMul => Some(a * b),
                BinaryOp::FDiv => Some(a / b),
                BinaryOp::FRem => Some(a % b),
                _ => None,
            },
            _ => None,
        };
        match folded {
            Some(value) => self.float(ty, value),
            None => self.world.terms.apply(&format!("{op:?}"), bits_of(ty), &[left, right]),
        }
    }

    fn as_float(&self, ty: Type, term: TermId) -> Option<f64> {
        let bits = self.world.terms.as_int(term)?;
        match ty {
            Type::Float(64) => Some(f64::from_bits(bits)),
            Type::Float(32) => Some(f32::from_bits(u32::try_from(bits).ok()?).into()),
            _ => None,
        }
    }

    fn float(&mut self, ty: Type, value: f64) -> TermId {
        let bits = if ty == Type::Float(32) { to_single(value).to_bits().into() } else { value.to_bits() };
        self.world.terms.int(bits_of(ty), bits)
    }

    fn compare(
        &mut self,
        state: &mut State,
        predicate: Predicate,
        ty: Type,
        left: &Operand,
        right: &Operand,
    ) -> TermId {
        let left = self.operand_term(state, left, ty);
        let right = self.operand_term(state, right, ty);
        let left = state.facts.normalise(&mut self.world.terms, left);
        let right = state.facts.normalise(&mut self.world.terms, right);
        let terms = &mut self.world.terms;
        let (condition, is_negated) = match predicate {
            Predicate::Eq => (terms.equal(left, right), false),
            Predicate::Ne => (terms.equal(left, right), true),
            Predicate::ULt => (terms.less(false, left, right), false),
            Predicate::UGe => (terms.less(false, left, right), true),
            Predicate::UGt => (terms.less(false, right, left), false),
            Predicate::ULe => (terms.less(false, right, left), true),
            Predicate::SLt => (terms.less(true, left, right), false),
            Predicate::SGe => (terms.less(true, left, right), true),
            Predicate::SGt => (terms.less(true, right, left), false),
            Predicate::SLe => (terms.less(true, right, left), true),
            _ => return self.float_compare(predicate, ty, left, right),
        };
        if is_negated { terms.not(condition) } else { condition }
    }

    fn float_compare(&mut self, predicate: Predicate, ty: Type, left: TermId, right: TermId) -> TermId {
        if let (Some(a), Some(b)) = (self.as_float(ty, left), self.as_float(ty, right)) {
            return self.world.terms.truth(holds(predicate, a, b));
        }
        match predicate {
            Predicate::FTrue => self.world.terms.truth(true),
            Predicate::FFalse => self.world.terms.truth(false),
            _ => {
                // Of a comparison and its opposite one holds; NaN aside, so do "ordered" and "unordered" agree.
                let (name, is_swapped, is_negated) = canonical(predicate);
                let operands = if is_swapped { [right, left] } else { [left, right] };
                let term = self.world.terms.apply(name, 1, &operands);
                if is_negated { self.world.terms.not(term) } else { term }
            }
        }
    }

    fn cast(&mut self, state: &mut State, op: CastOp, from: Type, to: Type, value: &Operand) -> Value {
        let value = self.operand(state, value, from);
        let term = match value {
            Value::Term(term) if !matches!(to, Type::Bytes(_)) => term,
            Value::Term(term) => {
                let cell = Cell { size: to.size(), value: term };
                return Value::Bytes(Rc::new(Cells::of(0, cell)));
            }
            Value::Bytes(_) if matches!(to, Type::Bytes(_)) => return value,
            Value::Bytes(_) => {
                return self.extract(state, &value, to, 0).unwrap_or_else(|_| self.world.unknown_value(to));
            }
        };
        let bits = bits_of(to);
        let terms = &mut self.world.terms;
        let result = match op {
            CastOp::Truncate => terms.extract(term, 0, bits),
            CastOp::SignExtend => terms.resize(term, bits, true),
            CastOp::ZeroExtend | CastOp::Bits => terms.resize(term, bits, false),
            CastOp::Float
            | CastOp::SignedToFloat
            | CastOp::UnsignedToFloat
            | CastOp::FloatToSigned
            | CastOp::FloatToUnsigned => self.numeric_cast(op, from, to, term),
        };
        Value::Term(result)
    }

    fn numeric_cast(&mut self, op: CastOp, from: Type, to: Type, term: TermId) -> TermId {
        let is_plain = |ty: Type| matches!(ty, Type::Float(32 | 64)) || matches!(ty, Type::Int(bits) if bits <= 64);
        let number = if is_plain(from) && is_plain(to) { self.as_number(op, from, term) } else { None };
        match (number, to) {
            (Some(value), Type::Float(_)) => self.float(to, value),
            (Some(value), _) if value.is_finite() && value.abs() < 9e18 => {
                #[expect(clippy::cast_possible_truncation, reason = "the range was tested")]
                let value = value as i64;
                self.world.terms.int(bits_of(to), value.cast_unsigned() & mask_of(bits_of(to)))
            }
            _ => self.world.terms.apply(&format!("{op:?}{from:?}"), bits_of(to), &[term]),
        }
    }

    fn as_number(&self, op: CastOp, from: Type, term: TermId) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "that is what the conversion does")]
        match op {
            CastOp::SignedToFloat => Some(self.world.terms.as_signed(term)? as f64),
            CastOp::UnsignedToFloat => Some(self.world.terms.as_int(term)? as f64),
            _ => self.as_float(from, term),
        }
    }

    /// An aggregate with bytes replaced.
    fn insert(&mut self, aggregate: Value, value: &Value, ty: Type, offset: i64) -> Value {
        let Value::Bytes(mut cells) = aggregate else { return aggregate };
        let size = ty.size();
        let end = offset.saturating_add_unsigned(size);
        let content = Rc::make_mut(&mut cells);
        for (start, cell) in content.overlapping(offset, end) {
            content.remove(start);
            let stop = start.saturating_add_unsigned(cell.size);
            if start < offset {
                let size = offset.abs_diff(start);
                content.insert(start, Cell { size, value: self.world.cut(cell, 0, size) });
            }
            if end < stop {
                let size = stop.abs_diff(end);
                content.insert(end, Cell { size, value: self.world.cut(cell, end.abs_diff(start), size) });
            }
        }
        match value {
            Value::Term(term) => {
                content.insert(offset, Cell { size, value: *term });
            }
            Value::Bytes(inner) => content.extend(inner.iter().map(|(at, cell)| (at + offset, cell))),
        }
        Value::Bytes(cells)
    }

    /// Bytes of an aggregate, by way of memory that nobody else sees.
    fn extract(&mut self, state: &mut State, aggregate: &Value, ty: Type, offset: i64) -> Result<Value, Stop> {
        let Value::Bytes(cells) = aggregate else { return Ok(self.world.unknown_value(ty)) };
        if let Some(cell) = cells.get(offset)
            && cell.size == ty.size()
            && self.world.terms.bits(cell.value) == bits_of(ty)
        {
            return Ok(Value::Term(cell.value));
        }
        let kind = RegionKind::Slot { activation: state.frame.activation };
        let mut region = Region::new(kind, None, Background::Undefined);
        region.cells = (**cells).clone();
        let id = self.world.new_region(state, region);
        let value = self.world.load(state, Place::At(id, offset), ty);
        state.memory.remove(&id);
        value
    }
}

fn to_single(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    let single = value as f32;
    single
}

fn holds(predicate: Predicate, a: f64, b: f64) -> bool {
    let is_unordered = a.is_nan() || b.is_nan();
    match predicate {
        Predicate::FOrd => !is_unordered,
        Predicate::FUno => is_unordered,
        Predicate::FOEq => a == b,
        Predicate::FONe => !is_unordered && a != b,
        Predicate::FOLt => a < b,
        Predicate::FOLe => a <= b,
        Predicate::FOGt => a > b,
        Predicate::FOGe => a >= b,
        Predicate::FUEq => is_unordered || a == b,
        Predicate::FUNe => is_unordered || a != b,
        Predicate::FULt => is_unordered || a < b,
        Predicate::FULe => is_unordered || a <= b,
        Predicate::FUGt => is_unordered || a > b,
        Predicate::FUGe => is_unordered || a >= b,
        Predicate::FTrue => true,
        _ => false,
    }
}

/// Name, whether operands are swapped, whether the result is negated.
fn canonical(predicate: Predicate) -> (&'static str, bool, bool) {
    match predicate {
        Predicate::FOEq | Predicate::FUEq => ("float ==", false, false),
        Predicate::FONe | Predicate::FUNe => ("float ==", false, true),
        Predicate::FOLt | Predicate::FULt => ("float <", false, false),
        Predicate::FOGe | Predicate::FUGe => ("float <", false, true),
        Predicate::FOGt | Predicate::FUGt => ("float <", true, false),
        Predicate::FOLe | Predicate::FULe => ("float <", true, true),
        Predicate::FUno => ("float nan", false, false),
        _ => ("float nan", false, true),
    }
}
