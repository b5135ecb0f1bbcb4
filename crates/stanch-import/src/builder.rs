//! Makes a process of a recording from stacks as other tools write them.
use crate::budget::Budget;
use stanch_recording::{
    AllocatorFunction, Class, Group, LIFETIME_BUCKETS, Misuse, Module, NodeIndex, Process, ResolvedCode, ResolvedFrame,
    RuntimeAddress, SiteCounts, SiteIndex, Snapshot, SnapshotReason, StackNode,
};
use std::collections::{BTreeMap, HashMap};

/// The load bias of a module where nobody said it: no address lies above it, so no offset is made up.
pub(crate) const UNKNOWN_BIAS: u64 = u64::MAX;
/// Frames outside these are left out, so that a small file cannot ask for stacks without end.
pub(crate) const DEPTH_MAX: usize = 512;

/// A place in code: index into [`ProcessBuilder::codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CodeIndex(u32);

/// A process under construction.
pub(crate) struct ProcessBuilder {
    /// Facts that readers set as they meet them.
    pub(crate) process: Process,
    modules: HashMap<(String, u64), u16>,
    codes: Vec<(u16, u64)>,
    code_indexes: HashMap<(u16, u64, Vec<ResolvedFrame>), CodeIndex>,
    resolved: BTreeMap<(u16, u64), Vec<ResolvedFrame>>,
    nodes: HashMap<(NodeIndex, CodeIndex), NodeIndex>,
    sites: HashMap<NodeIndex, SiteIndex>,
    groups: BTreeMap<(SiteIndex, AllocatorFunction, Class), Group>,
    made_up_address: u64,
}

impl ProcessBuilder {
    pub(crate) fn new() -> Self {
        let process = Process { nodes: vec![StackNode::default()], ..Process::default() };
        Self {
            process,
            modules: HashMap::new(),
            codes: Vec::new(),
            code_indexes: HashMap::new(),
            resolved: BTreeMap::new(),
            nodes: HashMap::new(),
            sites: HashMap::new(),
            groups: BTreeMap::new(),
            made_up_address: 1,
        }
    }

