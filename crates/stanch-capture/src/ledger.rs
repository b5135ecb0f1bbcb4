//! Reads a ledger: live blocks, counts, stacks, modules. Tolerates a writer that was killed in mid-write.
mod held;

pub(crate) use held::Held;

use crate::shared::{SharedHeader, next_data};
use stanch_ledger::{
    BirthCode, BlockKind, COUNTERS_PER_EXTENT, Counters, DEAD_STACK_LIMIT, DEAD_STACKS, DeadStack, EXTENT_BYTES,
    EXTENT_LIMIT, EXTENT_TABLE, EXTENTS, GRANULE_BYTES, Header, LARGE_BYTES, LEAF_BYTES, LEAF_LIMIT, LEAF_SPAN,
    LEAF_TABLE, LEAVES, MAPPING_LIMIT, MAPPINGS, MISUSE_LIMIT, MISUSES, MODULE_LIMIT, MODULES, MappingEntry,
    MisuseEntry, ModuleEntry, NODES_PER_EXTENT, Node, SITES_PER_EXTENT, Slot, Thread, extent,
};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// A process's ledger, as the collector sees it.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    shared: SharedHeader,
}

/// One live block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) address: u64,
    pub(crate) bytes: u64,
    pub(crate) site: u32,
    pub(crate) kind: BlockKind,
    pub(crate) birth: BirthCode,
}

/// What the slots say: live blocks, and where blocks were that are free now. Both in the order of addresses.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    pub(crate) blocks: Vec<Block>,
    pub(crate) freed: Vec<(u64, u64)>,
}

/// A live anonymous mapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveMapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) slot: Slot,
}

/// A thread record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadFacts {
    pub(crate) net_bytes: i64,
    pub(crate) net_peak: i64,
    realloc: (u64, u64, u64),
}

/// A trie node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NodeFacts {
    pub(crate) key: u64,
    pub(crate) parent: u32,
}

/// Counts of one site over all threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SiteTotals {
    pub(crate) node: u32,
    pub(crate) allocations: u64,
    pub(crate) bytes: u64,
    pub(crate) lifetimes: [u64; 13],
}

impl Ledger {
    /// # Errors
    /// Where the file is no ledger.
    pub(crate) fn open(file: File) -> io::Result<Self> {
        let shared = SharedHeader::map(&file)?;
        Ok(Self { file, shared })
    }

    pub(crate) fn header(&self) -> &Header {
        self.shared.header()
    }

