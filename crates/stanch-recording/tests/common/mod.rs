//! Recordings made up for tests and measurements: always the same, and in size, repetition and spread
//! of their numbers like those of real programs.

use stanch_recording::{
    AllocatorFunction, Class, Ending, Group, History, HistoryPoint, LIFETIME_BUCKETS, Loss, Misuse, MisuseKind, Module,
    NodeIndex, Package, PeakSite, PeakSites, PointSites, Process, Recording, ResolvedCode, ResolvedFrame,
    RuntimeAddress, SiteCounts, SiteIndex, SizeClass, Snapshot, SnapshotReason, StackNode,
};

/// How large a process to make up.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) nodes: usize,
    pub(crate) sites: usize,
    /// Distinct code addresses.
    pub(crate) addresses: usize,
}

/// A generator of numbers that look random (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Mostly small, sometimes large.
    fn skewed(&mut self) -> u64 {
        let bits = self.below(20);
        1 + (self.next() & ((1 << bits) - 1))
    }
}

/// A tree of a shell and the program of the given scale.
pub(crate) fn recording(scale: Scale) -> Recording {
    let mut numbers = Numbers(42);
    let shell = Process {
        pid: 4000,
        parent_pid: 1,
        command: vec!["sh".to_owned(), "-c".to_owned(), "server".to_owned()],
        executable: "/bin/sh".to_owned(),
        ending: Ending::Exec("/usr/bin/server".to_owned()),
        ..Process::default()
    };
    Recording {
        tool_version: "0.1.0".to_owned(),
        command: vec!["server".to_owned(), "--threads=2".to_owned()],
        started_unix_ms: 1_790_000_000_000,
        processes: vec![shell, process(scale, &mut numbers)],
        losses: vec![Loss { what: "process 4711".to_owned(), why: "it is statically linked".to_owned() }],
    }
}

fn process(scale: Scale, numbers: &mut Numbers) -> Process {
    let modules: Vec<_> = (0..40).map(module).collect();
    let codes = codes(scale.addresses, &modules, numbers);
    let nodes = nodes(scale.nodes, &codes, numbers);
    let sites: Vec<_> = (0..scale.sites).map(|index| site(index, scale, numbers)).collect();
    let misuse = Misuse {
        kind: MisuseKind::MismatchedFree,
        site: Some(SiteIndex(0)),
        allocator: AllocatorFunction::NewArray,
        freed_by: "free".to_owned(),
        freed_at: NodeIndex(1),
        count: 2,
        bytes: 64,
    };
    Process {
        pid: 4000,
        parent_pid: 1,
        command: vec!["server".to_owned(), "--threads=2".to_owned()],
        executable: "/usr/bin/server".to_owned(),
        started_ms: 12,
        duration_ms: 86_400_000,
        ending: Ending::Exited(Some(0)),
        allocations: sites.iter().map(|site| site.allocations).sum(),
        allocated_bytes: sites.iter().map(|site| site.allocated_bytes).sum(),
        peak_bytes: 1 << 31,
        modules,
        nodes,
        snapshots: vec![snapshot(scale, numbers)],
        history: history(&sites, numbers),
        sites,
        misuses: vec![misuse],
        resolved: resolved(codes, numbers),
        sampling: None,
        losses: vec![Loss { what: "one thread's stack".to_owned(), why: "it ran without unwind tables".to_owned() }],
    }
}

fn module(index: u64) -> Module {
    let package = (!index.is_multiple_of(3))
        .then(|| Package { name: format!("libmodule{index}"), version: format!("{index}.2-1+deb12u{}", index % 4) });
    Module {
        path: format!("/usr/lib/x86_64-linux-gnu/libmodule{index}.so.{}", index % 7),
        build_id: (0..20).map(|byte| (byte * 37 + index * 101) as u8).collect(),
        load_bias: 0x7F00_0000_0000 + index * 0x0123_4000,
        unloaded: index == 7,
        package,
    }
}

