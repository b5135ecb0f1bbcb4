//! What holds on a path: ranges of terms, values they do not have, and what unknowns turned out to be.
//!
//! A condition is decided by its own recorded truth, by bindings of unknowns, and by intervals computed over its terms.
//! What cannot be decided is undecided: both ways are tried. So an infeasible path may be taken, a feasible one is
//! never missed.
use super::interval::Interval;
use super::term::{Operation, POINTER_BITS, Term, TermId, Terms, mask_of, signed};
use imbl::GenericOrdMap;
use imbl::shared_ptr::RcK;
use std::rc::Rc;

/// A map that is cheap to copy.
pub(super) type Map<K, V> = GenericOrdMap<K, V, RcK>;

/// The path is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Infeasible;

/// Deeper terms are taken to be anything.
const DEPTH_MAX: u32 = 12;

/// More excluded values than this are not remembered.
const EXCLUDED_MAX: usize = 256;

#[derive(Clone, Debug, PartialEq)]
struct Fact {
    interval: Interval,
    /// Values it does not have, ascending.
    excluded: Rc<[u64]>,
}

#[derive(Clone, Default)]
pub(super) struct Facts {
    known: Map<TermId, Fact>,
    /// What a term equals: an older one.
    bindings: Map<TermId, TermId>,
    /// Masks of all bound atoms.
    bound: u64,
    /// Regions whose allocation may have failed: their address may be null.
    nullable: Map<TermId, ()>,
}

impl Facts {
    /// `term` with all that is known of its atoms put in.
    pub(super) fn normalise(&self, terms: &mut Terms, term: TermId) -> TermId {
        if terms.may_contain(term, self.bound) { self.rebuild(terms, term, 0) } else { term }
    }

    fn rebuild(&self, terms: &mut Terms, term: TermId, depth: u32) -> TermId {
        if depth > DEPTH_MAX || !terms.may_contain(term, self.bound) {
            return term;
        }
        if let Some(&value) = self.bindings.get(&term) {
            return self.rebuild(terms, value, depth + 1);
        }
        let rebuilt = self.rebuild_parts(terms, term, depth);
        if rebuilt == term { term } else { self.rebuild(terms, rebuilt, depth + 1) }
    }

    fn rebuild_parts(&self, terms: &mut Terms, term: TermId, depth: u32) -> TermId {
        let next = |terms: &mut Terms, term| self.rebuild(terms, term, depth + 1);
        match terms.get(term).clone() {
            Term::Symbol { .. } | Term::Region(_) | Term::Int { .. } | Term::Code(_) | Term::Label(..) => term,
            Term::Sum { bits, constant, terms: parts } => {
                let parts: Vec<(TermId, u64)> =
                    parts.iter().map(|(part, factor)| (next(terms, *part), *factor)).collect();
                terms.linear(&parts, constant, bits)
            }
            Term::Binary { op, left, right, .. } => {
                let (left, right) = (next(terms, left), next(terms, right));
                terms.binary(op, left, right)
            }
            Term::Less { signed, left, right } => {
                let (left, right) = (next(terms, left), next(terms, right));
                terms.less(signed, left, right)
            }
            Term::Equal { left, right } => {
                let (left, right) = (next(terms, left), next(terms, right));
                terms.equal(left, right)
            }
            Term::Extend { signed, bits, value } => {
                let value = next(terms, value);
                terms.resize(value, bits, signed)
            }
            Term::Extract { low, bits, value } => {
                let value = next(terms, value);
                terms.extract(value, low, bits)
            }
            Term::Concat { parts, .. } => {
                let parts: Vec<TermId> = parts.iter().map(|part| next(terms, *part)).collect();
                terms.concat(&parts)
            }
            Term::Apply { name, bits, operands } => {
                let operands: Vec<TermId> = operands.iter().map(|operand| next(terms, *operand)).collect();
                terms.intern(Term::Apply { name, bits, operands: operands.into() })
            }
        }
    }