    /// Text that the target stored in a record.
    pub(crate) fn text(words: &[AtomicU64], length: u32) -> String {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
        String::from_utf8_lossy(&bytes[..(length as usize).min(bytes.len())]).into_owned()
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &ModuleEntry> {
        let count = (self.header().module_count.load(Acquire) as usize).min(MODULE_LIMIT);
        (0..count).map(|index| self.shared.record(MODULES, index))
    }

    pub(crate) fn misuses(&self) -> impl Iterator<Item = &MisuseEntry> {
        let count = (self.header().misuse_count.load(Acquire) as usize).min(MISUSE_LIMIT);
        (0..count).map(|index| self.shared.record(MISUSES, index))
    }

    pub(crate) fn mappings(&self) -> Vec<LiveMapping> {
        let count = (self.header().mapping_count.load(Acquire) as usize).min(MAPPING_LIMIT);
        let mut live: Vec<LiveMapping> = (0..count)
            .map(|index| self.shared.record::<MappingEntry>(MAPPINGS, index))
            .map(|entry| LiveMapping {
                start: entry.start.load(Acquire),
                end: entry.end.load(Relaxed),
                slot: Slot(entry.slot.load(Relaxed)),
            })
            .filter(|mapping| mapping.start != 0 && mapping.start < mapping.end)
            .collect();
        live.sort_unstable_by_key(|mapping| mapping.start);
        live
    }

    /// Programs that the process started otherwise than by fork: process ids and paths.
    pub(crate) fn spawned(&self) -> Vec<(u32, String)> {
        let count = (self.header().spawn_count.load(Acquire) as usize).min(stanch_ledger::SPAWN_LIMIT);
        (0..count)
            .map(|index| self.shared.record::<stanch_ledger::SpawnEntry>(stanch_ledger::SPAWNS, index))
            .map(|entry| (entry.pid.load(Acquire), Self::text(&entry.path, entry.path_len.load(Relaxed))))
            .filter(|(pid, _)| *pid != 0)
            .collect()
    }

    /// Mappings that the allocator behind the hooks made for itself, where that is not glibc's: its heap, not the
    /// program's memory.
    pub(crate) fn split_mappings(&self) -> (Vec<LiveMapping>, Vec<(u64, u64)>) {
        let header = self.header();
        let allocator = Self::text(&header.allocator_path, header.allocator_path_len.load(Relaxed));
        let mappings = self.mappings();
        if allocator.is_empty() {
            return (mappings, Vec::new());
        }
        let is_allocator: Vec<bool> =
            self.modules().map(|module| Self::text(&module.path, module.path_len.load(Relaxed)) == allocator).collect();
        let (nodes, sites) = (self.nodes(), self.sites());
        let is_own = |mapping: &LiveMapping| {
            let node = sites.get(mapping.slot.site() as usize).and_then(|site| nodes.get(site.node as usize));
            let module = node.and_then(|node| ((node.key >> 48) as usize).checked_sub(1));
            module.and_then(|module| is_allocator.get(module).copied()).unwrap_or(false)
        };
        let (own, programs): (Vec<LiveMapping>, Vec<LiveMapping>) = mappings.into_iter().partition(is_own);
        (programs, own.iter().map(|mapping| (mapping.start, mapping.end)).collect())
    }

    pub(crate) fn dead_stacks(&self) -> Vec<(u64, u64)> {
        let count = (self.header().dead_stack_count.load(Acquire) as usize).min(DEAD_STACK_LIMIT);
        (0..count)
            .map(|index| self.shared.record::<DeadStack>(DEAD_STACKS, index))
            .map(|stack| (stack.start.load(Relaxed), stack.end.load(Relaxed)))
            .filter(|(start, end)| start < end)
            .collect()
    }

    /// What each extent in use holds.
    fn extents(&self) -> Vec<(usize, u32)> {
        let count = (self.header().extent_count.load(Acquire) as usize).min(EXTENT_LIMIT);
        (0..count)
            .map(|index| (index, self.shared.record::<AtomicU32>(EXTENT_TABLE, index).load(Relaxed)))
            .filter(|(_, entry)| *entry != 0)
            .collect()
    }

    fn read_extent(&self, index: usize, buffer: &mut [u8]) {
        let offset = EXTENTS + (index * EXTENT_BYTES) as u64;
        if self.file.read_exact_at(buffer, offset).is_err() {
            buffer.fill(0);
        }
    }

    /// The trie, by node number.
    pub(crate) fn nodes(&self) -> Vec<NodeFacts> {
        let count = self.header().node_count.load(Acquire) as usize;
        let mut nodes = Vec::new();
        let mut buffer = vec![0; EXTENT_BYTES];
        for (index, entry) in self.extents() {
            if entry & !extent::INDEX != extent::NODES {
                continue;
            }
            let first = (entry & extent::INDEX) as usize * NODES_PER_EXTENT;
            self.read_extent(index, &mut buffer);
            nodes.resize(nodes.len().max(first + NODES_PER_EXTENT), NodeFacts::default());
            for (node, raw) in nodes[first..].iter_mut().zip(buffer.as_chunks::<{ size_of::<Node>() }>().0) {
                *node = NodeFacts { key: word(raw, 0), parent: word(raw, 8) as u32 };
            }
        }
        nodes.truncate(count);
        nodes
    }

    /// The sites with their counts, by site number.
    pub(crate) fn sites(&self) -> Vec<SiteTotals> {
        let count = self.header().site_count.load(Acquire) as usize;
        let mut sites = vec![SiteTotals::default(); count];
        let mut buffer = vec![0; EXTENT_BYTES];
        for (index, entry) in self.extents() {
            let number = (entry & extent::INDEX) as usize;
            match entry & !extent::INDEX {
                extent::SITES => {
                    self.read_extent(index, &mut buffer);
                    let sites = sites.iter_mut().skip(number * SITES_PER_EXTENT);
                    for (site, raw) in sites.zip(buffer.as_chunks::<4>().0) {
                        site.node = u32::from_le_bytes(*raw);
                    }
                }
                extent::COUNTERS => {
                    self.read_extent(index, &mut buffer);
                    let sites = sites.iter_mut().skip(number * COUNTERS_PER_EXTENT);
                    for (site, raw) in sites.zip(buffer.as_chunks::<{ size_of::<Counters>() }>().0) {
                        site.allocations += word(raw, 0);
                        site.bytes += word(raw, 8);
                        for (class, count) in site.lifetimes.iter_mut().enumerate() {
                            *count += word(raw, 24 + class * 8);
                        }
                    }
                }
                _ => {}
            }
        }
        sites
    }

    pub(crate) fn threads(&self) -> Vec<ThreadFacts> {
        let mut buffer = vec![0; size_of::<Thread>()];
        let mut threads = Vec::new();
        for (index, entry) in self.extents() {
            if entry & !extent::INDEX == extent::THREAD {
                self.read_extent(index, &mut buffer);
                threads.push(ThreadFacts {
                    net_bytes: word(&buffer, std::mem::offset_of!(Thread, net_bytes)) as i64,
                    net_peak: word(&buffer, std::mem::offset_of!(Thread, net_peak)) as i64,
                    realloc: (
                        word(&buffer, std::mem::offset_of!(Thread, realloc_address)),
                        word(&buffer, std::mem::offset_of!(Thread, realloc_slot)),
                        word(&buffer, std::mem::offset_of!(Thread, realloc_bytes)),
                    ),
                });
            }
        }
        threads
    }

    /// All that the slots say, and the blocks that `realloc` works on at this moment.
    pub(crate) fn heap(&self) -> Heap {
        let mut heap = Heap::default();
        let count = (self.header().leaf_count.load(Acquire) as usize).min(LEAF_LIMIT);
        let mut leaves: Vec<(u64, u64)> = (0..count)
            .map(|leaf| (self.shared.record::<AtomicU32>(LEAF_TABLE, leaf).load(Relaxed), leaf as u64))
            .filter(|(prefix, _)| *prefix != 0)
            .map(|(prefix, leaf)| (u64::from(prefix - 1), leaf))
            .collect();
        leaves.sort_unstable();
        let mut scan = SlotScan::new(&mut heap);
        for (prefix, leaf) in leaves {
            self.scan_leaf(prefix * LEAF_SPAN, LEAVES + leaf * LEAF_BYTES as u64, &mut scan);
        }
        scan.finish();
        self.add_blocks_in_realloc(&mut heap);
        heap
    }

    fn scan_leaf(&self, first_address: u64, offset: u64, scan: &mut SlotScan<'_>) {
        const PIECE_BYTES: u64 = 1 << 20;
        let end = offset + LEAF_BYTES as u64;
        let mut buffer = vec![0; PIECE_BYTES as usize];
        let mut at = offset;
        while let Some((start, hole)) = next_data(&self.file, at, end) {
            at = start;
            while at < hole {
                let piece = &mut buffer[..PIECE_BYTES.min(hole - at) as usize];
                if self.file.read_exact_at(piece, at).is_err() {
                    return;
                }
                let address = first_address + (at - offset) / 8 * GRANULE_BYTES;
                for (index, raw) in piece.as_chunks::<8>().0.iter().enumerate() {
                    let raw = u64::from_le_bytes(*raw);
                    if raw != 0 {
                        scan.slot(address + index as u64 * GRANULE_BYTES, Slot(raw));
                    }
                }
                at += piece.len() as u64;
            }
        }
    }

    fn add_blocks_in_realloc(&self, heap: &mut Heap) {
        for thread in self.threads() {
            let (address, slot, bytes) = thread.realloc;
            let slot = Slot(slot);
            let position = heap.blocks.partition_point(|block| block.address < address);
            let is_there = heap.blocks.get(position).is_some_and(|block| block.address == address);
            if let (true, false, Some(kind)) = (address != 0, is_there, slot.kind()) {
                let block = Block { address, bytes, site: slot.site(), kind, birth: slot.birth() };
                heap.blocks.insert(position, block);
            }
        }
    }
}

/// Goes through slots in the order of addresses. A large block's slot is followed by its size; a freed block's slot
/// inside a live block is older than that block.
struct SlotScan<'a> {
    heap: &'a mut Heap,
    large: Option<(u64, Slot)>,
    live_end: u64,
}

