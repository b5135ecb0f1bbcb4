//! Reads the slots of a ledger: live blocks, and where blocks were that are free now.
use crate::ledger::{Leaf, Ledger, Tables};
use crate::shared::next_data;
use crate::work::{cores, each};
use stanch_leaks::BlockRange;
use stanch_ledger::{BirthCode, BlockKind, GRANULE_BYTES, LARGE_BYTES, LEAF_BYTES, LEAF_SPAN, Slot};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What the slots say, in the order of addresses.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    /// Where the live blocks are.
    pub(crate) ranges: Vec<BlockRange>,
    /// What else is known of them.
    slots: Vec<Slot>,
    /// Where blocks were that are free now.
    pub(crate) freed: Vec<(u64, u64)>,
}

/// One live block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) bytes: u64,
    pub(crate) site: u32,
    pub(crate) kind: BlockKind,
    pub(crate) birth: BirthCode,
}

impl Block {
    /// `None` where the kind is one that no writer writes.
    pub(crate) fn of(bytes: u64, slot: Slot) -> Option<Self> {
        Some(Self { bytes, site: slot.site(), kind: slot.kind()?, birth: slot.birth() })
    }
}

impl Heap {
    /// Reads all that the slots say at the moment of the tables, and adds the blocks that `realloc` worked on then.
    /// The slots must not have changed since, or their old values been kept (see [`Ledger::begin_undo`]).
    pub(crate) fn read(ledger: &Ledger, tables: &Tables) -> Self {
        let leaves = &tables.leaves;
        let parts = each(leaves, cores(), |index, leaf| {
            let before = index.checked_sub(1).map(|before| leaves[before]);
            let after = leaves.get(index + 1).copied();
            read_leaf(
                ledger.file(),
                *leaf,
                before.filter(|before| before.first_address + LEAF_SPAN == leaf.first_address),
                after.filter(|after| after.first_address == leaf.first_address + LEAF_SPAN),
            )
        });
        let mut heap = Self::join(parts);
        heap.add_blocks_in_realloc(tables);
        heap
    }

    /// The live blocks in the order of [`Self::ranges`].
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block> {
        self.ranges.iter().zip(&self.slots).filter_map(|(range, slot)| Block::of(range.bytes, *slot))
    }

    fn join(parts: Vec<Self>) -> Self {
        let mut heap = Self::default();
        heap.ranges.reserve_exact(parts.iter().map(|part| part.ranges.len()).sum());
        heap.slots.reserve_exact(parts.iter().map(|part| part.slots.len()).sum());
        for part in parts {
            // A freed block's slot inside a live block is older than that block.
            let live_end = heap.ranges.last().map_or(0, |last| last.start.saturating_add(last.bytes));
            heap.freed.extend(part.freed.into_iter().filter(|freed| live_end <= freed.0));
            heap.ranges.extend(part.ranges);
            heap.slots.extend(part.slots);
        }
        heap
    }

    fn add_blocks_in_realloc(&mut self, tables: &Tables) {
        for (address, slot, bytes) in tables.threads.iter().map(|thread| thread.realloc) {
            let position = self.ranges.partition_point(|block| block.start < address);
            let is_there = self.ranges.get(position).is_some_and(|block| block.start == address);
            if address != 0 && !is_there && Slot(slot).kind().is_some() {
                self.ranges.insert(position, BlockRange { start: address, bytes });
                self.slots.insert(position, Slot(slot));
            }
        }
    }
}

/// What one leaf says. `before` and `after` are the leaves of the addresses just before and after, if there are any:
/// a large block's slot may be the last one of a leaf, and its size the first one of the next.
fn read_leaf(file: &File, leaf: Leaf, before: Option<Leaf>, after: Option<Leaf>) -> Heap {
    const PIECE_BYTES: u64 = 1 << 20;
    let mut heap = Heap::default();
    let mut scan = SlotScan { heap: &mut heap, large: None, live_end: 0 };
    let last_before = before.map_or(Slot(0), |before| read_slot(file, before.offset + LEAF_BYTES as u64 - 8));
    let is_size_first = last_before.is_live() && last_before.bytes() == LARGE_BYTES;
    let end = leaf.offset + LEAF_BYTES as u64;
    let mut buffer = vec![0; PIECE_BYTES as usize];
    let mut at = leaf.offset;
    while let Some((start, hole)) = next_data(file, at, end) {
        at = start;
        while at < hole {
            let piece = &mut buffer[..PIECE_BYTES.min(hole - at) as usize];
            read_slots(file, at, piece);
            let address = leaf.first_address + (at - leaf.offset) / 8 * GRANULE_BYTES;
            for (index, raw) in piece.as_chunks::<8>().0.iter().enumerate() {
                let raw = u64::from_le_bytes(*raw);
                if raw != 0 && !(is_size_first && at == leaf.offset && index == 0) {
                    scan.slot(address + index as u64 * GRANULE_BYTES, Slot(raw));
                }
            }
            at += piece.len() as u64;
        }
    }
    let last_granule = leaf.first_address + LEAF_SPAN - GRANULE_BYTES;
    scan.finish(last_granule, after.map_or(LARGE_BYTES, |after| read_slot(file, after.offset).0));
    heap
}

fn read_slot(file: &File, offset: u64) -> Slot {
    let mut word = [0; 8];
    read_slots(file, offset, &mut word);
    Slot(u64::from_le_bytes(word))
}

/// Reads slots as they were when hooks began to keep what they overwrite, or, where they do not, as they are: first
/// the slots, then the undo words, the reverse of the order in which hooks write them.
fn read_slots(file: &File, offset: u64, into: &mut [u8]) {
    if file.read_exact_at(into, offset).is_err() {
        into.fill(0);
    }
    let first = offset + LEAF_BYTES as u64;
    let end = first + into.len() as u64;
    let (mut at, mut kept) = (first, Vec::new());
    while let Some((start, hole)) = next_data(file, at, end) {
        kept.resize((hole - start) as usize, 0);
        if file.read_exact_at(&mut kept, start).is_err() {
            return;
        }
        let slots = &mut into[(start - first) as usize..];
        for (slot, kept) in slots.as_chunks_mut::<8>().0.iter_mut().zip(kept.as_chunks::<8>().0) {
            let kept = u64::from_le_bytes(*kept);
            if kept != 0 {
                *slot = (!kept).to_le_bytes();
            }
        }
        at = hole;
    }
}

/// Goes through slots in the order of addresses. A large block's slot is followed by its size; a freed block's slot
/// inside a live block is older than that block.
struct SlotScan<'a> {
    heap: &'a mut Heap,
    large: Option<(u64, Slot)>,
    live_end: u64,
}

impl SlotScan<'_> {
    #[inline]
    fn slot(&mut self, granule: u64, slot: Slot) {
        if let Some((address, large)) = self.large.take() {
            let is_size = granule == (address & !(GRANULE_BYTES - 1)) + GRANULE_BYTES;
            self.live(address, if is_size { slot.0 } else { LARGE_BYTES }, large);
            if is_size {
                return;
            }
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
        if slot.kind().is_some() {
            self.live_end = address.saturating_add(bytes);
            self.heap.ranges.push(BlockRange { start: address, bytes });
            self.heap.slots.push(slot);
        }
    }

    /// `size_after` is what stands in the slot after that of the last granule.
    fn finish(mut self, last_granule: u64, size_after: u64) {
        if let Some((address, large)) = self.large.take() {
            self.live(address, if address >= last_granule { size_after } else { LARGE_BYTES }, large);
        }
    }
}
