//! When a block was born, in 12 bits: milliseconds since the process image started as a small
//! floating-point number (7 bits of precision), exact below 128 ms, good to 0.8 % for years.

/// Encoded birth time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BirthCode(pub u16);

impl BirthCode {
    /// Encodes a time in milliseconds, rounding down.
    pub const fn from_ms(ms: u64) -> Self {
        if ms < 128 {
            return Self(ms as u16);
        }
        let shift = 63 - ms.leading_zeros() - 7;
        let exponent = shift + 1;
        if exponent > 31 {
            return Self(0xfff);
        }
        Self(((exponent as u16) << 7) | ((ms >> shift) as u16 & 0x7f))
    }

    /// The time in milliseconds that the code stands for.
    pub const fn ms(self) -> u64 {
        let exponent = (self.0 >> 7) as u32 & 31;
        let mantissa = (self.0 & 0x7f) as u64;
        if exponent == 0 { mantissa } else { (128 + mantissa) << (exponent - 1) }
    }
}

/// Lifetime class 1 to 12 of a block that lived `ms` milliseconds: below 50 ms × 4^(class-1), the last
/// one open. (Class 0 is for blocks freed before their thread allocated again.)
pub const fn lifetime_bucket(ms: u64) -> usize {
    let units = ms / 50;
    let class = 1 + (64 - units.leading_zeros() as usize).div_ceil(2);
    if class > 12 { 12 } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_within_one_percent_and_in_order() {
        let mut last = 0;
        for step in 0..200_000u64 {
            let ms = step * step / 7;
            let back = BirthCode::from_ms(ms).ms();
            assert!(back <= ms && (ms - back) * 128 <= ms.max(1), "{ms} became {back}");
            assert!(back >= last);
            last = back;
        }
        assert_eq!(BirthCode::from_ms(u64::MAX).0, 0xfff);
    }

    #[test]
    fn lifetimes_fall_into_quadrupling_classes() {
        assert_eq!(lifetime_bucket(0), 1);
        assert_eq!(lifetime_bucket(49), 1);
        assert_eq!(lifetime_bucket(50), 2);
        assert_eq!(lifetime_bucket(199), 2);
        assert_eq!(lifetime_bucket(200), 3);
        assert_eq!(lifetime_bucket(799), 3);
        assert_eq!(lifetime_bucket(u64::MAX), 12);
    }
}
