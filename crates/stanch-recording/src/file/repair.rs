//! What makes a damaged process safe to use: gaps are filled, references into them are redirected,
//! and each of it is said.

use super::budget::Budget;
use super::consistency::{has_node, has_site};
use super::process::Lengths;
use crate::model::{Loss, Module, NodeIndex, Process, SiteCounts, StackNode};

/// Entries that were missing before chunks that are there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missing {
    pub(super) nodes: usize,
    pub(super) sites: usize,
    pub(super) groups: usize,
    pub(super) peak_sites: usize,
}

/// Brings lists to the length they were written with, where that is known and affordable, and makes
/// every index of `process` hold.
pub(super) fn repair(
    process: &mut Process,
    position: usize,
    lengths: Option<Lengths>,
    mut missing: Missing,
    budget: &mut Budget,
    losses: &mut Vec<Loss>,
) {
    let mut lose = |count: usize, what: &str| {
        if count > 0 {
            let what = format!("{count} {what} (process {position})");
            losses.push(Loss { what, why: "the recording was cut off or damaged".to_owned() });
        }
    };
    if lengths.is_none() {
        lose(1, "section of facts of the process");
    }
    let lengths = lengths.unwrap_or_else(|| Lengths::of(process));
    let most_modules = lengths.modules.min(usize::from(u16::MAX));
    lose(fill(&mut process.modules, most_modules, budget, Module::default()), "modules");
    missing.nodes += fill(&mut process.nodes, lengths.nodes, budget, StackNode::default());
    missing.sites += fill(&mut process.sites, lengths.sites, budget, SiteCounts::default());
    lose(missing.nodes, "stack frames");
    lose(missing.sites, "allocation sites");
    lose(missing.groups, "groups of live blocks");
    lose(missing.peak_sites, "sites at the peak");
    lose(lengths.snapshots.saturating_sub(process.snapshots.len()), "snapshots");
    lose(lengths.misuses.saturating_sub(process.misuses.len()), "wrong frees");
    lose(lengths.resolved.saturating_sub(process.resolved.len()), "names of code");
    if process.nodes.is_empty() && !(process.sites.is_empty() && process.misuses.is_empty()) {
        process.nodes.push(StackNode::default());
    }
    lose(redirect_nodes(process), "references to stack frames that are missing");
    lose(redirect_modules(process), "references to modules that are missing");
    lose(drop_history(process), "sites in the memory over time that are missing");
    lose(redirect_sites(process), "groups of live blocks or wrong frees whose allocation site is missing");
}

/// Lengthens a list to `length`, if the budget allows; says how many entries were missing.
fn fill<T: Clone>(list: &mut Vec<T>, length: usize, budget: &mut Budget, filler: T) -> usize {
    let missing = length.saturating_sub(list.len());
    if missing > 0 && u32::try_from(length).is_ok() && budget.entries::<T>(missing).is_ok() {
        list.resize(length, filler);
    }
    missing
}

/// Stacks of which nothing is known end at the root.
fn redirect_nodes(process: &mut Process) -> usize {
    let node_count = process.nodes.len();
    let sites = process.sites.iter_mut().map(|site| &mut site.node);
    let misuses = process.misuses.iter_mut().map(|misuse| &mut misuse.freed_at);
    let mut redirected = 0;
    for node in sites.chain(misuses).filter(|node| node.0 as usize >= node_count) {
        *node = NodeIndex(0);
        redirected += 1;
    }
    redirected
}

/// Code of a module of which nothing is known belongs to none; its names go.
fn redirect_modules(process: &mut Process) -> usize {
    let module_count = process.modules.len();
    let mut redirected = 0;
    for node in process.nodes.iter_mut().filter(|node| usize::from(node.module) > module_count) {
        node.module = 0;
        redirected += 1;
    }
    let names_before = process.resolved.len();
    process.resolved.retain(|code| usize::from(code.module) <= module_count);
    redirected + names_before - process.resolved.len()
}

/// What is known of sites that are missing goes; says how many entries those are.
fn drop_history(process: &mut Process) -> usize {
    let mut history = std::mem::take(&mut process.history);
    let mut dropped = history.peak.sites.len();
    history.peak.sites.retain(|held| has_site(process, held.site));
    dropped -= history.peak.sites.len();
    for sites in history.points.iter_mut().filter_map(|point| point.sites.as_mut()) {
        dropped += sites.held.len();
        sites.held.retain(|(site, _)| has_site(process, *site));
        dropped -= sites.held.len();
    }
    process.history = history;
    dropped
}

/// Groups without a site go; wrong frees stay, of an unknown block.
fn redirect_sites(process: &mut Process) -> usize {
    let mut redirected = 0;
    let mut snapshots = std::mem::take(&mut process.snapshots);
    for snapshot in &mut snapshots {
        let groups_before = snapshot.groups.len();
        snapshot.groups.retain(|group| has_site(process, group.site));
        redirected += groups_before - snapshot.groups.len();
    }
    process.snapshots = snapshots;
    if let Some(mut sampling) = process.sampling.take() {
        let seen_before = sampling.seen.len();
        sampling.seen.retain(|seen| has_site(process, seen.site));
        redirected += seen_before - sampling.seen.len();
        process.sampling = Some(sampling);
    }
    let mut misuses = std::mem::take(&mut process.misuses);
    for misuse in &mut misuses {
        debug_assert!(has_node(process, misuse.freed_at));
        if misuse.site.is_some_and(|site| !has_site(process, site)) {
            misuse.site = None;
            redirected += 1;
        }
    }
    process.misuses = misuses;
    redirected
}
