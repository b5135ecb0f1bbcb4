//! What the report is about: the process, its sums, and what could not be seen of it.
use super::text;
use crate::estimate::Uncertainty;
use stanch_finding::{BlockCount, ByteCount, Estimate, Incomplete, Subject, SubjectKind, Totals};
use stanch_recording::{AllocatorFunction, Class, Ending, Group, Process, Recording, Sampling, SnapshotReason};
use std::time::Duration;

pub(super) fn subject(process: &Process) -> Subject {
    Subject {
        kind: SubjectKind::Process,
        command: process.command.clone(),
        // Files of other tools may not say it.
        pid: (process.pid != 0).then_some(process.pid),
        parent_pid: (process.parent_pid != 0).then_some(process.parent_pid),
        exit_status: match process.ending {
            Ending::Exited(status) => status,
            Ending::Signaled(signal) => Some(128 + signal),
            Ending::Unknown | Ending::Running | Ending::Exec(_) => None,
        },
        ending: ending(&process.ending),
        duration: Duration::from_millis(process.duration_ms),
        pause: process
            .snapshots
            .last()
            .map(|last| Duration::from_nanos(last.pause_ns))
            .filter(|pause| !pause.is_zero()),
    }
}

fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Unknown => "not known to have ended".to_owned(),
        Ending::Running => "still running".to_owned(),
        Ending::Exited(Some(status)) => format!("exited with status {status}"),
        Ending::Exited(None) => "exited".to_owned(),
        Ending::Signaled(signal) => format!("killed by {}", signal_name(*signal)),
        Ending::Exec(program) => format!("replaced by exec of {program}"),
    }
}

/// The name on x86-64 (signal(7)), or the number where a name would tell nobody more.
fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 16] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT",
    ];
    let later = |signal| match signal {
        24 => Some("XCPU"),
        25 => Some("XFSZ"),
        31 => Some("SYS"),
        _ => None,
    };
    let position = usize::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    match position.and_then(|position| NAMES.get(position).copied()).or_else(|| later(signal)) {
        Some(name) => format!("SIG{name}"),
        None => format!("signal {signal}"),
    }
}

pub(super) fn totals(process: &Process, groups: &[Group]) -> Totals {
    let sum = |class: Class| {
        let of_class =
            || groups.iter().filter(move |g| g.class == class && g.allocator != AllocatorFunction::Inherited);
        (of_class().map(|g| ByteCount(g.bytes)).sum(), of_class().map(|g| BlockCount(g.blocks)).sum())
    };
    Totals {
        definitely_lost: sum(Class::DefinitelyLost),
        indirectly_lost: sum(Class::IndirectlyLost),
        possibly_lost: sum(Class::PossiblyLost),
        still_reachable: sum(Class::StillReachable),
        live: sum(Class::Live),
        allocations: process.allocations,
        allocated_bytes: ByteCount(process.allocated_bytes),
        peak_bytes: ByteCount(process.peak_bytes),
        estimate: process.sampling.as_ref().and_then(|sampling| live_estimate(sampling, groups)),
    }
}

/// How far the sum of what is live may be off.
fn live_estimate(sampling: &Sampling, groups: &[Group]) -> Option<Estimate> {
    let mut uncertainty = Uncertainty::default();
    uncertainty.admit_others(sampling.mean_bytes);
    for group in groups.iter().filter(|group| group.allocator != AllocatorFunction::Inherited) {
        uncertainty.add_group(group, sampling);
    }
    uncertainty.estimate()
}

pub(super) fn incomplete(process: &Process, recording: &Recording) -> Vec<Incomplete> {
    let mut incomplete = Vec::new();
    for loss in recording.losses.iter().chain(&process.losses) {
        let loss = Incomplete { what: loss.what.clone(), why: loss.why.clone() };
        if !incomplete.contains(&loss) {
            incomplete.push(loss);
        }
    }
    incomplete.extend(match &process.sampling {
        Some(sampling) => Some(not_sampled(sampling.mean_bytes)),
        None => unseen(process),
    });
    incomplete
}

/// Blocks that together have so many times the mean distance of samples go unseen with a probability of 5 %.
const SURE_DISTANCES: f64 = 3.0;

fn not_sampled(mean_bytes: u64) -> Incomplete {
    let sure = (mean_bytes as f64 * SURE_DISTANCES) as u64;
    Incomplete {
        what: "blocks that were not sampled".to_owned(),
        why: format!(
            "one sample was taken for every {} allocated, so amounts are estimates. A place that holds {} in small \
             blocks goes unseen with a probability of 5 %, one that holds {} with 37 %. Whether anything still points \
             to a block was not looked at",
            text::bytes(mean_bytes),
            text::bytes(sure),
            text::bytes(mean_bytes)
        ),
    }
}

/// What the last snapshot leaves open.
fn unseen(process: &Process) -> Option<Incomplete> {
    let say = |what: &str, why: &str| Some(Incomplete { what: what.to_owned(), why: why.to_owned() });
    let Some(snapshot) = process.snapshots.last() else {
        return match &process.ending {
            Ending::Exec(program) => {
                let why = format!(
                    "no snapshot: {} took the program's place and its memory was gone",
                    text::file_name(program)
                );
                say("what was live", &why)
            }
            _ => say("what was live", "no snapshot of the memory was taken"),
        };
    };
    match snapshot.reason {
        SnapshotReason::Killed => say(
            "reachability",
            "the program was gone before its memory could be looked at: what was live is known, what pointed to it \
             is not",
        ),
        SnapshotReason::Exit | SnapshotReason::OnDemand | SnapshotReason::RecordingEnded => None,
    }
}
