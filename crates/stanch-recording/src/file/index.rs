//! Where the sections of a file are: the index at its end, and the search that does without.
//!
//! ```text
//! index payload   unsigned number of sections, then columns: kind, process (0 whole tree, else 1 +
//!                 position), stored length
//! ```
//!
//! Offsets are not in it: sections lie side by side from the header on. An index that does not fit
//! its file exactly is not believed, and neither is one whose list would overlap.

use std::io::{self, Read, Seek, SeekFrom};

use super::budget::Budget;
use super::frame::{self, FRAME_LENGTH, Frame, HEADER_LENGTH, MARKER, SectionKind, TRAILER_LENGTH};
use super::pack;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::Loss;

/// A section that is somewhere in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) kind: u16,
    pub(super) process: Option<u32>,
    pub(super) stored_length: u64,
}

impl Place {
    pub(super) fn end(&self) -> u64 {
        self.offset + FRAME_LENGTH + self.stored_length
    }
}

pub(super) fn encode(places: &[Place]) -> Vec<u8> {
    let (mut kinds, mut processes, mut lengths) = (Encoder::new(), Encoder::new(), Encoder::new());
    for place in places {
        kinds.unsigned(u64::from(place.kind));
        processes.unsigned(place.process.map_or(0, |process| u64::from(process) + 1));
        lengths.unsigned(place.stored_length);
    }
    let mut payload = Encoder::new();
    payload.length(places.len());
    payload.column(kinds);
    payload.column(processes);
    payload.column(lengths);
    payload.finish()
}

/// The places in an index that must cover the file from its header to `end` without gap.
fn decode(payload: &[u8], end: u64) -> Result<Vec<Place>, Malformed> {
    let mut payload = Decoder::new(payload);
    let count = payload.count()?;
    let (mut kinds, mut processes, mut lengths) = (payload.column()?, payload.column()?, payload.column()?);
    let mut places = Vec::new();
    let mut offset = HEADER_LENGTH;
    for _ in 0..count {
        let process = match processes.unsigned()? {
            0 => None,
            position => Some(u32::try_from(position - 1).map_err(|_| Malformed::TooLarge)?),
        };
        let place = Place { offset, kind: kinds.u16()?, process, stored_length: lengths.unsigned()? };
        let room = end.checked_sub(offset + FRAME_LENGTH).ok_or(Malformed::OutOfRange("a section"))?;
        if room < place.stored_length {
            return Err(Malformed::OutOfRange("a section"));
        }
        offset = place.end();
        places.push(place);
    }
    if offset == end { Ok(places) } else { Err(Malformed::OutOfRange("its length")) }
}

/// All sections of a file of `length` bytes, by its index or by looking for them.
pub(super) fn find<R: Read + Seek>(input: &mut R, length: u64, losses: &mut Vec<Loss>) -> io::Result<Vec<Place>> {
    match from_index(input, length)? {
        Ok(places) => Ok(places),
        Err(why) => {
            losses.push(Loss {
                what: "the index of the recording, so that its end may be missing".to_owned(),
                why: format!("index {why}"),
            });
            scan(input, length, losses)
        }
    }
}

fn from_index<R: Read + Seek>(input: &mut R, length: u64) -> io::Result<Result<Vec<Place>, Malformed>> {
    if length < HEADER_LENGTH + FRAME_LENGTH + TRAILER_LENGTH {
        return Ok(Err(Malformed::Short));
    }
    let mut trailer = [0; TRAILER_LENGTH as usize];
    input.seek(SeekFrom::Start(length - TRAILER_LENGTH))?;
    input.read_exact(&mut trailer)?;
    let Some(offset) = frame::index_offset(&trailer) else { return Ok(Err(Malformed::Short)) };
    let place = Place { offset, kind: SectionKind::Index as u16, process: None, stored_length: 0 };
    let in_file = offset.checked_add(FRAME_LENGTH + TRAILER_LENGTH).is_some_and(|end| end <= length);
    if !in_file || offset < HEADER_LENGTH {
        return Ok(Err(Malformed::OutOfRange("its offset")));
    }
    let mut budget = Budget::of_file(length);
    Ok(match read_section(input, length, &place, &mut budget)? {
        Ok((_, payload)) => decode(&payload, offset),
        Err(why) => Err(why),
    })
}

