//! Turns a ledger into the recording of a process.
use crate::ledger::Ledger;
use crate::sampled;
use crate::snapshot::allocator;
use stanch_ledger::{BlockKind, FIRST_SITE, ModuleEntry, flag, release};
use stanch_recording::{
    AllocatorFunction, Loss, Misuse, MisuseKind, Module, NodeIndex, Process, RuntimeAddress, SiteCounts, SiteIndex,
    StackNode,
};
use std::sync::atomic::Ordering::*;

/// Fills in everything that the ledger knows. Sites keep their numbers. `recorder` is the path of the recorder's own
/// file, whose frames are nobody's business.
pub(crate) fn collect(ledger: &Ledger, process: &mut Process, recorder: &str) {
    let header = ledger.header();
    let generation = header.generation.load(Relaxed);
    let executable = process.executable.clone();
    process.modules = ledger.modules().map(|entry| module(entry, generation, &executable)).collect();
    let (nodes, visible) = nodes(ledger, &process.modules, recorder);
    process.nodes = nodes;
    process.sites = sites(ledger, &visible);
    process.allocations = process.sites.iter().map(|site| site.allocations).sum();
    process.allocated_bytes = process.sites.iter().map(|site| site.allocated_bytes).sum();
    process.peak_bytes = peak(ledger);
    process.misuses = misuses(ledger, process);
    process.losses.extend(losses(ledger));
}

fn module(entry: &ModuleEntry, generation: u32, executable: &str) -> Module {
    let path = Ledger::text(&entry.path, entry.path_len.load(Relaxed));
    let id_bytes = (entry.build_id_len.load(Relaxed) as usize).min(size_of_val(&entry.build_id));
    let build_id: Vec<u8> = entry.build_id.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
    Module {
        path: if path.is_empty() { executable.to_owned() } else { path },
        build_id: build_id[..id_bytes].to_vec(),
        load_bias: entry.bias.load(Relaxed),
        unloaded: entry.generation.load(Relaxed) != generation,
        package: None,
    }
}

/// The trie, and for each node the nearest one that is not the recorder's own frame.
fn nodes(ledger: &Ledger, modules: &[Module], recorder: &str) -> (Vec<StackNode>, Vec<NodeIndex>) {
    let (mut nodes, mut visible) = (Vec::new(), Vec::new());
    for (index, node) in ledger.nodes().into_iter().enumerate() {
        // A node that was being written when the process was killed hangs on the root.
        let parent = visible.get(node.parent as usize).copied().unwrap_or(NodeIndex(0));
        let module = Some((node.key >> 48) as u16).filter(|module| *module as usize <= modules.len()).unwrap_or(0);
        let is_recorder = module > 0 && modules[module as usize - 1].path == recorder;
        visible.push(if is_recorder { parent } else { NodeIndex(index as u32) });
        let address = RuntimeAddress(node.key & ((1 << 48) - 1));
        nodes.push(StackNode { parent, address, module });
    }
    if nodes.is_empty() {
        nodes.push(StackNode::default());
        visible.push(NodeIndex(0));
    }
    (nodes, visible)
}

fn sites(ledger: &Ledger, visible: &[NodeIndex]) -> Vec<SiteCounts> {
    let is_sampled = sampled::mean_bytes(ledger).is_some();
    let blocks = |count| if is_sampled { sampled::blocks(count) } else { count };
    ledger
        .sites()
        .into_iter()
        .map(|site| SiteCounts {
            node: visible.get(site.node as usize).copied().unwrap_or(NodeIndex(0)),
            allocations: blocks(site.allocations),
            allocated_bytes: site.bytes,
            lifetimes: site.lifetimes.map(blocks),
        })
        .collect()
}

/// Most bytes live at one time: what threads handed in, and what they had not handed in yet.
fn peak(ledger: &Ledger) -> u64 {
    let header = ledger.header();
    let live = header.live_bytes.load(Relaxed);
    let threads = ledger.threads();
    let not_handed_in: i64 = threads.iter().map(|thread| thread.net_bytes).sum();
    let last = threads.iter().map(|thread| live + thread.net_peak).max().unwrap_or(live);
    header.peak_bytes.load(Relaxed).max(last).max(live + not_handed_in).max(0) as u64
}

