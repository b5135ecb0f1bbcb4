//! A copy of the memory of a process that stands still: everything that can hold a pointer.
use stanch_process::{Mapping, PageRange, Pid, Stopped};
use std::io;

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
    /// Copies the memory of a process whose threads stand still. `recorder` is the path of the recorder's file,
    /// whose own variables are nobody's roots.
    ///
    /// # Errors
    /// Where the process may not be read.
    pub(crate) fn copy(pid: Pid, stopped: &Stopped, recorder: &str) -> io::Result<Self> {
        let pid = stanch_process::memory_id(pid);
        let mappings = stanch_process::maps(pid)?;
        let wanted: Vec<usize> =
            (0..mappings.len()).filter(|index| may_hold_pointers(&mappings, *index, recorder)).collect();
        let scanned: Vec<Mapping> = wanted.iter().map(|index| mappings[*index].clone()).collect();
        let mut ranges: Vec<(usize, PageRange)> = Vec::new();
        stanch_process::private_pages(pid, &scanned, |index, range| ranges.push((wanted[index], range)))?;
        let mut image =
            Self { mappings, pieces: Vec::new(), threads: Vec::new(), registers: Vec::new(), unread_bytes: 0 };
        for (mapping, range) in ranges {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            let count = stanch_process::read(pid, range.start, &mut bytes).unwrap_or(0) & !7;
            image.unread_bytes += bytes.len() as u64 - count as u64;
            bytes.truncate(count);
            if count > 0 {
                image.pieces.push(Piece { start: range.start, bytes, mapping });
            }
        }
        for thread in &stopped.threads {
            let registers = thread.registers;
            image.registers.extend(registers.general);
            image
                .threads
                .push(ThreadImage { stack_pointer: registers.stack_pointer, thread_pointer: registers.thread_pointer });
        }
        Ok(image)
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
