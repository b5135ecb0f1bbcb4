//! Decides whether a series leaks: sample by sample, or once at its end.
//!
//! `lives` cuts the series at starts of the process, `bins` keeps each life's floor, `curve` takes cycles and load out
//! of it, `shapes` and `evidence` measure what is left, `trees` turns that into odds, `alarm` into alarms. What lives
//! before the current one said is counted with it.
mod alarm;
mod bins;
mod curve;
mod evidence;
mod least_squares;
mod lives;
mod shapes;
mod trees;

use crate::forecast::{self, Growth, Interval, Outlook};
use crate::series::{Event, HOUR_S, Sample};
use alarm::Alarms;
use lives::{Life, Lives};

pub(crate) use curve::Curve;
use evidence::Evidence;

pub use alarm::Alarm;
pub use evidence::FEATURES;
pub use trees::{LEAVES, QUESTIONS, Tree};

/// What a series does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Grows, and nothing says that it will end.
    Leak,
    /// Grew towards a bound: a warm-up, a cache.
    Filling,
    /// Neither.
    Steady,
    /// Too short, or too close to call.
    Unknown,
}

/// Whether it is looked at while samples come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// Every hour or so of the series: there will be alarms.
    WhileItGoes,
    /// At the end of each life and of the series only.
    AtEnd,
}

/// All that is said of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// What it does.
    pub verdict: Verdict,
    /// How sure that is: the probability that it is so, 0.5 to 1; 0 where nothing can be said.
    pub confidence: f64,
    /// Since when it leaks, in the series' seconds.
    pub onset_s: Option<f64>,
    /// How fast it leaks, in bytes an hour.
    pub rate_bytes_per_hour: Option<Interval>,
    /// When it meets its limit, in the series' seconds.
    pub exhaustion_s: Option<Interval>,
    /// Alarms while it went.
    pub alarms: Vec<Alarm>,
}

/// Probability from which on the verdict is a leak.
const LEAK_FROM: f64 = 0.7;
/// Below this it is none; between, it is unknown.
const NONE_BELOW: f64 = 0.5;
/// Log odds while a life is too young to speak for itself.
const YOUNG: f64 = -0.55;
/// How much the log odds of a life count, and those of one before it.
const CURRENT_WEIGHT: f64 = 1.18;
const PAST_WEIGHT: f64 = 0.28;
/// How much more those before count at the begin of a life, which says nothing yet.
const YOUTH_WEIGHT: f64 = 0.4;
/// One life before cannot say more than this, and so many are remembered.
const PAST_MOST: f64 = 2.5;
const PAST_LIVES: usize = 6;

/// A life younger than this is looked at every hour, and then every other.
const FINE_H: f64 = 96.0;

/// Looks at one series.
#[derive(Clone, Debug)]
pub struct Detector {
    looks: Looks,
    lives: Lives,
    past: Vec<PastLife>,
    limit_bytes: Option<f64>,
    next_look_s: f64,
    alarms: Alarms,
}

/// What is remembered of a life that is over.
#[derive(Clone, Debug)]
struct PastLife {
    hours: f64,
    log_odds: f64,
    onset_s: f64,
    growth: Growth,
}

impl Detector {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(looks: Looks) -> Self {
        Self {
            looks,
            lives: Lives::default(),
            past: Vec::new(),
            limit_bytes: None,
            next_look_s: f64::NEG_INFINITY,
            alarms: Alarms::new(),
        }
    }

    /// Takes note of something that happened; before the first sample after it.
    pub fn event(&mut self, event: &Event) {
        self.lives.event(event.time_s, event.kind);
    }

    /// Takes the next sample; times do not fall. Returns the alarm that this raised or cleared.
    pub fn sample(&mut self, sample: &Sample) -> Option<Alarm> {
        self.limit_bytes = sample.limit_bytes;
        if let Some(life) = self.lives.push(sample) {
            self.remember(&life);
        }
        if self.looks == Looks::AtEnd || sample.time_s < self.next_look_s {
            return None;
        }
        let hours = self.lives.current.as_ref().map_or(0.0, Life::hours);
        self.next_look_s = sample.time_s + if hours < FINE_H { HOUR_S } else { 2.0 * HOUR_S };
        let evidence = self.evidence();
        let log_odds = self.log_odds(evidence.as_ref().map(|(evidence, _)| evidence));
        let has_changed = self.alarms.look(sample.time_s, log_odds);
        has_changed.then(|| self.alarms.all.last().copied()).flatten()
    }

