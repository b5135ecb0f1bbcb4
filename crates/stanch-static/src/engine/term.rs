//! Values that are not known yet, as terms: hash-consed, so that equal terms have equal numbers and one truth.
//!
//! A term is a bit vector of 1 to 64 bits, or wider as a [`Term::Concat`] of such. Addresses are 64-bit terms: the
//! base of a region plus bytes. Sums are kept in linear form (modulo 2ⁿ), which makes `i + 1 - 1` equal to `i` and the
//! difference of two pointers into one block a number. All other simplification is in `arithmetic`.
use crate::ir::{BlockId, FunctionId, Type};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A term, by its number in [`Terms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TermId(pub(super) u32);

/// A piece of memory, by number: never reused within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RegionId(pub(super) u32);

/// Bits of an address.
pub(super) const POINTER_BITS: u16 = 64;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Term {
    /// A number; bits above `bits` are zero.
    Int { bits: u16, value: u64 },
    /// Something unknown.
    Symbol { number: u32, bits: u16 },
    /// The address of a region's first byte.
    Region(RegionId),
    /// The address of a function.
    Code(FunctionId),
    /// The address of a block.
    Label(FunctionId, BlockId),
    /// `constant + Σ term × factor` modulo 2^bits; terms ascend, factors are not 0, never a lone term.
    Sum { bits: u16, constant: u64, terms: Box<[(TermId, u64)]> },
    /// Multiplication of two unknowns, division, shifts, bit operations.
    Binary { op: Operation, bits: u16, left: TermId, right: TermId },
    /// `left < right`; 1 bit.
    Less { signed: bool, left: TermId, right: TermId },
    /// `left == right`; 1 bit.
    Equal { left: TermId, right: TermId },
    /// More bits.
    Extend { signed: bool, bits: u16, value: TermId },
    /// The bits from `low` up.
    Extract { low: u16, bits: u16, value: TermId },
    /// Parts side by side, the lowest first; more than one.
    Concat { bits: u16, parts: Box<[TermId]> },
    /// A function of its operands of which only that is known.
    Apply { name: u64, bits: u16, operands: Box<[TermId]> },
}

/// Operations of [`Term::Binary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Multiply,
    UnsignedDivide,
    SignedDivide,
    UnsignedRemainder,
    SignedRemainder,
    ShiftLeft,
    ShiftRight,
    ShiftRightSigned,
    And,
    Or,
    Xor,
}

struct Entry {
    term: Term,
    bits: u16,
    /// One bit for each atom in it, by hash: a term whose mask misses an atom's bit does not contain it.
    mask: u64,
    /// Regions whose base is part of it.
    regions: Rc<[RegionId]>,
}

/// What is known of a symbol from its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SymbolFacts {
    /// It was read or passed as an address.
    pub(super) is_pointer: bool,
    /// Nobody gave it a value: it refers to nothing.
    pub(super) is_undefined: bool,
    /// It was there before the analysed code began, so it is no address of what that code allocated.
    pub(super) is_input: bool,
}

/// All terms of a run.
pub(super) struct Terms {
    entries: Vec<Entry>,
    numbers: FxHashMap<Term, TermId>,
    symbols: Vec<SymbolFacts>,
    no_regions: Rc<[RegionId]>,
}

/// The bits that a value of this type has as a term.
pub(super) fn bits_of(ty: Type) -> u16 {
    match ty {
        Type::Void => 1,
        Type::Int(bits) | Type::Float(bits) => bits.max(1),
        Type::Pointer => POINTER_BITS,
        Type::Bytes(size) => u16::try_from(size.saturating_mul(8)).unwrap_or(u16::MAX),
    }
}

/// The low `bits` bits set.
pub(super) fn mask_of(bits: u16) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// `value`, a number of so many bits, with its sign.
pub(super) fn signed(bits: u16, value: u64) -> i64 {
    let shift = 64 - u32::from(bits.clamp(1, 64));
    (value << shift).cast_signed() >> shift
}

impl Terms {
    pub(super) fn new() -> Terms {
        Terms { entries: Vec::new(), numbers: FxHashMap::default(), symbols: Vec::new(), no_regions: Rc::new([]) }
    }

    pub(super) fn get(&self, id: TermId) -> &Term {
        &self.entries[id.0 as usize].term
    }

    pub(super) fn bits(&self, id: TermId) -> u16 {
        self.entries[id.0 as usize].bits
    }

    /// Regions that the term refers to: whoever holds it, holds them.
    pub(super) fn regions(&self, id: TermId) -> &[RegionId] {
        &self.entries[id.0 as usize].regions
    }

    /// False only if no atom of `mask` is in the term.
    pub(super) fn may_contain(&self, id: TermId, mask: u64) -> bool {
        self.entries[id.0 as usize].mask & mask != 0
    }

    /// The bit of an atom, and the bits of all atoms in any other term.
    pub(super) fn mask(&self, id: TermId) -> u64 {
        self.entries[id.0 as usize].mask
    }

    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// The number of a term that is in normal form already.
    pub(super) fn intern(&mut self, term: Term) -> TermId {
        if let Some(&id) = self.numbers.get(&term) {
            return id;
        }
        let id = TermId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        let entry = self.entry(id, term.clone());
        self.entries.push(entry);
        self.numbers.insert(term, id);
        id
    }

