//! Names where there is no debug information: symbol tables, and what is left of them.
mod common;

use common::*;
use stanch_symbols::{FileAddress, Missing};
use std::path::Path;

/// Checks the first and the last byte of every function that `nm` lists.
fn check_against_nm(path: &Path, flags: &[&str]) -> usize {
    let symbols = symbols(path, flags);
    let mut symbolizer = symbolizer();
    for (name, start, size) in &symbols {
        for address in [start + 1, start + size] {
            let frames = symbolizer.resolve(&module(path), FileAddress(address));
            let [frame] = &frames[..] else { panic!("{name}: {frames:?}") };
            let ours = frame.function.as_deref().unwrap_or_else(|| panic!("{name} has no name at {address:#x}"));
            // Another name of the same code, or a function within this one.
            let mut aliases = symbols.iter().filter(|(_, other, size)| (*other..other + size).contains(&(address - 1)));
            assert!(aliases.any(|(name, ..)| plain(name) == ours), "{ours} for {name}");
        }
    }
    symbols.len()
}

fn plain(name: &str) -> &str {
    name.split(['@', '.']).next().unwrap()
}

#[test]
fn without_debug_information() {
    let workshop = Workshop::new();
    let path = workshop.c("program", &[]);
    run("strip", &["--strip-debug", path.to_str().unwrap()]);
    assert!(3 < check_against_nm(&path, &[]));
    let hidden = return_addresses(&path, "hidden")[0];
    let mut symbolizer = symbolizer();
    let frames = symbolizer.resolve(&module(&path), FileAddress(hidden));
    assert_eq!((functions(&frames), frames[0].line), (vec!["hidden"], None));
    assert_eq!(symbolizer.notes()[0].missing, Missing::NoDebugInfo);
}

#[test]
fn exported_names_of_a_stripped_library() {
    let workshop = Workshop::new();
    let path = workshop.c("libprogram.so", &["-shared", "-fPIC"]);
    let hidden = return_addresses(&path, "hidden")[0];
    run("strip", &["--strip-all", path.to_str().unwrap()]);
    assert!(1 < check_against_nm(&path, &["-D"]));
    // Beyond the end of the function before it, so not that function's.
    assert_eq!(functions(&resolve(&path, hidden)), ["?"]);
}

#[test]
fn hidden_names_in_mini_debug_info() {
    let workshop = Workshop::new();
    let path = workshop.c("libprogram.so", &["-shared", "-fPIC"]);
    let addresses: Vec<u64> = ["hidden", "outer"].iter().map(|name| return_addresses(&path, name)[0]).collect();
    let (mini, stripped) = (workshop.text("mini"), workshop.text("stripped.so"));
    run("objcopy", &["--strip-debug", path.to_str().unwrap(), &mini]);
    run("xz", &[&mini]);
    let section = format!(".gnu_debugdata={mini}.xz");
    run("objcopy", &["--strip-all", "--add-section", &section, path.to_str().unwrap(), &stripped]);
    let names: Vec<_> =
        resolve_all(Path::new(&stripped), &addresses).into_iter().map(|mut frames| frames.remove(0).function).collect();
    assert_eq!(names, [Some("hidden".to_owned()), Some("outer".to_owned())]);
}

#[test]
fn labels_versions_and_resolvers() {
    let workshop = Workshop::new();
    let code = r#"
        .text
        .globl sized
        .type sized, @function
    sized:
        nop
    .globl label_within
    label_within:
        nop
        .size sized, .-sized
        .skip 16, 0x90
        .globl unsized_label
    unsized_label:
        .skip 8, 0x90
        .globl resolver
        .type resolver, @gnu_indirect_function
    resolver:
        ret
        .size resolver, .-resolver
        .type _ZN2ns8functionEi.part.0, @function
    _ZN2ns8functionEi.part.0:
        ret
        .size _ZN2ns8functionEi.part.0, .-_ZN2ns8functionEi.part.0
        .globl versioned_1
        .type versioned_1, @function
    versioned_1:
        ret
        .size versioned_1, .-versioned_1
        .symver versioned_1, versioned@@V1, remove
        .data
        .globl data
        .type data, @object
    data:
        .quad 0
    "#;
    std::fs::write(workshop.path("map"), "V1 { global: *; };").unwrap();
    let map = format!("-Wl,--version-script={}", workshop.text("map"));
    let path = workshop.compile("labels.s", code, "liblabels.so", &["-shared", "-nostdlib", &map]);
    let text = run("nm", &[path.to_str().unwrap()]);
    let start = text.lines().find(|line| line.ends_with(" sized")).unwrap();
    let start = u64::from_str_radix(start.split(' ').next().unwrap(), 16).unwrap();
    let names: Vec<String> = [1, 2, 3, 18, 19, 26, 27, 28, 29, 30, 31]
        .into_iter()
        .map(|offset| functions(&resolve(&path, start + offset))[0].to_owned())
        .collect();
    let expected = [
        "sized",
        "sized",
        "?",
        "?",
        "unsized_label",
        "unsized_label",
        "resolver",
        "ns::function",
        "versioned",
        "?",
        "?",
    ];
    assert_eq!(names, expected);
}
