//! From an address to the block that may contain it, in three loads and without a search.
//!
//! ```text
//! address   ├────── region ──────┼─ stripe (11 bits) ─┼─ granule (6 bits) ─┼─ within the granule ─┤
//!
//! slots     hash of the regions that hold blocks ──▶ a leaf of stripes, or "all inside block k"
//! stripes   for 64 granules: a bit where a block starts, and how many blocks start before the stripe
//! ```
//!
//! The granule is the largest power of two of which every block's start is a multiple: 16 bytes for nearly every
//! allocator, which makes a stripe 1 KiB and a region 2 MiB. So no granule holds two starts, and a start is the first
//! address of its granule: the blocks before an address are the stripe's count plus the bits set up to the address's
//! granule. The index costs 16 bytes a stripe, 1.6 % of the address range that blocks are spread over.
use super::BlockRange;

/// Stripes in a region, as a power of two.
const STRIPE_BITS: u32 = 11;
/// Granules in a stripe, as a power of two: the bits of a word.
const GRANULE_BITS: u32 = 6;
/// The largest granule, as a power of two: where all blocks are page-aligned there are few of them.
const GRANULE_SHIFT_MAX: u32 = 12;
/// Set in [`Slot::leaf`] where no block starts in the region; the other bits are then the block that covers it.
const INSIDE: u32 = 1 << 31;
/// [`Slot::leaf`] of an unused slot.
const UNUSED: u32 = u32::MAX;
/// A block is followed over so many regions (2 TiB of 2 MiB regions), so that a corrupt size cannot exhaust memory.
const REGIONS_PER_BLOCK_MAX: u64 = 1 << 20;

/// The answer of [`PointerIndex::lookup`] where there is no block at or before the address.
pub(super) const NO_BLOCK: u32 = u32::MAX;

/// Where blocks start in 64 granules.
#[derive(Clone, Copy, Default)]
struct Stripe {
    /// Bit `i` is set where a block starts in granule `i`.
    starts: u64,
    /// Blocks that start before this stripe.
    before: u32,
}

/// One entry of the hash of regions.
#[derive(Clone, Copy)]
struct Slot {
    region: u64,
    leaf: u32,
}

/// Finds blocks by address.
pub(super) struct PointerIndex {
    lowest: u64,
    extent: u64,
    granule_shift: u32,
    slots: Vec<Slot>,
    slot_shift: u32,
    stripes: Vec<Stripe>,
}

impl PointerIndex {
    /// Indexes sorted, disjoint blocks.
    pub(super) fn build(blocks: &[BlockRange]) -> Self {
        assert!(blocks.len() < INSIDE as usize, "more blocks than the index can number");
        let granule_shift = granule_shift(blocks);
        let (regions, mut stripes) = fill_regions(blocks, granule_shift);
        count_before(&mut stripes);
        let (slots, slot_shift) = hash_regions(&regions);
        let lowest = blocks.first().map_or(1, |block| block.start);
        let highest = blocks.iter().map(|block| block.last_pointer()).max().unwrap_or(0);
        Self { lowest, extent: highest.wrapping_sub(lowest), granule_shift, slots, slot_shift, stripes }
    }

    /// False where the word cannot be a pointer into any block.
    #[inline]
    pub(super) fn may_point(&self, word: u64) -> bool {
        word.wrapping_sub(self.lowest) <= self.extent
    }

    /// The last block that starts at or before the address. Whether it extends to the address is for the caller to
    /// check.
    #[inline]
    pub(super) fn lookup(&self, address: u64) -> Found {
        let leaf = self.leaf(address >> (self.granule_shift + GRANULE_BITS + STRIPE_BITS));
        if leaf & INSIDE != 0 {
            let block = if leaf == UNUSED { NO_BLOCK } else { leaf & !INSIDE };
            return Found { block, is_start: false };
        }
        let in_leaf = (address >> (self.granule_shift + GRANULE_BITS)) as usize & ((1 << STRIPE_BITS) - 1);
        let stripe = self.stripes[(leaf as usize) << STRIPE_BITS | in_leaf];
        let granule = (address >> self.granule_shift) as u32 & 63;
        let up_to_here = stripe.starts & (u64::MAX >> (63 - granule));
        let starts_here = up_to_here >> granule != 0 && address & ((1 << self.granule_shift) - 1) == 0;
        Found { block: (stripe.before + up_to_here.count_ones()).wrapping_sub(1), is_start: starts_here }
    }

    #[inline]
    fn leaf(&self, region: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = slot_of(region, self.slot_shift);
        loop {
            let slot = self.slots[at & mask];
            if slot.region == region || slot.leaf == UNUSED {
                return slot.leaf;
            }
            at += 1;
        }
    }
}

/// A block that may contain an address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// The last block that starts at or before the address, or [`NO_BLOCK`].
    pub(super) block: u32,
    /// True where it starts there.
    pub(super) is_start: bool,
}

