//! `stanch snapshot` while a program runs: it is told what is so, and the program does not notice.
use crate::bench::{Bench, findings, kill, reports};
use crate::programs::WAITS;

#[test]
fn a_running_program_can_be_looked_at_and_goes_on() {
    let bench = Bench::new("snapshots");
    bench.compile("app", WAITS);
    let mut running = bench.start(&mut bench.stanch(["run", "--format", "json", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("snapshots-asking");
    for _ in 0..2 {
        let ended = asking.run(["snapshot", &pid, "--format", "json"]).status(0);
        assert_eq!(ended.stderr, "");
        let reports = reports(&ended.stdout);
        assert_eq!(reports[0]["subject"]["ending"], "still running");
        assert_eq!(reports[0]["subject"]["exit_status"], serde_json::Value::Null);
        let found = findings(&reports);
        assert!(found.contains(&"definitely_lost 70 1 lose".to_owned()), "{found:?}");
        assert!(found.contains(&"still_reachable 50 1 keep".to_owned()), "{found:?}");
    }
    asking.run(["snapshot", &pid, "--fail-on", "definitely-lost", "-o", "text"]).status(1);
    let text = std::fs::read_to_string(asking.path("text")).expect("it was written");
    assert!(text.starts_with("lost 70 bytes in 1 block at 1 place\n"), "{text}");

    kill("-USR1", &pid);
    let ended = running.wait().status(5);
    let found = findings(&reports(&ended.stderr));
    assert!(found.contains(&"definitely_lost 70 1 lose".to_owned()), "{found:?}");
    assert!(!found.iter().any(|finding| finding.ends_with("keep")), "{found:?}");
}
