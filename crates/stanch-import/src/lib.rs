//! What other tools wrote, as recordings: analyses and outputs then need not know where a stack came from.
//!
//! [`read`] takes bytes and finds out by their content what they are: heaptrack's files (raw or interpreted), pprof
//! profiles of memory, the heap profiles of jemalloc and tcmalloc, valgrind's XML, LeakSanitizer's text. It opens no
//! files and gives no names to addresses; the caller does that between [`read`] and [`settle`], which takes the
//! allocators' own frames out.
//!
//! Input is hostile: whatever its bytes, reading does not panic, and memory stays below 16 MiB and 256 bytes for each
//! byte of the file, as with recordings. What is damaged or cut off is said in the recording's losses, and the rest is
//! there.
#![forbid(unsafe_code)]

mod budget;
mod builder;
mod heap_text;
mod heaptrack;
mod lines;
mod lsan;
mod maps;
mod pprof;
mod settle;
mod unpack;
mod valgrind;

use budget::Budget;
use lines::Lines;
use stanch_recording::{Loss, Recording};
use std::io::{self, Read};

pub use settle::settle;

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// heaptrack's file, with names.
    Heaptrack,
    /// heaptrack's file as it was recorded, with addresses.
    HeaptrackRaw,
    /// pprof's `profile.proto`.
    Pprof,
    /// jemalloc's heap profile.
    Jemalloc,
    /// tcmalloc's heap profile, or Go's old one.
    HeapProfile,
    /// valgrind's XML.
    Valgrind,
    /// LeakSanitizer's text.
    LeakSanitizer,
}

impl SourceKind {
    /// What people call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Heaptrack => "heaptrack",
            Self::HeaptrackRaw => "heaptrack (raw)",
            Self::Pprof => "pprof",
            Self::Jemalloc => "jemalloc heap profile",
            Self::HeapProfile => "tcmalloc heap profile",
            Self::Valgrind => "valgrind XML",
            Self::LeakSanitizer => "LeakSanitizer",
        }
    }
}

/// A file as a recording.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it was.
    pub kind: SourceKind,
    /// What it says. Addresses that the file names are resolved, others are not.
    pub recording: Recording,
}

/// Why nothing could be read of a file. Damage is no such reason: it becomes a [`Loss`].
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The system refused.
    #[error("cannot read the file")]
    Io(#[from] io::Error),
    /// It begins like nothing that is known.
    #[error("not a file of a known kind")]
    Unknown,
    /// It is packed, and so damaged that it cannot be told what it is.
    #[error("nothing can be read of it: {0}")]
    Packed(String),
    /// It is a profile of something else.
    #[error("it is a profile of {0}, not of memory")]
    NotMemory(String),
    /// It begins as this kind does, and nothing of it could be read.
    #[error("nothing can be read of this {} file: {why}", kind.as_str())]
    Broken {
        /// What it begins as.
        kind: SourceKind,
        /// What is wrong.
        why: String,
    },
}

/// Where the first segment of an executable or shared object is linked to be: 0 for most, `0x400000` for programs with
/// fixed addresses; `None` where the file cannot be read. The caller knows, since it may open files.
pub type LinkAddress<'a> = &'a dyn Fn(&str) -> Option<u64>;

/// How many bytes tell what a file is.
const HEAD_BYTES: usize = 64 << 10;

/// Reads a file of `length_bytes`.
///
/// # Errors
/// When it is of no known kind, or so damaged that it says nothing.
pub fn read(input: impl Read, length_bytes: u64, link_address: LinkAddress<'_>) -> Result<Imported, ImportError> {
    let mut budget = Budget::of_file(length_bytes);
    let (input, damage) = unpack::open(input)?;
    let mut lines = Lines::new(input, HEAD_BYTES);
    let Some(kind) = detect(lines.head()) else {
        return Err(damage.take().map_or(ImportError::Unknown, ImportError::Packed));
    };
    let result = match kind {
        SourceKind::Heaptrack | SourceKind::HeaptrackRaw => heaptrack::read(&mut lines, &mut budget),
        SourceKind::Pprof => pprof::read(&mut lines, &mut budget, link_address),
        SourceKind::Jemalloc | SourceKind::HeapProfile => heap_text::read(&mut lines, &mut budget, link_address),
        SourceKind::Valgrind => valgrind::read(&mut lines, &mut budget),
        SourceKind::LeakSanitizer => lsan::read(&mut lines, &mut budget),
    };
    let mut recording = result?;
    recording.losses.extend(damage.take().map(|why| Loss { what: "the end of the file".to_owned(), why }));
    if budget.is_spent() {
        let why = "it describes more than a file of its size should".to_owned();
        recording.losses.push(Loss { what: "a part of the file".to_owned(), why });
    }
    let is_empty = recording.processes.iter().all(|process| process.sites.is_empty() && process.misuses.is_empty());
    match recording.losses.first() {
        Some(loss) if is_empty => Err(ImportError::Broken { kind, why: format!("{}: {}", loss.what, loss.why) }),
        _ => Ok(Imported { kind, recording }),
    }
}

/// What begins like this. Text of programs may stand before LeakSanitizer's.
fn detect(head: &[u8]) -> Option<SourceKind> {
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with("heap_v2/") {
        Some(SourceKind::Jemalloc)
    } else if start.starts_with("heap profile:") {
        Some(SourceKind::HeapProfile)
    } else if heaptrack::is_head(start) {
        Some(if heaptrack::is_raw_head(start) { SourceKind::HeaptrackRaw } else { SourceKind::Heaptrack })
    } else if start.starts_with('<') && text.contains("<valgrindoutput") {
        Some(SourceKind::Valgrind)
    } else if lsan::is_head(&text) {
        Some(SourceKind::LeakSanitizer)
    } else {
        pprof::is_head(head).then_some(SourceKind::Pprof)
    }
}
