//! Two snapshots of one process in one recording, each as a recording by itself.
use anyhow::{Result, bail};
use stanch_recording::{Process, Recording, SiteCounts, Snapshot};
use stanch_report::numbers::duration_text;
use std::time::Duration;

/// A snapshot by itself, and what to call it.
pub(crate) struct Moment {
    pub(crate) name: String,
    pub(crate) recording: Recording,
}

/// The snapshots with these numbers, which count from 1 in the order of time. `pid` names the process where several
/// have snapshots enough.
pub(crate) fn split(mut recording: Recording, file: &str, numbers: [u32; 2], pid: Option<u32>) -> Result<[Moment; 2]> {
    let process = choose(&mut recording, file, numbers, pid)?;
    if process.sampling.is_some() {
        bail!(
            "`{file}` has samples, and how sure they are is known of its last snapshot only\nhint: compare what \
             `stanch snapshot PID --format json -o FILE` wrote at each moment"
        );
    }
    Ok(numbers.map(|number| {
        let snapshot = process.snapshots[number as usize - 1].clone();
        let name = format!("{file}, snapshot {number} of process {} {}", process.pid, after(&snapshot));
        let processes = vec![as_it_was(&process, snapshot)];
        let losses = recording.losses.clone();
        Moment {
            name,
            recording: Recording { processes, losses, command: recording.command.clone(), ..Recording::default() },
        }
    }))
}

/// The process that has these snapshots; it is taken out of the recording.
fn choose(recording: &mut Recording, file: &str, numbers: [u32; 2], pid: Option<u32>) -> Result<Process> {
    let [old, new] = numbers;
    if old == 0 || new == 0 || old == new {
        bail!("`--snapshots` takes two different numbers, from 1 on\nhint: {}", known(recording));
    }
    let has = |process: &Process| {
        let count = process.snapshots.len();
        pid.is_none_or(|pid| pid == process.pid) && numbers.iter().all(|number| *number as usize <= count)
    };
    let found: Vec<usize> = (0..recording.processes.len()).filter(|index| has(&recording.processes[*index])).collect();
    match found[..] {
        [index] => Ok(recording.processes.swap_remove(index)),
        [] => bail!("no process of `{file}` has the snapshots {old} and {new}\nhint: {}", known(recording)),
        _ => bail!(
            "several processes of `{file}` have the snapshots {old} and {new}\nhint: choose one by `--process PID`: {}",
            known(recording)
        ),
    }
}

/// Which snapshots there are: `process 12 has 2: 1 after 3.00 s, 2 after 9.10 s`.
fn known(recording: &Recording) -> String {
    const SHOWN: usize = 12;
    let of_process = |process: &Process| {
        let snapshots = process.snapshots.iter().zip(1..).take(SHOWN);
        let list: Vec<String> = snapshots.map(|(snapshot, number)| format!("{number} {}", after(snapshot))).collect();
        let more = if process.snapshots.len() <= SHOWN { "" } else { ", …" };
        format!("process {} has {}: {}{more}", process.pid, process.snapshots.len(), list.join(", "))
    };
    let with_some = recording.processes.iter().filter(|process| !process.snapshots.is_empty());
    let list: Vec<String> = with_some.take(SHOWN).map(of_process).collect();
    if list.is_empty() { "it has no snapshot; `stanch snapshot PID` takes one".to_owned() } else { list.join("; ") }
}

fn after(snapshot: &Snapshot) -> String {
    format!("after {}", duration_text(Duration::from_millis(snapshot.at_ms)))
}

/// The process with this snapshot only. What was counted over its whole life, wrong frees among it, is left out: when
/// it happened is not known.
fn as_it_was(process: &Process, snapshot: Snapshot) -> Process {
    let sites = process.sites.iter().map(|site| SiteCounts { node: site.node, ..SiteCounts::default() });
    Process {
        pid: process.pid,
        parent_pid: process.parent_pid,
        command: process.command.clone(),
        executable: process.executable.clone(),
        started_ms: process.started_ms,
        duration_ms: snapshot.at_ms,
        ending: process.ending.clone(),
        modules: process.modules.clone(),
        nodes: process.nodes.clone(),
        sites: sites.collect(),
        snapshots: vec![snapshot],
        resolved: process.resolved.clone(),
        losses: process.losses.clone(),
        ..Process::default()
    }
}
