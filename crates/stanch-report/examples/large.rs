//! Writes a large made-up recording, to measure reports on it:
//! `cargo run --release -p stanch-report --example large -- FILE [stacks] [blocks]`.
//!
//! A million distinct stacks of 10 to 30 frames and ten million live blocks where nothing else is said. Stacks share
//! what is outermost, as in real programs: they come from a walk that goes back a few frames and on again. Names are
//! those of a C++ service of 20,000 functions in 60 libraries.
use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, History, HistoryPoint, LIFETIME_BUCKETS, Module, NodeIndex, Package,
    PeakSite, PeakSites, PointSites, Process, Recording, ResolvedCode, ResolvedFrame, RuntimeAddress, SiteCounts,
    SiteIndex, SizeClass, Snapshot, SnapshotReason, StackNode,
};
use std::error::Error;
use std::path::Path;

const FUNCTIONS: usize = 20_000;
/// Calls in each function.
const CALLS: usize = 5;
const MODULES: usize = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file to write to")?;
    let stacks = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let blocks = arguments.next().map_or(Ok(10_000_000), |count| count.parse())?;
    stanch_recording::write_file(&recording(stacks, blocks), Path::new(&path))?;
    Ok(())
}

/// A generator of numbers that look random (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn recording(stacks: usize, blocks: usize) -> Recording {
    let mut numbers = Numbers(1);
    let modules: Vec<Module> = (0..MODULES as u64).map(module).collect();
    let (nodes, innermost) = trie(stacks, &mut numbers);
    let sites: Vec<SiteCounts> = innermost.iter().map(|node| site(*node, blocks / stacks, &mut numbers)).collect();
    let groups: Vec<Group> = (0..stacks).map(|site| group(site, blocks, stacks, &mut numbers)).collect();
    let process = Process {
        pid: 4711,
        parent_pid: 1,
        command: ["/usr/sbin/serviced", "--threads=64"].map(str::to_owned).to_vec(),
        executable: "/usr/sbin/serviced".to_owned(),
        duration_ms: 86_400_000,
        ending: Ending::Exited(Some(0)),
        allocations: sites.iter().map(|site| site.allocations).sum(),
        allocated_bytes: sites.iter().map(|site| site.allocated_bytes).sum(),
        peak_bytes: groups.iter().map(|group| group.bytes).sum::<u64>() * 5 / 4,
        history: history(&groups),
        modules,
        nodes,
        sites,
        snapshots: vec![Snapshot { at_ms: 86_400_000, reason: SnapshotReason::Exit, pause_ns: 4_000_000, groups }],
        resolved: resolved(),
        ..Process::default()
    };
    Recording {
        tool_version: "0.1.0".to_owned(),
        command: process.command.clone(),
        started_unix_ms: 1_790_000_000_000,
        processes: vec![process],
        losses: Vec::new(),
    }
}

fn module(index: u64) -> Module {
    let package = Package { name: format!("libservice{index}"), version: "2.1-1".to_owned() };
    Module {
        path: if index == 0 { "/usr/sbin/serviced".to_owned() } else { format!("/usr/lib/libservice{index}.so.2") },
        build_id: vec![index as u8; 20],
        load_bias: 0x7000_0000_0000 + (index << 32),
        unloaded: false,
        package: (index > 0).then_some(package),
    }
}

/// Code address of a call in a function. Functions with small numbers are called often.
fn code(function: usize, call: usize) -> (u16, RuntimeAddress) {
    let module = function % MODULES;
    let offset = 0x1000 + (function / MODULES * 0x400 + call * 0x40) as u64;
    (module as u16 + 1, RuntimeAddress(0x7000_0000_0000 + ((module as u64) << 32) + offset))
}

