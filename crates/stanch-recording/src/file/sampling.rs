//! The section of sampled blocks, which only sampled recordings have.
//!
//! ```text
//! unsigned count, then columns:
//!   site                      signed step from the previous entry's
//!   allocator
//!   size of a block, blocks
//! ```

use super::budget::Budget;
use super::snapshots::decode_allocator;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{SeenBlocks, SiteIndex};

const COLUMNS: usize = 4;

pub(super) fn encode(seen: &[SeenBlocks]) -> Vec<u8> {
    let mut columns: [Encoder; COLUMNS] = std::array::from_fn(|_| Encoder::new());
    let [sites, allocators, sizes, blocks] = &mut columns;
    let mut last_site = 0;
    for seen in seen {
        sites.step(last_site, u64::from(seen.site.0));
        last_site = u64::from(seen.site.0);
        allocators.unsigned(seen.allocator as u64);
        sizes.unsigned(seen.block_bytes);
        blocks.unsigned(seen.blocks);
    }
    let mut payload = Encoder::new();
    payload.length(seen.len());
    columns.into_iter().for_each(|column| payload.column(column));
    payload.finish()
}

pub(super) fn decode(payload: &[u8], budget: &mut Budget) -> Result<Vec<SeenBlocks>, Malformed> {
    let mut payload = Decoder::new(payload);
    let count = payload.count()?;
    let mut columns = [payload; COLUMNS];
    for column in &mut columns {
        *column = payload.column()?;
    }
    let [sites, allocators, sizes, blocks] = &mut columns;
    budget.entries::<SeenBlocks>(count)?;
    let mut last_site = 0;
    let seen = (0..count).map(|_| {
        last_site = sites.step(last_site)?;
        Ok(SeenBlocks {
            site: SiteIndex(u32::try_from(last_site).map_err(|_| Malformed::TooLarge)?),
            allocator: decode_allocator(allocators.unsigned()?)?,
            block_bytes: sizes.unsigned()?,
            blocks: blocks.unsigned()?,
        })
    });
    seen.collect()
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{AllocatorFunction, SeenBlocks, SiteIndex};

    #[test]
    fn round_trip() {
        let seen = |site, blocks| SeenBlocks {
            site: SiteIndex(site),
            allocator: AllocatorFunction::Calloc,
            block_bytes: u64::MAX,
            blocks,
        };
        for seen in [vec![], vec![seen(7, 1), seen(3, u64::MAX), seen(u32::MAX, 0)]] {
            assert_eq!(decode(&encode(&seen), &mut Budget::of_file(0)), Ok(seen));
        }
        assert!(decode(&[200, 1], &mut Budget::of_file(0)).is_err());
    }
}
