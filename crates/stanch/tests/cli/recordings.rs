//! A recording that was kept says what the run said.
use crate::bench::{Bench, findings, reports};
use crate::programs::{FORKS, LEAKS};
use serde_json::Value;

#[test]
fn a_recording_says_the_same_without_the_program_and_elsewhere() {
    let bench = Bench::new("recordings");
    let program = bench.compile("app", LEAKS);
    let at_once = bench.run(["run", "--record", "app.rec", "--format", "json", "./app"]).status(3).stderr;
    let at_once = reports(&at_once);
    let report = |command: &mut std::process::Command| reports(&bench.finish(command).status(0).stdout);
    assert_eq!(report(&mut bench.stanch(["report", "--format", "json", "app.rec"])), at_once);

    std::fs::remove_file(program).expect("it is ours");
    std::fs::remove_file(bench.path("app.c")).expect("it is ours");
    let recording = bench.path("app.rec");
    let mut elsewhere = bench.stanch(["report", "--format", "json"]);
    elsewhere.arg(recording).current_dir("/");
    let later = report(&mut elsewhere);
    assert_eq!(later, at_once);
    assert!(findings(&later).contains(&"definitely_lost 10 1 lose_block".to_owned()));
}

#[test]
fn a_recording_holds_the_whole_tree() {
    let bench = Bench::new("recordings-tree");
    bench.compile("app", FORKS);
    let at_once = bench.run(["run", "--record", "app.rec", "--format", "json", "./app"]).status(0).stderr;
    let later = bench.run(["report", "app.rec", "--format", "json"]).status(0).stdout;
    assert_eq!(reports(&later), reports(&at_once));
}

#[test]
fn text_comes_out_the_same() {
    let bench = Bench::new("recordings-text");
    bench.compile("app", LEAKS);
    let at_once = bench.run(["run", "--record", "app.rec", "./app"]).status(3).stderr;
    assert_eq!(bench.run(["report", "app.rec"]).status(0).stdout, at_once);
}

#[test]
fn an_old_recording_is_replaced() {
    let bench = Bench::new("recordings-replaced");
    bench.compile("app", LEAKS);
    bench.write("app.rec", "something else");
    bench.run(["run", "--record", "app.rec", "./app"]).status(3);
    let document: Vec<Value> = reports(&bench.run(["report", "--format", "json", "app.rec"]).status(0).stdout);
    assert_eq!(document[0]["totals"]["definitely_lost_blocks"], 2);
    let left: Vec<_> = std::fs::read_dir(&bench.folder)
        .expect("it is ours")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