    fn entry(&self, id: TermId, term: Term) -> Entry {
        let bits = match &term {
            Term::Int { bits, .. }
            | Term::Symbol { bits, .. }
            | Term::Sum { bits, .. }
            | Term::Binary { bits, .. }
            | Term::Extend { bits, .. }
            | Term::Extract { bits, .. }
            | Term::Concat { bits, .. }
            | Term::Apply { bits, .. } => *bits,
            Term::Region(_) | Term::Code(_) | Term::Label(..) => POINTER_BITS,
            Term::Less { .. } | Term::Equal { .. } => 1,
        };
        let own_bit = 1 << (id.0.wrapping_mul(0x9e37_79b1) >> 26);
        let (mask, regions) = match &term {
            Term::Symbol { .. } => (own_bit, self.no_regions.clone()),
            Term::Region(region) => (own_bit, Rc::from([*region])),
            Term::Int { .. } | Term::Code(_) | Term::Label(..) => (0, self.no_regions.clone()),
            // A truth value tells nothing of where anything is.
            Term::Less { left, right, .. } | Term::Equal { left, right } => {
                (self.mask(*left) | self.mask(*right), self.no_regions.clone())
            }
            Term::Sum { terms, .. } => self.union(terms.iter().map(|(term, _)| *term)),
            Term::Binary { left, right, .. } => self.union([*left, *right].into_iter()),
            Term::Extend { value, .. } | Term::Extract { value, .. } => self.union([*value].into_iter()),
            Term::Concat { parts, .. } => self.union(parts.iter().copied()),
            Term::Apply { operands, .. } => self.union(operands.iter().copied()),
        };
        Entry { term, bits, mask, regions }
    }

    fn union(&self, children: impl Iterator<Item = TermId> + Clone) -> (u64, Rc<[RegionId]>) {
        let mask = children.clone().fold(0, |mask, child| mask | self.mask(child));
        let mut held = children.map(|child| &self.entries[child.0 as usize].regions).filter(|held| !held.is_empty());
        let Some(first) = held.next() else { return (mask, self.no_regions.clone()) };
        let Some(second) = held.next() else { return (mask, first.clone()) };
        let mut all: Vec<RegionId> = first.iter().chain(second.iter()).copied().collect();
        held.for_each(|more| all.extend(more.iter()));
        all.sort_unstable();
        all.dedup();
        (mask, all.into())
    }

    /// A number; bits above `bits` are dropped.
    pub(super) fn int(&mut self, bits: u16, value: u64) -> TermId {
        self.intern(Term::Int { bits, value: value & mask_of(bits) })
    }

    /// A 64-bit number.
    pub(super) fn int64(&mut self, value: i64) -> TermId {
        self.int(64, value.cast_unsigned())
    }

    /// 1 or 0, as 1 bit.
    pub(super) fn truth(&mut self, truth: bool) -> TermId {
        self.int(1, u64::from(truth))
    }

    /// The address 0.
    pub(super) fn null(&mut self) -> TermId {
        self.int(POINTER_BITS, 0)
    }

    pub(super) fn region(&mut self, region: RegionId) -> TermId {
        self.intern(Term::Region(region))
    }

    /// Something unknown that equals nothing else yet.
    pub(super) fn symbol(&mut self, bits: u16, facts: SymbolFacts) -> TermId {
        let number = u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        self.symbols.push(facts);
        self.intern(Term::Symbol { number, bits })
    }

    /// Something unknown of this type.
    pub(super) fn unknown(&mut self, ty: Type) -> TermId {
        let is_pointer = ty == Type::Pointer;
        self.symbol(bits_of(ty), SymbolFacts { is_pointer, is_undefined: false, is_input: false })
    }

    /// Something that nobody gave a value.
    pub(super) fn undefined(&mut self, ty: Type) -> TermId {
        let is_pointer = ty == Type::Pointer;
        self.symbol(bits_of(ty), SymbolFacts { is_pointer, is_undefined: true, is_input: false })
    }

    /// What is known of a symbol; `None` for other terms.
    pub(super) fn symbol_facts(&self, id: TermId) -> Option<SymbolFacts> {
        match self.get(id) {
            Term::Symbol { number, .. } => Some(self.symbols[*number as usize]),
            _ => None,
        }
    }

    /// The number that the term is.
    pub(super) fn as_int(&self, id: TermId) -> Option<u64> {
        match self.get(id) {
            Term::Int { value, .. } => Some(*value),
            _ => None,
        }
    }

    /// The number of 65 to 128 bits that the term is.
    pub(super) fn wide_int(&self, id: TermId) -> Option<u128> {
        let Term::Concat { bits: ..=128, parts } = self.get(id) else { return None };
        let mut value = 0;
        let mut at = 0;
        for part in parts {
            value |= u128::from(self.as_int(*part)?) << at;
            at += u32::from(self.bits(*part));
        }
        Some(value)
    }

    /// The number that the term is, with its sign.
    pub(super) fn as_signed(&self, id: TermId) -> Option<i64> {
        match self.get(id) {
            Term::Int { bits, value } => Some(signed(*bits, *value)),
            _ => None,
        }
    }

    /// True for the number 0.
    pub(super) fn is_zero(&self, id: TermId) -> bool {
        self.as_int(id) == Some(0)
    }
}
