//! The stacks of both sides in one tree: each node has what it weighs on either.
use super::Comparison;
use crate::html::chunk::Chunks;
use crate::html::flame::{Indexed, ModuleNames, NODES_MAX, Names, pack, totals};
use crate::html::veil::Veil;
use crate::stacks::{ProcessStacks, Weight, WeightedStack};
use serde::Serialize;
use stanch_finding::{Finding, Frame, Kind, Report};
use stanch_recording::{
    AllocatorFunction, Class, Group, Module, NodeIndex, Process, ResolvedCode, ResolvedFrame, RuntimeAddress,
    SiteCounts, SiteIndex, Snapshot, SnapshotReason, StackNode,
};
use std::collections::HashMap;

/// What stacks are weighed by.
const WEIGHTS: [Weight; 4] = [Weight::Lost, Weight::PossiblyLost, Weight::Live, Weight::Allocated];
/// Each weight in bytes and in blocks.
const SUMS: usize = 2 * WEIGHTS.len();
/// The sums of the old side, then those of the new one.
const BOTH: usize = 2 * SUMS;

/// Where the trees are.
#[derive(Serialize)]
pub(super) struct Embedded {
    down: usize,
    up: usize,
    weights: [&'static str; WEIGHTS.len()],
    totals: [u64; BOTH],
    /// What one has to know to read the graph.
    note: Option<&'static str>,
}

/// Packs the trees.
pub(super) fn embed(comparison: &Comparison<'_>, veil: &Veil, chunks: &mut Chunks) -> Embedded {
    let made_up = [comparison.old, comparison.new].map(|side| match comparison.recordings {
        Some(_) => Vec::new(),
        None => vec![process_of(side.reports)],
    });
    let processes = match &comparison.recordings {
        Some([old, new]) => [&old.processes, &new.processes],
        None => [&made_up[0], &made_up[1]],
    };
    let mut names = Names::new(veil, ModuleNames::Files);
    let mut indexed: Vec<Indexed<'_, BOTH>> = Vec::new();
    for (side, processes) in processes.into_iter().enumerate() {
        let of_side = |stack: &WeightedStack| sums(stack, side);
        indexed.extend(processes.iter().map(|process| Indexed::new(&ProcessStacks::of(process), of_side, &mut names)));
    }
    let parts: Vec<&Indexed<'_, BOTH>> = indexed.iter().collect();
    let (down, up) = pack(&parts, NODES_MAX, &names, chunks);
    let note = match (
        &comparison.recordings,
        comparison.old.suppressed_findings() + comparison.new.suppressed_findings(),
    ) {
        (None, _) => Some(
            "One side is a report in JSON, which has one stack for each leak and nothing of what was freed: here each \
             leak of either side stands at that stack.",
        ),
        (Some(_), 0) => None,
        (Some(_), _) => Some("What suppressions took out of the table is in this graph."),
    };
    Embedded { down, up, weights: WEIGHTS.map(Weight::as_str), totals: totals(&parts), note }
}

/// What a stack of the old side (0) or of the new one (1) weighs.
fn sums(stack: &WeightedStack, side: usize) -> [u64; BOTH] {
    let mut sums = [0; BOTH];
    for (index, weight) in WEIGHTS.into_iter().enumerate() {
        let amount = stack.amount(weight);
        sums[side * SUMS + index] = amount.bytes;
        sums[side * SUMS + WEIGHTS.len() + index] = amount.blocks;
    }
    sums
}

/// The findings of one side as a process, each with the one stack that it has.
fn process_of(reports: &[Report]) -> Process {
    let mut process = Process { nodes: vec![StackNode::default()], ..Process::default() };
    let mut groups = Vec::new();
    let mut nodes = Nodes::default();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        let Some(class) = class(finding.kind) else { continue };
        let mut node = NodeIndex(0);
        for frame in finding.site.stack.iter().rev() {
            node = nodes.child(node, frame, &mut process);
        }
        groups.push(group(finding, class, SiteIndex(process.sites.len() as u32)));
        process.sites.push(SiteCounts { node, ..SiteCounts::default() });
    }
    process.resolved.sort_by_key(|code| (code.module, code.address));
    process.snapshots = vec![Snapshot { at_ms: 0, reason: SnapshotReason::Exit, pause_ns: 0, groups }];
    process
}

