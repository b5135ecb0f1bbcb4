//! Reports made by hand, one for each thing that an output must be able to say.
use stanch_finding::{
    Amounts, BlockCount, ByteCount, Confidence, Date, Estimate, Evidence, Finding, Fingerprint, Fix, Frame, Incomplete,
    Kind, Owner, OwnerKind, PathStep, Report, Sampling, Site, Subject, SubjectKind, SuppressionMatch, Totals,
};
use stanch_report::text::{Limit, Reachable, Style, TextOptions};
use std::time::Duration;

/// How the text looks where a test says nothing else.
pub(crate) const OPTIONS: TextOptions<'_> = TextOptions {
    style: Style::Plain,
    width: 80,
    findings: Limit::First(10),
    frames: Limit::First(8),
    reachable: Reachable::Summary,
    base_dir: Some("/home/me/demo"),
    read_source: None,
    all_flag: "--all",
    reachable_flag: "--show-reachable",
};

pub(crate) const PROGRAM: &str = "/home/me/demo/build/demo";

/// A frame of the program.
pub(crate) fn frame(function: &str, file: &str, line: u32) -> Frame {
    Frame {
        function: Some(function.to_owned()),
        file: Some(file.to_owned()),
        line: Some(line),
        column: Some(5),
        module: Some(PROGRAM.to_owned()),
        module_offset: Some(0x1139),
        inlined: false,
    }
}

/// A frame of the C library.
fn libc(function: &str) -> Frame {
    Frame {
        function: Some(function.to_owned()),
        module: Some("/lib/x86_64-linux-gnu/libc.so.6".to_owned()),
        module_offset: Some(0x27249),
        ..Frame::default()
    }
}

fn main_and_outwards() -> [Frame; 2] {
    [frame("main", "/home/me/demo/src/main.c", 12), libc("__libc_start_call_main")]
}

pub(crate) fn finding(kind: Kind, bytes: u64, blocks: u64, allocator: &str, stack: Vec<Frame>) -> Finding {
    let site = Site { allocator: allocator.to_owned(), stack };
    Finding {
        fingerprint: Fingerprint::of(&site),
        rule: format!("leak/{}", kind.as_str().replace('_', "-")),
        kind,
        confidence: Confidence::Proven,
        message: format!("{blocks} blocks of {bytes} bytes: {}", kind.as_str()),
        bytes: ByteCount(bytes),
        blocks: BlockCount(blocks),
        indirect_bytes: ByteCount(0),
        indirect_blocks: BlockCount(0),
        estimate: None,
        owner: Owner { kind: OwnerKind::Application, name: "demo".to_owned(), version: None },
        site,
        evidence: Vec::new(),
        fix: None,
    }
}

fn evidence(kind: &str, text: &str) -> Evidence {
    Evidence { kind: kind.to_owned(), text: text.to_owned(), path: Vec::new() }
}

/// Lost by the program, with things hanging from it.
pub(crate) fn lost() -> Finding {
    let inner = [libc("strdup"), frame("xstrdup", "/home/me/demo/lib/x.c", 3)];
    let stack =
        inner.into_iter().chain([frame("load_config", "/home/me/demo/src/config.c", 42)]).chain(main_and_outwards());
    Finding {
        indirect_bytes: ByteCount(24 * 1024),
        indirect_blocks: BlockCount(12),
        evidence: vec![
            evidence("reachability", "no pointer to the blocks was left when the program exited"),
            evidence("counts", "300 of 310 blocks were never freed; the oldest is 4 min 10 s old, the youngest 20 ms"),
        ],
        fix: Some(Fix { text: "free what `load_config` returns once it has been read".to_owned() }),
        ..finding(Kind::DefinitelyLost, 1_258_291, 300, "malloc", stack.collect())
    }
}

/// Lost in C++, below templates.
pub(crate) fn lost_in_templates() -> Finding {
    let header = "/usr/include/c++/12/bits/stl_vector.h";
    let string = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
    let vector = format!("std::vector<{string}, std::allocator<{string} > >");
    let mut owner = frame(
        "store::Index<int, store::Policy<char> >::insert(int, char)",
        "/home/me/demo/src/store/very/deep/index_impl.hpp",
        1234,
    );
    owner.inlined = true;
    let stack = vec![
        frame(&format!("{vector}::_M_realloc_insert<{string}>()"), header, 1),
        frame(&format!("{vector}::push_back({string}&&)"), header, 2),
        owner,
        frame("main", "/home/me/demo/src/main.cc", 9),
    ];
    Finding { confidence: Confidence::Likely, ..finding(Kind::PossiblyLost, 4096, 1, "operator new", stack) }
}

