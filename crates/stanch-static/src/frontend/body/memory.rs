//! Instructions on memory: slots, loads, stores, addresses, atomics.

use super::Body;
use crate::frontend::lexer::Token;
use crate::frontend::syntax::Failure;
use crate::frontend::types::{self, TypeId};
use crate::frontend::value::{Typed, parse_typed, skip_words};
use crate::ir::{BinaryOp, Op, Operand, Predicate, Scaled, Type};

impl<'a> Body<'_, 'a> {
    /// `alloca [inalloca] T [, i64 count] [, align N]`.
    pub(super) fn read_alloca(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let ty = self.context.types.parse(&mut self.cursor)?;
        let size = self.context.extent(ty).ok_or(Failure::Layout)?.bytes;
        let mut count = Operand::Int(1);
        if self.cursor.take(b',') && self.context.types.is_type(&self.cursor) {
            let (operand, count_ty) = self.typed()?;
            count = self.as_index(operand, count_ty)?;
        }
        let slot = self.define(result, Type::Pointer, Op::StackSlot { size, count, variable: None });
        if let Some(slot) = slot {
            let position = self.instructions.iter().rposition(|instruction| instruction.result == Some(slot));
            self.slots.insert(slot, (self.function.blocks.len(), position.unwrap_or(0)));
        }
        Ok(())
    }

    /// `load [atomic] [volatile] T, ptr P`.
    pub(super) fn read_load(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let ty = self.context.types.parse(&mut self.cursor)?;
        self.context.extent(ty).ok_or(Failure::Layout)?;
        self.comma()?;
        let address = self.typed_as(Type::Pointer)?;
        let ty = self.context.lower_type(ty);
        self.define(result, ty, Op::Load { ty, address });
        Ok(())
    }

    /// `store [atomic] [volatile] T V, ptr P`.
    pub(super) fn read_store(&mut self) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let (value, ty) = self.typed()?;
        self.context.extent(ty).ok_or(Failure::Layout)?;
        self.comma()?;
        let address = self.typed_as(Type::Pointer)?;
        if let (Operand::Value(value), Operand::Value(slot)) = (value, address)
            && value.index() < self.function.parameters.len()
            && self.slots.contains_key(&slot)
        {
            self.homes.entry(slot).or_insert(value.index());
        }
        let ty = self.context.lower_type(ty);
        self.effect(Op::Store { ty, address, value });
        Ok(())
    }

    /// `getelementptr [inbounds] T, ptr P, i64 I, …`.
    pub(super) fn read_address(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let element = self.context.types.parse(&mut self.cursor)?;
        self.comma()?;
        let base = parse_typed(&mut self.cursor, &mut self.context.types)?;
        let mut indices = Vec::new();
        while self.cursor.take(b',') {
            if matches!(self.cursor.token(), Token::Metadata(_)) {
                break;
            }
            self.cursor.take_word("inrange");
            indices.push(parse_typed(&mut self.cursor, &mut self.context.types)?);
        }
        let base_operand = self.lower_typed(&base);
        let ty = self.context.lower_type(base.ty);
        if ty != Type::Pointer || indices.iter().any(|index| self.context.integer_bits(index.ty).is_none()) {
            return self.vector_address(result, base_operand, &base, &indices);
        }
        let address = self.address(base_operand, element, &indices)?;
        self.bind(result, address, Type::Pointer);
        Ok(())
    }

    /// A vector of addresses.
    fn vector_address(
        &mut self,
        result: Option<&'a [u8]>,
        base_operand: Operand,
        base: &Typed<'a>,
        indices: &[Typed<'a>],
    ) -> Result<(), Failure> {
        let mut operands = vec![base_operand];
        let mut lanes = None;
        for typed in indices.iter().chain([base]) {
            if let types::Type::Vector(count, _) = self.context.types.resolve(typed.ty) {
                lanes = Some(*count);
            }
        }
        for index in indices {
            operands.push(self.lower_typed(index));
        }
        let bytes = lanes.and_then(|lanes| lanes.checked_mul(8)).ok_or(Failure::Layout)?;
        let ty = Type::Bytes(bytes);
        self.define(result, ty, Op::Computed { ty, operands });
        Ok(())
    }

    /// The address behind indices.
    pub(super) fn address(
        &mut self,
        base: Operand,
        element: TypeId,
        indices: &[Typed<'a>],
    ) -> Result<Operand, Failure> {
        if let Some(offset) = self.context.constant_offset(element, indices)
            && let Some(folded) = crate::frontend::fold::add(base, offset)
        {
            return Ok(folded);
        }
        let (mut offset, mut scaled, mut ty) = (0_i64, Vec::new(), element);
        for (position, index) in indices.iter().enumerate() {
            // The first index counts whole elements, others go into the type.
            let (step, next) = if position == 0 {
                let bytes = self.context.extent(element).ok_or(Failure::Layout)?.bytes;
                (i64::try_from(bytes).map_err(|_| Failure::Layout)?, element)
            } else {
                self.step(ty, index)?
            };
            if position != 0 && matches!(self.context.types.resolve(ty), types::Type::Struct { .. }) {
                offset = offset.wrapping_add(step);
            } else {
                match self.lower_typed(index) {
                    Operand::Int(value) => {
                        let bits = self.context.integer_bits(index.ty).unwrap_or(64);
                        let index = crate::frontend::fold::signed(value, bits);
                        offset = offset.wrapping_add(index.wrapping_mul(step));
                    }
                    _ if step == 0 => {}
                    index_operand => {
                        let ty = self.context.lower_type(index.ty);
                        scaled.push(Scaled { index: index_operand, ty, scale: step });
                    }
                }
            }
            ty = next;
        }
        if scaled.is_empty()
            && let Some(folded) = crate::frontend::fold::add(base, offset)
        {
            return Ok(folded);
        }
        Ok(self.emit(Type::Pointer, Op::Address { base, offset, scaled }))
    }

    /// Bytes of one step inside a type, or the offset of a field; and the type of what is there.
    fn step(&mut self, ty: TypeId, index: &Typed<'a>) -> Result<(i64, TypeId), Failure> {
        let position = match self.context.types.resolve(ty) {
            types::Type::Struct { .. } => match self.context.fold(&index.value, index.ty, None) {
                Some(Operand::Int(value)) => i64::try_from(value).map_err(|_| Failure::Layout)?,
                Some(Operand::Zero) => 0,
                _ => return Err(Failure::Layout),
            },
            _ => 1,
        };
        self.context.step(ty, position).ok_or(Failure::Layout)
    }

    /// `cmpxchg ptr P, T expected, T new ordering ordering`: done as if alone, since nothing here depends on others.
    pub(super) fn read_cmpxchg(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        skip_words(&mut self.cursor, &mut self.context.types);
        let address = self.typed_as(Type::Pointer)?;
        self.comma()?;
        let (expected, type_id) = self.typed()?;
        let ty = self.context.lower_type(type_id);
        self.comma()?;
        let new = self.typed_as(ty)?;
        let old = self.emit(ty, Op::Load { ty, address });
        let is_equal = Op::Compare { predicate: Predicate::Eq, ty, left: old, right: expected };
        let is_equal = self.emit(Type::Int(1), is_equal);
        let stored = self.emit(ty, Op::Select { condition: is_equal, ty, then: new, otherwise: old });
        self.effect(Op::Store { ty, address, value: stored });
        let bit = self.context.types.intern(types::Type::Integer(1));
        let pair = types::Type::Struct { fields: [type_id, bit].into(), is_packed: false };
        let pair = self.context.types.intern(pair);
        self.define_aggregate(result, pair, &[(old, ty), (is_equal, Type::Int(1))])
    }

    /// `atomicrmw [volatile] op ptr P, T V ordering`: as if alone.
    pub(super) fn read_atomicrmw(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let mut op: &[u8] = b"";
        while let Token::Word(word) = self.cursor.token() {
            if self.context.types.is_type(&self.cursor) {
                break;
            }
            op = word;
            self.cursor.advance();
        }
        let address = self.typed_as(Type::Pointer)?;
        self.comma()?;
        let (value, ty) = self.typed()?;
        let ty = self.context.lower_type(ty);
        let old = self.define(result, ty, Op::Load { ty, address }).ok_or(Failure::Layout)?;
        let old = Operand::Value(old);
        let new = self.updated(op, ty, old, value);
        self.effect(Op::Store { ty, address, value: new });
        Ok(())
    }

    fn updated(&mut self, op: &[u8], ty: Type, old: Operand, value: Operand) -> Operand {
        let binary = match op {
            b"xchg" => return value,
            b"add" => BinaryOp::Add,
            b"sub" => BinaryOp::Sub,
            b"and" => BinaryOp::And,
            b"or" => BinaryOp::Or,
            b"xor" => BinaryOp::Xor,
            b"fadd" => BinaryOp::FAdd,
            b"fsub" => BinaryOp::FSub,
            b"max" => return self.choose(Predicate::SGt, ty, old, value),
            b"min" => return self.choose(Predicate::SLt, ty, old, value),
            b"umax" => return self.choose(Predicate::UGt, ty, old, value),
            b"umin" => return self.choose(Predicate::ULt, ty, old, value),
            _ => return self.emit(ty, Op::Computed { ty, operands: vec![old, value] }),
        };
        self.emit(ty, Op::Binary { op: binary, ty, left: old, right: value })
    }

    /// The left one where the comparison holds, else the right one.
    pub(super) fn choose(&mut self, predicate: Predicate, ty: Type, left: Operand, right: Operand) -> Operand {
        let condition = self.emit(Type::Int(1), Op::Compare { predicate, ty, left, right });
        self.emit(ty, Op::Select { condition, ty, then: left, otherwise: right })
    }
}
