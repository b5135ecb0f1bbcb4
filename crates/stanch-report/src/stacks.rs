//! A recording as weighted stacks: what every view by stack is made of.
//!
//! Each stack of a process carries every weight, in bytes and blocks. *Lost* and *live* are those of the last snapshot.
//! The *peak* is the sampled moment at which most was live or, where none was sampled, the snapshot with the most live
//! bytes. Blocks that were inherited at a fork belong to the parent and are left out.
//!
//! Stacks stay in the recording's trie; [`ProcessStacks::frames`] spells one out.
use stanch_recording::{AllocatorFunction, Class, Group, NodeIndex, Process, Snapshot, StackEntry};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Bytes and blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Requested sizes.
    pub bytes: u64,
    /// How many.
    pub blocks: u64,
}

impl AddAssign for Amount {
    /// Saturates: a damaged recording may hold any number.
    fn add_assign(&mut self, other: Amount) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blocks = self.blocks.saturating_add(other.blocks);
    }
}

/// Which blocks a stack is weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Definitely or indirectly lost when last seen.
    Lost,
    /// Only pointers to their middle were left when last seen.
    PossiblyLost,
    /// Not freed when last seen.
    Live,
    /// Allocated over the whole life.
    Allocated,
    /// Live at the sampled moment, or else in the snapshot, with the most live bytes.
    Peak,
    /// Freed before their thread allocated again. Their bytes are not recorded.
    Temporary,
}

impl Weight {
    /// Every weight.
    pub const ALL: [Weight; 6] =
        [Self::Lost, Self::PossiblyLost, Self::Live, Self::Allocated, Self::Peak, Self::Temporary];

    /// The word for it: `lost`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::PossiblyLost => "possibly lost",
            Self::Live => "live",
            Self::Allocated => "allocated",
            Self::Peak => "peak",
            Self::Temporary => "temporary",
        }
    }

    /// False where only blocks are counted.
    #[must_use]
    pub const fn has_bytes(self) -> bool {
        !matches!(self, Self::Temporary)
    }
}

/// Bytes or blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requested sizes.
    Bytes,
    /// How many.
    Blocks,
}

impl Unit {
    /// The word for it: `bytes`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Blocks => "blocks",
        }
    }
}

/// One number a stack: what formats with a single weight carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Which blocks.
    pub weight: Weight,
    /// Counted how.
    pub unit: Unit,
}

impl Measure {
    /// What a stack weighs.
    #[must_use]
    pub fn of(self, stack: &WeightedStack) -> u64 {
        self.count(stack.amount(self.weight))
    }

    /// The number in this unit.
    #[must_use]
    pub fn count(self, amount: Amount) -> u64 {
        match self.unit {
            Unit::Bytes => amount.bytes,
            Unit::Blocks => amount.blocks,
        }
    }
}

/// One stack and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightedStack {
    /// Its innermost frame; the root where the stack is not known.
    pub node: NodeIndex,
    /// What was called to allocate the blocks that are live; `None` where none is.
    pub allocator: Option<AllocatorFunction>,
    weights: [Amount; Weight::ALL.len()],
}

impl WeightedStack {
    /// What it weighs.
    #[must_use]
    pub fn amount(&self, weight: Weight) -> Amount {
        self.weights[weight as usize]
    }

    fn new(node: NodeIndex) -> Self {
        Self { node, allocator: None, weights: Default::default() }
    }

    fn add(&mut self, weight: Weight, amount: Amount) {
        self.weights[weight as usize] += amount;
    }

    fn add_live(&mut self, group: &Group) {
        let amount = amount_of(group);
        match group.class {
            Class::DefinitelyLost | Class::IndirectlyLost => self.add(Weight::Lost, amount),
            Class::PossiblyLost => self.add(Weight::PossiblyLost, amount),
            Class::StillReachable | Class::Live => {}
        }
        self.add(Weight::Live, amount);
        self.allocator = self.allocator.or(Some(group.allocator));
    }
}

/// One frame of a stack, as people read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackFrame<'a> {
    /// Demangled name, where one is known.
    pub function: Option<&'a str>,
    /// Source file as the debug info names it.
    pub file: Option<&'a str>,
    /// Line from 1.
    pub line: Option<u32>,
    /// Path of the executable or shared object; `None` for code outside any.
    pub module: Option<&'a str>,
    /// File address of the call in the module, where known.
    pub module_offset: Option<u64>,
    /// Address of the instruction after the call, as the process saw it.
    pub address: u64,
    /// True where the function was inlined into the frame outside it.
    pub inlined: bool,
}

