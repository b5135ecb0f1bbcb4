//! What the programs work on.
use crate::execute::plain_command;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A small repository with a few commits.
pub(crate) fn repository(folder: &Path) -> Result<(), String> {
    git(folder, &["init", "-q", "."])?;
    for commit in 1..=5 {
        let text: String = (0..commit * 20).map(|line| format!("line {line} of {commit}\n")).collect();
        write(&folder.join(format!("file{commit}")), &text)?;
        write(&folder.join("shared"), &text)?;
        git(folder, &["add", "."])?;
        git(folder, &["commit", "-q", "-m", &format!("commit {commit}")])?;
    }
    Ok(())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = plain_command("/usr/bin/git");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "somebody").env(format!("GIT_{role}_EMAIL"), "a@b.invalid");
        command.env(format!("GIT_{role}_DATE"), "2024-01-01T00:00:00Z");
    }
    succeed(command.current_dir(folder).args(arguments), "git")
}

fn succeed(command: &mut std::process::Command, package: &str) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run {name}: {error}; apt-get install {package}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Compiles the program with 20 threads.
pub(crate) fn threads(folder: &Path) -> Result<(), String> {
    let mut compile = plain_command("/usr/bin/g++");
    compile.current_dir(folder).args(["-g", "-O1", "-pthread", "threads.cc", "-o", "threads"]);
    succeed(&mut compile, "g++")
}

/// Compiles a program that has jemalloc for its allocator.
pub(crate) fn jemalloc(folder: &Path) -> Result<(), String> {
    let mut compile = plain_command("/usr/bin/gcc");
    compile.current_dir(folder).args(["-g", "-O1", "-pthread", "jemalloc.c", "-o", "jemalloc", "-Wl,--no-as-needed"]);
    succeed(compile.arg("-l:libjemalloc.so.2"), "gcc libjemalloc2")
}

/// Compiles a program and a library that it loads with `RTLD_DEEPBIND`, as PHP loads its extensions.
pub(crate) fn deep_binding(folder: &Path) -> Result<(), String> {
    let mut plugin = plain_command("/usr/bin/gcc");
    succeed(plugin.current_dir(folder).args(["-shared", "-fPIC", "plugin.c", "-o", "plugin.so"]), "gcc")?;
    let mut program = plain_command("/usr/bin/gcc");
    succeed(program.current_dir(folder).args(["-g", "program.c", "-o", "program"]), "gcc")
}

/// A folder of small files.
pub(crate) fn folder(folder: &Path) -> Result<(), String> {
    let inner = folder.join("folder");
    fs::create_dir_all(&inner).map_err(|error| format!("{}: {error}", inner.display()))?;
    (0..50).try_for_each(|number| write(&inner.join(format!("file{number}")), &"text\n".repeat(number * 10)))
}

/// An array of 300 objects.
pub(crate) fn json() -> String {
    let mut text = String::from("[");
    for number in 0..300 {
        let list: Vec<String> = (0..=number % 20).map(|item| item.to_string()).collect();
        let comma = if number == 0 { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{comma}{{\"name\": \"{}{number}\", \"list\": [{}]}}",
            "x".repeat(number % 40),
            list.join(", ")
        );
    }
    text + "]"
}

/// The lines of an output in whose order parallel processes race.
pub(crate) fn sorted(output: &str) -> String {
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}