    /// The range of a term.
    pub(super) fn interval(&self, terms: &Terms, term: TermId) -> Interval {
        self.interval_within(terms, term, 0)
    }

    fn interval_within(&self, terms: &Terms, term: TermId, depth: u32) -> Interval {
        let bits = terms.bits(term);
        if bits > 64 || depth > DEPTH_MAX {
            return Interval::full(bits);
        }
        let inner = |term| self.interval_within(terms, term, depth + 1);
        let computed = match terms.get(term) {
            Term::Int { value, .. } => return Interval::constant(bits, *value),
            Term::Region(_) if self.nullable.contains_key(&term) => Interval::unsigned(POINTER_BITS, 0, 1 << 47),
            Term::Region(_) | Term::Code(_) | Term::Label(..) => Interval::unsigned(POINTER_BITS, 4096, 1 << 47),
            Term::Sum { constant, terms: parts, .. } => {
                let parts = parts.iter().map(|(part, factor)| (inner(*part), signed(bits, *factor)));
                Interval::linear(bits, signed(bits, *constant), parts.collect::<Vec<_>>().into_iter())
            }
            Term::Binary { op, left, right, .. } => binary_interval(*op, bits, inner(*left), inner(*right)),
            Term::Extend { signed, value, .. } => inner(*value).extended(bits, *signed),
            Term::Extract { low: 0, value, .. } => inner(*value).truncated(bits),
            _ => Interval::full(bits),
        };
        match self.known.get(&term) {
            Some(fact) => computed.and(fact.interval),
            None => computed,
        }
    }

    /// Learns that the address of a region may be null, until it is decided.
    pub(super) fn make_nullable(&mut self, region: TermId) {
        self.nullable.insert(region, ());
    }

    /// Forgets that the address of a region may be null: it was used.
    pub(super) fn make_non_null(&mut self, region: TermId) {
        if self.nullable.contains_key(&region) {
            self.nullable.remove(&region);
        }
    }

    /// Forgets all about a region that is gone.
    pub(super) fn forget(&mut self, region: TermId) {
        self.make_non_null(region);
        if self.bindings.contains_key(&region) {
            self.bindings.remove(&region);
        }
        if self.known.contains_key(&region) {
            self.known.remove(&region);
        }
    }

    /// True where nothing is bound, so that terms stand for themselves.
    pub(super) fn is_bound(&self, terms: &Terms, term: TermId) -> bool {
        terms.may_contain(term, self.bound)
    }

    /// Whether a condition holds, if that is known.
    pub(super) fn decide(&self, terms: &mut Terms, condition: TermId) -> Option<bool> {
        let condition = self.normalise(terms, condition);
        self.decide_normal(terms, condition, 0)
    }

    fn decide_normal(&self, terms: &mut Terms, condition: TermId, depth: u32) -> Option<bool> {
        if let Some(value) = terms.as_int(condition) {
            return Some(value != 0);
        }
        if depth > DEPTH_MAX {
            return None;
        }
        if let Some(inner) = terms.under_not(condition) {
            return self.decide_normal(terms, inner, depth + 1).map(|truth| !truth);
        }
        if let Some(value) = self.known.get(&condition).and_then(|fact| fact.interval.value()) {
            return Some(value != 0);
        }
        match *terms.get(condition) {
            Term::Equal { left, right } => self.decide_equal(terms, left, right),
            Term::Less { signed, left, right } => self.decide_less(terms, signed, left, right),
            Term::Binary { op: op @ (Operation::And | Operation::Or), left, right, .. } => {
                let one = self.decide_normal(terms, left, depth + 1);
                let other = self.decide_normal(terms, right, depth + 1);
                match (op, one, other) {
                    (Operation::And, Some(false), _) | (Operation::And, _, Some(false)) => Some(false),
                    (Operation::Or, Some(true), _) | (Operation::Or, _, Some(true)) => Some(true),
                    (_, Some(one), Some(other)) => Some(if op == Operation::And { one && other } else { one || other }),
                    _ => None,
                }
            }
            _ => self.interval(terms, condition).value().map(|value| value != 0),
        }
    }

