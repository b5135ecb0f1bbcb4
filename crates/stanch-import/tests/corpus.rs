//! Files that tools wrote, whole and damaged.
//!
//! The whole ones are read for what they say. Then each is mutated (cut, bits flipped, pieces moved and mixed with
//! those of other files) from a fixed seed. A reader must not panic, must yield a consistent recording, and must not
//! take more memory than the file explains. `STANCH_FUZZ_SECONDS` says for how long; a few by default.

#[path = "../../stanch-recording/tests/memory/mod.rs"]
mod memory;
mod numbers;

use memory::{ONE_AT_A_TIME, bounded};
use numbers::Numbers;
use stanch_import::{ImportError, Imported, SourceKind, read, settle};
use stanch_recording::{Class, Process, Recording, check};
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// Every file, what it is, and its live bytes and blocks: what `leaks.cc` says, in jemalloc's size classes for its.
const FILES: [(&str, SourceKind, u64, u64); 8] = [
    ("leaks.heaptrack.zst", SourceKind::Heaptrack, 452, 7),
    ("leaks.heaptrack.raw.zst", SourceKind::HeaptrackRaw, 452, 7),
    ("leaks.jemalloc.heap", SourceKind::Jemalloc, 82_424, 8),
    ("leaks.tcmalloc.heap", SourceKind::HeapProfile, 452, 7),
    ("leaks.valgrind.xml", SourceKind::Valgrind, 452, 7),
    ("leaks.lsan.txt", SourceKind::LeakSanitizer, 452, 7),
    ("grow.go.pb.gz", SourceKind::Pprof, 1_028_384, 106),
    ("grow.go.txt", SourceKind::HeapProfile, 1_028_384, 106),
];

/// Our own recording of the same program: its reader is held to the same rules.
const RECORDING: &str = "leaks.recording";

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    fs::read(folder.join(name)).expect("the corpus is complete")
}

fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let mut imported = read(bytes, bytes.len() as u64, &|_| None)?;
    settle(&mut imported.recording);
    Ok(imported)
}

/// As the command reads a file: a recording, or else something of another tool's.
fn read_any(bytes: &[u8]) -> Result<Recording, ImportError> {
    match stanch_recording::read(Cursor::new(bytes)) {
        Ok((mut recording, losses)) => {
            recording.losses.extend(losses);
            Ok(recording)
        }
        Err(_) => import(bytes).map(|imported| imported.recording),
    }
}

/// Bytes and blocks of the last snapshot, as far as `wanted`.
fn live(process: &Process, wanted: impl Fn(Class) -> bool) -> (u64, u64) {
    let groups = process.snapshots.last().map_or(&[][..], |snapshot| &snapshot.groups);
    let groups = groups.iter().filter(|group| wanted(group.class));
    groups.fold((0, 0), |(bytes, blocks), group| (bytes + group.bytes, blocks + group.blocks))
}

#[test]
fn whole_files_say_what_the_program_did() {
    let _alone = ONE_AT_A_TIME.lock();
    for (name, kind, bytes, blocks) in FILES {
        let imported = import(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(imported.kind, kind, "{name}");
        assert_eq!(imported.recording.losses, [], "{name}");
        let [process] = &imported.recording.processes[..] else { panic!("{name}: one process") };
        assert_eq!(live(process, |_| true), (bytes, blocks), "{name}");
        assert_eq!(check(&imported.recording), Ok(()), "{name}");
    }
}

#[test]
fn kinds_of_loss_and_wrong_frees_are_kept() {
    let _alone = ONE_AT_A_TIME.lock();
    for name in ["leaks.valgrind.xml", "leaks.lsan.txt"] {
        let imported = import(&file(name)).expect(name);
        let process = &imported.recording.processes[0];
        assert_eq!(live(process, |class| class == Class::DefinitelyLost), (404, 6), "{name}");
        assert_eq!(live(process, |class| class == Class::IndirectlyLost), (48, 1), "{name}");
    }
    let imported = import(&file("leaks.valgrind.xml")).expect("it is whole");
    let [misuse] = &imported.recording.processes[0].misuses[..] else { panic!("one wrong free") };
    assert_eq!((misuse.freed_by.as_str(), misuse.bytes, misuse.count), ("free", 7, 1));
    assert_eq!(misuse.allocator.name(), "operator new[]");
}

#[test]
fn other_files_are_refused_with_a_reason() {
    let _alone = ONE_AT_A_TIME.lock();
    let refusal = |bytes: &[u8]| import(bytes).expect_err("it is no such file").to_string();
    for unknown in [&b""[..], b"hello\n", b"\x7fELF\x02\x01\x01", b"<html></html>", &[0; 4096], b"{}"] {
        assert_eq!(refusal(unknown), "not a file of a known kind");
    }
    let cut = &file("leaks.heaptrack.zst")[..300];
    assert!(refusal(cut).starts_with("nothing can be read of it: the packed data is damaged or cut off"));
    // A profile of time: sample type `cpu`, unit `nanoseconds`.
    let cpu = b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x03cpu\x32\x0bnanoseconds";
    assert_eq!(refusal(cpu), "it is a profile of cpu, not of memory");
}

#[test]
fn a_cut_file_yields_what_is_there_and_says_so() {
    let _alone = ONE_AT_A_TIME.lock();
    for (name, _, all_bytes, _) in FILES {
        // A small file is one block of zstd, of which a part is nothing.
        let bytes = if name.ends_with(".zst") { unpacked(name) } else { file(name) };
        let cut = &bytes[..bytes.len() * 3 / 4];
        let recording = read_hostile(cut).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!recording.losses.is_empty(), "{name}: nothing said of the cut");
        let bytes_left: u64 = recording.processes.iter().map(|process| live(process, |_| true).0).sum();
        assert!(0 < bytes_left, "{name}: nothing of {all_bytes} bytes is left");
    }
}

