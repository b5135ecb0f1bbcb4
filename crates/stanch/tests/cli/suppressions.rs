//! Suppressions of all three kinds take out what they are meant for, and are counted.
use crate::bench::{Bench, findings, reports};
use crate::programs::LEAKS;

fn check(name: &str, text: &str) {
    let bench = Bench::new(&format!("suppressions-{name}"));
    bench.compile("app", LEAKS);
    bench.write("accepted", text);
    let ended = bench.run(["run", "--suppressions", "accepted", "--format", "json", "./app"]).status(3);
    let reports = reports(&ended.stderr);
    assert_eq!(
        findings(&reports),
        ["definitely_lost 16 1 lose_tree", "indirectly_lost 6 1 lose_tree", "still_reachable 40 1 keep"]
    );
    // Totals say what there was.
    assert_eq!(reports[0]["totals"]["definitely_lost_bytes"], 26);
    let text = bench.run(["run", "--suppressions", "accepted", "./app"]).status(3).stderr;
    assert!(text.starts_with("lost 22 bytes in 2 blocks at 1 place\n"), "{text}");
    assert!(text.contains("suppressed: 1 finding, 10 bytes in 1 block\n"), "{text}");
}

#[test]
fn own() {
    check("own", "[[suppress]]\nreason = \"accepted\"\nfunction = \"lose_b*\"\nkind = [\"definitely_lost\"]\n");
}

#[test]
fn leak_sanitizer() {
    check("lsan", "# accepted\nleak:lose_block\n");
}

#[test]
fn valgrind() {
    check(
        "valgrind",
        "{\n   accepted\n   Memcheck:Leak\n   match-leak-kinds: definite\n   fun:malloc\n   fun:lose_block\n   \
         ...\n}\n",
    );
}

#[test]
fn several_files_and_none_left() {
    let bench = Bench::new("suppressions-all");
    bench.compile("app", LEAKS);
    bench.write("one", "leak:lose_block\n");
    bench.write("two", "[[suppress]]\nreason = \"known\"\nfunction = \"lose_tree\"\n");
    let args = ["run", "--fail-on", "definitely-lost", "--suppressions", "one", "--suppressions", "two", "./app"];
    let text = bench.run(args).status(3).stderr;
    assert!(text.starts_with("no leaks besides 3 suppressed findings: "), "{text}");
    let mut command = bench.stanch(["run", "--fail-on", "definitely-lost", "./app"]);
    bench.finish(command.env("STANCH_SUPPRESSIONS", "one:two")).status(3);
}

#[test]
fn an_expired_one_takes_nothing_out() {
    let bench = Bench::new("suppressions-expired");
    bench.compile("app", LEAKS);
    bench.write("old", "[[suppress]]\nreason = \"known\"\nexpires = \"2020-01-31\"\nfunction = \"lose_*\"\n");
    let text = bench.run(["run", "--suppressions", "old", "--fail-on", "definitely-lost", "./app"]).status(1).stderr;
    assert!(
        text.contains("expired suppressions that match findings above:\n   lose_* (old:1) ended on 2020-01-31"),
        "{text}"
    );
}
