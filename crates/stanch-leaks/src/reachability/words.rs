//! Words of memory, one by one and by the piece.
use super::Memory;

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

/// A few words of a memory, by address.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Sorted by address.
    found: Vec<(u64, u64)>,
}

impl Words {
    /// Reads the words at these addresses. Neighbours are read together.
    pub(super) fn read(memory: &dyn Memory, mut addresses: Vec<u64>) -> Self {
        const WINDOW_BYTES: u64 = 64 << 10;
        addresses.retain(|address| address.is_multiple_of(8));
        addresses.sort_unstable();
        addresses.dedup();
        let mut found = Vec::with_capacity(addresses.len());
        let mut buffer = Vec::new();
        let mut addresses = addresses.into_iter().peekable();
        for (start, end) in memory.ranges() {
            while addresses.next_if(|address| *address < start).is_some() {}
            while let Some(first) = addresses.next_if(|address| *address < end) {
                let mut window = vec![first];
                while let Some(next) = addresses.next_if(|address| *address < end.min(first + WINDOW_BYTES)) {
                    window.push(next);
                }
                let last = window.last().copied().unwrap_or(first);
                buffer.resize((last - first + 8).min(end - first) as usize, 0);
                let count = memory.read(first, &mut buffer);
                let read = &buffer[..count];
                found.extend(window.into_iter().filter_map(|address| {
                    let word = read.get((address - first) as usize..)?.first_chunk()?;
                    Some((address, u64::from_le_bytes(*word)))
                }));
            }
        }
        Self { found }
    }

    /// The word at an address; 0 where there is none or it was not asked for.
    pub(super) fn at(&self, address: u64) -> u64 {
        let at = self.found.binary_search_by_key(&address, |(address, _)| *address);
        at.map_or(0, |at| self.found[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Captured, MemoryRange};
    use super::*;

    #[test]
    fn gaps_read_as_zero() {
        let bytes = [1_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat();
        let range = |start, bytes| MemoryRange { start, bytes };
        let memory = Captured(vec![range(16, &bytes), range(64, &bytes[..12]), range(1 << 40, &bytes)]);
        let asked: Vec<u64> = (0..12).map(|i| i * 8).chain([1 << 40, (1 << 40) + 8, 17, 1 << 50]).collect();
        let words = Words::read(&memory, asked);
        let read: Vec<u64> = (0..12).map(|i| words.at(i * 8)).collect();
        assert_eq!(read, [0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!((words.at(1 << 40), words.at((1 << 40) + 8), words.at(17), words.at(1 << 50)), (1, 2, 0, 0));
    }

    #[test]
    fn alignment() {
        assert_eq!(aligned(1, 24), (8, 24));
        assert_eq!(aligned(8, 23), (8, 16));
        assert_eq!(aligned(1, 7), (0, 0));
        assert_eq!(aligned(u64::MAX, u64::MAX), (!7, !7));
    }
}
