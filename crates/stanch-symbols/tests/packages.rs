//! Packages of this system's files, against `dpkg` itself.
mod common;

use common::run;
use stanch_recording::Package;
use stanch_symbols::Packages;
use std::path::Path;
use std::time::{Duration, Instant};

/// What `dpkg` says of the file, which it must know by exactly this path.
fn expected(listed: &str) -> Package {
    let name = run("dpkg", &["-S", listed]).split(": ").next().unwrap().to_owned();
    let version = run("dpkg-query", &["-W", "-f", "${Version}", &name]);
    Package { name: name.split(':').next().unwrap().to_owned(), version }
}

/// As this system's package lists name them.
fn listed(path: &str) -> &str {
    let known = |path: &str| std::process::Command::new("dpkg").args(["-S", path]).output().unwrap().status.success();
    if known(path) { path } else { path.strip_prefix("/usr").unwrap() }
}

#[test]
fn as_dpkg_says() {
    let libc = run("gcc", &["-print-file-name=libc.so.6"]);
    let libc = std::fs::canonicalize(libc.trim()).unwrap();
    let libc = libc.to_str().unwrap();
    let unmerged = libc.strip_prefix("/usr").unwrap();
    let cpp = run("g++", &["-print-file-name=libstdc++.so.6"]);
    let cpp = std::fs::canonicalize(cpp.trim()).unwrap();
    let link = cpp.parent().unwrap().join("libstdc++.so.6");
    let development_link = run("g++", &["-print-file-name=libstdc++.so"]);
    let mut packages = Packages::new(Path::new("/"));
    for (path, as_listed) in [
        ("/usr/bin/ls", listed("/usr/bin/ls")),
        ("/bin/ls", listed("/usr/bin/ls")),
        ("/usr/bin/../bin/ls", listed("/usr/bin/ls")),
        (libc, listed(libc)),
        (unmerged, listed(libc)),
        (link.to_str().unwrap(), listed(cpp.to_str().unwrap())),
        // The link is of another package than the file that it leads to.
        (development_link.trim(), listed(cpp.to_str().unwrap())),
        ("/usr/bin/dpkg", "/usr/bin/dpkg"),
    ] {
        assert_eq!(packages.find(Path::new(path)), Some(expected(as_listed)), "{path}");
    }
    for path in ["/usr/bin/no-such-program", "/no-such-program", "[vdso]", "", "/proc/self/maps"] {
        assert_eq!(packages.find(Path::new(path)), None, "{path}");
    }
}

#[test]
fn the_first_question_reads_everything_and_the_others_little() {
    let mut packages = Packages::new(Path::new(""));
    let started = Instant::now();
    assert!(packages.find(Path::new("/usr/bin/ls")).is_some());
    let first = started.elapsed();
    let started = Instant::now();
    assert!(packages.find(Path::new("/usr/bin/dpkg")).is_some());
    let second = started.elapsed();
    // Generous, for machines that do other things too.
    assert!(first < Duration::from_secs(1) && second < Duration::from_millis(50), "{first:?}, then {second:?}");
}

#[test]
fn a_tree_without_a_database_knows_no_package() {
    let tree = tempfile::tempdir().unwrap();
    assert_eq!(Packages::new(tree.path()).find(Path::new("/usr/bin/ls")), None);
}
