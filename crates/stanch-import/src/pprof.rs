//! pprof's `profile.proto`: heap profiles of Go, of jemalloc and tcmalloc through their converters, and our own.
//!
//! The message is read field by field, so that one that is cut off gives what came before.
mod tables;

use crate::budget::Budget;
use crate::builder::{CodeIndex, Counts, Live, ProcessBuilder};
use crate::lines::Lines;
use crate::{ImportError, LinkAddress, SourceKind};
use stanch_pprof::prost::encoding::WireType;
use stanch_pprof::{Sample, field};
use stanch_recording::{AllocatorFunction, Class, Loss, Process, Recording, SnapshotReason};
use std::collections::BTreeMap;
use tables::{Tables, fields};

/// True where the bytes may be such a message: they are fields that profiles have, each written as it should be, as far
/// as they go.
pub(crate) fn is_head(head: &[u8]) -> bool {
    let (mut count, mut is_sound) = (0_u32, true);
    // The head ends in the middle of a field, most likely.
    let _ = fields(head, |number, wire_type, _| {
        let is_message = matches!(number, 1..=6 | 11);
        // Lists of numbers may be written either way.
        let is_list = number == field::COMMENT;
        let is_packed = wire_type == WireType::LengthDelimited;
        is_sound &= (1..=15).contains(&number) && (is_list || is_message == is_packed);
        count += 1;
    });
    is_sound && 1 < count
}

pub(crate) fn read(
    lines: &mut Lines<'_>,
    budget: &mut Budget,
    link_address: LinkAddress<'_>,
) -> Result<Recording, ImportError> {
    let bytes = lines.rest(budget)?;
    let tables = Tables::read(&bytes, budget);
    let columns = Columns::of(&tables)?;
    let mut processes = Processes { tables: &tables, columns, link_address, builders: BTreeMap::new() };
    let mut losses: Vec<Loss> = Vec::new();
    budget.open_reserve();
    let damage = fields(&bytes, |number, _, payload| {
        let weight = tables::MESSAGE_FACTOR * payload.len();
        if number == field::SAMPLE && budget.take(weight) {
            let sample = tables::decode::<Sample>(payload);
            sample.iter().for_each(|sample| processes.add(sample, budget));
            budget.give_back(weight);
        }
    });
    losses.extend(damage.map(|why| Loss { what: "a part of the file".to_owned(), why }));
    losses.extend(tables.damaged().map(|why| Loss { what: "some names".to_owned(), why }));
    let processes: Vec<Process> = processes.finish();
    let command = processes.first().map(|process| process.command.clone()).unwrap_or_default();
    Ok(Recording { command, started_unix_ms: tables.started_unix_ms(), processes, losses, ..Recording::default() })
}

/// Which value of a sample is what.
#[derive(Clone, Copy, Default)]
struct Columns {
    live_blocks: Option<usize>,
    live_bytes: Option<usize>,
    all_blocks: Option<usize>,
    all_bytes: Option<usize>,
    lost_blocks: Option<usize>,
    lost_bytes: Option<usize>,
}

impl Columns {
    fn of(tables: &Tables) -> Result<Self, ImportError> {
        let find = |names: &[&str]| tables.sample_types.iter().position(|(name, _)| names.contains(&name.as_str()));
        let columns = Self {
            live_blocks: find(&["inuse_objects", "objects", "live_objects"]),
            live_bytes: find(&["inuse_space", "space", "live_space", "heap"]),
            all_blocks: find(&["alloc_objects", "allocations"]),
            all_bytes: find(&["alloc_space", "allocated"]),
            lost_blocks: find(&["lost_objects"]),
            lost_bytes: find(&["lost_space"]),
        };
        if columns.live_bytes.is_some() || columns.all_bytes.is_some() {
            return Ok(columns);
        }
        let names: Vec<&str> = tables.sample_types.iter().map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            let why = "it has no sample types".to_owned();
            return Err(ImportError::Broken { kind: SourceKind::Pprof, why });
        }
        // A damaged name is no other kind of profile, but nothing can be made of it either.
        Err(ImportError::NotMemory(names.join(", ")))
    }
}

/// The processes of a profile: one, or as many as labels tell apart.
struct Processes<'t> {
    tables: &'t Tables,
    columns: Columns,
    link_address: LinkAddress<'t>,
    builders: BTreeMap<u64, ProcessBuilder>,
}

impl Processes<'_> {
    fn add(&mut self, sample: &Sample, budget: &mut Budget) {
        let pid = self.tables.number_label(sample, "pid").and_then(|pid| u64::try_from(pid).ok()).unwrap_or(0);
        if !self.builders.contains_key(&pid) && !budget.take(4096) {
            return;
        }
        let builder = self.builders.entry(pid).or_insert_with(|| self.tables.process(pid));
        let codes: Option<Vec<CodeIndex>> = sample
            .location_id
            .iter()
            .take(crate::builder::DEPTH_MAX)
            .map(|id| self.tables.code(*id, builder, self.link_address, budget))
            .collect();
        let Some(codes) = codes else { return };
        let node = builder.stack(&codes, budget);
        let Some(site) = builder.site(node, budget) else { return };
        let value = |column: Option<usize>| column.and_then(|column| sample.value.get(column)).copied().unwrap_or(0);
        let value = |column| u64::try_from(value(column)).unwrap_or(0);
        let columns = self.columns;
        let (live_blocks, live_bytes) = (value(columns.live_blocks), value(columns.live_bytes));
        let (blocks, bytes) = (value(columns.all_blocks), value(columns.all_bytes));
        let freed_blocks = if columns.live_bytes.is_some() { blocks.saturating_sub(live_blocks) } else { 0 };
        builder.add_counts(site, Counts { blocks, bytes, freed_blocks, temporary_blocks: 0 });
        let (lost_blocks, lost_bytes) = (value(columns.lost_blocks), value(columns.lost_bytes));
        let lost = Live {
            allocator: AllocatorFunction::Malloc,
            class: Class::DefinitelyLost,
            blocks: lost_blocks,
            bytes: lost_bytes,
            indirect_bytes: 0,
        };
        let rest = Live::undecided(live_blocks.saturating_sub(lost_blocks), live_bytes.saturating_sub(lost_bytes));
        for live in [lost, rest] {
            if live.blocks != 0 || live.bytes != 0 {
                builder.add_live(site, live, budget);
            }
        }
    }

    fn finish(self) -> Vec<Process> {
        self.builders.into_values().map(|builder| builder.finish(SnapshotReason::OnDemand)).collect()
    }
}
