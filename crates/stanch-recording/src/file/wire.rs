//! The primitives of all payloads.
//!
//! ```text
//! unsigned    7 bits a byte, lowest first, high bit set on all but the last    300 → AC 02
//! signed      unsigned of (n << 1) ^ (n >> 63)                                  −1 → 01
//! text        unsigned length in bytes, UTF-8                                 "ab" → 02 61 62
//! column      unsigned length in bytes, then that many bytes: one field of every entry of a list
//! ```
//!
//! Columns keep like with like, which packs better than entry after entry; a later version may append
//! columns, which older readers do not look at.

use super::budget::Budget;

/// Why a section cannot be used. Fits after "section at byte 12: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("ends before its contents do")]
    Short,
    #[error("holds a number that is too large")]
    TooLarge,
    #[error("holds text that is not UTF-8")]
    NotText,
    #[error("holds an unknown value for {0}")]
    Unknown(&'static str),
    #[error("holds {0} out of range")]
    OutOfRange(&'static str),
    #[error("its checksum differs")]
    Checksum,
    #[error("its frame is damaged")]
    Frame,
    #[error("cannot be unpacked")]
    Packing,
    #[error("needs more memory than the length of the file explains")]
    OverBudget,
}

/// Appends values to a payload.
#[derive(Default)]
pub(super) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(super) fn length(&mut self, value: usize) {
        self.unsigned(value as u64);
    }

    pub(super) fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)) as u64);
    }

    /// The way from one value to the next, wrapping around at the end of the range.
    pub(super) fn step(&mut self, from: u64, to: u64) {
        self.signed(to.wrapping_sub(from) as i64);
    }

    pub(super) fn blob(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    pub(super) fn texts(&mut self, texts: &[String]) {
        self.length(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    pub(super) fn column(&mut self, column: Encoder) {
        self.blob(&column.bytes);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes values off a payload.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    pub(super) fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for (position, &byte) in self.rest.iter().enumerate().take(10) {
            if position == 9 && byte > 1 {
                return Err(Malformed::TooLarge);
            }
            value |= u64::from(byte & 0x7F) << (7 * position);
            if byte < 0x80 {
                self.rest = &self.rest[position + 1..];
                return Ok(value);
            }
        }
        Err(Malformed::Short)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        let folded = self.unsigned()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// Undoes [`Encoder::step`].
    pub(super) fn step(&mut self, from: u64) -> Result<u64, Malformed> {
        Ok(from.wrapping_add(self.signed()? as u64))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.unsigned()?).map_err(|_| Malformed::TooLarge)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        u16::try_from(self.unsigned()?).map_err(|_| Malformed::TooLarge)
    }

    /// The length of a list each of whose entries takes at least one byte of `self`.
    pub(super) fn count(&mut self) -> Result<usize, Malformed> {
        let count = self.length()?;
        if count <= self.rest.len() { Ok(count) } else { Err(Malformed::Short) }
    }

    /// A length that nothing has been held against yet.
    pub(super) fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.unsigned()?).map_err(|_| Malformed::TooLarge)
    }

    pub(super) fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count()?;
        let (blob, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(blob)
    }

    /// Text that stays where it is.
    pub(super) fn text_here(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.blob()?).map_err(|_| Malformed::NotText)
    }

    pub(super) fn text(&mut self, budget: &mut Budget) -> Result<String, Malformed> {
        let text = self.text_here()?;
        budget.bytes(text.len())?;
        Ok(text.to_owned())
    }

    pub(super) fn texts(&mut self, budget: &mut Budget) -> Result<Vec<String>, Malformed> {
        let count = self.count()?;
        budget.entries::<String>(count)?;
        (0..count).map(|_| self.text(budget)).collect()
    }

    /// Bytes that were not taken yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn column(&mut self) -> Result<Self, Malformed> {
        Ok(Self { rest: self.blob()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Encoder, Malformed};

    #[test]
    fn numbers_round_trip_at_the_edges() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut encoder = Encoder::new();
            encoder.unsigned(value);
            encoder.signed(value as i64);
            encoder.step(77, value);
            let bytes = encoder.finish();
            let mut decoder = Decoder::new(&bytes);
            assert_eq!(decoder.unsigned(), Ok(value));
            assert_eq!(decoder.signed(), Ok(value as i64));
            assert_eq!(decoder.step(77), Ok(value));
            assert_eq!(decoder.unsigned(), Err(Malformed::Short));
        }
    }

    #[test]
    fn drawn_examples_hold() {
        let mut encoder = Encoder::new();
        encoder.unsigned(300);
        encoder.signed(-1);
        encoder.text("ab");
        assert_eq!(encoder.finish(), [0xAC, 0x02, 0x01, 0x02, 0x61, 0x62]);
    }

    #[test]
    fn overlong_numbers_and_lengths_are_refused() {
        assert_eq!(Decoder::new(&[0xFF; 10]).unsigned(), Err(Malformed::TooLarge));
        assert_eq!(Decoder::new(&[0xFF; 9]).unsigned(), Err(Malformed::Short));
        assert_eq!(Decoder::new(&[0x05, 0x00]).blob(), Err(Malformed::Short));
        assert_eq!(Decoder::new(&[0x01, 0xFF]).text_here(), Err(Malformed::NotText));
    }
}
