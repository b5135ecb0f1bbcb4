//! Reads a ledger: live blocks, counts, stacks, modules. Tolerates a writer that was killed in mid-write.
mod held;

pub(crate) use held::Held;

use crate::shared::{SharedHeader, next_data, punch};
use stanch_ledger::{
    COUNTERS_PER_EXTENT, Counters, DEAD_STACK_LIMIT, DEAD_STACKS, DeadStack, EXTENT_BYTES, EXTENT_LIMIT, EXTENT_TABLE,
    EXTENTS, Header, LEAF_BYTES, LEAF_LIMIT, LEAF_SPAN, LEAF_STRIDE, LEAF_TABLE, LEAVES, MAPPING_LIMIT, MAPPINGS,
    MISUSE_LIMIT, MISUSES, MODULE_LIMIT, MODULES, MappingEntry, MisuseEntry, ModuleEntry, NODES_PER_EXTENT, Node,
    SITES_PER_EXTENT, Slot, Thread, attention, extent,
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

/// Where the slots for 64 MiB of addresses stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) first_address: u64,
    /// In the file.
    pub(crate) offset: u64,
}

/// What the ledger says at one instant, beside the slots.
#[derive(Debug)]
pub(crate) struct Tables {
    /// In the order of addresses.
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) threads: Vec<ThreadFacts>,
    pub(crate) mappings: Vec<LiveMapping>,
    pub(crate) dead_stacks: Vec<(u64, u64)>,
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
    /// Address, slot and size of the block that `realloc` works on; 0 for none.
    pub(crate) realloc: (u64, u64, u64),
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

    fn mappings(&self) -> Vec<LiveMapping> {
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
    pub(crate) fn split_mappings(&self, mappings: Vec<LiveMapping>) -> (Vec<LiveMapping>, Vec<(u64, u64)>) {
        let header = self.header();
        let allocator = Self::text(&header.allocator_path, header.allocator_path_len.load(Relaxed));
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

    fn dead_stacks(&self) -> Vec<(u64, u64)> {
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

    /// What else has to be known of one instant to tell the live blocks. Small: read while the process stands still.
    pub(crate) fn tables(&self) -> Tables {
        let count = (self.header().leaf_count.load(Acquire) as usize).min(LEAF_LIMIT);
        let mut leaves: Vec<Leaf> = (0..count)
            .map(|leaf| (self.shared.record::<AtomicU32>(LEAF_TABLE, leaf).load(Relaxed), leaf as u64))
            .filter(|(prefix, _)| *prefix != 0)
            .map(|(prefix, leaf)| Leaf {
                first_address: u64::from(prefix - 1) * LEAF_SPAN,
                offset: LEAVES + leaf * LEAF_STRIDE as u64,
            })
            .collect();
        leaves.sort_unstable_by_key(|leaf| leaf.first_address);
        Tables { leaves, threads: self.threads(), mappings: self.mappings(), dead_stacks: self.dead_stacks() }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Has the hooks keep what they overwrite, until the result is dropped. The process must stand still.
    pub(crate) fn begin_undo(&self) -> Undo<'_> {
        self.header().attention.fetch_or(attention::SNAPSHOT, SeqCst);
        Undo { ledger: self }
    }

    /// Forgets what hooks kept for an earlier snapshot.
    pub(crate) fn clear_undo(&self) {
        let count = (self.header().leaf_count.load(Acquire) as usize).min(LEAF_LIMIT);
        for leaf in 0..count as u64 {
            let first = LEAVES + leaf * LEAF_STRIDE as u64 + LEAF_BYTES as u64;
            if let Some((start, _)) = next_data(&self.file, first, first + LEAF_BYTES as u64) {
                punch(&self.file, start, first + LEAF_BYTES as u64);
            }
        }
    }
}

/// While it exists, hooks keep what they overwrite.
pub(crate) struct Undo<'a> {
    ledger: &'a Ledger,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        self.ledger.header().attention.fetch_and(!attention::SNAPSHOT, SeqCst);
        self.ledger.clear_undo();
    }
}

fn word(bytes: &[u8], offset: usize) -> u64 {
    bytes[offset..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}