/// Fibonacci hashing: consecutive regions, the usual case, spread evenly.
#[inline]
fn slot_of(region: u64, slot_shift: u32) -> usize {
    (region.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> slot_shift) as usize
}

/// The largest granule of which every start is a multiple.
fn granule_shift(blocks: &[BlockRange]) -> u32 {
    let bits = blocks.iter().fold(0, |bits, block| bits | block.start);
    bits.trailing_zeros().min(GRANULE_SHIFT_MAX)
}

/// The regions in order of address with their leaves, and the stripes with their bits.
fn fill_regions(blocks: &[BlockRange], granule_shift: u32) -> (Vec<Slot>, Vec<Stripe>) {
    let region_shift = granule_shift + GRANULE_BITS + STRIPE_BITS;
    let mut regions: Vec<Slot> = Vec::new();
    let mut stripes: Vec<Stripe> = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let region = block.start >> region_shift;
        if regions.last().is_none_or(|last| last.region != region || last.leaf & INSIDE != 0) {
            regions.pop_if(|last| last.region == region);
            regions.push(Slot { region, leaf: (stripes.len() >> STRIPE_BITS) as u32 });
            stripes.resize(stripes.len() + (1 << STRIPE_BITS), Stripe::default());
        }
        let leaf_base = stripes.len() - (1 << STRIPE_BITS);
        let in_leaf = (block.start >> (granule_shift + GRANULE_BITS)) as usize & ((1 << STRIPE_BITS) - 1);
        stripes[leaf_base + in_leaf].starts |= 1 << ((block.start >> granule_shift) & 63);

        let last_region = block.last_pointer() >> region_shift;
        let covered = last_region.saturating_sub(region).min(REGIONS_PER_BLOCK_MAX);
        regions.extend((1..=covered).map(|i| Slot { region: region + i, leaf: INSIDE | number as u32 }));
    }
    (regions, stripes)
}

/// Leaves are in the order of address, so one running count serves them all.
fn count_before(stripes: &mut [Stripe]) {
    let mut before = 0;
    for stripe in stripes {
        stripe.before = before;
        before += stripe.starts.count_ones();
    }
}

fn hash_regions(regions: &[Slot]) -> (Vec<Slot>, u32) {
    let len = (regions.len() * 2).next_power_of_two().max(2);
    let slot_shift = 64 - len.ilog2();
    let mut slots = vec![Slot { region: 0, leaf: UNUSED }; len];
    for region in regions {
        let mut at = slot_of(region.region, slot_shift);
        while slots[at & (len - 1)].leaf != UNUSED {
            at += 1;
        }
        slots[at & (len - 1)] = *region;
    }
    (slots, slot_shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(blocks: &[(u64, u64)], lookups: &[(u64, Option<u32>)]) {
        let blocks: Vec<_> = blocks.iter().map(|&(start, bytes)| BlockRange { start, bytes }).collect();
        let index = PointerIndex::build(&blocks);
        for &(address, expected) in lookups {
            let Found { block: found, is_start } = index.lookup(address);
            let found = (index.may_point(address) && found != NO_BLOCK).then_some(found);
            assert_eq!(is_start, found.is_some_and(|k| blocks[k as usize].start == address), "{address:#x}");
            let found = found.filter(|&k| address <= blocks[k as usize].last_pointer());
            assert_eq!(found, expected, "{address:#x}");
        }
    }

    #[test]
    fn no_blocks() {
        check(&[], &[(0, None), (1, None), (u64::MAX, None)]);
    }

    #[test]
    fn neighbours_at_every_distance() {
        check(
            &[(0x1000, 24), (0x1020, 24), (0x1050, 8)],
            &[
                (0xfff, None),
                (0x1000, Some(0)),
                (0x1018, Some(0)),
                (0x1019, None),
                (0x1020, Some(1)),
                (0x1041, None),
                (0x1060, Some(2)),
            ],
        );
        check(&[(0x1000, 8), (0x1008, 8)], &[(0x1007, Some(0)), (0x1008, Some(1)), (0x1010, Some(1))]);
        check(&[(0x1001, 1), (0x1002, 1)], &[(0x1000, None), (0x1001, Some(0)), (0x1002, Some(1)), (0x101b, None)]);
    }

    #[test]
    fn blocks_across_stripes_and_regions() {
        let huge = 100 << 20;
        check(
            &[(0x1000_0000, huge), (0x1000_0000 + huge + 16, 40), (0x7f00_0000_0010, 4096)],
            &[
                (0x1000_0000 + huge / 2, Some(0)),
                (0x1000_0000 + huge, Some(0)),
                (0x1000_0000 + huge + 16, Some(1)),
                (0x1000_0000 + huge + 16 + 49, None),
                (0x6f00_0000_0000, None),
                (0x7f00_0000_1010, Some(2)),
            ],
        );
    }

    #[test]
    fn absurd_sizes_do_no_harm() {
        check(&[(16, u64::MAX), (u64::MAX - 15, 3)], &[(17, Some(0)), (u64::MAX, Some(1))]);
    }
}
