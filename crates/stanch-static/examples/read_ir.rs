//! Reads files of LLVM IR several times, and says how fast, and what was not understood: `bench/read-ir` calls it.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Instant;

use stanch_static::frontend;

/// How often each file is read; the fastest time counts, since others share the machine.
const ROUNDS: usize = 5;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args().skip(1) {
        let text = std::fs::read(&path)?;
        let (seconds, reading) = measured(&text, &|_| false);
        // As if another file of the program had all its inline functions and templates already.
        let (seconds_known, _) = measured(&text, &|_| true);
        let speed = |seconds: f64| text.len() as f64 / 1e6 / seconds;
        let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &reading.not_understood {
            *unknown.entry(&one.mnemonic).or_insert(0) += 1;
        }
        let functions = reading.module.functions.iter().filter(|function| function.is_defined()).count();
        writeln!(
            out,
            "{path}\t{:.1}\t{functions}\t{:.0}\t{:.0}\t{unknown:?}",
            text.len() as f64 / 1e6,
            speed(seconds),
            speed(seconds_known)
        )?;
    }
    Ok(())
}

fn measured(text: &[u8], is_known: &dyn Fn(&str) -> bool) -> (f64, frontend::Reading) {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let reading = frontend::read(text, is_known);
        best = best.min(start.elapsed().as_secs_f64());
        last = Some(reading);
    }
    (best, last.expect("there is a round"))
}
