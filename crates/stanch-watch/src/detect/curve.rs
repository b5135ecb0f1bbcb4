//! A life's floor without its cycles and without what the load explains: what is left is growth and noise.
use super::bins::{Bins, Point};
use super::least_squares::Normal;
use std::f64::consts::TAU;

/// Most points that a curve has.
const POINTS_MAX: f64 = 160.0;
/// Widths of a point that are chosen from, in hours.
const WIDTHS_H: [f64; 11] = [1.0 / 12.0, 1.0 / 6.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0, 24.0];
/// From this many hours on a daily cycle is told from growth.
pub(crate) const CYCLE_KNOWN_H: f64 = 42.0;
/// How much points above the fitted floor count, against those below: jobs and bursts stand above it.
const WEIGHT_ABOVE: f64 = 0.35;

/// The floor of one life over time.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// Hours since the start of the life.
    pub(crate) hours: Vec<f64>,
    /// Bytes, without cycles and load.
    pub(crate) floor: Vec<f64>,
    /// Bytes as they were seen.
    pub(crate) raw: Vec<f64>,
    /// Most memory at each point, in bytes.
    pub(crate) top: Vec<f64>,
    /// Standard deviation of what is neither growth nor cycle, in bytes.
    pub(crate) noise: f64,
    /// How much of the noise of a point is still in the next one: 0 to 1.
    pub(crate) carry: f64,
    /// Whether a daily cycle was looked for.
    pub(crate) knows_cycle: bool,
    /// Share of the raw floor's variance that load and cycle explain.
    pub(crate) explained: f64,
    /// Load at each point in its deviations; empty where it is not known.
    pub(crate) load: Vec<f64>,
    /// Hours of a point.
    pub(crate) width_h: f64,
    /// Hours between the drops of a collector's saw that is wider than a point; 0 without one.
    pub(crate) saw_h: f64,
}

impl Curve {
    /// `None` where there are fewer points than say anything.
    pub(crate) fn of(bins: &Bins, now_s: f64, span_h: f64) -> Option<Self> {
        const POINTS_MIN: usize = 8;
        let width = WIDTHS_H.iter().position(|width| span_h / width <= POINTS_MAX).unwrap_or(WIDTHS_H.len() - 1);
        let mut points = bins.points(WIDTHS_H[width], now_s);
        let mut width_h = WIDTHS_H[width];
        let saw_h = saw_period(&points).unwrap_or(0.0);
        if saw_h > 0.0 {
            let wider = WIDTHS_H.iter().copied().find(|wider| *wider >= 1.2 * saw_h).unwrap_or(24.0);
            let joined = bins.points(wider, now_s);
            if wider > width_h && joined.len() >= POINTS_MIN {
                (points, width_h) = (joined, wider);
            }
        }
        if points.len() < POINTS_MIN {
            return None;
        }
        Some(decompose(&points, width_h, saw_h))
    }

    pub(crate) fn len(&self) -> usize {
        self.hours.len()
    }

    pub(crate) fn end_h(&self) -> f64 {
        self.hours.last().copied().unwrap_or(0.0)
    }
}

/// Hours from drop to drop, where there are several: sudden falls by a good part of all that is seen.
fn saw_period(points: &[Point]) -> Option<f64> {
    let mut sorted: Vec<f64> = points.iter().map(|point| point.floor).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let range = at(0.95) - at(0.05);
    let drops: Vec<f64> = points
        .windows(2)
        .filter(|pair| pair[0].floor - pair[1].floor > 0.3 * range)
        .map(|pair| pair[1].hours)
        .collect();
    let (first, last) = (drops.first()?, drops.last()?);
    (2 < drops.len()).then(|| (last - first) / (drops.len() - 1) as f64).filter(|period| *period <= 16.0)
}