fn class(kind: Kind) -> Option<Class> {
    match kind {
        Kind::DefinitelyLost => Some(Class::DefinitelyLost),
        Kind::IndirectlyLost => Some(Class::IndirectlyLost),
        Kind::PossiblyLost => Some(Class::PossiblyLost),
        Kind::StillReachable => Some(Class::StillReachable),
        Kind::Live => Some(Class::Live),
        _ => None,
    }
}

fn group(finding: &Finding, class: Class, site: SiteIndex) -> Group {
    Group {
        site,
        allocator: AllocatorFunction::Malloc,
        class,
        blocks: finding.blocks.0,
        bytes: finding.bytes.0,
        indirect_blocks: 0,
        indirect_bytes: 0,
        oldest_ms: 0,
        newest_ms: 0,
    }
}

/// Frames that have a node already.
#[derive(Default)]
struct Nodes<'a> {
    known: HashMap<(NodeIndex, &'a Frame), NodeIndex>,
    modules: HashMap<&'a str, u16>,
}

impl<'a> Nodes<'a> {
    fn child(&mut self, parent: NodeIndex, frame: &'a Frame, process: &mut Process) -> NodeIndex {
        if let Some(known) = self.known.get(&(parent, frame)) {
            return *known;
        }
        let index = NodeIndex(process.nodes.len() as u32);
        let module = frame.module.as_deref().map_or(0, |module| self.module(module, process));
        let address = match (&frame.function, frame.module_offset) {
            // What has no name is known by its offset.
            (None, Some(offset)) => RuntimeAddress(offset.saturating_add(1)),
            // Names are looked up by address, so each frame has one of its own.
            _ => RuntimeAddress(1 << 63 | u64::from(index.0)),
        };
        if frame.function.is_some() {
            let frames = vec![ResolvedFrame {
                function: frame.function.clone(),
                file: frame.file.clone(),
                line: frame.line,
                column: frame.column,
                inlined: frame.inlined,
            }];
            process.resolved.push(ResolvedCode { module, address, frames });
        }
        process.nodes.push(StackNode { parent, address, module });
        self.known.insert((parent, frame), index);
        index
    }

    /// Number of a module, from 1; 0 where there are too many to be numbered.
    fn module(&mut self, path: &'a str, process: &mut Process) -> u16 {
        if let Some(known) = self.modules.get(path) {
            return *known;
        }
        let Ok(number) = u16::try_from(process.modules.len() + 1) else { return 0 };
        process.modules.push(Module { path: path.to_owned(), ..Module::default() });
        self.modules.insert(path, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::{Nodes, process_of};
    use stanch_finding::Frame;
    use stanch_recording::{NodeIndex, Process, StackNode};

    #[test]
    fn frames_are_shared_by_what_they_say() {
        let mut process = Process { nodes: vec![StackNode::default()], ..Process::default() };
        let module = Some("/bin/app".to_owned());
        let named = Frame { function: Some("f".to_owned()), module: module.clone(), ..Frame::default() };
        let nameless = Frame { module_offset: Some(0x20), module, ..Frame::default() };
        let mut nodes = Nodes::default();
        let outer = nodes.child(NodeIndex(0), &named, &mut process);
        let inner = nodes.child(outer, &nameless, &mut process);
        assert_eq!((outer, inner), (NodeIndex(1), NodeIndex(2)));
        assert_eq!(nodes.child(NodeIndex(0), &named, &mut process), outer);
        assert_eq!(process.modules.len(), 1);
        let names = |node| {
            let entries = process.stack(node);
            entries.flat_map(crate::stacks::frames_of).map(|frame| frame.name()).collect::<Vec<_>>()
        };
        assert_eq!(names(inner), ["app+0x20", "f"]);
        assert_eq!(process_of(&[]).nodes.len(), 1);
    }
}
