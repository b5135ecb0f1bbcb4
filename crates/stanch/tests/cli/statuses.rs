//! Exit statuses.
use crate::bench::Bench;
use crate::programs::{ENDS, LEAKS};

#[test]
fn the_programs_own_status_passes_through() {
    let bench = Bench::new("statuses-own");
    bench.compile("app", ENDS);
    for (word, status) in
        [("0", 0), ("1", 1), ("2", 2), ("77", 77), ("255", 255), ("-15", 143), ("-9", 137), ("-11", 139)]
    {
        bench.run(["run", "--", "./app", word]).status(status);
    }
}

#[test]
fn fail_on_gives_1_where_something_is_found() {
    let bench = Bench::new("statuses-fail-on");
    bench.compile("app", LEAKS);
    for (limit, status) in [("never", 3), ("definitely-lost", 1), ("possibly-lost", 1), ("still-reachable", 1)] {
        bench.run(["run", "--fail-on", limit, "--", "./app"]).status(status);
    }
    bench.run(["run", "--record", "app.rec", "--", "./app"]).status(3);
    bench.run(["report", "app.rec"]).status(0);
    bench.run(["report", "app.rec", "--fail-on", "definitely-lost"]).status(1);
}

#[test]
fn fail_on_lets_the_status_through_where_nothing_is_found() {
    let bench = Bench::new("statuses-nothing-found");
    bench.compile("app", ENDS);
    bench.run(["run", "--fail-on", "still-reachable", "--", "./app", "6"]).status(6);
}

#[test]
fn what_was_live_when_it_was_killed_is_not_called_lost() {
    let bench = Bench::new("statuses-killed");
    let source = LEAKS.replace("return kept ? 3 : 4;", "__builtin_trap();");
    bench.compile("app", &source);
    let ended = bench.run(["run", "--fail-on", "definitely-lost", "--", "./app"]).status(132);
    let first = ended.stderr.lines().next().unwrap_or_default();
    assert!(first.contains("not freed when last seen"), "{}", ended.stderr);
    assert!(!first.contains("no leaks") && !first.starts_with("lost"), "{first}");
}
