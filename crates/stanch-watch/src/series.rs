//! A series: what was seen of one process, group or host over time, and what happened to it.

/// One look at how much memory there was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When, in seconds since whatever the series counts from.
    pub time_s: f64,
    /// Memory in use, in bytes.
    pub bytes: f64,
    /// Where it ends, in bytes; `None` where there is no limit or it is not known.
    pub limit_bytes: Option<f64>,
    /// How much work there was, in a unit of the series' own; `None` where it is not known.
    pub load: Option<f64>,
}

/// What may change how much memory is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The process was started anew.
    Restart,
    /// Another build runs from here on.
    Deploy,
    /// It is configured differently from here on.
    Config,
}

/// Something that happened to a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When, in the seconds of the series.
    pub time_s: f64,
    /// What.
    pub kind: EventKind,
}

/// Seconds in an hour.
pub const HOUR_S: f64 = 3600.0;
/// Seconds in a day.
pub const DAY_S: f64 = 86_400.0;
