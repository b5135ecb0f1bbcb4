//! Makes series to judge detectors by: `cargo run --release -p stanch-watch --example judge -- FOLDER [series a family]
//! [first seed]`.
//!
//! Writes to FOLDER `series.csv` and `events.csv` for `stanch watch --replay`, `truth.jsonl`, and what two rules that
//! are in wide use say of the same series, in the form that Stanch answers in (`predict_linear.jsonl`,
//! `mann_kendall.jsonl`). `bench/watch` runs this, then Stanch, and compares.
#[path = "../../tests/generate/mod.rs"]
mod generate;

mod peers;

use generate::Made;
use serde_json::json;
use stanch_watch::detect::Alarm;
use stanch_watch::series::{EventKind, Sample};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder to write to")?;
    let seeds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let first: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let open = |name: &str| File::create(Path::new(&folder).join(name)).map(BufWriter::new);
    let mut files = Files {
        series: open("series.csv")?,
        events: open("events.csv")?,
        truth: open("truth.jsonl")?,
        peers: [open("predict_linear.jsonl")?, open("mann_kendall.jsonl")?],
    };
    writeln!(files.series, "time,series,bytes,limit,load")?;
    writeln!(files.events, "time,series,event")?;
    for family in 0..generate::FAMILIES {
        (first..first + seeds).try_for_each(|seed| files.add(&generate::make(family, seed)))?;
    }
    Ok(())
}

struct Files {
    series: BufWriter<File>,
    events: BufWriter<File>,
    truth: BufWriter<File>,
    peers: [BufWriter<File>; 2],
}

impl Files {
    fn add(&mut self, made: &Made) -> Result<(), Box<dyn Error>> {
        let name = made.name.replace(',', "");
        for Sample { time_s, bytes, limit_bytes, load } in &made.samples {
            let limit = limit_bytes.map(|limit| limit.to_string()).unwrap_or_default();
            let load = load.map(|load| format!("{load:.3}")).unwrap_or_default();
            writeln!(self.series, "{time_s},{name},{bytes},{limit},{load}")?;
        }
        for event in &made.events {
            let kind = match event.kind {
                EventKind::Restart => "restart",
                EventKind::Deploy => "deploy",
                EventKind::Config => "config",
            };
            writeln!(self.events, "{},{name},{kind}", event.time_s)?;
        }
        let leak = made.leak.as_ref().map(
            |leak| json!({"onset": leak.onset_s, "rate": leak.rate_bytes_per_hour, "exhaustion": leak.exhaustion_s}),
        );
        let ends = |sample: Option<&Sample>| sample.map(|sample| sample.time_s);
        let (first, last) = (ends(made.samples.first()), ends(made.samples.last()));
        let truth = json!({"series": name, "family": made.family, "leak": leak, "first": first, "last": last});
        writeln!(self.truth, "{truth}")?;
        let rules = [peers::predict_linear(&made.samples), peers::mann_kendall(&made.samples)];
        for (file, alarms) in self.peers.iter_mut().zip(rules) {
            writeln!(file, "{}", peer_line(&name, &alarms))?;
        }
        Ok(())
    }
}

/// A rule has no verdict: an alarm that stands at the end is one.
fn peer_line(name: &str, alarms: &[Alarm]) -> serde_json::Value {
    let stands = alarms.last().is_some_and(|alarm| alarm.cleared_s.is_none());
    let alarms: Vec<_> =
        alarms.iter().map(|alarm| json!({"raised": alarm.raised_s, "cleared": alarm.cleared_s})).collect();
    json!({"series": name, "verdict": if stands { "leak" } else { "steady" }, "alarms": alarms,
           "rate_bytes_per_hour": null, "exhaustion": null})
}
