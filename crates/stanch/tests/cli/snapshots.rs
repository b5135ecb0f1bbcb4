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

/// What a program would notice: calls that end early, children that are not its own, signals, changed masks.
const UNNOTICED: &str = include_str!("unnoticed.c");

#[test]
fn a_busy_program_does_not_notice_fifty_snapshots() {
    let bench = Bench::new("snapshots-unnoticed");
    bench.compile_with("app", UNNOTICED, &["-lpthread"]);
    let mut running = bench.start(&mut bench.stanch(["run", "--format", "json", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("snapshots-unnoticed-asking");
    for _ in 0..50 {
        let reports = reports(&asking.run(["snapshot", &pid, "--format", "json"]).status(0).stdout);
        assert_eq!(reports[0]["incomplete"], serde_json::json!([]), "it was forked, and all was seen");
        let pause_us = reports[0]["subject"]["pause_us"].as_u64().expect("it was measured");
        assert!(0 < pause_us && pause_us < 5_000_000, "{pause_us}");
        // What moves may be anywhere; what the program lost and kept at the start does not change.
        let mut found = findings(&reports);
        found.retain(|finding| finding.ends_with(" lose") || finding.ends_with(" keep"));
        assert_eq!(found, ["definitely_lost 700 7 lose", "still_reachable 800000 20000 keep"]);
    }
    kill("-USR1", &pid);
    let ended = running.wait().status(5);
    assert!(ended.stdout.ends_with("wrong 0\n"), "{}", ended.stdout);
}

/// After the last snapshot nothing is left of the copies.
#[test]
fn a_snapshot_leaves_no_process_behind() {
    let bench = Bench::new("snapshots-left");
    bench.compile("app", WAITS);
    let mut running = bench.start(&mut bench.stanch(["run", "--format", "json", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid();
    let program = bench.path("app");
    let same_program = || {
        let others = std::fs::read_dir("/proc").expect("Linux").flatten().filter_map(|entry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            (std::fs::read_link(entry.path().join("exe")).ok()? == program).then_some(number)
        });
        others.collect::<Vec<u32>>()
    };
    Bench::new("snapshots-left-asking").run(["snapshot", &pid.to_string()]).status(0);
    assert_eq!(same_program(), [pid]);
    assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("Linux"), "");
    kill("-USR1", &pid.to_string());
    running.wait().status(5);
}

/// Forbids `clone` before `main`, on pain of death.
const RESTRICT: &str = r#"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
__attribute__((constructor)) static void restrict_calls(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}
"#;

/// A filter may kill a program for a system call that is not its own.
#[test]
fn a_program_that_restricts_its_system_calls_is_not_forked() {
    let bench = Bench::new("snapshots-restricted");
    bench.compile("app", &[RESTRICT, WAITS].concat());
    let mut running = bench.start(&mut bench.stanch(["run", "--format", "json", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("snapshots-restricted-asking");
    let reports = reports(&asking.run(["snapshot", &pid, "--format", "json"]).status(0).stdout);
    let incomplete = reports[0]["incomplete"].as_array().expect("an array");
    let said = incomplete.iter().find(|entry| entry["what"] == "a fork of the program").expect("it is said");
    assert!(said["why"].as_str().expect("text").ends_with("(seccomp)"), "{said}");
    assert!(findings(&reports).contains(&"definitely_lost 70 1 lose".to_owned()), "{reports:?}");
    kill("-USR1", &pid);
    running.wait().status(5);
}