impl StackFrame<'_> {
    /// The function's name or, where there is none, `module+0xoffset`; `?` for unknown code outside any module.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.function, self.module, self.module_offset) {
            (Some(function), ..) => function.to_owned(),
            (None, Some(module), Some(offset)) => format!("{}+{offset:#x}", file_name(module)),
            (None, Some(module), None) => file_name(module).to_owned(),
            (None, None, _) => "?".to_owned(),
        }
    }
}

/// Last component of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The stacks of one process.
#[derive(Clone, Debug)]
pub struct ProcessStacks<'a> {
    /// The process.
    pub process: &'a Process,
    /// Its stacks that weigh anything, in the order of their nodes; no two have one node.
    pub stacks: Vec<WeightedStack>,
}

impl<'a> ProcessStacks<'a> {
    /// Sums a process's sites and snapshots by stack. Takes time linear in their number, times its logarithm.
    #[must_use]
    pub fn of(process: &'a Process) -> Self {
        let mut stacks = BTreeMap::new();
        for site in &process.sites {
            let stack = stacks.entry(site.node).or_insert_with(|| WeightedStack::new(site.node));
            stack.add(Weight::Allocated, Amount { bytes: site.allocated_bytes, blocks: site.allocations });
            stack.add(Weight::Temporary, Amount { bytes: 0, blocks: site.lifetimes[0] });
        }
        let mut of_group = |group: &Group, add: fn(&mut WeightedStack, &Group)| {
            let node = process.sites.get(group.site.0 as usize).map_or(NodeIndex(0), |site| site.node);
            add(stacks.entry(node).or_insert_with(|| WeightedStack::new(node)), group);
        };
        own_groups(process.snapshots.last()).for_each(|group| of_group(group, WeightedStack::add_live));
        if process.history.peak.sites.is_empty() {
            own_groups(largest(process))
                .for_each(|group| of_group(group, |stack, group| stack.add(Weight::Peak, amount_of(group))));
        }
        for held in &process.history.peak.sites {
            let node = process.sites.get(held.site.0 as usize).map_or(NodeIndex(0), |site| site.node);
            let stack = stacks.entry(node).or_insert_with(|| WeightedStack::new(node));
            stack.add(Weight::Peak, Amount { bytes: held.bytes, blocks: held.blocks });
        }
        let stacks = stacks.into_values().filter(|stack| stack.weights != <[Amount; 6]>::default());
        Self { process, stacks: stacks.collect() }
    }

    /// The frames of a stack, the outermost first, inlined ones included. Empty where the stack is not known.
    #[must_use]
    pub fn frames(&self, stack: &WeightedStack) -> Vec<StackFrame<'a>> {
        let mut frames: Vec<_> = self.process.stack(stack.node).flat_map(frames_of).collect();
        frames.reverse();
        frames
    }

    /// The sum over all stacks.
    #[must_use]
    pub fn total(&self, weight: Weight) -> Amount {
        let mut total = Amount::default();
        self.stacks.iter().for_each(|stack| total += stack.amount(weight));
        total
    }

    /// A name for the process among others: `perl (1743)`.
    #[must_use]
    pub fn name(&self) -> String {
        let command = self.process.command.first().map_or(self.process.executable.as_str(), String::as_str);
        format!("{} ({})", file_name(command), self.process.pid)
    }
}

