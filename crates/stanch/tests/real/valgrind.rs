//! Valgrind's view of the same command: the sums at the end of each process's log.
use crate::execute::{self, Ending};
use crate::lost::{ByProgram, Lost};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const RUN_LIMIT: Duration = Duration::from_secs(100);

/// What is lost in each program of the tree. Processes that valgrind saw only until they became another program have
/// no sums.
pub(crate) fn observe(
    command: &Command,
    directory: &Path,
    drive: impl FnOnce() -> Result<(), String>,
) -> Result<ByProgram, String> {
    let mut valgrind = execute::plain_command("valgrind");
    if let Some(current) = command.get_current_dir() {
        valgrind.current_dir(current);
    }
    valgrind
        .args(["--leak-check=full", "--trace-children=yes"])
        .arg(format!("--log-file={}/valgrind.%p.log", directory.display()))
        .arg(command.get_program())
        .args(command.get_args());
    let running = execute::start(&mut valgrind, directory, "valgrind")
        .map_err(|error| format!("{error}; install it: apt-get install valgrind libc6-dbg"))?;
    let driven = drive();
    let outcome = running.wait(if driven.is_ok() { RUN_LIMIT } else { Duration::from_secs(1) })?;
    driven?;
    if outcome.ending == Ending::TimedOut {
        return Err("valgrind takes too long".to_owned());
    }
    read_logs(directory).map_err(|error| format!("valgrind's logs: {error}"))
}

fn read_logs(directory: &Path) -> std::io::Result<ByProgram> {
    let mut all = ByProgram::default();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !(name.starts_with("valgrind.") && name.ends_with(".log")) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        // A log begins anew where a program takes another's place; the last is the one with sums.
        if let Some((program, lost)) = parse(&text) {
            all.add(&program, lost);
        }
    }
    Ok(all)
}

fn parse(log: &str) -> Option<(String, Lost)> {
    let command = log.rsplit("== Command: ").next()?.lines().next()?;
    let sums = log.rsplit_once("HEAP SUMMARY")?.1;
    let (definite_bytes, definite_blocks) = sum(sums, "definitely lost: ");
    let (indirect_bytes, indirect_blocks) = sum(sums, "indirectly lost: ");
    let program = command.split(' ').next()?.to_owned();
    Some((program, Lost { definite_bytes, definite_blocks, indirect_bytes, indirect_blocks }))
}

/// Bytes and blocks of `definitely lost: 1,024 bytes in 2 blocks`; none where there is no such line.
fn sum(text: &str, what: &str) -> (u64, u64) {
    let number = |word: &str| word.replace(',', "").parse().unwrap_or(u64::MAX);
    let Some((_, rest)) = text.split_once(what) else { return (0, 0) };
    let words: Vec<&str> = rest.split_whitespace().take(4).collect();
    match words[..] {
        [bytes, "bytes", "in", blocks] => (number(bytes), number(blocks)),
        _ => (u64::MAX, u64::MAX),
    }
}

#[test]
fn sums_are_read() {
    let log = "==7== Command: /usr/bin/a -x\n==7==\n==7== HEAP SUMMARY:\n==7== LEAK SUMMARY:\n\
               ==7==    definitely lost: 1,024 bytes in 2 blocks\n==7==    indirectly lost: 0 bytes in 0 blocks\n";
    let (program, lost) = parse(log).expect("it has sums");
    assert_eq!(program, "/usr/bin/a");
    assert_eq!((lost.definite_bytes, lost.definite_blocks, lost.indirect_bytes), (1024, 2, 0));
    assert!(parse("==7== Command: a\n").is_none());
}
