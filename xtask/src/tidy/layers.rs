//! What only some crates may do: print, exit, read the environment, look into `/proc`, be unsafe.

use super::exceptions::{Exception, covers, stale};
use super::{Source, Violation, violation};

/// Crates that must forbid unsafe code.
const SAFE_CRATES: [&str; 6] =
    ["stanch-finding", "stanch-import", "stanch-pprof", "stanch-recording", "stanch-report", "stanch-watch"];

/// The crates that talk to people.
const TALKING_CRATES: [&str; 2] = ["stanch", "xtask"];
/// The crate that looks into other processes.
const PROCESS_CRATE: &str = "stanch-process";

/// What only the crates above may contain. In two parts so that this file is not found.
const TALKING_WORDS: [&str; 8] = [
    concat!("print", "!("),
    concat!("print", "ln!("),
    concat!("eprint", "!("),
    concat!("eprint", "ln!("),
    concat!("env::", "var("),
    concat!("env::", "var_os("),
    concat!("env::", "vars("),
    concat!("process::", "exit("),
];
const PROC_FOLDER: &str = concat!("/pro", "c/");
const OWN_PROC_FOLDER: &str = concat!("/pro", "c/self");

/// Uses of the words above that stay.
const EXCEPTIONS: &[Exception] = &[];

pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut excepted = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust() && !source.is_test_support()) {
        for (line, text) in source.product_lines() {
            let words = talking_words(source, text).into_iter().chain(proc_paths(source, text));
            for (word, why) in words {
                if covers(EXCEPTIONS, source, word) {
                    excepted.push((source, word.to_owned()));
                } else {
                    violations.push(violation(source, line, format!("`{word}`: {why}")));
                }
            }
        }
    }
    violations.extend(stale(EXCEPTIONS, &excepted));
    violations.extend(sources.iter().filter_map(lacks_forbid));
    violations
}

fn talking_words(source: &Source, line: &str) -> Vec<(&'static str, &'static str)> {
    // A build script speaks to cargo, by printing and by its environment.
    if TALKING_CRATES.contains(&source.crate_name()) || source.path.ends_with("/build.rs") {
        return Vec::new();
    }
    let found = TALKING_WORDS.into_iter().filter(|word| is_word(line, word));
    found.map(|word| (word, "only the crate `stanch` prints, exits or reads the environment")).collect()
}

fn proc_paths(source: &Source, line: &str) -> Option<(&'static str, &'static str)> {
    let is_free = [PROCESS_CRATE, "xtask"].contains(&source.crate_name());
    let others = line.matches(PROC_FOLDER).count() - line.matches(OWN_PROC_FOLDER).count();
    (!is_free && others > 0).then_some((PROC_FOLDER, "only `stanch-process` looks into other processes"))
}

fn is_word(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

fn lacks_forbid(source: &Source) -> Option<Violation> {
    let is_root = SAFE_CRATES.iter().any(|name| source.path == format!("crates/{name}/src/lib.rs"));
    let forbids = source.text.lines().any(|line| line == "#![forbid(unsafe_code)]");
    (is_root && !forbids).then(|| violation(source, 0, "lacks `#![forbid(unsafe_code)]`"))
}

#[cfg(test)]
mod tests {
    use super::{Source, check};

    fn count(path: &str, text: &str) -> usize {
        check(&[Source::new(path, text)]).len()
    }

    #[test]
    fn printing_is_for_the_command() {
        let print = concat!("fn a() { print", "ln!(\"b\") }");
        assert_eq!(count("crates/stanch-leaks/src/a.rs", print), 1);
        assert_eq!(count("crates/stanch/src/a.rs", print), 0);
        assert_eq!(count("crates/stanch-leaks/build.rs", print), 0);
        assert_eq!(count("crates/stanch-leaks/tests/a.rs", print), 0);
        assert_eq!(count("crates/stanch-leaks/src/a.rs", &format!("// {print}")), 0);
        assert_eq!(count("crates/stanch-leaks/src/a.rs", &format!("\n#[cfg(test)]\nmod tests {{ {print} }}")), 0);
    }

    #[test]
    fn other_processes_are_for_one_crate() {
        let other = concat!("let a = format!(\"/pro", "c/{pid}/maps\");");
        let own = concat!("let a = \"/pro", "c/self/maps\";");
        assert_eq!(count("crates/stanch-capture/src/a.rs", other), 1);
        assert_eq!(count("crates/stanch-capture/src/a.rs", own), 0);
        assert_eq!(count("crates/stanch-process/src/a.rs", other), 0);
    }

    #[test]
    fn values_and_outputs_are_safe() {
        assert_eq!(count("crates/stanch-report/src/lib.rs", "//! A.\n"), 1);
        assert_eq!(count("crates/stanch-report/src/lib.rs", "//! A.\n#![forbid(unsafe_code)]\n"), 0);
        assert_eq!(count("crates/stanch-report/src/other.rs", "//! A.\n"), 0);
    }
}
