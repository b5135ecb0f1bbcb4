//! What a comparison says.
use crate::bench::Bench;
use serde_json::Value;

/// Compares as JSON, with this exit status.
#[track_caller]
pub(crate) fn compare(bench: &Bench, sides: [&str; 2], flags: &[&str], status: i32) -> Value {
    let args = ["diff", sides[0], sides[1], "--format", "json"].into_iter().chain(flags.iter().copied());
    let ended = bench.run(args).status(status);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(document["schema"], "stanch-diff/1");
    document
}

/// Everything that is not as before, as `change kind bytes blocks function`.
pub(crate) fn changes(document: &Value) -> Vec<String> {
    let all = document["changes"].as_array().expect("an array");
    let lines = all.iter().filter(|entry| entry["change"] != "same").map(|entry| {
        let side = if entry["new"].is_null() { &entry["old"] } else { &entry["new"] };
        let stack = entry["finding"]["site"]["stack"].as_array().expect("an array");
        let own = stack.iter().find(|frame| {
            let file = frame["file"].as_str().unwrap_or_default();
            file.ends_with("/app.c") || file.ends_with("/app.cc")
        });
        // Debug information of inlined functions has no parameters.
        let function = own.and_then(|frame| frame["function"].as_str()).unwrap_or("?");
        let function = function.split_once('(').map_or(function, |(name, _)| name);
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        format!("{} {} {} {} {function}", word(&entry["change"]), word(&side["kind"]), side["bytes"], side["blocks"])
    });
    lines.collect()
}
