//! Whatever is in a file, it is answered, and soon.
mod common;

use common::*;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest time for one broken file with all its addresses; a sound one takes a millisecond.
const PATIENCE: Duration = Duration::from_secs(5);

/// A small generator of numbers that are the same in every run (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

fn check(path: &Path, bytes: &[u8], addresses: &[u64]) {
    fs::write(path, bytes).unwrap();
    let started = Instant::now();
    assert!(resolve_all(path, addresses).iter().all(|frames| !frames.is_empty()));
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

/// Sound files with as many forms of debug information as there are.
fn sound_files(workshop: &Workshop) -> Vec<(Vec<u8>, Vec<u64>)> {
    let plain = workshop.compile("program.cpp", CPP, "plain", &["-g", "-O2"]);
    let old = workshop.c("old", &["-gdwarf-4"]);
    let stripped = workshop.c("stripped", &["-s"]);
    let mut files = vec![plain.clone(), old, stripped];
    for format in ["zlib", "zstd"] {
        let option = format!("--compress-debug-sections={format}");
        run("objcopy", &[&option, plain.to_str().unwrap(), &workshop.text(format)]);
        files.push(workshop.path(format));
    }
    let mini = workshop.text("mini");
    run("objcopy", &["--strip-debug", plain.to_str().unwrap(), &mini]);
    run("xz", &["-k", &mini]);
    let section = format!(".gnu_debugdata={mini}.xz");
    run("objcopy", &["--strip-all", "--add-section", &section, plain.to_str().unwrap(), &workshop.text("xz")]);
    files.push(workshop.path("xz"));
    let with_addresses = files.iter().map(|path| {
        let mut addresses = return_addresses(path, "");
        addresses.truncate(40);
        addresses.extend([0, 1, u64::MAX]);
        (fs::read(path).unwrap(), addresses)
    });
    with_addresses.collect()
}

#[test]
fn truncated_files() {
    let workshop = Workshop::new();
    for (bytes, addresses) in sound_files(&workshop) {
        for part in 0..60 {
            check(&workshop.path("broken"), &bytes[..bytes.len() * part / 60], &addresses);
        }
    }
}

#[test]
fn flipped_bits() {
    let workshop = Workshop::new();
    let mut numbers = Numbers(0x5EED);
    for (bytes, addresses) in sound_files(&workshop) {
        for round in 0..150 {
            let mut broken = bytes.clone();
            // A few flips leave most of it readable, many break everything.
            for _ in 0..[1, 4, 32, 512][round % 4] {
                let at = numbers.below(broken.len());
                broken[at] ^= 1 << numbers.below(8);
            }
            check(&workshop.path("broken"), &broken, &addresses);
        }
        // Headers and section headers, where each bit counts.
        for round in 0..150 {
            let mut broken = bytes.clone();
            let table = usize::from_le_bytes(bytes[0x28..0x30].try_into().unwrap());
            let at = if round % 3 == 0 { numbers.below(64) } else { table + numbers.below(bytes.len() - table) };
            broken[at] ^= 1 << numbers.below(8);
            check(&workshop.path("broken"), &broken, &addresses);
        }
    }
}
