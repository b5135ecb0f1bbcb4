//! Draws samples of known heaps, with the recorder's own sampler, and holds estimates and intervals against the truth.
use super::Uncertainty;
use stanch_finding::Estimate;
use stanch_ledger::sampling::{Random, mixed, span, weight};
use stanch_recording::{AllocatorFunction, SeenBlocks, SiteIndex};

const RUNS: u64 = 200;
const MEAN_BYTES: u64 = 512 << 10;

/// Blocks that are live: size in bytes, how many.
type Heap = [(u64, u64)];
/// Blocks that a sampled one of this size stands for, at this mean distance.
type Weight = fn(u64, u64) -> f64;

const MANY_SMALL: &Heap = &[(64, 400_000)];
const FEW_LARGE: &Heap = &[(200_000, 25), (400 << 10, 12), (900 << 10, 6), (8 << 20, 2)];
const MIXED: &Heap = &[(0, 30_000), (24, 100_000), (100, 60_000), (5_000, 2_000), (300_000, 10), (3 << 20, 4)];
/// Few enough that some runs see none of them: the mean number of samples is 1, 3 and 6.
const FEW_SAMPLES: [&Heap; 3] = [&[(64, 8_000)], &[(100, 15_600)], &[(1000, 3_140)]];

/// The sampled blocks of one run. Threads take the blocks in turns, each with a countdown of its own, as in the
/// recorder.
fn sampled(heap: &Heap, threads: u64, seed: u64) -> Vec<SeenBlocks> {
    let thread = |number| {
        let mut random = Random(mixed(mixed(seed) ^ number));
        let left = random.distance(MEAN_BYTES);
        (random, left)
    };
    let mut threads: Vec<(Random, u64)> = (0..threads).map(thread).collect();
    let of_size = |&(block_bytes, _): &(u64, u64)| SeenBlocks {
        site: SiteIndex(0),
        allocator: AllocatorFunction::Malloc,
        block_bytes,
        blocks: 0,
    };
    let mut seen: Vec<SeenBlocks> = heap.iter().map(of_size).collect();
    let rounds = heap.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mut turn = 0;
    for round in 0..rounds {
        for (seen, (bytes, count)) in seen.iter_mut().zip(heap) {
            // In each round some blocks of each size, in all as many as the heap has.
            for _ in count * round / rounds..count * (round + 1) / rounds {
                turn = (turn + 1) % threads.len();
                let (random, left) = &mut threads[turn];
                *left = left.checked_sub(span(*bytes).unwrap()).unwrap_or_else(|| {
                    seen.blocks += 1;
                    random.distance(MEAN_BYTES)
                });
            }
        }
    }
    seen.retain(|seen| seen.blocks > 0);
    seen
}

/// Estimates of many runs beside the truth.
struct Trial {
    blocks: Vec<f64>,
    bytes: Vec<f64>,
    estimates: Vec<Estimate>,
    true_blocks: u64,
    true_bytes: u64,
}

impl Trial {
    fn of(heap: &Heap, threads: u64, weight: Weight) -> Self {
        let mut trial = Self {
            blocks: Vec::new(),
            bytes: Vec::new(),
            estimates: Vec::new(),
            true_blocks: heap.iter().map(|(_, count)| count).sum(),
            true_bytes: heap.iter().map(|(bytes, count)| bytes * count).sum(),
        };
        for seed in 0..RUNS {
            let seen = sampled(heap, threads, seed);
            let weighted = |seen: &SeenBlocks| weight(seen.block_bytes, MEAN_BYTES) * seen.blocks as f64;
            trial.blocks.push(seen.iter().map(weighted).sum());
            trial.bytes.push(seen.iter().map(|seen| weighted(seen) * seen.block_bytes as f64).sum());
            let mut uncertainty = Uncertainty::default();
            uncertainty.admit_others(MEAN_BYTES);
            seen.iter().for_each(|seen| uncertainty.add(seen, MEAN_BYTES));
            trial.estimates.push(uncertainty.estimate().unwrap());
        }
        trial
    }

    fn is_unbiased(&self) -> bool {
        is_near(&self.blocks, self.true_blocks) && is_near(&self.bytes, self.true_bytes)
    }

    /// Parts of the runs whose intervals hold the truth: of blocks, of bytes.
    fn coverage(&self) -> (f64, f64) {
        let part = |holds: &dyn Fn(&Estimate) -> bool| {
            self.estimates.iter().filter(|estimate| holds(estimate)).count() as f64 / self.estimates.len() as f64
        };
        (
            part(&|estimate| (estimate.low.blocks.0..=estimate.high.blocks.0).contains(&self.true_blocks)),
            part(&|estimate| (estimate.low.bytes.0..=estimate.high.bytes.0).contains(&self.true_bytes)),
        )
    }
}

/// True where the mean lies within three standard errors of the truth.
fn is_near(estimates: &[f64], truth: u64) -> bool {
    let count = estimates.len() as f64;
    let mean = estimates.iter().sum::<f64>() / count;
    let variance = estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean - truth as f64).abs() <= 3.0 * (variance / count).sqrt()
}

const NOMINAL: std::ops::RangeInclusive<f64> = 0.90..=0.99;

#[track_caller]
fn check(heap: &Heap, threads: u64) {
    let trial = Trial::of(heap, threads, weight);
    assert!(trial.is_unbiased(), "{heap:?} is estimated with a bias");
    let (blocks, bytes) = trial.coverage();
    assert!(NOMINAL.contains(&blocks) && NOMINAL.contains(&bytes), "{heap:?}: {blocks} and {bytes} of the runs hold");
}

#[test]
fn many_small_blocks() {
    check(MANY_SMALL, 1);
}

#[test]
fn few_large_blocks() {
    check(FEW_LARGE, 1);
}

#[test]
fn mixed_sizes() {
    check(MIXED, 1);
}

#[test]
fn several_threads() {
    check(MIXED, 7);
}

/// What no sample was seen of has no known size, so there the number of bytes is bounded, that of blocks is not.
#[test]
fn few_samples() {
    for heap in FEW_SAMPLES {
        let trial = Trial::of(heap, 1, weight);
        assert!(trial.is_unbiased(), "{heap:?} is estimated with a bias");
        let (_, bytes) = trial.coverage();
        assert!(NOMINAL.contains(&bytes), "{heap:?}: {bytes} of the runs hold the truth");
    }
}

#[test]
fn what_is_certain_to_be_sampled_is_exact() {
    let heap: &Heap = &[(64 << 20, 3)];
    let estimate = Trial::of(heap, 1, weight).estimates[0];
    assert_eq!((estimate.low.blocks.0, estimate.high.blocks.0), (3, 3));
    assert_eq!(estimate.low.bytes.0, 192 << 20);
}

/// The test of the test: estimators that are wrong in a way that was made before are found out.
#[test]
fn a_bias_is_noticed() {
    // Each sample stands for the mean distance, whatever its size.
    let by_distance: Weight = |bytes, mean| mean as f64 / bytes.max(1) as f64;
    // The weights of large blocks are forgotten.
    let small_only: Weight = |bytes, mean| if bytes < mean / 4 { weight(bytes, mean) } else { 1.0 };
    // Small blocks are weighed as if sampling were by block.
    let none: Weight = |_, _| 1.0;
    for wrong in [by_distance, small_only, none] {
        assert!(!Trial::of(FEW_LARGE, 1, wrong).is_unbiased());
        assert!(!Trial::of(MIXED, 1, wrong).is_unbiased());
    }
}
