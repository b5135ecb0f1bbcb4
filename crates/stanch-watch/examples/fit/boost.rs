//! Gradient boosting of small trees for the logistic loss (Friedman 2001), on features cut into quantiles.
use stanch_watch::detect::{FEATURES, LEAVES, QUESTIONS, Tree};

const TREES: usize = 240;
const LEARNING_RATE: f64 = 0.1;
/// Pulls leaves towards 0, in weight of rows.
const SHRINKAGE: f64 = 2.0;
/// A leaf holds no less weight of rows than this.
const LEAF_WEIGHT_MIN: f64 = 3.0;
const CUTS: usize = 40;

/// One look at a series.
pub(crate) struct Row {
    pub(crate) features: [f64; FEATURES.len()],
    pub(crate) leaks: bool,
    pub(crate) weight: f64,
}

/// Trees whose answers add up to the logarithm of the odds that a row leaks.
pub(crate) fn fit(rows: &[Row]) -> Vec<Tree> {
    let cuts: Vec<Vec<f64>> = (0..FEATURES.len()).map(|feature| cuts(rows, feature)).collect();
    let bins: Vec<Vec<u8>> = (0..FEATURES.len())
        .map(|feature| {
            let bin = |row: &Row| cuts[feature].partition_point(|cut| *cut <= row.features[feature]) as u8;
            rows.iter().map(bin).collect()
        })
        .collect();
    let mut odds = vec![0.0; rows.len()];
    let mut trees = Vec::with_capacity(TREES);
    for _ in 0..TREES {
        let slopes: Vec<(f64, f64)> = rows.iter().zip(&odds).map(|(row, odds)| slope(row, *odds)).collect();
        let tree = grow(&slopes, &bins, &cuts);
        rows.iter().zip(&mut odds).for_each(|(row, odds)| *odds += tree.answer(&row.features));
        trees.push(tree);
    }
    trees
}

/// Gradient and curvature of the loss.
fn slope(row: &Row, odds: f64) -> (f64, f64) {
    let probability = 1.0 / (1.0 + (-odds).exp());
    let truth = f64::from(u8::from(row.leaks));
    (row.weight * (truth - probability), row.weight * probability * (1.0 - probability))
}

/// Values between which a feature is told apart: quantiles, as they will be written down.
fn cuts(rows: &[Row], feature: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| row.features[feature]).collect();
    values.sort_by(f64::total_cmp);
    let mut cuts: Vec<f64> = (1..=CUTS).map(|cut| round(values[cut * (values.len() - 1) / (CUTS + 1)])).collect();
    cuts.dedup();
    cuts
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn grow(slopes: &[(f64, f64)], bins: &[Vec<u8>], cuts: &[Vec<f64>]) -> Tree {
    let mut questions = [(0, f64::INFINITY); QUESTIONS];
    let mut nodes = vec![0usize; slopes.len()];
    let mut first = 0;
    while first < QUESTIONS {
        let width = first + 1;
        let best = best_questions(slopes, bins, cuts, &nodes, first, width);
        for (at, (feature, cut)) in best.iter().enumerate() {
            questions[first + at] = (*feature, cuts[*feature].get(*cut).copied().unwrap_or(1e9));
        }
        for (row, node) in nodes.iter_mut().enumerate() {
            let (feature, cut) = best[*node - first];
            *node = 2 * *node + if usize::from(bins[feature][row]) <= cut { 1 } else { 2 };
        }
        first = 2 * first + 1;
    }
    let mut sums = [(0.0, 0.0); LEAVES];
    for (node, slope) in nodes.iter().zip(slopes) {
        let sum = &mut sums[node - QUESTIONS];
        *sum = (sum.0 + slope.0, sum.1 + slope.1);
    }
    let leaf = |(gradient, curvature): (f64, f64)| round(LEARNING_RATE * gradient / (curvature + 0.25 * SHRINKAGE));
    Tree { questions, leaves: sums.map(leaf) }
}

/// The question of each node of a level that lowers the loss most: a feature and the number of a cut.
fn best_questions(
    slopes: &[(f64, f64)],
    bins: &[Vec<u8>],
    cuts: &[Vec<f64>],
    nodes: &[usize],
    first: usize,
    width: usize,
) -> Vec<(usize, usize)> {
    let mut best = vec![(0.0, (0, usize::MAX - 1)); width];
    let mut sums = vec![[(0.0, 0.0); CUTS + 1]; width];
    for feature in 0..bins.len() {
        sums.iter_mut().for_each(|sums| *sums = [(0.0, 0.0); CUTS + 1]);
        for ((node, bin), slope) in nodes.iter().zip(&bins[feature]).zip(slopes) {
            let sum = &mut sums[node - first][usize::from(*bin)];
            *sum = (sum.0 + slope.0, sum.1 + slope.1);
        }
        for (sums, best) in sums.iter().zip(&mut best) {
            let all = sums.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let mut left = (0.0, 0.0);
            for (cut, sum) in sums.iter().enumerate().take(cuts[feature].len()) {
                left = (left.0 + sum.0, left.1 + sum.1);
                let right = (all.0 - left.0, all.1 - left.1);
                if 4.0 * left.1.min(right.1) < LEAF_WEIGHT_MIN {
                    continue;
                }
                let gain = worth(left) + worth(right) - worth(all);
                if best.0 < gain {
                    *best = (gain, (feature, cut));
                }
            }
        }
    }
    best.into_iter().map(|(_, question)| question).collect()
}

fn worth((gradient, curvature): (f64, f64)) -> f64 {
    gradient * gradient / (curvature + 0.25 * SHRINKAGE)
}
