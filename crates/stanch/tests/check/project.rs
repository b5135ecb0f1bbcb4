//! A small program in two files with one leak, and what a check says of it.
use crate::bench::{Bench, Ended, reports};
use serde_json::Value;

/// `main` forgets what `make` in the other file gives it, on one path.
pub(crate) const MAIN: &str = r#"#include "make.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    char *text = make(argc);
    if (!text)
        return 2;
    if (argc > 3)
        return 1;
    free(text);
    return 0;
}
"#;

pub(crate) const MAKE_H: &str = "char *make(int size);\n";

pub(crate) const MAKE_C: &str = r#"#include "make.h"
#include <stdlib.h>

char *make(int size)
{
    return malloc(size);
}
"#;

/// `src/main.c` and `src/make.c` with their header in `include`.
pub(crate) fn write(bench: &Bench) {
    bench.write("src/main.c", MAIN);
    bench.write("src/make.c", MAKE_C);
    bench.write("include/make.h", MAKE_H);
}

/// The report on source of a JSON document.
pub(crate) fn report(ended: &Ended) -> Value {
    let mut all = reports(&ended.stdout);
    assert_eq!(all.len(), 1, "{}", ended.stdout);
    let report = all.remove(0);
    assert_eq!(report["subject"]["kind"], "source");
    report
}

/// Each finding as `rule line-of-loss`; all returns of a function leave it at its last line.
pub(crate) fn found(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("an array");
    let last_line = |finding: &Value| {
        let path = finding["evidence"]
            .as_array()
            .expect("an array")
            .iter()
            .find_map(|evidence| evidence["path"].as_array().filter(|path| !path.is_empty()).cloned());
        let path = path.expect("a finding has a path");
        path[path.len() - 1]["line"].to_string()
    };
    findings
        .iter()
        .map(|finding| format!("{} {}", finding["rule"].as_str().expect("a rule"), last_line(finding)))
        .collect()
}

/// `what: why` of all that could not be seen.
pub(crate) fn gaps(report: &Value) -> Vec<String> {
    let gaps = report["incomplete"].as_array().expect("an array");
    let text = |gap: &Value, key: &str| gap[key].as_str().expect("a text").to_owned();
    gaps.iter().map(|gap| format!("{}: {}", text(gap, "what"), text(gap, "why"))).collect()
}

/// Checks that the project's one leak is found, and all of it was seen.
#[track_caller]
pub(crate) fn has_its_leak(ended: Ended) {
    let ended = ended.status(1);
    let report = report(&ended);
    assert_eq!(found(&report), ["leak/lost-on-path 13"], "{report:#}");
    assert_eq!(gaps(&report), Vec::<String>::new());
}
