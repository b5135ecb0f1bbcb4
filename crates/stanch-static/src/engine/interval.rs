//! What range a term lies in, seen without sign and with sign at once.
use super::term::{mask_of, signed};

/// All values `v` of `bits` bits with `low <= v <= high` without sign and `signed_low <= v <= signed_high` with sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) bits: u16,
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) signed_low: i64,
    pub(super) signed_high: i64,
}

impl Interval {
    /// Every value.
    pub(super) fn full(bits: u16) -> Interval {
        let bits = bits.clamp(1, 64);
        let signed_high = (mask_of(bits) >> 1).cast_signed();
        Interval { bits, low: 0, high: mask_of(bits), signed_low: -signed_high - 1, signed_high }
    }

    pub(super) fn constant(bits: u16, value: u64) -> Interval {
        let with_sign = signed(bits, value);
        Interval { bits, low: value, high: value, signed_low: with_sign, signed_high: with_sign }
    }

    pub(super) fn unsigned(bits: u16, low: u64, high: u64) -> Interval {
        Interval { low, high, ..Interval::full(bits) }.tightened()
    }

    /// Bounds beyond what `bits` can hold are cut.
    pub(super) fn with_sign(bits: u16, low: i128, high: i128) -> Interval {
        let full = Interval::full(bits);
        let clamp = |bound: i128| {
            i64::try_from(bound.clamp(i128::from(full.signed_low), i128::from(full.signed_high))).unwrap_or(0)
        };
        if high < i128::from(full.signed_low) || i128::from(full.signed_high) < low {
            return full;
        }
        Interval { signed_low: clamp(low), signed_high: clamp(high), ..full }.tightened()
    }

    pub(super) fn is_empty(self) -> bool {
        self.high < self.low || self.signed_high < self.signed_low
    }

    pub(super) fn value(self) -> Option<u64> {
        (self.low == self.high).then_some(self.low)
    }

    pub(super) fn contains(self, value: u64) -> bool {
        let with_sign = signed(self.bits, value);
        self.low <= value && value <= self.high && self.signed_low <= with_sign && with_sign <= self.signed_high
    }

    /// The values in both. May be empty.
    pub(super) fn and(self, other: Interval) -> Interval {
        Interval {
            bits: self.bits,
            low: self.low.max(other.low),
            high: self.high.min(other.high),
            signed_low: self.signed_low.max(other.signed_low),
            signed_high: self.signed_high.min(other.signed_high),
        }
        .tightened()
    }

    /// The smallest interval that holds both.
    pub(super) fn hull(self, other: Interval) -> Interval {
        Interval {
            bits: self.bits,
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            signed_low: self.signed_low.min(other.signed_low),
            signed_high: self.signed_high.max(other.signed_high),
        }
    }

    /// Without the values below `low` and above `high`, without sign; an empty interval for an empty range.
    pub(super) fn is_full(self) -> bool {
        self == Interval::full(self.bits)
    }

    /// Each view sharpens the other where the interval does not cross the sign.
    fn tightened(mut self) -> Interval {
        if self.is_empty() {
            return self;
        }
        let half = mask_of(self.bits) >> 1;
        let unsign = |value: i64| value.cast_unsigned() & mask_of(self.bits);
        if self.signed_low >= 0 || self.signed_high < 0 {
            self.low = self.low.max(unsign(self.signed_low));
            self.high = self.high.min(unsign(self.signed_high));
        }
        if self.is_empty() {
            return self;
        }
        if self.high <= half || self.low > half {
            self.signed_low = self.signed_low.max(signed(self.bits, self.low));
            self.signed_high = self.signed_high.min(signed(self.bits, self.high));
        }
        self
    }

    /// The same values in more bits.
    pub(super) fn extended(self, bits: u16, is_signed: bool) -> Interval {
        if is_signed {
            Interval::with_sign(bits, self.signed_low.into(), self.signed_high.into())
        } else {
            Interval::unsigned(bits, self.low, self.high)
        }
    }

    /// The low bits.
    pub(super) fn truncated(self, bits: u16) -> Interval {
        let full = Interval::full(bits);
        if self.high <= full.high {
            Interval::unsigned(bits, self.low, self.high)
        } else if full.signed_low <= self.signed_low && self.signed_high <= full.signed_high {
            Interval::with_sign(bits, self.signed_low.into(), self.signed_high.into())
        } else {
            full
        }
    }

    /// The exact sum of `constant` and intervals times signed factors, where it does not overflow. A signed sum that
    /// overflows on one side is cut there: signed overflow is undefined in C, and unsigned code that relies on it is
    /// seen without sign.
    pub(super) fn linear(bits: u16, constant: i64, parts: impl Iterator<Item = (Interval, i64)> + Clone) -> Interval {
        let full = Interval::full(bits);
        let sum = |pick: fn(&Interval) -> (i128, i128)| {
            parts.clone().fold((i128::from(constant), i128::from(constant)), |(low, high), (part, factor)| {
                let (a, b) = pick(&part);
                let (a, b) = (a.saturating_mul(factor.into()), b.saturating_mul(factor.into()));
                (low.saturating_add(a.min(b)), high.saturating_add(a.max(b)))
            })
        };
        let (low, high) = sum(|part| (part.low.into(), part.high.into()));
        let (signed_low, signed_high) = sum(|part| (part.signed_low.into(), part.signed_high.into()));
        let fits = 0 <= low && high <= i128::from(full.high);
        let without_sign = if fits {
            Interval::unsigned(bits, u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(full.high))
        } else {
            full
        };
        without_sign.and(Interval::with_sign(bits, signed_low, signed_high))
    }

    /// All products.
    pub(super) fn product(self, other: Interval) -> Interval {
        let corners = |a: (i128, i128), b: (i128, i128)| {
            // Two numbers of 64 bits without sign may have more than 127 bits.
            let product = |one: i128, other: i128| one.saturating_mul(other);
            let all = [product(a.0, b.0), product(a.0, b.1), product(a.1, b.0), product(a.1, b.1)];
            (all.into_iter().min().unwrap_or(0), all.into_iter().max().unwrap_or(0))
        };
        let full = Interval::full(self.bits);
        let (low, high) = corners((self.low.into(), self.high.into()), (other.low.into(), other.high.into()));
        if high <= i128::from(full.high) {
            let (low, high) = (u64::try_from(low).unwrap_or(0), u64::try_from(high).unwrap_or(full.high));
            return Interval::unsigned(self.bits, low, high);
        }
        let sides = |one: &Interval| (i128::from(one.signed_low), i128::from(one.signed_high));
        let (low, high) = corners(sides(&self), sides(&other));
        if i128::from(full.signed_low) <= low && high <= i128::from(full.signed_high) {
            Interval::with_sign(self.bits, low, high)
        } else {
            full
        }
    }
}
