//! Alarms with hysteresis: raised on evidence that lasts, cleared when it is gone.

use crate::series::HOUR_S;

/// Smoothed log odds from which on an alarm is raised: 7 to 1.
const RAISE: f64 = 1.95;
/// Below these it is cleared: 3 to 2 against.
const CLEAR: f64 = -0.4;
/// Hours in which what looks said is forgotten by a factor of e.
const FORGETS_H: f64 = 1.45;
/// Before anything was seen.
const START: f64 = -1.0;
/// One look cannot say more than this.
const SAID_MOST: f64 = 5.0;

/// A time in which an alarm stood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// When it was raised, in the series' seconds.
    pub raised_s: f64,
    /// When it was cleared; `None` while it stands.
    pub cleared_s: Option<f64>,
}

/// All alarms of a series.
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    smoothed: f64,
    last_s: Option<f64>,
    pub(crate) all: Vec<Alarm>,
}

impl Alarms {
    pub(crate) fn new() -> Self {
        Self { smoothed: START, last_s: None, all: Vec::new() }
    }

    /// Takes what a look said; true where that raised an alarm or cleared one.
    pub(crate) fn look(&mut self, now_s: f64, log_odds: f64) -> bool {
        let said = log_odds.clamp(-SAID_MOST, SAID_MOST);
        let hours = self.last_s.map_or(1.0, |last_s| (now_s - last_s) / HOUR_S);
        self.last_s = Some(now_s);
        self.smoothed += (1.0 - (-hours / FORGETS_H).exp()) * (said - self.smoothed);
        let standing = self.all.last_mut().filter(|alarm| alarm.cleared_s.is_none());
        match standing {
            None if RAISE < self.smoothed => self.all.push(Alarm { raised_s: now_s, cleared_s: None }),
            Some(alarm) if self.smoothed < CLEAR => alarm.cleared_s = Some(now_s),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Alarm, Alarms, HOUR_S};

    #[test]
    fn one_look_raises_nothing_and_doubt_clears_nothing() {
        let mut alarms = Alarms::new();
        let look = |alarms: &mut Alarms, hour: u32, odds: f64| alarms.look(f64::from(hour) * HOUR_S, odds);
        assert!(!look(&mut alarms, 0, 3.0));
        assert!(!look(&mut alarms, 1, -3.0));
        assert!((2..10).any(|hour| look(&mut alarms, hour, 3.0)));
        assert!(!look(&mut alarms, 20, 0.5));
        assert!((30..40).any(|hour| look(&mut alarms, hour, -3.0)));
        assert!(matches!(alarms.all[..], [Alarm { cleared_s: Some(_), .. }]));
    }
}