    fn decide_equal(&self, terms: &mut Terms, left: TermId, right: TermId) -> Option<bool> {
        if terms.bits(left) > 64 {
            // Wide numbers come of tests for overflow ("is the exact product the narrow one?"), which never happens.
            let is_known = |term| terms.wide_int(term).is_some();
            return Some(!(is_known(left) && is_known(right)));
        }
        let (one, other) = (self.interval(terms, left), self.interval(terms, right));
        if one.and(other).is_empty() {
            return Some(false);
        }
        if let (Some(a), Some(b)) = (one.value(), other.value()) {
            return Some(a == b);
        }
        for (term, value) in [(left, other.value()), (right, one.value())] {
            if let (Some(fact), Some(value)) = (self.known.get(&term), value)
                && fact.excluded.binary_search(&value).is_ok()
            {
                return Some(false);
            }
        }
        for (a, b) in [(left, right), (right, left)] {
            let less = terms.less(true, a, b);
            let less_unsigned = terms.less(false, a, b);
            let is_true = |term| self.known.get(&term).and_then(|fact: &Fact| fact.interval.value()) == Some(1);
            if is_true(less) || is_true(less_unsigned) {
                return Some(false);
            }
        }
        None
    }

    fn decide_less(&self, terms: &mut Terms, is_signed: bool, left: TermId, right: TermId) -> Option<bool> {
        let (one, other) = (self.interval(terms, left), self.interval(terms, right));
        let (is_less, is_not) = if is_signed {
            (one.signed_high < other.signed_low, other.signed_high <= one.signed_low)
        } else {
            (one.high < other.low, other.high <= one.low)
        };
        if is_less || is_not {
            return Some(is_less);
        }
        let swapped = terms.less(is_signed, right, left);
        if self.known.get(&swapped).and_then(|fact| fact.interval.value()) == Some(1) {
            return Some(false);
        }
        if is_signed {
            let difference = terms.subtract(left, right);
            let difference = self.interval(terms, difference);
            if difference.signed_high < 0 || difference.signed_low >= 0 {
                return Some(difference.signed_high < 0);
            }
        }
        None
    }

    /// Learns that a condition holds, or does not.
    ///
    /// # Errors
    /// Where that cannot be.
    pub(super) fn assume(&mut self, terms: &mut Terms, condition: TermId, truth: bool) -> Result<(), Infeasible> {
        let condition = self.normalise(terms, condition);
        match self.decide_normal(terms, condition, 0) {
            Some(known) if known == truth => Ok(()),
            Some(_) => Err(Infeasible),
            None => self.learn(terms, condition, truth, 0),
        }
    }

    fn learn(&mut self, terms: &mut Terms, condition: TermId, truth: bool, depth: u32) -> Result<(), Infeasible> {
        if depth > DEPTH_MAX {
            return Ok(());
        }
        if let Some(inner) = terms.under_not(condition) {
            return self.learn(terms, inner, !truth, depth + 1);
        }
        match *terms.get(condition) {
            Term::Int { value, .. } => return if (value != 0) == truth { Ok(()) } else { Err(Infeasible) },
            Term::Equal { left, .. } if terms.bits(left) > 64 => {
                return self.record(condition, Interval::constant(1, u64::from(truth)));
            }
            Term::Equal { left, right } => {
                return if truth {
                    self.learn_equal(terms, left, right, depth)
                } else {
                    self.learn_different(terms, condition, left, right)
                };
            }
            Term::Less { signed, left, right } => {
                self.record(condition, Interval::constant(1, u64::from(truth)))?;
                return self.learn_less(terms, signed, left, right, truth, depth);
            }
            Term::Binary { op, left, right, .. }
                if (op == Operation::And && truth) || (op == Operation::Or && !truth) =>
            {
                self.learn(terms, left, truth, depth + 1)?;
                return self.learn(terms, right, truth, depth + 1);
            }
            _ => {}
        }
        self.refine(terms, condition, Interval::constant(1, u64::from(truth)), depth)
    }

