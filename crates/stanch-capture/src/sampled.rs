//! What is live in a sampled recording: estimates, from the ledger alone. The process is neither stopped nor read.
use crate::heap::Heap;
use crate::ledger::Ledger;
use crate::snapshot::{Groups, allocator, mapping_block};
use crate::timeline;
use stanch_ledger::BlockKind;
use stanch_ledger::sampling::{COUNT_UNITS, weight};
use stanch_recording::{Sampling, SeenBlocks, SiteIndex, SizeClass, Snapshot, SnapshotReason};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

/// How this process is sampled; `None` where all of its blocks are recorded.
pub(crate) fn mean_bytes(ledger: &Ledger) -> Option<u64> {
    Some(ledger.header().sample_bytes.load(Relaxed)).filter(|mean_bytes| *mean_bytes != 0)
}

/// One look at a sampled process.
#[derive(Debug)]
pub(crate) struct Look {
    /// What is live, estimated.
    pub(crate) snapshot: Snapshot,
    /// What that is estimated from.
    pub(crate) sampling: Sampling,
    /// Estimated sizes of the live blocks.
    pub(crate) sizes: Vec<SizeClass>,
}

/// Looks at what is live now.
pub(crate) fn look(ledger: &Ledger, mean_bytes: u64, at_ms: u64, reason: SnapshotReason) -> Look {
    let mut groups = Groups::default();
    let mut seen: HashMap<(u32, BlockKind, u64), u64> = HashMap::new();
    // What a child inherited is its parent's to report.
    let tables = ledger.tables();
    let heap = Heap::read(ledger, &tables);
    for block in heap.blocks().filter(|block| block.kind != BlockKind::Inherited) {
        *seen.entry((block.site, block.kind, block.bytes)).or_default() += 1;
        groups.add_live(&block);
    }
    let mappings = ledger.split_mappings(tables.mappings).0;
    mappings.iter().filter_map(mapping_block).for_each(|block| groups.add_live(&block));
    let mut seen: Vec<SeenBlocks> = seen
        .into_iter()
        .map(|((site, kind, block_bytes), blocks)| SeenBlocks {
            site: SiteIndex(site),
            allocator: allocator(kind),
            block_bytes,
            blocks,
        })
        .collect();
    seen.sort_unstable_by_key(|seen| (seen.site, seen.allocator, seen.block_bytes));
    let mut snapshot = Snapshot { at_ms, reason, pause_ns: 0, groups: groups.finish() };
    weigh(&mut snapshot, &seen, mean_bytes);
    let estimated = seen.iter().map(|seen| {
        let blocks = weight(seen.block_bytes, mean_bytes) * seen.blocks as f64;
        (seen.block_bytes, blocks.round() as u64, (blocks * seen.block_bytes as f64).round() as u64)
    });
    let mapped = mappings.iter().map(|mapping| mapping.end - mapping.start).map(|bytes| (bytes, 1, bytes));
    let sizes = timeline::weighted_sizes(estimated.chain(mapped));
    Look { snapshot, sampling: Sampling { mean_bytes, seen }, sizes }
}

/// Puts estimates in the place of what was seen.
fn weigh(snapshot: &mut Snapshot, seen: &[SeenBlocks], mean_bytes: u64) {
    let mut sums: HashMap<_, (f64, f64)> = HashMap::new();
    for seen in seen {
        let blocks = weight(seen.block_bytes, mean_bytes) * seen.blocks as f64;
        let sum = sums.entry((seen.site, seen.allocator)).or_default();
        sum.0 += blocks;
        sum.1 += blocks * seen.block_bytes as f64;
    }
    for group in &mut snapshot.groups {
        if let Some((blocks, bytes)) = sums.get(&(group.site, group.allocator)) {
            (group.blocks, group.bytes) = (blocks.round() as u64, bytes.round() as u64);
        }
    }
}

/// A count of a sampled ledger, in blocks.
pub(crate) fn blocks(units: u64) -> u64 {
    units.saturating_add(COUNT_UNITS / 2) / COUNT_UNITS
}
