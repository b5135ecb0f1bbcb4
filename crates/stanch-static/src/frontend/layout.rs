//! Sizes, alignments and offsets of types, by the rules of `target datalayout`.
//!
//! The rules are those of LLVM's Language Reference, section "Data Layout": a string of parts joined by `-`, of which
//! those of integers, floats, vectors and aggregates change layout. What the string leaves out has defaults.
//!
//! Pointers have 64 bits, whatever the string says: the representation knows no others. See
//! [`DataLayout::has_wide_pointers`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::lexer::decimal;
use super::syntax::NESTING_MAX;
use super::types::{Float, Type, TypeId, Types};

/// Size and alignment of a pointer.
const POINTER_BYTES: u64 = 8;

/// Sizes of what the rules name, in bytes.
#[derive(Clone, Debug)]
pub(super) struct DataLayout {
    /// True where the least significant byte comes first.
    pub(super) is_little_endian: bool,
    /// True where pointers have 64 bits, as they are laid out here.
    pub(super) has_wide_pointers: bool,
    /// ABI alignment of integers by bits, ascending.
    integers: Vec<(u32, u64)>,
    /// ABI alignment of floats by bits.
    floats: HashMap<u32, u64>,
    /// ABI alignment of vectors by bits.
    vectors: HashMap<u32, u64>,
    /// Least alignment of a struct.
    aggregate: u64,
}

/// Size and alignment of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes that a load or store touches.
    pub(super) store_bytes: u64,
    /// Bytes from one element of an array to the next: the store size, padded to the alignment.
    pub(super) bytes: u64,
    /// ABI alignment in bytes, never 0.
    pub(super) align: u64,
}

impl DataLayout {
    /// Reads a layout string; parts that are not understood are passed over.
    pub(super) fn parse(text: &str) -> Self {
        let mut layout = DataLayout {
            is_little_endian: true,
            has_wide_pointers: true,
            integers: vec![(1, 1), (8, 1), (16, 2), (32, 4), (64, 8)],
            floats: HashMap::from([(16, 2), (32, 4), (64, 8), (128, 16)]),
            vectors: HashMap::from([(64, 8), (128, 16)]),
            aggregate: 1,
        };
        for part in text.split('-') {
            layout.apply(part);
        }
        layout
    }

    fn apply(&mut self, part: &str) {
        let mut fields = part.split(':');
        let name = fields.next().unwrap_or_default();
        let numbers: Vec<u64> = fields.map_while(|field| decimal(field.as_bytes())).collect();
        let (kind, digits) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
        let bits = decimal(digits.as_bytes()).and_then(|bits| u32::try_from(bits).ok());
        // Alignments are in bits and powers of two; anything else would make later arithmetic meaningless.
        let align = numbers.first().map(|bits| bits / 8).filter(|bytes| bytes.is_power_of_two() && *bytes <= 1 << 16);
        match (kind, bits, align) {
            ("e", None, _) => self.is_little_endian = true,
            ("E", None, _) => self.is_little_endian = false,
            ("i", Some(bits), Some(align)) => {
                self.integers.retain(|(known, _)| *known != bits);
                self.integers.push((bits, align));
                self.integers.sort_unstable();
            }
            ("f", Some(bits), Some(align)) => drop(self.floats.insert(bits, align)),
            ("v", Some(bits), Some(align)) => drop(self.vectors.insert(bits, align)),
            ("a", _, Some(align)) => self.aggregate = align,
            // `p[n]:<size>:<abi>…`; other spaces than the first are hardly used.
            ("p", _, _) if matches!(digits, "" | "0") => self.has_wide_pointers = numbers.first() == Some(&64),
            _ => {}
        }
    }

    fn integer_align(&self, bits: u32) -> u64 {
        // The alignment of the next wider integer with a rule, else that of the widest.
        let wider = self.integers.iter().find(|(known, _)| bits <= *known);
        wider.or(self.integers.last()).map_or(1, |(_, align)| *align)
    }
}

/// Layouts of the types of one text, each computed once.
pub(super) struct Layouts {
    rules: DataLayout,
    known: RefCell<Vec<Option<Option<Extent>>>>,
    /// Offsets of the fields of structs that were asked for.
    offsets: RefCell<HashMap<TypeId, Rc<[u64]>>>,
}

impl Layouts {
    /// Nothing computed yet.
    pub(super) fn new(rules: DataLayout) -> Self {
        Layouts { rules, known: RefCell::new(Vec::new()), offsets: RefCell::new(HashMap::new()) }
    }

