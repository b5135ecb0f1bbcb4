//! Units, named by their files, and the programs that they make.
use super::*;
use crate::source::Language;

/// `file: defined defined -> undefined undefined`
fn parse(lines: &[&str]) -> (Vec<Unit>, Vec<Option<Symbols>>) {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let parsed = lines.iter().map(|line| {
        let (file, rest) = line.split_once(':').unwrap();
        let (strong, undefined) = rest.split_once("->").unwrap_or((rest, ""));
        let unit = Unit {
            folder: "/b".into(),
            file: file.into(),
            language: Language::C,
            flags: Vec::new(),
            output: Some(Path::new("/b").join(file).with_extension("o")),
            environment: Vec::new(),
        };
        let is_broken = rest.contains("broken");
        let symbols = Symbols { strong: words(strong), weak: BTreeSet::new(), undefined: words(undefined) };
        (unit, (!is_broken).then_some(symbols))
    });
    parsed.unzip()
}

fn link(kind: LinkKind, output: &str, inputs: &[&str], libraries: &[&str]) -> Link {
    let absolute = |name: &&str| Path::new("/b").join(name);
    Link {
        output: absolute(&output),
        kind,
        inputs: inputs.iter().map(absolute).collect(),
        libraries: libraries.iter().map(Into::into).collect(),
    }
}

/// The files of each program.
fn grouped(lines: &[&str], links: &[Link]) -> Vec<String> {
    let (units, symbols) = parse(lines);
    let programs = programs(&units, &symbols, links);
    let names = |program: &Program| {
        let names: Vec<_> = program.units.iter().map(|unit| units[*unit].file.display().to_string()).collect();
        names.join(" ")
    };
    programs.iter().map(names).collect()
}

#[test]
fn one_main_takes_what_it_needs_and_the_rest_is_a_library() {
    let lines = ["main.c: main -> f", "f.c: f -> g", "g.c: g", "unused.c: u -> g", "bad.c: broken"];
    assert_eq!(grouped(&lines, &[]), ["main.c f.c g.c", "unused.c g.c"]);
    assert_eq!(grouped(&["a.c: a -> b", "b.c: b"], &[]), ["a.c b.c"]);
    assert_eq!(grouped(&["bad.c: broken"], &[]), Vec::<String>::new());
}

#[test]
fn several_mains_are_several_programs() {
    let lines = ["one/main.c: main -> f", "one/f.c: f", "two/main.c: main -> f", "two/f.c: f", "t.c: main -> f"];
    assert_eq!(grouped(&lines, &[]), ["one/main.c one/f.c", "two/main.c two/f.c", "t.c one/f.c"]);
}

#[test]
fn libraries_with_equal_names_stay_apart() {
    let lines = ["a/x.c: foo", "a/y.c: bar -> foo", "b/x.c: foo", "b/y.c: baz -> foo"];
    assert_eq!(grouped(&lines, &[]), ["a/x.c a/y.c", "b/x.c b/y.c"]);
}

#[test]
fn links_say_what_belongs_together() {
    let lines = ["main.c: main -> f", "f1.c: f", "f2.c: f", "test.c: main -> f g", "g.c: g", "h.c: h"];
    let links = [
        link(LinkKind::Archive, "libf.a", &["f2.o", "h.o"], &[]),
        link(LinkKind::Executable, "app", &["main.o", "libf.a"], &[]),
        link(LinkKind::Shared, "libg.so.1", &["g.o"], &[]),
        link(LinkKind::Executable, "test", &["test.o", "f1.o"], &["g", "m"]),
    ];
    assert_eq!(grouped(&lines, &links), ["main.c f2.c", "g.c", "test.c f1.c g.c", "f2.c h.c"]);
}

#[test]
fn what_is_linked_in_circles_or_twice_ends() {
    let lines = ["a.c: main"];
    let links = [
        link(LinkKind::Archive, "liba.a", &["liba.a", "libb.a"], &[]),
        link(LinkKind::Archive, "libb.a", &["liba.a"], &[]),
        link(LinkKind::Executable, "app", &["a.o", "liba.a"], &[]),
        link(LinkKind::Executable, "app", &["a.o"], &[]),
        link(LinkKind::Executable, "none", &["absent.o"], &[]),
    ];
    assert_eq!(grouped(&lines, &links), ["a.c"]);
}
