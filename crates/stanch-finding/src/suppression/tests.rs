//! Suppression files against findings.
use super::{Parsed, Problem, SuppressionSet, parse_any, parse_lsan, parse_toml, parse_valgrind};
use crate::{
    BlockCount, ByteCount, Confidence, Date, Finding, Fingerprint, Frame, Kind, Owner, OwnerKind, Report, Site,
    Subject, SubjectKind, Totals,
};
use std::time::Duration;

fn frame(function: &str, file: &str, module: &str) -> Frame {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Frame { function: some(function), file: some(file), module: some(module), line: Some(7), ..Frame::default() }
}

fn finding(kind: Kind, allocator: &str, stack: Vec<Frame>) -> Finding {
    let site = Site { allocator: allocator.to_owned(), stack };
    Finding {
        fingerprint: Fingerprint::of(&site),
        rule: "leak/x".to_owned(),
        kind,
        confidence: Confidence::Proven,
        message: "lost".to_owned(),
        bytes: ByteCount(100),
        blocks: BlockCount(2),
        indirect_bytes: ByteCount(0),
        indirect_blocks: BlockCount(0),
        estimate: None,
        owner: Owner { kind: OwnerKind::Library, name: "libfoo1".to_owned(), version: None },
        site,
        evidence: Vec::new(),
        fix: None,
    }
}

/// Lost by `foo_init` of libfoo, called by `main`.
fn lost() -> Finding {
    let foo = frame("foo_init", "/build/foo/src/init.c", "/usr/lib/libfoo.so.1");
    finding(Kind::DefinitelyLost, "malloc", vec![foo, frame("main", "main.c", "/home/me/app")])
}

fn lost_in_cplusplus() -> Finding {
    let show = frame("QListView::show(int) const", "view.cc", "/usr/lib/libqt.so");
    finding(Kind::DefinitelyLost, "operator new", vec![show, frame("", "", "/usr/lib/libx.so"), frame("main", "", "")])
}

fn report(findings: Vec<Finding>) -> Report {
    let subject = Subject {
        kind: SubjectKind::Process,
        command: vec!["app".to_owned()],
        pid: Some(1),
        parent_pid: None,
        exit_status: Some(0),
        ending: "exited with status 0".to_owned(),
        duration: Duration::from_millis(5),
        pause: None,
    };
    Report { subject, totals: Totals::default(), sampling: None, incomplete: vec![], findings, suppressed: vec![] }
}

fn today() -> Date {
    Date::new((2026, 6, 15)).expect("a day")
}

fn is_suppressed(text: &str, finding: &Finding) -> bool {
    let parsed = parse_any(text, "f").unwrap_or_else(|error| panic!("{error}: {text}"));
    let report = SuppressionSet::new(parsed.suppressions).apply(report(vec![finding.clone()]), today());
    report.findings.is_empty()
}

fn check(finding: &Finding, cases: &[(&str, bool)]) {
    for (text, expected) in cases {
        assert_eq!(is_suppressed(text, finding), *expected, "{text}");
    }
}

fn toml_with(conditions: &str) -> String {
    format!("[[suppress]]\nreason = \"known\"\n{conditions}\n")
}

#[test]
fn toml_conditions() {
    let lost = lost();
    let fingerprint = format!("fingerprint = \"{}\"", lost.fingerprint);
    let cases = [
        (fingerprint.as_str(), true),
        ("fingerprint = \"0123456789abcdef\"", false),
        ("function = \"foo_*\"", true),
        ("function = \"foo\"", false),
        ("file = \"src/*.c\"", true),
        ("file = \"other.c\"", false),
        ("module = \"libfoo.so*\"", true),
        ("module = \"libfoo\"", false),
        ("package = \"libfoo1\"", true),
        ("package = \"libbar1\"", false),
        ("kind = [\"definitely_lost\", \"live\"]", true),
        ("kind = [\"live\"]", false),
        ("stack = [\"foo_init\", \"main\"]", true),
        ("stack = [\"malloc\", \"foo_init\"]", true),
        ("stack = [\"calloc\", \"foo_init\"]", false),
        ("stack = [\"...\", \"main\"]", true),
        ("stack = [\"main\"]", false),
        ("stack = [\"foo_init\", \"main\", \"...\"]", true),
        ("stack = [\"foo_init\", \"main\", \"start\"]", false),
        ("function = \"foo_*\"\nkind = [\"live\"]", false),
        ("function = \"foo_*\"\nkind = [\"definitely_lost\"]", true),
    ];
    for (conditions, expected) in cases {
        check(&lost, &[(&toml_with(conditions), expected)]);
    }
}

