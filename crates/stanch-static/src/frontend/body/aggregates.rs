//! Instructions on parts of structs, arrays and vectors that are values.

use super::Body;
use crate::frontend::lexer::{Token, decimal};
use crate::frontend::syntax::Failure;
use crate::frontend::types::{Type as Llvm, TypeId};
use crate::frontend::value::{Value, parse_value};
use crate::ir::{Op, Operand, Type};

/// Vectors of so many elements are shuffled element by element; of wider ones it is only said what they depend on.
const SHUFFLED_LANES_MAX: usize = 16;

impl<'a> Body<'_, 'a> {
    /// `extractvalue T A, 0, 1`.
    pub(super) fn read_extractvalue(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let (aggregate, ty) = self.typed()?;
        let (offset, part) = self.path(ty)?;
        self.extract(result, aggregate, ty, part, offset)
    }

    /// `insertvalue T A, U B, 0, 1`.
    pub(super) fn read_insertvalue(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let (aggregate, ty) = self.typed()?;
        self.comma()?;
        let (value, value_ty) = self.typed()?;
        let (offset, part) = self.path(ty)?;
        if self.context.lower_type(value_ty) != self.context.lower_type(part) {
            return Err(Failure::Layout);
        }
        self.insert(result, aggregate, ty, value, part, offset)
    }

    /// `extractelement <4 x T> A, i32 I`.
    pub(super) fn read_extractelement(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let (vector, ty) = self.typed()?;
        self.comma()?;
        let (index, index_ty) = self.typed()?;
        let (count, element) = self.vector(ty)?;
        match self.lane(index, index_ty, count, element) {
            Some(offset) => self.extract(result, vector, ty, element, offset),
            None => {
                let ty = self.context.lower_type(element);
                self.define(result, ty, Op::Computed { ty, operands: vec![vector, index] });
                Ok(())
            }
        }
    }

    /// `insertelement <4 x T> A, T B, i32 I`.
    pub(super) fn read_insertelement(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let (vector, ty) = self.typed()?;
        let (count, element) = self.vector(ty)?;
        self.comma()?;
        let value = self.typed_as(self.context.lower_type(element))?;
        self.comma()?;
        let (index, index_ty) = self.typed()?;
        match self.lane(index, index_ty, count, element) {
            Some(offset) => self.insert(result, vector, ty, value, element, offset),
            None => {
                let ty = self.context.lower_type(ty);
                self.define(result, ty, Op::Computed { ty, operands: vec![vector, value, index] });
                Ok(())
            }
        }
    }

    /// `shufflevector <4 x T> A, <4 x T> B, <2 x i32> <i32 0, i32 5>`.
    pub(super) fn read_shufflevector(&mut self, result: Option<&'a [u8]>) -> Result<(), Failure> {
        let (first, ty) = self.typed()?;
        self.comma()?;
        let second = self.typed_as(self.context.lower_type(ty))?;
        self.comma()?;
        let mask_ty = self.context.types.parse(&mut self.cursor)?;
        let mask = parse_value(&mut self.cursor, &mut self.context.types, mask_ty)?;
        let ((count, element), (lanes, _)) = (self.vector(ty)?, self.vector(mask_ty)?);
        let shuffled = self.context.types.intern(Llvm::Vector(lanes, element));
        let ty_of_result = self.context.lower_type(shuffled);
        let chosen = chosen_lanes(&mask, lanes);
        let bytes = self.element_bytes(element);
        let (Some(chosen), Some(bytes)) = (chosen, bytes) else {
            self.define(result, ty_of_result, Op::Computed { ty: ty_of_result, operands: vec![first, second] });
            return Ok(());
        };
        let (from_ty, part) = (self.context.lower_type(ty), self.context.lower_type(element));
        let mut shuffled = Operand::Undefined;
        for (lane, source) in chosen.into_iter().enumerate() {
            let Some(source) = source else { continue };
            let (aggregate, source) = if source < count { (first, source) } else { (second, source - count) };
            if count <= source {
                continue;
            }
            let offset = source * bytes;
            let value = self.emit(part, Op::Extract { aggregate_ty: from_ty, aggregate, ty: part, offset });
            let offset = lane as u64 * bytes;
            let insert = Op::Insert { aggregate_ty: ty_of_result, aggregate: shuffled, ty: part, value, offset };
            shuffled = self.emit(ty_of_result, insert);
        }
        self.bind(result, shuffled, ty_of_result);
        Ok(())
    }

    /// A struct made of its fields, from the first one on.
    pub(super) fn define_aggregate(
        &mut self,
        result: Option<&'a [u8]>,
        ty: TypeId,
        parts: &[(Operand, Type)],
    ) -> Result<(), Failure> {
        let aggregate_ty = self.context.lower_type(ty);
        let mut aggregate = Operand::Undefined;
        for (index, (value, part)) in parts.iter().enumerate() {
            let (offset, field) =
                self.context.layouts.field(&self.context.types, ty, index as u64).ok_or(Failure::Layout)?;
            if self.context.lower_type(field) != *part {
                return Err(Failure::Layout);
            }
            let insert = Op::Insert { aggregate_ty, aggregate, ty: *part, value: *value, offset };
            aggregate = self.emit(aggregate_ty, insert);
        }
        self.bind(result, aggregate, aggregate_ty);
        Ok(())
    }

    fn extract(
        &mut self,
        result: Option<&'a [u8]>,
        aggregate: Operand,
        aggregate_ty: TypeId,
        part: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        let (aggregate_ty, ty) = (self.context.lower_type(aggregate_ty), self.context.lower_type(part));
        self.define(result, ty, Op::Extract { aggregate_ty, aggregate, ty, offset });
        Ok(())
    }

    fn insert(
        &mut self,
        result: Option<&'a [u8]>,
        aggregate: Operand,
        aggregate_ty: TypeId,
        value: Operand,
        part: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        let (aggregate_ty, ty) = (self.context.lower_type(aggregate_ty), self.context.lower_type(part));
        self.define(result, aggregate_ty, Op::Insert { aggregate_ty, aggregate, ty, value, offset });
        Ok(())
    }

    /// `, 0, 1` behind an aggregate: offset and type of the part.
    fn path(&mut self, ty: TypeId) -> Result<(u64, TypeId), Failure> {
        let (mut offset, mut part, mut depth) = (0_u64, ty, 0);
        while self.cursor.token() == Token::Mark(b',') {
            let before = self.cursor.offset();
            self.cursor.advance();
            let Token::Integer(digits) = self.cursor.token() else {
                // Metadata.
                self.cursor.seek(before);
                break;
            };
            self.cursor.advance();
            let index = decimal(digits).and_then(|index| i64::try_from(index).ok()).ok_or(Failure::Syntax)?;
            let (step, next) = self.context.step(part, index).ok_or(Failure::Layout)?;
            offset = offset.checked_add_signed(step).ok_or(Failure::Layout)?;
            part = next;
            depth += 1;
        }
        let whole = self.context.extent(ty).ok_or(Failure::Layout)?.bytes;
        let bytes = self.context.extent(part).ok_or(Failure::Layout)?.store_bytes;
        // An array's index may be anything in broken text.
        if depth == 0 || offset.checked_add(bytes).is_none_or(|end| whole < end) {
            return Err(Failure::Layout);
        }
        Ok((offset, part))
    }

    /// How many elements a vector has, and their type.
    fn vector(&self, ty: TypeId) -> Result<(u64, TypeId), Failure> {
        match self.context.types.resolve(ty) {
            Llvm::Vector(count, element) if self.context.extent(ty).is_some() => Ok((*count, *element)),
            _ => Err(Failure::Layout),
        }
    }

    /// Offset of an element of a vector with a constant index, where elements are whole bytes.
    fn lane(&mut self, index: Operand, index_ty: TypeId, count: u64, element: TypeId) -> Option<u64> {
        self.context.integer_bits(index_ty)?;
        let Operand::Int(index) = index else { return None };
        let index = u64::try_from(index).ok().filter(|index| *index < count)?;
        Some(index * self.element_bytes(element)?)
    }

    fn element_bytes(&self, element: TypeId) -> Option<u64> {
        if self.context.integer_bits(element).is_some_and(|bits| bits % 8 != 0) {
            return None;
        }
        self.context.layouts.element_bytes(&self.context.types, element)
    }
}

/// The lanes that a mask chooses: absent for lanes that may be anything. Absent for a mask that is too wide.
fn chosen_lanes(mask: &Value<'_>, lanes: u64) -> Option<Vec<Option<u64>>> {
    let lanes = usize::try_from(lanes).ok().filter(|lanes| *lanes <= SHUFFLED_LANES_MAX)?;
    let number = |value: &Value<'_>| match value {
        Value::Integer(value) => Some(u64::try_from(*value).ok()),
        Value::Undefined => Some(None),
        Value::Zero => Some(Some(0)),
        _ => None,
    };
    match mask {
        Value::Zero => Some(vec![Some(0); lanes]),
        Value::Undefined => Some(vec![None; lanes]),
        Value::Splat(element) => number(&element.value).map(|lane| vec![lane; lanes]),
        Value::Elements(elements) => elements.iter().take(lanes).map(|element| number(&element.value)).collect(),
        _ => None,
    }
}
