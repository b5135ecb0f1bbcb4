//! Programs of Debian, built from their source packages while they are watched: every file is analysed.
//!
//! The packages come from the archive that the machine's own come from, and are kept between runs.
use crate::bench::{Bench, Ended};
use crate::project::{gaps, report};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where apt keeps lists and files of its own for this, so that the machine's configuration stays as it is.
fn apt(all: &Path, words: &[&str]) {
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let line = format!("deb-src [signed-by={keyring}] http://deb.debian.org/debian bookworm main\n");
    std::fs::create_dir_all(all.join("lists/partial")).expect("cargo's own folder can be written");
    std::fs::write(all.join("sources.list"), line).expect("cargo's own folder can be written");
    let path = |name: &str| all.join(name).display().to_string();
    let mut apt = Command::new("apt-get");
    for option in [
        format!("Dir::Etc::sourcelist={}", path("sources.list")),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State::lists={}", path("lists")),
        format!("Dir::Cache={}", path("cache")),
        "APT::Sandbox::User=".to_owned(),
    ] {
        apt.args(["-o", &option]);
    }
    let done = apt.args(["--quiet"]).args(words).current_dir(all).output().expect("apt-get starts");
    assert!(done.status.success(), "apt-get {words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The unpacked source of a package, a copy of it to build in.
fn source(bench: &Bench, package: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sources").join(package);
    let unpacked = || {
        let entries = std::fs::read_dir(&all).ok()?.filter_map(Result::ok);
        let mut folders = entries.filter(|entry| {
            entry.file_name().to_string_lossy().starts_with(&format!("{package}-")) && entry.path().is_dir()
        });
        folders.next().map(|entry| entry.path())
    };
    if unpacked().is_none() {
        std::fs::create_dir_all(&all).expect("cargo's own folder can be written");
        apt(&all, &["update"]);
        apt(&all, &["source", package]);
    }
    let copy = bench.path(package);
    let from = unpacked().expect("the package was unpacked");
    let done = Command::new("cp").arg("-a").args([&from, &copy]).status().expect("cp starts");
    assert!(done.success());
    copy
}

/// Checks a build in the source's folder; gives the report.
fn check(bench: &Bench, folder: &Path, script: &str) -> serde_json::Value {
    let words = ["check", "--format", "json", "-o", "../report.json", "--fail-on", "never", "--", "sh", "-c", script];
    let mut command = bench.stanch(words);
    let ended = bench.start(command.current_dir(folder)).wait_for(Duration::from_secs(900)).status(0);
    let stdout = std::fs::read_to_string(bench.path("report.json")).expect("it was written");
    report(&Ended { stdout, ..ended })
}

/// Files that gave nothing; a function with too many paths is no such gap.
fn files_not_analysed(report: &serde_json::Value) -> Vec<String> {
    gaps(report).into_iter().filter(|gap| gap.contains("compile") || gap.contains("no such file")).collect()
}

#[test]
fn zlib() {
    let bench = Bench::new("check-zlib");
    let folder = source(&bench, "zlib");
    let report = check(&bench, &folder, "./configure && make -j2");
    assert_eq!(files_not_analysed(&report), Vec::<String>::new());
    assert_eq!(report["subject"]["ending"], "19 files analysed");
}
