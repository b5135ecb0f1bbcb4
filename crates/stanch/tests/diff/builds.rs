//! Two builds of one program: the planted leak is all that is new, although lines moved, functions changed their order,
//! the checkout has another path and addresses are drawn at random.
use crate::bench::Bench;
use crate::programs::{C, CPLUSPLUS, Program};
use crate::told::{changes, compare};
use std::process::Command;

/// Builds and records one version in a checkout of its own.
fn record(bench: &Bench, program: &Program, source: &str, checkout: &str, level: &str) {
    let folder = bench.path(checkout);
    let source = bench.write(&format!("{checkout}/app.{}", program.ending), source);
    let mut compiler = Command::new(program.compiler);
    compiler.args(["-g", level, "-Wall", "-Werror", "-fPIE", "-pie", "-o"]).arg(folder.join("app")).arg(source);
    let done = compiler.output().unwrap_or_else(|error| panic!("{}: {error}; apt-get install g++", program.compiler));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let recording = bench.path(&format!("{}.rec", checkout.split('/').next().expect("a name")));
    let mut run = bench.stanch(["run", "--record"]);
    bench.finish(run.arg(recording).arg("--").arg(folder.join("app"))).status(0);
}

#[track_caller]
fn only_the_planted_leak_is_new(name: &str, program: &Program, levels: [&str; 2], planted: &str) {
    let random = std::fs::read_to_string("/proc/sys/kernel/randomize_va_space").expect("Linux");
    assert_eq!(random.trim(), "2", "this test needs addresses drawn at random");
    let bench = Bench::new(&format!("diff-{name}"));
    record(&bench, program, program.old, "old", levels[0]);
    record(&bench, program, program.new, "new/deeper/down", levels[1]);
    let forth = compare(&bench, ["old.rec", "new.rec"], &[], 1);
    assert_eq!(changes(&forth), [format!("new {planted}")], "{forth:#}");
    assert!(3 <= forth["counts"]["same"].as_u64().expect("a number"), "{forth:#}");
    let back = compare(&bench, ["new.rec", "old.rec"], &[], 0);
    assert_eq!(changes(&back), [format!("gone {planted}")], "{back:#}");
    // So it is with the smallest thresholds, but for the copy of a path that is longer now.
    let strict = compare(&bench, ["old.rec", "new.rec"], &["--min-bytes", "1", "--min-percent", "0"], 1);
    let strict: Vec<String> = changes(&strict).into_iter().filter(|line| !line.ends_with(" lose_copy")).collect();
    assert_eq!(strict, [format!("new {planted}")]);
    // What two runs of one build leave is the same.
    let same = compare(&bench, ["new.rec", "new.rec"], &["--min-bytes", "1", "--min-percent", "0"], 0);
    assert!(changes(&same).is_empty(), "{same:#}");
}

#[test]
fn c_without_optimisation() {
    only_the_planted_leak_is_new("c-O0", &C, ["-O0", "-O0"], "definitely_lost 700 7 remember");
}

#[test]
fn c_optimised() {
    only_the_planted_leak_is_new("c-O2", &C, ["-O2", "-O2"], "definitely_lost 700 7 remember");
}

#[test]
fn c_plus_plus_without_optimisation() {
    only_the_planted_leak_is_new("cc-O0", &CPLUSPLUS, ["-O0", "-O0"], "definitely_lost 700 7 Shop<int>::restock");
}

#[test]
fn c_plus_plus_optimised() {
    only_the_planted_leak_is_new("cc-O2", &CPLUSPLUS, ["-O2", "-O2"], "definitely_lost 700 7 Shop<int>::restock");
}

#[test]
fn a_build_of_another_level() {
    only_the_planted_leak_is_new("c-levels", &C, ["-O0", "-O2"], "definitely_lost 700 7 remember");
}

#[test]
fn c_plus_plus_of_another_level() {
    let planted = "definitely_lost 700 7 Shop<int>::restock";
    only_the_planted_leak_is_new("cc-levels", &CPLUSPLUS, ["-O0", "-O2"], planted);
}
