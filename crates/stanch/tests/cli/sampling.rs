//! `--sample`: the estimates of the real recorder held against what full recording counts of the same program.
use crate::bench::{Bench, kill, reports};
use crate::programs::{FORKS, KEEPS};
use serde_json::Value;

const RUNS: u32 = 200;

/// The report on one process.
fn single(text: &str) -> Value {
    let mut reports = reports(text);
    assert_eq!(reports.len(), 1, "{text}");
    reports.remove(0)
}

fn total(report: &Value, key: &str) -> f64 {
    report["totals"][key].as_f64().unwrap_or_else(|| panic!("{key}: {report}"))
}

/// What full recording found not freed.
fn kept(report: &Value, what: &str) -> f64 {
    ["definitely_lost", "indirectly_lost", "possibly_lost", "still_reachable", "live"]
        .iter()
        .map(|class| total(report, &format!("{class}_{what}")))
        .sum()
}

/// Distance of the mean of some estimates from the truth, in standard errors of that mean.
fn errors_off(estimates: &[f64], truth: f64) -> f64 {
    let count = estimates.len() as f64;
    let mean = estimates.iter().sum::<f64>() / count;
    let variance = estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean - truth).abs() / (variance / count).sqrt()
}

/// True where the interval of this name holds the truth.
fn holds(report: &Value, what: &str, truth: f64) -> bool {
    let interval = &report["totals"]["estimate"][what];
    let end = |key: &str| interval[key].as_f64().unwrap_or_else(|| panic!("{what}: {report}"));
    end("low") <= truth && truth <= end("high")
}

#[test]
fn two_hundred_runs_are_unbiased_and_their_intervals_hold() {
    let bench = Bench::new("sampling-runs");
    bench.compile_with("app", KEEPS, &["-pthread"]);
    let full = single(&bench.run(["run", "--format", "json", "./app"]).status(0).stderr);
    let (true_bytes, true_blocks) = (kept(&full, "bytes"), kept(&full, "blocks"));
    let sampled: Vec<Value> = (0..RUNS)
        .map(|seed| {
            let mut command = bench.stanch(["run", "--sample", "256KiB", "--format", "json", "./app"]);
            command.env("STANCH_SAMPLE_SEED", seed.to_string());
            single(&bench.finish(&mut command).status(0).stderr)
        })
        .collect();
    let of = |key: &str| sampled.iter().map(|report| total(report, key)).collect::<Vec<f64>>();
    for (key, truth) in [
        ("live_bytes", true_bytes),
        ("live_blocks", true_blocks),
        ("allocations", total(&full, "allocations")),
        ("allocated_bytes", total(&full, "allocated_bytes")),
    ] {
        let off = errors_off(&of(key), truth);
        assert!(off <= 3.0, "{key}: {off} standard errors from {truth}");
        // The test of the test: it would notice a bias of a tenth.
        assert!(errors_off(&of(key), truth * 1.1) > 3.0, "{key}: too few samples to notice a bias");
    }
    for (what, truth) in [("bytes", true_bytes), ("blocks", true_blocks)] {
        let part = sampled.iter().filter(|report| holds(report, what, truth)).count() as f64 / f64::from(RUNS);
        assert!((0.90..=0.99).contains(&part), "{part} of the intervals hold the true {what}");
    }
    let differing = of("live_bytes").windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(differing > RUNS as usize / 2, "seeds make no difference");
}

#[test]
fn a_seed_makes_runs_the_same() {
    let bench = Bench::new("sampling-seed");
    bench.compile("app", FORKS);
    let run = || {
        let mut command = bench.stanch(["run", "--sample", "16", "--follow-children=no", "--format", "json", "./app"]);
        single(&bench.finish(command.env("STANCH_SAMPLE_SEED", "5")).status(0).stderr)["totals"].take()
    };
    assert_eq!(run(), run());
}

/// With samples at every byte nothing is left to chance, and a sampled recording finds what a full one finds.
#[test]
fn samples_at_every_byte_find_everything() {
    let bench = Bench::new("sampling-all");
    bench.compile_with("app", KEEPS, &["-pthread"]);
    let full = single(&bench.run(["run", "--format", "json", "./app"]).status(0).stderr);
    let all = single(&bench.run(["run", "--sample", "1", "--format", "json", "./app"]).status(0).stderr);
    assert_eq!(total(&all, "live_bytes"), kept(&full, "bytes"));
    assert_eq!(total(&all, "live_blocks"), kept(&full, "blocks"));
    assert_eq!(total(&all, "allocations"), total(&full, "allocations"));
    assert_eq!(total(&all, "peak_bytes"), total(&full, "peak_bytes"));
    let fingerprints = |report: &Value| {
        let findings = report["findings"].as_array().expect("an array").iter();
        let mut all: Vec<_> = findings.map(|finding| finding["fingerprint"].to_string()).collect();
        all.sort();
        all.dedup();
        all
    };
    assert_eq!(fingerprints(&all), fingerprints(&full));
}

