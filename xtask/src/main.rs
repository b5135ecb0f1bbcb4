//! The project's own chores.
//!
//! * `cargo run --release -p xtask -- test [-- ARGUMENTS OF CARGO TEST]`: installs the Debian packages and the readers
//!   of other projects that tests need where they are missing, builds `stanch` in release mode, runs all tests.
//! * `cargo run -p xtask -- tidy`: holds the sources against the project's rules; also a test of this crate.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore tells its caller what it does")]

mod install;
mod packages;
mod readers;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- <chore>

chores:
  test [-- ARGUMENTS]   install what tests need, build stanch, run all tests;
                        ARGUMENTS go to `cargo test --workspace`
  tidy                  hold the sources against the project's rules";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match *arguments {
        ["test"] => test::run(&root(), &[]),
        ["test", "--", ref others @ ..] => test::run(&root(), others),
        ["tidy"] => tidy::run(&root()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace: the one above this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
