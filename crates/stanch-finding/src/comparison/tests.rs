//! Reports made by hand, held against each other.
use super::{Category, Change, Thresholds, compare};
use crate::{
    Amounts, BlockCount, ByteCount, Confidence, Estimate, Finding, Fingerprint, Frame, Kind, Owner, OwnerKind, Report,
    Sampling, Site, Subject, Totals,
};

const THRESHOLDS: Thresholds = Thresholds { min_bytes: ByteCount(100), min_percent: 10 };

fn finding(function: &str, kind: Kind, bytes: u64, blocks: u64) -> Finding {
    let frame = Frame { function: Some(function.to_owned()), file: Some("a.c".to_owned()), ..Frame::default() };
    let site = Site { allocator: "malloc".to_owned(), stack: vec![frame] };
    Finding {
        fingerprint: Fingerprint::of(&site),
        rule: String::new(),
        kind,
        confidence: Confidence::Proven,
        message: String::new(),
        bytes: ByteCount(bytes),
        blocks: BlockCount(blocks),
        indirect_bytes: ByteCount(0),
        indirect_blocks: BlockCount(0),
        estimate: None,
        owner: Owner { kind: OwnerKind::Application, name: "app".to_owned(), version: None },
        site,
        evidence: Vec::new(),
        fix: None,
    }
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        subject: Subject::of_command(Vec::new()),
        totals: Totals::default(),
        sampling: None,
        incomplete: Vec::new(),
        findings,
        suppressed: Vec::new(),
    }
}

fn sampled(function: &str, low: u64, bytes: u64, high: u64) -> Report {
    let at = |bytes| Amounts { bytes: ByteCount(bytes), blocks: BlockCount(bytes / 10) };
    let mut finding = finding(function, Kind::Live, bytes, bytes / 10);
    finding.estimate = Some(Estimate { samples: 9, low: at(low), high: at(high) });
    Report { sampling: Some(Sampling { mean_bytes: ByteCount(1000) }), ..report(vec![finding]) }
}

