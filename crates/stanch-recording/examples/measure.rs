//! Measures the file format on a large made-up recording:
//! `cargo run --release -p stanch-recording --example measure -- [sites] [file]`.
//!
//! Three stack nodes a site, one distinct code address for 15 nodes. The best of three rounds is
//! printed; reading includes all checks.

use std::error::Error;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

#[path = "../tests/common/mod.rs"]
mod common;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let sites = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let recording = common::recording(common::Scale { nodes: 3 * sites, sites, addresses: sites / 5 });
    let mut bytes = Vec::new();
    let written = best(|| {
        bytes.clear();
        stanch_recording::write(&recording, &mut bytes)
    })?;
    let mut read = None;
    let reading = best(|| stanch_recording::read(Cursor::new(&bytes)).map(|result| read = Some(result)))?;
    if read != Some((recording, Vec::new())) {
        return Err("what was read is not what was written".into());
    }
    if let Some(path) = arguments.next() {
        std::fs::write(path, &bytes)?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{sites} sites, {} nodes: {:.1} MB", 3 * sites, bytes.len() as f64 / 1e6)?;
    writeln!(out, "write {:.0} ms, read {:.0} ms", written.as_secs_f64() * 1e3, reading.as_secs_f64() * 1e3)?;
    Ok(())
}

fn best<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
