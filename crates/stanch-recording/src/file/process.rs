//! The section of facts of one process, and of how long its lists are in their own sections.
//!
//! ```text
//! unsigned pid, parent pid; texts command; text executable; unsigned start ms, duration ms;
//! unsigned ending: 0 unknown, 1 running, 2 exited, 3 exited + signed status, 4 signal + signed
//!   number, 5 exec + text path
//! unsigned allocations, allocated bytes, peak bytes; losses as in `tree`;
//! unsigned number of modules, nodes, sites, snapshots, misuses, resolved codes;
//! since version 2: unsigned mean bytes between samples, 0 in a full recording
//! ```

use super::budget::Budget;
use super::tree::{decode_losses, encode_losses};
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{Ending, Process, Sampling};

/// How long the lists of a process were when it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) modules: usize,
    pub(super) nodes: usize,
    pub(super) sites: usize,
    pub(super) snapshots: usize,
    pub(super) misuses: usize,
    pub(super) resolved: usize,
}

impl Lengths {
    pub(super) fn of(process: &Process) -> Self {
        Self {
            modules: process.modules.len(),
            nodes: process.nodes.len(),
            sites: process.sites.len(),
            snapshots: process.snapshots.len(),
            misuses: process.misuses.len(),
            resolved: process.resolved.len(),
        }
    }
}

pub(super) fn encode(process: &Process) -> Vec<u8> {
    let mut payload = Encoder::new();
    payload.unsigned(u64::from(process.pid));
    payload.unsigned(u64::from(process.parent_pid));
    payload.texts(&process.command);
    payload.text(&process.executable);
    payload.unsigned(process.started_ms);
    payload.unsigned(process.duration_ms);
    encode_ending(&mut payload, &process.ending);
    payload.unsigned(process.allocations);
    payload.unsigned(process.allocated_bytes);
    payload.unsigned(process.peak_bytes);
    encode_losses(&mut payload, &process.losses);
    let lengths = Lengths::of(process);
    payload.length(lengths.modules);
    payload.length(lengths.nodes);
    payload.length(lengths.sites);
    payload.length(lengths.snapshots);
    payload.length(lengths.misuses);
    payload.length(lengths.resolved);
    payload.unsigned(process.sampling.as_ref().map_or(0, |sampling| sampling.mean_bytes));
    payload.finish()
}

/// The process without its lists.
pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<(Process, Lengths), Malformed> {
    let mut payload = Decoder::new(payload);
    let mut process = Process {
        pid: payload.u32()?,
        parent_pid: payload.u32()?,
        command: payload.texts(budget)?,
        executable: payload.text(budget)?,
        started_ms: payload.unsigned()?,
        duration_ms: payload.unsigned()?,
        ending: decode_ending(&mut payload, budget)?,
        allocations: payload.unsigned()?,
        allocated_bytes: payload.unsigned()?,
        peak_bytes: payload.unsigned()?,
        losses: decode_losses(&mut payload, budget)?,
        ..Process::default()
    };
    let lengths = Lengths {
        modules: payload.length()?,
        nodes: payload.length()?,
        sites: payload.length()?,
        snapshots: payload.length()?,
        misuses: payload.length()?,
        resolved: payload.length()?,
    };
    let mean_bytes = if payload.left() == 0 { 0 } else { payload.unsigned()? };
    process.sampling = (mean_bytes != 0).then(|| Sampling { mean_bytes, seen: Vec::new() });
    Ok((process, lengths))
}

fn encode_ending(payload: &mut Encoder, ending: &Ending) {
    match ending {
        Ending::Unknown => payload.unsigned(0),
        Ending::Running => payload.unsigned(1),
        Ending::Exited(None) => payload.unsigned(2),
        Ending::Exited(Some(status)) => {
            payload.unsigned(3);
            payload.signed(i64::from(*status));
        }
        Ending::Signaled(signal) => {
            payload.unsigned(4);
            payload.signed(i64::from(*signal));
        }
        Ending::Exec(path) => {
            payload.unsigned(5);
            payload.text(path);
        }
    }
}

fn decode_ending(payload: &mut Decoder, budget: &mut Budget) -> Result<Ending, Malformed> {
    let number = |payload: &mut Decoder| i32::try_from(payload.signed()?).map_err(|_| Malformed::TooLarge);
    Ok(match payload.unsigned()? {
        0 => Ending::Unknown,
        1 => Ending::Running,
        2 => Ending::Exited(None),
        3 => Ending::Exited(Some(number(payload)?)),
        4 => Ending::Signaled(number(payload)?),
        5 => Ending::Exec(payload.text(budget)?),
        _ => return Err(Malformed::Unknown("the ending")),
    })
}

#[cfg(test)]
mod tests {
    use super::{Budget, Lengths, decode, encode};
    use crate::model::{Ending, Process, Sampling};

    #[test]
    fn facts_of_version_1_are_those_of_a_full_recording() {
        let sampling = Some(Sampling { mean_bytes: 1, seen: Vec::new() });
        let process = Process { pid: 1, sampling, ..Process::default() };
        let payload = encode(&process);
        assert_eq!(decode(&payload, &mut Budget::of_file(0)).unwrap().0, process);
        let of_version_1 = &payload[..payload.len() - 1];
        let full = Process { sampling: None, ..process };
        assert_eq!(decode(of_version_1, &mut Budget::of_file(0)).unwrap().0, full);
    }

    #[test]
    fn every_ending_round_trips() {
        let endings = [
            Ending::Unknown,
            Ending::Running,
            Ending::Exited(None),
            Ending::Exited(Some(i32::MIN)),
            Ending::Signaled(9),
            Ending::Exec("/bin/true".to_owned()),
        ];
        for ending in endings {
            let process = Process { pid: 1, peak_bytes: u64::MAX, ending, ..Process::default() };
            assert_eq!(decode(&encode(&process), &mut Budget::of_file(0)), Ok((process, Lengths::default())));
        }
    }
}
