//! Which shape a floor has: growth that goes on, or growth that comes to an end.
use super::curve::Curve;

/// Time constants of a warm-up before growth that goes on, as shares of the span.
const WARM_UPS: [f64; 4] = [0.02, 0.05, 0.1, 0.2];
/// Time constants of growth that ends, as shares of what is left of the span.
const SATURATIONS: [f64; 7] = [0.02, 0.06, 0.12, 0.25, 0.5, 0.9, 1.6];
/// Scales of logarithmic growth, as shares of the span.
const LOGARITHMS: [f64; 4] = [0.002, 0.01, 0.04, 0.15];

/// How well shapes fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shapes {
    /// Where growth that goes on begins: a point's number.
    pub(crate) onset: usize,
    /// Time constant of the warm-up that comes before it, in hours; 0 without one.
    pub(crate) warm_up_h: f64,
    /// Evidence for growth that goes on against growth that ends: half the difference of the Bayesian information
    /// criteria, for as many independent points as there are.
    pub(crate) goes_on: f64,
    /// The same against the rising half of a daily cycle; 0 where cycles are known and taken out.
    pub(crate) against_day: f64,
    /// The same against no growth at all.
    pub(crate) grows: f64,
}

/// Compares shapes on a curve.
pub(crate) fn compare(curve: &Curve) -> Shapes {
    let count = curve.len();
    let fitted = Fitted::new(curve);
    let straight = going_on(&fitted);
    let ended = ending(&fitted);
    let flat = fitted.all;
    let independent = count as f64 * (1.0 - curve.carry) / (1.0 + curve.carry);
    // What no model of memory predicts: shapes that fit better than this do not fit better.
    let unknown = count as f64 * (0.3 * curve.noise).powi(2);
    let evidence = |other: f64, other_columns: f64| {
        let gain = 0.5 * independent * ((other + unknown) / (straight.squares + unknown)).ln();
        gain - 0.5 * (straight.columns - other_columns) * independent.max(2.0).ln()
    };
    Shapes {
        onset: straight.onset,
        warm_up_h: straight.warm_up_h,
        goes_on: evidence(ended.0, ended.1),
        against_day: if curve.knows_cycle { 0.0 } else { evidence(daily(&fitted), 4.0) },
        grows: evidence(flat, 1.0),
    }
}

/// The best shape that goes on: level, warm-up, and a line from the onset.
struct Straight {
    squares: f64,
    columns: f64,
    onset: usize,
    warm_up_h: f64,
}

fn going_on(fitted: &Fitted<'_>) -> Straight {
    let count = fitted.hours.len();
    let mut best = Straight { squares: f64::INFINITY, columns: 2.0, onset: 0, warm_up_h: 0.0 };
    let mut best_cost = f64::INFINITY;
    let spread = count as f64;
    let mut consider = |squares: f64, columns: f64, onset: usize, warm_up_h: f64| {
        let cost = spread * squares.max(1.0).ln() + columns * spread.ln();
        if cost < best_cost {
            best_cost = cost;
            best = Straight { squares, columns, onset, warm_up_h };
        }
    };
    for part in 0..20 {
        let onset = part * (count - 3) / 20;
        let from = fitted.hours[onset];
        let columns = if part == 0 { 2.0 } else { 3.0 };
        let squares = fitted.rest_of_one(|hours| (hours - from).max(0.0));
        consider(squares, columns, onset, 0.0);
    }
    for share in WARM_UPS {
        let tau = share * fitted.span_h;
        for part in [0, 3, 6, 10, 14] {
            let onset = part * (count - 3) / 20;
            let from = fitted.hours[onset];
            let mut warm_up = fitted.decay(0.0, tau);
            let squares = fitted.rest_of_two(|hours| [(hours - from).max(0.0), warm_up.at(hours)]);
            consider(squares, if part == 0 { 4.0 } else { 5.0 }, onset, tau);
        }
    }
    best
}

