//! Constants to operands, as far as that needs no instructions.

use super::context::Context;
use super::types::{Type, TypeId};
use super::value::{Expression, Typed, Value, truncated};
use crate::ir::{self, BlockId, FloatBits, Operand};

/// The function whose code is lowered, with its labels: addresses of its blocks are operands.
#[derive(Clone, Copy)]
pub(super) struct Labels<'c, 'a> {
    /// The function's name as it is written.
    pub(super) function: &'a [u8],
    /// Its blocks by label.
    pub(super) blocks: &'c super::labels::Blocks<'a>,
}

impl<'a> Context<'a> {
    /// The operand of a constant; absent where instructions must compute it, as for values of the function.
    pub(super) fn fold(&self, value: &Value<'a>, ty: TypeId, labels: Option<Labels<'_, 'a>>) -> Option<Operand> {
        match value {
            Value::Local(_) | Value::Bytes(_) | Value::Elements(_) | Value::Splat(_) => None,
            Value::Global(name) => Some(match self.symbols.get(name) {
                Some((symbol, offset)) => Operand::Address(*symbol, *offset),
                None => Operand::Unknown,
            }),
            Value::Integer(value) => Some(Operand::Int(*value)),
            Value::Float(value) => Some(Operand::Float(FloatBits(value.to_bits()))),
            Value::Zero => Some(match self.lower_type(ty) {
                ir::Type::Int(_) => Operand::Int(0),
                ir::Type::Float(_) => Operand::Float(FloatBits(0)),
                _ => Operand::Zero,
            }),
            Value::Undefined => Some(Operand::Undefined),
            Value::BlockAddress { function, label } => Some(block(labels, function, label)),
            Value::Expression(expression) => {
                let operand = self.fold_expression(expression, labels)?;
                // The type that is wanted and the expression's own differ in broken text only.
                Some(match (operand, self.lower_type(ty)) {
                    (Operand::Int(value), ir::Type::Int(bits)) => Operand::Int(truncated(value, u32::from(bits))),
                    _ => operand,
                })
            }
            Value::Unknown => Some(Operand::Unknown),
        }
    }

