//! Small facts of a process from `/proc`.
use crate::{Pid, Tid};
use std::io;

/// Size of a page on x86-64.
const PAGE_BYTES: u64 = 4096;

/// A variable of the environment that the process was started with.
///
/// # Errors
/// Where the process is gone or not ours.
pub fn environment_variable(pid: Pid, name: &str) -> io::Result<Option<String>> {
    let bytes = std::fs::read(format!("/proc/{}/environ", pid.0))?;
    let mut entries = bytes.split(|byte| *byte == 0);
    Ok(entries.find_map(|entry| {
        let entry = String::from_utf8_lossy(entry);
        entry.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned)
    }))
}

/// An id under which the process's memory can be looked at: its own, or, where its main thread has ended before the
/// others, that of another thread.
pub fn memory_id(pid: Pid) -> Pid {
    if state(pid).is_ok_and(|state| state != 'Z') {
        return pid;
    }
    let threads = threads(pid).unwrap_or_default();
    let others = threads.into_iter().map(|tid| Pid(tid.0));
    others
        .filter(|other| *other != pid)
        .find(|other| state(*other).is_ok_and(|state| !"ZX".contains(state)))
        .unwrap_or(pid)
}

/// Field `index` of `/proc/PID/stat`, counted from 1 as in proc(5), for fields after the name.
fn stat_field(pid: Pid, index: usize) -> io::Result<String> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", pid.0))?;
    let after_name = text.rfind(')').map_or("", |at| &text[at + 1..]);
    after_name
        .split_whitespace()
        .nth(index - 3)
        .map(str::to_owned)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "`stat` of the process is cut off"))
}

fn number<T: std::str::FromStr>(text: &str) -> io::Result<T> {
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("`{text}` is not a number")))
}

/// The parent's process id.
///
/// # Errors
/// Where the process is gone.
pub fn parent(pid: Pid) -> io::Result<Pid> {
    number(&stat_field(pid, 4)?).map(Pid)
}

/// The letter for what the process does: R, S, D, T, Z, …
///
/// # Errors
/// Where the process is gone.
pub fn state(pid: Pid) -> io::Result<char> {
    Ok(stat_field(pid, 3)?.chars().next().unwrap_or('?'))
}

/// How many seccomp filters a thread has (`Seccomp_filters` in its `status`); `None` where it is in strict mode or the
/// kernel does not tell.
pub(crate) fn seccomp_filters(pid: Pid, tid: Tid) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/proc/{}/task/{}/status", pid.0, tid.0)).ok()?;
    let field = |name: &str| -> Option<u32> {
        text.lines().find_map(|line| line.strip_prefix(name))?.strip_prefix(':')?.trim().parse().ok()
    };
    match field("Seccomp")? {
        0 => Some(0),
        2 => field("Seccomp_filters"),
        _ => None,
    }
}

/// Bytes of the process that are in memory, as the kernel counts them: cheap, and off by some pages a thread.
///
/// # Errors
/// Where the process is gone.
pub fn resident_bytes(pid: Pid) -> io::Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/statm", pid.0))?;
    // The second field, in pages; proc_pid_statm(5).
    let pages: u64 = number(text.split_whitespace().nth(1).unwrap_or_default())?;
    Ok(pages.saturating_mul(PAGE_BYTES))
}

/// The threads that the process has now.
///
/// # Errors
/// Where the process is gone.
pub fn threads(pid: Pid) -> io::Result<Vec<Tid>> {
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{}/task", pid.0))? {
        if let Some(tid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            threads.push(Tid(tid));
        }
    }
    threads.sort_unstable();
    Ok(threads)
}
