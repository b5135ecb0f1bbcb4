//! Payloads made smaller, and back.
//!
//! zstd at level 3, measured on the payloads of 10⁶ sites with 3·10⁶ nodes (`examples/measure.rs`), 52.3 MB:
//!
//! ```text
//!                 packed       pack     unpack
//! zstd 1         29.3 MB      73 ms      43 ms
//! zstd 3         29.4 MB     106 ms      43 ms
//! zstd 9         29.1 MB     363 ms      39 ms
//! zstd 15        29.1 MB    1582 ms      39 ms
//! DEFLATE 1      29.8 MB     217 ms     140 ms    (miniz_oxide)
//! DEFLATE 6      29.5 MB    1745 ms     140 ms
//! LZ4            36.3 MB      41 ms      10 ms    (lz4_flex)
//! ```
//!
//! Columns and steps have taken most of the repetition already, so that the packers differ little in
//! size; zstd unpacks three times as fast as DEFLATE and packs better than LZ4 by a fifth. The road not
//! taken, DEFLATE in pure Rust, would spare the C compiler at build time, which Stanch needs anyway.

use std::io::{self, Read};

use super::budget::Budget;
use super::frame::Packing;
use super::wire::Malformed;

const LEVEL: i32 = 3;
/// Payloads below this gain nothing.
const WORTH_PACKING_BYTES: usize = 64;
/// No more than 8 MiB for the window, whatever a frame asks for; level 3 writes 2 MiB.
const WINDOW_LOG_MAX: u32 = 23;
const STEP_BYTES: usize = 64 << 10;

/// Packs one payload after the other.
pub(super) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
}

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { compressor: zstd::bulk::Compressor::new(LEVEL)? })
    }

    /// What to store for `payload`, and how it is packed.
    pub(super) fn pack(&mut self, payload: Vec<u8>) -> io::Result<(Vec<u8>, Packing)> {
        if payload.len() < WORTH_PACKING_BYTES {
            return Ok((payload, Packing::Plain));
        }
        let packed = self.compressor.compress(&payload)?;
        if packed.len() < payload.len() { Ok((packed, Packing::Zstd)) } else { Ok((payload, Packing::Plain)) }
    }
}

/// Undoes [`Packer::pack`]. Memory grows with what is really unpacked, never beyond `unpacked_length`
/// or `budget`, whatever the data claims.
pub(super) fn unpack(
    stored: Vec<u8>,
    packing: u16,
    unpacked_length: u64,
    budget: &mut Budget,
) -> Result<Vec<u8>, Malformed> {
    if packing == Packing::Plain as u16 {
        return if stored.len() as u64 == unpacked_length { Ok(stored) } else { Err(Malformed::Packing) };
    }
    if packing != Packing::Zstd as u16 {
        return Err(Malformed::Unknown("its packing"));
    }
    // Charged at once, so that what cannot fit is refused before any work.
    budget.bytes(usize::try_from(unpacked_length).map_err(|_| Malformed::OverBudget)?)?;
    let mut decoder = zstd::stream::Decoder::with_buffer(stored.as_slice()).map_err(|_| Malformed::Packing)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| Malformed::Packing)?;
    let mut limited = decoder.take(unpacked_length.saturating_add(1));
    let mut unpacked = Vec::new();
    loop {
        let known = unpacked.len();
        let step = STEP_BYTES.max(known / 2).min((unpacked_length + 1) as usize - known);
        unpacked.resize(known + step, 0);
        let added = limited.read(&mut unpacked[known..]).map_err(|_| Malformed::Packing)?;
        unpacked.truncate(known + added);
        if added == 0 || unpacked.len() as u64 > unpacked_length {
            break;
        }
    }
    if unpacked.len() as u64 == unpacked_length { Ok(unpacked) } else { Err(Malformed::Packing) }
}

#[cfg(test)]
mod tests {
    use super::{Packer, Packing, unpack};
    use crate::file::budget::Budget;
    use crate::file::wire::Malformed;

    #[test]
    fn payloads_round_trip() {
        let mut packer = Packer::new().unwrap();
        for payload in [vec![], vec![7; 10], vec![7; 300_000], (0..=255).cycle().take(70_000).collect()] {
            let (stored, packing) = packer.pack(payload.clone()).unwrap();
            let mut budget = Budget::of_file(stored.len() as u64);
            assert_eq!(unpack(stored, packing as u16, payload.len() as u64, &mut budget), Ok(payload));
        }
    }

    #[test]
    fn bombs_and_wrong_lengths_are_refused() {
        let (bomb, packing) = Packer::new().unwrap().pack(vec![0; 64 << 20]).unwrap();
        assert_eq!(packing, Packing::Zstd);
        let unpack_as = |length| unpack(bomb.clone(), 1, length, &mut Budget::of_file(bomb.len() as u64));
        assert_eq!(unpack_as(64 << 20), Err(Malformed::OverBudget));
        assert_eq!(unpack_as(u64::MAX), Err(Malformed::OverBudget));
        assert_eq!(unpack_as(1000), Err(Malformed::Packing));
        assert_eq!(unpack(bomb[..20].to_vec(), 1, 1000, &mut Budget::of_file(20)), Err(Malformed::Packing));
        assert_eq!(unpack(vec![1, 2], 0, 3, &mut Budget::of_file(2)), Err(Malformed::Packing));
        assert_eq!(unpack(vec![1, 2], 9, 2, &mut Budget::of_file(2)), Err(Malformed::Unknown("its packing")));
    }
}