#[test]
fn toml_errors_say_where_and_what_to_do() {
    let cases = [
        ("[[suppress]]\nfunction = \"f\"\n", 1, "`reason` is missing"),
        ("\n[[suppress]]\nreason = \" \"\nfunction = \"f\"\n", 2, "`reason` is missing"),
        ("[[suppress]]\nreason = \"r\"\n", 1, "matches nothing"),
        ("[[suppress]]\nreason = \"r\"\nkind = [\"lost\"]\n", 3, "`lost` is not a kind of finding"),
        ("[[suppress]]\nreason = \"r\"\nfunction = \"f\"\nexpires = \"tomorrow\"\n", 4, "YYYY-MM-DD"),
        ("[[suppress]]\nreason = \"r\"\nfingerprint = \"12\"\n", 3, "16 hexadecimal digits"),
        ("[[suppress]]\nreason = \"r\"\nfunction = \"\"\n", 3, "pattern is empty"),
        ("[[suppress]]\nreason = \"r\"\nfunktion = \"f\"\n", 3, "unknown field `funktion`"),
        ("[[suppress]]\nreason = \"r\"\nfunction = 3\n", 3, "invalid type"),
        ("[[suppress]]\nreason = \"r\n", 2, ""),
        ("[[suppress]]\nreason = \"a\"\nfunction = \"f\"\n[[suppress]]\nfunction = \"g\"\n", 4, "`reason` is missing"),
    ];
    for (text, line, message) in cases {
        let error = parse_toml(text, "leaks.toml").expect_err(text);
        assert_eq!(error.line, line, "{error}: {text}");
        assert!(error.to_string().contains(message), "{error}: {text}");
        assert!(
            error.to_string().starts_with(&format!("cannot read suppressions at `leaks.toml:{line}`: ")),
            "{error}"
        );
    }
}

#[test]
fn an_expired_suppression_is_listed_and_takes_nothing() {
    let text = "[[suppress]]\nname = \"old\"\nreason = \"r\"\nexpires = \"2026-06-14\"\nfunction = \"foo_init\"\n";
    let set = SuppressionSet::new(parse_toml(text, "s.toml").expect("valid").suppressions);
    let applied = set.apply(report(vec![lost()]), today());
    assert_eq!(applied.findings.len(), 1);
    assert_eq!(applied.suppressed.len(), 1);
    assert_eq!(applied.suppressed[0].expired.map(|date| date.to_string()).as_deref(), Some("2026-06-14"));
    assert_eq!(applied.suppressed[0].findings, 0);
    assert_eq!(set.expired(today()).count(), 1);

    let last_day = Date::parse("2026-06-14").expect("a day");
    assert!(set.apply(report(vec![lost()]), last_day).findings.is_empty());
}

#[test]
fn matches_are_counted_once_by_the_first() {
    let text = "leak:nothing_here\nleak:foo_init\nleak:main\n";
    let set = SuppressionSet::new(parse_lsan(text, "l.supp").expect("valid").suppressions);
    let applied = set.apply(report(vec![lost(), lost_in_cplusplus(), lost()]), today());
    assert!(applied.findings.is_empty());
    let counts: Vec<_> = applied
        .suppressed
        .iter()
        .map(|tally| (tally.name.as_str(), tally.origin.as_str(), tally.findings, tally.bytes.0, tally.blocks.0))
        .collect();
    assert_eq!(counts, [("foo_init", "l.supp:2", 2, 200, 4), ("main", "l.supp:3", 1, 100, 2)]);
}

