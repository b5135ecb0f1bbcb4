//! Conclusions as JSON, one object a line. Its keys are a promise: keys are added, never renamed.
use super::Replayed;
use crate::detect::Verdict;
use crate::forecast::Interval;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Line<'a> {
    series: &'a str,
    verdict: &'static str,
    confidence: f64,
    onset: Option<f64>,
    rate_bytes_per_hour: Option<WireInterval>,
    exhaustion: Option<WireInterval>,
    alarms: Vec<WireAlarm>,
}

#[derive(Serialize)]
struct WireInterval {
    low: f64,
    mid: f64,
    high: f64,
}

#[derive(Serialize)]
struct WireAlarm {
    raised: f64,
    cleared: Option<f64>,
}

impl From<Interval> for WireInterval {
    fn from(interval: Interval) -> Self {
        let Interval { low, mid, high } = interval;
        Self { low: low.round(), mid: mid.round(), high: high.round() }
    }
}

/// Writes a line for each series.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn write(series: &[Replayed], out: &mut impl Write) -> io::Result<()> {
    for one in series {
        let conclusion = &one.conclusion;
        let line = Line {
            series: &one.series,
            verdict: verdict(conclusion.verdict),
            confidence: (conclusion.confidence * 1e4).round() / 1e4,
            onset: conclusion.onset_s,
            rate_bytes_per_hour: conclusion.rate_bytes_per_hour.map(WireInterval::from),
            exhaustion: conclusion.exhaustion_s.map(WireInterval::from),
            alarms: conclusion
                .alarms
                .iter()
                .map(|alarm| WireAlarm { raised: alarm.raised_s, cleared: alarm.cleared_s })
                .collect(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => "leak",
        Verdict::Filling => "filling",
        Verdict::Steady => "steady",
        Verdict::Unknown => "unknown",
    }
}
