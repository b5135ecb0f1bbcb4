//! What speaks for and against a leak in one life.
use super::curve::{Curve, variance};
use super::shapes;
use crate::forecast::Growth;

/// Names of the numbers in [`Evidence::features`], for those who fit weights to them.
pub const FEATURES: [&str; 30] = [
    "significance",
    "mann_kendall",
    "repeated",
    "rises",
    "largest_jump",
    "pace",
    "late_pace",
    "goes_on",
    "grows",
    "rise_to_level",
    "rise_to_noise",
    "window_h",
    "life_h",
    "knows_cycle",
    "onset_share",
    "explained",
    "separation",
    "since_rise",
    "jump",
    "day_before",
    "day_before_sure",
    "life_pace",
    "novelty",
    "load_rise",
    "line_fit",
    "bend",
    "against_day",
    "saw_h",
    "daily_rise",
    "onset_h",
];

/// What was measured on the floor of one life.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// The numbers that the decision is made from, in the order of [`FEATURES`].
    pub(crate) features: [f64; FEATURES.len()],
    /// Since when it grows, in hours since the start of the life.
    pub(crate) onset_h: f64,
    /// How it grows since then.
    pub(crate) growth: Growth,
    /// Whether it rose markedly, and the rise comes to an end.
    pub(crate) is_filling: bool,
}

/// Looks at a curve.
pub(crate) fn weigh(curve: &Curve) -> Evidence {
    let count = curve.len();
    let shapes = shapes::compare(curve);
    let warm = curve.hours.iter().position(|hours| hours - curve.hours[0] >= 2.5 * shapes.warm_up_h).unwrap_or(0);
    let from = shapes.onset.max(warm).min(count - 5);
    let (hours, floor) = (&curve.hours[from..], &curve.floor[from..]);
    let line = Line::of(hours, floor);
    let independent = ((1.0 - curve.carry) / (1.0 + curve.carry)).max(0.02);
    let error = (line.error(curve.noise) / independent.sqrt()).max(f64::MIN_POSITIVE);
    let window_h = hours[hours.len() - 1] - hours[0];
    let level = curve.floor.iter().copied().fold(f64::INFINITY, f64::min).max(4096.0);
    let blocks = blocks(floor);
    let steps: Vec<f64> = blocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let half = hours.len() / 2;
    let early = Line::of(&hours[..half.max(2)], &floor[..half.max(2)]).slope;
    let late = Line::of(&hours[half..], &floor[half..]).slope;
    let third = hours.len() - (hours.len() / 3).max(3).min(hours.len());
    let latest = Line::of(&hours[third..], &floor[third..]).slope;
    let whole = line.slope.abs().max(1e-9 * level);
    let total: f64 = steps.iter().sum::<f64>().max(1.0);
    let squares = steps.iter().map(|step| step * step).sum::<f64>().sqrt().max(0.3 * curve.noise);
    let rise = line.slope * window_h;
    let (day_before, day_share) = day_before(curve);
    let features = [
        signed_log(line.slope / error),
        mann_kendall(floor) * independent.sqrt(),
        steps.iter().sum::<f64>() / squares,
        steps.iter().filter(|step| **step > 0.0).count() as f64 / steps.len().max(1) as f64,
        (steps.iter().copied().fold(0.0, f64::max) / total).clamp(0.0, 2.0),
        (late / (early.abs() + late.abs()).max(1e-9 * level)).clamp(-1.0, 1.0),
        (latest / whole).clamp(-1.0, 3.0),
        signed_log(shapes.goes_on),
        signed_log(shapes.grows),
        (rise / level).clamp(1e-4, 100.0).ln(),
        (rise / curve.noise).clamp(0.1, 1e4).ln(),
        window_h.max(0.1).ln(),
        curve.end_h().max(0.1).ln(),
        f64::from(u8::from(curve.knows_cycle)),
        from as f64 / count as f64,
        curve.explained,
        separation(floor, curve.noise),
        since_rise(&blocks, curve.noise),
        (jump(curve, from) / rise.abs().max(curve.noise)).clamp(0.0, 3.0),
        signed_log(day_before / curve.noise),
        day_share,
        life_pace(curve, warm),
        novelty(curve, from),
        load_rise(curve, from),
        (line.rest.sqrt() / rise.abs().max(curve.noise)).clamp(1e-3, 10.0).ln(),
        signed_log((late - early) * independent.sqrt() / half_error(hours, curve.noise)),
        signed_log(shapes.against_day),
        curve.saw_h,
        (line.slope * 24.0 / level).clamp(1e-4, 100.0).ln(),
        (curve.hours[from] + 0.1).ln(),
    ];
    let total_rise = curve.floor[count - 1] - curve.floor[0];
    let is_filling = 8.0 * curve.noise < total_rise && 0.05 * level < total_rise && 4.0 < shapes.grows;
    let onset_h = if shapes.onset == 0 { 0.0 } else { curve.hours[from] };
    let growth = Growth { rate: theil_sen(hours, floor), rate_error: error };
    Evidence { features, onset_h, growth, is_filling }
}

