//! How far the estimates of a sampled recording may be off: intervals of 95 % confidence.
//!
//! A sampled block of `x` bytes was sampled with probability `p` ([`stanch_ledger::sampling`]) and stands for `1 / p`
//! blocks: itself, which is certain, and `1 / p - 1` that were not seen. So only the unseen part `U` is uncertain. Its
//! estimate and the estimate of that one's variance are sums over the blocks seen (Horvitz and Thompson 1952):
//!
//! ```text
//! U = sum x (1 / p - 1)        V = sum x² (1 - p) / p²
//! ```
//!
//! Where few blocks are seen, `U` is far from normal: it is a sum of a few large numbers, like a Poisson variable times
//! a weight. So the interval is that of a gamma distribution, as for weighted sums of Poisson variables (Fay and Feuer,
//! "Confidence intervals for directly standardized rates", 1997). Half a sample of the largest weight `m` is added, a
//! mean of `m / 2` and a variance of `m² / 2`: for equal small blocks the interval is then the one that Jeffreys' prior
//! gives for a Poisson count, which keeps close to the nominal coverage also at small counts.
use stanch_finding::{Amounts, BlockCount, ByteCount, Estimate};
use stanch_ledger::sampling::weight;
use stanch_recording::{AllocatorFunction, Group, Sampling, SeenBlocks};
use statrs::distribution::{ContinuousCDF, Gamma};

/// Half of what an interval of 95 % leaves out.
const TAIL: f64 = 0.025;

/// Sums over sampled blocks that an interval is made of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Uncertainty {
    samples: u64,
    blocks: Sums,
    bytes: Sums,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// What was seen, and is certain.
    seen: f64,
    /// Estimate of what was not.
    unseen: f64,
    /// Estimated variance of that estimate.
    variance: f64,
    /// Most that one sample stands for beside itself.
    largest: f64,
    /// What a sample might stand for of which there is none.
    others: f64,
}

impl Sums {
    fn add(&mut self, each: f64, weight: f64, count: f64) {
        self.seen += each * count;
        self.unseen += each * (weight - 1.0) * count;
        self.variance += each * each * weight * (weight - 1.0) * count;
        self.largest = self.largest.max(each * (weight - 1.0));
    }

    /// Low and high end.
    fn interval(&self) -> (u64, u64) {
        let low = self.quantile(TAIL, self.largest);
        let high = self.quantile(1.0 - TAIL, self.largest.max(self.others));
        (low.floor() as u64, high.ceil() as u64)
    }

    fn quantile(&self, part: f64, largest: f64) -> f64 {
        let mean = self.unseen + largest / 2.0;
        let variance = self.variance + largest * largest / 2.0;
        match Gamma::new(mean * mean / variance, mean / variance) {
            Ok(gamma) => self.seen + gamma.inverse_cdf(part),
            // Every block was certain to be sampled.
            Err(_) => self.seen,
        }
    }
}

impl Uncertainty {
    /// Adds sampled blocks of one size.
    fn add(&mut self, seen: &SeenBlocks, mean_bytes: u64) {
        let (weight, count) = (weight(seen.block_bytes, mean_bytes), seen.blocks as f64);
        self.samples = self.samples.saturating_add(seen.blocks);
        self.blocks.add(1.0, weight, count);
        self.bytes.add(seen.block_bytes as f64, weight, count);
    }

    /// Adds the live blocks of a group. Mappings are known exactly: all of them are recorded.
    pub(crate) fn add_group(&mut self, group: &Group, sampling: &Sampling) {
        if is_mapping(group.allocator) {
            self.blocks.seen += group.blocks as f64;
            self.bytes.seen += group.bytes as f64;
            return;
        }
        let of_group = |seen: &&SeenBlocks| seen.site == group.site && seen.allocator == group.allocator;
        sampling.seen.iter().filter(of_group).for_each(|seen| self.add(seen, sampling.mean_bytes));
    }

    /// Says that blocks of other sizes may be there, of which none was seen: the high end of bytes is as if a sample
    /// could stand for the whole distance between two. Their number is not bounded.
    pub(crate) fn admit_others(&mut self, mean_bytes: u64) {
        self.bytes.others = mean_bytes as f64;
    }

    /// The estimate's ends; `None` where there is nothing to estimate.
    pub(crate) fn estimate(&self) -> Option<Estimate> {
        if self.samples == 0 && self.bytes.others == 0.0 {
            return None;
        }
        let ((blocks_low, blocks_high), (bytes_low, bytes_high)) = (self.blocks.interval(), self.bytes.interval());
        Some(Estimate {
            samples: self.samples,
            low: Amounts { bytes: ByteCount(bytes_low), blocks: BlockCount(blocks_low) },
            high: Amounts { bytes: ByteCount(bytes_high), blocks: BlockCount(blocks_high) },
        })
    }
}

fn is_mapping(allocator: AllocatorFunction) -> bool {
    matches!(allocator, AllocatorFunction::Mmap | AllocatorFunction::Brk)
}

#[cfg(test)]
mod tests;
