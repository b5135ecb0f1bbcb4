//! The fixed-size parts around payloads: header, section frame, trailer. `file` draws them.

use super::FormatVersion;

pub(super) const HEADER_LENGTH: u64 = 20;
pub(super) const FRAME_LENGTH: u64 = 36;
pub(super) const TRAILER_LENGTH: u64 = 20;
/// First bytes of every section frame.
pub(super) const MARKER: [u8; 4] = *b"STSC";

const MAGIC: [u8; 8] = *b"STANCHRC";
const TRAILER_MAGIC: [u8; 8] = *b"STANCEND";
const WHOLE_TREE: u32 = u32::MAX;

/// What a section holds. The numbers are part of the format; 0 is never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub(super) enum SectionKind {
    /// Zeros that lengthen the file; see `budget`.
    Padding = 0,
    /// Facts of the whole tree.
    Tree = 1,
    /// Facts of one process, and how long its lists are.
    Process = 2,
    Modules = 3,
    Nodes = 4,
    Sites = 5,
    Snapshots = 6,
    Misuses = 7,
    Resolved = 8,
    /// The list of the sections before it.
    Index = 9,
    /// Sampled blocks.
    Sampling = 10,
    /// Memory over time.
    History = 11,
    /// What sites held when most was live.
    PeakSites = 12,
}

impl SectionKind {
    pub(super) fn from_code(code: u16) -> Option<Self> {
        use SectionKind::{
            History, Index, Misuses, Modules, Nodes, Padding, PeakSites, Process, Resolved, Sampling, Sites, Snapshots,
            Tree,
        };
        [
            Padding, Tree, Process, Modules, Nodes, Sites, Snapshots, Misuses, Resolved, Index, Sampling, History,
            PeakSites,
        ]
        .into_iter()
        .find(|kind| *kind as u16 == code)
    }

    /// As notes name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Padding => "padding",
            Self::Tree => "facts of the tree",
            Self::Process => "facts of the process",
            Self::Modules => "modules",
            Self::Nodes => "stack frames",
            Self::Sites => "allocation sites",
            Self::Snapshots => "snapshots",
            Self::Misuses => "wrong frees",
            Self::Resolved => "names of code",
            Self::Index => "index",
            Self::Sampling => "sampled blocks",
            Self::History => "memory over time",
            Self::PeakSites => "sites at the peak",
        }
    }
}

/// How a payload is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Packing {
    Plain = 0,
    Zstd = 1,
}

/// The frame of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// A [`SectionKind`], or what a later version made of it.
    pub(super) kind: u16,
    /// A [`Packing`].
    pub(super) packing: u16,
    /// Position of the process; `None` for the whole tree.
    pub(super) process: Option<u32>,
    pub(super) stored_length: u64,
    pub(super) unpacked_length: u64,
    /// CRC-32 of the payload as stored.
    pub(super) checksum: u32,
}

impl Frame {
    pub(super) fn to_bytes(self) -> [u8; FRAME_LENGTH as usize] {
        let mut bytes = [0; FRAME_LENGTH as usize];
        bytes[0..4].copy_from_slice(&MARKER);
        bytes[4..6].copy_from_slice(&self.kind.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.packing.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.process.unwrap_or(WHOLE_TREE).to_le_bytes());
        bytes[12..20].copy_from_slice(&self.stored_length.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.unpacked_length.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.checksum.to_le_bytes());
        seal(&mut bytes);
        bytes
    }

    /// `None` where the bytes are no frame, or a damaged one.
    pub(super) fn from_bytes(bytes: &[u8; FRAME_LENGTH as usize]) -> Option<Self> {
        if bytes[0..4] != MARKER || !is_sealed(bytes) {
            return None;
        }
        let process = u32_at(bytes, 8);
        Some(Self {
            kind: u16_at(bytes, 4),
            packing: u16_at(bytes, 6),
            process: (process != WHOLE_TREE).then_some(process),
            stored_length: u64_at(bytes, 12),
            unpacked_length: u64_at(bytes, 20),
            checksum: u32_at(bytes, 28),
        })
    }
}

/// The first bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: FormatVersion,
    pub(super) readable_since: FormatVersion,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER_LENGTH as usize] {
        let mut bytes = [0; HEADER_LENGTH as usize];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.version.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.readable_since.0.to_le_bytes());
        seal(&mut bytes);
        bytes
    }

    /// The header, and whether its checksum holds; `None` where it is not one of ours.
    pub(super) fn from_bytes(bytes: &[u8; HEADER_LENGTH as usize]) -> Option<(Self, bool)> {
        if bytes[0..8] != MAGIC {
            return None;
        }
        let header =
            Self { version: FormatVersion(u16_at(bytes, 8)), readable_since: FormatVersion(u16_at(bytes, 10)) };
        Some((header, is_sealed(bytes)))
    }
}

pub(super) fn trailer(index_offset: u64) -> [u8; TRAILER_LENGTH as usize] {
    let mut bytes = [0; TRAILER_LENGTH as usize];
    bytes[0..8].copy_from_slice(&index_offset.to_le_bytes());
    bytes[8..12].copy_from_slice(&crc32fast::hash(&index_offset.to_le_bytes()).to_le_bytes());
    bytes[12..20].copy_from_slice(&TRAILER_MAGIC);
    bytes
}

/// The offset of the index; `None` where the bytes are no trailer.
pub(super) fn index_offset(bytes: &[u8; TRAILER_LENGTH as usize]) -> Option<u64> {
    let offset = u64_at(bytes, 0);
    (*bytes == trailer(offset)).then_some(offset)
}

/// Puts the checksum of all bytes before the last four into those.
fn seal(bytes: &mut [u8]) {
    let (body, checksum) = bytes.split_at_mut(bytes.len() - 4);
    checksum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
}

fn is_sealed(bytes: &[u8]) -> bool {
    let (body, checksum) = bytes.split_at(bytes.len() - 4);
    checksum == crc32fast::hash(body).to_le_bytes()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::{Frame, Header, SectionKind, index_offset, trailer};
    use crate::FormatVersion;

    #[test]
    fn frames_round_trip_and_notice_every_flipped_bit() {
        let frame = Frame {
            kind: SectionKind::Sites as u16,
            packing: 1,
            process: Some(7),
            stored_length: 42,
            unpacked_length: 100,
            checksum: 0xDEAD_BEEF,
        };
        let bytes = frame.to_bytes();
        assert_eq!(Frame::from_bytes(&bytes), Some(frame));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Frame::from_bytes(&damaged), None, "bit {bit}");
        }
        let whole_tree = Frame { process: None, ..frame };
        assert_eq!(Frame::from_bytes(&whole_tree.to_bytes()), Some(whole_tree));
    }

    #[test]
    fn header_and_trailer_round_trip() {
        let header = Header { version: FormatVersion(3), readable_since: FormatVersion(2) };
        let mut bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some((header, true)));
        bytes[8] ^= 1;
        assert!(Header::from_bytes(&bytes).is_some_and(|(_, sealed)| !sealed));
        bytes[0] ^= 1;
        assert_eq!(Header::from_bytes(&bytes), None);

        let mut bytes = trailer(1 << 40);
        assert_eq!(index_offset(&bytes), Some(1 << 40));
        bytes[2] ^= 1;
        assert_eq!(index_offset(&bytes), None);
    }
}