    /// The number of a module as nodes refer to it; 0, which is none, where there are too many.
    pub(crate) fn module(&mut self, path: &str, load_bias: u64, build_id: &[u8], budget: &mut Budget) -> u16 {
        if path.is_empty() {
            return 0;
        }
        let key = (path.to_owned(), load_bias);
        if let Some(number) = self.modules.get(&key) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.process.modules.len() + 1) else { return 0 };
        if !budget.take(size_of::<Module>() + 2 * path.len() + build_id.len() + 64) {
            return 0;
        }
        self.process.modules.push(Module {
            path: path.to_owned(),
            build_id: build_id.to_vec(),
            load_bias,
            ..Module::default()
        });
        self.modules.insert(key, number);
        number
    }

    /// A place in code. `address` is the one after the call; 0 where it is not known. `frames` are the innermost first,
    /// and none where nothing is known.
    pub(crate) fn code(
        &mut self,
        module: u16,
        address: u64,
        frames: Vec<ResolvedFrame>,
        budget: &mut Budget,
    ) -> Option<CodeIndex> {
        let key = (module, address, frames);
        if let Some(index) = self.code_indexes.get(&key) {
            return Some(*index);
        }
        let text_bytes = |frame: &ResolvedFrame| {
            frame.function.as_deref().map_or(0, str::len) + frame.file.as_deref().map_or(0, str::len)
        };
        let frame_bytes: usize = key.2.iter().map(|frame| size_of::<ResolvedFrame>() + text_bytes(frame)).sum();
        if !budget.take(160 + 2 * frame_bytes) {
            return None;
        }
        let is_taken = |address| self.resolved.get(&(module, address)).is_some_and(|frames| *frames != key.2);
        let mut address = address;
        if address == 0 || is_taken(address) {
            // The recording knows code by its address, so this one gets one that the process cannot have.
            address = self.made_up_address;
            self.made_up_address += 1;
        }
        if !key.2.is_empty() {
            self.resolved.insert((module, address), key.2.clone());
        }
        let index = CodeIndex(u32::try_from(self.codes.len()).ok()?);
        self.codes.push((module, address));
        self.code_indexes.insert(key, index);
        Some(index)
    }

    /// The node of a frame in its caller.
    pub(crate) fn node(&mut self, caller: NodeIndex, code: CodeIndex, budget: &mut Budget) -> NodeIndex {
        if let Some(node) = self.nodes.get(&(caller, code)) {
            return *node;
        }
        let (module, address) = self.codes[code.0 as usize];
        let Ok(index) = u32::try_from(self.process.nodes.len()) else { return caller };
        if !budget.take(2 * size_of::<StackNode>() + 48) {
            return caller;
        }
        self.process.nodes.push(StackNode { parent: caller, address: RuntimeAddress(address), module });
        self.nodes.insert((caller, code), NodeIndex(index));
        NodeIndex(index)
    }

    /// The node of a stack whose frames come innermost first.
    pub(crate) fn stack(&mut self, innermost_first: &[CodeIndex], budget: &mut Budget) -> NodeIndex {
        let kept = &innermost_first[..innermost_first.len().min(DEPTH_MAX)];
        kept.iter().rev().fold(NodeIndex(0), |caller, code| self.node(caller, *code, budget))
    }

    /// The site of a stack.
    pub(crate) fn site(&mut self, node: NodeIndex, budget: &mut Budget) -> Option<SiteIndex> {
        if let Some(site) = self.sites.get(&node) {
            return Some(*site);
        }
        let site = SiteIndex(u32::try_from(self.process.sites.len()).ok()?);
        if !budget.take(2 * size_of::<SiteCounts>() + 32) {
            return None;
        }
        self.process.sites.push(SiteCounts { node, ..SiteCounts::default() });
        self.sites.insert(node, site);
        Some(site)
    }

    /// Adds to what a site allocated and freed over the whole life. How long blocks lived is known of temporary ones
    /// only; the others count as long-lived.
    pub(crate) fn add_counts(&mut self, site: SiteIndex, counts: Counts) {
        let sums = &mut self.process.sites[site.0 as usize];
        sums.allocations = sums.allocations.saturating_add(counts.blocks);
        sums.allocated_bytes = sums.allocated_bytes.saturating_add(counts.bytes);
        let lasting = counts.freed_blocks.saturating_sub(counts.temporary_blocks);
        sums.lifetimes[0] = sums.lifetimes[0].saturating_add(counts.temporary_blocks);
        sums.lifetimes[LIFETIME_BUCKETS - 1] = sums.lifetimes[LIFETIME_BUCKETS - 1].saturating_add(lasting);
    }

    /// Adds blocks that were live at the end.
    pub(crate) fn add_live(&mut self, site: SiteIndex, live: Live, budget: &mut Budget) {
        let key = (site, live.allocator, live.class);
        if !self.groups.contains_key(&key) && !budget.take(3 * size_of::<Group>()) {
            return;
        }
        let group = self.groups.entry(key).or_insert(Group {
            site,
            allocator: live.allocator,
            class: live.class,
            blocks: 0,
            bytes: 0,
            indirect_blocks: 0,
            indirect_bytes: 0,
            oldest_ms: 0,
            newest_ms: 0,
        });
        group.blocks = group.blocks.saturating_add(live.blocks);
        group.bytes = group.bytes.saturating_add(live.bytes);
        group.indirect_bytes = group.indirect_bytes.saturating_add(live.indirect_bytes);
    }

    /// Adds a wrong free.
    pub(crate) fn add_misuse(&mut self, misuse: Misuse, budget: &mut Budget) {
        if budget.take(2 * size_of::<Misuse>() + misuse.freed_by.len()) {
            self.process.misuses.push(misuse);
        }
    }

    /// The process, with one snapshot.
    pub(crate) fn finish(self, reason: SnapshotReason) -> Process {
        let mut process = self.process;
        process.snapshots.push(Snapshot {
            at_ms: process.duration_ms,
            reason,
            pause_ns: 0,
            groups: self.groups.into_values().collect(),
        });
        let sum =
            |of: fn(&SiteCounts) -> u64| process.sites.iter().fold(0, |sum: u64, site| sum.saturating_add(of(site)));
        process.allocations = sum(|site| site.allocations);
        process.allocated_bytes = sum(|site| site.allocated_bytes);
        let live = |groups: &[Group]| groups.iter().fold(0, |sum: u64, group| sum.saturating_add(group.bytes));
        process.peak_bytes = process.peak_bytes.max(process.snapshots.last().map_or(0, |last| live(&last.groups)));
        let resolved = self.resolved.into_iter();
        let code = |((module, address), frames)| ResolvedCode { module, address: RuntimeAddress(address), frames };
        process.resolved = resolved.map(code).collect();
        process
    }
}

/// What a site did over the whole life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
    pub(crate) freed_blocks: u64,
    pub(crate) temporary_blocks: u64,
}

/// Blocks that were live at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) allocator: AllocatorFunction,
    pub(crate) class: Class,
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
    pub(crate) indirect_bytes: u64,
}

impl Live {
    /// Blocks of which nothing more is known. [`settle`](crate::settle()) finds out what allocated them.
    pub(crate) fn undecided(blocks: u64, bytes: u64) -> Self {
        Self { allocator: AllocatorFunction::Malloc, class: Class::Live, blocks, bytes, indirect_bytes: 0 }
    }
}
