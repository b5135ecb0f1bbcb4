//! massif's output file, for `ms_print` and massif-visualizer.
//!
//! Each snapshot of a recording becomes a detailed one: its heap tree goes from the allocation functions to their
//! callers. So does the sampled moment at which most was live. Between them stand the other samples, without trees;
//! before them an empty one, the start of the process. The file holds one process; of several, the last snapshots are
//! added up, and each process is the outermost frame of its stacks.
//! <https://valgrind.org/docs/manual/ms-manual.html>
use crate::stacks::{ProcessStacks, StackFrame, amount_of, file_name, frames_of, own_groups};
use stanch_recording::{NodeIndex, SiteIndex, Snapshot};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Deeper callers are left out: massif itself stops at 30.
const DEPTH_MAX: usize = 100;

/// Writes the snapshots, the oldest first; the one with the most bytes is the peak.
///
/// # Errors
/// When `out` refuses.
pub fn write(
    processes: &[ProcessStacks<'_>],
    command: &[String],
    tool_version: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "desc: stanch {tool_version}")?;
    writeln!(out, "cmd: {}", command.join(" ").replace(|letter: char| letter.is_control(), " "))?;
    writeln!(out, "time_unit: ms")?;
    let moments = moments(processes);
    let detailed = (0..moments.len()).filter(|number| moments[*number].tree.is_some());
    let peak = detailed.max_by_key(|number| moments[*number].bytes);
    for (number, moment) in moments.iter().enumerate() {
        write_head(out, number, moment.at_ms, moment.bytes)?;
        match &moment.tree {
            None => writeln!(out, "heap_tree=empty")?,
            Some(tree) => {
                writeln!(out, "heap_tree={}", if Some(number) == peak { "peak" } else { "detailed" })?;
                write_tree(out, tree)?;
            }
        }
    }
    Ok(())
}

fn write_head(out: &mut dyn Write, number: usize, time_ms: u64, heap_bytes: u64) -> io::Result<()> {
    writeln!(out, "#-----------\nsnapshot={number}\n#-----------\ntime={time_ms}\nmem_heap_B={heap_bytes}")?;
    writeln!(out, "mem_heap_extra_B=0\nmem_stacks_B=0")
}

/// What a file says of one instant.
struct Moment {
    at_ms: u64,
    bytes: u64,
    /// `None` where only the sum is known.
    tree: Option<Node>,
}

impl Moment {
    fn with_tree(at_ms: u64, tree: Node) -> Moment {
        Moment { at_ms, bytes: tree.bytes, tree: Some(tree) }
    }
}

/// Callers of one frame, by the bytes that they asked for through it.
#[derive(Default)]
struct Node {
    bytes: u64,
    callers: BTreeMap<String, Node>,
}

/// The start of the process, then all that is known of later moments in the order of time.
fn moments(processes: &[ProcessStacks<'_>]) -> Vec<Moment> {
    let start = Moment { at_ms: 0, bytes: 0, tree: None };
    if let [process] = processes {
        let history = &process.process.history;
        let sampled = history.points.iter().map(|point| Moment {
            at_ms: point.at_ms,
            bytes: point.heap_bytes.saturating_add(point.mapped_bytes),
            tree: None,
        });
        let peak = (!history.peak.sites.is_empty()).then(|| {
            let sites = history.peak.sites.iter().map(|held| (held.site, held.bytes));
            Moment::with_tree(history.peak.at_ms, tree(process, sites))
        });
        let snapshots = process.process.snapshots.iter();
        let snapshots = snapshots.map(|snapshot| Moment::with_tree(snapshot.at_ms, tree(process, sites(snapshot))));
        let mut moments: Vec<Moment> = std::iter::once(start).chain(sampled).chain(peak).chain(snapshots).collect();
        moments.sort_by_key(|moment| moment.at_ms);
        return moments;
    }
    let (mut sum, mut at_ms) = (Node::default(), 0);
    for process in processes {
        if let Some(snapshot) = process.process.snapshots.last() {
            add(&mut sum, process, sites(snapshot), Some(process.name()));
            at_ms = at_ms.max(process.process.started_ms.saturating_add(snapshot.at_ms));
        }
    }
    vec![start, Moment::with_tree(at_ms, sum)]
}

/// What each site holds in a snapshot.
fn sites(snapshot: &Snapshot) -> impl Iterator<Item = (SiteIndex, u64)> {
    own_groups(Some(snapshot)).map(|group| (group.site, amount_of(group).bytes))
}

fn tree(process: &ProcessStacks<'_>, held: impl Iterator<Item = (SiteIndex, u64)>) -> Node {
    let mut tree = Node::default();
    add(&mut tree, process, held, None);
    tree
}

fn add(
    tree: &mut Node,
    process: &ProcessStacks<'_>,
    held: impl Iterator<Item = (SiteIndex, u64)>,
    outermost: Option<String>,
) {
    let mut by_stack: BTreeMap<NodeIndex, u64> = BTreeMap::new();
    for (site, held) in held {
        let site = process.process.sites.get(site.0 as usize);
        let bytes = by_stack.entry(site.map_or(NodeIndex(0), |site| site.node)).or_default();
        *bytes = bytes.saturating_add(held);
    }
    for (stack, bytes) in by_stack {
        tree.bytes = tree.bytes.saturating_add(bytes);
        let frames = process.process.stack(stack).flat_map(frames_of).map(|frame| place(&frame)).take(DEPTH_MAX);
        let mut node = &mut *tree;
        for place in frames.chain(outermost.iter().map(|name| format!("0x0: {name} (process)"))) {
            node = node.callers.entry(place).or_default();
            node.bytes = node.bytes.saturating_add(bytes);
        }
    }
}

/// `0x401136: parse (json.c:88)` or `0x401136: parse (in /usr/bin/app)`.
fn place(frame: &StackFrame<'_>) -> String {
    let function = frame.function.unwrap_or("???");
    let place = match (frame.file, frame.line, frame.module) {
        (Some(file), Some(line), _) => format!("{}:{line}", file_name(file)),
        (Some(file), None, _) => file_name(file).to_owned(),
        (None, _, Some(module)) => format!("in {module}"),
        (None, _, None) => "in ???".to_owned(),
    };
    let text = format!("{:#X}: {function} ({place})", frame.address.saturating_sub(1));
    text.replace(|letter: char| letter.is_control(), " ")
}

/// One line a node, its callers below it, the largest first. The depth is bounded by [`DEPTH_MAX`].
fn write_tree(out: &mut dyn Write, tree: &Node) -> io::Result<()> {
    const HEAD: &str = "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.";
    let mut open = vec![(0, HEAD, tree)];
    while let Some((depth, place, node)) = open.pop() {
        writeln!(out, "{:depth$}n{}: {} {place}", "", node.callers.len(), node.bytes)?;
        let mut callers: Vec<_> = node.callers.iter().map(|(place, node)| (depth + 1, place.as_str(), node)).collect();
        callers.sort_by_key(|(_, place, node)| (node.bytes, std::cmp::Reverse(*place)));
        open.extend(callers);
    }
    Ok(())
}
