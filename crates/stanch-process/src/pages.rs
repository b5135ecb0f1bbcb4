//! Which pages of a mapping hold something of the process's own: `/proc/PID/pagemap`.
use crate::{Mapping, Pid};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const PAGE_BYTES: u64 = 4096;
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const FILE_OR_SHARED: u64 = 1 << 61;

/// A run of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRange {
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
}

/// The pages of the mappings that are in memory or swapped out and, in private mappings, no longer the file's:
/// all that can hold a pointer. `each` is called with the mapping's index.
///
/// # Errors
/// Where the process is gone or not ours.
pub fn private_pages(pid: Pid, mappings: &[Mapping], mut each: impl FnMut(usize, PageRange)) -> io::Result<()> {
    const BATCH: u64 = 1 << 16;
    let pagemap = File::open(format!("/proc/{}/pagemap", pid.0))?;
    let mut buffer = vec![0u8; (BATCH * 8) as usize];
    for (index, mapping) in mappings.iter().enumerate() {
        let mut run: Option<PageRange> = None;
        let mut page = mapping.start / PAGE_BYTES;
        let last = mapping.end / PAGE_BYTES;
        while page < last {
            let count = (last - page).min(BATCH);
            let bytes = &mut buffer[..(count * 8) as usize];
            let read = pagemap.read_at(bytes, page * 8)?;
            if read == 0 {
                break;
            }
            for (offset, entry) in bytes[..read].as_chunks::<8>().0.iter().enumerate() {
                let entry = u64::from_le_bytes(*entry);
                let holds = entry & (PRESENT | SWAPPED) != 0 && (mapping.shared || entry & FILE_OR_SHARED == 0);
                let address = (page + offset as u64) * PAGE_BYTES;
                match (&mut run, holds) {
                    (Some(run), true) => run.end = address + PAGE_BYTES,
                    (None, true) => run = Some(PageRange { start: address, end: address + PAGE_BYTES }),
                    (Some(done), false) => {
                        each(index, *done);
                        run = None;
                    }
                    (None, false) => {}
                }
            }
            page += read as u64 / 8;
        }
        if let Some(run) = run {
            each(index, run);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_own_stack_but_not_own_code() {
        let here = 0u64;
        let stack = &raw const here as u64;
        let code = finds_own_stack_but_not_own_code as *const () as u64;
        let pid = Pid(std::process::id());
        let maps = crate::maps(pid).expect("own maps");
        let (mut saw_stack, mut saw_code) = (false, false);
        private_pages(pid, &maps, |_, run| {
            saw_stack |= (run.start..run.end).contains(&stack);
            saw_code |= (run.start..run.end).contains(&code);
        })
        .expect("own pagemap");
        assert!(saw_stack && !saw_code);
    }
}
