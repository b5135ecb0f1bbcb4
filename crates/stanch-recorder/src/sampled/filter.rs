//! Tells in a few instructions that a block is not sampled: one bit for each 512 bytes of address, repeating every
//! 64 MiB. A bit that is set says that some live sampled block has such an address.
//!
//! What counts is cache misses. One line of bits covers 256 KiB of heap, so the bits of what a program works with stay
//! in the first-level cache, which they would not with a bit for each block. Blocks that share a bit with a sampled one
//! are few: one in a thousand, with samples every 512 KiB, times the number of 64 MiB that are live. The hooks read the
//! bits in assembly; everything else is here.
use crate::map::SlowLock;
use core::sync::atomic::{AtomicU16, AtomicU32, Ordering::*};

/// Words of 32 bits.
pub(super) const WORDS: usize = 1 << 12;
/// Shift that makes an address the number of its bit.
pub(super) const BIT_SHIFT: u32 = 9;
/// Shift that makes an address the number of its word.
pub(super) const WORD_SHIFT: u32 = BIT_SHIFT + 5;

pub(super) static BITS: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];
/// Blocks behind each bit. A count that has reached its limit stays there: its bit is never cleared.
static COUNTS: [AtomicU16; WORDS * 32] = [const { AtomicU16::new(0) }; WORDS * 32];
static LOCK: AtomicU32 = AtomicU32::new(0);

fn index(address: usize) -> usize {
    address >> BIT_SHIFT & (WORDS * 32 - 1)
}

/// Marks a block, before anybody can release it.
pub(super) fn insert(address: usize) {
    let index = index(address);
    // A signal handler that interrupts an insertion cannot count: its bit stays.
    let lock = SlowLock::acquire(&LOCK);
    let count = &COUNTS[index];
    count.store(if lock.is_some() { count.load(Relaxed).saturating_add(1) } else { u16::MAX }, Relaxed);
    BITS[index / 32].fetch_or(1 << (index % 32), Release);
}

/// Unmarks a block that was marked.
pub(super) fn remove(address: usize) {
    let index = index(address);
    let Some(_lock) = SlowLock::acquire(&LOCK) else { return };
    let count = &COUNTS[index];
    match count.load(Relaxed) {
        0 | u16::MAX => {}
        1 => {
            count.store(0, Relaxed);
            BITS[index / 32].fetch_and(!(1 << (index % 32)), Release);
        }
        more => count.store(more - 1, Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_marked(address: usize) -> bool {
        BITS[index(address) / 32].load(Relaxed) >> (index(address) % 32) & 1 != 0
    }

    #[test]
    fn a_bit_is_set_as_long_as_a_block_needs_it() {
        let (one, same, other) = (0x7000_0010, 0x7000_0010 + (64 << 20), 0x7000_0210);
        assert!(!is_marked(one));
        insert(one);
        insert(same);
        assert!(is_marked(one) && is_marked(same) && !is_marked(other));
        remove(one);
        assert!(is_marked(same));
        remove(same);
        assert!(!is_marked(one) && !is_marked(same));
        remove(same);
        assert!(!is_marked(one));
    }

    #[test]
    fn a_full_count_stays() {
        let address = 0x1234_5600;
        (0..70_000).for_each(|_| insert(address));
        (0..70_000).for_each(|_| remove(address));
        assert!(is_marked(address));
    }
}
