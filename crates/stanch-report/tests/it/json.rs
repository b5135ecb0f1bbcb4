//! The JSON format: exact keys, and the way back.
use crate::samples;
use stanch_finding::Report;
use stanch_report::json::{self, JsonError};

fn written(reports: &[Report]) -> String {
    let mut out = Vec::new();
    json::write(reports, "1.2.3", &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[test]
fn every_key() {
    insta::assert_snapshot!(written(&[samples::report(7, &["./demo", "x"], vec![samples::lost_on_path()])]));
}

#[test]
fn estimates_have_intervals_and_exact_amounts_have_none() {
    let document: serde_json::Value = serde_json::from_str(&written(&[samples::sampled()])).expect("JSON");
    assert_eq!(document["sampling"], serde_json::json!({ "mean_bytes": 524_288 }));
    let estimate = serde_json::json!({
        "bytes": { "low": 10_000_000, "high": 15_000_000 },
        "blocks": { "low": 1_000, "high": 1_600 },
        "samples": 23,
    });
    assert_eq!(document["totals"]["estimate"], estimate);
    assert_eq!(document["findings"][0]["estimate"], estimate);
    assert!(document["findings"][1].get("estimate").is_none());
    assert!(!written(&[samples::leaking()]).contains("estimate"));
}

#[test]
fn one_process_is_a_document_and_others_are_an_array() {
    assert!(written(&[samples::clean()]).starts_with('{'));
    assert!(written(&samples::tree()).starts_with('['));
    assert_eq!(written(&[]), "[]\n");
}

#[test]
fn what_is_written_can_be_read() {
    for reports in [vec![], vec![samples::leaking()], samples::all()] {
        assert_eq!(json::read(&written(&reports)).expect("our own"), reports);
    }
}

#[test]
fn a_report_without_the_later_keys_can_be_read() {
    let text = r#"{"schema": "stanch-report/1", "tool": {"version": "0"}, "future": 1,
        "subject": {"kind": "process", "command": ["a"], "pid": 1, "exit_status": 0},
        "totals": {"definitely_lost_bytes": 1, "definitely_lost_blocks": 1, "indirectly_lost_bytes": 0,
            "indirectly_lost_blocks": 0, "possibly_lost_bytes": 0, "possibly_lost_blocks": 0,
            "still_reachable_bytes": 0, "still_reachable_blocks": 0,
            "allocations": 1, "allocated_bytes": 1, "peak_bytes": 1},
        "incomplete": [], "findings": []}"#;
    assert_eq!(json::read(text).expect("the first version").len(), 1);
}

#[test]
fn what_cannot_be_read_says_why() {
    assert!(matches!(json::read("{"), Err(JsonError::Syntax(_))));
    assert!(matches!(json::read("[1]"), Err(JsonError::Syntax(_))));
    let report = written(&[samples::leaking()]);
    let later = report.replace("stanch-report/1", "stanch-report/9");
    assert!(matches!(json::read(&later), Err(JsonError::Schema { found }) if found == "stanch-report/9"));
    let unknown = report.replace("\"possibly_lost\"", "\"mislaid\"");
    let error = json::read(&unknown).expect_err("no such kind");
    assert_eq!(
        error.to_string(),
        "`mislaid` is not a known `kind`: the report may come from a later version; read it with that one"
    );
}
