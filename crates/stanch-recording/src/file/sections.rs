//! The order in which a recording is written.

use std::io::{self, Write};

use super::frame::{self, FRAME_LENGTH, Frame, HEADER_LENGTH, Header, Packing, SectionKind, TRAILER_LENGTH};
use super::index::{self, Place};
use super::pack::Packer;
use super::{
    CHUNK, FormatVersion, budget, history, misuses, modules, nodes, process, resolved, sampling, sites, snapshots, tree,
};
use crate::history::History;
use crate::model::{Process, Recording};

pub(super) fn write_all(recording: &Recording, out: impl Write) -> io::Result<()> {
    let mut writer = Writer::begin(out, FormatVersion::readable_since(recording))?;
    writer.section(SectionKind::Tree, None, tree::encode(recording))?;
    for (position, process) in recording.processes.iter().enumerate() {
        // A position beyond u32 would need more memory than there is.
        write_process(&mut writer, position as u32, process)?;
    }
    writer.lengthen(recording)?;
    writer.end()
}

/// Sections that others refer to come first, so that a cut-off file is whole as far as it goes.
fn write_process<W: Write>(writer: &mut Writer<W>, position: u32, process: &Process) -> io::Result<()> {
    let mut section = |kind, payload| writer.section(kind, Some(position), payload);
    section(SectionKind::Process, process::encode(process))?;
    if !process.modules.is_empty() {
        section(SectionKind::Modules, modules::encode(&process.modules))?;
    }
    for (chunk, nodes) in process.nodes.chunks(CHUNK).enumerate() {
        section(SectionKind::Nodes, nodes::encode(chunk * CHUNK, nodes))?;
    }
    for (chunk, sites) in process.sites.chunks(CHUNK).enumerate() {
        section(SectionKind::Sites, sites::encode(chunk * CHUNK, sites))?;
    }
    for (ordinal, snapshot) in process.snapshots.iter().enumerate() {
        for payload in snapshots::encode(ordinal, snapshot) {
            section(SectionKind::Snapshots, payload)?;
        }
    }
    if process.history != History::default() {
        section(SectionKind::History, history::encode(&process.history))?;
    }
    for sites in process.history.peak.sites.chunks(CHUNK) {
        section(SectionKind::PeakSites, history::encode_peak(sites))?;
    }
    if !process.misuses.is_empty() {
        section(SectionKind::Misuses, misuses::encode(&process.misuses))?;
    }
    if let Some(sampling) = &process.sampling {
        section(SectionKind::Sampling, sampling::encode(&sampling.seen))?;
    }
    for codes in process.resolved.chunks(CHUNK) {
        section(SectionKind::Resolved, resolved::encode(codes))?;
    }
    Ok(())
}

struct Writer<W> {
    out: W,
    offset: u64,
    places: Vec<Place>,
    packer: Packer,
    /// What a reader will be charged for unpacking.
    unpacked_bytes: u64,
}

impl<W: Write> Writer<W> {
    fn begin(mut out: W, readable_since: FormatVersion) -> io::Result<Self> {
        let header = Header { version: FormatVersion::CURRENT, readable_since };
        out.write_all(&header.to_bytes())?;
        Ok(Self { out, offset: HEADER_LENGTH, places: Vec::new(), packer: Packer::new()?, unpacked_bytes: 0 })
    }

    fn section(&mut self, kind: SectionKind, process: Option<u32>, payload: Vec<u8>) -> io::Result<()> {
        let unpacked_length = payload.len() as u64;
        let (stored, packing) = self.packer.pack(payload)?;
        let frame = Frame {
            kind: kind as u16,
            packing: packing as u16,
            process,
            stored_length: stored.len() as u64,
            unpacked_length,
            checksum: crc32fast::hash(&stored),
        };
        self.out.write_all(&frame.to_bytes())?;
        self.out.write_all(&stored)?;
        let place = Place { offset: self.offset, kind: frame.kind, process, stored_length: frame.stored_length };
        self.offset = place.end();
        self.unpacked_bytes += unpacked_length;
        self.places.push(place);
        Ok(())
    }

    /// Makes the file long enough to explain the memory of its reader; see `budget`.
    fn lengthen(&mut self, recording: &Recording) -> io::Result<()> {
        let needed_bytes = budget::weight_bytes(recording) + self.unpacked_bytes;
        let mut missing = budget::missing_length(needed_bytes, self.offset + FRAME_LENGTH + TRAILER_LENGTH);
        let zeros = vec![0; missing.min(1 << 20) as usize];
        while missing > 0 {
            let stored = &zeros[..missing.min(zeros.len() as u64) as usize];
            let frame = Frame {
                kind: SectionKind::Padding as u16,
                packing: Packing::Plain as u16,
                process: None,
                stored_length: stored.len() as u64,
                unpacked_length: stored.len() as u64,
                checksum: crc32fast::hash(stored),
            };
            self.out.write_all(&frame.to_bytes())?;
            self.out.write_all(stored)?;
            let place =
                Place { offset: self.offset, kind: frame.kind, process: None, stored_length: frame.stored_length };
            self.offset = place.end();
            self.places.push(place);
            missing -= stored.len() as u64;
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        let index_offset = self.offset;
        let payload = index::encode(&self.places);
        self.section(SectionKind::Index, None, payload)?;
        self.out.write_all(&frame::trailer(index_offset))?;
        self.out.flush()
    }
}
