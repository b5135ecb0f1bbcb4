//! `stanch.toml`, the environment and flags, in rising order.
use crate::bench::{Bench, Ended};
use crate::programs::LEAKS;

fn is_json(ended: &Ended) -> bool {
    ended.stderr.starts_with('{')
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let bench = Bench::new("configuration-precedence");
    bench.compile("app", LEAKS);
    bench.write("stanch.toml", "format = \"json\"\n");
    assert!(is_json(&bench.run(["run", "./app"]).status(3)));
    let with_environment =
        |format: &str, args: &[&str]| bench.finish(bench.stanch(args).env("STANCH_FORMAT", format)).status(3);
    assert!(!is_json(&with_environment("text", &["run", "./app"])));
    assert!(is_json(&with_environment("", &["run", "./app"])));
    bench.write("stanch.toml", "format = \"text\"\n");
    assert!(is_json(&with_environment("json", &["run", "./app"])));
    assert!(!is_json(&with_environment("json", &["run", "--format", "text", "./app"])));
}

#[test]
fn the_file_is_found_upwards_and_the_nearest_counts() {
    let bench = Bench::new("configuration-upwards");
    let program = bench.compile("app", LEAKS);
    bench.write("stanch.toml", "fail-on = \"definitely-lost\"\nsuppressions = [\"accepted\"]\n");
    bench.write("accepted", "leak:lose_block\n");
    bench.write("a/b/c/file", "");
    let run_below = || {
        let mut command = bench.stanch(["run", "--"]);
        bench.finish(command.arg(&program).current_dir(bench.path("a/b/c")))
    };
    let ended = run_below().status(1);
    assert!(ended.stderr.contains("suppressed: 1 finding, 10 bytes in 1 block"), "{}", ended.stderr);
    bench.write("a/b/stanch.toml", "");
    run_below().status(3);
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_line() {
    let bench = Bench::new("configuration-wrong");
    let path = bench.write("stanch.toml", "format = \"text\"\nformt = \"json\"\n");
    let place = path.display();
    bench.run(["run", "true"]).fails_with(&format!(
        "error: cannot understand `{place}:2`: unknown field `formt`, expected one of `format`, `fail-on`, `color`, \
         `show-reachable`, `follow-children`, `linger`, `sample`, `suppressions`, `suppress`"
    ));
    for (text, line) in [("\nformat = \"xml\"\n", 2), ("linger = \"long\"\n", 1), ("format = \n", 1), ("= 3", 1)] {
        bench.write("stanch.toml", text);
        let ended = bench.run(["run", "true"]).status(2);
        let start = format!("error: cannot understand `{place}:{line}`: ");
        assert!(ended.stderr.starts_with(&start), "{}", ended.stderr);
    }
    bench.write("stanch.toml", "linger = 1\n\n\n[[suppress]]\nfunction = \"f\"\n");
    let ended = bench.run(["run", "true"]).status(2);
    assert!(ended.stderr.contains(&format!("`{place}:4`: `reason` is missing")), "{}", ended.stderr);
}

#[test]
fn what_is_wrong_in_the_environment_is_told() {
    let bench = Bench::new("configuration-environment");
    let cases = [
        (
            "STANCH_FORMAT",
            "xml",
            "`xml`, not one of text, json, sarif, html, pprof, folded, speedscope, heaptrack, massif, firefox, csv",
        ),
        ("STANCH_FAIL_ON", "all", "`all`, not one of never, definitely-lost, possibly-lost, still-reachable"),
        ("STANCH_COLOR", "red", "`red`, not one of auto, always, never"),
        ("STANCH_SHOW_REACHABLE", "1", "`1`, not one of yes, no"),
        ("STANCH_FOLLOW_CHILDREN", "1", "`1`, not one of yes, no"),
        ("STANCH_LINGER", "long", "`long`, not a number of seconds"),
    ];
    for (name, value, said) in cases {
        bench
            .finish(bench.stanch(["run", "true"]).env(name, value))
            .fails_with(&format!("error: environment variable `{name}` is {said}"));
    }
    bench.run(["run", "--linger", "-1", "true"]).status(2);
    bench.run(["run", "--linger", "nan", "true"]).status(2);
}
