//! Sections of snapshots: one or more of each, a chunk of groups in each section.
//!
//! ```text
//! unsigned ordinal, time in ms, reason, pause in ns, groups of the whole snapshot,
//! unsigned position of the chunk's first group, unsigned count, then columns:
//!   site                      signed step from the previous group's
//!   allocator and class       allocator × 8 + class
//!   blocks, bytes, indirect blocks, indirect bytes
//!   oldest                    as it is
//!   newest                    signed step from the oldest
//! ```

use super::CHUNK;
use super::budget::Budget;
use super::wire::{Decoder, Encoder, Malformed};
use crate::model::{AllocatorFunction, Class, Group, SiteIndex, Snapshot, SnapshotReason};

const COLUMNS: usize = 8;

/// The payloads of the sections that hold `snapshot`; one even if it has no groups.
pub(super) fn encode(ordinal: usize, snapshot: &Snapshot) -> impl Iterator<Item = Vec<u8>> {
    let groups = &snapshot.groups;
    (0..groups.len().max(1)).step_by(CHUNK).map(move |first| {
        let chunk = &groups[first..groups.len().min(first + CHUNK)];
        let mut payload = Encoder::new();
        payload.length(ordinal);
        payload.unsigned(snapshot.at_ms);
        payload.unsigned(snapshot.reason as u64);
        payload.unsigned(snapshot.pause_ns);
        payload.length(groups.len());
        payload.length(first);
        payload.length(chunk.len());
        encode_groups(chunk).into_iter().for_each(|column| payload.column(column));
        payload.finish()
    })
}

fn encode_groups(groups: &[Group]) -> [Encoder; COLUMNS] {
    let mut columns: [Encoder; COLUMNS] = std::array::from_fn(|_| Encoder::new());
    let [sites, kinds, blocks, bytes, indirect_blocks, indirect_bytes, oldest, newest] = &mut columns;
    let mut last_site = 0;
    for group in groups {
        sites.step(last_site, u64::from(group.site.0));
        last_site = u64::from(group.site.0);
        kinds.unsigned((group.allocator as u64) << 3 | group.class as u64);
        blocks.unsigned(group.blocks);
        bytes.unsigned(group.bytes);
        indirect_blocks.unsigned(group.indirect_blocks);
        indirect_bytes.unsigned(group.indirect_bytes);
        oldest.unsigned(group.oldest_ms);
        newest.step(group.oldest_ms, group.newest_ms);
    }
    columns
}

/// Snapshots as they come together from their chunks.
#[derive(Default)]
pub(super) struct Gathered {
    snapshots: Vec<Snapshot>,
    last_ordinal: Option<usize>,
    missing_groups: usize,
    /// Groups that the last snapshot should have.
    expected_groups: usize,
}

impl Gathered {
    /// Appends a chunk to the last snapshot or begins another.
    pub(super) fn decode(&mut self, payload: &[u8], budget: &mut Budget) -> Result<(), Malformed> {
        let mut payload = Decoder::new(payload);
        let ordinal = payload.length()?;
        let at_ms = payload.unsigned()?;
        let reason = decode_reason(payload.unsigned()?)?;
        let pause_ns = payload.unsigned()?;
        let expected_groups = payload.length()?;
        let first = payload.length()?;
        let groups = decode_groups(&mut payload, budget)?;
        let continues = self.last_ordinal == Some(ordinal);
        let known = self.snapshots.last().filter(|_| continues).map_or(0, |snapshot| snapshot.groups.len());
        if self.last_ordinal.is_some_and(|last| ordinal < last) || first < known {
            return Err(Malformed::OutOfRange("its position"));
        }
        match self.snapshots.last_mut().filter(|_| continues) {
            Some(snapshot) => snapshot.groups.extend(groups),
            None => {
                budget.entries::<Snapshot>(1)?;
                self.close();
                self.snapshots.push(Snapshot { at_ms, reason, pause_ns, groups });
            }
        }
        self.last_ordinal = Some(ordinal);
        self.expected_groups = expected_groups;
        Ok(())
    }

    /// The snapshots, and how many groups they lack.
    pub(super) fn finish(mut self) -> (Vec<Snapshot>, usize) {
        self.close();
        (self.snapshots, self.missing_groups)
    }

    fn close(&mut self) {
        let known = self.snapshots.last().map_or(0, |snapshot| snapshot.groups.len());
        self.missing_groups = self.missing_groups.saturating_add(self.expected_groups.saturating_sub(known));
        self.expected_groups = 0;
    }
}

