//! Installs Debian packages that are missing.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::packages::{PACKAGES, Package};

/// Installs what is missing of [`PACKAGES`]; does nothing, quickly, where nothing is.
pub(crate) fn missing_packages() -> Result<()> {
    let Some(installed) = installed_packages()? else {
        println!("xtask: no dpkg here, so packages are not looked after; tests need the likes of:");
        PACKAGES.iter().for_each(|package| println!("  {}: {}", package.name, package.reason));
        return Ok(());
    };
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| !installed.iter().any(|name| name == package.name) && !has_command(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("xtask: installing {} missing packages:", missing.len());
    missing.iter().for_each(|package| println!("  {}: {}", package.name, package.reason));
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    install(&names).with_context(|| {
        format!(
            "cannot install packages that the tests need; by hand: \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}",
            names.join(" ")
        )
    })
}

/// True where the package's command came from elsewhere.
fn has_command(package: &Package) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    package.command.is_some_and(|command| std::env::split_paths(&folders).any(|folder| folder.join(command).is_file()))
}

/// The packages of the table that are installed; `None` where there is no dpkg.
fn installed_packages() -> Result<Option<Vec<String>>> {
    let names = PACKAGES.iter().map(|package| package.name);
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status} ${Package}\\n"])
        .args(names)
        .stderr(Stdio::null())
        .output();
    match query {
        // It fails when a package is unknown and still lists the others.
        Ok(output) => Ok(Some(parse_installed(&String::from_utf8_lossy(&output.stdout)))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot run dpkg-query"),
    }
}

fn parse_installed(listing: &str) -> Vec<String> {
    listing.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect()
}

fn install(names: &[&str]) -> Result<()> {
    run(apt_get().arg("update"))?;
    run(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(names))
}

/// `apt-get` that asks nothing and, by the run level it sees, starts no service; as root.
fn apt_get() -> Command {
    let mut command = Command::new(if is_root() { "env" } else { "sudo" });
    if !is_root() {
        command.arg("env");
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--quiet"]);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_installed;

    #[test]
    fn only_what_is_installed_counts() {
        let listing = "installed gcc\nnot-installed jq\nconfig-files redis-server\ninstalled libc6-dbg\n";
        assert_eq!(parse_installed(listing), ["gcc", "libc6-dbg"]);
    }
}