#[test]
fn lsan_patterns() {
    check(
        &lost(),
        &[
            ("leak:foo", true),
            ("# comment\n\n  leak:foo_init  \n", true),
            ("leak:^foo_init$", true),
            ("leak:^oo_init", false),
            ("leak:libfoo.so", true),
            ("leak:/src/init.c", true),
            ("leak:f*init", true),
            ("leak:f?o", false),
            ("leak:*", true),
            ("leak:bar", false),
            ("leak:malloc", true),
            ("race:foo", false),
        ],
    );
    check(&lost_in_cplusplus(), &[("leak:QListView::show", true), ("leak:operator new", true)]);
    check(&finding(Kind::DoubleFree, "malloc", vec![]), &[("leak:*", false)]);
    check(&finding(Kind::Live, "malloc", vec![]), &[("leak:*", true)]);
}

#[test]
fn lsan_lines_of_others_are_noted() {
    let parsed = parse_lsan("race:x\nleak:y\n", "l.supp").expect("valid");
    assert_eq!(parsed.suppressions.len(), 1);
    assert_eq!(parsed.notes.len(), 1);
    assert_eq!(parsed.notes[0].origin, "l.supp:1");
    assert_eq!(parse_lsan("leak:\n", "l").expect_err("empty").problem, Problem::EmptyPattern);
    assert_eq!(parse_lsan("\nfoo\n", "l").expect_err("no type").line, 2);
}

fn valgrind_with(lines: &[&str]) -> String {
    format!("# leaks\n{{\n   known\n   Memcheck:Leak\n   {}\n}}\n", lines.join("\n   "))
}

#[test]
fn valgrind_stacks() {
    let cases: &[(&[&str], bool)] = &[
        (&["fun:malloc", "fun:foo_init", "fun:main"], true),
        (&["fun:malloc", "fun:foo_init"], true),
        (&["fun:malloc", "fun:main"], false),
        (&["fun:malloc", "...", "fun:main"], true),
        (&["fun:calloc", "fun:foo_init"], false),
        (&["fun:*alloc", "fun:foo_*"], true),
        (&["fun:foo_init"], true),
        (&["...", "fun:foo_init"], true),
        (&["...", "obj:*/libfoo.so*"], true),
        (&["fun:malloc", "obj:*/libfoo.so*", "fun:main"], true),
        (&["obj:*", "obj:*libfoo*"], true),
        (&["obj:*vgpreload*", "obj:*libfoo*"], true),
        (&["...", "src:init.c"], true),
        (&["...", "src:init.c:7"], true),
        (&["...", "src:init.c:8"], false),
        (&["match-leak-kinds: definite", "fun:malloc"], true),
        (&["match-leak-kinds:definite,possible", "fun:malloc"], true),
        (&["match-leak-kinds: reachable", "fun:malloc"], false),
        (&["match-leak-kinds: none", "fun:malloc"], false),
        (&["match-leak-kinds: all", "fun:*"], true),
        (&["..."], true),
        (&["fun:*"], true),
        (&["fun:malloc", "fun:foo_init", "fun:main", "fun:_start"], false),
        (&["fun:malloc", "fun:foo_init", "fun:main", "..."], true),
    ];
    for (lines, expected) in cases {
        check(&lost(), &[(&valgrind_with(lines), *expected)]);
    }
}

#[test]
fn valgrind_names_are_demangled() {
    let cases: &[(&[&str], bool)] = &[
        (&["fun:_Znwm", "fun:_ZNK9QListView4showEi"], true),
        (&["fun:_Znwm", "fun:_ZNK9QListView4hideEi"], false),
        (&["fun:_Zn?m", "fun:_ZNK9QListView*"], true),
        (&["fun:malloc", "..."], false),
        (&["fun:operator new(unsigned long)", "fun:QListView::show*"], true),
        (&["fun:_Znwm", "fun:*QListView*", "fun:*", "fun:main"], true),
        (&["fun:_Znwm", "fun:*QListView*", "obj:*libx*", "obj:*"], true),
    ];
    for (lines, expected) in cases {
        check(&lost_in_cplusplus(), &[(&valgrind_with(lines), *expected)]);
    }
}