    /// Bytes that an address computation adds, where its indices are constants.
    pub(super) fn constant_offset(&self, element: TypeId, indices: &[Typed<'a>]) -> Option<i64> {
        let mut offset = 0_i64;
        let mut ty = element;
        for (position, index) in indices.iter().enumerate() {
            let index = match self.fold(&index.value, index.ty, None)? {
                Operand::Int(value) => signed(value, self.integer_bits(index.ty)?),
                Operand::Zero => 0,
                _ => return None,
            };
            let step = if position == 0 {
                i64::try_from(self.extent(element)?.bytes).ok()?.checked_mul(index)?
            } else {
                let (step, next) = self.step(ty, index)?;
                ty = next;
                step
            };
            offset = offset.checked_add(step)?;
        }
        Some(offset)
    }

    /// Bytes from the start of a type to its part of a constant index, and the part's type.
    pub(super) fn step(&self, ty: TypeId, index: i64) -> Option<(i64, TypeId)> {
        match self.types.resolve(ty) {
            Type::Struct { .. } => {
                let (offset, field) = self.layouts.field(&self.types, ty, u64::try_from(index).ok()?)?;
                Some((i64::try_from(offset).ok()?, field))
            }
            Type::Array(_, element) | Type::Vector(_, element) => {
                let bytes = i64::try_from(self.layouts.field(&self.types, ty, 1)?.0).ok()?;
                Some((bytes.checked_mul(index)?, *element))
            }
            _ => None,
        }
    }

    /// Bits of an integer type.
    pub(super) fn integer_bits(&self, ty: TypeId) -> Option<u32> {
        match self.types.resolve(ty) {
            Type::Integer(bits) => Some(*bits),
            _ => None,
        }
    }

    fn fold_expression(&self, expression: &Expression<'a>, labels: Option<Labels<'_, 'a>>) -> Option<Operand> {
        let fold = |typed: &Typed<'a>| self.fold(&typed.value, typed.ty, labels);
        match expression {
            Expression::Address { element, base, indices } => {
                add(fold(base)?, self.constant_offset(*element, indices)?)
            }
            Expression::Cast { op, value, to } => self.fold_cast(op, fold(value)?, value.ty, *to),
            Expression::Binary { op, left, right } => {
                fold_binary(op, fold(left)?, fold(right)?, self.integer_bits(left.ty)?)
            }
            Expression::Compare { predicate, left, right } => {
                let (Operand::Int(left_value), Operand::Int(right_value)) = (fold(left)?, fold(right)?) else {
                    return None;
                };
                let bits = self.integer_bits(left.ty)?;
                compare(predicate, left_value, right_value, bits).map(|holds| Operand::Int(u128::from(holds)))
            }
            Expression::Select { condition, then, otherwise } => match fold(condition)? {
                Operand::Int(0) => fold(otherwise),
                Operand::Int(_) => fold(then),
                _ => None,
            },
        }
    }

    fn fold_cast(&self, op: &[u8], value: Operand, from: TypeId, to: TypeId) -> Option<Operand> {
        let (from, to) = (self.lower_type(from), self.lower_type(to));
        match (value, from, to) {
            (Operand::Unknown | Operand::Undefined, ..) => Some(value),
            (Operand::Zero | Operand::Int(0), _, ir::Type::Pointer) => Some(Operand::Zero),
            (Operand::Zero, ir::Type::Pointer, ir::Type::Int(_)) => Some(Operand::Int(0)),
            (Operand::Int(value), ir::Type::Int(from_bits), ir::Type::Int(bits)) => {
                let value = if op == b"sext" { signed(value, u32::from(from_bits)) as i128 as u128 } else { value };
                Some(Operand::Int(truncated(value, u32::from(bits))))
            }
            (Operand::Int(value), _, ir::Type::Pointer) => Some(Operand::Int(truncated(value, 64))),
            // An address in 64 bits is the same address.
            (Operand::Address(..) | Operand::Block(_), _, ir::Type::Pointer | ir::Type::Int(64)) => Some(value),
            (_, from, to) if from == to => Some(value),
            _ => None,
        }
    }
}

/// A constant plus bytes.
pub(super) fn add(base: Operand, offset: i64) -> Option<Operand> {
    match base {
        Operand::Address(symbol, addend) => Some(Operand::Address(symbol, addend.checked_add(offset)?)),
        Operand::Unknown | Operand::Undefined => Some(base),
        _ if offset == 0 => Some(base),
        Operand::Zero => Some(Operand::Int(truncated(offset as u128, 64))),
        Operand::Int(value) => Some(Operand::Int(truncated(value.wrapping_add(offset as u128), 64))),
        _ => None,
    }
}

/// A number of so many bits, its highest the sign. Wider ones than 64 bits are cut.
pub(super) fn signed(value: u128, bits: u32) -> i64 {
    let shift = 128 - bits.clamp(1, 128);
    (((value << shift) as i128) >> shift) as i64
}

fn block(labels: Option<Labels<'_, '_>>, function: &[u8], label: &[u8]) -> Operand {
    let here = labels.filter(|labels| labels.function == function);
    match here.and_then(|labels| labels.blocks.get(label)) {
        Some(block) => Operand::Block(block),
        None => Operand::Unknown,
    }
}

fn fold_binary(op: &[u8], left: Operand, right: Operand, bits: u32) -> Option<Operand> {
    let number = |value: u128| Some(Operand::Int(truncated(value, bits)));
    match (left, right) {
        (Operand::Int(a), Operand::Int(b)) => match op {
            b"add" => number(a.wrapping_add(b)),
            b"sub" => number(a.wrapping_sub(b)),
            b"mul" => number(a.wrapping_mul(b)),
            b"and" => number(a & b),
            b"or" => number(a | b),
            b"xor" => number(a ^ b),
            b"shl" if b < u128::from(bits) => number(a << b),
            b"lshr" if b < u128::from(bits) => number(a >> b),
            _ => None,
        },
        (Operand::Address(..), Operand::Int(b)) if op == b"add" && bits == 64 => add(left, b as i64),
        (Operand::Int(a), Operand::Address(..)) if op == b"add" && bits == 64 => add(right, a as i64),
        (Operand::Address(..), Operand::Int(b)) if op == b"sub" && bits == 64 => add(left, (b as i64).checked_neg()?),
        (Operand::Address(one, a), Operand::Address(other, b)) if op == b"sub" && one == other => {
            number(a.wrapping_sub(b) as u128)
        }
        _ => None,
    }
}

fn compare(predicate: &[u8], left: u128, right: u128, bits: u32) -> Option<bool> {
    let (a, b) = (signed(left, bits), signed(right, bits));
    match predicate {
        b"eq" => Some(left == right),
        b"ne" => Some(left != right),
        b"ult" => Some(left < right),
        b"ule" => Some(left <= right),
        b"ugt" => Some(right < left),
        b"uge" => Some(right <= left),
        b"slt" if bits <= 64 => Some(a < b),
        b"sle" if bits <= 64 => Some(a <= b),
        b"sgt" if bits <= 64 => Some(b < a),
        b"sge" if bits <= 64 => Some(b <= a),
        _ => None,
    }
}

/// The block of a label in a function that need not be the one being lowered.
pub(super) fn block_of(blocks: &super::labels::Blocks<'_>, label: &[u8]) -> Option<BlockId> {
    blocks.get(label)
}
