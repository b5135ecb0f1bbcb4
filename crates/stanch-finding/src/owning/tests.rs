//! Which frame owns, case by case.
use super::{FrameRole, is_wrapper_name, owning_frame};
use crate::{Frame, Site};

const PROGRAM: &str = "/home/me/app/build/app";

fn frame(function: &str, file: &str, module: &str) -> Frame {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Frame { function: some(function), file: some(file), module: some(module), ..Frame::default() }
}

fn check(frames: &[(&str, &str, &str)], expected: Option<usize>) {
    let stack = frames.iter().map(|(function, file, module)| frame(function, file, module)).collect();
    assert_eq!(owning_frame(&Site { allocator: "malloc".into(), stack }), expected, "{frames:?}");
}

#[test]
fn the_innermost_frame_of_the_program_owns() {
    check(&[("load", "src/load.c", PROGRAM), ("main", "src/main.c", PROGRAM)], Some(0));
    check(&[("strdup", "", "/lib/x86_64-linux-gnu/libc.so.6"), ("main", "main.c", PROGRAM)], Some(1));
    check(
        &[
            ("std::vector<int>::push_back(int const&)", "/usr/include/c++/12/bits/stl_vector.h", PROGRAM),
            ("Table::add(int)", "src/table.cc", PROGRAM),
        ],
        Some(1),
    );
}

#[test]
fn runtime_alone_has_no_owner() {
    check(&[], None);
    check(
        &[("pool::pool()", "", "/usr/lib/libstdc++.so.6.0.30"), ("call_init", "", "/lib64/ld-linux-x86-64.so.2")],
        None,
    );
    check(&[("__libc_start_main", "", ""), ("_start", "", PROGRAM)], None);
}

#[test]
fn a_wrapper_yields_to_its_caller_only() {
    check(&[("xmalloc", "lib/xmalloc.c", PROGRAM), ("parse", "parse.c", PROGRAM)], Some(1));
    check(&[("xmalloc", "lib/xmalloc.c", PROGRAM), ("__libc_start_main", "", "/lib/libc.so.6")], Some(0));
    check(&[("xmalloc", "a.c", PROGRAM), ("my_alloc", "a.c", PROGRAM), ("_start", "", PROGRAM)], Some(1));
    check(&[("Arena::allocate(unsigned long)", "", PROGRAM), ("Parser::run()", "", PROGRAM)], Some(1));
    check(&[("Node::operator new(unsigned long)", "", PROGRAM), ("grow()", "", PROGRAM)], Some(1));
}

#[test]
fn a_dependency_yields_to_own_source_of_the_same_module() {
    let header = "/usr/include/boost/pool.hpp";
    check(&[("boost::make()", header, PROGRAM), ("run()", "src/run.cc", PROGRAM)], Some(1));
    check(&[("boost::make()", header, "/usr/lib/libfoo.so.1"), ("run()", "src/run.cc", PROGRAM)], Some(0));
    let registry = "/home/me/.cargo/registry/src/index-1949cf8c6b5b557f/bytes-1.0.0/src/bytes.rs";
    check(&[("bytes::copy", registry, PROGRAM), ("app::run", "src/run.rs", PROGRAM)], Some(1));
}

#[test]
fn a_library_owns_its_own_leaks() {
    check(&[("json_object", "", "/usr/lib/libjansson.so.4"), ("main", "main.c", PROGRAM)], Some(0));
    check(&[("", "", "/usr/lib/libstripped.so.1"), ("main", "main.c", PROGRAM)], Some(0));
}

#[test]
fn rust_library_code_is_runtime_and_a_namespace_core_is_not() {
    let runtime = [
        ("alloc::vec::Vec<T>::push", ""),
        ("<alloc::string::String as core::clone::Clone>::clone", ""),
        ("<T as alloc::slice::hack::ConvertVec>::to_vec", ""),
        ("core::ops::function::FnOnce::call_once", ""),
        ("anything", "/rustc/0123/library/alloc/src/boxed.rs"),
        ("hashbrown::raw::RawTable<T>::reserve", ""),
    ];
    for (function, file) in runtime {
        assert_eq!(FrameRole::of(&frame(function, file, PROGRAM)), FrameRole::Runtime, "{function}");
    }
    for (function, file) in [("core::Widget::make(int)", ""), ("core::Widget::make", "src/widget.cc"), ("corelib", "")]
    {
        assert_eq!(FrameRole::of(&frame(function, file, PROGRAM)), FrameRole::Application, "{function}");
    }
    assert_eq!(FrameRole::of(&frame("<app::A as core::clone::Clone>::clone", "", PROGRAM)), FrameRole::Application);
    assert_eq!(FrameRole::of(&frame("main", "", "/opt/libc")), FrameRole::Application, "a program may be called libc");
}

#[test]
fn names_of_wrappers() {
    let wrappers = [
        "xmalloc",
        "xcalloc",
        "xrealloc",
        "xstrdup",
        "g_malloc0_n",
        "g_try_malloc",
        "g_strdup",
        "safe_malloc",
        "checked_malloc",
        "SafeMalloc",
        "PyMem_Malloc",
        "widget_alloc",
        "malloc_or_die",
        "CRYPTO_zalloc",
        "kmalloc",
        "Arena<int>::allocate",
        "xmemdup",
        "sqlite3_malloc64",
    ];
    for name in wrappers {
        assert!(is_wrapper_name(name), "{name}");
    }
    let others = [
        "main",
        "leak_malloc",
        "test_alloc",
        "alloc_config",
        "prealloc",
        "load",
        "allocator_init",
        "dealloc",
        "",
        "malloc_trim",
    ];
    for name in others {
        assert!(!is_wrapper_name(name), "{name}");
    }
}