impl<'a> SlotScan<'a> {
    fn new(heap: &'a mut Heap) -> Self {
        Self { heap, large: None, live_end: 0 }
    }

    #[inline]
    fn slot(&mut self, granule: u64, slot: Slot) {
        if let Some((address, large)) = self.large.take() {
            if granule == (address & !(GRANULE_BYTES - 1)) + GRANULE_BYTES {
                return self.live(address, slot.0, large);
            }
            self.live(address, LARGE_BYTES, large);
        }
        let address = slot.address(granule);
        if slot.is_live() {
            if slot.bytes() == LARGE_BYTES {
                self.large = Some((address, slot));
            } else {
                self.live(address, slot.bytes(), slot);
            }
        } else if address >= self.live_end {
            self.heap.freed.push((address, address + slot.bytes().max(1)));
        }
    }

    fn live(&mut self, address: u64, bytes: u64, slot: Slot) {
        if let Some(kind) = slot.kind() {
            self.live_end = address.saturating_add(bytes);
            self.heap.blocks.push(Block { address, bytes, site: slot.site(), kind, birth: slot.birth() });
        }
    }

    fn finish(mut self) {
        if let Some((address, large)) = self.large.take() {
            self.live(address, LARGE_BYTES, large);
        }
    }
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    bytes[offset..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}