/// The frames of one entry, innermost inlined frame first; one without a name where nothing is known.
#[must_use]
pub fn frames_of(entry: StackEntry<'_>) -> Vec<StackFrame<'_>> {
    let bare = StackFrame {
        module: entry.module.map(|module| module.path.as_str()),
        module_offset: entry.module_offset(),
        address: entry.node.address.0,
        ..StackFrame::default()
    };
    if entry.frames.is_empty() {
        return vec![bare];
    }
    let named = entry.frames.iter().map(|frame| StackFrame {
        function: frame.function.as_deref(),
        file: frame.file.as_deref(),
        line: frame.line,
        inlined: frame.inlined,
        ..bare
    });
    named.collect()
}

/// The snapshot with the most live bytes; of equals the last.
fn largest(process: &Process) -> Option<&Snapshot> {
    let live_bytes = |snapshot: &&Snapshot| -> u64 {
        own_groups(Some(snapshot)).fold(0, |sum: u64, group| sum.saturating_add(group.bytes))
    };
    process.snapshots.iter().max_by_key(live_bytes)
}

/// The groups of blocks that the process allocated itself.
pub(crate) fn own_groups(snapshot: Option<&Snapshot>) -> impl Iterator<Item = &Group> {
    let groups = snapshot.into_iter().flat_map(|snapshot| &snapshot.groups);
    groups.filter(|group| group.allocator != AllocatorFunction::Inherited)
}

pub(crate) fn amount_of(group: &Group) -> Amount {
    Amount { bytes: group.bytes, blocks: group.blocks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stanch_recording::{LIFETIME_BUCKETS, SnapshotReason};
    use stanch_recording::{Module, ResolvedCode, ResolvedFrame, RuntimeAddress, SiteCounts, SiteIndex, StackNode};

    fn group(site: u32, allocator: AllocatorFunction, class: Class, bytes: u64, blocks: u64) -> Group {
        Group {
            site: SiteIndex(site),
            allocator,
            class,
            blocks,
            bytes,
            indirect_blocks: 0,
            indirect_bytes: 0,
            oldest_ms: 0,
            newest_ms: 0,
        }
    }

    fn snapshot(groups: Vec<Group>) -> Snapshot {
        Snapshot { at_ms: 1, reason: SnapshotReason::Exit, pause_ns: 0, groups }
    }

    /// Two sites with one stack, one with another.
    fn process() -> Process {
        let node =
            |parent, address| StackNode { parent: NodeIndex(parent), address: RuntimeAddress(address), module: 1 };
        let mut lifetimes = [0; LIFETIME_BUCKETS];
        lifetimes[0] = 4;
        let site = |node, blocks, bytes| SiteCounts {
            node: NodeIndex(node),
            allocations: blocks,
            allocated_bytes: bytes,
            lifetimes,
        };
        let names = ["inner", "outer"].map(|name| ResolvedFrame {
            function: Some(name.to_owned()),
            inlined: name == "inner",
            ..ResolvedFrame::default()
        });
        use AllocatorFunction::{Calloc, Inherited, Malloc};
        Process {
            command: vec!["/bin/app".to_owned()],
            pid: 7,
            modules: vec![Module { path: "/bin/app".to_owned(), load_bias: 0x1000, ..Module::default() }],
            nodes: vec![StackNode::default(), node(0, 0x1010), node(1, 0x1020)],
            sites: vec![site(2, 10, 100), site(2, 1, 5), site(1, 2, 20), SiteCounts::default()],
            snapshots: vec![
                snapshot(vec![group(2, Malloc, Class::Live, 1000, 1)]),
                snapshot(vec![
                    group(0, Calloc, Class::DefinitelyLost, 30, 3),
                    group(1, Malloc, Class::IndirectlyLost, 5, 1),
                    group(2, Malloc, Class::PossiblyLost, 7, 1),
                    group(3, Inherited, Class::StillReachable, 999, 9),
                ]),
            ],
            resolved: vec![ResolvedCode { module: 1, address: RuntimeAddress(0x1020), frames: names.into() }],
            ..Process::default()
        }
    }

    #[test]
    fn every_weight_is_summed_by_stack() {
        let process = process();
        let stacks = ProcessStacks::of(&process);
        assert_eq!(stacks.stacks.len(), 2);
        let weights =
            |stack: &WeightedStack| Weight::ALL.map(|weight| (stack.amount(weight).bytes, stack.amount(weight).blocks));
        assert_eq!(weights(&stacks.stacks[0]), [(0, 0), (7, 1), (7, 1), (20, 2), (1000, 1), (0, 4)]);
        assert_eq!(weights(&stacks.stacks[1]), [(35, 4), (0, 0), (35, 4), (105, 11), (0, 0), (0, 8)]);
        assert_eq!(stacks.total(Weight::Live), Amount { bytes: 42, blocks: 5 });
        assert_eq!(stacks.stacks[1].allocator, Some(AllocatorFunction::Calloc));
        assert_eq!(stacks.name(), "app (7)");
    }

    #[test]
    fn frames_come_outermost_first() {
        let process = process();
        let stacks = ProcessStacks::of(&process);
        let frames = stacks.frames(&stacks.stacks[1]);
        let names: Vec<_> = frames.iter().map(|frame| (frame.name(), frame.inlined)).collect();
        assert_eq!(names, [("app+0xf".to_owned(), false), ("outer".to_owned(), false), ("inner".to_owned(), true)]);
    }
}