    fn learn_equal(&mut self, terms: &mut Terms, left: TermId, right: TermId, depth: u32) -> Result<(), Infeasible> {
        let (one, other) = (self.interval(terms, left), self.interval(terms, right));
        let both = one.and(other);
        if both.is_empty() {
            return Err(Infeasible);
        }
        if let Some((atom, value)) = self.bindable(terms, left, right) {
            return self.bind(terms, atom, value);
        }
        if let Some((part, rest)) = solved(terms, left, right) {
            self.refine(terms, left, both, depth + 1)?;
            self.refine(terms, right, both, depth + 1)?;
            return self.bind(terms, part, rest);
        }
        let condition = terms.equal(left, right);
        if matches!(terms.get(condition), Term::Equal { .. }) {
            self.record(condition, Interval::constant(1, 1))?;
        }
        self.refine(terms, left, both, depth + 1)?;
        self.refine(terms, right, both, depth + 1)
    }

    /// An atom, and what it can be replaced by.
    fn bindable(&self, terms: &Terms, left: TermId, right: TermId) -> Option<(TermId, TermId)> {
        let is_symbol = |term| matches!(terms.get(term), Term::Symbol { .. });
        let is_region = |term| matches!(terms.get(term), Term::Region(_));
        match (is_symbol(left), is_symbol(right)) {
            // The older one stays.
            (true, true) => Some((left.max(right), left.min(right))),
            (true, false) if !self.mentions(terms, right, left) => Some((left, right)),
            (false, true) if !self.mentions(terms, left, right) => Some((right, left)),
            _ if is_region(left) && terms.is_zero(right) => Some((left, right)),
            _ if is_region(right) && terms.is_zero(left) => Some((right, left)),
            _ => None,
        }
    }

    fn mentions(&self, terms: &Terms, term: TermId, atom: TermId) -> bool {
        terms.may_contain(term, terms.mask(atom))
    }

    /// Replaces a term everywhere, from now on.
    pub(super) fn bind(&mut self, terms: &mut Terms, atom: TermId, value: TermId) -> Result<(), Infeasible> {
        let mask = terms.mask(atom);
        self.make_non_null(atom);
        self.bindings.insert(atom, value);
        self.bound |= mask;
        let affected: Vec<TermId> = self.known.keys().copied().filter(|term| terms.may_contain(*term, mask)).collect();
        for term in affected {
            let replaced = self.normalise(terms, term);
            if replaced == term {
                continue;
            }
            let Some(fact) = self.known.remove(&term) else { continue };
            self.refine(terms, replaced, fact.interval, 0)?;
            for value in fact.excluded.iter() {
                self.exclude(terms, replaced, *value)?;
            }
        }
        Ok(())
    }

    fn learn_different(
        &mut self,
        terms: &mut Terms,
        condition: TermId,
        left: TermId,
        right: TermId,
    ) -> Result<(), Infeasible> {
        if let Some(value) = terms.as_int(right) {
            return self.exclude(terms, left, value);
        }
        if let Some(value) = terms.as_int(left) {
            return self.exclude(terms, right, value);
        }
        self.record(condition, Interval::constant(1, 0))
    }

