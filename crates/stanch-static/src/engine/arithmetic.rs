//! Building terms: every constructor returns the simplest equal term it knows.
use super::term::{Operation, POINTER_BITS, Term, TermId, Terms, mask_of, signed};

/// Sums of more terms than this are not kept in linear form.
const SUM_TERMS_MAX: usize = 12;

impl Terms {
    /// `left + right`.
    pub(super) fn add(&mut self, left: TermId, right: TermId) -> TermId {
        self.linear(&[(left, 1), (right, 1)], 0, self.bits(left))
    }

    /// `left - right`.
    pub(super) fn subtract(&mut self, left: TermId, right: TermId) -> TermId {
        self.linear(&[(left, 1), (right, u64::MAX)], 0, self.bits(left))
    }

    /// `term + bytes`.
    pub(super) fn offset(&mut self, term: TermId, bytes: i64) -> TermId {
        if bytes == 0 { term } else { self.linear(&[(term, 1)], bytes.cast_unsigned(), self.bits(term)) }
    }

    /// `constant + Σ term × factor` modulo 2^bits.
    pub(super) fn linear(&mut self, parts: &[(TermId, u64)], constant: u64, bits: u16) -> TermId {
        let mut constant = constant;
        let mut terms: Vec<(TermId, u64)> = Vec::with_capacity(parts.len() + 2);
        for &(term, factor) in parts {
            match self.get(term) {
                Term::Int { value, .. } => constant = constant.wrapping_add(value.wrapping_mul(factor)),
                Term::Sum { constant: inner, terms: children, .. } => {
                    constant = constant.wrapping_add(inner.wrapping_mul(factor));
                    terms.extend(children.iter().map(|(child, inner)| (*child, inner.wrapping_mul(factor))));
                }
                _ => terms.push((term, factor)),
            }
        }
        let mask = mask_of(bits);
        terms.sort_unstable_by_key(|(term, _)| *term);
        terms.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 = kept.1.wrapping_add(next.1);
            }
            is_same
        });
        terms.iter_mut().for_each(|(_, factor)| *factor &= mask);
        terms.retain(|(_, factor)| *factor != 0);
        constant &= mask;
        match terms.as_slice() {
            [] => self.int(bits, constant),
            [(term, 1)] if constant == 0 => *term,
            _ if terms.len() > SUM_TERMS_MAX => {
                let operands: Vec<TermId> = terms.iter().map(|(term, _)| *term).collect();
                let name = terms.iter().fold(constant, |hash, (_, factor)| hash.rotate_left(7) ^ factor);
                self.intern(Term::Apply { name, bits, operands: operands.into() })
            }
            _ => self.intern(Term::Sum { bits, constant, terms: terms.into() }),
        }
    }

    /// `!term` of 1 bit.
    pub(super) fn not(&mut self, term: TermId) -> TermId {
        self.linear(&[(term, 1)], 1, 1)
    }

    /// The term under a negation of 1 bit.
    pub(super) fn under_not(&self, term: TermId) -> Option<TermId> {
        match self.get(term) {
            Term::Sum { bits: 1, constant: 1, terms } if terms.len() == 1 => Some(terms[0].0),
            _ => None,
        }
    }

    /// An operation that is no sum, on operands of equal width.
    pub(super) fn binary(&mut self, op: Operation, left: TermId, right: TermId) -> TermId {
        let bits = self.bits(left);
        if bits > 64 {
            return self.intern(Term::Binary { op, bits, left, right });
        }
        let constants = (self.as_int(left), self.as_int(right));
        if let (Some(a), Some(b)) = constants
            && let Some(value) = fold(op, bits, a, b)
        {
            return self.int(bits, value);
        }
        // Constants to the right.
        let (left, right) = if is_commutative(op) && constants.0.is_some() { (right, left) } else { (left, right) };
        if let Some(simple) = self.with_constant(op, bits, left, right) {
            return simple;
        }
        if left == right {
            match op {
                Operation::And | Operation::Or => return left,
                Operation::Xor => return self.int(bits, 0),
                _ => {}
            }
        }
        if op == Operation::Xor
            && let Some(other) = self.xor_undone(left, right).or_else(|| self.xor_undone(right, left))
        {
            return other;
        }
        let (left, right) = if is_commutative(op) && right < left && self.as_int(right).is_none() {
            (right, left)
        } else {
            (left, right)
        };
        self.intern(Term::Binary { op, bits, left, right })
    }

    /// `b` of `(a ^ b) ^ a`.
    fn xor_undone(&self, pair: TermId, again: TermId) -> Option<TermId> {
        match *self.get(pair) {
            Term::Binary { op: Operation::Xor, left, right, .. } if left == again => Some(right),
            Term::Binary { op: Operation::Xor, left, right, .. } if right == again => Some(left),
            _ => None,
        }
    }

    /// Bytes after the base of a region or function, for an address at a known offset in it. Bases are multiples of 16.
    fn aligned(&self, term: TermId) -> Option<(TermId, u64)> {
        match self.get(term) {
            Term::Region(_) | Term::Code(_) => Some((term, 0)),
            Term::Sum { constant, terms, .. } => match &**terms {
                [(base, 1)] if matches!(self.get(*base), Term::Region(_) | Term::Code(_)) => Some((*base, *constant)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Bit operations on the low bits of an address: tags, and rounding to an alignment.
    fn on_address(&mut self, op: Operation, left: TermId, value: u64) -> Option<TermId> {
        const LOW: u64 = 15;
        let (base, bytes) = self.aligned(left)?;
        let bytes = match op {
            Operation::And if value | LOW == u64::MAX => bytes & value,
            Operation::And if value <= LOW => return Some(self.int(POINTER_BITS, bytes & value)),
            Operation::Or if value <= LOW => bytes | value,
            Operation::Xor if value <= LOW => bytes ^ value,
            _ => return None,
        };
        Some(self.offset(base, bytes.cast_signed()))
    }

    fn with_constant(&mut self, op: Operation, bits: u16, left: TermId, right: TermId) -> Option<TermId> {
        let value = self.as_int(right)?;
        let ones = mask_of(bits);
        if let Some(address) = self.on_address(op, left, value) {
            return Some(address);
        }
        match (op, value) {
            (Operation::Multiply, factor) => Some(self.linear(&[(left, factor)], 0, bits)),
            (Operation::ShiftLeft, shift) if shift < u64::from(bits) => {
                Some(self.linear(&[(left, 1 << shift)], 0, bits))
            }
            (Operation::UnsignedDivide | Operation::SignedDivide, 1) => Some(left),
            (Operation::UnsignedRemainder | Operation::SignedRemainder, 1) => Some(self.int(bits, 0)),
            (Operation::ShiftRight | Operation::ShiftRightSigned | Operation::Or | Operation::Xor, 0) => Some(left),
            (Operation::And, 0) => Some(right),
            (Operation::And, _) if value == ones => Some(left),
            (Operation::Or, _) if value == ones => Some(right),
            (Operation::Xor, 1) if bits == 1 => Some(self.not(left)),
            (Operation::And, _) => self.and_mask(bits, left, value),
            (Operation::Or, _) => {
                let (inner, mask) = self.masked(Operation::Or, left)?;
                let right = self.int(bits, mask | value);
                Some(self.binary(Operation::Or, inner, right))
            }
            (Operation::Xor, _) => {
                let (inner, mask) = self.masked(Operation::Xor, left)?;
                let right = self.int(bits, mask ^ value);
                Some(self.binary(Operation::Xor, inner, right))
            }
            (Operation::ShiftRight, shift) => {
                // (a & mask) >> shift: a field read back.
                let (inner, mask) = self.masked(Operation::Or, left)?;
                let low = (mask >> shift) << shift;
                (low == mask).then(|| {
                    let amount = self.int(bits, shift);
                    let inner = self.binary(Operation::ShiftRight, inner, amount);
                    let mask = self.int(bits, mask >> shift);
                    self.binary(Operation::Or, inner, mask)
                })
            }
            _ => None,
        }
    }

    /// `left & mask`, where `left` has bits that are known.
    fn and_mask(&mut self, bits: u16, left: TermId, mask: u64) -> Option<TermId> {
        if let Some((inner, own)) = self.masked(Operation::And, left) {
            let both = self.int(bits, own & mask);
            return Some(self.binary(Operation::And, inner, both));
        }
        if let Some((inner, own)) = self.masked(Operation::Or, left) {
            let mask_term = self.int(bits, mask);
            let kept = self.binary(Operation::And, inner, mask_term);
            let own = self.int(bits, own & mask);
            return Some(self.binary(Operation::Or, kept, own));
        }
        if let &Term::Binary { op: Operation::Or, left: a, right: b, .. } = self.get(left) {
            // (a | b) & mask, if the mask takes all of one and nothing of the other.
            let mask_term = self.int(bits, mask);
            let (a, b) = (self.binary(Operation::And, a, mask_term), self.binary(Operation::And, b, mask_term));
            if self.is_zero(a) || self.is_zero(b) {
                return Some(if self.is_zero(a) { b } else { a });
            }
        }
        if let &Term::Extend { signed: false, value, .. } = self.get(left) {
            let inner = mask_of(self.bits(value));
            if mask & inner == inner {
                return Some(left);
            }
            if mask & inner == 0 {
                return Some(self.int(bits, 0));
            }
        }
        if let Term::Sum { constant: 0, terms, .. } = self.get(left) {
            // Multiples of a power of two have no low bits.
            let zeros = terms.iter().map(|(_, factor)| factor.trailing_zeros()).min().unwrap_or(0);
            if zeros < 64 && mask >> zeros == 0 {
                return Some(self.int(bits, 0));
            }
        }
        None
    }

    fn masked(&self, wanted: Operation, term: TermId) -> Option<(TermId, u64)> {
        match self.get(term) {
            Term::Binary { op, left, right, .. } if *op == wanted => Some((*left, self.as_int(*right)?)),
            _ => None,
        }
    }

    /// `left == right`.
    pub(super) fn equal(&mut self, left: TermId, right: TermId) -> TermId {
        if left == right {
            return self.truth(true);
        }
        let bits = self.bits(left);
        if bits > 64 || self.bits(right) != bits {
            return self.intern(Term::Equal { left: left.min(right), right: left.max(right) });
        }
        let difference = self.subtract(left, right);
        match self.get(difference) {
            Term::Int { value, .. } => {
                let is_equal = *value == 0;
                self.truth(is_equal)
            }
            Term::Sum { constant, terms, .. } => {
                let (constant, terms) = (*constant, terms.clone());
                match &*terms {
                    // Addresses in two blocks differ, wherever in them they are.
                    all if self.are_of_two_blocks(all, bits) => self.truth(false),
                    [(term, 1)] => self.equal_to(*term, constant.wrapping_neg() & mask_of(bits)),
                    [(term, factor)] if *factor == mask_of(bits) => self.equal_to(*term, constant),
                    [(term, factor)] => self.multiple_equals(*term, *factor, constant),
                    [(one, a), (other, b)]
                        if constant == 0 && (a.wrapping_add(*b)) & mask_of(bits) == 0 && (*a == 1 || *b == 1) =>
                    {
                        self.equal_atoms(*one, *other)
                    }
                    _ => match self.divided(constant, &terms, bits) {
                        Some(smaller) => {
                            let zero = self.int(bits, 0);
                            self.equal(smaller, zero)
                        }
                        None => self.sum_is_zero(difference, left, right),
                    },
                }
            }
            _ => self.equal_to(difference, 0),
        }
    }

    /// A sum divided by the greatest number that divides its factors and its constant; `None` where that is 1.
    fn divided(&mut self, constant: u64, parts: &[(TermId, u64)], bits: u16) -> Option<TermId> {
        let size = |value: u64| signed(bits, value).unsigned_abs();
        let common = parts.iter().fold(size(constant), |common, (_, factor)| greatest_divisor(common, size(*factor)));
        if common < 2 {
            return None;
        }
        let divide = |value: u64| (signed(bits, value) / common.cast_signed()).cast_unsigned();
        let parts: Vec<(TermId, u64)> = parts.iter().map(|(term, factor)| (*term, divide(*factor))).collect();
        Some(self.linear(&parts, divide(constant), bits))
    }

    /// `term × factor + constant == 0`, as if nothing overflowed: so do offsets of elements.
    fn multiple_equals(&mut self, term: TermId, factor: u64, constant: u64) -> TermId {
        let bits = self.bits(term);
        let (factor, wanted) = (signed(bits, factor), signed(bits, constant).wrapping_neg());
        match (wanted.checked_rem(factor), wanted.checked_div(factor)) {
            (Some(0), Some(value)) => self.equal_to(term, value.cast_unsigned() & mask_of(bits)),
            _ => self.truth(false),
        }
    }

    /// A canonical comparison for `left == right`, whose difference is `difference`.
    fn sum_is_zero(&mut self, difference: TermId, left: TermId, right: TermId) -> TermId {
        if let Term::Sum { terms, .. } = self.get(difference) {
            let is_pointer = |term| self.symbol_facts(term).is_some_and(|facts| facts.is_pointer);
            let with = |wanted: u64| {
                let is_base = |term| matches!(self.get(term), Term::Region(_) | Term::Code(_));
                terms.iter().any(|(term, factor)| *factor == wanted && is_base(*term))
            };
            // A base plus an index is not null; addresses in two blocks differ.
            let is_against_null = self.is_zero(left) || self.is_zero(right);
            let is_indexed = is_against_null && terms.iter().all(|(term, _)| !is_pointer(*term));
            if (is_indexed && with(1)) || (with(1) && with(u64::MAX)) {
                return self.truth(false);
            }
        }
        // The sign of the difference is chosen so that its first factor is the smaller of the two possible.
        let bits = self.bits(difference);
        let negated = self.linear(&[(difference, u64::MAX)], 0, bits);
        let zero = self.int(bits, 0);
        let left = difference.min(negated);
        self.intern(Term::Equal { left, right: zero })
    }

    /// True for a difference of addresses whose bases are two things that lie apart.
    fn are_of_two_blocks(&self, terms: &[(TermId, u64)], bits: u16) -> bool {
        let has_base = |factor: u64| {
            terms.iter().any(|(term, found)| {
                *found == factor && matches!(self.get(*term), Term::Region(_) | Term::Code(_) | Term::Label(..))
            })
        };
        has_base(1) && has_base(mask_of(bits))
    }

    fn equal_atoms(&mut self, left: TermId, right: TermId) -> TermId {
        let is_fixed = |term: &Term| matches!(term, Term::Region(_) | Term::Code(_) | Term::Label(..));
        if is_fixed(self.get(left)) && is_fixed(self.get(right)) {
            return self.truth(false);
        }
        self.intern(Term::Equal { left: left.min(right), right: left.max(right) })
    }

    /// `term == value`, where the term is no sum with a constant.
    fn equal_to(&mut self, term: TermId, value: u64) -> TermId {
        let bits = self.bits(term);
        match *self.get(term) {
            _ if bits == 1 => return if value == 1 { term } else { self.not(term) },
            Term::Region(_) | Term::Code(_) | Term::Label(..) if value == 0 => {}
            Term::Extend { signed: is_signed, value: inner, .. } => {
                let inner_bits = self.bits(inner);
                let low = value & mask_of(inner_bits);
                let back = if is_signed { signed(inner_bits, low).cast_unsigned() & mask_of(bits) } else { low };
                return if back == value {
                    let low = self.int(inner_bits, low);
                    self.equal(inner, low)
                } else {
                    self.truth(false)
                };
            }
            Term::Binary { op: Operation::Xor, left, right, .. } => {
                if let Some(mask) = self.as_int(right) {
                    let other = self.int(bits, mask ^ value);
                    return self.equal(left, other);
                }
                if value == 0 {
                    return self.equal(left, right);
                }
            }
            Term::Binary { op: Operation::Or, right, .. }
                if self.as_int(right).is_some_and(|mask| mask & !value != 0) =>
            {
                return self.truth(false);
            }
            Term::Binary { op: Operation::And, right, .. }
                if self.as_int(right).is_some_and(|mask| value & !mask != 0) =>
            {
                return self.truth(false);
            }
            _ => {}
        }
        if let Term::Code(_) | Term::Label(..) = self.get(term) {
            return self.truth(false);
        }
        let right = self.int(bits, value);
        self.intern(Term::Equal { left: term, right })
    }

    /// `left < right`.
    pub(super) fn less(&mut self, is_signed: bool, left: TermId, right: TermId) -> TermId {
        let bits = self.bits(left);
        if left == right {
            return self.truth(false);
        }
        if let (Some(a), Some(b)) = (self.as_int(left), self.as_int(right)) {
            return self.truth(if is_signed { signed(bits, a) < signed(bits, b) } else { a < b });
        }
        // 0 < x without sign is x != 0; x < 1 is x == 0.
        if !is_signed && self.as_int(left) == Some(0) {
            let equal = self.equal(left, right);
            return self.not(equal);
        }
        if !is_signed && self.as_int(right) == Some(0) {
            return self.truth(false);
        }
        if !is_signed && self.as_int(right) == Some(1) {
            let zero = self.int(bits, 0);
            return self.equal(left, zero);
        }
        if let Some(simple) = self.less_within(is_signed, left, right) {
            return simple;
        }
        self.intern(Term::Less { signed: is_signed, left, right })
    }

    /// Two addresses in one region compare as their offsets; two extended values as what is extended.
    fn less_within(&mut self, is_signed: bool, left: TermId, right: TermId) -> Option<TermId> {
        if self.bits(left) == POINTER_BITS
            && !self.regions(left).is_empty()
            && self.regions(left) == self.regions(right)
        {
            let difference = self.subtract(left, right);
            if self.regions(difference).is_empty() {
                let zero = self.int(POINTER_BITS, 0);
                return Some(self.less(true, difference, zero));
            }
        }
        match (self.get(left), self.get(right)) {
            (&Term::Extend { signed: a, value: one, .. }, &Term::Extend { signed: b, value: other, .. })
                if a == b && (a == is_signed || !a) && self.bits(one) == self.bits(other) =>
            {
                Some(self.less(a, one, other))
            }
            (&Term::Extend { signed: a, value, bits }, &Term::Int { value: limit, .. }) if a == is_signed => {
                let inner = self.bits(value);
                let limit = signed(bits, limit);
                let low = limit.cast_unsigned() & mask_of(inner);
                let back = if a { signed(inner, low) } else { low.cast_signed() };
                (back == limit).then(|| {
                    let limit = self.int(inner, low);
                    self.less(a, value, limit)
                })
            }
            _ => None,
        }
    }

    /// `value` with more bits, fewer, or as many.
    pub(super) fn resize(&mut self, value: TermId, bits: u16, is_signed: bool) -> TermId {
        match self.bits(value) {
            old if old == bits => value,
            old if bits < old => self.extract(value, 0, bits),
            old => match *self.get(value) {
                Term::Int { value: number, .. } if bits <= 64 => {
                    let number = if is_signed { signed(old, number).cast_unsigned() } else { number };
                    self.int(bits, number)
                }
                Term::Extend { signed: false, value: inner, .. } if bits <= 64 => {
                    self.intern(Term::Extend { signed: false, bits, value: inner })
                }
                Term::Extend { signed: true, value: inner, .. } if is_signed && bits <= 64 => {
                    self.intern(Term::Extend { signed: true, bits, value: inner })
                }
                _ if bits > 64 && !is_signed => {
                    let zeros = self.zeros(bits - old);
                    self.concat(&[value, zeros])
                }
                _ => self.intern(Term::Extend { signed: is_signed, bits, value }),
            },
        }
    }

    /// Zero of any width.
    pub(super) fn zeros(&mut self, bits: u16) -> TermId {
        if bits <= 64 {
            return self.int(bits, 0);
        }
        let mut parts = vec![self.int(64, 0); usize::from(bits / 64)];
        if !bits.is_multiple_of(64) {
            parts.push(self.int(bits % 64, 0));
        }
        self.concat(&parts)
    }

    /// The `bits` bits of `value` from `low` up.
    pub(super) fn extract(&mut self, value: TermId, low: u16, bits: u16) -> TermId {
        let whole = self.bits(value);
        if low == 0 && bits == whole {
            return value;
        }
        match self.get(value) {
            Term::Int { value, .. } if low < 64 => {
                let shifted = *value >> low;
                if bits <= 64 { self.int(bits, shifted) } else { self.zeros(bits) }
            }
            &Term::Extract { low: inner_low, value: inner, .. } => self.extract(inner, low + inner_low, bits),
            &Term::Extend { value: inner, signed: is_signed, .. } => {
                let inner_bits = self.bits(inner);
                if low + bits <= inner_bits {
                    self.extract(inner, low, bits)
                } else if low == 0 {
                    self.resize(inner, bits, is_signed)
                } else if low >= inner_bits && !is_signed {
                    self.zeros(bits)
                } else {
                    self.intern(Term::Extract { low, bits, value })
                }
            }
            Term::Concat { parts, .. } => {
                let parts = parts.clone();
                self.extract_parts(&parts, low, bits)
            }
            // The low bits of a sum are the sum of the low bits.
            Term::Sum { constant, terms, .. } if low == 0 && bits <= 64 && self.regions(value).is_empty() => {
                let (constant, terms) = (*constant, terms.clone());
                let parts: Vec<(TermId, u64)> =
                    terms.iter().map(|(term, factor)| (self.extract(*term, 0, bits), *factor)).collect();
                self.linear(&parts, constant, bits)
            }
            &Term::Binary { op: op @ (Operation::And | Operation::Or | Operation::Xor), left, right, .. } => {
                let (left, right) = (self.extract(left, low, bits), self.extract(right, low, bits));
                self.binary(op, left, right)
            }
            _ => self.intern(Term::Extract { low, bits, value }),
        }
    }

    fn extract_parts(&mut self, parts: &[TermId], low: u16, bits: u16) -> TermId {
        let (mut at, end) = (0, low + bits);
        let mut chosen = Vec::new();
        for &part in parts {
            let (start, stop) = (at, at + self.bits(part));
            at = stop;
            let (from, to) = (low.max(start), end.min(stop));
            if from < to {
                chosen.push(self.extract(part, from - start, to - from));
            }
        }
        self.concat(&chosen)
    }

    /// Parts side by side, the lowest first; at least one.
    pub(super) fn concat(&mut self, parts: &[TermId]) -> TermId {
        let mut flat: Vec<TermId> = Vec::with_capacity(parts.len());
        for &part in parts {
            match self.get(part) {
                Term::Concat { parts, .. } => flat.extend(parts.clone().iter()),
                _ => flat.push(part),
            }
        }
        let mut joined: Vec<TermId> = Vec::with_capacity(flat.len());
        for part in flat {
            match joined.last().and_then(|last| self.join(*last, part)) {
                Some(both) => {
                    joined.pop();
                    joined.push(both);
                }
                None => joined.push(part),
            }
        }
        if let [only] = joined.as_slice() {
            return *only;
        }
        let bits = joined.iter().map(|part| self.bits(*part)).fold(0, u16::saturating_add);
        self.intern(Term::Concat { bits, parts: joined.into() })
    }

    /// Two neighbours as one term, if they are pieces of one value or numbers.
    fn join(&mut self, low: TermId, high: TermId) -> Option<TermId> {
        let (low_bits, high_bits) = (self.bits(low), self.bits(high));
        if let Term::Extract { low: next, value: other, .. } = *self.get(high)
            && next == low_bits
            && self.extract_is(other, low, low_bits)
        {
            // The low part may have been simplified when it was cut from the same value.
            return Some(self.extract(other, 0, low_bits + high_bits));
        }
        match (self.get(low), self.get(high)) {
            (&Term::Int { value: a, .. }, &Term::Int { value: b, .. }) if low_bits + high_bits <= 64 => {
                Some(self.int(low_bits + high_bits, a | b << low_bits))
            }
            (&Term::Extract { low: from, value: one, .. }, &Term::Extract { low: next, value: other, .. })
                if one == other && from + low_bits == next =>
            {
                Some(self.extract(one, from, low_bits + high_bits))
            }
            _ => None,
        }
    }

    fn extract_is(&mut self, whole: TermId, low: TermId, bits: u16) -> bool {
        self.extract(whole, 0, bits) == low
    }

    /// A function of the operands of which only that is known.
    pub(super) fn apply(&mut self, name: &str, bits: u16, operands: &[TermId]) -> TermId {
        let name = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        self.intern(Term::Apply { name, bits, operands: operands.into() })
    }
}

/// Euclid's algorithm.
fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn is_commutative(op: Operation) -> bool {
    matches!(op, Operation::Multiply | Operation::And | Operation::Or | Operation::Xor)
}

/// The operation on numbers; `None` where it is undefined.
pub(super) fn fold(op: Operation, bits: u16, a: u64, b: u64) -> Option<u64> {
    let (signed_a, signed_b) = (signed(bits, a), signed(bits, b));
    let shift = || (b < u64::from(bits)).then(|| u32::try_from(b).unwrap_or(63));
    Some(
        match op {
            Operation::Multiply => a.wrapping_mul(b),
            Operation::UnsignedDivide => a.checked_div(b)?,
            Operation::SignedDivide => signed_a.checked_div(signed_b)?.cast_unsigned(),
            Operation::UnsignedRemainder => a.checked_rem(b)?,
            Operation::SignedRemainder => signed_a.checked_rem(signed_b)?.cast_unsigned(),
            Operation::ShiftLeft => a << shift()?,
            Operation::ShiftRight => a >> shift()?,
            Operation::ShiftRightSigned => (signed_a >> shift()?).cast_unsigned(),
            Operation::And => a & b,
            Operation::Or => a | b,
            Operation::Xor => a ^ b,
        } & mask_of(bits),
    )
}
