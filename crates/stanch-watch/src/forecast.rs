//! How fast it leaks, and when it meets its limit: each with an interval.
use crate::detect::Curve;

/// A number that is not known exactly: `mid` is the best guess, and the truth lies between `low` and `high` as often as
/// whoever made it says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The low end.
    pub low: f64,
    /// The middle.
    pub mid: f64,
    /// The high end.
    pub high: f64,
}

impl Interval {
    /// Times `factor`, and then shifted by `offset`.
    pub(crate) fn scaled(self, factor: f64, offset: f64) -> Self {
        let of = |value: f64| value * factor + offset;
        Self { low: of(self.low), mid: of(self.mid), high: of(self.high) }
    }
}

impl Interval {
    /// Nothing of it lies before `start`.
    pub(crate) fn not_before(self, start: f64) -> Self {
        Self { low: self.low.max(start), mid: self.mid.max(start), high: self.high.max(start) }
    }
}

/// Growth of one life's floor since its onset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    /// Bytes an hour.
    pub(crate) rate: f64,
    /// Standard error of the rate.
    pub(crate) rate_error: f64,
}

/// 95th percentile of the standard normal distribution.
const NORMAL_95: f64 = 1.645;
/// Rates are no more alike than this from one life, or stretch, to the next: a share.
const RATE_SPREAD: f64 = 0.05;

/// One standard deviation of what no model of the past tells of the rates to come: a share.
const MODEL_SPREAD: f64 = 0.1;

/// The rate of several lives together, each with the weight of its precision; `None` where memory does not grow.
pub(crate) fn rate(lives: &[&Growth]) -> Option<Interval> {
    let (mut weights, mut sum) = (0.0, 0.0);
    for growth in lives {
        let variance = growth.rate_error.powi(2) + (RATE_SPREAD * growth.rate).powi(2);
        let weight = 1.0 / variance.max(f64::MIN_POSITIVE);
        weights += weight;
        sum += weight * growth.rate;
    }
    let mid = sum / weights;
    let reach = NORMAL_95 / weights.sqrt();
    (0.0 < mid && mid.is_finite()).then(|| Interval { low: (mid - reach).max(0.0), mid, high: mid + reach })
}

/// What a forecast is made from. Times are hours of the life.
#[derive(Clone, Debug)]
pub(crate) struct Outlook {
    now_h: f64,
    /// Bytes between the floor now and the limit.
    room: f64,
    /// What the floor grew by in stretches of equal length since the onset, and how many hours a stretch has.
    steps: Vec<f64>,
    step_h: f64,
    /// What is missing in a step so that all agree with the rate.
    correction: f64,
    /// How far memory stood above the floor, the newest last, and hours between two of these.
    above: Vec<f64>,
    above_h: f64,
}

impl Outlook {
    /// `None` where there is too little to forecast from.
    pub(crate) fn of(curve: &Curve, onset_h: f64, rate: Interval, limit: f64) -> Option<Self> {
        const STEPS: usize = 12;
        let from = curve.hours.iter().position(|hours| onset_h <= *hours)?.min(curve.len().checked_sub(5)?);
        let (hours, floor) = (&curve.hours[from..], &curve.floor[from..]);
        let count = STEPS.min(hours.len() - 1);
        let now_h = curve.end_h();
        // The floor now, as the last points tell it with the rate that is known.
        let last = &hours[hours.len() - (hours.len() / 6).max(3).min(hours.len())..];
        let offset = floor.len() - last.len();
        let mut levels: Vec<f64> =
            last.iter().zip(&floor[offset..]).map(|(hour, floor)| floor + rate.mid * (now_h - hour)).collect();
        levels.sort_by(f64::total_cmp);
        let at = |part: usize| part * (hours.len() - 1) / count;
        let steps: Vec<f64> = (0..count).map(|part| floor[at(part + 1)] - floor[at(part)]).collect();
        let step_h = (hours[hours.len() - 1] - hours[0]) / count as f64;
        let correction = rate.mid * step_h - steps.iter().sum::<f64>() / count as f64;
        let above = curve.top.iter().zip(&curve.floor).map(|(top, floor)| (top - floor).max(0.0)).collect();
        Some(Self {
            now_h,
            room: limit - levels[levels.len() / 2],
            steps,
            step_h,
            correction,
            above,
            above_h: curve.width_h,
        })
    }
}

