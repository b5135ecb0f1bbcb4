//! The chore `test`: everything between a fresh machine and a tested Stanch.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::install;

/// Installs, builds, tests; `arguments` are for `cargo test`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    install::missing_packages()?;
    // Tests run the command as users do: as one optimised executable.
    cargo(root, &["build", "--release", "--package", "stanch"], &[])?;
    cargo(root, &["test", "--workspace", "--no-fail-fast"], arguments)
}

fn cargo(root: &Path, words: &[&str], more: &[&str]) -> Result<()> {
    println!("xtask: cargo {}", [words, more].concat().join(" "));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).current_dir(root).args(words).args(more).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", words.join(" "));
    }
    Ok(())
}
