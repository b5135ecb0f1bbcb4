//! The memory of a process at one instant: everything that can hold a pointer. It is looked at, not copied.
use stanch_leaks::Memory;
use stanch_process::{Mapping, PageRange, Pid, StoppedThread};
use std::io;

/// Name of the recorder's own memory in `/proc/PID/maps`.
const LEDGER_NAME: &str = "/memfd:stanch-ledger";

/// Pages side by side, all of one mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// First address.
    pub(crate) start: u64,
    /// Address after the last.
    pub(crate) end: u64,
    /// Index of the mapping.
    pub(crate) mapping: usize,
    /// Where they can be read.
    pid: Pid,
}

/// Where a thread is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadImage {
    /// Lowest stack address that counts.
    pub(crate) stack_pointer: u64,
    /// Base of its thread-local storage; 0 where unknown.
    pub(crate) thread_pointer: u64,
}

/// What there is to read. The process, or its image, must stand still for as long as this is used.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) mappings: Vec<Mapping>,
    /// In the order of addresses.
    pub(crate) runs: Vec<Run>,
    pub(crate) threads: Vec<ThreadImage>,
    pub(crate) registers: Vec<u64>,
}

impl Image {
    /// Finds out what there is to read of a process that stands still, or of its image. `recorder` is the path of the
    /// recorder's file, whose own variables are nobody's roots.
    ///
    /// # Errors
    /// Where the process may not be read.
    pub(crate) fn find(source: &Source, threads: &[StoppedThread], recorder: &str) -> io::Result<Self> {
        let (mappings, not_copied) = source.mappings()?;
        let wanted: Vec<usize> =
            (0..mappings.len()).filter(|index| may_hold_pointers(&mappings, *index, recorder)).collect();
        // The kernel lists shared pages by those that a process has touched, and an image has touched none.
        let (live, frozen): (Vec<usize>, Vec<usize>) =
            wanted.into_iter().partition(|index| mappings[*index].shared || not_copied[*index]);
        let mut runs = Vec::new();
        for (pid, indexes) in [(source.live, live), (source.frozen, frozen)] {
            let scanned: Vec<Mapping> = indexes.iter().map(|index| mappings[*index].clone()).collect();
            stanch_process::private_pages(pid, &scanned, |index, PageRange { start, end }| {
                runs.push(Run { start, end, mapping: indexes[index], pid });
            })?;
        }
        runs.sort_unstable_by_key(|run| run.start);
        let registers = threads.iter().flat_map(|thread| thread.registers.general).collect();
        let threads = threads.iter().map(|thread| ThreadImage {
            stack_pointer: thread.registers.stack_pointer,
            thread_pointer: thread.registers.thread_pointer,
        });
        Ok(Self { mappings, runs, threads: threads.collect(), registers })
    }

    /// The word at an address; `None` where it cannot be read.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        (self.read(address, &mut word) == word.len()).then_some(u64::from_le_bytes(word))
    }

    /// The words from `start` on, as far as they can be read.
    pub(crate) fn words(&self, start: u64, end: u64) -> Vec<u64> {
        let mut bytes = vec![0; (end - start) as usize];
        let count = self.read(start, &mut bytes);
        bytes[..count].as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
    }

    /// The mapping that holds an address.
    pub(crate) fn mapping_at(&self, address: u64) -> Option<usize> {
        let index = self.mappings.partition_point(|mapping| mapping.start <= address).checked_sub(1)?;
        (address < self.mappings[index].end).then_some(index)
    }
}

impl Memory for Image {
    fn ranges(&self) -> Vec<(u64, u64)> {
        self.runs.iter().map(|run| (run.start, run.end)).collect()
    }

    fn read(&self, start: u64, into: &mut [u8]) -> usize {
        let after = self.runs.partition_point(|run| run.start <= start);
        let Some(run) = self.runs[..after].last().filter(|run| start < run.end) else { return 0 };
        let count = into.len().min((run.end - start) as usize);
        stanch_process::read(run.pid, start, &mut into[..count]).unwrap_or(0)
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
