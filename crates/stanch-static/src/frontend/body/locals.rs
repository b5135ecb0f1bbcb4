//! Names of a function's values, and how instructions get into blocks.

use std::collections::HashMap;

use super::Body;
use crate::frontend::labels::number;
use crate::ir::{CastOp, Instruction, LocationId, Op, Operand, Type, Value, ValueId};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Local {
    /// It was not met yet.
    Unknown,
    /// It was used before it is defined.
    Expected(ValueId),
    /// It is defined.
    Bound(Operand, Type),
}

/// All names. Numbers below the limit are looked up fast.
pub(super) struct Locals<'a> {
    numbered: Vec<Local>,
    number_limit: usize,
    named: HashMap<&'a [u8], Local>,
}

impl<'a> Locals<'a> {
    /// No name yet. Numbers from `number_limit` on are kept as names, so that memory is bounded.
    pub(super) fn new(number_limit: usize) -> Self {
        Locals { numbered: Vec::new(), number_limit, named: HashMap::new() }
    }

    /// What a name stands for.
    pub(super) fn get(&self, name: &[u8]) -> Local {
        match number(name).filter(|number| *number < self.number_limit) {
            Some(number) => self.numbered.get(number).copied().unwrap_or(Local::Unknown),
            None => self.named.get(name).copied().unwrap_or(Local::Unknown),
        }
    }

    /// Says what a name stands for.
    pub(super) fn set(&mut self, name: &'a [u8], local: Local) {
        match number(name).filter(|number| *number < self.number_limit) {
            Some(number) => self.set_number(number, local),
            None => drop(self.named.insert(name, local)),
        }
    }

    /// The same for a name that is a number.
    pub(super) fn set_number(&mut self, number: usize, local: Local) {
        if self.numbered.len() <= number {
            self.numbered.resize(number + 1, Local::Unknown);
        }
        self.numbered[number] = local;
    }
}

impl<'a> Body<'_, 'a> {
    /// The operand that a name stands for, as a value of a type.
    pub(super) fn use_local(&mut self, name: &'a [u8], ty: Type) -> Operand {
        let (operand, found) = match self.locals.get(name) {
            Local::Unknown => {
                let value = self.new_value(ty);
                self.locals.set(name, Local::Expected(value));
                return Operand::Value(value);
            }
            Local::Expected(value) => (Operand::Value(value), self.function.values[value.index()].ty),
            Local::Bound(operand, ty) => (operand, ty),
        };
        // Types differ in broken text only.
        if found == ty || !matches!(operand, Operand::Value(_)) { operand } else { self.as_type(operand, found, ty) }
    }

    /// The operand that a name stands for where nothing can be put before its use, as in a phi.
    pub(super) fn use_local_in_place(&mut self, name: &'a [u8], ty: Type) -> Operand {
        let before = self.instructions.len();
        let operand = self.use_local(name, ty);
        if before == self.instructions.len() {
            return operand;
        }
        self.instructions.truncate(before);
        Operand::Unknown
    }

    /// The operand as a value of a type.
    pub(super) fn coerced(&mut self, operand: Operand, ty: Type) -> Operand {
        match operand {
            Operand::Value(value) if self.function.values[value.index()].ty != ty => {
                self.as_type(operand, self.function.values[value.index()].ty, ty)
            }
            _ => operand,
        }
    }

    fn as_type(&mut self, operand: Operand, from: Type, to: Type) -> Operand {
        let is_bits = |ty| matches!(ty, Type::Int(_) | Type::Pointer);
        if is_bits(from) && is_bits(to) {
            return self.emit(to, Op::Cast { op: CastOp::Bits, from, to, value: operand });
        }
        self.emit(to, Op::Computed { ty: to, operands: vec![operand] })
    }

    /// Says that a name stands for an operand that exists already.
    pub(super) fn bind(&mut self, name: Option<&'a [u8]>, operand: Operand, ty: Type) {
        let Some(name) = name else { return };
        if let Local::Expected(expected) = self.locals.get(name) {
            // Others use the value that was promised.
            let to = self.function.values[expected.index()].ty;
            self.push(Some(expected), same(operand, ty, to));
        }
        self.locals.set(name, Local::Bound(operand, ty));
    }

    /// Adds an instruction whose result a name stands for.
    pub(super) fn define(&mut self, name: Option<&'a [u8]>, ty: Type, op: Op) -> Option<ValueId> {
        if ty == Type::Void {
            self.push(None, op);
            return None;
        }
        let expected = name.map(|name| self.locals.get(name));
        if let Some(Local::Expected(value)) = expected
            && self.function.values[value.index()].ty == ty
        {
            self.push(Some(value), op);
            self.bind_again(name, value, ty);
            return Some(value);
        }
        let value = self.new_value(ty);
        self.push(Some(value), op);
        self.bind(name, Operand::Value(value), ty);
        Some(value)
    }

    /// The value that a terminator defines for a name.
    pub(super) fn define_later(&mut self, name: Option<&'a [u8]>, ty: Type) -> Option<ValueId> {
        if ty == Type::Void {
            return None;
        }
        if let Some(Local::Expected(value)) = name.map(|name| self.locals.get(name))
            && self.function.values[value.index()].ty == ty
        {
            self.bind_again(name, value, ty);
            return Some(value);
        }
        let value = self.new_value(ty);
        self.bind_again(name, value, ty);
        Some(value)
    }

    fn bind_again(&mut self, name: Option<&'a [u8]>, value: ValueId, ty: Type) {
        if let Some(name) = name {
            self.locals.set(name, Local::Bound(Operand::Value(value), ty));
        }
    }

    /// Adds an instruction; the operand is its result.
    pub(super) fn emit(&mut self, ty: Type, op: Op) -> Operand {
        let value = self.new_value(ty);
        self.push(Some(value), op);
        Operand::Value(value)
    }

    /// Adds an instruction without result.
    pub(super) fn effect(&mut self, op: Op) {
        self.push(None, op);
    }

    fn push(&mut self, result: Option<ValueId>, op: Op) {
        self.instructions.push(Instruction { result, op, location: LocationId(0) });
    }

    fn new_value(&mut self, ty: Type) -> ValueId {
        let value = ValueId(u32::try_from(self.function.values.len()).unwrap_or(u32::MAX));
        self.function.values.push(Value { ty });
        value
    }
}

/// An operation whose result is its operand.
fn same(operand: Operand, from: Type, to: Type) -> Op {
    let is_bits = |ty| matches!(ty, Type::Int(_) | Type::Pointer);
    if from == to || (is_bits(from) && is_bits(to)) {
        return Op::Cast { op: CastOp::Bits, from, to, value: operand };
    }
    Op::Computed { ty: to, operands: vec![operand] }
}
