//! The readers that exports are tested with: `inferno-flamegraph` from crates.io, others from npm, in `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The version of inferno that is installed; those of npm's packages are in [`MANIFEST`].
const INFERNO_VERSION: &str = "0.12.3";
/// npm's packages with their versions.
const MANIFEST: &str = "crates/stanch/tests/exchange/readers/package.json";

/// Installs what is missing or of another version; does nothing, quickly, where nothing is.
pub(crate) fn install(root: &Path) -> Result<()> {
    let manifest = fs::read_to_string(root.join(MANIFEST)).with_context(|| format!("cannot read {MANIFEST}"))?;
    let folder = folder(root);
    let stamp = folder.join("installed");
    let wanted = format!("inferno {INFERNO_VERSION}\n{manifest}");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("xtask: installing readers of other projects into {}", folder.display());
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(folder.join("package.json"), manifest)?;
    let mut npm = Command::new("npm");
    run(npm.current_dir(&folder).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ]))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut inferno = Command::new(cargo);
    // Unoptimised: it draws a few small pictures.
    inferno.args(["install", "inferno", "--version", INFERNO_VERSION, "--locked", "--debug", "--quiet"]);
    inferno.args(["--no-default-features", "--features", "cli", "--bin", "inferno-flamegraph", "--force"]);
    run(inferno.env_remove("CARGO_TARGET_DIR").arg("--root").arg(&folder))?;
    fs::write(stamp, wanted).context("cannot note what is installed")
}

/// `tools` beside the folder that cargo gives tests for their files.
fn folder(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target));
    target.join("tools")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
