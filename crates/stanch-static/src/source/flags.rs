//! The flags of a compiler's command line: which of them clang is given, which are left out, what they take.
//!
//! What is kept decides what the code means: macros, headers, the language, the machine. All else is left out: how to
//! optimise and to warn, where to write to, what to instrument. So a replay writes no file and needs no plugin.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What is to be done with a flag, and whether its value is the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// clang gets it.
    Keep,
    /// clang gets it with the next word.
    KeepWithNext,
    /// It is left out.
    Drop,
    /// It is left out with the next word.
    DropWithNext,
}

/// Flags that take a value behind them or as the next word, and are kept.
const KEPT_JOINED: [&str; 14] = [
    "-I",
    "-D",
    "-U",
    "-F",
    "-include",
    "-imacros",
    "-isystem",
    "-iquote",
    "-idirafter",
    "-iprefix",
    "-iwithprefixbefore",
    "-iwithprefix",
    "-isysroot",
    "-cxx-isystem",
];

/// Flags whose value is always the next word, and are kept.
const KEPT_SEPARATE: [&str; 4] = ["--sysroot", "-target", "--target", "-iframework"];

/// Flags that are kept as they stand.
const KEPT: [&str; 10] = [
    "-nostdinc",
    "-nostdinc++",
    "-nostdlibinc",
    "-nobuiltininc",
    "-ansi",
    "-undef",
    "-pthread",
    "-pthreads",
    "-trigraphs",
    "-traditional-cpp",
];

/// Beginnings of flags that are kept with all that follows.
const KEPT_BEGINNINGS: [&str; 5] = ["-std=", "--std=", "-stdlib=", "--sysroot=", "--target="];

/// `-f` and `-fno-` flags that change what code means, and that clang knows.
const KEPT_F: [&str; 33] = [
    "exceptions",
    "cxx-exceptions",
    "rtti",
    "unsigned-char",
    "signed-char",
    "short-enums",
    "short-wchar",
    "ms-extensions",
    "gnu89-inline",
    "wrapv",
    "builtin",
    "freestanding",
    "hosted",
    "common",
    "blocks",
    "char8_t",
    "dollars-in-identifiers",
    "sized-deallocation",
    "aligned-allocation",
    "threadsafe-statics",
    "operator-names",
    "gnu-keywords",
    "delayed-template-parsing",
    "declspec",
    "PIC",
    "pic",
    "PIE",
    "pie",
    "use-cxa-atexit",
    "elide-constructors",
    "assume-sane-operator-new",
    "access-control",
    "relaxed-template-template-args",
];

/// Beginnings of `-f` flags with a value that are kept.
const KEPT_F_BEGINNINGS: [&str; 8] = [
    "-fpack-struct",
    "-ftemplate-depth",
    "-fconstexpr-",
    "-fno-builtin-",
    "-fvisibility-ms-compat",
    "-fms-compatibility",
    "-fbracket-depth",
    "-fmacro-prefix-map=",
];

/// Flags that take the next word, and are left out with it.
const DROPPED_SEPARATE: [&str; 30] = [
    "-MF",
    "-MT",
    "-MQ",
    "-MJ",
    "-L",
    "-l",
    "-T",
    "-u",
    "-e",
    "-z",
    "-B",
    "-A",
    "-G",
    "-arch",
    "-aux-info",
    "-dumpbase",
    "-dumpbase-ext",
    "-dumpdir",
    "-wrapper",
    "-specs",
    "--specs",
    "--param",
    "-Xassembler",
    "-Xlinker",
    "-Xanalyzer",
    "-mllvm",
    "--serialize-diagnostics",
    "-serialize-diagnostics",
    "-index-store-path",
    "-working-directory",
];

/// `-m` flags of gcc that clang refuses or that only say how code is to be placed or tuned.
const DROPPED_M: [&str; 16] = [
    "-mtune",
    "-mcmodel",
    "-mpreferred-stack-boundary",
    "-mincoming-stack-boundary",
    "-mindirect-branch",
    "-mfunction-return",
    "-mrecord-mcount",
    "-mnop-mcount",
    "-mfentry",
    "-mskip-rax-setup",
    "-mbranch-cost",
    "-mstack-protector",
    "-mno-fp-ret-in-387",
    "-maccumulate-outgoing-args",
    "-mno-sse",
    "-mgeneral-regs-only",
];

/// What becomes of a word that begins with `-`. Words for the outputs (`-o`, `-c`, …) are the caller's.
pub(super) fn fate(word: &OsStr) -> Fate {
    let Some(word) = word.to_str() else { return fate_of_bytes(word.as_bytes()) };
    if KEPT_SEPARATE.contains(&word) || KEPT_JOINED.contains(&word) {
        return Fate::KeepWithNext;
    }
    if DROPPED_SEPARATE.contains(&word) {
        return Fate::DropWithNext;
    }
    if is_fortify(word) {
        // Without optimisation it is only a warning.
        return Fate::Drop;
    }
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
    let is_kept = KEPT.contains(&word)
        || begins(&KEPT_BEGINNINGS)
        || begins(&KEPT_F_BEGINNINGS)
        || (begins(&KEPT_JOINED) && word != "-include-pch" && !word.starts_with("-iwithsysroot"))
        || is_kept_f(word)
        || (word.starts_with("-m") && !begins(&DROPPED_M));
    if is_kept { Fate::Keep } else { Fate::Drop }
}

