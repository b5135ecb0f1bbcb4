//! `stanch-diff/1`: what became of each leak between two analyses.
use super::wire::{Estimate, Finding, Incomplete, Sampling, Subject, Tool};
use crate::changes::{ComparedSide, ordered};
use serde::Serialize;
use stanch_finding as model;
use stanch_finding::comparison::{Category, Change, Thresholds};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Name and version of the format.
pub const COMPARISON_SCHEMA: &str = "stanch-diff/1";

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    tool: Tool,
    thresholds: Limits,
    old: Side,
    new: Side,
    counts: BTreeMap<&'static str, u64>,
    changes: Vec<Entry>,
}

#[derive(Serialize)]
struct Limits {
    min_bytes: u64,
    min_percent: u32,
}

#[derive(Serialize)]
struct Side {
    name: String,
    subjects: Vec<Subject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<Sampling>,
    incomplete: Vec<Incomplete>,
    suppressed_findings: u64,
}

#[derive(Serialize)]
struct Entry {
    change: &'static str,
    has_grown: bool,
    fingerprint: String,
    old: Option<Holding>,
    new: Option<Holding>,
    finding: Finding,
}

#[derive(Serialize)]
struct Holding {
    kind: &'static str,
    bytes: u64,
    blocks: u64,
    indirect_bytes: u64,
    indirect_blocks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Estimate>,
    processes: u64,
}

/// Writes what became of each leak, indented, with a newline at the end.
///
/// # Errors
/// Where `out` fails.
pub fn write_comparison(
    changes: &[Change<'_>],
    old: ComparedSide<'_>,
    new: ComparedSide<'_>,
    thresholds: Thresholds,
    tool_version: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let count = |category: Category| changes.iter().filter(|change| change.category == category).count() as u64;
    let document = Document {
        schema: COMPARISON_SCHEMA,
        tool: Tool { version: tool_version.to_owned() },
        thresholds: Limits { min_bytes: thresholds.min_bytes.0, min_percent: thresholds.min_percent },
        old: Side::new(old),
        new: Side::new(new),
        counts: Category::ALL.into_iter().map(|category| (category.as_str(), count(category))).collect(),
        changes: ordered(changes).into_iter().map(Entry::new).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

impl Side {
    fn new(side: ComparedSide<'_>) -> Side {
        let mean_bytes = side.reports.iter().filter_map(|report| report.sampling).map(|this| this.mean_bytes.0).max();
        Side {
            name: side.name.to_owned(),
            subjects: side.reports.iter().map(|report| Subject::new(&report.subject)).collect(),
            sampling: mean_bytes.map(|mean_bytes| Sampling { mean_bytes }),
            incomplete: side.reports.iter().flat_map(|report| &report.incomplete).map(Incomplete::new).collect(),
            suppressed_findings: side.suppressed_findings(),
        }
    }
}

impl Entry {
    fn new(change: &Change<'_>) -> Entry {
        Entry {
            change: change.category.as_str(),
            has_grown: change.has_grown,
            fingerprint: change.finding.fingerprint.to_string(),
            old: change.old.map(Holding::new),
            new: change.new.map(Holding::new),
            finding: Finding::new(change.finding),
        }
    }
}

impl Holding {
    fn new(holding: model::comparison::Holding) -> Holding {
        Holding {
            kind: holding.kind.as_str(),
            bytes: holding.amounts.bytes.0,
            blocks: holding.amounts.blocks.0,
            indirect_bytes: holding.indirect.bytes.0,
            indirect_blocks: holding.indirect.blocks.0,
            estimate: holding.estimate.map(Estimate::new),
            processes: holding.processes,
        }
    }
}
