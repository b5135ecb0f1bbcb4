//! The section of facts of the whole tree.
//!
//! ```text
//! text tool version, texts command (unsigned count, text each), unsigned start in ms since the epoch,
//! unsigned number of processes, losses (unsigned count, then text what, text why each)
//! ```

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{Loss, Recording};

pub(super) fn encode(recording: &Recording) -> Vec<u8> {
    let mut payload = Encoder::new();
    payload.text(&recording.tool_version);
    payload.texts(&recording.command);
    payload.unsigned(recording.started_unix_ms);
    payload.length(recording.processes.len());
    encode_losses(&mut payload, &recording.losses);
    payload.finish()
}

/// The tree without its processes, and how many there should be.
pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<(Recording, usize), Malformed> {
    let mut payload = Decoder::new(payload);
    let mut recording = Recording {
        tool_version: payload.text(budget)?,
        command: payload.texts(budget)?,
        started_unix_ms: payload.unsigned()?,
        ..Recording::default()
    };
    let process_count = payload.length()?;
    recording.losses = decode_losses(&mut payload, budget)?;
    Ok((recording, process_count))
}

pub(super) fn encode_losses(payload: &mut Encoder, losses: &[Loss]) {
    payload.length(losses.len());
    for loss in losses {
        payload.text(&loss.what);
        payload.text(&loss.why);
    }
}

pub(super) fn decode_losses(payload: &mut Decoder, budget: &mut Budget) -> Result<Vec<Loss>, Malformed> {
    let count = payload.count()?;
    budget.entries::<Loss>(count)?;
    (0..count).map(|_| Ok(Loss { what: payload.text(budget)?, why: payload.text(budget)? })).collect()
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{Loss, Process, Recording};

    #[test]
    fn round_trip() {
        let recording = Recording {
            tool_version: "1.2.3".to_owned(),
            command: vec!["make".to_owned(), String::new()],
            started_unix_ms: u64::MAX,
            processes: Vec::new(),
            losses: vec![Loss { what: "a child".to_owned(), why: "it was too quick".to_owned() }],
        };
        let with_process = Recording { processes: vec![Process::default()], ..recording.clone() };
        let decoded = decode(&encode(&with_process), &mut Budget::of_file(0));
        assert_eq!(decoded, Ok((recording, 1)));
    }
}
