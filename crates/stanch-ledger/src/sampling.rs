//! Sampling by bytes: which blocks a sampled recording looks at, and how many each of them stands for.
//!
//! Samples are the points of a Poisson process along the bytes that a thread allocates, one in `mean_bytes` on average,
//! as in tcmalloc's heap profiler. A block of `s` bytes takes `s + 1` bytes of that line, so that empty blocks have
//! their chance, and is sampled if a point falls on it:
//!
//! ```text
//! p(s) = 1 - exp(-(s + 1) / mean_bytes)
//! ```
//!
//! A sampled block stands for `1 / p` blocks of its size (Horvitz and Thompson, "A generalization of sampling without
//! replacement from a finite universe", 1952), which makes sums over sampled blocks unbiased.
//!
//! Both sides use this file: the recorder to sample, the collector and the analyses to weigh. Logarithm and exponential
//! are computed here, since code without `std` has none; both are good to 1 part in 10^15 (tested).

/// Weighted counts of blocks in a sampled ledger are in units of this fraction of a block.
pub const COUNT_UNITS: u64 = 1 << 16;

/// Pseudo-random numbers: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// Bytes that pass before the next sample: exponentially distributed, rounded down.
    pub fn distance(&mut self, mean_bytes: u64) -> u64 {
        // In (0, 1], in steps of 2^-53.
        let uniform = ((self.bits() >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64);
        (-logarithm(uniform) * mean_bytes as f64) as u64
    }
}

/// SplitMix64's finalizer: spreads every bit over all others.
#[must_use]
pub const fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// How far along the line of bytes one block reaches. `None` beyond what can be allocated.
#[must_use]
pub const fn span(bytes: u64) -> Option<u64> {
    bytes.checked_add(1)
}

/// Probability that a block of this size is sampled.
#[must_use]
pub fn probability(bytes: u64, mean_bytes: u64) -> f64 {
    one_minus_exp((bytes as f64 + 1.0) / mean_bytes.max(1) as f64)
}

/// Blocks that one sampled block of this size stands for; at least 1.
#[must_use]
pub fn weight(bytes: u64, mean_bytes: u64) -> f64 {
    1.0 / probability(bytes, mean_bytes)
}

/// Natural logarithm of a positive, normal number.
#[must_use]
pub fn logarithm(number: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = number.to_bits();
    let mut exponent = (bits >> 52 & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits(bits & MANTISSA | 1023 << 52);
    if mantissa > core::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)); the ratio is below 0.172, so ten terms of the series are enough.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (1..=10).rev().fold(0.0, |sum, term| (sum + 1.0 / (2 * term + 1) as f64) * square);
    exponent as f64 * core::f64::consts::LN_2 + 2.0 * ratio * (1.0 + series)
}

/// `1 - exp(-x)` for `x >= 0`, without loss of digits where `x` is small.
#[must_use]
pub fn one_minus_exp(x: f64) -> f64 {
    if x < 0.5 {
        // x - x²/2! + x³/3! - …; the 17th term is below 2^-53 of the first.
        return x * (2..=17).rev().fold(1.0, |sum, term| 1.0 - sum * x / f64::from(term));
    }
    if x > 40.0 {
        return 1.0;
    }
    // exp(-x) = 2^-k exp(r), where |r| <= ln(2) / 2.
    let halvings = (x * core::f64::consts::LOG2_E + 0.5) as u64;
    let rest = halvings as f64 * core::f64::consts::LN_2 - x;
    let exp = (1..=15).rev().fold(1.0, |sum, term| 1.0 + sum * rest / f64::from(term));
    1.0 - exp * f64::from_bits((1023 - halvings) << 52)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    const TOLERANCE: f64 = 1e-15;

    fn assert_close(found: f64, expected: f64, of: f64) {
        assert!((found - expected).abs() <= TOLERANCE * expected.abs(), "of {of}: {found} for {expected}");
    }

    #[test]
    fn logarithm_agrees_with_the_library() {
        let mut random = Random(1);
        for _ in 0..100_000 {
            let number = ((random.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64;
            assert_close(logarithm(number), number.ln(), number);
        }
        for exponent in -1022..1023 {
            let number = 2f64.powi(exponent) * 1.7;
            assert_close(logarithm(number), number.ln(), number);
        }
        assert_eq!(logarithm(1.0), 0.0);
    }

    #[test]
    fn one_minus_exp_agrees_with_the_library() {
        for step in 1..200_000 {
            let x = f64::from(step) * 2.5e-4;
            assert_close(one_minus_exp(x), -(-x).exp_m1(), x);
            assert_close(one_minus_exp(x * 1e-6), -(-x * 1e-6).exp_m1(), x * 1e-6);
        }
        assert_eq!(one_minus_exp(0.0), 0.0);
        assert_eq!(one_minus_exp(1e300), 1.0);
    }

    #[test]
    fn distances_are_exponential() {
        const DRAWS: usize = 400_000;
        let mean = 4096u64;
        let mut random = Random(7);
        let mut sum = 0.0;
        let mut beyond = [0u32; 4];
        for _ in 0..DRAWS {
            let distance = random.distance(mean);
            sum += distance as f64 + 0.5;
            for (times, beyond) in (1..).zip(&mut beyond) {
                *beyond += u32::from(times * mean <= distance);
            }
        }
        // The deviation of the mean is mean / sqrt(draws); four of them.
        assert!((sum / DRAWS as f64 - mean as f64).abs() < 4.0 * mean as f64 / (DRAWS as f64).sqrt());
        for (times, beyond) in (1..).zip(beyond) {
            let p = f64::from(-times).exp();
            let deviation = (p * (1.0 - p) * DRAWS as f64).sqrt();
            assert!((f64::from(beyond) - p * DRAWS as f64).abs() < 4.0 * deviation, "beyond {times} means: {beyond}");
        }
    }

    #[test]
    fn what_is_sampled_as_often_as_said() {
        for (bytes, mean) in [(0, 64), (16, 4096), (4000, 4096), (100_000, 4096), (u64::MAX, 1)] {
            const DRAWS: u32 = 200_000;
            let mut random = Random(bytes ^ mean);
            let hits = (0..DRAWS).filter(|_| random.distance(mean) <= bytes).count() as f64;
            let p = probability(bytes, mean);
            let deviation = (p * (1.0 - p) * f64::from(DRAWS)).sqrt();
            assert!((hits - p * f64::from(DRAWS)).abs() <= 4.0 * deviation, "{bytes} of {mean}: {hits}");
        }
        assert_eq!(weight(1 << 40, 512 << 10), 1.0);
    }
}
