//! Data flows one way: which crate of ours may depend on which.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Violation;

/// Every crate with those it may depend on, for whatever purpose. Joints first, composers last.
const EDGES: &[(&str, &[&str])] = &[
    ("stanch-finding", &[]),
    ("stanch-ledger", &[]),
    ("stanch-recording", &[]),
    ("stanch-pprof", &[]),
    ("stanch-process", &[]),
    ("stanch-recorder", &["stanch-ledger"]),
    ("stanch-import", &["stanch-recording", "stanch-pprof"]),
    ("stanch-watch", &["stanch-finding", "stanch-process"]),
    ("stanch-symbols", &["stanch-recording"]),
    ("stanch-static", &["stanch-finding", "stanch-symbols"]),
    ("stanch-leaks", &["stanch-ledger", "stanch-finding", "stanch-recording"]),
    (
        "stanch-capture",
        &["stanch-ledger", "stanch-process", "stanch-recording", "stanch-leaks", "stanch-symbols", "stanch-finding"],
    ),
    ("stanch-report", &["stanch-finding", "stanch-recording", "stanch-pprof"]),
    (
        "stanch",
        &[
            "stanch-finding",
            "stanch-recording",
            "stanch-process",
            "stanch-symbols",
            "stanch-leaks",
            "stanch-capture",
            "stanch-import",
            "stanch-static",
            "stanch-watch",
            "stanch-report",
        ],
    ),
    ("xtask", &[]),
];

/// Holds the manifests against the table.
pub(super) fn check(root: &Path) -> Result<Vec<Violation>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata = serde_json::from_slice(&output.stdout).context("cannot read what `cargo metadata` says")?;
    Ok(check_metadata(&metadata))
}

fn check_metadata(metadata: &Value) -> Vec<Violation> {
    let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut violations = Vec::new();
    for (name, package) in names.iter().zip(packages) {
        let Some((_, allowed)) = EDGES.iter().find(|(from, _)| from == name) else {
            violations.push(violation(name, "is not in the table of dependencies".to_owned()));
            continue;
        };
        let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
        let ours = dependencies.iter().filter_map(|one| one["name"].as_str()).filter(|to| names.contains(to));
        let forbidden = ours.filter(|to| !allowed.contains(to));
        violations.extend(forbidden.map(|to| violation(name, format!("may not depend on `{to}`"))));
    }
    violations
}

fn violation(name: &str, text: String) -> Violation {
    let folder = if name == "xtask" { String::new() } else { "crates/".to_owned() };
    Violation { path: format!("{folder}{name}/Cargo.toml"), line: 0, text }
}

#[cfg(test)]
mod tests {
    use super::{EDGES, check_metadata};
    use serde_json::json;

    #[test]
    fn edges_against_the_flow_and_unknown_crates_are_found() {
        let metadata = json!({"packages": [
            {"name": "stanch-report", "dependencies": [{"name": "stanch-finding"}, {"name": "serde"}]},
            {"name": "stanch-finding", "dependencies": [{"name": "stanch-report"}]},
            {"name": "stanch-new", "dependencies": []},
        ]});
        let found: Vec<_> = check_metadata(&metadata).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/stanch-finding/Cargo.toml: may not depend on `stanch-report`",
                "crates/stanch-new/Cargo.toml: is not in the table of dependencies",
            ]
        );
    }

    #[test]
    fn the_table_has_no_cycle() {
        let position = |name: &str| EDGES.iter().position(|(from, _)| *from == name).unwrap();
        for (from, allowed) in EDGES {
            assert!(allowed.iter().all(|to| position(to) < position(from)), "`{from}` depends on a later crate");
        }
    }
}