    /// The rules.
    pub(super) fn rules(&self) -> &DataLayout {
        &self.rules
    }

    /// Size and alignment of a type; absent for one without size: opaque, void, a function, recursive by value, or
    /// larger than memory can be.
    pub(super) fn extent(&self, types: &Types<'_>, id: TypeId) -> Option<Extent> {
        self.extent_nested(types, id, 0)
    }

    /// Offset in bytes of a field, and its type.
    pub(super) fn field(&self, types: &Types<'_>, id: TypeId, index: u64) -> Option<(u64, TypeId)> {
        match types.resolve(id) {
            Type::Struct { fields, .. } => {
                let index = usize::try_from(index).ok()?;
                let field = *fields.get(index)?;
                Some((*self.offsets(types, types.resolve_id(id))?.get(index)?, field))
            }
            Type::Array(_, element) => Some((self.extent(types, *element)?.bytes.checked_mul(index)?, *element)),
            Type::Vector(_, element) => Some((self.element_bytes(types, *element)?.checked_mul(index)?, *element)),
            _ => None,
        }
    }

    /// Bytes from one element of a vector to the next: elements are packed by bits, ours by bytes at the least.
    pub(super) fn element_bytes(&self, types: &Types<'_>, element: TypeId) -> Option<u64> {
        self.extent(types, element).map(|extent| extent.store_bytes.max(1))
    }

    /// Offsets of the fields of a struct.
    fn offsets(&self, types: &Types<'_>, id: TypeId) -> Option<Rc<[u64]>> {
        if let Some(known) = self.offsets.borrow().get(&id) {
            return Some(known.clone());
        }
        let Type::Struct { fields, is_packed } = types.get(id) else { return None };
        let (mut at, mut offsets) = (0_u64, Vec::with_capacity(fields.len()));
        for field in fields {
            let extent = self.extent(types, *field)?;
            at = align_up(at, if *is_packed { 1 } else { extent.align })?;
            offsets.push(at);
            at = at.checked_add(extent.bytes)?;
        }
        let offsets: Rc<[u64]> = offsets.into();
        self.offsets.borrow_mut().insert(id, offsets.clone());
        Some(offsets)
    }

    fn extent_nested(&self, types: &Types<'_>, id: TypeId, depth: usize) -> Option<Extent> {
        let index = Types::index(id);
        if let Some(Some(known)) = self.known.borrow().get(index) {
            return *known;
        }
        if NESTING_MAX < depth {
            return None;
        }
        {
            let mut known = self.known.borrow_mut();
            if known.len() < types.count() {
                known.resize(types.count(), None);
            }
            // A type that contains itself has no size.
            known[index] = Some(None);
        }
        let extent = self.compute(types, id, depth);
        self.known.borrow_mut()[index] = Some(extent);
        extent
    }

    fn compute(&self, types: &Types<'_>, id: TypeId, depth: usize) -> Option<Extent> {
        match types.get(id) {
            Type::Integer(bits) => Some(padded(u64::from(*bits).div_ceil(8), self.rules.integer_align(*bits))),
            Type::Float(float) => {
                let (bits, bytes) = match float {
                    Float::Half => (16, 2),
                    Float::Single => (32, 4),
                    Float::Double => (64, 8),
                    Float::Extended => (80, 10),
                    Float::Quad => (128, 16),
                };
                Some(padded(bytes, self.rules.floats.get(&bits).copied().unwrap_or(16)))
            }
            Type::Pointer(_) => Some(padded(POINTER_BYTES, POINTER_BYTES)),
            Type::Array(count, element) => {
                let element = self.extent_nested(types, *element, depth + 1)?;
                let bytes = element.bytes.checked_mul(*count).filter(|bytes| *bytes < 1 << 47)?;
                Some(Extent { store_bytes: bytes, bytes, align: element.align })
            }
            Type::Vector(count, element) => {
                let bits = match types.resolve(*element) {
                    Type::Integer(bits) => u64::from(*bits),
                    _ => self.extent_nested(types, *element, depth + 1)?.store_bytes * 8,
                };
                let bits = bits.checked_mul(*count).filter(|bits| *bits < 1 << 40)?;
                let bytes = bits.div_ceil(8);
                let ruled = u32::try_from(bits).ok().and_then(|bits| self.rules.vectors.get(&bits).copied());
                Some(padded(bytes, ruled.unwrap_or_else(|| bytes.max(1).next_power_of_two())))
            }
            Type::Struct { fields, is_packed } => {
                let (mut at, mut align) = (0_u64, if *is_packed { 1 } else { self.rules.aggregate });
                for field in fields {
                    let extent = self.extent_nested(types, *field, depth + 1)?;
                    let field_align = if *is_packed { 1 } else { extent.align };
                    align = align.max(field_align);
                    at = align_up(at, field_align)?.checked_add(extent.bytes).filter(|bytes| *bytes < 1 << 47)?;
                }
                let bytes = align_up(at, align)?;
                Some(Extent { store_bytes: bytes, bytes, align })
            }
            Type::Named(name) => self.extent_nested(types, types.definition(name)?, depth + 1),
            Type::Void | Type::Function { .. } | Type::Other => None,
        }
    }
}

