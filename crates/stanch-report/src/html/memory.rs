//! Memory of each process: over time, by size, by lifetime.
use super::chunk::Chunks;
use super::veil::Veil;
use crate::stacks::{ProcessStacks, StackFrame, Weight, WeightedStack, file_name};
use crate::text::names::shortened;
use serde::Serialize;
use stanch_finding::{Frame, Site, normal_name, owning_frame};
use stanch_recording::{LIFETIME_BUCKETS, NodeIndex, Process, Recording, SiteIndex, SnapshotReason};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Places whose memory is drawn by itself.
const PLACES_MAX: usize = 8;
/// Processes whose history is in the page, the largest first.
const HISTORIES_MAX: usize = 200;

/// Where the data is.
#[derive(Serialize)]
pub(super) struct Embedded {
    /// Histories of the processes that have one.
    time: usize,
    /// Sizes and lifetimes of all processes.
    shapes: usize,
}

#[derive(Serialize)]
struct History {
    process: usize,
    started_ms: u64,
    duration_ms: u64,
    at_ms: Vec<u64>,
    heap: Vec<u64>,
    mapped: Vec<u64>,
    resident: Vec<u64>,
    /// `None` where the sites were not read.
    blocks: Vec<Option<u64>>,
    allocations: Vec<Option<u64>>,
    places: Vec<Place>,
    snapshots: Vec<Mark>,
}

/// The sites that one function of the program owns.
#[derive(Serialize)]
struct Place {
    function: String,
    place: String,
    /// Live bytes at each point where the sites were read.
    bytes: Vec<u64>,
}

#[derive(Serialize)]
struct Mark {
    at_ms: u64,
    reason: &'static str,
    pause_ns: u64,
}

#[derive(Serialize)]
struct Shapes {
    process: usize,
    /// Power of two, blocks, bytes.
    sizes: Vec<(u8, u64, u64)>,
    lifetimes: [u64; LIFETIME_BUCKETS],
    /// Blocks that were not freed when last seen.
    kept: u64,
}