    /// Learns that a term is not this number.
    fn exclude(&mut self, terms: &mut Terms, term: TermId, value: u64) -> Result<(), Infeasible> {
        let bits = terms.bits(term);
        if bits > 64 {
            return Ok(());
        }
        if value == 0 {
            self.make_non_null(term);
        }
        let range = self.interval(terms, term);
        if range.value() == Some(value) {
            return Err(Infeasible);
        }
        if !range.contains(value) {
            return Ok(());
        }
        let with_sign = signed(bits, value);
        let mut cut = range;
        if cut.low == value {
            cut.low += 1;
        }
        if cut.high == value {
            cut.high -= 1;
        }
        if cut.signed_low == with_sign {
            cut.signed_low += 1;
        }
        if cut.signed_high == with_sign {
            cut.signed_high -= 1;
        }
        let excluded = match self.known.get(&term) {
            Some(fact) => fact.excluded.clone(),
            None => Rc::from([]),
        };
        if let Err(at) = excluded.binary_search(&value)
            && excluded.len() < EXCLUDED_MAX
        {
            let mut more = excluded.to_vec();
            more.insert(at, value);
            // What the range leaves out by itself need not be listed.
            more.retain(|value| cut.contains(*value));
            let interval = self.known.get(&term).map_or(Interval::full(bits), |fact| fact.interval);
            self.known.insert(term, Fact { interval, excluded: more.into() });
        }
        self.refine(terms, term, cut, 0)?;
        if let Term::Extend { value: inner, .. } = *terms.get(term) {
            return self.exclude(terms, inner, value & mask_of(terms.bits(inner)));
        }
        Ok(())
    }

    fn learn_less(
        &mut self,
        terms: &mut Terms,
        is_signed: bool,
        left: TermId,
        right: TermId,
        truth: bool,
        depth: u32,
    ) -> Result<(), Infeasible> {
        // Not less is "right <= left".
        let (small, large, gap) = if truth { (left, right, 1) } else { (right, left, 0) };
        let bits = terms.bits(left);
        let (low, high) = (self.interval(terms, small), self.interval(terms, large));
        let full = Interval::full(bits);
        let (below, above) = if is_signed {
            let most = high.signed_high.checked_sub(gap).ok_or(Infeasible)?;
            let least = low.signed_low.checked_add(gap).ok_or(Infeasible)?;
            if most < full.signed_low || full.signed_high < least {
                return Err(Infeasible);
            }
            (
                Interval::with_sign(bits, full.signed_low.into(), most.into()),
                Interval::with_sign(bits, least.into(), full.signed_high.into()),
            )
        } else {
            let most = high.high.checked_sub(gap.unsigned_abs()).ok_or(Infeasible)?;
            let least = low.low.checked_add(gap.unsigned_abs()).ok_or(Infeasible)?;
            if full.high < least {
                return Err(Infeasible);
            }
            (Interval::unsigned(bits, 0, most), Interval::unsigned(bits, least, full.high))
        };
        self.refine(terms, small, below, depth + 1)?;
        self.refine(terms, large, above, depth + 1)
    }

    fn record(&mut self, term: TermId, interval: Interval) -> Result<(), Infeasible> {
        let (interval, excluded) = match self.known.get(&term) {
            Some(fact) => (fact.interval.and(interval), fact.excluded.clone()),
            None => (interval, Rc::from([])),
        };
        if interval.is_empty() {
            return Err(Infeasible);
        }
        self.known.insert(term, Fact { interval, excluded });
        Ok(())
    }

    /// Learns that a term lies in `range`.
    pub(super) fn refine(
        &mut self,
        terms: &mut Terms,
        term: TermId,
        range: Interval,
        depth: u32,
    ) -> Result<(), Infeasible> {
        let bits = terms.bits(term);
        if bits > 64 || depth > DEPTH_MAX {
            return Ok(());
        }
        let before = self.interval(terms, term);
        let mut after = before.and(range);
        if after.is_empty() {
            return Err(Infeasible);
        }
        if after == before {
            return Ok(());
        }
        after = self.skip_excluded(term, after)?;
        let is_comparison =
            matches!(terms.get(term), Term::Equal { .. } | Term::Less { .. }) || terms.under_not(term).is_some();
        if is_comparison && let Some(value) = after.value() {
            return self.learn(terms, term, value != 0, depth + 1);
        }
        if let Some(value) = after.value()
            && matches!(terms.get(term), Term::Symbol { .. })
        {
            let value = terms.int(bits, value);
            return self.bind(terms, term, value);
        }
        self.record(term, after)?;
        self.refine_parts(terms, term, after, depth)
    }

