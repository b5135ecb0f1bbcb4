//! What can stand on either side, and what the text, the statuses and the errors are.
use crate::bench::{Bench, kill};
use crate::told::{changes, compare};

/// Loses as many blocks as its first argument says, holds one by its middle, and loses that too with a second argument.
const LEAKS: &str = r#"
#include <stdlib.h>
#include <string.h>
struct tree { char *leaf; long number; };
static char *volatile middle;
__attribute__((noinline)) static void lose(int count) {
    for (int i = 0; i < count; i++) *(volatile char *)malloc(500) = 1;
}
__attribute__((noinline)) static void hold(void) { middle = (char *)malloc(80) + 24; *middle = 1; }
__attribute__((noinline)) static void lose_tree(void) {
    struct tree *volatile tree = malloc(sizeof *tree);
    tree->leaf = strdup("leaf");
}
int main(int count, char **words) {
    lose(atoi(words[1]));
    hold();
    if (count > 2) { middle = NULL; lose_tree(); }
    return 0;
}
"#;

fn record(bench: &Bench, name: &str, words: &[&str]) {
    let mut run = bench.stanch(["run", "--record", name, "./app"]);
    bench.finish(run.args(words)).status(0);
}

#[test]
fn text_says_what_and_where_and_what_next() {
    let bench = Bench::new("diff-text");
    bench.compile("app", LEAKS);
    record(&bench, "old.rec", &["4"]);
    record(&bench, "new.rec", &["14", "worse"]);
    let ended = bench.run(["diff", "old.rec", "new.rec"]).status(1);
    let first = ended.stdout.split("\n\n").next().unwrap_or_default().replace("\n  ", " ");
    assert_eq!(
        first,
        "new: definitely lost 21 bytes in 2 blocks at 1 place; worse than before: 80 bytes in 1 block at 1 place; \
         grown by 4.88 KiB in 10 blocks at 1 place"
    );
    for line in [
        "old  old.rec: ./app 4",
        "new  new.rec: ./app 14 worse",
        "1. grown, definitely lost: 6.84 KiB in 14 blocks (proven)",
        "   before 1.95 KiB in 4 blocks",
        "2. changed, definitely lost: 80 bytes in 1 block (proven)",
        "   before possibly lost: 80 bytes in 1 block",
        "3. new, definitely lost: 16 bytes in 1 block (proven)",
        "   and    5 bytes in 1 block reachable only from there",
        "1 place whose blocks only those above hold: --all shows them",
    ] {
        assert!(ended.stdout.lines().any(|found| found == line), "`{line}` is not in\n{}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    let last = ended.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with("next: look at app.c:") && last.ends_with("in `lose`"), "{last}");

    let ended = bench.run(["diff", "new.rec", "old.rec"]).status(0);
    assert!(ended.stdout.starts_with("nothing new, nothing grown; better than before: 80 bytes"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("next:"), "{}", ended.stdout);
    let ended = bench.run(["diff", "new.rec", "new.rec"]).status(0);
    assert!(ended.stdout.starts_with("nothing new, nothing grown\n"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("\n\nas before: 6.93 KiB in 17 blocks at 4 places\n"), "{}", ended.stdout);
}

#[test]
fn statuses_follow_the_limit_and_the_thresholds() {
    let bench = Bench::new("diff-statuses");
    bench.compile("app", LEAKS);
    record(&bench, "4.rec", &["4"]);
    record(&bench, "5.rec", &["5"]);
    record(&bench, "14.rec", &["14"]);
    let status = |sides: [&str; 2], flags: &[&str]| bench.run(["diff"].iter().chain(&sides).chain(flags)).status;
    assert_eq!(status(["4.rec", "5.rec"], &[]), 0, "less than 1 KiB");
    assert_eq!(status(["4.rec", "5.rec"], &["--min-bytes", "500"]), 1);
    assert_eq!(status(["4.rec", "5.rec"], &["--min-bytes", "501"]), 0);
    assert_eq!(status(["4.rec", "5.rec"], &["--min-bytes", "500", "--min-percent", "25"]), 1);
    assert_eq!(status(["4.rec", "5.rec"], &["--min-bytes", "500", "--min-percent", "26"]), 0);
    assert_eq!(status(["4.rec", "14.rec"], &[]), 1);
    assert_eq!(status(["4.rec", "14.rec"], &["--fail-on", "never"]), 0);
    assert_eq!(status(["14.rec", "4.rec"], &["--fail-on", "still-reachable"]), 0);
    bench.write("lose.toml", "[[suppress]]\nreason = \"known\"\nfunction = \"lose\"\n");
    assert_eq!(status(["4.rec", "14.rec"], &["--suppressions", "lose.toml"]), 0);
}

#[test]
fn json_reports_do_as_well_as_recordings() {
    let bench = Bench::new("diff-json");
    bench.compile("app", LEAKS);
    for (name, words) in [("old", &["4"][..]), ("new", &["14", "worse"])] {
        record(&bench, &format!("{name}.rec"), words);
        let recording = format!("{name}.rec");
        bench.run(["report", &recording, "--format", "json", "-o", &format!("{name}.json")]).status(0);
    }
    let expected = changes(&compare(&bench, ["old.rec", "new.rec"], &[], 1));
    assert_eq!(expected.len(), 4, "{expected:?}");
    for sides in [["old.json", "new.json"], ["old.rec", "new.json"], ["old.json", "new.rec"]] {
        assert_eq!(changes(&compare(&bench, sides, &[], 1)), expected, "{sides:?}");
    }
    // A later version may have more keys, and a pipe is read like a file.
    let text = std::fs::read_to_string(bench.path("new.json")).expect("it was written");
    bench.write("later.json", text.replacen('{', "{ \"later\": [1], ", 1));
    assert_eq!(changes(&compare(&bench, ["old.json", "later.json"], &[], 1)), expected);
    for name in ["new.json", "new.rec"] {
        let script = format!("cat {name} | exec \"$0\" diff old.json /dev/stdin");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_stanch")]).current_dir(&bench.folder);
        assert_eq!(bench.finish(&mut shell).status(1).stderr, "", "{name}");
    }
}

#[test]
fn two_snapshots_of_one_process() {
    let bench = Bench::new("diff-snapshots");
    bench.compile("app", GROWS);
    let mut running = bench.start(&mut bench.stanch(["run", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("diff-snapshots-asking");
    asking.run(["snapshot", &pid, "--format", "json", "-o", "1.json"]).status(0);
    kill("-USR1", &pid);
    running.wait_for_line("grown");
    asking.run(["snapshot", &pid, "--format", "json", "-o", "2.json"]).status(0);
    kill("-TERM", &pid);
    running.wait().status(128 + 15);
    let document = compare(&asking, ["1.json", "2.json"], &["--fail-on", "still-reachable"], 1);
    assert_eq!(changes(&document), ["grown still_reachable 30000 30 grow"]);
    let ended = asking.run(["diff", "1.json", "2.json"]).status(0);
    assert!(ended.stdout.contains("still reachable: 1 place differs; --show-reachable lists them"), "{}", ended.stdout);
    let ended = asking.run(["diff", "1.json", "2.json", "--show-reachable"]).status(0);
    assert!(ended.stdout.contains("1. grown, still reachable: 29.3 KiB in 30 blocks"), "{}", ended.stdout);
}

#[test]
fn two_snapshots_in_one_recording() {
    let bench = Bench::new("diff-moments");
    bench.compile("app", GROWS);
    let mut running = bench.start(&mut bench.stanch(["run", "--record", "app.rec", "./app"]));
    running.wait_for_line("ready");
    let pid = running.printed_pid().to_string();
    let asking = Bench::new("diff-moments-asking");
    asking.run(["snapshot", &pid, "--format", "json", "-o", "1.json"]).status(0);
    kill("-USR1", &pid);
    running.wait_for_line("grown");
    asking.run(["snapshot", &pid, "--format", "json", "-o", "2.json"]).status(0);
    kill("-TERM", &pid);
    running.wait().status(128 + 15);
    let expected = changes(&compare(&asking, ["1.json", "2.json"], &["--fail-on", "still-reachable"], 1));
    let moments = |numbers: [&str; 2], format: &str| {
        let flags = ["--fail-on", "still-reachable", "--format", format];
        bench.run(["diff", "app.rec", "--snapshots"].into_iter().chain(numbers).chain(flags))
    };
    let document = serde_json::from_str(&moments(["1", "2"], "json").status(1).stdout).expect("JSON");
    assert_eq!(changes(&document), expected);
    assert_eq!(expected, ["grown still_reachable 30000 30 grow"]);
    let document = serde_json::from_str(&moments(["2", "1"], "json").status(0).stdout).expect("JSON");
    assert_eq!(changes(&document), ["shrunk still_reachable 10000 10 grow"]);
    let text = moments(["1", "2"], "text").status(1).stdout;
    assert!(text.contains(&format!("app.rec, snapshot 2 of process {pid} after ")), "{text}");

    let ended = moments(["1", "9"], "text").status(2);
    let hint = format!("hint: process {pid} has 3: 1 after ");
    assert!(ended.stderr.starts_with("error: no process of `app.rec` has the snapshots 1 and 9\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    moments(["2", "2"], "text").status(2);
    moments(["0", "1"], "text").status(2);
    bench.run(["diff", "--snapshots", "1", "2", "app.rec", "--process", "1"]).status(2);
    bench.run(["diff", "app.rec", "app.rec", "--snapshots", "1", "2"]).status(2);
}

/// Keeps ten blocks, and twenty more after SIGUSR1.
const GROWS: &str = r#"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *kept[30];
static volatile sig_atomic_t got;
static void note(int number) { got = number; }
__attribute__((noinline)) static void grow(int from, int to) {
    for (int i = from; i < to; i++) kept[i] = malloc(1000);
}
int main(void) {
    signal(SIGUSR1, note);
    grow(0, 10);
    printf("pid %d\nready\n", (int)getpid());
    fflush(stdout);
    while (!got) usleep(1000);
    grow(10, 30);
    puts("grown");
    fflush(stdout);
    for (;;) pause();
}
"#;

/// A sample finds what is large, and does not take chance for growth.
#[test]
fn samples_differ_only_where_their_intervals_do() {
    let bench = Bench::new("diff-sampled");
    bench.compile(
        "app",
        "#include <stdlib.h>\nstatic void *volatile kept[400000];\n\
        __attribute__((noinline)) static void keep(int count) {\n\
         for (int i = 0; i < count; i++) kept[i] = malloc(100); }\n\
        int main(int count, char **words) { (void)count; keep(atoi(words[1])); return 0; }\n",
    );
    for (name, count, seed) in [("a.rec", "100000", "1"), ("b.rec", "100000", "2"), ("c.rec", "400000", "3")] {
        let mut run = bench.stanch(["run", "--sample", "64KiB", "--record", name, "./app", count]);
        bench.finish(run.env("STANCH_SAMPLE_SEED", seed)).status(0);
    }
    let none = ["--min-bytes", "1", "--min-percent", "0"];
    let document = compare(&bench, ["a.rec", "b.rec"], &none, 0);
    assert_eq!(document["changes"][0]["change"], "uncertain", "{document:#}");
    let document = compare(&bench, ["a.rec", "c.rec"], &[], 1);
    assert_eq!(document["changes"][0]["change"], "grown", "{document:#}");
    let text = bench.run(["diff", "a.rec", "b.rec", "--min-bytes", "1", "--min-percent", "0"]).status(0).stdout;
    assert!(text.contains("not certain: 1 place where the intervals of the samples overlap"), "{text}");
    bench.run(["diff", "a.rec", "c.rec", "--fail-on", "definitely-lost"]).status(2);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let bench = Bench::new("diff-errors");
    bench.compile("app", LEAKS);
    record(&bench, "a.rec", &["1"]);
    bench.run(["diff", "a.rec", "missing"]).fails_with("error: cannot read `missing`: No such file or directory");
    bench
        .run(["diff", "a.rec", "a.rec", "--format", "sarif"])
        .fails_with("error: a comparison does not come in this format\nhint: give `--format text`, `json` or `html`");
    bench.run(["diff", "a.rec", "a.rec", "--format", "json", "-o", "diff.json"]).status(0);
    bench.run(["diff", "a.rec", "diff.json"]).fails_with(
        "error: cannot read `diff.json`: the report has the schema `stanch-diff/1` and this version reads \
         `stanch-report/1`: use a version that knows `stanch-diff/1`",
    );
    bench.write("empty.json", "[]");
    let ended = bench.run(["diff", "a.rec", "empty.json"]).status(2);
    assert!(ended.stderr.starts_with("error: `empty.json` has no process: "), "{}", ended.stderr);
    for (name, bytes) in
        [("broken.json", &b"{\"schema\""[..]), ("binary.json", b"[\xff\xfe"), ("empty", b""), ("text", b"hello")]
    {
        bench.write(name, bytes);
        let ended = bench.run(["diff", name, "a.rec"]).status(2);
        assert!(ended.stderr.starts_with(&format!("error: cannot read `{name}`: ")), "{}", ended.stderr);
    }
    bench.run(["diff", "a.rec", "a.rec", "--min-bytes", "0"]).status(2);
    bench.run(["diff", "a.rec"]).status(2);
}
