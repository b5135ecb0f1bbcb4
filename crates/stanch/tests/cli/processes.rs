//! Process trees: children, daemons, and what outlives the command.
use crate::bench::{Bench, findings, kill, reports};
use crate::programs::{DAEMON, FORKS, LEAKS, LEAVES_CHILD};
use serde_json::Value;

#[test]
fn children_are_recorded_unless_they_are_not_wanted() {
    let bench = Bench::new("processes-children");
    bench.compile("app", FORKS);
    let run = |args: &[&str]| reports(&bench.run(args).status(0).stderr);
    let all = ["definitely_lost 33 1 lose_in_child", "definitely_lost 44 1 lose_in_parent"];
    assert_eq!(findings(&run(&["run", "--format", "json", "./app"])), all);
    let one = run(&["run", "--format", "json", "--follow-children=no", "./app"]);
    assert_eq!(
        (findings(&one).as_slice(), one.len()),
        (["definitely_lost 44 1 lose_in_parent".to_owned()].as_slice(), 1)
    );
}

#[test]
fn a_daemon_is_followed_to_its_end() {
    let bench = Bench::new("processes-daemon");
    bench.compile("app", DAEMON);
    let ended = bench.run(["run", "--linger", "1", "--format", "json", "-o", "report", "./app"]).status(0);
    let text = std::fs::read_to_string(bench.path("report")).expect("it was written");
    assert_eq!(findings(&reports(&text)), ["definitely_lost 77 1 lose"], "{}", ended.stderr);
}

#[test]
fn what_outlives_the_command_is_still_running() {
    let bench = Bench::new("processes-outlives");
    bench.compile("app", LEAVES_CHILD);
    bench.run(["run", "--linger", "0.2", "--record", "app.rec", "--format", "json", "-o", "report", "./app"]).status(0);
    let text = std::fs::read_to_string(bench.path("report")).expect("it was written");
    let reports = reports(&text);
    let running: Vec<&Value> = reports.iter().filter(|report| report["subject"]["ending"] == "still running").collect();
    assert_eq!(running.len(), 1, "{text}");
    let pid = running[0]["subject"]["pid"].to_string();
    let found = findings(&reports);
    assert!(found.contains(&"still_reachable 55 1 main".to_owned()), "{found:?}");
    let text = bench.run(["report", "app.rec"]).status(0).stdout;
    assert!(text.starts_with("no leaks so far in 2 processes: "), "{text}");
    assert!(text.contains(&format!("still running when checked, and not recorded any more: {pid} (./app)")), "{text}");
    // It goes on, and nobody records it.
    bench.run(["snapshot", &pid]).status(2);
    kill("-KILL", &pid);
}

#[test]
fn the_same_leak_in_several_processes_is_told_once() {
    let bench = Bench::new("processes-same");
    bench.compile("app", LEAKS);
    let text = bench.run(["run", "--", "bash", "-c", "./app; ./app; ./app; :"]).status(0).stderr;
    assert_eq!(text.matches("definitely lost: 10 bytes in 1 block").count(), 1, "{text}");
    assert!(text.contains("   also   in 2 other processes: 20 bytes in 2 blocks together\n"), "{text}");
    assert!(text.contains("3 program images were replaced by exec before their end: not checked\n"), "{text}");
}