    /// Moves bounds off values that the term does not have.
    fn skip_excluded(&self, term: TermId, mut range: Interval) -> Result<Interval, Infeasible> {
        let Some(fact) = self.known.get(&term) else { return Ok(range) };
        while fact.excluded.binary_search(&range.low).is_ok() {
            range.low = range.low.checked_add(1).ok_or(Infeasible)?;
        }
        while fact.excluded.binary_search(&range.high).is_ok() {
            range.high = range.high.checked_sub(1).ok_or(Infeasible)?;
        }
        let range = range.and(range);
        if range.is_empty() { Err(Infeasible) } else { Ok(range) }
    }

    fn refine_parts(&mut self, terms: &mut Terms, term: TermId, range: Interval, depth: u32) -> Result<(), Infeasible> {
        match terms.get(term).clone() {
            Term::Extend { signed: is_signed, value, .. } => {
                let inner = Interval::full(terms.bits(value));
                let narrowed = if is_signed {
                    let (low, high) =
                        (range.signed_low.max(inner.signed_low), range.signed_high.min(inner.signed_high));
                    Interval::with_sign(inner.bits, low.into(), high.into())
                } else {
                    Interval::unsigned(inner.bits, range.low, range.high.min(inner.high))
                };
                self.refine(terms, value, narrowed, depth + 1)
            }
            Term::Extract { low: 0, value, .. } => {
                // Only where nothing is cut off.
                let whole = self.interval(terms, value);
                let bits = terms.bits(term);
                if terms.bits(value) <= 64 && whole.high <= mask_of(bits) {
                    let widened = range.extended(terms.bits(value), false);
                    return self.refine(terms, value, widened, depth + 1);
                }
                Ok(())
            }
            Term::Sum { bits, constant, terms: parts } => {
                let [(part, factor)] = &*parts else { return Ok(()) };
                let constant = i128::from(signed(bits, constant));
                let factor = i128::from(signed(bits, *factor));
                let (low, high) = (i128::from(range.signed_low) - constant, i128::from(range.signed_high) - constant);
                // Round inwards.
                let (a, b) = if factor > 0 { (low, high) } else { (high, low) };
                let narrowed = Interval::with_sign(bits, div_up(a, factor), div_down(b, factor));
                let current = self.interval(terms, *part);
                if factor.abs() > 1 && current.is_full() {
                    return Ok(());
                }
                // With a constant the sum may have wrapped; without sign bits set it has not.
                if current.and(narrowed).is_empty() { Ok(()) } else { self.refine(terms, *part, narrowed, depth + 1) }
            }
            _ => Ok(()),
        }
    }

    /// What holds on both paths.
    pub(super) fn join(&self, other: &Facts) -> Facts {
        let mut known = Map::default();
        for (term, fact) in &self.known {
            let Some(theirs) = other.known.get(term) else { continue };
            let excluded: Rc<[u64]> = if fact.excluded == theirs.excluded {
                fact.excluded.clone()
            } else {
                fact.excluded.iter().copied().filter(|value| theirs.excluded.binary_search(value).is_ok()).collect()
            };
            let interval = fact.interval.hull(theirs.interval);
            if !interval.is_full() || !excluded.is_empty() {
                known.insert(*term, Fact { interval, excluded });
            }
        }
        Facts { known, bindings: self.bindings.clone(), bound: self.bound, nullable: self.nullable.clone() }
    }

    /// True where all that `other` knows holds here.
    pub(super) fn implies(&self, terms: &Terms, other: &Facts) -> bool {
        other.known.iter().all(|(term, theirs)| {
            let ours = self.interval(terms, *term);
            let is_within = ours.and(theirs.interval) == ours;
            let excluded = self.known.get(term).map_or(&[][..], |fact| &fact.excluded);
            is_within && theirs.excluded.iter().all(|value| !ours.contains(*value) || excluded.contains(value))
        })
    }

