//! Constants to bytes and addresses: contents of globals, and constants of aggregate types in code.

use std::collections::HashSet;

use super::context::Context;
use super::fold::Labels;
use super::syntax::Failure;
use super::types::{Float, Type, TypeId};
use super::value::{Typed, Value};
use crate::ir::{BlockId, Initial, Operand, Relocation, Symbol};

/// Finds the block of a label in a function, both as they are written.
pub(super) type FindBlock<'f> = &'f mut dyn FnMut(&[u8], &[u8]) -> Option<(Symbol, BlockId)>;

/// A constant as bytes.
pub(super) struct Content<'f> {
    /// What was written so far; its relocations in the order of writing.
    pub(super) initial: Initial,
    /// Finds blocks of functions, whose addresses may stand in globals.
    pub(super) find_block: FindBlock<'f>,
}

impl<'a> Content<'_> {
    /// Writes a constant at `offset`.
    ///
    /// # Errors
    ///
    /// A part of it has no bytes that are known before the program runs, or there are too many of them.
    pub(super) fn write(
        &mut self,
        context: &mut Context<'a>,
        value: &Value<'a>,
        ty: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        match value {
            Value::Zero | Value::Undefined => Ok(()),
            Value::Bytes(raw) => {
                let bytes = super::lexer::unescape(raw);
                self.put(context, offset, &bytes)
            }
            Value::Elements(elements) => self.write_elements(context, elements, ty, offset),
            Value::Splat(element) => self.write_splat(context, element, ty, offset),
            Value::Float(value) => {
                let bytes = float_bytes(*value, context.types.resolve(ty)).ok_or(Failure::Layout)?;
                self.put(context, offset, &bytes)
            }
            Value::BlockAddress { function, label } => {
                let (symbol, block) = (self.find_block)(function, label).ok_or(Failure::Layout)?;
                self.initial.relocations.push(Relocation { offset, symbol, addend: 0, block: Some(block) });
                Ok(())
            }
            _ => self.write_scalar(context, value, ty, offset),
        }
    }

    fn write_elements(
        &mut self,
        context: &mut Context<'a>,
        elements: &[Typed<'a>],
        ty: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        for (position, element) in elements.iter().enumerate() {
            let index = i64::try_from(position).map_err(|_| Failure::Layout)?;
            // Elements of fewer bits than a byte are packed.
            if is_vector_of_bits(context, ty) {
                return Err(Failure::Layout);
            }
            let (step, _) = context.step(ty, index).ok_or(Failure::Layout)?;
            let at = offset.checked_add_signed(step).ok_or(Failure::Layout)?;
            self.write(context, &element.value, element.ty, at)?;
        }
        Ok(())
    }

    fn write_splat(
        &mut self,
        context: &mut Context<'a>,
        element: &Typed<'a>,
        ty: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        let Type::Vector(count, _) = *context.types.resolve(ty) else { return Err(Failure::Layout) };
        if 1 << 16 < count || is_vector_of_bits(context, ty) {
            return Err(Failure::Layout);
        }
        for index in 0..count {
            let (step, _) = context.step(ty, index as i64).ok_or(Failure::Layout)?;
            let at = offset.checked_add_signed(step).ok_or(Failure::Layout)?;
            self.write(context, &element.value, element.ty, at)?;
        }
        Ok(())
    }

    /// Numbers and addresses.
    fn write_scalar(
        &mut self,
        context: &mut Context<'a>,
        value: &Value<'a>,
        ty: TypeId,
        offset: u64,
    ) -> Result<(), Failure> {
        match context.fold(value, ty, None::<Labels<'_, 'a>>) {
            Some(Operand::Int(value)) => {
                let size = context.extent(ty).ok_or(Failure::Layout)?.store_bytes.min(16) as usize;
                let mut bytes = value.to_le_bytes();
                if !context.layouts.rules().is_little_endian {
                    bytes[..size].reverse();
                }
                self.put(context, offset, &bytes[..size])
            }
            Some(Operand::Address(symbol, addend)) => {
                self.initial.relocations.push(Relocation { offset, symbol, addend, block: None });
                Ok(())
            }
            Some(Operand::Zero | Operand::Undefined) => Ok(()),
            None if matches!(value, Value::Expression(_)) => Err(Failure::Link),
            _ => Err(Failure::Layout),
        }
    }

    fn put(&mut self, context: &mut Context<'a>, offset: u64, bytes: &[u8]) -> Result<(), Failure> {
        // Zeros at the end are not stored.
        let Some(last) = bytes.iter().rposition(|byte| *byte != 0) else { return Ok(()) };
        let stored = &mut self.initial.bytes;
        let start = usize::try_from(offset).map_err(|_| Failure::Layout)?;
        let end = start.checked_add(last + 1).ok_or(Failure::Layout)?;
        if stored.len() < end {
            let more = end - stored.len();
            context.initial_bytes_left = context.initial_bytes_left.checked_sub(more).ok_or(Failure::Layout)?;
            stored.resize(end, 0);
        }
        stored[start..end].copy_from_slice(&bytes[..=last]);
        Ok(())
    }
}

/// True where nothing lies beyond the end or on something else, which it may in broken text.
pub(super) fn fits(initial: &Initial, size: u64) -> bool {
    let mut taken = HashSet::new();
    initial.bytes.len() as u64 <= size
        && initial.relocations.iter().all(|relocation| {
            relocation.offset.checked_add(8).is_some_and(|end| end <= size) && taken.insert(relocation.offset)
        })
}

fn is_vector_of_bits(context: &Context<'_>, ty: TypeId) -> bool {
    match context.types.resolve(ty) {
        Type::Vector(_, element) => context.integer_bits(*element).is_some_and(|bits| bits % 8 != 0),
        _ => false,
    }
}

fn float_bytes(value: f64, ty: &Type<'_>) -> Option<Vec<u8>> {
    match ty {
        Type::Float(Float::Double) => Some(value.to_le_bytes().to_vec()),
        Type::Float(Float::Single) => Some((value as f32).to_le_bytes().to_vec()),
        _ if value == 0.0 => Some(Vec::new()),
        Type::Float(Float::Extended) if value.is_normal() => {
            let bits = value.to_bits();
            let exponent = (bits >> 52 & 0x7ff) as u16 + (16383 - 1023);
            let mut bytes = (1 << 63 | bits << 11).to_le_bytes().to_vec();
            bytes.extend((exponent | (bits >> 63 << 15) as u16).to_le_bytes());
            Some(bytes)
        }
        _ => None,
    }
}
