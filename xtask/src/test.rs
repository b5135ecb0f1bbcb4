//! The chore `test`: everything between a fresh machine and a tested Stanch.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{install, readers};

/// How long readers are given damaged files, here much longer than by `cargo test` alone.
const FUZZ_SECONDS: (&str, &str) = ("STANCH_FUZZ_SECONDS", "90");

/// Installs, builds, tests; `arguments` are for `cargo test`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    install::missing_packages()?;
    readers::install(root)?;
    // Tests run the command as users do: as one optimised executable.
    cargo(root, &["build", "--release", "--package", "stanch"], &[])?;
    cargo(root, &["test", "--workspace", "--no-fail-fast"], arguments)
}

fn cargo(root: &Path, words: &[&str], more: &[&str]) -> Result<()> {
    println!("xtask: cargo {}", [words, more].concat().join(" "));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    if std::env::var_os(FUZZ_SECONDS.0).is_none() {
        command.env(FUZZ_SECONDS.0, FUZZ_SECONDS.1);
    }
    let status = command.current_dir(root).args(words).args(more).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", words.join(" "));
    }
    Ok(())
}