/// The best shape that ends: an exponential, a logarithm, a step, or a line to a plateau. Sum of squares and columns.
fn ending(fitted: &Fitted<'_>) -> (f64, f64) {
    let count = fitted.hours.len();
    let span_h = fitted.span_h;
    let mut best = f64::INFINITY;
    for part in [0, 2, 4, 6, 8, 10, 12, 14] {
        let from = fitted.hours[part * (count - 1) / 16];
        let left_h = fitted.hours[count - 1] - from;
        for share in SATURATIONS {
            let mut decay = fitted.decay(from, share * left_h);
            best = best.min(fitted.rest_of_one(|hours| decay.at(hours)));
        }
    }
    for share in LOGARITHMS {
        let tau = share * span_h;
        best = best.min(fitted.rest_of_one(|hours| (1.0 + hours / tau).ln()));
    }
    for from in [0, 2, 4, 6, 8, 10] {
        for to in (from + 1..14).step_by(2) {
            let (from, to) = (fitted.hours[from * (count - 1) / 16], fitted.hours[to * (count - 1) / 16]);
            best = best.min(fitted.rest_of_one(|hours| (hours - from).clamp(0.0, to - from)));
        }
    }
    (best, 4.0)
}

/// A daily cycle. Sum of squares.
fn daily(fitted: &Fitted<'_>) -> f64 {
    fitted.rest_of_two(|hours| {
        let (sine, cosine) = (std::f64::consts::TAU * hours / 24.0).sin_cos();
        [sine, cosine]
    })
}

/// A curve to fit shapes to: a level, and one or two columns that are functions of the hours.
struct Fitted<'a> {
    hours: &'a [f64],
    /// The floor around its mean.
    floor: Vec<f64>,
    /// Sum of its squares.
    all: f64,
    span_h: f64,
    width_h: f64,
}

impl<'a> Fitted<'a> {
    fn new(curve: &'a Curve) -> Self {
        let mean = curve.floor.iter().sum::<f64>() / curve.len() as f64;
        let floor: Vec<f64> = curve.floor.iter().map(|floor| floor - mean).collect();
        Self {
            hours: &curve.hours,
            all: floor.iter().map(|floor| floor * floor).sum(),
            floor,
            span_h: (curve.end_h() - curve.hours[0]).max(0.1),
            width_h: curve.width_h,
        }
    }

    fn decay(&self, from: f64, tau: f64) -> Decay {
        Decay {
            from,
            tau,
            last: f64::NEG_INFINITY,
            value: 1.0,
            step: self.width_h,
            factor: (-self.width_h / tau).exp(),
        }
    }

    /// Sum of squares that is left after a level and a column.
    fn rest_of_one(&self, mut column: impl FnMut(f64) -> f64) -> f64 {
        let (mut sum, mut square, mut product) = (0.0, 0.0, 0.0);
        for (hours, floor) in self.hours.iter().zip(&self.floor) {
            let value = column(*hours);
            sum += value;
            square += value * value;
            product += value * floor;
        }
        let spread = square - sum * sum / self.hours.len() as f64;
        if spread <= 1e-9 * square { self.all } else { (self.all - product * product / spread).max(0.0) }
    }

    /// The same after a level and two columns.
    fn rest_of_two(&self, mut columns: impl FnMut(f64) -> [f64; 2]) -> f64 {
        let (mut sums, mut squares, mut products, mut both) = ([0.0; 2], [0.0; 2], [0.0; 2], 0.0);
        for (hours, floor) in self.hours.iter().zip(&self.floor) {
            let values = columns(*hours);
            for at in 0..2 {
                sums[at] += values[at];
                squares[at] += values[at] * values[at];
                products[at] += values[at] * floor;
            }
            both += values[0] * values[1];
        }
        let count = self.hours.len() as f64;
        let spread = |at: usize| squares[at] - sums[at] * sums[at] / count;
        let (one, other, shared) = (spread(0), spread(1), both - sums[0] * sums[1] / count);
        let area = one * other - shared * shared;
        if area <= 1e-9 * one * other {
            // One column says what the other does.
            let best = (0..2).filter(|at| 0.0 < spread(*at)).map(|at| products[at] * products[at] / spread(at));
            return (self.all - best.fold(0.0, f64::max)).max(0.0);
        }
        let explained = products[0] * products[0] * other - 2.0 * products[0] * products[1] * shared
            + products[1] * products[1] * one;
        (self.all - explained / area).max(0.0)
    }
}

/// An exponential that falls from 1 from some hour on; cheap for points at equal distances.
struct Decay {
    from: f64,
    tau: f64,
    last: f64,
    value: f64,
    step: f64,
    factor: f64,
}

impl Decay {
    fn at(&mut self, hours: f64) -> f64 {
        let is_next = (hours - self.last - self.step).abs() < 1e-9;
        self.value = match hours - self.from {
            since if since <= 0.0 => 1.0,
            _ if is_next && self.from < self.last => self.value * self.factor,
            since => (-since / self.tau).exp(),
        };
        self.last = hours;
        self.value
    }
}
