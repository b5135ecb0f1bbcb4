//! Remembered stack walks are exact: programs that nobody here wrote run under a recorder that does each walk twice,
//! remembered and from scratch, and ends the process where the two differ.
#![forbid(unsafe_code)]

mod programs;
mod recorder;

use recorder::Recorder;
use stanch_capture::RunPlan;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Walks that have to agree, all programs together.
const WALKS_MIN: u64 = 5_000_000;

#[test]
fn remembered_walks_are_those_from_scratch() {
    let recorder = Recorder::build("checked-walks");
    let folder = folder("same");
    let mut walks = 0;
    for program in programs::all(&folder) {
        let run = run(&program.script, &recorder);
        assert!(run.status.success(), "{}: {} after {} walks", program.name, run.status, run.walks);
        assert!(program.walks_min < run.walks, "{}: only {} walks", program.name, run.walks);
        walks += run.walks;
    }
    assert!(WALKS_MIN < walks, "only {walks} walks");
}

#[test]
fn a_walk_that_is_believed_unseen_is_found_out() {
    let recorder = Recorder::build("checked-walks,unverified-walks");
    let folder = folder("differs");
    for program in programs::all(&folder) {
        let status = run(&program.script, &recorder).status;
        assert_eq!(status.signal(), Some(libc::SIGABRT), "{}: {status}", program.name);
    }
}

struct Run {
    status: ExitStatus,
    /// Allocations written down, each after one walk.
    walks: u64,
}

/// Runs a shell script that replaces the shell by a program.
fn run(script: &str, recorder: &Recorder) -> Run {
    let plan = RunPlan {
        command: ["/bin/sh", "-c", script].map(OsString::from).to_vec(),
        recorder: recorder.bytes,
        temporary_folder: std::env::temp_dir(),
        search_path: String::new(),
        preload: None,
        follow_children: true,
        linger: Duration::from_secs(10),
        sampling: None,
        tool_version: String::new(),
    };
    let outcome = stanch_capture::run(&plan, |_| {}).unwrap_or_else(|error| panic!("{script}: {error}"));
    let processes = &outcome.recording.processes;
    let walks = processes.iter().flat_map(|process| &process.sites).map(|site| site.allocations).sum();
    Run { status: outcome.status, walks }
}

/// A folder for what a test makes, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("walks-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}
