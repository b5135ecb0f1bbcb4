//! Builds the recorder's two shared objects, for full and for sampled recording, which the executable carries inside.
//!
//! Cargo cannot yet express "this package needs that package's cdylib", so the build script runs cargo once more, with
//! a target folder of its own and without the flags of the outer build (a lint wrapper, coverage, sanitizers), which do
//! not belong into somebody else's process.
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let manifest_folder = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out_folder = PathBuf::from(variable("OUT_DIR"));
    let crates = manifest_folder.parent().expect("the crate lies in a folder of crates");
    for part in ["stanch-recorder/src", "stanch-recorder/Cargo.toml", "stanch-ledger/src", "stanch-ledger/Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", crates.join(part).display());
    }
    for (variable, folder, features) in [
        ("STANCH_RECORDER_FILE", "recorder", "shared-object"),
        ("STANCH_SAMPLED_RECORDER_FILE", "sampled-recorder", "shared-object,sampled"),
    ] {
        let built = build(crates, &out_folder.join(folder), features);
        println!("cargo::rustc-env={variable}={}", built.display());
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("cargo sets `{name}`: {error}"))
}

fn build(crates: &Path, target_folder: &Path, features: &str) -> PathBuf {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["rustc", "--quiet", "--release", "--crate-type", "cdylib", "--features", features])
        .arg("--manifest-path")
        .arg(crates.join("stanch-recorder/Cargo.toml"))
        .arg("--target-dir")
        .arg(target_folder)
        .env("CARGO_ENCODED_RUSTFLAGS", ["-Cpanic=abort", "-Cforce-unwind-tables=yes"].join("\u{1f}"))
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3");
    for name in ["RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    let status = cargo.status().unwrap_or_else(|error| panic!("cargo could not be started: {error}"));
    if !status.success() {
        // Cargo fails the build for this line once the script has ended.
        println!("cargo::error=the recorder (crate `stanch-recorder`) could not be built; see the messages above");
    }
    target_folder.join("release/libstanch_recorder.so")
}