/// Lost by a library that has no debug info.
pub(crate) fn lost_by_a_library() -> Finding {
    let nameless = Frame {
        module: Some("/usr/lib/x86_64-linux-gnu/libfoo.so.1".to_owned()),
        module_offset: Some(0x1234),
        ..Frame::default()
    };
    let stack = [nameless].into_iter().chain(main_and_outwards()).collect();
    let owner = Owner { kind: OwnerKind::Library, name: "libfoo1".to_owned(), version: Some("1.2-3".to_owned()) };
    Finding { owner, ..finding(Kind::DefinitelyLost, 640, 10, "calloc", stack) }
}

pub(crate) fn reachable() -> Finding {
    let stack = [frame("cache_init", "src/cache.c", 8)].into_iter().chain(main_and_outwards()).collect();
    finding(Kind::StillReachable, 2048, 2, "malloc", stack)
}

/// With a path that can be walked.
pub(crate) fn lost_on_path() -> Finding {
    let step = |line, note: &str| PathStep { file: "src/parse.c".to_owned(), line, note: note.to_owned() };
    let path = vec![step(10, "acquired by `malloc`"), step(14, "`error` is not 0"), step(15, "returns without `free`")];
    let path = Evidence { path, ..evidence("path", "the block is lost on the way out") };
    Finding {
        evidence: vec![path],
        rule: "check/lost-on-path".to_owned(),
        ..finding(Kind::LostOnPath, 0, 0, "malloc", vec![frame("parse", "src/parse.c", 10)])
    }
}

pub(crate) fn report(pid: u32, command: &[&str], findings: Vec<Finding>) -> Report {
    let total = |kind: Kind| {
        let of_kind = || findings.iter().filter(move |finding| finding.kind == kind);
        (of_kind().map(|finding| finding.bytes).sum(), of_kind().map(|finding| finding.blocks).sum())
    };
    Report {
        subject: Subject {
            kind: SubjectKind::Process,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            pid: Some(pid),
            parent_pid: Some(1),
            exit_status: Some(0),
            ending: "exited with status 0".to_owned(),
            duration: Duration::from_millis(2310),
            pause: None,
        },
        totals: Totals {
            definitely_lost: total(Kind::DefinitelyLost),
            indirectly_lost: (ByteCount(0), BlockCount(0)),
            possibly_lost: total(Kind::PossiblyLost),
            still_reachable: total(Kind::StillReachable),
            live: total(Kind::Live),
            allocations: 1204,
            allocated_bytes: ByteCount(5_872_025),
            peak_bytes: ByteCount(2_000_000),
            estimate: None,
        },
        sampling: None,
        incomplete: Vec::new(),
        findings,
        suppressed: Vec::new(),
    }
}

pub(crate) fn clean() -> Report {
    report(4127, &["./demo"], Vec::new())
}

pub(crate) fn only_reachable() -> Report {
    report(4127, &["./demo"], vec![reachable()])
}

pub(crate) fn leaking() -> Report {
    report(4127, &["./demo", "--port", "80"], vec![reachable(), lost_by_a_library(), lost_in_templates(), lost()])
}

/// Of a sampled recording: one amount is estimated, one is exact.
pub(crate) fn sampled() -> Report {
    let at = |bytes, blocks| Amounts { bytes: ByteCount(bytes), blocks: BlockCount(blocks) };
    let estimate = Estimate { samples: 23, low: at(10_000_000, 1_000), high: at(15_000_000, 1_600) };
    let stack = [frame("handle", "src/server.c", 88)].into_iter().chain(main_and_outwards()).collect();
    let live = Finding { estimate: Some(estimate), ..finding(Kind::Live, 12_345_678, 1_234, "malloc", stack) };
    let mapped = finding(Kind::Live, 1 << 20, 1, "mmap", vec![frame("map", "src/map.c", 4)]);
    let mut report = report(99, &["./server"], vec![live, mapped]);
    report.sampling = Some(Sampling { mean_bytes: ByteCount(512 << 10) });
    report.totals.estimate = Some(Estimate { samples: 23, ..estimate });
    report.incomplete = vec![incomplete("blocks that were not sampled", "amounts are estimates")];
    report
}

/// Gone before it could be looked at.
pub(crate) fn killed() -> Report {
    let stack = [frame("handle", "src/server.c", 88)].into_iter().chain(main_and_outwards()).collect();
    let mut report = report(99, &["./server"], vec![finding(Kind::Live, 4_000_000, 17, "mmap", stack)]);
    report.subject.exit_status = Some(137);
    report.subject.ending = "killed by SIGKILL".to_owned();
    report.incomplete =
        vec![incomplete("reachability of live blocks", "the process was killed before it could be looked at")];
    report
}

