//! Text in ledger records: bytes packed into atomic words.
use core::sync::atomic::{AtomicU64, Ordering::*};

/// Stores as much of the text as fits; returns how many bytes.
pub(crate) fn store(words: &[AtomicU64], text: &[u8]) -> usize {
    let length = text.len().min(words.len() * 8);
    for (word, bytes) in words.iter().zip(text[..length].chunks(8)) {
        let mut packed = [0; 8];
        packed[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(packed), Relaxed);
    }
    length
}
