//! Signals: Ctrl-C is the program's, a request to end is passed on, and there is a report in the end.
use crate::bench::{Bench, kill};
use crate::programs::WAITS;

fn interrupted(name: &str, signal: &str, to_group: bool) -> (String, i32) {
    let bench = Bench::new(name);
    bench.compile("app", WAITS);
    let mut running = bench.start(&mut bench.stanch(["run", "./app"]));
    running.wait_for_line("ready");
    let pid = running.child.id();
    kill(signal, &if to_group { format!("-{pid}") } else { pid.to_string() });
    let ended = running.wait();
    (ended.stderr, ended.status)
}

#[test]
fn an_interrupt_from_the_terminal_gives_a_report() {
    let (text, status) = interrupted("signals-interrupt", "-INT", true);
    assert!(text.starts_with("lost 70 bytes in 1 block at 1 place\n"), "{text}");
    assert_eq!(status, 7);
}

#[test]
fn a_request_to_end_is_forwarded() {
    let (text, status) = interrupted("signals-terminate", "-TERM", false);
    assert!(text.starts_with("lost 70 bytes in 1 block at 1 place\n"), "{text}");
    assert_eq!(status, 6);
}

#[test]
fn a_program_that_an_interrupt_kills_is_reported() {
    let bench = Bench::new("signals-killed");
    bench.compile(
        "app",
        &WAITS.replace("signal(numbers[i], note)", "signal(numbers[i], numbers[i] == SIGUSR1 ? note : SIG_DFL)"),
    );
    let mut running = bench.start(&mut bench.stanch(["run", "./app"]));
    running.wait_for_line("ready");
    kill("-INT", &format!("-{}", running.child.id()));
    let ended = running.wait().status(130);
    assert!(ended.stderr.contains("(killed by SIGINT after "), "{}", ended.stderr);
}