    fn remember(&mut self, life: &Life) {
        let Some((evidence, _)) = Self::look(life) else { return };
        if self.past.len() == PAST_LIVES {
            self.past.remove(0);
        }
        self.past.push(PastLife {
            hours: life.hours(),
            log_odds: trees::log_odds(&evidence.features),
            onset_s: life.start_s + evidence.onset_h * HOUR_S,
            growth: evidence.growth,
        });
    }

    /// The evidence of the current life, with the curve that it was read from; `None` while it is too young.
    fn evidence(&self) -> Option<(Evidence, Curve)> {
        Self::look(self.lives.current.as_ref()?)
    }

    /// What the trees are asked about the current life, for those who fit them; `None` while it is too young.
    #[must_use]
    pub fn features(&self) -> Option<[f64; FEATURES.len()]> {
        self.evidence().map(|(evidence, _)| evidence.features)
    }

    fn look(life: &Life) -> Option<(Evidence, Curve)> {
        let curve = Curve::of(&life.bins, life.end_s, life.hours())?;
        Some((evidence::weigh(&curve), curve))
    }

    fn log_odds(&self, evidence: Option<&Evidence>) -> f64 {
        let past: f64 = self.past.iter().map(|life| life.log_odds.clamp(-PAST_MOST, PAST_MOST)).sum();
        let current = evidence.map_or(YOUNG, |evidence| CURRENT_WEIGHT * trees::log_odds(&evidence.features));
        let youth = self.youth();
        (1.0 - youth) * current + youth * YOUNG.max(current) + (PAST_WEIGHT + youth * YOUTH_WEIGHT) * past
    }

    /// How much of its part the current life is still short of, next to those before it: 1 at its begin, 0 from half of
    /// their length on.
    fn youth(&self) -> f64 {
        let mean_h = self.past.iter().map(|life| life.hours).sum::<f64>() / self.past.len().max(1) as f64;
        let hours = self.lives.current.as_ref().map_or(0.0, Life::hours);
        if mean_h <= 0.0 { 0.0 } else { (1.0 - hours / (0.5 * mean_h)).clamp(0.0, 1.0) }
    }

    /// How likely it is that the series leaks now.
    #[must_use]
    pub fn probability(&self) -> f64 {
        let evidence = self.evidence();
        1.0 / (1.0 + (-self.log_odds(evidence.as_ref().map(|(evidence, _)| evidence))).exp())
    }

    /// What all that was seen says.
    #[must_use]
    pub fn conclude(&self) -> Conclusion {
        let current = self.evidence();
        let evidence = current.as_ref().map(|(evidence, _)| evidence);
        let probability = 1.0 / (1.0 + (-self.log_odds(evidence)).exp());
        let has_seen = evidence.is_some() || !self.past.is_empty();
        let verdict = match probability {
            _ if !has_seen => Verdict::Unknown,
            probability if LEAK_FROM <= probability => Verdict::Leak,
            probability if NONE_BELOW <= probability => Verdict::Unknown,
            _ if evidence.is_some_and(|evidence| evidence.is_filling) => Verdict::Filling,
            _ => Verdict::Steady,
        };
        let mut conclusion = Conclusion {
            verdict,
            confidence: if has_seen { probability.max(1.0 - probability) } else { 0.0 },
            onset_s: None,
            rate_bytes_per_hour: None,
            exhaustion_s: None,
            alarms: self.alarms.all.clone(),
        };
        if verdict == Verdict::Leak {
            self.describe(current.as_ref(), &mut conclusion);
        }
        conclusion
    }

    /// Says since when it leaks, how fast, and when it meets the limit.
    fn describe(&self, current: Option<&(Evidence, Curve)>, conclusion: &mut Conclusion) {
        let Some(life) = &self.lives.current else { return };
        let first = self.past.iter().find(|life| 0.0 < life.log_odds).map(|life| life.onset_s);
        let own = current.map(|(evidence, _)| life.start_s + evidence.onset_h * HOUR_S);
        conclusion.onset_s = first.or(own);
        let leaking = self.past.iter().filter(|life| 0.0 < life.log_odds).map(|life| &life.growth);
        let growths: Vec<&Growth> = leaking.chain(current.map(|(evidence, _)| &evidence.growth)).collect();
        let Some(rate) = forecast::rate(&growths) else { return };
        conclusion.rate_bytes_per_hour = Some(rate);
        if let (Some(limit), Some((evidence, curve))) = (self.limit_bytes, current) {
            let outlook = Outlook::of(curve, evidence.onset_h, rate, limit);
            let exhaustion = outlook.and_then(|outlook| forecast::exhaustion_hours(&outlook));
            conclusion.exhaustion_s = exhaustion.map(|hours| hours.scaled(HOUR_S, life.start_s).not_before(life.end_s));
        }
    }
}
