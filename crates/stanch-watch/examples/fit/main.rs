//! Fits the trees of `src/detect/trees.txt` to generated series:
//! `cargo run --release -p stanch-watch --example fit -- [series a family] [first seed] > trees.txt`.
//!
//! Every hour or so of each series gives a row: the evidence, and whether the series leaks by then. `boost` grows the
//! trees. Seeds that judge must be others than those that fit; `bench/watch` judges. `--without` leaves families out
//! (by number, separated by commas), to see what trees say of families that they never met.
#[path = "../../tests/generate/mod.rs"]
mod generate;

mod boost;

use boost::Row;
use stanch_watch::detect::{Detector, Looks};
use stanch_watch::series::HOUR_S;
use std::error::Error;
use std::io::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = arguments.first().map_or(Ok(100), |text| text.parse())?;
    let first: u64 = arguments.get(1).map_or(Ok(1000), |text| text.parse())?;
    let without: Vec<usize> = match arguments.get(2).and_then(|text| text.strip_prefix("--without=")) {
        Some(list) => list.split(',').map(str::parse).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let families: Vec<usize> = (0..generate::FAMILIES).filter(|family| !without.contains(family)).collect();
    let rows = std::thread::scope(|scope| {
        let half = |part: usize| {
            let families = families.clone();
            scope.spawn(move || {
                let mine = families.iter().skip(part).step_by(2);
                mine.flat_map(|family| (first..first + seeds).flat_map(|seed| rows(*family, seed))).collect::<Vec<_>>()
            })
        };
        let (one, other) = (half(0), half(1));
        let mut rows = one.join().unwrap_or_default();
        rows.extend(other.join().unwrap_or_default());
        rows
    });
    let trees = boost::fit(&rows);
    let mut out = std::io::stdout().lock();
    trees.iter().try_for_each(|tree| writeln!(out, "{}", tree.line()))?;
    Ok(())
}

/// What a detector would look at while the series goes on.
fn rows(family: usize, seed: u64) -> Vec<Row> {
    let made = generate::make(family, seed);
    let onset_s = made.leak.as_ref().map_or(f64::INFINITY, |leak| leak.onset_s);
    let Some(start_s) = made.samples.first().map(|sample| sample.time_s) else { return Vec::new() };
    let mut detector = Detector::new(Looks::AtEnd);
    let mut events = made.events.iter().peekable();
    let mut rows = Vec::new();
    let mut next = start_s;
    for sample in &made.samples {
        while let Some(event) = events.next_if(|event| event.time_s <= sample.time_s) {
            detector.event(event);
        }
        detector.sample(sample);
        if sample.time_s < next {
            continue;
        }
        next = sample.time_s + HOUR_S * (1.0 + ((sample.time_s - start_s) / HOUR_S / 48.0).floor().min(2.0));
        if let Some(features) = detector.features() {
            rows.push(Row { features, leaks: onset_s <= sample.time_s, weight: 1.0 });
        }
    }
    // A long series is not as many times as important as a short one, nor just as important.
    let weight = (rows.len() as f64).powf(-0.7);
    rows.iter_mut().for_each(|row| row.weight = weight);
    rows
}