#[test]
fn children_are_sampled_too() {
    let bench = Bench::new("sampling-children");
    bench.compile("app", FORKS);
    let shell = ["run", "--sample", "1", "--format", "json", "--", "sh", "-c", "./app; ./app"];
    let reports = reports(&bench.run(shell).status(0).stderr);
    let own: Vec<&Value> = reports.iter().filter(|report| report["subject"]["command"][0] == "./app").collect();
    assert_eq!(own.len(), 4, "{reports:?}");
    for report in &reports {
        assert_eq!(report["sampling"]["mean_bytes"], 1);
    }
    let lost = |bytes: u64| {
        let findings = own.iter().flat_map(|report| report["findings"].as_array().expect("an array"));
        findings.filter(|finding| finding["bytes"] == bytes && finding["kind"] == "live").count()
    };
    assert_eq!((lost(33), lost(44)), (2, 2));
}

#[test]
fn a_running_process_and_a_recording_give_estimates_too() {
    let bench = Bench::new("sampling-snapshot");
    bench.compile_with("app", KEEPS, &["-pthread"]);
    let run = ["run", "--sample", "64KiB", "--record", "app.rec", "--format", "json", "./app", "wait"];
    let mut running = bench.start(&mut bench.stanch(run));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("sampling-snapshot-asking");
    let snapshot = single(&asking.run(["snapshot", &pid, "--format", "json"]).status(0).stdout);
    assert_eq!(snapshot["subject"]["ending"], "still running");
    assert_eq!(snapshot["sampling"]["mean_bytes"], 64 << 10);
    assert!(total(&snapshot, "live_bytes") > 1e6, "{snapshot}");
    kill("-KILL", &pid);
    let ended = running.wait().status(128 + 9);
    let killed = single(&ended.stderr);
    assert_eq!(total(&killed, "live_bytes"), total(&snapshot, "live_bytes"));
    assert_eq!(killed["incomplete"][0]["what"], "blocks that were not sampled");
    let findings = killed["findings"].as_array().expect("an array");
    for finding in findings.iter().filter(|finding| finding["site"]["allocator"] != "mmap") {
        let (low, high) = (&finding["estimate"]["bytes"]["low"], &finding["estimate"]["bytes"]["high"]);
        assert!(low.as_u64() <= finding["bytes"].as_u64() && finding["bytes"].as_u64() <= high.as_u64(), "{finding}");
    }
    let later = single(&bench.run(["report", "app.rec", "--format", "json"]).status(0).stdout);
    assert_eq!(later, killed);
}

#[test]
fn text_says_that_amounts_are_estimates() {
    let bench = Bench::new("sampling-text");
    bench.compile_with("app", KEEPS, &["-pthread"]);
    let mut command = bench.stanch(["run", "--sample", "256KiB", "./app"]);
    let text = bench.finish(command.env("STANCH_SAMPLE_SEED", "1")).status(0).stderr;
    for part in ["by a sample", "live: about ", "(95 %: ", " in about ", "so amounts are estimates", "(no `--sample`)"]
    {
        let lines = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(lines.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bench = Bench::new("sampling-refused");
    for kind in ["definitely-lost", "possibly-lost"] {
        let ended = bench.run(["run", "--sample", "512KiB", "--fail-on", kind, "--", "true"]).status(2);
        assert!(ended.stderr.contains("cannot tell what is lost"), "{}", ended.stderr);
    }
    bench.run(["run", "--sample", "512KiB", "--fail-on", "never", "--", "true"]).status(0);
    for size in ["0", "many", "-1"] {
        let ended = bench.run(["run", &format!("--sample={size}"), "--", "true"]).status(2);
        assert!(ended.stderr.contains("such as 512KiB"), "{}", ended.stderr);
    }
    bench.write("stanch.toml", "sample = \"1 apple\"\n");
    let ended = bench.run(["run", "--", "true"]).status(2);
    assert!(ended.stderr.contains("`sample` in `stanch.toml` is `1 apple`"), "{}", ended.stderr);
    bench.write("stanch.toml", "sample = \"2MiB\"\n");
    let report = single(&bench.run(["run", "--format", "json", "--", "true"]).status(0).stderr);
    assert_eq!(report["sampling"]["mean_bytes"], 2 << 20);
}