pub(crate) fn incomplete(what: &str, why: &str) -> Incomplete {
    Incomplete { what: what.to_owned(), why: why.to_owned() }
}

pub(crate) fn suppression(name: &str, line: u32, findings: u64) -> SuppressionMatch {
    SuppressionMatch {
        name: name.to_owned(),
        origin: format!("leaks.toml:{line}"),
        reason: Some("freed when the driver goes".to_owned()),
        expired: None,
        findings,
        bytes: ByteCount(512 * findings),
        blocks: BlockCount(findings),
    }
}

/// Nothing left but what was suppressed.
pub(crate) fn suppressed() -> Report {
    Report { suppressed: vec![suppression("driver cache", 3, 2), suppression("gl_*", 9, 1)], ..clean() }
}

/// A suppression that ended.
pub(crate) fn expired() -> Report {
    let expired = SuppressionMatch { expired: Date::parse("2026-01-31").ok(), ..suppression("old", 20, 0) };
    Report { suppressed: vec![expired], ..report(4127, &["./demo"], vec![lost_by_a_library()]) }
}

/// Freed by the wrong function, and a path from the source.
pub(crate) fn misuse_and_path() -> Report {
    let mismatch = Finding {
        message: "allocated by `operator new[]`, freed by `free`".to_owned(),
        evidence: vec![evidence("misuse", "seen 3 times, first in `drop_table` at src/table.cc:70")],
        ..finding(Kind::MismatchedFree, 80, 3, "operator new[]", vec![frame("Table::grow()", "src/table.cc", 31)])
    };
    report(4127, &["./demo"], vec![lost_on_path(), mismatch])
}

/// A process tree in which most have nothing to say.
pub(crate) fn tree() -> Vec<Report> {
    let mut reports = vec![leaking()];
    reports.extend((0..14).map(|index| report(5000 + index, &["/bin/true"], Vec::new())));
    reports.push(report(6000, &["./worker", "a b"], vec![lost_by_a_library()]));
    for report in &mut reports[3..6] {
        report.incomplete.push(incomplete("1 thread", "it did not stop within 100 ms"));
    }
    reports
}

/// Blocks that hang on others: five on one that is listed.
pub(crate) fn lost_tree() -> Report {
    let leader = Finding {
        indirect_bytes: ByteCount(150),
        indirect_blocks: BlockCount(5),
        evidence: vec![
            evidence("reachability", "when the program ended, nothing held a pointer to it"),
            evidence("indirect", "150 bytes in 5 blocks are lost with it: reached only from there"),
            evidence(
                "stacks",
                "2 other stacks lead to the same place; the biggest of them allocated 4 bytes in 1 block: `a` ← `b`",
            ),
        ],
        ..finding(Kind::DefinitelyLost, 16, 1, "malloc", vec![frame("build", "src/build.c", 4)])
    };
    let held = finding(Kind::IndirectlyLost, 150, 5, "malloc", vec![frame("name", "src/build.c", 9)]);
    report(4127, &["./demo"], vec![leader, held])
}

/// A shell that runs the same program again and again, and is replaced by another in the end.
pub(crate) fn same_in_many() -> Vec<Report> {
    let mut reports: Vec<Report> =
        (0..14).map(|index| report(5000 + index, &["./worker"], vec![lost_by_a_library()])).collect();
    reports[2].findings[0].bytes = ByteCount(6400);
    for index in 0..12 {
        let mut replaced = report(7000 + index, &["sh"], Vec::new());
        replaced.subject.exit_status = None;
        replaced.subject.ending = "replaced by exec of ./worker".to_owned();
        replaced
            .incomplete
            .push(incomplete("what was live", "no snapshot: worker took the program's place and its memory was gone"));
        reports.push(replaced);
    }
    let mut running = report(8000, &["./helper"], Vec::new());
    running.subject.exit_status = None;
    running.subject.ending = "still running".to_owned();
    running
        .incomplete
        .push(incomplete("names in `/usr/bin/helper`", "neither debug information nor symbols were found"));
    reports.push(running);
    reports
}

pub(crate) fn all() -> Vec<Report> {
    let mut reports = tree();
    reports.extend([only_reachable(), killed(), suppressed(), expired(), misuse_and_path(), lost_tree(), sampled()]);
    reports.extend(same_in_many());
    reports
}
