//! The contents of the captured process.
use super::MemoryRange;

/// Captured memory, found by address.
#[derive(Clone, Copy)]
pub(super) struct Memory<'a> {
    ranges: &'a [MemoryRange<'a>],
}

impl<'a> Memory<'a> {
    pub(super) fn new(ranges: &'a [MemoryRange<'a>]) -> Self {
        Self { ranges }
    }

    /// The bytes from `start` up to `end`, as far as one range holds them without a gap; empty where `start` was not
    /// captured. `hint` remembers the range for the next call.
    #[inline]
    pub(super) fn prefix(&self, start: u64, end: u64, hint: &mut usize) -> &'a [u8] {
        let offset = match self.ranges.get(*hint) {
            Some(range) if start.wrapping_sub(range.start) < range.bytes.len() as u64 => start - range.start,
            _ => {
                *hint = self.ranges.partition_point(|range| range.start <= start).saturating_sub(1);
                match self.ranges.get(*hint) {
                    Some(range) if start.wrapping_sub(range.start) < range.bytes.len() as u64 => start - range.start,
                    _ => return &[],
                }
            }
        };
        let rest = &self.ranges[*hint].bytes[offset as usize..];
        &rest[..rest.len().min(end.saturating_sub(start) as usize)]
    }

    /// The pieces of `start..end` that were captured, with their addresses.
    pub(super) fn pieces(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let first = self.ranges.partition_point(|range| range.start.saturating_add(range.bytes.len() as u64) <= start);
        self.ranges[first..].iter().take_while(move |range| range.start < end).map(move |range| {
            let skip = start.saturating_sub(range.start);
            let stop = (end - range.start).min(range.bytes.len() as u64);
            (range.start + skip, &range.bytes[skip as usize..stop as usize])
        })
    }

    /// The word at an address that is a multiple of 8; 0 where it was not captured.
    pub(super) fn word(&self, address: u64) -> u64 {
        words(self.prefix(address, address.saturating_add(8), &mut 0)).next().unwrap_or(0)
    }
}

/// The whole words of some bytes that begin at a multiple of 8.
#[inline]
pub(super) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word))
}

/// The smallest span of whole, aligned words in `start..end`.
#[inline]
pub(super) fn aligned(start: u64, end: u64) -> (u64, u64) {
    let end = end & !7;
    (start.checked_next_multiple_of(8).unwrap_or(end).min(end), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_read_as_zero() {
        let bytes = [1_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat();
        let ranges = [MemoryRange { start: 16, bytes: &bytes }, MemoryRange { start: 64, bytes: &bytes }];
        let memory = Memory::new(&ranges);
        let read: Vec<u64> = (0..12).map(|i| memory.word(i * 8)).collect();
        assert_eq!(read, [0, 0, 1, 2, 0, 0, 0, 0, 1, 2, 0, 0]);
        let pieces: Vec<(u64, usize)> = memory.pieces(24, 72).map(|(at, bytes)| (at, bytes.len())).collect();
        assert_eq!(pieces, [(24, 8), (64, 8)]);
        assert_eq!(memory.prefix(24, 72, &mut 7).len(), 8);
    }

    #[test]
    fn alignment() {
        assert_eq!(aligned(1, 24), (8, 24));
        assert_eq!(aligned(8, 23), (8, 16));
        assert_eq!(aligned(1, 7), (0, 0));
        assert_eq!(aligned(u64::MAX, u64::MAX), (!7, !7));
    }
}
