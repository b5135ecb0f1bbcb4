//! How much memory a file may ask of its reader.
//!
//! Packed data and references to shared strings let a small file describe a large value. A reader
//! therefore accounts for every byte it unpacks and every entry it makes, and refuses to go beyond
//! [`FLOOR_BYTES`] plus [`BYTES_PER_FILE_BYTE`] for each byte of the file. The one that `pack` measures needs 12.
//! A writer accounts for the same and, should a recording be so repetitive that it packs even better,
//! lengthens the file with a section of zeros: what was written can be read.

use std::mem::size_of;

use super::wire::Malformed;
use crate::model::{
    Ending, Group, Loss, Misuse, Module, Process, Recording, ResolvedCode, ResolvedFrame, SeenBlocks, SiteCounts,
    Snapshot, StackNode,
};

/// What the smallest file may ask for.
const FLOOR_BYTES: u64 = 16 << 20;
/// What each byte of a file adds to that.
const BYTES_PER_FILE_BYTE: u64 = 256;

/// What is left of a reader's memory.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left_bytes: u64,
}

impl Budget {
    pub(super) fn of_file(length_bytes: u64) -> Self {
        Self { left_bytes: FLOOR_BYTES.saturating_add(length_bytes.saturating_mul(BYTES_PER_FILE_BYTE)) }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<(), Malformed> {
        self.left_bytes = self.left_bytes.checked_sub(count as u64).ok_or(Malformed::OverBudget)?;
        Ok(())
    }

    pub(super) fn entries<T>(&mut self, count: usize) -> Result<(), Malformed> {
        self.bytes(count.saturating_mul(size_of::<T>()))
    }
}

/// By how many bytes a file must be longer so that its reader may hold `needed_bytes`.
pub(super) fn missing_length(needed_bytes: u64, length_bytes: u64) -> u64 {
    needed_bytes.saturating_sub(Budget::of_file(length_bytes).left_bytes).div_ceil(BYTES_PER_FILE_BYTE)
}

/// What a reader takes from its budget to hold `recording`; an upper bound.
pub(super) fn weight_bytes(recording: &Recording) -> u64 {
    text(&recording.tool_version)
        + texts(&recording.command)
        + losses(&recording.losses)
        + recording.processes.iter().map(process).sum::<u64>()
}

fn process(process: &Process) -> u64 {
    let ending = if let Ending::Exec(path) = &process.ending { text(path) } else { 0 };
    size_of::<Process>() as u64
        + ending
        + texts(&process.command)
        + text(&process.executable)
        + process.modules.iter().map(module).sum::<u64>()
        + entries::<StackNode>(process.nodes.len())
        + entries::<SiteCounts>(process.sites.len())
        + entries::<Snapshot>(process.snapshots.len())
        + process.snapshots.iter().map(|snapshot| entries::<Group>(snapshot.groups.len())).sum::<u64>()
        + super::history::weight_bytes(&process.history)
        + process.misuses.iter().map(|misuse| entries::<Misuse>(1) + text(&misuse.freed_by)).sum::<u64>()
        + process.resolved.iter().map(resolved).sum::<u64>()
        + process.sampling.as_ref().map_or(0, |sampling| entries::<SeenBlocks>(sampling.seen.len()))
        + losses(&process.losses)
}

fn module(module: &Module) -> u64 {
    let package = module.package.as_ref().map_or(0, |package| text(&package.name) + text(&package.version));
    entries::<Module>(1) + text(&module.path) + module.build_id.len() as u64 + package
}

fn resolved(code: &ResolvedCode) -> u64 {
    let names = |frame: &ResolvedFrame| {
        frame.function.as_deref().map_or(0, str::len) as u64 + frame.file.as_deref().map_or(0, str::len) as u64
    };
    entries::<ResolvedCode>(1)
        + entries::<ResolvedFrame>(code.frames.len())
        // In the table of strings while reading.
        + entries::<[&str; 2]>(code.frames.len())
        + code.frames.iter().map(names).sum::<u64>()
}

fn losses(losses: &[Loss]) -> u64 {
    losses.iter().map(|loss| text(&loss.what) + text(&loss.why)).sum()
}

fn texts(texts: &[String]) -> u64 {
    texts.iter().map(|one| text(one)).sum()
}

fn text(text: &str) -> u64 {
    entries::<String>(1) + text.len() as u64
}

fn entries<T>(count: usize) -> u64 {
    (count * size_of::<T>()) as u64
}
