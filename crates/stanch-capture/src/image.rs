//! A copy of the memory of a process at one instant: everything that can hold a pointer.
use crate::work::{cores, each};
use stanch_process::{Mapping, PageRange, Pid, StoppedThread};
use std::io;
use std::sync::{Mutex, PoisonError};

/// Name of the recorder's own memory in `/proc/PID/maps`.
const LEDGER_NAME: &str = "/memfd:stanch-ledger";

/// Memory from `start` on.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
    /// Index of its mapping.
    pub(crate) mapping: usize,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadImage {
    /// Lowest stack address that counts.
    pub(crate) stack_pointer: u64,
    /// Base of its thread-local storage; 0 where unknown.
    pub(crate) thread_pointer: u64,
}

/// The copy.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) threads: Vec<ThreadImage>,
    pub(crate) registers: Vec<u64>,
    /// Parts that could not be read.
    pub(crate) unread_bytes: u64,
}

impl Image {
    /// Copies the memory of a process that stands still, or of its image. `recorder` is the path of the recorder's
    /// file, whose own variables are nobody's roots.
    ///
    /// # Errors
    /// Where the process may not be read.
    pub(crate) fn copy(source: &Source, threads: &[StoppedThread], recorder: &str) -> io::Result<Self> {
        let (mappings, not_copied) = source.mappings()?;
        let wanted: Vec<usize> =
            (0..mappings.len()).filter(|index| may_hold_pointers(&mappings, *index, recorder)).collect();
        // The kernel lists shared pages by those that a process has touched, and an image has touched none.
        let (live, frozen): (Vec<usize>, Vec<usize>) =
            wanted.into_iter().partition(|index| mappings[*index].shared || not_copied[*index]);
        let mut runs = Vec::new();
        for (pid, indexes) in [(source.live, live), (source.frozen, frozen)] {
            let scanned: Vec<Mapping> = indexes.iter().map(|index| mappings[*index].clone()).collect();
            stanch_process::private_pages(pid, &scanned, |index, range| runs.push((pid, indexes[index], range)))?;
        }
        runs.sort_unstable_by_key(|(_, _, range)| range.start);
        let (pieces, unread_bytes) = read(&runs);
        let registers = threads.iter().flat_map(|thread| thread.registers.general).collect();
        let threads = threads.iter().map(|thread| ThreadImage {
            stack_pointer: thread.registers.stack_pointer,
            thread_pointer: thread.registers.thread_pointer,
        });
        Ok(Self { mappings, pieces, threads: threads.collect(), registers, unread_bytes })
    }

    /// The word at an address; `None` where it was not copied.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let index = self.pieces.partition_point(|piece| piece.start <= address).checked_sub(1)?;
        let piece = &self.pieces[index];
        let offset = (address - piece.start) as usize;
        piece.bytes.get(offset..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
    }

    /// The mapping that holds an address.
    pub(crate) fn mapping_at(&self, address: u64) -> Option<usize> {
        let index = self.mappings.partition_point(|mapping| mapping.start <= address).checked_sub(1)?;
        (address < self.mappings[index].end).then_some(index)
    }
}

/// Where memory is read.
#[derive(Debug)]
pub(crate) struct Source {
    /// The process, or an image of it: what stands still.
    pub(crate) frozen: Pid,
    /// The process itself.
    pub(crate) live: Pid,
    /// The process's mappings a moment before; empty where it stands still itself.
    pub(crate) mappings_before: Vec<Mapping>,
}

impl Source {
    /// The mappings in the order of addresses, and for each whether the process kept it out of its image
    /// (`MADV_DONTFORK`).
    fn mappings(&self) -> io::Result<(Vec<Mapping>, Vec<bool>)> {
        let copied = stanch_process::maps(self.frozen)?;
        let is_copied = |mapping: &Mapping| {
            let after = copied.partition_point(|copied| copied.end <= mapping.start);
            copied.get(after).is_some_and(|copied| copied.start < mapping.end)
        };
        let mut not_copied: Vec<&Mapping> = self.mappings_before.iter().filter(|mapping| !is_copied(mapping)).collect();
        if !not_copied.is_empty() {
            // What went away meanwhile is missing for another reason.
            let now = stanch_process::maps(self.live)?;
            not_copied.retain(|mapping| now.contains(mapping));
        }
        let mut all: Vec<(Mapping, bool)> = not_copied.into_iter().map(|mapping| (mapping.clone(), true)).collect();
        all.extend(copied.into_iter().map(|mapping| (mapping, false)));
        all.sort_by_key(|(mapping, _)| mapping.start);
        Ok(all.into_iter().unzip())
    }
}

/// Reads runs of pages on all cores. Gives what was read, and how many bytes could not be.
fn read(runs: &[(Pid, usize, PageRange)]) -> (Vec<Piece>, u64) {
    const PART_BYTES: usize = 8 << 20;
    let mut pieces: Vec<Piece> = runs
        .iter()
        .map(|(_, mapping, range)| Piece {
            start: range.start,
            bytes: vec![0; (range.end - range.start) as usize],
            mapping: *mapping,
        })
        .collect();
    let mut parts = Vec::new();
    for (index, (piece, (pid, _, _))) in pieces.iter_mut().zip(runs).enumerate() {
        for (part, bytes) in piece.bytes.chunks_mut(PART_BYTES).enumerate() {
            parts.push((index, *pid, piece.start + (part * PART_BYTES) as u64, Mutex::new(bytes)));
        }
    }
    let counts = each(&parts, cores(), |_, (_, pid, start, bytes)| {
        let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
        stanch_process::read(*pid, *start, &mut bytes).unwrap_or(0) & !7
    });
    let mut ends: Vec<Option<u64>> = vec![None; runs.len()];
    for ((index, _, start, bytes), count) in parts.into_iter().zip(counts) {
        let bytes = bytes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if count < bytes.len() {
            ends[index].get_or_insert(start + count as u64);
        }
    }
    let mut unread_bytes = 0;
    for (piece, end) in pieces.iter_mut().zip(ends) {
        if let Some(end) = end {
            unread_bytes += piece.start + piece.bytes.len() as u64 - end;
            piece.bytes.truncate((end - piece.start) as usize);
        }
    }
    pieces.retain(|piece| !piece.bytes.is_empty());
    (pieces, unread_bytes)
}

fn may_hold_pointers(mappings: &[Mapping], index: usize, recorder: &str) -> bool {
    let mapping = &mappings[index];
    let name = mapping.name.as_str();
    let is_kernels = matches!(name, "[vvar]" | "[vvar_vclock]" | "[vdso]" | "[vsyscall]");
    // Shared files are other people's memory; anonymous shared memory appears as a deleted /dev/zero.
    let is_foreign = mapping.shared && !name.starts_with("/dev/zero");
    mapping.readable
        && !is_kernels
        && !is_foreign
        && !name.starts_with(LEDGER_NAME)
        && !is_part_of(mappings, index, |name| name == recorder)
}

/// True for the mappings of a file, and for the anonymous one that follows its data (its bss).
pub(crate) fn is_part_of(mappings: &[Mapping], index: usize, is_file: impl Fn(&str) -> bool) -> bool {
    let mapping = &mappings[index];
    if is_file(&mapping.name) {
        return true;
    }
    let Some(before) = index.checked_sub(1).map(|before| &mappings[before]) else { return false };
    mapping.name.is_empty()
        && before.end == mapping.start
        && before.writable
        && mapping.writable
        && is_file(&before.name)
}
