//! One live block in 8 bytes.
//!
//! ```text
//! bit 63        40 39        17 16      5 4    1 0
//!     site (24)    size (23)    birth (12) kind(4) address bit 4
//! ```
//! A size of 2²³-1 bytes or more is written as all ones; the size itself then stands in the next slot,
//! which such a block owns as well.
use crate::BirthCode;

/// Sizes from here on stand in the next slot.
pub const LARGE_BYTES: u64 = (1 << 23) - 1;
/// Site of blocks that a forked child inherited.
pub const INHERITED_SITE: u32 = 1;
/// First number given to a real site; there are at most 2²⁴ of them.
pub const FIRST_SITE: u32 = 2;

/// Which function allocated the block. Numbers are part of the ledger's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlockKind {
    /// The parent allocated it before the fork.
    Inherited = 0,
    /// `malloc`
    Malloc = 1,
    /// `calloc`
    Calloc = 2,
    /// `realloc`, `reallocarray`
    Realloc = 3,
    /// `memalign`, `aligned_alloc`, `posix_memalign`, `valloc`, `pvalloc`
    Memalign = 4,
    /// `operator new`
    New = 5,
    /// `operator new[]`
    NewArray = 6,
    /// `operator new` with an alignment
    NewAligned = 7,
    /// `operator new[]` with an alignment
    NewArrayAligned = 8,
    /// anonymous `mmap` (in the mapping table only)
    Mmap = 9,
    /// growth of the program break by the program itself (in the mapping table only)
    Brk = 10,
    /// Freed: a tombstone that says whose block was here last.
    Freed = 15,
}

impl BlockKind {
    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Inherited,
            1 => Self::Malloc,
            2 => Self::Calloc,
            3 => Self::Realloc,
            4 => Self::Memalign,
            5 => Self::New,
            6 => Self::NewArray,
            7 => Self::NewAligned,
            8 => Self::NewArrayAligned,
            9 => Self::Mmap,
            10 => Self::Brk,
            15 => Self::Freed,
            _ => return None,
        })
    }
}

/// The encoded description of one block; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub u64);

impl Slot {
    /// Describes a block at `address` of `bytes` bytes.
    #[inline]
    pub const fn new(address: u64, bytes: u64, kind: BlockKind, birth: BirthCode, site: u32) -> Self {
        let size = if bytes < LARGE_BYTES { bytes } else { LARGE_BYTES };
        Self(
            (site as u64) << 40
                | size << 17
                | ((birth.0 & 0xfff) as u64) << 5
                | (kind as u64) << 1
                | (address >> 4 & 1),
        )
    }

    /// True where no block was ever described.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where the block is live.
    #[inline]
    pub const fn is_live(self) -> bool {
        self.0 != 0 && self.0 >> 1 & 15 != BlockKind::Freed as u64
    }

    /// The same block after its release. Its kind takes the place of its birth time.
    #[inline]
    pub const fn freed(self) -> Self {
        let kind = self.0 >> 1 & 15;
        Self(self.0 & !(0xfff << 5) | kind << 5 | (BlockKind::Freed as u64) << 1)
    }

    /// Which function allocated the block, also where it is freed.
    pub const fn allocated_by(self) -> Option<BlockKind> {
        let shift = if self.is_live() { 1 } else { 5 };
        BlockKind::from_number((self.0 >> shift & 15) as u8)
    }

    /// The block's site.
    #[inline]
    pub const fn site(self) -> u32 {
        (self.0 >> 40) as u32
    }

    /// Requested size in bytes; `LARGE_BYTES` says that it stands in the next slot.
    #[inline]
    pub const fn bytes(self) -> u64 {
        self.0 >> 17 & LARGE_BYTES
    }

    /// Which function allocated it; `None` for a number that no writer writes.
    #[inline]
    pub const fn kind(self) -> Option<BlockKind> {
        BlockKind::from_number((self.0 >> 1 & 15) as u8)
    }

    /// Birth time.
    #[inline]
    pub const fn birth(self) -> BirthCode {
        BirthCode((self.0 >> 5 & 0xfff) as u16)
    }

    /// The block's address, given that of its granule.
    #[inline]
    pub const fn address(self, granule_address: u64) -> u64 {
        granule_address | (self.0 & 1) << 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let slot = Slot::new(0x7f00_1234_5650, 4711, BlockKind::NewArray, BirthCode::from_ms(99), 0xab_cdef);
        assert!(slot.is_live());
        assert_eq!(slot.site(), 0xab_cdef);
        assert_eq!(slot.bytes(), 4711);
        assert_eq!(slot.kind(), Some(BlockKind::NewArray));
        assert_eq!(slot.birth().ms(), 99);
        assert_eq!(slot.address(0x7f00_1234_5640), 0x7f00_1234_5650);
        let freed = slot.freed();
        assert!(!freed.is_live() && !freed.is_empty());
        assert_eq!((freed.site(), freed.bytes()), (slot.site(), slot.bytes()));
        assert_eq!((freed.allocated_by(), slot.allocated_by()), (Some(BlockKind::NewArray), Some(BlockKind::NewArray)));
        assert_eq!(Slot::new(0, 1 << 30, BlockKind::Malloc, BirthCode(0), 2).bytes(), LARGE_BYTES);
    }
}
