//! Damaged files: flipped bits, cuts, foreign bytes, and files made to exhaust their reader.

use std::io::Cursor;

use memory::{ONE_AT_A_TIME, bounded};
use stanch_recording::{Loss, Recording, check, read, write};

mod common;
mod memory;

/// Reads bytes that may be anything; whatever comes of it must be usable and have its price.
fn read_hostile(bytes: &[u8]) -> Option<(Recording, Vec<Loss>)> {
    let result = bounded(2 * ((16 << 20) + 256 * bytes.len()), bytes.len(), || read(Cursor::new(bytes)).ok());
    if let Some((recording, _)) = &result {
        assert_eq!(check(recording), Ok(()));
    }
    result
}

fn small_file() -> (Recording, Vec<u8>) {
    let recording = common::recording(common::Scale { nodes: 500, sites: 150, addresses: 60 });
    let mut bytes = Vec::new();
    write(&recording, &mut bytes).unwrap();
    (recording, bytes)
}

#[test]
fn every_flipped_bit_is_noticed() {
    let _alone = ONE_AT_A_TIME.lock();
    let (recording, mut bytes) = small_file();
    let step = (bytes.len() * 8 / 8000).max(1);
    for bit in (0..bytes.len() * 8).step_by(step) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Some((read, losses)) = read_hostile(&bytes) {
            assert!(!losses.is_empty(), "nothing said of bit {bit}");
            let names_kept = read.processes.iter().any(|process| process.executable == "/usr/bin/server");
            let modules_kept = read.processes.iter().any(|process| process.modules == recording.processes[1].modules);
            assert!(names_kept || modules_kept, "bit {bit} cost more than one section");
        }
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_cut_file_yields_what_is_there() {
    let _alone = ONE_AT_A_TIME.lock();
    let (recording, bytes) = small_file();
    let mut most_nodes = 0;
    for length in (0..bytes.len()).step_by(3) {
        let Some((read, losses)) = read_hostile(&bytes[..length]) else {
            assert!(length < 20, "not even the header of {length} bytes was read");
            continue;
        };
        assert!(!losses.is_empty(), "nothing said of a cut at {length}");
        if let Some(process) = read.processes.get(1)
            && process.nodes == recording.processes[1].nodes
        {
            most_nodes += 1;
            assert_eq!(process.modules, recording.processes[1].modules);
        }
    }
    assert!(most_nodes > 500, "stacks were lost though they were in the file");
}

#[test]
fn bytes_missing_in_the_middle_cost_their_section() {
    let _alone = ONE_AT_A_TIME.lock();
    let (recording, bytes) = small_file();
    for at in (20..bytes.len() - 40).step_by(97) {
        let mut damaged = bytes.clone();
        damaged.drain(at..at + 13);
        let (read, losses) = read_hostile(&damaged).unwrap();
        assert!(!losses.is_empty() && read.processes.len() <= recording.processes.len());
        // Foreign bytes instead.
        let mut damaged = bytes.clone();
        let mut numbers = common::Numbers(at as u64);
        damaged[at..at + 40].fill_with(|| numbers.next() as u8);
        let (_, losses) = read_hostile(&damaged).unwrap();
        assert!(!losses.is_empty());
    }
}

/// A section as drawn in `src/file.rs`.
fn section(kind: u16, packing: u16, process: u32, unpacked_length: u64, stored: &[u8]) -> Vec<u8> {
    let mut bytes = b"STSC".to_vec();
    bytes.extend(kind.to_le_bytes());
    bytes.extend(packing.to_le_bytes());
    bytes.extend(process.to_le_bytes());
    bytes.extend((stored.len() as u64).to_le_bytes());
    bytes.extend(unpacked_length.to_le_bytes());
    bytes.extend(crc32fast::hash(stored).to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes.extend(stored);
    bytes
}

fn file_of(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"STANCHRC\x01\x00\x01\x00\x00\x00\x00\x00".to_vec();
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes.extend(sections.concat());
    bytes
}

fn plain(kind: u16, process: u32, payload: &[u8]) -> Vec<u8> {
    section(kind, 0, process, payload.len() as u64, payload)
}

#[test]
fn a_later_kind_of_section_is_skipped() {
    let _alone = ONE_AT_A_TIME.lock();
    let tree = plain(1, u32::MAX, b"\x031.0\x00\x07\x00\x00 and a field of the future");
    let (read, losses) = read_hostile(&file_of(&[plain(77, u32::MAX, b"news"), tree])).unwrap();
    assert_eq!((read.tool_version.as_str(), read.started_unix_ms), ("1.0", 7));
    assert!(losses.iter().any(|loss| loss.what == "a section of kind 77"), "{losses:?}");
}

#[test]
fn bombs_are_refused() {
    let _alone = ONE_AT_A_TIME.lock();
    let zeros = zstd::bulk::compress(&vec![0; 512 << 20], 1).unwrap();
    let bomb = section(5, 1, 0, 512 << 20, &zeros);
    assert!(!read_hostile(&file_of(std::slice::from_ref(&bomb))).unwrap().1.is_empty());
    let lying = section(5, 1, 0, u64::MAX, &zeros);
    assert!(!read_hostile(&file_of(&[lying])).unwrap().1.is_empty());
    // Each affordable, all together not.
    let megabytes = zstd::bulk::compress(&vec![0; 4 << 20], 1).unwrap();
    let many = vec![section(8, 1, 0, 4 << 20, &megabytes); 2000];
    assert!(!read_hostile(&file_of(&many)).unwrap().1.is_empty());
    // A long string that every frame names: 1 string of 60 000 bytes, 20 000 codes.
    let mut payload = vec![1, 3, 0xE0, 0xD4, 0x03, 0xE0, 0xD4, 0x03];
    payload.extend([b'x'; 60_000]);
    payload.extend([0xA0, 0x9C, 0x01]);
    for value in [0, 1, 0, 1, 1, 0, 0] {
        payload.extend([0xA0, 0x9C, 0x01]);
        payload.extend([value; 20_000]);
    }
    let (_, losses) = read_hostile(&file_of(&[plain(8, 0, &payload)])).unwrap();
    assert!(losses.iter().any(|loss| loss.why.contains("more memory")), "{losses:?}");
    // Lists said to be long.
    let mut facts = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for _ in 0..6 {
        facts.extend([0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
    }
    assert!(!read_hostile(&file_of(&[plain(2, 0, &facts)])).unwrap().1.is_empty());
}

/// Checksums keep chance out of the decoders, not malice: sections here have the right one.
#[test]
fn decoders_survive_any_payload() {
    let _alone = ONE_AT_A_TIME.lock();
    let (_, bytes) = small_file();
    let mut numbers = common::Numbers(7);
    let sections = unpacked_sections(&bytes);
    for _ in 0..4000 {
        let mut damaged = sections.clone();
        let (_, _, payload) = &mut damaged[numbers.below(sections.len())];
        for _ in 0..1 + numbers.below(3) {
            damage(payload, &mut numbers);
        }
        let framed: Vec<_> = damaged.iter().map(|(kind, process, payload)| plain(*kind, *process, payload)).collect();
        read_hostile(&file_of(&framed)).unwrap();
    }
}

fn damage(payload: &mut Vec<u8>, numbers: &mut common::Numbers) {
    if payload.is_empty() {
        return;
    }
    // The start of a payload holds its lengths.
    let reach = if numbers.below(2) == 0 { payload.len() } else { payload.len().min(12) };
    let at = numbers.below(reach);
    match numbers.below(5) {
        0 => payload.truncate(at),
        1 => payload[at] = 0xFF,
        2 => payload[at] ^= 1 << numbers.below(8),
        3 => payload.insert(at, numbers.next() as u8),
        _ => drop(payload.remove(at)),
    }
}

/// The kind, process and payload of every section but the index.
fn unpacked_sections(bytes: &[u8]) -> Vec<(u16, u32, Vec<u8>)> {
    let mut sections = Vec::new();
    let mut rest = &bytes[20..];
    while rest.starts_with(b"STSC") {
        let kind = u16::from_le_bytes([rest[4], rest[5]]);
        let process = u32::from_le_bytes([rest[8], rest[9], rest[10], rest[11]]);
        let stored_length = u64::from_le_bytes(rest[12..20].try_into().unwrap()) as usize;
        let stored = &rest[36..36 + stored_length];
        let payload = if rest[6] == 1 { zstd::decode_all(stored).unwrap() } else { stored.to_vec() };
        if kind != 9 {
            sections.push((kind, process, payload));
        }
        rest = &rest[36 + stored_length..];
    }
    sections
}