/// Reads and unpacks the section at `place`, whose frame is in the file. The frame's own lengths count.
pub(super) fn read_section<R: Read + Seek>(
    input: &mut R,
    length: u64,
    place: &Place,
    budget: &mut Budget,
) -> io::Result<Result<(Frame, Vec<u8>), Malformed>> {
    let mut bytes = [0; FRAME_LENGTH as usize];
    input.seek(SeekFrom::Start(place.offset))?;
    input.read_exact(&mut bytes)?;
    let Some(frame) = Frame::from_bytes(&bytes).filter(|frame| frame.kind == place.kind) else {
        return Ok(Err(Malformed::Frame));
    };
    if length - place.offset - FRAME_LENGTH < frame.stored_length {
        return Ok(Err(Malformed::Short));
    }
    let mut stored = vec![0; frame.stored_length as usize];
    input.read_exact(&mut stored)?;
    if crc32fast::hash(&stored) != frame.checksum {
        return Ok(Err(Malformed::Checksum));
    }
    Ok(pack::unpack(stored, frame.packing, frame.unpacked_length, budget).map(|payload| (frame, payload)))
}

/// Goes from frame to frame, and where there is none, to the next marker that begins one. Linear.
fn scan<R: Read + Seek>(input: &mut R, length: u64, losses: &mut Vec<Loss>) -> io::Result<Vec<Place>> {
    let mut places = Vec::new();
    let mut offset = HEADER_LENGTH;
    while let Some((at, frame)) = next_frame(input, offset, length)? {
        if at > offset {
            losses.push(unreadable(offset, at));
        }
        if length - at - FRAME_LENGTH < frame.stored_length {
            losses.push(unreadable(at, length));
            // The length is true, so that nothing of ours can follow.
            return Ok(places);
        }
        let place = Place { offset: at, kind: frame.kind, process: frame.process, stored_length: frame.stored_length };
        offset = place.end();
        places.push(place);
    }
    if length.saturating_sub(offset) > TRAILER_LENGTH {
        losses.push(unreadable(offset, length));
    }
    Ok(places)
}

fn unreadable(from: u64, to: u64) -> Loss {
    Loss { what: format!("bytes {from} to {to} of the recording"), why: "they are damaged or cut off".to_owned() }
}

/// The first intact frame at or after `offset`.
fn next_frame<R: Read + Seek>(input: &mut R, offset: u64, length: u64) -> io::Result<Option<(u64, Frame)>> {
    const WINDOW_BYTES: u64 = 64 << 10;
    let mut from = offset;
    let mut window_length = FRAME_LENGTH;
    while length.saturating_sub(from) >= FRAME_LENGTH {
        let mut window = vec![0; window_length.min(length - from) as usize];
        input.seek(SeekFrom::Start(from))?;
        input.read_exact(&mut window)?;
        for (position, bytes) in window.windows(FRAME_LENGTH as usize).enumerate() {
            if bytes[..4] != MARKER {
                continue;
            }
            if let Some(frame) = bytes.first_chunk().and_then(Frame::from_bytes) {
                return Ok(Some((from + position as u64, frame)));
            }
        }
        from += window.len() as u64 - FRAME_LENGTH + 1;
        window_length = WINDOW_BYTES;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{Place, decode, encode};
    use crate::file::frame::HEADER_LENGTH;

    #[test]
    fn an_index_round_trips_and_must_fit() {
        let first = Place { offset: HEADER_LENGTH, kind: 1, process: None, stored_length: 100 };
        let second = Place { offset: first.end(), kind: 700, process: Some(0), stored_length: 0 };
        let payload = encode(&[first, second]);
        assert_eq!(decode(&payload, second.end()), Ok(vec![first, second]));
        assert!(decode(&payload, second.end() + 1).is_err());
        assert!(decode(&payload, second.end() - 1).is_err());
    }
}
