//! The formats, and where they go.
use crate::bench::{Bench, findings, reports};
use crate::programs::{FORKS, LEAKS};
use serde_json::Value;

/// What the documentation of the format promises: path to the objects, keys.
const KEYS: [(&str, &[&str]); 9] = [
    ("", &["schema", "tool", "subject", "totals", "incomplete", "findings"]),
    ("tool", &["version"]),
    ("subject", &["kind", "command", "pid", "exit_status"]),
    (
        "totals",
        &[
            "definitely_lost_bytes",
            "definitely_lost_blocks",
            "indirectly_lost_bytes",
            "indirectly_lost_blocks",
            "possibly_lost_bytes",
            "possibly_lost_blocks",
            "still_reachable_bytes",
            "still_reachable_blocks",
            "allocations",
            "allocated_bytes",
            "peak_bytes",
        ],
    ),
    (
        "findings",
        &[
            "fingerprint",
            "rule",
            "kind",
            "confidence",
            "message",
            "bytes",
            "blocks",
            "owner",
            "site",
            "evidence",
            "fix",
        ],
    ),
    ("findings.owner", &["kind", "name", "version"]),
    ("findings.site", &["allocator", "stack"]),
    ("findings.site.stack", &["function", "file", "line", "column", "module", "inlined"]),
    ("findings.evidence", &["kind", "text", "path"]),
];

fn objects<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![document];
    for key in path.split('.').filter(|key| !key.is_empty()) {
        found = found
            .iter()
            .map(|value| &value[key])
            .flat_map(|value| value.as_array().map_or_else(|| vec![value], |items| items.iter().collect()))
            .collect();
    }
    found
}

#[test]
fn json_has_the_keys_that_are_promised() {
    let bench = Bench::new("formats-json");
    bench.compile("app", LEAKS);
    let ended = bench.run(["run", "--format", "json", "-o", "report.json", "./app"]).status(3);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let text = std::fs::read_to_string(bench.path("report.json")).expect("it was written");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    for (path, keys) in KEYS {
        let objects = objects(&document, path);
        assert!(!objects.is_empty(), "{path}");
        for object in objects {
            keys.iter().for_each(|key| assert!(object.get(key).is_some(), "`{path}` lacks `{key}`: {object}"));
        }
    }
    assert_eq!(document["schema"], "stanch-report/1");
    assert_eq!(document["subject"]["exit_status"], 3);
    assert_eq!(document["subject"]["command"], serde_json::json!(["./app"]));
    assert_eq!(
        findings(&[document]),
        [
            "definitely_lost 10 1 lose_block",
            "definitely_lost 16 1 lose_tree",
            "indirectly_lost 6 1 lose_tree",
            "still_reachable 40 1 keep"
        ]
    );
}

#[test]
fn a_process_tree_is_an_array() {
    let bench = Bench::new("formats-tree");
    bench.compile("app", FORKS);
    let ended = bench.run(["run", "--format", "json", "./app"]).status(0);
    let reports = reports(&ended.stderr);
    assert_eq!(reports.len(), 2);
    assert_eq!(findings(&reports), ["definitely_lost 33 1 lose_in_child", "definitely_lost 44 1 lose_in_parent"]);
}

#[test]
fn sarif_has_results() {
    let bench = Bench::new("formats-sarif");
    bench.compile("app", LEAKS);
    bench.run(["run", "--record", "app.rec", "./app"]).status(3);
    let ended = bench.run(["report", "app.rec", "--format", "sarif"]).status(0);
    let document: Value = serde_json::from_str(&ended.stdout).expect("SARIF is JSON");
    assert_eq!(document["version"], "2.1.0");
    let results = document["runs"][0]["results"].as_array().expect("results");
    let lost = results.iter().filter(|result| result["ruleId"] == "leak/definitely-lost").collect::<Vec<_>>();
    assert_eq!(lost.len(), 2, "{}", ended.stdout);
    for result in lost {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.ends_with("app.c")), "{place}");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| 0 < line), "{place}");
        assert!(result["partialFingerprints"].as_object().is_some_and(|prints| !prints.is_empty()));
    }
}

#[test]
fn text_goes_where_the_program_does_not_write() {
    let bench = Bench::new("formats-text");
    let source = LEAKS.replace("#include <stdlib.h>", "#include <stdio.h>\n#include <stdlib.h>");
    bench.compile("app", &source.replace("lose_tree();", "puts(\"output\");lose_tree();"));
    let ended = bench.run(["run", "./app"]).status(3);
    assert_eq!(ended.stdout, "output\n");
    assert!(ended.stderr.starts_with("lost 32 bytes in 3 blocks at 2 places\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("   and    6 bytes in 1 block reachable only from there\n"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("indirectly lost"), "{}", ended.stderr);
    assert!(ended.stderr.lines().all(|line| line.chars().count() <= 80), "{}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("next: look at app.c:") && last.ends_with("in `lose_tree`"), "{last}");
    let all = bench.run(["run", "--all", "./app"]).status(3);
    assert!(all.stderr.contains("indirectly lost: 6 bytes in 1 block"), "{}", all.stderr);
    let ended = bench.run(["run", "-o", "-", "./app"]).status(3);
    assert!(ended.stdout.contains("lost 32 bytes") && ended.stderr.is_empty(), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn nothing_found_is_one_line() {
    let bench = Bench::new("formats-nothing");
    bench.compile("app", "int main(void) { return 0; }");
    assert_eq!(bench.run(["run", "./app"]).status(0).stderr, "no leaks: every block was freed\n");
}

#[test]
fn colours_come_when_they_are_wanted() {
    let bench = Bench::new("formats-colour");
    bench.compile("app", LEAKS);
    let is_coloured = |args: &[&str]| bench.run(args).status(3).stderr.contains('\u{1b}');
    assert!(!is_coloured(&["run", "./app"]));
    assert!(!is_coloured(&["run", "--color", "never", "./app"]));
    assert!(is_coloured(&["run", "--color", "always", "./app"]));
}