fn decode_groups(payload: &mut Decoder, budget: &mut Budget) -> Result<Vec<Group>, Malformed> {
    let count = payload.count()?;
    let mut columns = [*payload; COLUMNS];
    for column in &mut columns {
        *column = payload.column()?;
    }
    let [sites, kinds, blocks, bytes, indirect_blocks, indirect_bytes, oldest, newest] = &mut columns;
    budget.entries::<Group>(count)?;
    let mut last_site = 0;
    let groups = (0..count).map(|_| {
        last_site = sites.step(last_site)?;
        let kind = kinds.unsigned()?;
        let oldest_ms = oldest.unsigned()?;
        Ok(Group {
            site: SiteIndex(u32::try_from(last_site).map_err(|_| Malformed::TooLarge)?),
            allocator: decode_allocator(kind >> 3)?,
            class: decode_class(kind & 7)?,
            blocks: blocks.unsigned()?,
            bytes: bytes.unsigned()?,
            indirect_blocks: indirect_blocks.unsigned()?,
            indirect_bytes: indirect_bytes.unsigned()?,
            oldest_ms,
            newest_ms: newest.step(oldest_ms)?,
        })
    });
    groups.collect()
}

pub(super) fn decode_allocator(code: u64) -> Result<AllocatorFunction, Malformed> {
    use AllocatorFunction::{
        Brk, Calloc, Inherited, Malloc, Memalign, Mmap, New, NewAligned, NewArray, NewArrayAligned, Realloc,
    };
    [Inherited, Malloc, Calloc, Realloc, Memalign, New, NewArray, NewAligned, NewArrayAligned, Mmap, Brk]
        .into_iter()
        .find(|allocator| *allocator as u64 == code)
        .ok_or(Malformed::Unknown("an allocation function"))
}

fn decode_class(code: u64) -> Result<Class, Malformed> {
    use Class::{DefinitelyLost, IndirectlyLost, Live, PossiblyLost, StillReachable};
    [DefinitelyLost, IndirectlyLost, PossiblyLost, StillReachable, Live]
        .into_iter()
        .find(|class| *class as u64 == code)
        .ok_or(Malformed::Unknown("a reachability"))
}

fn decode_reason(code: u64) -> Result<SnapshotReason, Malformed> {
    use SnapshotReason::{Exit, Killed, OnDemand, RecordingEnded};
    [Exit, OnDemand, Killed, RecordingEnded]
        .into_iter()
        .find(|reason| *reason as u64 == code)
        .ok_or(Malformed::Unknown("the reason of a snapshot"))
}

#[cfg(test)]
mod tests {
    use super::{Budget, CHUNK, Gathered, encode};
    use crate::model::{AllocatorFunction, Class, Group, SiteIndex, Snapshot, SnapshotReason};

    fn snapshot(group_count: usize) -> Snapshot {
        let group = |position: usize| Group {
            site: SiteIndex((position as u32).wrapping_mul(0x9E37_79B9)),
            allocator: AllocatorFunction::NewArrayAligned,
            class: Class::PossiblyLost,
            blocks: position as u64,
            bytes: u64::MAX,
            indirect_blocks: 1,
            indirect_bytes: 2,
            oldest_ms: 50,
            newest_ms: position as u64,
        };
        Snapshot {
            at_ms: 5,
            reason: SnapshotReason::Killed,
            pause_ns: 6,
            groups: (0..group_count).map(group).collect(),
        }
    }

    #[test]
    fn snapshots_of_no_one_and_many_chunks_round_trip() {
        let snapshots = vec![snapshot(0), snapshot(3), snapshot(CHUNK), snapshot(2 * CHUNK + 1)];
        let mut gathered = Gathered::default();
        for (ordinal, snapshot) in snapshots.iter().enumerate() {
            for payload in encode(ordinal, snapshot) {
                gathered.decode(&payload, &mut Budget::of_file(1 << 20)).unwrap();
            }
        }
        assert_eq!(gathered.finish(), (snapshots, 0));
    }

    #[test]
    fn a_missing_chunk_is_counted() {
        let payloads: Vec<_> = encode(4, &snapshot(2 * CHUNK + 1)).collect();
        let mut gathered = Gathered::default();
        gathered.decode(&payloads[0], &mut Budget::of_file(1 << 20)).unwrap();
        gathered.decode(&payloads[2], &mut Budget::of_file(1 << 20)).unwrap();
        assert!(gathered.decode(&payloads[1], &mut Budget::of_file(1 << 20)).is_err());
        let (snapshots, missing) = gathered.finish();
        assert_eq!((snapshots.len(), snapshots[0].groups.len(), missing), (1, CHUNK + 1, CHUNK));
    }
}
