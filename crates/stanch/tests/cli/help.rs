//! Help, and arguments that are the program's.
use crate::bench::Bench;
use crate::programs::ECHO;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

#[test]
fn help_is_short_or_long() {
    let bench = Bench::new("help");
    for verb in [vec![], vec!["run"], vec!["report"], vec!["diff"], vec!["snapshot"], vec!["view"], vec!["watch"]] {
        let help = |flag| bench.run(verb.iter().copied().chain([flag])).status(0);
        let (short, long) = (help("-h"), help("--help"));
        assert!(short.stderr.is_empty() && long.stderr.is_empty());
        assert!(short.stdout.lines().count() < 40, "{}", short.stdout);
        assert!(short.stdout.len() < long.stdout.len());
        assert!(long.stdout.lines().chain(short.stdout.lines()).all(|line| line.chars().count() <= 100));
    }
    assert!(bench.run(["--help"]).stdout.contains("Exit status:"));
    let version = bench.run(["--version"]).status(0).stdout;
    assert_eq!(version, format!("stanch {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_typed_is_a_question() {
    let bench = Bench::new("help-nothing");
    let ended = bench.run([""; 0]).status(2);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("stanch run -- PROGRAM"), "{}", ended.stderr);
    let ended = bench.run(["run"]).status(2);
    assert!(ended.stderr.contains("<COMMAND>"), "{}", ended.stderr);
}

#[test]
fn flags_of_the_program_are_the_programs() {
    let bench = Bench::new("help-program");
    bench.compile("app", ECHO);
    for args in [
        vec!["run", "--", "./app", "--help", "-o", "x", "--", "-h"],
        vec!["run", "./app", "--help", "-o", "x", "--", "-h"],
        vec!["run", "--follow-children", "./app", "--help", "-o", "x", "--", "-h"],
    ] {
        assert_eq!(bench.run(&args).status(0).stdout, "--help\n-o\nx\n--\n-h\n", "{args:?}");
    }
}

#[test]
fn arguments_need_not_be_text() {
    let bench = Bench::new("help-bytes");
    bench.compile("app", ECHO);
    let odd = OsString::from_vec(b"caf\xe9".to_vec());
    let mut command = bench.stanch(["run", "--record", "app.rec", "./app"]);
    let ended = bench.finish(command.arg(&odd)).status(0);
    assert_eq!(ended.stdout, "caf\u{fffd}\n");
    let output = bench.stanch(["run", "-o", "report", "./app"]).arg(&odd).output().expect("it starts");
    assert_eq!(output.stdout, b"caf\xe9\n");
    bench.run(["report", "app.rec"]).status(0);
    // Nor need the program's name.
    let program = OsString::from_vec(b"./app\xe9".to_vec());
    std::fs::copy(bench.path("app"), bench.folder.join(&program)).expect("it can be copied");
    bench.finish(bench.stanch(["run", "--"]).arg(program)).status(0);
}