#[test]
fn valgrind_entries_of_others_are_noted() {
    let text = "{\n a\n Memcheck:Cond\n fun:f\n}\n{\n b\n Helgrind:Race\n fun:f\n}\n\
        {\n c\n Memcheck,Addrcheck:Leak\n fun:f\n}\n{\n d\n Memcheck:Param\n write(buf)\n fun:f\n}\n";
    let Parsed { suppressions, notes } = parse_valgrind(text, "v.supp").expect("valid");
    assert_eq!(suppressions.len(), 1);
    assert_eq!(suppressions[0].origin, "v.supp:11");
    assert_eq!(notes.len(), 3);
}

#[test]
fn valgrind_errors_say_where() {
    let cases = [
        ("{\n a\n Memcheck:Leak\n fun:f\n", 1, Problem::Unclosed),
        ("{\n}\n", 1, Problem::NoHeader),
        ("\n\nfun:f\n", 3, Problem::OutsideEntry("fun:f".to_owned())),
        ("{\n a\n Leak\n fun:f\n}\n", 3, Problem::BadHeader("Leak".to_owned())),
        ("{\n a\n Memcheck:Leak\n}\n", 1, Problem::NoFrames),
        ("{\n a\n Memcheck:Leak\n foo:f\n}\n", 4, Problem::BadFrame("foo:f".to_owned())),
        ("{\n a\n Memcheck:Leak\n fun:\n}\n", 4, Problem::EmptyPattern),
        ("{\n a\n Memcheck:Leak\n match-leak-kinds: some\n fun:f\n}\n", 4, Problem::UnknownLeakKind("some".to_owned())),
    ];
    for (text, line, problem) in cases {
        let error = parse_valgrind(text, "v.supp").expect_err(text);
        assert_eq!((error.line, error.problem), (line, problem), "{text}");
    }
}

#[test]
fn the_kind_of_file_is_recognised() {
    for empty in ["", "\n\n", "# only\n# comments\n"] {
        assert!(parse_any(empty, "f").expect("empty").suppressions.is_empty());
    }
    assert!(matches!(parse_any("hello world", "f").expect_err("none").problem, Problem::UnknownFormat(_)));
    assert!(matches!(parse_any("x = 1", "f").expect_err("a wrong key").problem, Problem::Toml(_)));
}

/// Small deterministic generator (xorshift), so that a failure can be repeated.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn no_input_makes_it_panic() {
    let pieces = [
        "{",
        "}",
        "\n",
        "\n",
        " ",
        "leak:",
        "race:",
        "[[suppress]]",
        "reason",
        "=",
        "\"",
        "Memcheck:Leak",
        "fun:",
        "obj:",
        "src:",
        "...",
        "*",
        "?",
        "^",
        "$",
        "_ZN",
        "_Z",
        "3foo",
        "99999999999999999999",
        "E",
        "(",
        ")",
        "<",
        ">",
        "operator",
        "::",
        "[abi:",
        "::h0123456789abcdef",
        ".cold",
        "é",
        "\u{feff}",
        "match-leak-kinds:",
        "kind",
        "stack",
        "[",
        "]",
        "name",
        "main",
        ":",
        ",",
        "#",
        "\0",
        "\r\n",
    ];
    let findings = vec![lost(), lost_in_cplusplus()];
    let mut state = 0x5eed;
    for _ in 0..20_000 {
        let length = next(&mut state) % 24;
        let text: String =
            (0..length).map(|_| pieces[usize::try_from(next(&mut state)).unwrap_or(0) % pieces.len()]).collect();
        for parse in [parse_any, parse_toml, parse_lsan, parse_valgrind] {
            if let Ok(parsed) = parse(&text, "f") {
                let set = SuppressionSet::new(parsed.suppressions);
                let _ = set.apply(report(findings.clone()), today());
            }
        }
        let wild = finding(Kind::Live, &text, vec![frame(&text, &text, &text)]);
        assert_eq!(wild.fingerprint.as_str().len(), 16);
        let _ = is_suppressed("leak:*", &wild);
    }
}
