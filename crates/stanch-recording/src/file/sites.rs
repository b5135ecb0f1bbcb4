//! Sections of allocation sites, a chunk each.
//!
//! ```text
//! unsigned index of the chunk's first site, unsigned count, then columns:
//!   node          signed step from the previous site's
//!   allocations   as they are
//!   bytes         allocated bytes, as they are
//!   mask          bit i set: lifetime bucket i is not 0
//!   lifetimes     those buckets, site by site
//! ```

use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{LIFETIME_BUCKETS, NodeIndex, SiteCounts};

pub(super) fn encode(first: usize, sites: &[SiteCounts]) -> Vec<u8> {
    let (mut nodes, mut allocations, mut bytes) = (Encoder::new(), Encoder::new(), Encoder::new());
    let (mut masks, mut lifetimes) = (Encoder::new(), Encoder::new());
    let mut last_node = 0;
    for site in sites {
        nodes.step(last_node, u64::from(site.node.0));
        last_node = u64::from(site.node.0);
        allocations.unsigned(site.allocations);
        bytes.unsigned(site.allocated_bytes);
        let used = site.lifetimes.iter().enumerate().filter(|(_, count)| **count > 0);
        masks.unsigned(used.clone().map(|(bucket, _)| 1 << bucket).sum());
        used.for_each(|(_, count)| lifetimes.unsigned(*count));
    }
    let mut payload = Encoder::new();
    payload.length(first);
    payload.length(sites.len());
    payload.column(nodes);
    payload.column(allocations);
    payload.column(bytes);
    payload.column(masks);
    payload.column(lifetimes);
    payload.finish()
}

/// Appends a chunk to `sites`, after as many empty ones as are missing before it; says how many those are.
pub(super) fn decode(payload: &[u8], sites: &mut Vec<SiteCounts>, budget: &mut Budget) -> Result<usize, Malformed> {
    let mut payload = Decoder::new(payload);
    let first = payload.u32()? as usize;
    let count = payload.count()?;
    let (mut nodes, mut allocations, mut bytes) = (payload.column()?, payload.column()?, payload.column()?);
    let (mut masks, mut lifetimes) = (payload.column()?, payload.column()?);
    let missing = first.checked_sub(sites.len()).ok_or(Malformed::OutOfRange("its first index"))?;
    if u32::MAX as usize - first < count {
        return Err(Malformed::TooLarge);
    }
    budget.entries::<SiteCounts>(missing.saturating_add(count))?;
    let mut last_node = 0;
    let chunk = (0..count).map(|_| {
        last_node = nodes.step(last_node)?;
        Ok(SiteCounts {
            node: NodeIndex(u32::try_from(last_node).map_err(|_| Malformed::TooLarge)?),
            allocations: allocations.unsigned()?,
            allocated_bytes: bytes.unsigned()?,
            lifetimes: decode_lifetimes(masks.unsigned()?, &mut lifetimes)?,
        })
    });
    let chunk: Vec<_> = chunk.collect::<Result<_, _>>()?;
    sites.resize(first, SiteCounts::default());
    sites.extend(chunk);
    Ok(missing)
}

fn decode_lifetimes(mask: u64, counts: &mut Decoder) -> Result<[u64; LIFETIME_BUCKETS], Malformed> {
    if mask >> LIFETIME_BUCKETS != 0 {
        return Err(Malformed::Unknown("a lifetime"));
    }
    let mut lifetimes = [0; LIFETIME_BUCKETS];
    for (bucket, lifetime) in lifetimes.iter_mut().enumerate() {
        if mask >> bucket & 1 == 1 {
            *lifetime = counts.unsigned()?;
        }
    }
    Ok(lifetimes)
}

#[cfg(test)]
mod tests {
    use super::{Budget, decode, encode};
    use crate::model::{LIFETIME_BUCKETS, NodeIndex, SiteCounts};

    #[test]
    fn round_trip() {
        let mut lifetimes = [0; LIFETIME_BUCKETS];
        lifetimes[0] = 3;
        lifetimes[LIFETIME_BUCKETS - 1] = u64::MAX;
        let sites = vec![
            SiteCounts { node: NodeIndex(9), allocations: 1, allocated_bytes: u64::MAX, lifetimes },
            SiteCounts { node: NodeIndex(2), allocations: u64::MAX, ..SiteCounts::default() },
        ];
        let mut read = Vec::new();
        assert_eq!(decode(&encode(0, &sites), &mut read, &mut Budget::of_file(0)), Ok(0));
        assert_eq!(read, sites);
        assert_eq!(decode(&encode(5, &sites), &mut read, &mut Budget::of_file(0)), Ok(3));
        assert_eq!(read[5..], sites);
    }
}
