//! Rules in wide use, as their users write them down.
use stanch_watch::detect::Alarm;
use stanch_watch::series::{DAY_S, HOUR_S, Sample};
use std::collections::VecDeque;

/// Prometheus: `predict_linear(memory[6h], 86400) > limit` for an hour. Where there is no limit, twice the memory of
/// the moment stands for it.
pub(crate) fn predict_linear(samples: &[Sample]) -> Vec<Alarm> {
    let mut window: VecDeque<(f64, f64)> = VecDeque::new();
    let mut rule = Rule::new(HOUR_S);
    let Some(start_s) = samples.first().map(|sample| sample.time_s) else { return Vec::new() };
    let mut next_s = start_s + 6.0 * HOUR_S;
    for sample in samples {
        window.push_back((sample.time_s, sample.bytes));
        while window.front().is_some_and(|(time_s, _)| *time_s < sample.time_s - 6.0 * HOUR_S) {
            window.pop_front();
        }
        if sample.time_s < next_s {
            continue;
        }
        next_s = sample.time_s + 300.0;
        let limit = sample.limit_bytes.unwrap_or(2.0 * sample.bytes);
        rule.look(sample.time_s, limit < line_at(window.make_contiguous(), sample.time_s + DAY_S));
    }
    rule.alarms
}

/// The line of least squares at a time.
fn line_at(window: &[(f64, f64)], at_s: f64) -> f64 {
    let count = window.len() as f64;
    let (time, bytes) = window.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0 / count, sum.1 + one.1 / count));
    let (products, squares) = window
        .iter()
        .fold((0.0, 0.0), |sum, one| (sum.0 + (one.0 - time) * (one.1 - bytes), sum.1 + (one.0 - time).powi(2)));
    bytes + if 0.0 < squares { products / squares * (at_s - time) } else { 0.0 }
}

/// The test of Mann and Kendall at 1 %, and the slope of Theil and Sen above 5 % a day, on the last day as it is,
/// looked at once an hour.
pub(crate) fn mann_kendall(samples: &[Sample]) -> Vec<Alarm> {
    const POINTS: usize = 144;
    let mut window: VecDeque<(f64, f64)> = VecDeque::new();
    let mut rule = Rule::new(0.0);
    let Some(start_s) = samples.first().map(|sample| sample.time_s) else { return Vec::new() };
    let mut next_s = start_s + 6.0 * HOUR_S;
    for sample in samples {
        let is_due = window.back().is_none_or(|(time_s, _)| time_s + DAY_S / POINTS as f64 <= sample.time_s);
        if is_due {
            window.push_back((sample.time_s, sample.bytes));
        }
        while window.front().is_some_and(|(time_s, _)| *time_s < sample.time_s - DAY_S) {
            window.pop_front();
        }
        if sample.time_s < next_s {
            continue;
        }
        next_s = sample.time_s + HOUR_S;
        rule.look(sample.time_s, rises(window.make_contiguous()));
    }
    rule.alarms
}

fn rises(window: &[(f64, f64)]) -> bool {
    let mut balance = 0i64;
    let mut slopes = Vec::with_capacity(window.len() * window.len() / 2);
    for (at, one) in window.iter().enumerate() {
        for later in &window[at + 1..] {
            balance += i64::from(one.1 < later.1) - i64::from(later.1 < one.1);
            slopes.push((later.1 - one.1) / (later.0 - one.0).max(1.0));
        }
    }
    let count = window.len() as f64;
    let deviation = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    let middle = slopes.len() / 2;
    if slopes.is_empty() || balance as f64 / deviation < 2.326 {
        return false;
    }
    let slope = *slopes.select_nth_unstable_by(middle, f64::total_cmp).1;
    let level = window.iter().map(|one| one.1).sum::<f64>() / count;
    0.05 * level < slope * DAY_S
}

/// An alarm that is raised when a condition held for a while, and cleared when it does not hold.
struct Rule {
    for_s: f64,
    since_s: Option<f64>,
    alarms: Vec<Alarm>,
}

impl Rule {
    fn new(for_s: f64) -> Self {
        Self { for_s, since_s: None, alarms: Vec::new() }
    }

    fn look(&mut self, now_s: f64, holds: bool) {
        let standing = self.alarms.last_mut().filter(|alarm| alarm.cleared_s.is_none());
        if !holds {
            self.since_s = None;
            standing.into_iter().for_each(|alarm| alarm.cleared_s = Some(now_s));
            return;
        }
        let since_s = *self.since_s.get_or_insert(now_s);
        if standing.is_none() && since_s + self.for_s <= now_s {
            self.alarms.push(Alarm { raised_s: now_s, cleared_s: None });
        }
    }
}