/// Category, function, kinds and sizes before and after.
fn told(changes: &[Change<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = changes
        .iter()
        .map(|change| {
            let side = |side: Option<super::Holding>| {
                side.map_or("-".to_owned(), |side| format!("{} {}", side.kind.as_str(), side.amounts.bytes.0))
            };
            let function = change.finding.site.stack[0].function.clone().unwrap_or_default();
            let grown = if change.has_grown { "+" } else { "" };
            format!("{}{grown} {function}: {}, {}", change.category.as_str(), side(change.old), side(change.new))
        })
        .collect();
    lines.sort();
    lines
}

fn compared(old: Vec<Finding>, new: Vec<Finding>) -> Vec<String> {
    told(&compare(&[report(old)], &[report(new)], THRESHOLDS))
}

#[test]
fn each_category() {
    use Kind::{DefinitelyLost as Lost, PossiblyLost as Possibly};
    let old = vec![
        finding("gone", Lost, 40, 1),
        finding("grown", Lost, 1000, 10),
        finding("shrunk", Lost, 1000, 10),
        finding("same", Lost, 1000, 10),
        finding("worse", Possibly, 1000, 10),
    ];
    let new = vec![
        finding("new", Lost, 40, 1),
        finding("grown", Lost, 1100, 11),
        finding("shrunk", Lost, 900, 9),
        finding("same", Lost, 1099, 11),
        finding("worse", Lost, 1000, 10),
    ];
    assert_eq!(
        compared(old.clone(), new),
        [
            "changed worse: possibly_lost 1000, definitely_lost 1000",
            "gone gone: definitely_lost 40, -",
            "grown+ grown: definitely_lost 1000, definitely_lost 1100",
            "new+ new: -, definitely_lost 40",
            "same same: definitely_lost 1000, definitely_lost 1099",
            "shrunk shrunk: definitely_lost 1000, definitely_lost 900",
        ]
    );
    let all_same = compared(old.clone(), old);
    assert!(all_same.iter().all(|line| line.starts_with("same ")), "{all_same:?}");
}

#[test]
fn both_thresholds_must_be_reached() {
    let category = |old: u64, new: u64, thresholds| {
        let sides = [old, new].map(|bytes| [report(vec![finding("f", Kind::DefinitelyLost, bytes, 1)])]);
        compare(&sides[0], &sides[1], thresholds)[0].category
    };
    assert_eq!(category(10, 109, THRESHOLDS), Category::Same);
    assert_eq!(category(10, 110, THRESHOLDS), Category::Grown);
    assert_eq!(category(10_000, 10_999, THRESHOLDS), Category::Same);
    assert_eq!(category(10_000, 11_000, THRESHOLDS), Category::Grown);
    let none = Thresholds { min_bytes: ByteCount(0), min_percent: 0 };
    assert_eq!(category(10, 10, none), Category::Same);
    assert_eq!(category(10, 11, none), Category::Grown);
    assert_eq!(category(u64::MAX, 0, none), Category::Shrunk);
    assert_eq!(category(u64::MAX - 1, u64::MAX, Thresholds { min_percent: u32::MAX, ..none }), Category::Same);
}

#[test]
fn who_leads_a_lost_tree_makes_no_difference() {
    let definitely = |bytes| finding("node", Kind::DefinitelyLost, bytes, bytes / 10);
    let indirectly = |bytes| finding("node", Kind::IndirectlyLost, bytes, bytes / 10);
    assert_eq!(
        compared(vec![definitely(100), indirectly(900)], vec![indirectly(300), definitely(700)]),
        ["same node: definitely_lost 1000, definitely_lost 1000"]
    );
    assert_eq!(
        compared(vec![definitely(1000)], vec![indirectly(1000)]),
        ["same node: definitely_lost 1000, indirectly_lost 1000"]
    );
}

#[test]
fn a_change_of_kind_is_one_change_and_may_be_growth() {
    use Kind::{DefinitelyLost, Live, MismatchedFree, PossiblyLost, StillReachable};
    assert_eq!(
        compared(vec![finding("f", StillReachable, 100, 1)], vec![finding("f", DefinitelyLost, 500, 5)]),
        ["changed+ f: still_reachable 100, definitely_lost 500"]
    );
    // What both claim is no change, so what only the new side claims is new.
    assert_eq!(
        compared(
            vec![finding("f", StillReachable, 900, 9)],
            vec![finding("f", StillReachable, 850, 8), finding("f", DefinitelyLost, 50, 1)]
        ),
        ["new+ f: -, definitely_lost 50", "same f: still_reachable 900, still_reachable 850"]
    );
    assert_eq!(
        compared(
            vec![finding("f", Live, 10, 1)],
            vec![finding("f", PossiblyLost, 10, 1), finding("f", DefinitelyLost, 10, 1)]
        ),
        ["changed f: live 10, definitely_lost 10", "new+ f: -, possibly_lost 10"]
    );
    assert_eq!(
        compared(vec![finding("f", MismatchedFree, 10, 1)], vec![finding("f", DefinitelyLost, 10, 1)]),
        ["gone f: mismatched_free 10, -", "new+ f: -, definitely_lost 10"]
    );
}

#[test]
fn wrong_frees_are_counted() {
    let frees = |count| vec![finding("f", Kind::DoubleFree, 8, count)];
    assert_eq!(compared(frees(10), frees(11)), ["grown+ f: double_free 8, double_free 8"]);
    assert_eq!(compared(frees(11), frees(10)), ["same f: double_free 8, double_free 8"]);
}

#[test]
fn processes_are_summed() {
    let of = |bytes| report(vec![finding("f", Kind::DefinitelyLost, bytes, 1)]);
    let (old, new) = ([of(500), of(500), report(vec![])], [of(700), of(290)]);
    let changes = compare(&old, &new, THRESHOLDS);
    assert_eq!(told(&changes), ["same f: definitely_lost 1000, definitely_lost 990"]);
    let processes = changes[0].old.zip(changes[0].new).map(|(old, new)| (old.processes, new.processes));
    assert_eq!(processes, Some((2, 2)));
    assert_eq!(changes[0].finding.bytes, ByteCount(700));
}

#[test]
fn intervals_that_overlap_are_no_difference() {
    let categories = |old: &[Report], new: &[Report]| told(&compare(old, new, THRESHOLDS));
    let small = || [sampled("f", 5_000, 10_000, 20_000)];
    assert_eq!(categories(&small(), &[sampled("f", 20_000, 30_000, 40_000)]), ["uncertain f: live 10000, live 30000"]);
    assert_eq!(categories(&small(), &[sampled("f", 20_001, 30_000, 40_000)]), ["grown+ f: live 10000, live 30000"]);
    assert_eq!(categories(&[sampled("f", 20_001, 30_000, 40_000)], &small()), ["shrunk f: live 30000, live 10000"]);
    assert_eq!(categories(&small(), &small()), ["same f: live 10000, live 10000"]);
    // The intervals of processes add up.
    let twice = [sampled("f", 5_000, 10_000, 20_000), sampled("f", 5_000, 10_000, 20_000)];
    assert_eq!(categories(&twice, &[sampled("f", 40_000, 60_000, 90_000)]), ["uncertain f: live 20000, live 60000"]);
    assert_eq!(categories(&twice, &[sampled("f", 40_001, 60_000, 90_000)]), ["grown+ f: live 20000, live 60000"]);
}

#[test]
fn a_sample_may_have_missed_what_it_does_not_have() {
    let empty = || [Report { findings: Vec::new(), ..sampled("f", 0, 0, 0) }];
    let category = |old: &[Report], new: &[Report]| compare(old, new, THRESHOLDS)[0].category;
    assert_eq!(category(&empty(), &[sampled("f", 3_689, 5_000, 9_000)]), Category::Uncertain);
    assert_eq!(category(&empty(), &[sampled("f", 3_690, 5_000, 9_000)]), Category::New);
    assert_eq!(category(&[sampled("f", 3_689, 5_000, 9_000)], &empty()), Category::Uncertain);
    assert_eq!(category(&[sampled("f", 3_690, 5_000, 9_000)], &empty()), Category::Gone);
    // A full recording misses nothing.
    assert_eq!(category(&[report(vec![])], &[sampled("f", 1, 5_000, 9_000)]), Category::New);
}