    /// True where both replace the same atoms by the same terms, and the same allocations may have failed.
    pub(super) fn has_same_bindings(&self, other: &Facts) -> bool {
        (self.bindings.ptr_eq(&other.bindings) || self.bindings == other.bindings)
            && (self.nullable.ptr_eq(&other.nullable) || self.nullable == other.nullable)
    }
}

/// The latest part of `left - right` as what it must be for that to be zero. Terms are made after their parts, so the
/// latest is in none of the others.
fn solved(terms: &mut Terms, left: TermId, right: TermId) -> Option<(TermId, TermId)> {
    let difference = terms.subtract(left, right);
    let bits = terms.bits(difference);
    let Term::Sum { constant, terms: parts, .. } = terms.get(difference) else { return None };
    let (constant, mut rest) = (*constant, parts.to_vec());
    let (last, factor) = rest.pop()?;
    if matches!(terms.get(last), Term::Region(_) | Term::Code(_) | Term::Label(..)) {
        return None;
    }
    // last × 1 + rest == 0, or last × -1 + rest == 0.
    let sign = match factor {
        1 => mask_of(bits),
        minus if minus == mask_of(bits) => 1,
        _ => return None,
    };
    let rest: Vec<(TermId, u64)> = rest.into_iter().map(|(term, factor)| (term, factor.wrapping_mul(sign))).collect();
    let value = terms.linear(&rest, constant.wrapping_mul(sign), bits);
    Some((last, value))
}

fn div_down(a: i128, b: i128) -> i128 {
    a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0)
}

fn div_up(a: i128, b: i128) -> i128 {
    -div_down(-a, b)
}

fn binary_interval(op: Operation, bits: u16, left: Interval, right: Interval) -> Interval {
    let full = Interval::full(bits);
    match op {
        Operation::And => Interval::unsigned(bits, 0, left.high.min(right.high)),
        Operation::Or => {
            let ones = u64::MAX.checked_shr((left.high | right.high).leading_zeros()).unwrap_or(0);
            Interval::unsigned(bits, left.low.max(right.low), ones & full.high)
        }
        Operation::UnsignedRemainder if right.high > 0 => Interval::unsigned(bits, 0, left.high.min(right.high - 1)),
        Operation::SignedRemainder if right.signed_low > 0 => {
            let most = i128::from(right.signed_high - 1);
            let low = if left.signed_low >= 0 { 0 } else { -most };
            let high = if left.signed_high <= 0 { 0 } else { most.min(left.signed_high.into()) };
            Interval::with_sign(bits, low.max(i128::from(left.signed_low).min(0)), high)
        }
        Operation::UnsignedDivide if right.low > 0 => {
            Interval::unsigned(bits, left.low / right.high.max(1), left.high / right.low)
        }
        Operation::SignedDivide if right.signed_low > 0 => {
            let ends = [left.signed_low, left.signed_high];
            let all = ends.map(|end| [end / right.signed_low, end / right.signed_high]).concat();
            let (low, high) = (all.iter().min().copied().unwrap_or(0), all.iter().max().copied().unwrap_or(0));
            Interval::with_sign(bits, low.into(), high.into())
        }
        Operation::Multiply => left.product(right),
        Operation::ShiftRight => match right.value() {
            Some(shift) if shift < u64::from(bits) => Interval::unsigned(bits, left.low >> shift, left.high >> shift),
            _ => Interval::unsigned(bits, 0, left.high),
        },
        Operation::ShiftRightSigned => match right.value() {
            Some(shift) if shift < u64::from(bits) => {
                Interval::with_sign(bits, (left.signed_low >> shift).into(), (left.signed_high >> shift).into())
            }
            _ => full,
        },
        _ => full,
    }
}