/// By how many deviations the last quarter lies above the first one, at their nearest.
fn separation(floor: &[f64], noise: f64) -> f64 {
    let quarter = (floor.len() / 4).max(1);
    let before = sorted(&floor[..quarter]);
    let after = sorted(&floor[floor.len() - quarter..]);
    signed_log((after[quarter / 8] - before[quarter - 1 - quarter / 8]) / noise)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Share of the window in which it has not risen to a new height of the blocks' floor.
fn since_rise(blocks: &[f64], noise: f64) -> f64 {
    let mut highest = blocks[0];
    let mut at = 0;
    for (number, block) in blocks.iter().enumerate() {
        if highest + 0.5 * noise < *block {
            highest = *block;
            at = number;
        }
    }
    1.0 - at as f64 / (blocks.len() - 1).max(1) as f64
}

/// The largest change between neighbours, three points apart, in the window.
fn jump(curve: &Curve, from: usize) -> f64 {
    let floor = &curve.floor[from.saturating_sub(3)..];
    floor.windows(3).map(|three| three[2] - three[0]).fold(0.0, f64::max)
}

/// How much higher the floor of the last day is than at the same hours a day before: the median, and the share that is
/// higher. Zero while there are no two days.
fn day_before(curve: &Curve) -> (f64, f64) {
    let lag = (24.0 / curve.width_h).round() as usize;
    let differences: Vec<f64> = (lag..curve.len())
        .rev()
        .take(lag.max(1))
        .filter_map(|at| {
            let before = at - curve.hours[..at].iter().rev().position(|hours| 23.9 <= curve.hours[at] - hours)? - 1;
            Some(curve.raw[at] - curve.raw[before])
        })
        .collect();
    if differences.len() * 2 < lag || differences.is_empty() {
        return (0.0, 0.5);
    }
    let higher = differences.iter().filter(|difference| **difference > 0.5 * curve.noise).count();
    (sorted(&differences)[differences.len() / 2], higher as f64 / differences.len() as f64)
}

/// Standard error of the difference between the slopes of two halves.
fn half_error(hours: &[f64], noise: f64) -> f64 {
    let half = hours.len() / 2;
    let spread = (variance(&hours[half..]) * (hours.len() - half) as f64).max(f64::MIN_POSITIVE);
    noise * (2.0 / spread).sqrt()
}

/// How far the newest floor lies above all that was before the onset, in ranges of what was before.
fn novelty(curve: &Curve, from: usize) -> f64 {
    let before = sorted(&curve.raw[..from]);
    if before.len() < 6 {
        return 0.0;
    }
    let top = before[before.len() - 1];
    let range = (top - before[0]).max(3.0 * curve.noise);
    let latest = sorted(&curve.raw[curve.len() - 3..])[0];
    ((latest - top) / range).clamp(-2.0, 10.0)
}

/// By how many of its deviations the load rose in the window.
fn load_rise(curve: &Curve, from: usize) -> f64 {
    if curve.load.is_empty() {
        return 0.0;
    }
    let window = &curve.load[from..];
    let third = (window.len() / 3).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    mean(&window[window.len() - third..]) - mean(&window[..third])
}

/// Slope of the second half of the life to that of the first, from -1 (it came back) over 0 (it ended) and 0.5 (the
/// same) to 1.
fn life_pace(curve: &Curve, warm: usize) -> f64 {
    let warm = warm.min(curve.len() - 5);
    let (hours, floor) = (&curve.hours[warm..], &curve.floor[warm..]);
    let half = hours.len() / 2;
    let early = Line::of(&hours[..half.max(2)], &floor[..half.max(2)]).slope;
    let late = Line::of(&hours[half..], &floor[half..]).slope;
    late / (early.abs() + late.abs()).max(1.0)
}

/// Keeps the sign, and of large numbers the order of magnitude.
fn signed_log(value: f64) -> f64 {
    value.signum() * value.abs().ln_1p()
}

/// Medians of up to twelve stretches of equal length.
fn blocks(floor: &[f64]) -> Vec<f64> {
    let count = (floor.len() / 3).clamp(3, 12).min(floor.len());
    (0..count)
        .map(|block| {
            let part = &floor[block * floor.len() / count..(block + 1) * floor.len() / count];
            let mut sorted = part.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        })
        .collect()
}

/// The test of Mann (1945) and Kendall: by how many standard deviations more pairs rise than fall.
fn mann_kendall(values: &[f64]) -> f64 {
    let mut balance = 0i64;
    for (at, one) in values.iter().enumerate() {
        for later in &values[at + 1..] {
            balance += i64::from(one < later) - i64::from(later < one);
        }
    }
    let count = values.len() as f64;
    let deviation = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    balance as f64 / deviation.max(1.0)
}

/// The median of the slopes of all pairs (Theil 1950, Sen 1968).
fn theil_sen(hours: &[f64], values: &[f64]) -> f64 {
    // Neighbours say next to nothing of the slope; pairs at least a third of the window apart say nearly all.
    let apart = (hours.len() / 3).max(1);
    let mut slopes = Vec::with_capacity(hours.len() * hours.len() / 4);
    for at in 0..hours.len() {
        for later in at + apart..hours.len() {
            slopes.push((values[later] - values[at]) / (hours[later] - hours[at]));
        }
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() { 0.0 } else { *slopes.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

/// A line by least squares.
struct Line {
    slope: f64,
    /// Sum of the squared distances of times from their mean.
    spread: f64,
    /// Variance of what the line leaves.
    rest: f64,
}

impl Line {
    fn of(hours: &[f64], values: &[f64]) -> Self {
        let count = hours.len() as f64;
        let (mean_hour, mean) = (hours.iter().sum::<f64>() / count, values.iter().sum::<f64>() / count);
        let spread = variance(hours) * count;
        let products: f64 = hours.iter().zip(values).map(|(hour, value)| (hour - mean_hour) * (value - mean)).sum();
        let slope = if spread > 0.0 { products / spread } else { 0.0 };
        let rest = (variance(values) - slope * slope * spread / count).max(0.0);
        Self { slope, spread, rest }
    }

    fn error(&self, noise: f64) -> f64 {
        (self.rest.max(noise * noise) / self.spread.max(f64::MIN_POSITIVE)).sqrt()
    }
}
