//! `stanch watch --replay`: what goes in, what comes out, and what it says of files that it cannot read.
use crate::bench::Bench;
use serde_json::Value;
use std::fs::{self, File};

/// Two days of a leak and of a steady process, a sample in five minutes.
fn series() -> String {
    let lines = (0..576).map(|step| {
        let (time, leaking) = (step * 300, 100_000_000 + step * 500_000);
        let steady = 50_000_000 + step * 7919 % 101 * 1000;
        format!("{time},leaking,{leaking},900000000,\n{time},steady,{steady},,\n")
    });
    format!("time,series,bytes,limit,load\n{}", lines.collect::<String>())
}

#[test]
fn series_are_judged_for_people_and_for_programs() {
    let bench = Bench::new("watch-series");
    bench.write("a.csv", series());
    let text = bench.run(["watch", "--replay", "a.csv"]).status(0);
    assert!(
        text.stdout.starts_with("1 of 2 series leak; 0 filling, 1 steady, 0 unknown\n\nleaking leaks ("),
        "{text:?}"
    );
    assert!(
        text.stdout.contains("  rate    5.72 MiB an hour (") && text.stdout.contains("\nsteady: steady\n"),
        "{text:?}"
    );
    let args = ["watch", "--replay", "a.csv", "--online", "--format", "json", "-o", "out.jsonl"];
    assert_eq!(bench.run(args).status(0).stdout, "");
    let lines: Vec<Value> = fs::read_to_string(bench.path("out.jsonl"))
        .expect("it was written")
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    assert_eq!((&lines[0]["series"], &lines[0]["verdict"]), (&"leaking".into(), &"leak".into()));
    assert!(lines[0]["alarms"][0]["raised"].as_f64() < Some(86_400.0), "{lines:?}");
    assert_eq!((&lines[1]["verdict"], lines[1]["alarms"].as_array().map(Vec::len)), (&"steady".into(), Some(0)));
}

#[test]
fn standard_input_is_a_file_too() {
    let bench = Bench::new("watch-stdin");
    let path = bench.write("a.csv", series());
    let mut command = bench.stanch(["watch", "--replay", "-", "--format", "json"]);
    let ended = bench.finish(command.stdin(File::open(path).expect("it was written"))).status(0);
    assert_eq!(ended.stdout.lines().count(), 2);
    bench
        .run(["watch", "--replay", "-", "--events", "-"])
        .fails_with("error: samples and events cannot both come from standard input\nhint: give one of them as a file");
}

#[test]
fn what_cannot_be_replayed_is_said_with_what_to_do() {
    let bench = Bench::new("watch-errors");
    bench.write("a.csv", series());
    bench.write("other.csv", "a,b\n1,2\n");
    bench.write("empty.csv", "");
    let first_line = "the first line of such a file is `time,series,bytes,limit,load`";
    bench
        .run(["watch", "--replay", "empty.csv"])
        .fails_with(&format!("error: cannot replay `empty.csv`: it is empty\nhint: {first_line}"));
    bench.run(["watch", "--replay", "none.csv"]).fails_with("error: cannot read `none.csv`: No such file or directory");
    bench.run(["watch", "--replay", "/"]).fails_with("error: cannot read `/`: it is a folder\nhint: name a file in it");
    let ended = bench.run(["watch", "--replay", "other.csv"]).status(2);
    assert!(ended.stderr.starts_with("error: cannot replay `other.csv`: its first line is `a,b`, not "), "{ended:?}");
    let ended = bench.run(["watch", "--replay", "a.csv", "--events", "other.csv"]).status(2);
    assert!(ended.stderr.starts_with("error: cannot replay `other.csv`: its first line is `a,b`, not "), "{ended:?}");
    bench.run(["watch"]).status(2);
}

#[test]
fn all_memory_of_the_host_is_accounted_for() {
    let bench = Bench::new("watch-host");
    let ended = bench.run(["watch", "--once", "--format", "json"]).status(0);
    let host: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    let total = host["total_bytes"].as_f64().expect("a number");
    let parts: f64 = host["parts"].as_array().expect("an array").iter().filter_map(|part| part["bytes"].as_f64()).sum();
    let unaccounted = host["unaccounted_bytes"].as_f64().expect("a number");
    assert_eq!(parts + unaccounted, total);
    assert!(unaccounted.abs() < 0.02 * total, "{host}");
    let text = bench.run(["watch", "--once"]).status(0).stdout;
    assert!(text.contains(" in all, ") && text.contains("unaccounted\n"), "{text}");
    bench.run(["watch", "--once", "--replay", "a.csv"]).status(2);
}