/// Code addresses in order; a few modules hold most of them.
fn codes(count: usize, modules: &[Module], numbers: &mut Numbers) -> Vec<(u16, RuntimeAddress)> {
    let mut codes: Vec<_> = (0..count)
        .map(|_| {
            let index =
                numbers.below(modules.len()).min(numbers.below(modules.len())).min(numbers.below(modules.len()));
            let address = modules[index].load_bias + 0x1000 + numbers.below(0x00F0_0000) as u64;
            (index as u16 + 1, RuntimeAddress(address))
        })
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// A trie that grows as stacks do: mostly on from where the last one was left.
fn nodes(count: usize, codes: &[(u16, RuntimeAddress)], numbers: &mut Numbers) -> Vec<StackNode> {
    let mut nodes = vec![StackNode::default()];
    for index in 1..count {
        let parent = match numbers.below(10) {
            0..6 => index - 1,
            6..9 => index - 1 - numbers.below(index.min(60)),
            _ => numbers.below(index),
        };
        let (module, address) = codes[numbers.below(codes.len()).min(numbers.below(codes.len()))];
        nodes.push(StackNode { parent: NodeIndex(parent as u32), address, module });
    }
    nodes
}

fn site(index: usize, scale: Scale, numbers: &mut Numbers) -> SiteCounts {
    let every = (scale.nodes / scale.sites).max(1);
    let node = (index * every + numbers.below(every)).min(scale.nodes - 1);
    let allocations = numbers.skewed();
    let mut lifetimes = [0; LIFETIME_BUCKETS];
    let mut left = allocations - numbers.below(2) as u64;
    while left > 0 {
        let share = left.min(numbers.skewed());
        lifetimes[numbers.below(LIFETIME_BUCKETS).min(numbers.below(LIFETIME_BUCKETS))] += share;
        left -= share;
    }
    let block_bytes = 16 + 8 * numbers.below(64) as u64;
    SiteCounts { node: NodeIndex(node as u32), allocations, allocated_bytes: allocations * block_bytes, lifetimes }
}

/// A third of the sites have live blocks.
fn snapshot(scale: Scale, numbers: &mut Numbers) -> Snapshot {
    let groups = (0..scale.sites).step_by(3).map(|site| {
        let blocks = numbers.skewed();
        let oldest_ms = numbers.below(80_000_000) as u64;
        Group {
            site: SiteIndex(site as u32),
            allocator: [AllocatorFunction::Malloc, AllocatorFunction::New][numbers.below(2)],
            class: [Class::StillReachable, Class::DefinitelyLost, Class::IndirectlyLost][numbers.below(12) / 5],
            blocks,
            bytes: blocks * (16 + 8 * numbers.below(64) as u64),
            indirect_blocks: numbers.below(10) as u64 / 9,
            indirect_bytes: numbers.below(10) as u64 / 9 * 48,
            oldest_ms,
            newest_ms: oldest_ms + numbers.skewed(),
        }
    });
    Snapshot { at_ms: 86_400_000, reason: SnapshotReason::Exit, pause_ns: 2_500_000, groups: groups.collect() }
}

/// A service that fills its memory in the first hour and then holds it.
fn history(sites: &[SiteCounts], numbers: &mut Numbers) -> History {
    let points = (0..500).map(|index: u64| {
        let held = (0..20.min(sites.len() as u32)).map(|site| (SiteIndex(site * 3), 1000 * index.min(60))).collect();
        HistoryPoint {
            at_ms: index * 172_800,
            heap_bytes: 1_000_000 * index.min(60) + numbers.skewed(),
            mapped_bytes: 1 << 20,
            resident_bytes: 1_200_000 * index.min(60) / 4096 * 4096,
            sites: index.is_multiple_of(2).then_some(PointSites {
                live_blocks: index,
                allocations: index * 10_000,
                held,
            }),
        }
    });
    let peak = (0_u32..).zip(sites).step_by(2).map(|(index, site)| PeakSite {
        site: SiteIndex(index),
        bytes: site.allocated_bytes,
        blocks: site.allocations,
    });
    History {
        points: points.collect(),
        peak: PeakSites { at_ms: 40_000_000, sites: peak.collect() },
        sizes: (4..20)
            .map(|log2| SizeClass { log2, blocks: numbers.skewed(), bytes: numbers.skewed() << log2 })
            .collect(),
    }
}

fn resolved(codes: Vec<(u16, RuntimeAddress)>, numbers: &mut Numbers) -> Vec<ResolvedCode> {
    let code = |(module, address): (u16, RuntimeAddress)| {
        let inlined_count = numbers.below(4) / 2;
        let frames = (0..=inlined_count).map(|depth| frame(module, address, depth < inlined_count, numbers)).collect();
        ResolvedCode { module, address, frames }
    };
    codes.into_iter().map(code).collect()
}

fn frame(module: u16, address: RuntimeAddress, inlined: bool, numbers: &mut Numbers) -> ResolvedFrame {
    if numbers.below(20) == 0 {
        return ResolvedFrame::default();
    }
    let function = if inlined {
        format!("std::vector<server::item_{0}, std::allocator<server::item_{0}>>::push_back", numbers.below(300))
    } else {
        format!("server::module_{module}::handler_{}<std::string>::process(request const&, int)", address.0 >> 9)
    };
    ResolvedFrame {
        function: Some(function),
        file: Some(format!("/build/server/src/module_{module}/unit_{}.cpp", address.0 >> 14)),
        line: Some(numbers.below(3000) as u32 + 1),
        column: Some(numbers.below(80) as u32 + 1),
        inlined,
    }
}