/// A path that is no text is behind a flag such as `-I`, or nothing we know.
fn fate_of_bytes(word: &[u8]) -> Fate {
    let is_kept = KEPT_JOINED.iter().chain(&["--sysroot="]).any(|flag| word.starts_with(flag.as_bytes()));
    if is_kept { Fate::Keep } else { Fate::Drop }
}

fn is_fortify(word: &str) -> bool {
    word.starts_with("-D_FORTIFY_SOURCE") || word == "-U_FORTIFY_SOURCE"
}

fn is_kept_f(word: &str) -> bool {
    let Some(name) = word.strip_prefix("-f") else { return false };
    let name = name.strip_prefix("no-").unwrap_or(name);
    KEPT_F.contains(&name)
}

/// The flags that `-Wp,` hands to the preprocessor, as words of their own.
pub(super) fn for_preprocessor(word: &OsStr) -> Option<Vec<OsString>> {
    let list = word.as_bytes().strip_prefix(b"-Wp,")?;
    let mut words: Vec<OsString> = Vec::new();
    let mut parts = list.split(|byte| *byte == b',').map(|part| OsString::from_vec(part.to_vec()));
    while let Some(part) = parts.next() {
        match part.as_bytes() {
            // Here the file that dependencies go to is the next part.
            b"-MD" | b"-MMD" => drop(parts.next()),
            _ => words.push(part),
        }
    }
    Some(words)
}

/// A standard of the language that an older clang knows instead of one that it refuses.
pub(super) fn older_standard(standard: &str) -> Option<&'static str> {
    Some(match standard {
        "c++26" => "c++2c",
        "gnu++26" => "gnu++2c",
        "c++2c" | "c++23" => "c++2b",
        "gnu++2c" | "gnu++23" => "gnu++2b",
        "c++2b" | "c++20" => "c++2a",
        "gnu++2b" | "gnu++20" => "gnu++2a",
        "c++2a" => "c++17",
        "gnu++2a" => "gnu++17",
        "c2y" => "c23",
        "gnu2y" => "gnu23",
        "c23" => "c2x",
        "gnu23" => "gnu2x",
        "c2x" => "c17",
        "gnu2x" => "gnu17",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Fate, fate, for_preprocessor};
    use std::ffi::OsStr;

    #[test]
    fn what_code_means_is_kept_and_the_rest_is_left_out() {
        let kept = [
            "-Iinclude",
            "-DX=1",
            "-UY",
            "-std=gnu11",
            "-m32",
            "-mavx2",
            "-fno-rtti",
            "-funsigned-char",
            "-pthread",
            "-isystem/usr/x",
            "-includea.h",
            "--sysroot=/s",
            "-fno-builtin-malloc",
            "-fwrapv",
        ];
        let dropped = [
            "-O2",
            "-g3",
            "-Wall",
            "-Werror=format",
            "-fno-tree-vectorize",
            "-fanalyzer",
            "-fplugin=x.so",
            "-flto",
            "-MMD",
            "-MP",
            "-pipe",
            "-save-temps",
            "-fprofile-generate",
            "-fsanitize=address",
            "-specs=x",
            "-pedantic",
            "-fconcepts",
            "-mtune=native",
            "-D_FORTIFY_SOURCE=2",
            "-fopenmp",
            "--coverage",
            "-Wl,-z,now",
            "-Lx",
            "-lm",
            "-static",
            "-frandom-seed=1",
            "-fmodules-ts",
            "-fcoroutines",
            "-include-pch",
        ];
        for word in kept {
            assert_eq!(fate(OsStr::new(word)), Fate::Keep, "{word}");
        }
        for word in dropped {
            assert_eq!(fate(OsStr::new(word)), Fate::Drop, "{word}");
        }
        for word in ["-I", "-D", "-include", "-isysroot", "--sysroot", "-target"] {
            assert_eq!(fate(OsStr::new(word)), Fate::KeepWithNext, "{word}");
        }
        for word in ["-MF", "-MT", "--param", "-Xlinker", "-L", "-aux-info"] {
            assert_eq!(fate(OsStr::new(word)), Fate::DropWithNext, "{word}");
        }
    }

    #[test]
    fn flags_for_the_preprocessor_lose_their_dependency_files() {
        let words = for_preprocessor(OsStr::new("-Wp,-MMD,a.d,-DX")).unwrap();
        assert_eq!(words, ["-DX"]);
        assert_eq!(for_preprocessor(OsStr::new("-Wall")), None);
    }
}