/// Fits growth (a line with bends), a daily cycle and the load together, and takes the latter two out.
fn decompose(points: &[Point], width_h: f64, saw_h: f64) -> Curve {
    let span_h = points[points.len() - 1].hours - points[0].hours;
    let knows_cycle = span_h >= CYCLE_KNOWN_H && width_h <= 4.0;
    let loads = Loads::of(points);
    let layout = Layout {
        start_h: points[0].hours,
        span_h,
        bends: if knows_cycle { (span_h / 14.0) as usize } else { points.len() / 6 }.clamp(2, 8),
        harmonics: match (knows_cycle, span_h) {
            (false, _) => 0,
            (true, span) if span < 72.0 => 2,
            _ => 3,
        },
        loads: if loads.is_some() { 2 } else { 0 },
    };
    let loads = loads.unwrap_or_default();
    let fit = layout.fit(points, &loads);
    let mut floor = Vec::with_capacity(points.len());
    let mut residuals = Vec::with_capacity(points.len());
    let mut row = Vec::new();
    for (at, point) in points.iter().enumerate() {
        layout.row(point.hours, &loads, at, &mut row);
        let growth: f64 = dot(&row[..layout.bends + 1], &fit[..layout.bends + 1]);
        let rest: f64 = dot(&row[layout.bends + 1..], &fit[layout.bends + 1..]);
        floor.push(point.floor - rest);
        residuals.push(point.floor - rest - growth);
    }
    let raw: Vec<f64> = points.iter().map(|point| point.floor).collect();
    let level = raw.iter().sum::<f64>() / raw.len() as f64;
    let noise = deviation(&residuals).max(4096.0).max(2e-4 * level.abs());
    Curve {
        hours: points.iter().map(|point| point.hours).collect(),
        top: points.iter().map(|point| point.top).collect(),
        noise,
        carry: carry(&residuals),
        knows_cycle,
        explained: 1.0 - (variance(&floor) / variance(&raw).max(1.0)).min(1.0),
        floor,
        raw,
        load: loads.now,
        width_h,
        saw_h,
    }
}

/// Load at each point, and the load of the last two hours or so, both with a mean of 0.
#[derive(Default)]
struct Loads {
    now: Vec<f64>,
    lately: Vec<f64>,
}

impl Loads {
    /// `None` where the load is not known, or always the same.
    fn of(points: &[Point]) -> Option<Self> {
        let known: Vec<f64> = points.iter().map(|point| point.load).filter(|load| load.is_finite()).collect();
        if known.len() * 5 < points.len() * 4 {
            return None;
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let spread = variance(&known).sqrt();
        if spread <= 1e-6 * mean.abs() || spread == 0.0 {
            return None;
        }
        let now: Vec<f64> = points
            .iter()
            .map(|point| if point.load.is_finite() { (point.load - mean) / spread } else { 0.0 })
            .collect();
        let mut lately = Vec::with_capacity(now.len());
        let mut value = now[0];
        for (at, load) in now.iter().enumerate() {
            let step_h = if at == 0 { 0.0 } else { points[at].hours - points[at - 1].hours };
            let keep = (-step_h / 2.0).exp();
            value = keep * value + (1.0 - keep) * load;
            lately.push(value);
        }
        Some(Self { now, lately })
    }
}

/// Which columns the regression has.
struct Layout {
    start_h: f64,
    span_h: f64,
    bends: usize,
    harmonics: usize,
    loads: usize,
}

impl Layout {
    fn columns(&self) -> usize {
        self.bends + 1 + 2 * self.harmonics + self.loads
    }

    fn row(&self, hours: f64, loads: &Loads, at: usize, row: &mut Vec<f64>) {
        row.clear();
        row.resize(self.columns(), 0.0);
        // Hat functions: the growth is a line between values at equal distances.
        let position = ((hours - self.start_h) / self.span_h * self.bends as f64).clamp(0.0, self.bends as f64);
        let left = (position as usize).min(self.bends - 1);
        row[left] = 1.0 - (position - left as f64);
        row[left + 1] = position - left as f64;
        for harmonic in 0..self.harmonics {
            let angle = TAU * hours / 24.0 * (harmonic + 1) as f64;
            row[self.bends + 1 + 2 * harmonic] = angle.sin();
            row[self.bends + 2 + 2 * harmonic] = angle.cos();
        }
        if 0 < self.loads {
            let first = self.columns() - self.loads;
            row[first] = loads.now[at];
            row[first + 1] = loads.lately[at];
        }
    }

    /// Coefficients of the floor: points above it count less (asymmetric least squares, Newey and Powell 1987).
    fn fit(&self, points: &[Point], loads: &Loads) -> Vec<f64> {
        let mut fit: Vec<f64> = Vec::new();
        let mut row = Vec::new();
        for _ in 0..3 {
            let mut normal = Normal::new(self.columns());
            for (at, point) in points.iter().enumerate() {
                self.row(point.hours, loads, at, &mut row);
                let is_above = !fit.is_empty() && dot(&row, &fit) < point.floor;
                normal.add(&row, point.floor, if is_above { WEIGHT_ABOVE } else { 1.0 });
            }
            (self.bends + 1..self.columns()).for_each(|column| normal.shrink(column, 0.002));
            fit = normal.solve();
        }
        fit
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

pub(crate) fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64
}

/// Standard deviation as the median absolute deviation tells it.
fn deviation(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    1.4826 * distances[distances.len() / 2]
}

/// Autocorrelation of neighbours, from 0 to 0.95.
fn carry(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let products: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if squares <= 0.0 { 0.0 } else { (products / squares).clamp(0.0, 0.95) }
}