#[test]
fn a_small_file_cannot_ask_for_much_memory() {
    let _alone = ONE_AT_A_TIME.lock();
    let pack = |text: &[u8]| zstd::encode_all(text, 19).expect("memory is there");
    let many = |line: &str, count: usize| line.repeat(count);
    let heaptrack = format!("v 10400 3\ns 4 main\n{}", many("i 0 0 1 0 0\nt 1 0\na 8 1\n+ 0\n", 500_000));
    let notes = measured(&pack(heaptrack.as_bytes()));
    assert!(notes.iter().any(|note| note.contains("describes more")), "{notes:?}");
    let raw = format!(
        "v 10400 3\nx a /tmp/hts/a\nt 1 0\n{}",
        (0..500_000).fold(String::new(), |mut text, pointer| {
            text += &format!("+ 8 1 {pointer:x}\n");
            text
        })
    );
    measured(&pack(raw.as_bytes()));
    let xml = format!("<?xml version=\"1.0\"?>\n<valgrindoutput><!-- {} -->", many("<", 30_000_000));
    measured(&pack(xml.as_bytes()));
    let nested = format!("<?xml version=\"1.0\"?>\n<valgrindoutput>{}", many("<a>", 2_000_000));
    measured(&pack(nested.as_bytes()));
    measured(&pack(format!("heap_v2/1\n{}", many("@ 0x1 0x2\n", 2_000_000)).as_bytes()));
    measured(&pack(format!("==1==ERROR: LeakSanitizer: detected memory leaks\n{}", many("a", 30_000_000)).as_bytes()));
    let mut profile = b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x05space\x32\x05bytes".to_vec();
    profile.extend(many("\x12\x00", 10_000_000).into_bytes());
    measured(&pack(&profile));
    profile.truncate(27);
    profile.extend([0x12, 0x80, 0x80, 0x80, 0x10]);
    profile.extend(many("\x1a\x00", 16 << 20).into_bytes());
    measured(&pack(&profile));
}

/// What the losses say, of a file that is packed very well.
fn measured(packed: &[u8]) -> Vec<String> {
    assert!(packed.len() < 500_000, "{} bytes are no small file", packed.len());
    match read_hostile(packed) {
        Ok(recording) => recording.losses.iter().map(|loss| loss.why.clone()).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// Reads bytes that may be anything; whatever comes of it must be usable and have its price.
fn read_hostile(bytes: &[u8]) -> Result<Recording, ImportError> {
    let result = bounded(2 * ((16 << 20) + 256 * bytes.len()), bytes.len(), || read_any(bytes));
    if let Ok(recording) = &result {
        assert_eq!(check(recording), Ok(()));
    }
    result
}

/// What is packed in a file of the corpus.
fn unpacked(name: &str) -> Vec<u8> {
    let bytes = file(name);
    if name.ends_with(".zst") {
        return zstd::decode_all(&bytes[..]).expect("it is whole");
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).expect("it is whole");
    unpacked
}

/// The corpus packed and unpacked: damage to packed bytes seldom gets past the unpacker.
fn corpus() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for (name, ..) in FILES {
        if name.ends_with(".zst") || name.ends_with(".gz") {
            files.push(unpacked(name));
        }
        files.push(file(name));
    }
    files.push(file(RECORDING));
    files
}

fn mutate(bytes: &[u8], others: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let end = (at + numbers.below(64)).min(bytes.len());
        match numbers.below(8) {
            0 => bytes.truncate(at),
            1 | 2 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            3 if at < bytes.len() => bytes[at] = [0, 0x7f, 0xff, b'9', b'\n', b'<', b' ', b'-'][numbers.below(8)],
            4 => drop(bytes.drain(at..end)),
            5 => {
                let piece = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            6 => {
                let other = &others[numbers.below(others.len())];
                let from = numbers.below(other.len());
                let piece = other[from..(from + numbers.below(200)).min(other.len())].to_vec();
                bytes.splice(at..end, piece);
            }
            _ => {
                // Numbers are where readers go wrong: one digit becomes many.
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    let digits = vec![b'9'; 1 + numbers.below(30)];
                    bytes.splice(at + digit..=at + digit, digits);
                }
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_are_read_as_far_as_they_are_sound() {
    let _alone = ONE_AT_A_TIME.lock();
    let seconds = std::env::var("STANCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let corpus = corpus();
    let mut numbers = Numbers(1);
    let (start, mut count, mut read_count) = (Instant::now(), 0_u64, 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        let whole = &corpus[numbers.below(corpus.len())];
        let damaged = mutate(whole, &corpus, &mut numbers);
        let result = std::panic::catch_unwind(|| read_hostile(&damaged).is_ok());
        let Ok(is_read) = result else {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("import-that-failed");
            fs::write(&path, &damaged).expect("cargo's own folder can be written");
            panic!("file {count} failed and lies in {}", path.display());
        };
        (count, read_count) = (count + 1, read_count + u64::from(is_read));
    }
    assert!(count / 4 < read_count && 100 < count, "{read_count} of {count} files were read: too few to learn from");
}
