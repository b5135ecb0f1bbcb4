//! Cuts a series into lives: from one start of the process to the next, or to a change that moved its memory.
//!
//! Restarts are told by events, by a fall of memory that met its limit, or, where neither is known, by a fall to where
//! the life began after many hours. Falls that come more often are a collector's, and stay within a life.
use super::bins::Bins;
use crate::series::{EventKind, HOUR_S, Sample};
use std::collections::VecDeque;

/// A fall to less than this share of what was there may be a restart.
const FALL: f64 = 0.72;
/// Samples that must agree before a fall counts: one wrong reading is none.
const AGREEING: usize = 3;
/// What stands this near to its limit was ended by it.
const AT_LIMIT: f64 = 0.93;
/// A fall after fewer hours is taken for a collector's unless something else speaks for a restart.
const LIFE_MIN_H: f64 = 9.0;
/// A change counts as the begin of a life where it moved the floor by this share within [`SETTLING_S`].
const MOVED: f64 = 0.03;
/// Time after a change in which the floor is looked at, in seconds.
const SETTLING_S: f64 = 3600.0;
/// An event may be noted so long before or after the fall that it explains, in seconds.
const EVENT_SLACK_S: f64 = 600.0;

/// From a start to the next one.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) bins: Bins,
    /// Memory at its begin.
    first: f64,
    /// The last few samples, the newest last.
    recent: VecDeque<f64>,
}

impl Life {
    fn begin(sample: &Sample) -> Self {
        let mut life = Self {
            start_s: sample.time_s,
            end_s: sample.time_s,
            bins: Bins::new(sample.time_s),
            first: sample.bytes,
            recent: VecDeque::with_capacity(AGREEING + 1),
        };
        life.push(sample);
        life
    }

    fn push(&mut self, sample: &Sample) {
        self.end_s = sample.time_s;
        self.bins.push(sample);
        self.recent.push_back(sample.bytes);
        if AGREEING < self.recent.len() {
            self.recent.pop_front();
        }
    }

    pub(crate) fn hours(&self) -> f64 {
        (self.end_s - self.start_s) / HOUR_S
    }

    /// The least of the last few samples.
    fn recently(&self) -> f64 {
        self.recent.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Cuts samples into lives as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    pub(crate) current: Option<Life>,
    /// Samples after a fall that may be the begin of another life.
    pending: Vec<Sample>,
    /// Restarts that were told and not met yet.
    restart_s: Option<f64>,
    /// A change that was told, and may have moved the floor.
    change_s: Option<f64>,
    is_told_restarts: bool,
}

impl Lives {
    pub(crate) fn event(&mut self, time_s: f64, kind: EventKind) {
        match kind {
            EventKind::Restart => {
                self.restart_s = Some(time_s);
                self.is_told_restarts = true;
            }
            EventKind::Deploy | EventKind::Config => self.change_s = Some(time_s),
        }
    }

    /// Takes a sample; returns the life that it ended, if it did.
    pub(crate) fn push(&mut self, sample: &Sample) -> Option<Life> {
        let Some(life) = &mut self.current else {
            self.current = Some(Life::begin(sample));
            return None;
        };
        if self.restart_s.is_some_and(|restart_s| restart_s <= sample.time_s) {
            self.restart_s = None;
            self.change_s = None;
            let pending = std::mem::take(&mut self.pending);
            pending.iter().for_each(|sample| life.push(sample));
            return self.current.replace(Life::begin(sample));
        }
        if sample.bytes < FALL * life.recently() {
            self.pending.push(*sample);
            if self.pending.len() < AGREEING {
                return None;
            }
            let is_restart = self.is_restart(sample);
            let pending = std::mem::take(&mut self.pending);
            return self.settle(&pending, is_restart);
        }
        let pending = std::mem::take(&mut self.pending);
        pending.iter().for_each(|sample| life.push(sample));
        life.push(sample);
        self.look_for_move(sample.time_s)
    }

    /// Whether the fall that is pending is a restart.
    fn is_restart(&self, sample: &Sample) -> bool {
        let Some(life) = &self.current else { return false };
        let is_told = self.change_s.is_some_and(|change_s| (life.end_s - change_s).abs() < EVENT_SLACK_S);
        let met_limit = sample.limit_bytes.is_some_and(|limit| AT_LIMIT * limit <= life.recently());
        let is_like_begin = sample.bytes <= 1.3 * life.first;
        is_told || met_limit || (!self.is_told_restarts && is_like_begin && LIFE_MIN_H <= life.hours())
    }

    fn settle(&mut self, pending: &[Sample], is_restart: bool) -> Option<Life> {
        let (first, rest) = pending.split_first()?;
        let life = self.current.as_mut()?;
        if !is_restart {
            pending.iter().for_each(|sample| life.push(sample));
            return None;
        }
        self.change_s = None;
        let mut next = Life::begin(first);
        rest.iter().for_each(|sample| next.push(sample));
        self.current.replace(next)
    }

    /// Some time after a change, looks whether it moved the floor; if so, a life began with it.
    fn look_for_move(&mut self, now_s: f64) -> Option<Life> {
        let change_s = self.change_s.filter(|change_s| change_s + SETTLING_S <= now_s)?;
        self.change_s = None;
        let life = self.current.as_mut()?;
        let before = life.bins.floor_between(change_s - SETTLING_S, change_s - 1.0)?;
        let after = life.bins.floor_between(change_s, now_s)?;
        if (after - before).abs() <= MOVED * before {
            return None;
        }
        let bins = life.bins.split(change_s);
        let next = Life { start_s: change_s, end_s: life.end_s, bins, first: after, recent: life.recent.clone() };
        life.end_s = change_s;
        self.current.replace(next)
    }
}
