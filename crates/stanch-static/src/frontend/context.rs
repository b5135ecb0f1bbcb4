//! What all parts of a text share: types, symbols, what is known of functions, debug information, complaints.

use std::collections::HashMap;

use super::NotUnderstood;
use super::attributes::Facts;
use super::debug::Debug;
use super::layout::{Extent, Layouts};
use super::types::{Float, Type, TypeId, Types};
use crate::ir::{self, Symbol};

/// Shared by all that is lowered from one text.
pub(super) struct Context<'a> {
    /// The whole text.
    pub(super) text: &'a [u8],
    /// Its types.
    pub(super) types: Types<'a>,
    /// Their layouts.
    pub(super) layouts: Layouts,
    /// Functions and globals by name as it is written, with the bytes that an alias adds.
    pub(super) symbols: HashMap<&'a [u8], (Symbol, i64)>,
    /// What is known of each function, by its index.
    pub(super) functions: Vec<FunctionFacts>,
    /// Attributes of LLVM's intrinsic functions.
    pub(super) intrinsics: HashMap<&'a [u8], Facts<'a>>,
    /// Debug information.
    pub(super) debug: Debug<'a>,
    /// Groups of attributes.
    pub(super) groups: HashMap<&'a [u8], Facts<'a>>,
    /// Bytes of initial values that may still be stored: a short text can ask for petabytes.
    pub(super) initial_bytes_left: usize,
    complaints: Complaints,
}

/// What calls need to know of the function that they call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FunctionFacts {
    /// No exception leaves it.
    pub(super) is_no_unwind: bool,
    /// It does not return.
    pub(super) is_no_return: bool,
}

/// What was not understood so far, and the line that was counted last.
#[derive(Default)]
struct Complaints {
    list: Vec<NotUnderstood>,
    counted_to: usize,
    lines: usize,
}

impl<'a> Context<'a> {
    /// Nothing known yet.
    pub(super) fn new(
        text: &'a [u8],
        types: Types<'a>,
        layouts: Layouts,
        groups: HashMap<&'a [u8], Facts<'a>>,
        debug: Debug<'a>,
    ) -> Self {
        Context {
            text,
            types,
            layouts,
            symbols: HashMap::new(),
            functions: Vec::new(),
            intrinsics: HashMap::new(),
            debug,
            groups,
            initial_bytes_left: (16 << 20) + 4 * text.len(),
            complaints: Complaints::default(),
        }
    }

    /// Attributes with what their groups say.
    pub(super) fn complete(&self, mut facts: Facts<'a>) -> Facts<'a> {
        for group in std::mem::take(&mut facts.groups) {
            if let Some(more) = self.groups.get(group) {
                facts.merge(more);
            }
        }
        facts
    }

    /// Size and alignment of a type.
    pub(super) fn extent(&self, ty: TypeId) -> Option<Extent> {
        self.layouts.extent(&self.types, ty)
    }

    /// The representation's type of an LLVM type. What has no size has none there either.
    pub(super) fn lower_type(&self, ty: TypeId) -> ir::Type {
        match self.types.resolve(ty) {
            Type::Integer(bits @ 1..=128) => ir::Type::Int(*bits as u16),
            Type::Float(float) => ir::Type::Float(match float {
                Float::Half => 16,
                Float::Single => 32,
                Float::Double => 64,
                Float::Extended => 80,
                Float::Quad => 128,
            }),
            Type::Pointer(_) => ir::Type::Pointer,
            Type::Void => ir::Type::Void,
            _ => ir::Type::Bytes(self.extent(ty).map_or(0, |extent| extent.store_bytes)),
        }
    }

    /// Notes that something was not understood.
    pub(super) fn complain(&mut self, function: Option<&str>, offset: usize, mnemonic: &str) {
        let complaints = &mut self.complaints;
        if offset < complaints.counted_to {
            // Out of order: initial values are read after declarations.
            (complaints.counted_to, complaints.lines) = (0, 0);
        }
        let between = &self.text[complaints.counted_to..offset.min(self.text.len())];
        complaints.lines += memchr::memchr_iter(b'\n', between).count();
        complaints.counted_to = offset.min(self.text.len());
        complaints.list.push(NotUnderstood {
            function: function.map(str::to_owned),
            line: complaints.lines + 1,
            mnemonic: mnemonic.to_owned(),
        });
    }

    /// All that was not understood, in the order of the text.
    pub(super) fn complaints(&mut self) -> Vec<NotUnderstood> {
        let mut list = std::mem::take(&mut self.complaints.list);
        list.sort_by_key(|complaint| complaint.line);
        list
    }
}
