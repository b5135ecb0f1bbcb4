//! Programs compiled for the tests, and what binutils says of them.
#![allow(dead_code, reason = "each test file uses its part")]

use stanch_recording::ResolvedFrame;
use stanch_symbols::{FileAddress, ModuleFile, SearchOptions, Symbolizer};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const C: &str = r#"#include <stdlib.h>
static inline __attribute__((always_inline)) void *inner(size_t n) { return malloc(n); }
static inline __attribute__((always_inline)) void *middle(size_t n) { return inner(n + 1); }
__attribute__((noinline)) char *outer(size_t n) {
    char *p = middle(n);
    return p + 1;
}
static __attribute__((noinline)) char *hidden(size_t n) { return outer(n) + 1; }
int main(int argc, char **argv) { return hidden(argc) == argv[0]; }
"#;

pub(crate) const CPP: &str = r#"#include <map>
#include <string>
#include <vector>
namespace ns {
template <typename T> struct Keeper {
    std::vector<T> kept;
    __attribute__((noinline)) const T &keep(T value) { kept.push_back(value); return kept.back(); }
    __attribute__((noinline)) T *copy() const { return new T(kept.front()); }
};
namespace { __attribute__((noinline)) int *local(int n) { int *p = new int[n]; p[0] = n; return p; } }
namespace { struct Hidden { int *in(int n) { return inlined(n); } int *inlined(int n) { return new int[n]; } }; }
}
int main(int argc, char **argv) {
    ns::Keeper<std::string> keeper;
    keeper.keep(argv[0]);
    auto lambda = [&](int n) __attribute__((noinline)) { return new std::string(argv[n % argc]); };
    std::map<int, std::string *> found;
    found[1] = lambda(3);
    found[2] = keeper.copy();
    int *kept = [](int n) { return ns::Hidden().in(n); }(argc);
    return ns::local(argc)[0] + found.size() + kept[0];
}
"#;

pub(crate) const RUST: &str = r#"
mod deep {
    pub(crate) struct Keeper<T> { pub kept: Vec<T> }
    impl<T: Clone> Keeper<T> {
        #[inline(never)]
        pub(crate) fn keep(&mut self, value: &T) -> usize { self.push(value); self.kept.len() }
        #[inline(always)]
        fn push(&mut self, value: &T) { self.kept.push(value.clone()); }
    }
}
fn main() {
    let mut keeper = deep::Keeper { kept: vec![String::from("first")] };
    for argument in std::env::args() { keeper.keep(&argument); }
    std::process::exit(keeper.kept.len() as i32);
}
"#;

/// Runs a tool; what it printed. A missing tool fails the test.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("`{program}`: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A directory for the files of one test.
pub(crate) struct Workshop(tempfile::TempDir);

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Compiles `source` (`x.c`, `x.cpp`, `x.rs`, `x.s`) into the executable or library `name`.
    pub(crate) fn compile(&self, source: &str, code: &str, name: &str, flags: &[&str]) -> PathBuf {
        std::fs::write(self.path(source), code).unwrap();
        let compiler = match source.rsplit_once('.').unwrap().1 {
            "cpp" => "g++",
            "rs" => "rustc",
            _ => "gcc",
        };
        let (source, output) = (self.text(source), self.text(name));
        run(compiler, &[&[source.as_str(), "-o", &output], flags].concat());
        self.path(name)
    }

    pub(crate) fn c(&self, name: &str, flags: &[&str]) -> PathBuf {
        self.compile("program.c", C, name, &[&["-O2", "-g"], flags].concat())
    }
}

pub(crate) fn symbolizer() -> Symbolizer {
    Symbolizer::new(SearchOptions { root: PathBuf::new(), debug_directories: Vec::new() })
}

pub(crate) fn module(path: &Path) -> ModuleFile {
    ModuleFile { path: path.to_owned(), build_id: Vec::new() }
}

pub(crate) fn resolve(path: &Path, address: u64) -> Vec<ResolvedFrame> {
    symbolizer().resolve(&module(path), FileAddress(address))
}

/// The frames of all `addresses`, with one symbolizer.
pub(crate) fn resolve_all(path: &Path, addresses: &[u64]) -> Vec<Vec<ResolvedFrame>> {
    let mut symbolizer = symbolizer();
    addresses.iter().map(|address| symbolizer.resolve(&module(path), FileAddress(*address))).collect()
}

pub(crate) fn functions(frames: &[ResolvedFrame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.function.as_deref().unwrap_or("?")).collect()
}

/// The return addresses of the calls in `function`, or in all of them where it is empty.
pub(crate) fn return_addresses(path: &Path, function: &str) -> Vec<u64> {
    let text = run("objdump", &["-d", "--no-show-raw-insn", "-j", ".text", path.to_str().unwrap()]);
    let (mut addresses, mut within, mut after_call) = (Vec::new(), false, false);
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(">:").and_then(|line| line.split_once(" <")) {
            within = function.is_empty() || name.1 == function;
            after_call = false;
            continue;
        }
        let Some((address, instruction)) = line.split_once(":\t") else { continue };
        if after_call && within {
            addresses.push(u64::from_str_radix(address.trim(), 16).unwrap());
        }
        after_call = instruction.starts_with("call");
    }
    addresses
}

/// (name, start, size) of the functions that `nm` lists with a size.
pub(crate) fn symbols(path: &Path, flags: &[&str]) -> Vec<(String, u64, u64)> {
    let text = run("nm", &[flags, &["-S", "--defined-only", path.to_str().unwrap()]].concat());
    let rows = text.lines().filter_map(|line| {
        let [start, size, kind, name] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let number = |text| u64::from_str_radix(text, 16).ok();
        "tTwWi".contains(kind).then_some((name.to_owned(), number(start)?, number(size)?))
    });
    rows.collect()
}

/// Build id of a file.
pub(crate) fn build_id(path: &Path) -> Vec<u8> {
    let text = run("readelf", &["-n", path.to_str().unwrap()]);
    let id = text.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).unwrap();
    (0..id.len() / 2).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// `build_id` as it is written.
pub(crate) fn hexadecimal(build_id: &[u8]) -> String {
    build_id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The (function, `file:line`) frames that `addr2line` of binutils has for each of `addresses`.
pub(crate) fn second_opinion(path: &Path, addresses: &[u64]) -> Vec<Vec<(String, String)>> {
    let list: Vec<String> = addresses.iter().map(|address| format!("{:#x}", address - 1)).collect();
    let mut arguments = vec!["-a", "-i", "-f", "-C", "-e", path.to_str().unwrap()];
    arguments.extend(list.iter().map(String::as_str));
    let text = run("addr2line", &arguments);
    let mut answers: Vec<Vec<(String, String)>> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("0x") {
            answers.push(Vec::new());
        } else {
            let place = lines.next().unwrap().split(" (discriminator").next().unwrap();
            answers.last_mut().unwrap().push((line.to_owned(), place.to_owned()));
        }
    }
    answers
}

/// `file:line` as `addr2line` writes it.
pub(crate) fn place(frame: &ResolvedFrame) -> String {
    let line = frame.line.map_or("?".to_owned(), |line| line.to_string());
    format!("{}:{line}", frame.file.as_deref().unwrap_or("??"))
}