fn padded(store_bytes: u64, align: u64) -> Extent {
    Extent { store_bytes, bytes: align_up(store_bytes, align).unwrap_or(store_bytes), align }
}

fn align_up(at: u64, align: u64) -> Option<u64> {
    at.checked_next_multiple_of(align.max(1))
}

#[cfg(test)]
mod tests {
    use super::{DataLayout, Layouts};
    use crate::frontend::lexer::Cursor;
    use crate::frontend::types::Types;

    const X86_64: &str = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128";
    const ARM: &str = "e-m:e-p:32:32-Fi8-i64:64-v128:64:128-a:0:32-n32-S64";

    fn extent(rules: &str, text: &str) -> Option<(u64, u64)> {
        let mut types = Types::new();
        let own = "{ i8, %own }";
        let definition = types.parse(&mut Cursor::new(own.as_bytes(), 0, own.len())).unwrap();
        types.define(b"own", definition);
        let id = types.parse(&mut Cursor::new(text.as_bytes(), 0, text.len())).unwrap();
        let extent = Layouts::new(DataLayout::parse(rules)).extent(&types, id)?;
        Some((extent.bytes, extent.align))
    }

    #[test]
    fn sizes_follow_the_rules() {
        for (text, bytes, align) in [
            ("i1", 1, 1),
            ("i24", 4, 4),
            ("i128", 16, 8),
            ("x86_fp80", 16, 16),
            ("ptr", 8, 8),
            ("{ i8, i64 }", 16, 8),
            ("<{ i8, i64 }>", 9, 1),
            ("[3 x { i32, i8 }]", 24, 4),
            ("<4 x float>", 16, 16),
            ("<3 x float>", 16, 16),
            ("<8 x i1>", 1, 1),
            ("{}", 0, 1),
            ("[0 x i64]", 0, 8),
        ] {
            assert_eq!(extent(X86_64, text), Some((bytes, align)), "{text}");
        }
        assert_eq!(extent(&X86_64.replace("f80", "i128:128-f80"), "i128"), Some((16, 16)));
        assert_eq!(extent(ARM, "{ i8, i128 }"), Some((24, 8)));
        assert!(DataLayout::parse(X86_64).has_wide_pointers && !DataLayout::parse(ARM).has_wide_pointers);
        assert_eq!(extent(ARM, "<4 x i32>"), Some((16, 8)));
    }

    #[test]
    fn what_has_no_size_has_none() {
        for text in ["void", "%unknown", "%own", "[18446744073709551615 x i64]", "i8 (i8)", "{ i8, label }"] {
            assert_eq!(extent(X86_64, text), None, "{text}");
        }
    }

    #[test]
    fn fields_are_found() {
        let mut types = Types::new();
        let text = "{ i8, i32, <{ i8, ptr }>, [3 x i16] }";
        let id = types.parse(&mut Cursor::new(text.as_bytes(), 0, text.len())).unwrap();
        let layouts = Layouts::new(DataLayout::parse(X86_64));
        let offset = |index| layouts.field(&types, id, index).map(|(offset, _)| offset);
        assert_eq!((0..5).map(offset).collect::<Vec<_>>(), [Some(0), Some(4), Some(8), Some(18), None]);
        let (_, packed) = layouts.field(&types, id, 2).unwrap();
        assert_eq!(layouts.field(&types, packed, 1).map(|(offset, _)| offset), Some(1));
    }

    #[test]
    fn strange_rules_do_no_harm() {
        for rules in ["", "-", "p", "p:0:0", "i32:3", "i:8", "v64:", "f32:99999999999999", "é:8", "p1:64:7"] {
            assert!(extent(rules, "{ i32, ptr, <2 x i32>, float }").is_some(), "{rules}");
        }
    }
}