pub(super) fn embed(recording: &Recording, stacks: &[ProcessStacks<'_>], veil: &Veil, chunks: &mut Chunks) -> Embedded {
    let mut largest: Vec<usize> =
        (0..stacks.len()).filter(|process| !recording.processes[*process].history.points.is_empty()).collect();
    largest.sort_by_key(|process| Reverse(recording.processes[*process].peak_bytes));
    largest.truncate(HISTORIES_MAX);
    largest.sort_unstable();
    let histories: Vec<History> = largest.into_iter().map(|process| history(process, &stacks[process], veil)).collect();
    let shapes: Vec<Shapes> = stacks.iter().enumerate().map(|(process, stacks)| shapes(process, stacks)).collect();
    Embedded { time: chunks.add(&histories), shapes: chunks.add(&shapes) }
}

fn history(position: usize, stacks: &ProcessStacks<'_>, veil: &Veil) -> History {
    let process = stacks.process;
    let points = &process.history.points;
    let column = |field: fn(&stanch_recording::HistoryPoint) -> u64| points.iter().map(field).collect();
    History {
        process: position,
        started_ms: process.started_ms,
        duration_ms: process.duration_ms,
        at_ms: column(|point| point.at_ms),
        heap: column(|point| point.heap_bytes),
        mapped: column(|point| point.mapped_bytes),
        resident: column(|point| point.resident_bytes),
        blocks: points.iter().map(|point| point.sites.as_ref().map(|sites| sites.live_blocks)).collect(),
        allocations: points.iter().map(|point| point.sites.as_ref().map(|sites| sites.allocations)).collect(),
        places: places(stacks, veil),
        snapshots: process.snapshots.iter().map(mark).collect(),
    }
}

fn mark(snapshot: &stanch_recording::Snapshot) -> Mark {
    let reason = match snapshot.reason {
        SnapshotReason::Exit => "checked at its end",
        SnapshotReason::OnDemand => "snapshot on demand",
        SnapshotReason::Killed => "looked at after it was killed",
        SnapshotReason::RecordingEnded => "checked when the recording ended",
    };
    Mark { at_ms: snapshot.at_ms, reason, pause_ns: snapshot.pause_ns }
}

/// The places that held most at any point.
fn places(stacks: &ProcessStacks<'_>, veil: &Veil) -> Vec<Place> {
    let points: Vec<&[(SiteIndex, u64)]> = stacks
        .process
        .history
        .points
        .iter()
        .filter_map(|point| point.sites.as_ref().map(|sites| sites.held.as_slice()))
        .collect();
    let mut numbers: HashMap<SiteIndex, usize> = HashMap::new();
    let mut by_name: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut bytes: Vec<Vec<u64>> = Vec::new();
    for (index, held) in points.iter().enumerate() {
        for (site, held) in *held {
            let number = *numbers.entry(*site).or_insert_with(|| {
                let next = by_name.len();
                *by_name.entry(owner(stacks, *site, veil)).or_insert(next)
            });
            bytes.resize(bytes.len().max(number + 1), vec![0; points.len()]);
            bytes[number][index] = bytes[number][index].saturating_add(*held);
        }
    }
    let mut places: Vec<Place> = by_name
        .into_iter()
        .map(|((function, place), number)| Place { function, place, bytes: std::mem::take(&mut bytes[number]) })
        .collect();
    places.sort_by_cached_key(|place| Reverse(place.bytes.iter().copied().max()));
    places.truncate(PLACES_MAX);
    places
}

/// Name and file of the function that owns a site.
fn owner(stacks: &ProcessStacks<'_>, site: SiteIndex, veil: &Veil) -> (String, String) {
    let node = stacks.process.sites.get(site.0 as usize).map_or(NodeIndex(0), |site| site.node);
    let mut frames: Vec<Frame> = frames(stacks.process, node);
    let site = Site { allocator: String::new(), stack: std::mem::take(&mut frames) };
    let Some(frame) = site.stack.get(owning_frame(&site).unwrap_or(0)) else {
        return ("(unknown stack)".to_owned(), String::new());
    };
    let module = frame.module.as_deref().map(|module| veil.path(module)).unwrap_or_default();
    let function = match (&frame.function, frame.module_offset) {
        (Some(function), _) => veil.text(&shortened(&normal_name(function))),
        (None, Some(offset)) => format!("{}+{offset:#x}", file_name(&module)),
        (None, None) => "(no name)".to_owned(),
    };
    (function, frame.file.as_deref().map_or(module, |file| veil.path(file)))
}

/// The frames from a node outwards, as findings have them.
fn frames(process: &Process, node: NodeIndex) -> Vec<Frame> {
    let frame = |frame: StackFrame<'_>| Frame {
        function: frame.function.map(str::to_owned),
        file: frame.file.map(str::to_owned),
        line: frame.line,
        module: frame.module.map(str::to_owned),
        module_offset: frame.module_offset,
        inlined: frame.inlined,
        ..Frame::default()
    };
    process.stack(node).flat_map(crate::stacks::frames_of).map(frame).collect()
}

fn shapes(position: usize, stacks: &ProcessStacks<'_>) -> Shapes {
    let process = stacks.process;
    let mut lifetimes = [0_u64; LIFETIME_BUCKETS];
    for site in &process.sites {
        lifetimes.iter_mut().zip(site.lifetimes).for_each(|(sum, count)| *sum = sum.saturating_add(count));
    }
    let live = |stack: &WeightedStack| stack.amount(Weight::Live).blocks;
    Shapes {
        process: position,
        sizes: process.history.sizes.iter().map(|class| (class.log2, class.blocks, class.bytes)).collect(),
        lifetimes,
        kept: stacks.stacks.iter().map(live).fold(0, u64::saturating_add),
    }
}