/// Hours of the life at which memory meets the limit, by bootstrap (Efron 1979) over what the floor grew by; `None`
/// where that is further away than anybody plans for.
pub(crate) fn exhaustion_hours(outlook: &Outlook) -> Option<Interval> {
    const DRAWS: usize = 300;
    /// Ten years.
    const FAR_H: f64 = 87_600.0;
    let mut random = fastrand::Rng::with_seed(1);
    let mut hours: Vec<f64> = (0..DRAWS).map(|_| one_future(outlook, FAR_H, &mut random)).collect();
    hours.sort_by(f64::total_cmp);
    let at = |share: f64| hours[((DRAWS - 1) as f64 * share) as usize];
    let (low, mid, high) = (at(0.05), at(0.5), at(0.95));
    let now = outlook.now_h;
    (mid < FAR_H).then_some(Interval { low: now + low, mid: now + mid, high: now + high })
}

/// Hours from now until the limit is met, if what comes is drawn from what was.
fn one_future(outlook: &Outlook, far_h: f64, random: &mut fastrand::Rng) -> f64 {
    // Whether what was long ago still holds is not known: a third of the futures are like all that was, a third like
    // the later half, a third like the last quarter.
    let all = &outlook.steps[..];
    let (steps, shift) = match random.u8(..3) {
        0 => (all, outlook.correction),
        1 => (&all[all.len() / 2..], 0.0),
        _ => (&all[all.len() - all.len().div_ceil(4)..], 0.0),
    };
    let count = steps.len();
    // The sum of three uniform numbers has a standard deviation of a half.
    let scale = 1.0 + MODEL_SPREAD * 2.0 * (random.f64() + random.f64() + random.f64() - 1.5);
    let drawn: Vec<f64> = (0..count).map(|_| (steps[random.usize(..count)] + shift) * scale).collect();
    let mean = drawn.iter().sum::<f64>() / count as f64;
    let room = outlook.room - above(outlook, mean, random);
    let mut grown = 0.0;
    // After so many steps their mean is all that matters.
    for step in 0..200 {
        if room <= grown {
            return f64::from(step) * outlook.step_h;
        }
        let next = drawn[random.usize(..count)];
        if room <= grown + next {
            return (f64::from(step) + (room - grown) / next) * outlook.step_h;
        }
        grown += next;
    }
    if mean <= 0.0 { far_h } else { ((room - grown) / mean * outlook.step_h + 200.0 * outlook.step_h).min(far_h) }
}

/// How far memory will stand above its floor when it meets the limit: what it did in a day out of the last three, or
/// in as long as there is still time. Spikes that come seldom may or may not be what meets it, so any height from the
/// middle to the top may be.
fn above(outlook: &Outlook, mean_step: f64, random: &mut fastrand::Rng) -> f64 {
    let per_day = ((24.0 / outlook.above_h).ceil() as usize).max(1);
    let recent = &outlook.above[outlook.above.len().saturating_sub(3 * per_day)..];
    let left_h = if mean_step <= 0.0 { 24.0 } else { (outlook.room / mean_step * outlook.step_h).clamp(0.0, 24.0) };
    let length = ((left_h / outlook.above_h) as usize).clamp(1, recent.len());
    // What comes soon is like what was last.
    let first = if length < per_day { recent.len() - length } else { random.usize(..=recent.len() - length) };
    let mut heights = recent[first..first + length].to_vec();
    heights.sort_by(f64::total_cmp);
    heights[heights.len() / 2 + random.usize(..heights.len() - heights.len() / 2)]
}
