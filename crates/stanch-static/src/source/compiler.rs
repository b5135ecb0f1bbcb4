//! Names of compilers and of the programs in front of them.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the name of a compiler says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Driver {
    /// It takes C for C++.
    pub(super) is_cplusplus: bool,
    /// The machine that it compiles for, where that is not this one.
    pub(super) target: Option<String>,
}

/// Compilers that take gcc's flags, without machine and version.
const C_COMPILERS: [&str; 9] = ["gcc", "cc", "clang", "c89", "c99", "icc", "icx", "tcc", "xgcc"];
const CPLUSPLUS_COMPILERS: [&str; 7] = ["g++", "c++", "clang++", "icpc", "icpx", "xg++", "dpcpp"];

/// Programs that are started with a compiler's command line behind their name.
const WRAPPERS: [&str; 8] = ["ccache", "sccache", "distcc", "icecc", "colorgcc", "gomacc", "time", "nice"];

/// Programs that hand what they are started with to a compiler elsewhere, or to one they hide: what they start needs
/// no watching.
const CACHES: [&str; 4] = ["ccache", "sccache", "distcc", "icecc"];

fn base_name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

/// The compiler of this name, if it is one: `gcc`, `/usr/bin/x86_64-linux-gnu-g++-12`, `clang`.
pub(super) fn driver(program: &OsStr) -> Option<Driver> {
    let name = base_name(program);
    let name = without_version(&name);
    let is_known = |known: &[&str], name: &str| known.contains(&name);
    if is_known(&C_COMPILERS, name) || is_known(&CPLUSPLUS_COMPILERS, name) {
        return Some(Driver { is_cplusplus: is_known(&CPLUSPLUS_COMPILERS, name), target: None });
    }
    let (machine, tool) = name.rsplit_once('-')?;
    // A machine has two parts at least: `arm-none-eabi`, `x86_64-linux-gnu`. Tools such as `gcc-ar` have none.
    let is_machine = machine.contains('-');
    let is_compiler = is_known(&C_COMPILERS, tool) || is_known(&CPLUSPLUS_COMPILERS, tool);
    (is_machine && is_compiler).then(|| Driver {
        is_cplusplus: is_known(&CPLUSPLUS_COMPILERS, tool),
        target: (!is_this_machine(machine)).then(|| machine.to_owned()),
    })
}

/// The same, of a name that nobody knows, too: a compile database says that it is one.
pub(super) fn driver_or_guess(program: &OsStr) -> Driver {
    driver(program).unwrap_or_else(|| Driver { is_cplusplus: base_name(program).contains("++"), target: None })
}

fn without_version(name: &str) -> &str {
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    stem.strip_suffix('-').filter(|_| stem.len() < name.len()).unwrap_or(name)
}

fn is_this_machine(machine: &str) -> bool {
    machine.starts_with(std::env::consts::ARCH) && machine.contains("linux")
}

/// The words from the compiler's name on: `ccache`, `env A=B`, `libtool --mode=compile` and the like stand before it.
pub(super) fn without_wrappers(words: &[OsString]) -> &[OsString] {
    let mut rest = words;
    while let Some(first) = rest.first() {
        let name = base_name(first);
        let is_libtool = name == "libtool";
        if !is_libtool && name != "env" && !WRAPPERS.contains(&name.as_str()) {
            break;
        }
        let next = rest[1..].iter().position(|word| {
            let bytes = word.as_bytes();
            let is_assignment = name == "env" && bytes.contains(&b'=');
            !bytes.starts_with(b"-") && !is_assignment
        });
        match next {
            // `nice -n 5 gcc`: a number is no program.
            Some(at) if rest[1 + at].as_bytes().iter().all(u8::is_ascii_digit) => rest = &rest[1 + at..],
            // Where the word behind a cache's name is no program, the cache stands in the compiler's place.
            Some(at) => rest = &rest[1 + at..],
            None => break,
        }
        while rest.first().is_some_and(|word| word.as_bytes().iter().all(u8::is_ascii_digit)) {
            rest = &rest[1..];
        }
    }
    rest
}

/// True for a program whose own children say nothing more about the build.
pub(super) fn is_cache(program: &OsStr) -> bool {
    CACHES.contains(&without_version(&base_name(program)))
}

/// True for `ar` under any of its names.
pub(super) fn is_archiver(program: &OsStr) -> bool {
    is_tool(program, &["ar"])
}

/// True for a linker that is started without a compiler.
pub(super) fn is_linker(program: &OsStr) -> bool {
    is_tool(program, &["ld", "ld.bfd", "ld.gold", "ld.lld", "lld", "mold"])
}

fn is_tool(program: &OsStr, tools: &[&str]) -> bool {
    let name = base_name(program);
    let name = without_version(&name);
    tools.contains(&name) || name.rsplit_once('-').is_some_and(|(_, tool)| tools.contains(&tool))
}

#[cfg(test)]
mod tests {
    use super::{driver, is_archiver, without_wrappers};
    use std::ffi::{OsStr, OsString};

    #[test]
    fn compilers_are_known_by_their_names() {
        let of = |name: &str| driver(OsStr::new(name)).map(|driver| (driver.is_cplusplus, driver.target));
        for name in ["gcc", "/usr/bin/cc", "gcc-12", "clang-19", "x86_64-linux-gnu-gcc-12", "c99"] {
            assert_eq!(of(name), Some((false, None)), "{name}");
        }
        for name in ["g++", "clang++-14", "/opt/bin/x86_64-pc-linux-gnu-c++"] {
            assert_eq!(of(name), Some((true, None)), "{name}");
        }
        assert_eq!(of("arm-none-eabi-gcc"), Some((false, Some("arm-none-eabi".to_owned()))));
        for name in ["gcc-ar", "cc1", "clang-format", "make", "ccache", "git-clang", "", "12"] {
            assert_eq!(of(name), None, "{name}");
        }
        assert!(is_archiver(OsStr::new("/usr/bin/gcc-ar-12")) && is_archiver(OsStr::new("llvm-ar")));
        assert!(!is_archiver(OsStr::new("tar")));
    }

    #[test]
    fn wrappers_are_taken_off() {
        let rest = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            without_wrappers(&words).first().map(|word| word.to_string_lossy().into_owned())
        };
        for line in [
            "ccache gcc -c a.c",
            "env A=B C=D gcc -c a.c",
            "/usr/bin/env -i ccache gcc -c a.c",
            "libtool --tag=CC --mode=compile gcc -c a.c",
            "nice -n 5 gcc -c a.c",
            "gcc -c a.c",
        ] {
            assert_eq!(rest(line).as_deref(), Some("gcc"), "{line}");
        }
        assert_eq!(rest("ccache").as_deref(), Some("ccache"));
    }
}
