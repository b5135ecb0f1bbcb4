//! Two reports compared, as people and as programs see it.
use crate::samples::{self, OPTIONS};
use stanch_finding::comparison::{Thresholds, compare};
use stanch_finding::{ByteCount, Fingerprint, Incomplete, Kind, Report};
use stanch_report::text::{self, Reachable, TextOptions};
use stanch_report::{ComparedSide, json};

const THRESHOLDS: Thresholds = Thresholds { min_bytes: ByteCount(1024), min_percent: 10 };

fn sides<'a>(old: &'a [Report], new: &'a [Report]) -> [ComparedSide<'a>; 2] {
    [ComparedSide { name: "old.rec", reports: old }, ComparedSide { name: "new.rec", reports: new }]
}

fn as_text(old: &[Report], new: &[Report], options: &TextOptions<'_>) -> String {
    let mut out = Vec::new();
    let [old_side, new_side] = sides(old, new);
    let changes = compare(old, new, THRESHOLDS);
    text::write_comparison(&changes, old_side, new_side, options, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("text is UTF-8")
}

fn as_json(old: &[Report], new: &[Report]) -> serde_json::Value {
    let mut out = Vec::new();
    let [old_side, new_side] = sides(old, new);
    let changes = compare(old, new, THRESHOLDS);
    json::write_comparison(&changes, old_side, new_side, THRESHOLDS, "1.2.3", &mut out).expect("memory");
    serde_json::from_slice(&out).expect("JSON")
}

/// The report before, and the one after in which one leak is worse, one larger, one gone and one new.
fn before_and_after() -> [Report; 2] {
    let finding = |function: &str, kind, bytes, blocks| {
        let file = format!("/home/me/demo/src/{function}.c");
        samples::finding(kind, bytes, blocks, "malloc", vec![samples::frame(function, &file, 7)])
    };
    let old = vec![
        finding("grow", Kind::DefinitelyLost, 10_000, 10),
        finding("worsen", Kind::PossiblyLost, 4_000, 4),
        finding("mend", Kind::DefinitelyLost, 300, 3),
        finding("stay", Kind::DefinitelyLost, 50, 1),
        finding("keep", Kind::StillReachable, 1_000, 1),
    ];
    let new = vec![
        samples::lost(),
        finding("grow", Kind::DefinitelyLost, 20_000, 20),
        finding("worsen", Kind::DefinitelyLost, 4_000, 4),
        finding("stay", Kind::DefinitelyLost, 50, 1),
        finding("keep", Kind::StillReachable, 9_000, 9),
    ];
    [samples::report(7, &["./demo"], old), samples::report(9, &["./demo", "x"], new)]
}

#[test]
fn worse() {
    let [old, new] = before_and_after();
    insta::assert_snapshot!(as_text(&[old], &[new], &OPTIONS));
}

#[test]
fn better() {
    let [old, new] = before_and_after();
    insta::assert_snapshot!(as_text(&[new], &[old], &OPTIONS));
}

#[test]
fn reachable_is_listed_where_it_is_wanted() {
    let [old, new] = before_and_after();
    let text = as_text(&[old], &[new], &TextOptions { reachable: Reachable::Listed, ..OPTIONS });
    assert!(text.contains("4. grown, still reachable: 8.79 KiB in 9 blocks"), "{text}");
}

#[test]
fn what_could_not_be_seen_is_said() {
    let [old, mut new] = before_and_after();
    new.findings.truncate(0);
    new.incomplete = vec![Incomplete { what: "reachability".to_owned(), why: "killed".to_owned() }];
    let text = as_text(&[old], &[new], &OPTIONS);
    assert!(text.starts_with("nothing new or grown seen, but not everything could be seen; gone: "), "{text}");
    assert!(text.contains("not seen in the new one, so what is gone may still be there:\n   reachability"), "{text}");
    assert!(text.ends_with("next: mend what could not be seen, then compare again\n"), "{text}");
}

#[test]
fn places_without_names_may_be_the_same() {
    let [mut old, mut new] = [(); 2].map(|()| samples::report(7, &["./demo"], vec![samples::lost()]));
    for (report, offset) in [(&mut old, 0x10), (&mut new, 0x20)] {
        let finding = &mut report.findings[0];
        for frame in &mut finding.site.stack {
            (frame.function, frame.file, frame.line, frame.module_offset) = (None, None, None, Some(offset));
        }
        finding.fingerprint = Fingerprint::of(&finding.site);
    }
    let text = as_text(&[old], &[new], &OPTIONS).replace("\n  ", " ");
    assert!(text.contains("1 new and 1 gone are in functions without a name"), "{text}");
}

#[test]
fn json_has_every_change_exactly() {
    let [old, new] = before_and_after();
    let document = as_json(&[old], &[new]);
    assert_eq!(document["schema"], "stanch-diff/1");
    assert_eq!(document["tool"]["version"], "1.2.3");
    assert_eq!(document["thresholds"], serde_json::json!({ "min_bytes": 1024, "min_percent": 10 }));
    assert_eq!(
        document["counts"],
        serde_json::json!({ "new": 1, "changed": 1, "grown": 2, "uncertain": 0, "shrunk": 0, "gone": 1, "same": 1 })
    );
    assert_eq!(document["new"]["subjects"][0]["pid"], 9);
    let changes = document["changes"].as_array().expect("an array");
    let words: Vec<&str> = changes.iter().filter_map(|change| change["change"].as_str()).collect();
    assert_eq!(words, ["new", "grown", "changed", "grown", "gone", "same"]);
    assert_eq!(changes[0]["old"], serde_json::Value::Null);
    let side = |kind: &str| {
        serde_json::json!({ "kind": kind, "bytes": 4000, "blocks": 4, "indirect_bytes": 0, "indirect_blocks": 0,
            "processes": 1 })
    };
    assert_eq!((&changes[2]["old"], &changes[2]["new"]), (&side("possibly_lost"), &side("definitely_lost")));
    assert_eq!(changes[2]["finding"]["fingerprint"], changes[2]["fingerprint"]);
    // A comparison is no report, and says so.
    let error = json::read(&document.to_string()).expect_err("another format").to_string();
    assert!(error.contains("`stanch-diff/1`"), "{error}");
}
