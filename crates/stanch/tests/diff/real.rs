//! Two runs of a program of Debian: nothing is new, though it has leaks of its own and its addresses differ.
use crate::bench::Bench;
use crate::told::{changes, compare};

#[track_caller]
fn two_runs_are_alike(name: &str, commands: [&[&str]; 2]) {
    let bench = Bench::new(&format!("diff-{name}"));
    for (recording, command) in ["old.rec", "new.rec"].into_iter().zip(commands) {
        let mut run = bench.stanch(["run", "--record", recording, "--"]);
        bench.finish(run.args(command)).status(0);
    }
    let document = compare(&bench, ["old.rec", "new.rec"], &["--fail-on", "possibly-lost"], 0);
    let found = changes(&document);
    assert!(!found.iter().any(|line| line.starts_with("new ") || line.starts_with("changed ")), "{found:#?}");
    assert!(0 < document["counts"]["same"].as_u64().expect("a number"), "{document:#}");
}

#[test]
fn sqlite() {
    let command =
        ["sqlite3", ":memory:", "create table t(a); insert into t values (1), (2), (3); select sum(a) from t;"];
    two_runs_are_alike("sqlite", [&command, &command]);
}

#[test]
fn python() {
    let command = ["/usr/bin/python3", "-c", "import json; print(len(json.dumps(list(range(1000)))))"];
    two_runs_are_alike("python", [&command, &command]);
}

#[test]
fn perl() {
    let command = ["perl", "-e", "my %h = map { $_ => [1..$_] } 1..100; print scalar keys %h, qq(\\n)"];
    two_runs_are_alike("perl", [&command, &command]);
}

/// A command and its children are summed.
#[test]
fn a_compiler() {
    let bench = Bench::new("diff-gcc-source");
    let source = bench.write("small.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    let source = source.to_str().expect("it is text");
    two_runs_are_alike("gcc", [&["gcc", "-c", source, "-o", "a.o"], &["gcc", "-c", source, "-o", "b.o"]]);
}