/// A trie with so many stacks of 10 to 30 frames, and the innermost node of each.
fn trie(stacks: usize, numbers: &mut Numbers) -> (Vec<StackNode>, Vec<NodeIndex>) {
    let (mut nodes, mut innermost) = (vec![StackNode::default()], Vec::with_capacity(stacks));
    let mut path = vec![NodeIndex(0)];
    while innermost.len() < stacks {
        // Back a few frames, seldom far.
        let back = 1 + numbers.below(4) + if numbers.below(50) == 0 { numbers.below(20) } else { 0 };
        path.truncate(path.len().saturating_sub(back).clamp(1, 30));
        let depth = (10 + numbers.below(21)).min(path.len() + numbers.below(6)).max(10).max(path.len());
        while path.len() <= depth {
            let most = if path.len() < 6 { 40 } else { FUNCTIONS };
            let function = numbers.below(most).min(numbers.below(most)).min(numbers.below(most));
            let (module, address) = code(function, numbers.below(CALLS));
            let parent = path[path.len() - 1];
            path.push(NodeIndex(nodes.len() as u32));
            nodes.push(StackNode { parent, address, module });
        }
        innermost.push(path[path.len() - 1]);
    }
    (nodes, innermost)
}

/// Most places allocate little, few very much.
fn site(node: NodeIndex, live: usize, numbers: &mut Numbers) -> SiteCounts {
    let freed = (1 << numbers.below(14)) as u64;
    let mut lifetimes = [0; LIFETIME_BUCKETS];
    lifetimes[numbers.below(3)] = freed;
    let allocations = freed + live as u64;
    SiteCounts { node, allocations, allocated_bytes: allocations * (16 << numbers.below(8)), lifetimes }
}

fn group(site: usize, blocks: usize, stacks: usize, numbers: &mut Numbers) -> Group {
    let class = match numbers.below(100) {
        0 => Class::DefinitelyLost,
        1 => Class::IndirectlyLost,
        2 => Class::PossiblyLost,
        _ => Class::StillReachable,
    };
    let most = 1 << numbers.below(10);
    let blocks = (blocks / stacks + usize::from(site < blocks % stacks)) as u64;
    Group {
        site: SiteIndex(site as u32),
        allocator: [AllocatorFunction::Malloc, AllocatorFunction::New][numbers.below(2)],
        class,
        blocks,
        bytes: blocks * (16 + 8 * numbers.below(most) as u64),
        indirect_blocks: 0,
        indirect_bytes: 0,
        oldest_ms: numbers.below(80_000_000) as u64,
        newest_ms: 86_000_000,
    }
}

fn history(groups: &[Group]) -> History {
    let total: u64 = groups.iter().map(|group| group.bytes).sum();
    let point = |index: u64| HistoryPoint {
        at_ms: index * 172_800,
        heap_bytes: total / 500 * index,
        mapped_bytes: 1 << 20,
        resident_bytes: total / 450 * index,
        sites: Some(PointSites {
            live_blocks: index * 20_000,
            allocations: index * 90_000,
            held: (0..30).map(|site| (SiteIndex(site * 1000), groups[site as usize].bytes * index / 500)).collect(),
        }),
    };
    let peak =
        groups.iter().map(|group| PeakSite { site: group.site, bytes: group.bytes * 5 / 4, blocks: group.blocks });
    History {
        points: (0..500).map(point).collect(),
        peak: PeakSites { at_ms: 70_000_000, sites: peak.collect() },
        sizes: (4..14).map(|log2| SizeClass { log2, blocks: 1_000_000, bytes: 1_500_000 << log2 }).collect(),
    }
}

fn resolved() -> Vec<ResolvedCode> {
    let mut resolved: Vec<ResolvedCode> = (0..FUNCTIONS * CALLS)
        .map(|code_number| {
            let (function, call) = (code_number / CALLS, code_number % CALLS);
            let (module, address) = code(function, call);
            let frame = ResolvedFrame {
                function: Some(format!(
                    "service::unit_{}::handler_{function}<std::string>::process(request const&, int)",
                    function / 40
                )),
                file: Some(format!("/build/service/src/unit_{}/handler_{function}.cpp", function / 40)),
                line: Some((call * 7 + 20) as u32),
                ..ResolvedFrame::default()
            };
            ResolvedCode { module, address, frames: vec![frame] }
        })
        .collect();
    resolved.sort_by_key(|code| (code.module, code.address));
    resolved
}
