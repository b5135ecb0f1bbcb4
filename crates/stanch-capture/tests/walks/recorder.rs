//! Builds the recorder with features that only this test wants.
use std::path::Path;
use std::process::Command;

/// A recorder's shared object.
pub(crate) struct Recorder {
    pub(crate) bytes: &'static [u8],
}

impl Recorder {
    /// Builds it as `stanch`'s build script does, with these features beside.
    pub(crate) fn build(features: &str) -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stanch-recorder/Cargo.toml");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recorder-{features}"));
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["rustc", "--quiet", "--release", "--crate-type", "cdylib", "--manifest-path"]).arg(manifest);
        cargo.args(["--features", &format!("shared-object,{features}")]).arg("--target-dir").arg(&target);
        cargo.env("CARGO_ENCODED_RUSTFLAGS", ["-Cpanic=abort", "-Cforce-unwind-tables=yes"].join("\u{1f}"));
        cargo.env("CARGO_PROFILE_RELEASE_LTO", "fat").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
        let status = cargo.status().unwrap_or_else(|error| panic!("cargo: {error}"));
        assert!(status.success(), "the recorder with {features} could not be built");
        let file = target.join("release/libstanch_recorder.so");
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self { bytes: bytes.leak() }
    }
}
