//! The readers of other projects, as `xtask test` installs them.
use std::path::{Path, PathBuf};
use std::process::Command;

const HINT: &str = "run `cargo run --release -p xtask -- test`, which installs it";

/// The folder that `xtask test` installs readers into.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}

/// `inferno-flamegraph`, from crates.io.
pub(crate) fn inferno_flamegraph() -> Command {
    let program = folder().join("bin/inferno-flamegraph");
    assert!(program.is_file(), "inferno-flamegraph is missing: {HINT}");
    Command::new(program)
}

/// A script of `readers`, run by Node.js with its packages from npm.
pub(crate) fn node(script: &str) -> Command {
    let packages = folder().join("node_modules");
    assert!(packages.is_dir(), "packages of npm are missing: {HINT}");
    let readers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchange/readers");
    let mut command = Command::new("node");
    command.env("NODE_PATH", packages).arg(readers.join(script));
    command
}

/// A program of a Debian package.
pub(crate) fn debian(program: &str, package: &str) -> Command {
    let known = std::env::var_os("PATH").unwrap_or_default();
    let is_there = std::env::split_paths(&known).any(|folder| folder.join(program).is_file());
    assert!(is_there, "`{program}` of the Debian package `{package}` is missing: {HINT}");
    Command::new(program)
}

/// Runs a reader and gives what it printed.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}: {}\n{stdout}{stderr}", done.status);
    stdout.into_owned()
}
