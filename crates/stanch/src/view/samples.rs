//! Recordings made by hand, with names that nobody should trust.
use super::model::Model;
use stanch_leaks::Scope;
use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, HistoryPoint, LIFETIME_BUCKETS, Loss, Module, NodeIndex, PointSites,
    Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, SiteCounts, SiteIndex, Snapshot, SnapshotReason,
    StackNode,
};

/// A stack, outermost function first, and what it holds.
type Stack<'a> = (&'a [&'a str], Class, u64, u64);

const STACKS: [Stack<'_>; 6] = [
    (&["main", "load", "parse"], Class::DefinitelyLost, 4096, 4),
    (&["main", "load", "parse", "node_new"], Class::IndirectlyLost, 2048, 64),
    (&["main", "load"], Class::PossiblyLost, 1000, 1),
    (&["main", "serve", "store::Index<int>::insert(int)"], Class::StillReachable, 1 << 20, 300),
    (&["main", "\u{1b}[31m\u{202e}evil\r\n", "鍵鍵鍵鍵鍵"], Class::DefinitelyLost, 77, 7),
    (&[], Class::StillReachable, 12, 1),
];

/// A parent and a child, both with the same stacks.
pub(super) fn model() -> Model {
    let child = Process { pid: 43, parent_pid: 42, started_ms: 500, ..process(&STACKS) };
    of(vec![process(&STACKS), child])
}

/// One process with very many stacks, findings and children of one function, and one very deep stack.
pub(super) fn large(count: usize) -> Model {
    let names: Vec<String> = (0..count).map(|number| format!("function_{number}")).collect();
    let stacks: Vec<[&str; 2]> = names.iter().map(|name| ["main", name.as_str()]).collect();
    let deep: Vec<String> = (0..2000).map(|number| format!("deep_{number}")).collect();
    let deep: Vec<&str> = deep.iter().map(String::as_str).collect();
    let mut all: Vec<Stack<'_>> = stacks.iter().map(|stack| (&stack[..], Class::DefinitelyLost, 100, 1)).collect();
    all.push((&deep, Class::DefinitelyLost, u64::MAX, 1));
    of(vec![process(&all)])
}

fn of(processes: Vec<Process>) -> Model {
    let recording = Recording { command: vec!["./app".to_owned()], processes, ..Recording::default() };
    let report = |process| stanch_leaks::report(process, &recording, Scope::Everything);
    let reports = recording.processes.iter().map(report).collect();
    Model::new("a\u{7}pp.rec", recording, reports, Some("/home/me".to_owned()))
}

fn process(stacks: &[Stack<'_>]) -> Process {
    let mut process = Process {
        pid: 42,
        parent_pid: 1,
        command: vec!["/home/me/app".to_owned(), "--port\n80".to_owned()],
        executable: "/home/me/app".to_owned(),
        duration_ms: 2310,
        ending: Ending::Exited(Some(0)),
        allocations: 1234,
        allocated_bytes: 5 << 20,
        peak_bytes: 2 << 20,
        modules: vec![Module { path: "/home/me/app".to_owned(), ..Module::default() }],
        nodes: vec![StackNode::default()],
        losses: vec![Loss { what: "a\u{9b}bc".to_owned(), why: "because".to_owned() }],
        ..Process::default()
    };
    let mut groups = Vec::new();
    for (site, (stack, class, bytes, blocks)) in (0..).zip(stacks) {
        let mut node = NodeIndex(0);
        for name in *stack {
            node = child(&mut process, node, name);
        }
        process.sites.push(SiteCounts {
            node,
            allocations: 2 * blocks,
            allocated_bytes: bytes.saturating_mul(2),
            lifetimes: [*blocks; LIFETIME_BUCKETS],
        });
        groups.push(Group {
            site: SiteIndex(site),
            allocator: AllocatorFunction::Malloc,
            class: *class,
            blocks: *blocks,
            bytes: *bytes,
            indirect_blocks: 0,
            indirect_bytes: 0,
            oldest_ms: 10,
            newest_ms: 900,
        });
    }
    let early = groups.iter().map(|group| Group { class: Class::Live, ..*group }).take(4).collect();
    process.history.points = (0..=46).map(point).collect();
    process.snapshots = vec![
        Snapshot { at_ms: 1000, reason: SnapshotReason::OnDemand, pause_ns: 1_234_567, groups: early },
        Snapshot { at_ms: 2300, reason: SnapshotReason::Exit, pause_ns: 0, groups },
    ];
    process
}

/// Memory that rises, falls to a third, and rises again.
fn point(number: u64) -> HistoryPoint {
    let height = if number < 25 { 4 * number } else { 30 + number };
    HistoryPoint {
        at_ms: 50 * number,
        heap_bytes: height << 14,
        mapped_bytes: 1 << 16,
        resident_bytes: (height + 200) << 14,
        sites: number.is_multiple_of(2).then(|| PointSites { live_blocks: 3 * number, ..PointSites::default() }),
    }
}

/// A new frame; each has an address and a line of its own.
fn child(process: &mut Process, parent: NodeIndex, name: &str) -> NodeIndex {
    let index = process.nodes.len() as u32;
    let address = RuntimeAddress(0x1000 + u64::from(index));
    process.nodes.push(StackNode { parent, address, module: 1 });
    let frame = ResolvedFrame {
        function: Some(name.to_owned()),
        file: Some("/home/me/src/app.cc".to_owned()),
        line: Some(index),
        ..ResolvedFrame::default()
    };
    process.resolved.push(ResolvedCode { module: 1, address, frames: vec![frame] });
    NodeIndex(index)
}
