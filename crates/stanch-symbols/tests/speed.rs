//! Large programs: the first name soon, the others at once.
mod common;

use common::*;
use stanch_symbols::FileAddress;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Generous, for machines that do other things too.
const FIRST: Duration = Duration::from_secs(1);
const EACH_FURTHER: Duration = Duration::from_micros(500);

fn check(path: &Path) {
    let symbols = symbols(path, &["-D"]);
    let addresses: Vec<u64> = symbols.iter().map(|(_, start, _)| start + 1).take(2000).collect();
    let (mut symbolizer, module) = (symbolizer(), module(path));
    let started = Instant::now();
    assert!(symbolizer.resolve(&module, FileAddress(addresses[0]))[0].function.is_some());
    let first = started.elapsed();
    let started = Instant::now();
    let named =
        addresses.iter().filter(|address| symbolizer.resolve(&module, FileAddress(**address))[0].function.is_some());
    // `nm` lists some data among the code.
    assert!(addresses.len() * 9 / 10 < named.count());
    let further = started.elapsed() / addresses.len() as u32;
    let started = Instant::now();
    for address in &addresses {
        symbolizer.resolve(&module, FileAddress(*address));
    }
    let again = started.elapsed() / addresses.len() as u32;
    let times = format!("{}: first {first:?}, further {further:?}, again {again:?}", path.display());
    assert!(first < FIRST && further < EACH_FURTHER && again < EACH_FURTHER, "{times}");
}

#[test]
fn a_compiler_without_debug_information() {
    check(Path::new(run("g++", &["-print-prog-name=cc1plus"]).trim()));
}

#[test]
fn a_compiler_of_a_hundred_megabytes() {
    let sysroot = run("rustc", &["--print", "sysroot"]);
    let libraries = std::fs::read_dir(Path::new(sysroot.trim()).join("lib")).unwrap();
    let driver: PathBuf = libraries
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("librustc_driver-"))
        .unwrap();
    check(&driver);
}

#[test]
fn the_c_library_with_its_debug_package() {
    check(Path::new(run("gcc", &["-print-file-name=libc.so.6"]).trim()));
}
