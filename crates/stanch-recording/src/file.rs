//! The file of a recording: its layout, its versions, and the ways in and out.
//!
//! ```text
//! file    = header section* index trailer            all numbers little-endian
//!
//! header     0  8  53 54 41 4E 43 48 52 43           "STANCHRC"
//!            8  2  02 00                             format version of the writer
//!           10  2  01 00                             oldest version whose readers can read this file
//!           12  4  00 00 00 00                       reserved
//!           16  4  CRC-32 of bytes 0..16
//!
//! section    0  4  53 54 53 43                       "STSC", to find sections in a damaged file
//!            4  2  05 00                             kind, see `SectionKind`; 05: sites
//!            6  2  01 00                             packing: 0 plain, 1 zstd
//!            8  4  00 00 00 00                       position of the process; FFFFFFFF: the whole tree
//!           12  8  2A 00 00 00 00 00 00 00           stored length, in bytes
//!           20  8  64 00 00 00 00 00 00 00           unpacked length, in bytes
//!           28  4  CRC-32 of the stored payload
//!           32  4  CRC-32 of bytes 0..32
//!           36  …  payload
//!
//! index            a section of kind `Index` that lists the others
//!
//! trailer    0  8  offset of the index section
//!            8  4  CRC-32 of bytes 0..8
//!           12  8  53 54 41 4E 43 45 4E 44           "STANCEND"
//! ```
//!
//! Payloads consist of variable-length integers and of columns of them; each is drawn above its
//! encoder, which shares a file with its decoder. Long lists are cut into chunks of [`CHUNK`] entries,
//! a section each, so that damage costs one chunk, and memory while unpacking is small.
//!
//! # Versions
//!
//! * *Old reader, new data.* The header states the oldest version whose readers can read the file. A
//!   section of unknown kind is skipped with a note, and so are bytes after the part of a payload that
//!   the reader knows: new facts come as new kinds or at the end of a payload without raising that
//!   version. A new value of an enumeration, or another meaning of an old field, raises it, and old
//!   readers then refuse the file and say which version they would need.
//! * *New reader, old data.* Readers keep the decoder of every version since 1. A section that old
//!   writers did not know is missing and yields what its field has by default.
//! * Version 2 came with sampled recordings: sections of kind `Sampling`, and the mean distance of
//!   samples at the end of the facts of the process. In such a file counts are estimates, which
//!   version 1 would give for exact: it states that version 2 is needed. Files of full recordings
//!   state version 1.
//! * Memory over time came after that, as sections of the kinds `History` and `PeakSites`: readers that do
//!   not know them say so and read the rest, so no version came with them.
//! * *Old writer after new writer.* A recording is never changed in place: a writer makes a whole new
//!   file that replaces the old one, so that one file never holds sections of two writers.

mod archive;
mod budget;
mod consistency;
mod frame;
mod history;
mod index;
mod misuses;
mod modules;
mod nodes;
mod pack;
mod process;
mod repair;
mod resolved;
mod sampling;
mod sections;
mod sites;
mod snapshots;
mod store;
mod tree;
mod wire;

use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;

pub use archive::Archive;
pub use consistency::{Inconsistency, check};
pub use store::write_file;

use crate::model::{Loss, Recording};

/// A version of the file format, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatVersion(pub u16);

impl FormatVersion {
    /// What [`write`](fn@write) writes, and the newest that [`read`] knows.
    pub const CURRENT: Self = Self(2);

    /// The oldest version whose readers understand what [`write`](fn@write) writes of this recording.
    #[must_use]
    pub fn readable_since(recording: &Recording) -> Self {
        let is_sampled = recording.processes.iter().any(|process| process.sampling.is_some());
        Self(if is_sampled { 2 } else { 1 })
    }
}

/// Most entries of one section: few megabytes when unpacked, enough for the packer to find repetition.
const CHUNK: usize = 1 << 16;

/// Why a recording could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write the recording")]
    Io(#[from] io::Error),
    /// The value breaks a promise of the model, so that readers could not use it.
    #[error("recording is inconsistent")]
    Inconsistent(#[from] Inconsistency),
}

/// Why nothing could be read of a file. Damage is no such reason: it becomes a [`Loss`].
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read the recording")]
    Io(#[from] io::Error),
    /// It does not begin as recordings do, or it ends within its first bytes.
    #[error("not a recording of stanch")]
    NotARecording,
    /// A later Stanch wrote it in a way that this one cannot read.
    #[error("recording needs a reader of format version {}, this one knows version {}", needed.0, known.0)]
    TooNew {
        /// The oldest version whose readers can read the file.
        needed: FormatVersion,
        /// The version of this reader.
        known: FormatVersion,
    },
}

/// Writes a recording. Takes time and space linear in its size.
///
/// # Errors
///
/// When `out` refuses, and when [`check`] finds the recording inconsistent; nothing is written then.
pub fn write(recording: &Recording, out: impl Write) -> Result<(), WriteError> {
    check(recording)?;
    sections::write_all(recording, out).map_err(WriteError::Io)
}

/// Reads a whole recording, and what of it was missing or damaged.
///
/// All indexes of the result are in range, whatever the input: a parent has a smaller index than its
/// child, and [`check`] holds. Memory stays below 16 MiB and 256 bytes for each byte of the file
/// (twice that while a list grows); what needs more is left out as damage.
///
/// # Errors
///
/// When `input` cannot be read, is not a recording, or needs a newer reader.
pub fn read(input: impl Read + Seek) -> Result<(Recording, Vec<Loss>), ReadError> {
    Archive::open(input)?.into_recording()
}

/// Reads a whole recording from a file; see [`read`].
///
/// # Errors
///
/// As [`read`].
pub fn read_file(path: &Path) -> Result<(Recording, Vec<Loss>), ReadError> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.is_file() {
        return read(file);
    }
    // A pipe cannot be read backwards.
    let mut bytes = Vec::new();
    io::BufReader::new(file).read_to_end(&mut bytes)?;
    read(Cursor::new(bytes))
}