fn misuses(ledger: &Ledger, process: &Process) -> Vec<Misuse> {
    ledger
        .misuses()
        .filter(|entry| entry.ready.load(Acquire) != 0)
        .map(|entry| {
            let site = entry.site.load(Relaxed);
            let node = entry.node.load(Relaxed) as usize;
            Misuse {
                kind: if entry.kind.load(Relaxed) == 2 { MisuseKind::DoubleFree } else { MisuseKind::MismatchedFree },
                site: (site > FIRST_SITE && (site as usize) < process.sites.len()).then_some(SiteIndex(site)),
                allocator: BlockKind::from_number(entry.block_kind.load(Relaxed) as u8)
                    .map_or(AllocatorFunction::Inherited, allocator),
                freed_by: released_by(entry.released_by.load(Relaxed)).to_owned(),
                freed_at: NodeIndex(if node < process.nodes.len() { node as u32 } else { 0 }),
                count: entry.count.load(Relaxed),
                bytes: entry.bytes.load(Relaxed),
            }
        })
        .collect()
}

fn released_by(number: u32) -> &'static str {
    match number {
        release::DELETE | release::DELETE_ALIGNED => "operator delete",
        release::DELETE_ARRAY | release::DELETE_ARRAY_ALIGNED => "operator delete[]",
        release::REALLOC => "realloc",
        _ => "free",
    }
}

/// What the hooks could not do.
fn losses(ledger: &Ledger) -> Vec<Loss> {
    let header = ledger.header();
    let flags = header.flags.load(Relaxed);
    let allocator = Ledger::text(&header.allocator_path, header.allocator_path_len.load(Relaxed));
    let allocator = if allocator.is_empty() { "the program itself".to_owned() } else { format!("`{allocator}`") };
    let table: [(u32, &str, String); 10] = [
        (
            flag::OWN_MALLOC,
            "allocations inside the program",
            "it brings its own `malloc`, whose calls cannot be seen from outside; only what libraries map is known"
                .into(),
        ),
        (
            flag::FOREIGN_MALLOC,
            "some lost blocks",
            format!(
                "malloc comes from {allocator}, whose own variables may hold pointers to blocks that the program lost"
            ),
        ),
        (
            flag::MAP_FAILED,
            "some allocations",
            "memory for the ledger could not be had (limit on address space?)".into(),
        ),
        (
            flag::STACKS_FULL,
            "the stacks of some allocations",
            "the program has more than 16 million distinct stacks".into(),
        ),
        (flag::MODULES_FULL, "names in some stacks", "the program loaded more than 2,048 modules".into()),
        (flag::MAPPINGS_FULL, "some anonymous mappings", "the program has more than 32,768 at a time".into()),
        (
            flag::NOT_INHERITED,
            "blocks that the parent allocated",
            "they could not be taken over at the fork; blocks that only they hold may be called lost".into(),
        ),
        (
            flag::FORK_RESTRICTED,
            "processes that this one forked",
            "it had restricted its system calls, and a child's ledger needs some".into(),
        ),
        (
            flag::DEEP_BINDING,
            "releases by a library that was loaded with RTLD_DEEPBIND",
            "it calls the C library past the recorder; blocks that it released may be called lost".into(),
        ),
        (
            flag::EXEC_UNREADABLE,
            "programs that this one started",
            "after a change of root or user they cannot read the recorder's file".into(),
        ),
    ];
    let mut losses: Vec<Loss> = table
        .into_iter()
        .filter(|(bit, _, _)| flags & bit != 0)
        .map(|(_, what, why)| Loss { what: what.to_owned(), why })
        .collect();
    let dropped = header.dropped.load(Relaxed);
    if dropped > 0 {
        losses.push(Loss {
            what: format!("{dropped} allocations"),
            why: "there was no room in the ledger for them".to_owned(),
        });
    }
    losses
}
