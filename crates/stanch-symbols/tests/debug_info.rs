//! Frames from DWARF: inlined functions, versions, compression, and a second opinion on whole programs.
mod common;

use common::*;
use std::path::Path;

/// The one call of `outer` is to `malloc`, three functions deep.
fn check_inlined(path: &Path) {
    let addresses = return_addresses(path, "outer");
    assert_eq!(addresses.len(), 1);
    let frames = resolve(path, addresses[0]);
    assert_eq!(functions(&frames), ["inner", "middle", "outer"], "{}", path.display());
    assert_eq!(frames.iter().map(|frame| frame.line).collect::<Vec<_>>(), [Some(2), Some(3), Some(5)]);
    assert_eq!(frames.iter().map(|frame| frame.inlined).collect::<Vec<_>>(), [true, true, false]);
    assert!(frames.iter().all(|frame| frame.file.as_ref().unwrap().ends_with("/program.c")));
    assert!(frames.iter().all(|frame| frame.column.is_some()));
}

/// Compares every call of a program with what binutils says.
fn check_against_binutils(path: &Path) {
    let addresses = return_addresses(path, "");
    let expected = second_opinion(path, &addresses);
    assert_eq!(addresses.len(), expected.len());
    let mut compared = 0;
    for ((address, expected), frames) in addresses.iter().zip(&expected).zip(resolve_all(path, &addresses)) {
        // The start files have no lines.
        if expected[0].1.ends_with('?') {
            continue;
        }
        assert_eq!(frames.len(), expected.len(), "{address:#x}: {frames:?} against {expected:?}");
        for (frame, (name, at)) in frames.iter().zip(expected) {
            assert_eq!(&place(frame), at, "{address:#x}");
            // Of an inlined call in a part that was split off, binutils names the part.
            if name.ends_with(".cold") {
                continue;
            }
            let ours = frame.function.as_deref().unwrap();
            let plain = |name: &str| name.replace(' ', "").replace("[abi:cxx11]", "").replace("ul", "");
            assert!(
                plain(name).contains(&plain(ours)) || plain(ours).ends_with(&plain(name)),
                "{address:#x}: {ours} against {name}"
            );
        }
        compared += 1;
    }
    assert!(3 <= compared, "{compared} of {} calls compared", addresses.len());
}

#[test]
fn inlined_frames_of_both_versions() {
    let workshop = Workshop::new();
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let path = workshop.c("program", &[version]);
        check_inlined(&path);
        check_against_binutils(&path);
    }
}

#[test]
fn compressed_sections() {
    let workshop = Workshop::new();
    let plain = workshop.c("plain", &[]);
    for format in ["zlib", "zlib-gnu", "zstd"] {
        let compressed = workshop.path(format);
        let option = format!("--compress-debug-sections={format}");
        run("objcopy", &[&option, plain.to_str().unwrap(), compressed.to_str().unwrap()]);
        check_inlined(&compressed);
    }
}

#[test]
fn the_call_counts_not_the_instruction_after_it() {
    let workshop = Workshop::new();
    let code = "#include <stdlib.h>\n__attribute__((noinline)) void last(void) {\n    abort();\n}\n\
                int main(void) { last(); }\n";
    let path = workshop.compile("program.c", code, "program", &["-O2", "-g"]);
    // `abort` does not return: its return address is already beyond `last`.
    let addresses = return_addresses(&path, "last");
    let (_, start, size) = symbols(&path, &[]).into_iter().find(|(name, ..)| name == "last").unwrap();
    let address = addresses.first().copied().unwrap_or(start + size);
    assert_eq!(functions(&resolve(&path, address)), ["last"]);
    assert_eq!(resolve(&path, address)[0].line, Some(3));
}

#[test]
fn cpp_names_without_parameters() {
    let workshop = Workshop::new();
    for optimisation in ["-O0", "-O2"] {
        let path = workshop.compile("program.cpp", CPP, "program", &["-g", optimisation]);
        check_against_binutils(&path);
        let frames = resolve_all(&path, &return_addresses(&path, ""));
        let names: Vec<String> = frames.into_iter().flatten().filter_map(|frame| frame.function).collect();
        let string = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
        for expected in [
            format!("ns::Keeper<{string} >::keep"),
            format!("ns::Keeper<{string} >::copy"),
            "ns::(anonymous namespace)::local".to_owned(),
            "ns::(anonymous namespace)::Hidden::inlined".to_owned(),
            "main".to_owned(),
        ] {
            assert!(names.contains(&expected), "{optimisation}: {expected} not in {names:#?}");
        }
        let inlined =
            if optimisation == "-O2" { "main::{lambda}::operator()" } else { "main::{lambda(int)#2}::operator()" };
        for lambda in ["main::{lambda(int)#1}::operator()", inlined] {
            assert!(names.iter().any(|name| name == lambda), "{optimisation}: {lambda} not in {names:#?}");
        }
    }
}

#[test]
fn rust_names_without_hashes() {
    let workshop = Workshop::new();
    for mangling in ["legacy", "v0"] {
        let flags = ["-O", "-g", "-C", "symbol-mangling-version=v0"];
        let flags = if mangling == "v0" { &flags[..] } else { &flags[..2] };
        let path = workshop.compile("program.rs", RUST, "program", flags);
        let all = resolve_all(&path, &return_addresses(&path, ""));
        let keep = all.iter().find(|frames| functions(frames).last().unwrap().contains("deep::Keeper<"));
        let names = functions(keep.unwrap_or_else(|| panic!("{mangling}: no `keep`"))).join(" < ");
        assert!(names.contains("::push < ") && names.ends_with("::keep"), "{mangling}: {names}");
        assert!(
            all.iter().flatten().all(|frame| !frame.function.as_deref().unwrap_or("").contains("::h0")),
            "{mangling}"
        );
    }
}

#[test]
fn the_c_library_through_its_debug_package() {
    let libc = run("gcc", &["-print-file-name=libc.so.6"]);
    let libc = Path::new(libc.trim());
    let mut symbolizer = symbolizer();
    let module = stanch_symbols::ModuleFile { path: libc.to_owned(), build_id: build_id(libc) };
    for (wanted, file) in [("malloc", "malloc.c"), ("qsort", "msort.c"), ("getenv", "getenv.c")] {
        let (_, start, _) =
            symbols(libc, &["-D"]).into_iter().find(|(name, ..)| name.split('@').next() == Some(wanted)).unwrap();
        let frames = symbolizer.resolve(&module, stanch_symbols::FileAddress(start + 1));
        let frame = frames.last().unwrap();
        assert!(frame.function.as_ref().unwrap().contains(wanted), "{frame:?}");
        assert!(frame.file.as_ref().unwrap().ends_with(file), "{frame:?}");
        assert!(frame.line.is_some(), "{frame:?}");
        let expected = second_opinion(libc, &[start + 1]);
        let line = |place: String| place.rsplit('/').next().map(str::to_owned);
        let expected: Vec<_> = expected[0].iter().map(|(_, at)| line(at.clone())).collect();
        assert_eq!(frames.iter().map(|frame| line(place(frame))).collect::<Vec<_>>(), expected);
    }
    assert_eq!(symbolizer.notes(), []);
}
