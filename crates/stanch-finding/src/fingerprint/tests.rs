//! What keeps an identity, and what changes it.
use super::{Fingerprint, fnv_1a};
use crate::{Frame, Site};

const PROGRAM: &str = "/home/me/app/build/app";

fn frame(function: &str, file: &str) -> Frame {
    Frame {
        function: Some(function.to_owned()),
        file: Some(file.to_owned()),
        line: Some(1),
        module: Some(PROGRAM.to_owned()),
        module_offset: Some(0x1000),
        ..Frame::default()
    }
}

fn of(allocator: &str, stack: Vec<Frame>) -> String {
    Fingerprint::of(&Site { allocator: allocator.to_owned(), stack }).to_string()
}

#[test]
fn the_hash_is_fnv_1a() {
    assert_eq!(fnv_1a("".bytes()), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv_1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv_1a("foobar".bytes()), 0x8594_4171_f739_67e8);
}

#[test]
fn values_never_change() {
    assert_eq!(
        of("malloc", vec![frame("load", "/home/me/app/src/load.c"), frame("main", "main.c")]),
        "7f60d51c357cdbc3"
    );
    assert_eq!(of("operator new", vec![frame("Table::add(int)", "table.cc")]), "b7d9159409855833");
    assert_eq!(of("malloc", vec![]), "cb2a77b8e35e09ce");
}

#[test]
fn a_rebuild_keeps_it() {
    let plain = of("malloc", vec![frame("load", "/home/me/app/src/load.c"), frame("main", "src/main.c")]);
    let mut moved = frame("load.constprop.0", "/tmp/checkout/src/load.c");
    moved.line = Some(99);
    moved.module = Some("/tmp/checkout/app".to_owned());
    moved.module_offset = Some(0x2222);
    moved.inlined = true;
    assert_eq!(of("malloc", vec![moved]), plain);
    assert_eq!(of("malloc", vec![frame("load", "load.c")]), plain);
}

#[test]
fn it_tells_places_apart() {
    let all = [
        of("malloc", vec![frame("load", "load.c")]),
        of("calloc", vec![frame("load", "load.c")]),
        of("malloc", vec![frame("save", "load.c")]),
        of("malloc", vec![frame("load", "save.c")]),
        of("malloc", vec![frame("xmalloc", "x.c"), frame("load", "load.c")]),
        of("malloc", vec![frame("Pool<int>::get()", "load.c")]),
        of("malloc", vec![frame("Pool<char>::get()", "load.c")]),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[test]
fn aliases_in_the_c_library_are_one_function() {
    let through = |alias: &str| {
        let mut inner = frame(alias, "");
        inner.module = Some("/lib/x86_64-linux-gnu/libc.so.6".to_owned());
        inner.file = None;
        of("malloc", vec![inner, frame("load", "load.c")])
    };
    assert_eq!(through("strdup"), through("__strdup"));
    assert_eq!(through("strdup"), through("__GI___strdup"));
    assert_ne!(through("strdup"), through("getline"));
}

#[test]
fn without_names_the_module_and_offset_count() {
    let nameless = |module: &str, offset| Frame {
        module: Some(module.to_owned()),
        module_offset: Some(offset),
        ..Frame::default()
    };
    let plain = of("malloc", vec![nameless("/usr/lib/libx.so.1", 0x10)]);
    assert_eq!(plain, of("malloc", vec![nameless("/opt/lib/libx.so.1", 0x10)]));
    assert_ne!(plain, of("malloc", vec![nameless("/usr/lib/libx.so.1", 0x20)]));
    assert_ne!(plain, of("malloc", vec![nameless("/usr/lib/liby.so.1", 0x10)]));
}

#[test]
fn parse_takes_what_is_printed() {
    let fingerprint = Fingerprint::of(&Site::default());
    assert_eq!(Fingerprint::parse(fingerprint.as_str()), Ok(fingerprint.clone()));
    assert_eq!(Fingerprint::parse(&fingerprint.to_string().to_uppercase()), Ok(fingerprint));
    for wrong in ["", "0123", "0123456789abcdeg", "0123456789abcdef0", "ééééèèèè"] {
        assert!(Fingerprint::parse(wrong).is_err(), "{wrong}");
    }
}

/// Every stack of four of these frames: what its innermost frames settle, the whole stack does not change.
#[test]
fn innermost_frames_settle_it_or_say_that_they_do_not() {
    let in_library = |frame: Frame| Frame { module: Some("/usr/lib/libother.so.1".to_owned()), ..frame };
    let kinds = [
        frame("std::vector<int>::push_back", "/usr/include/c++/12/bits/stl_vector.h"),
        frame("xmalloc", "src/util.c"),
        frame("Eigen::resize", "/usr/include/eigen3/Eigen/Core"),
        frame("load", "src/load.c"),
        in_library(frame("draw", "draw.c")),
    ];
    let (mut settled, mut open) = (0, 0);
    for number in 0..kinds.len().pow(4) {
        let stack: Vec<Frame> =
            (0..4).map(|place| kinds[number / kinds.len().pow(place) % kinds.len()].clone()).collect();
        let whole = of("malloc", stack.clone());
        for depth in 0..=stack.len() {
            let innermost = Site { allocator: "malloc".to_owned(), stack: stack[..depth].to_vec() };
            match Fingerprint::of_innermost(&innermost) {
                Some(fingerprint) => {
                    assert_eq!(fingerprint.to_string(), whole, "{depth} of {stack:?}");
                    settled += 1;
                }
                None => open += 1,
            }
        }
    }
    assert!(0 < settled && 0 < open);
}
