//! What people see.
use crate::samples::{self, OPTIONS};
use stanch_finding::{Frame, Kind, Report};
use stanch_report::text::{self, Limit, Reachable, SourceReader, Style, TextOptions};

fn written(reports: &[Report], options: &TextOptions<'_>) -> String {
    let mut out = Vec::new();
    text::write(reports, options, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("text is UTF-8")
}

#[test]
fn leaks() {
    insta::assert_snapshot!(written(&[samples::leaking()], &OPTIONS));
}

#[test]
fn sampled() {
    insta::assert_snapshot!(written(&[samples::sampled()], &OPTIONS));
    let mut nothing = samples::sampled();
    nothing.findings.clear();
    let text = written(&[nothing], &OPTIONS);
    assert!(text.starts_with("no leaks seen, but not everything could be seen\n"), "{text}");
    assert!(text.ends_with("next: record every block (no `--sample`) to see small leaks\n"), "{text}");
}

#[test]
fn several_processes() {
    insta::assert_snapshot!(written(&samples::tree(), &TextOptions { findings: Limit::First(1), ..OPTIONS }));
}

#[test]
fn one_leak_in_many_processes_is_listed_once() {
    insta::assert_snapshot!(written(&samples::same_in_many(), &OPTIONS));
}

#[test]
fn what_hangs_on_others_is_listed_with_them() {
    let text = written(&[samples::lost_tree()], &OPTIONS);
    insta::assert_snapshot!(text);
    let all = written(&[samples::lost_tree()], &TextOptions { findings: Limit::All, ..OPTIONS });
    assert!(all.contains("2. indirectly lost: 150 bytes in 5 blocks"), "{all}");
    assert!(all.contains("`a` ← `b`"), "{all}");
    let mut without_leader = samples::lost_tree();
    without_leader.findings.remove(0);
    let text = written(&[without_leader], &OPTIONS);
    assert!(text.starts_with("indirectly lost 150 bytes in 5 blocks at 1 place\n"), "{text}");
    assert!(text.contains("1. indirectly lost: 150 bytes in 5 blocks"), "{text}");
}

#[test]
fn programs_in_place_of_others_are_only_counted() {
    let replaced = samples::same_in_many().split_off(14).into_iter().take(3).collect::<Vec<_>>();
    let one_checked = [replaced.clone(), vec![samples::clean()]].concat();
    assert_eq!(
        written(&one_checked, &OPTIONS),
        "no leaks: every block was freed\n\n3 program images were replaced by exec before their end: not checked\n"
    );
    assert!(written(&replaced, &OPTIONS).starts_with("no leaks seen, but not everything could be seen\n"));
}

#[test]
fn nothing_found_is_one_line() {
    assert_eq!(written(&[samples::clean()], &OPTIONS), "no leaks: every block was freed\n");
    assert_eq!(
        written(&[samples::only_reachable()], &OPTIONS),
        "no leaks: every block was freed or is still reachable (2.00 KiB in 2 blocks)\n"
    );
    assert_eq!(
        written(&[samples::clean(), samples::clean()], &OPTIONS),
        "no leaks in 2 processes: every block was freed\n"
    );
    assert_eq!(written(&[], &OPTIONS), "nothing was analysed\n");
}

#[test]
fn reachable_listed() {
    let options = TextOptions { reachable: Reachable::Listed, ..OPTIONS };
    insta::assert_snapshot!(written(&[samples::only_reachable()], &options));
}

#[test]
fn killed() {
    insta::assert_snapshot!(written(&[samples::killed()], &OPTIONS));
}

#[test]
fn incomplete_and_nothing_found() {
    let incomplete =
        vec![samples::incomplete("stacks of libfoo.so.1", "it has neither unwind tables nor frame pointers")];
    insta::assert_snapshot!(written(&[Report { incomplete, ..samples::clean() }], &OPTIONS));
}

#[test]
fn suppressed() {
    insta::assert_snapshot!(written(&[samples::suppressed()], &OPTIONS));
}

#[test]
fn expired_suppression() {
    insta::assert_snapshot!(written(&[samples::expired()], &OPTIONS));
}

#[test]
fn misuse_and_path() {
    insta::assert_snapshot!(written(&[samples::misuse_and_path()], &OPTIONS));
}

/// Of a path whose source can be read, each line is shown, and under it what its step speaks of.
#[test]
fn a_path_with_its_source() {
    let mut report = samples::misuse_and_path();
    report.findings.retain(|finding| finding.kind == Kind::LostOnPath);
    let lines = "\n\n\n\n\n\n\n\n\n    char *block = malloc(80);\n\n\n\n\tif (error)\n\t\treturn -1;\n";
    let read = |path: &str| (path == "src/parse.c").then(|| lines.to_owned());
    let options = TextOptions { read_source: Some(SourceReader(&read)), ..OPTIONS };
    insta::assert_snapshot!(written(&[report], &options));
}

#[test]
fn colours_only_repeat() {
    let coloured = written(&samples::all(), &TextOptions { style: Style::Ansi, ..OPTIONS });
    assert!(coloured.contains("\u{1b}[1;31m"));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').expect("every sequence ends").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, written(&samples::all(), &OPTIONS));
}

#[test]
fn lines_keep_to_the_width_unless_a_place_is_longer() {
    for line in written(&samples::all(), &OPTIONS).lines() {
        assert!(line.chars().count() <= 80 || line.trim().split("  ").count() == 1, "{line}");
    }
    let narrow = written(&[samples::leaking()], &TextOptions { width: 20, ..OPTIONS });
    assert!(narrow.contains("src/store/very/deep/index_impl.hpp:1234"));
}

#[test]
fn the_owner_is_shown_below_any_depth() {
    let mut stack: Vec<Frame> =
        (0..20).map(|index| samples::frame(&format!("x{index}_malloc"), "x.c", index)).collect();
    stack.push(samples::frame("owner", "owner.c", 1));
    stack.push(samples::frame("main", "main.c", 1));
    let report = samples::report(1, &["a"], vec![samples::finding(Kind::DefinitelyLost, 1, 1, "malloc", stack)]);
    let text = written(&[report], &TextOptions { frames: Limit::First(2), ..OPTIONS });
    assert!(text.contains("> owner  owner.c:1\n"), "{text}");
    assert!(text.contains("and 1 more frame: --all shows them\n"), "{text}");
}

#[test]
fn names_cannot_write_to_the_terminal() {
    let stack = vec![samples::frame("evil\u{1b}[2J\u{202e}", "a\r.c", 1)];
    let report =
        samples::report(1, &["\u{7}bell"], vec![samples::finding(Kind::DefinitelyLost, 1, 1, "malloc", stack)]);
    let text = written(&[report], &OPTIONS);
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    assert!(text.contains("\\u{1b}[2J\\u{202e}"));
}
