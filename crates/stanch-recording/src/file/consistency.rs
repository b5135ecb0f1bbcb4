//! What must hold of a recording so that consumers can index without checks: held against every
//! recording before it is written, and true of every one that was read.

use crate::history::HistoryPoint;
use crate::model::{NodeIndex, Process, Recording, SiteIndex};

/// A promise of the model that a recording breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("process {process}: {what} {position} {problem}")]
pub struct Inconsistency {
    /// Position in [`Recording::processes`].
    pub process: usize,
    /// What sort of entry breaks it.
    pub what: &'static str,
    /// Position of that entry in its list.
    pub position: usize,
    /// In which way.
    pub problem: &'static str,
}

/// Holds a recording against the promises of the model.
///
/// Samples have a distance. Parents have smaller indexes than their children (the root is its own
/// parent); nodes, sites, modules that are referred to exist; resolved code is sorted and has frames;
/// lists are short enough for their indexes.
///
/// # Errors
///
/// Says which entry breaks a promise first.
pub fn check(recording: &Recording) -> Result<(), Inconsistency> {
    for (position, process) in recording.processes.iter().enumerate() {
        check_process(process).map_err(|(what, at, problem)| Inconsistency {
            process: position,
            what,
            position: at,
            problem,
        })?;
    }
    Ok(())
}

type Problem = (&'static str, usize, &'static str);

fn check_process(process: &Process) -> Result<(), Problem> {
    check_lengths(process)?;
    check_stacks(process)?;
    check_groups(process)?;
    check_history(process)?;
    check_misuses(process)?;
    check_resolved(process)
}

fn check_lengths(process: &Process) -> Result<(), Problem> {
    let lists = [
        ("module", process.modules.len(), u16::MAX as usize),
        ("node", process.nodes.len(), u32::MAX as usize),
        ("site", process.sites.len(), u32::MAX as usize),
        ("snapshot", process.snapshots.len(), u32::MAX as usize),
    ];
    match lists.into_iter().find(|(_, length, most)| length > most) {
        Some((what, _, most)) => Err((what, most, "is beyond the range of its index")),
        None => Ok(()),
    }
}

fn check_stacks(process: &Process) -> Result<(), Problem> {
    for (position, node) in process.nodes.iter().enumerate() {
        let parent = node.parent.0 as usize;
        if parent >= position && position > 0 || parent > position {
            return Err(("node", position, "has a parent that does not come before it"));
        }
        if usize::from(node.module) > process.modules.len() {
            return Err(("node", position, "names a module that does not exist"));
        }
    }
    match process.sites.iter().position(|site| !has_node(process, site.node)) {
        Some(position) => Err(("site", position, "names a node that does not exist")),
        None => Ok(()),
    }
}

fn check_groups(process: &Process) -> Result<(), Problem> {
    for snapshot in &process.snapshots {
        if let Some(position) = snapshot.groups.iter().position(|group| !has_site(process, group.site)) {
            return Err(("group", position, "names a site that does not exist"));
        }
    }
    let Some(sampling) = &process.sampling else { return Ok(()) };
    if sampling.mean_bytes == 0 {
        return Err(("sampling", 0, "has no distance between samples"));
    }
    match sampling.seen.iter().position(|seen| !has_site(process, seen.site)) {
        Some(position) => Err(("sampled block", position, "names a site that does not exist")),
        None => Ok(()),
    }
}

fn check_history(process: &Process) -> Result<(), Problem> {
    let peak = &process.history.peak.sites;
    if let Some(position) = peak.iter().position(|held| !has_site(process, held.site)) {
        return Err(("site at the peak", position, "does not exist"));
    }
    let is_wrong = |point: &HistoryPoint| {
        point.sites.iter().flat_map(|sites| &sites.held).any(|(site, _)| !has_site(process, *site))
    };
    match process.history.points.iter().position(is_wrong) {
        Some(position) => Err(("point in time", position, "names a site that does not exist")),
        None => Ok(()),
    }
}

fn check_misuses(process: &Process) -> Result<(), Problem> {
    for (position, misuse) in process.misuses.iter().enumerate() {
        if !has_node(process, misuse.freed_at) {
            return Err(("misuse", position, "names a node that does not exist"));
        }
        if misuse.site.is_some_and(|site| !has_site(process, site)) {
            return Err(("misuse", position, "names a site that does not exist"));
        }
    }
    Ok(())
}

fn check_resolved(process: &Process) -> Result<(), Problem> {
    for (position, code) in process.resolved.iter().enumerate() {
        if usize::from(code.module) > process.modules.len() {
            return Err(("resolved code", position, "names a module that does not exist"));
        }
        if code.frames.is_empty() {
            return Err(("resolved code", position, "has no frame"));
        }
    }
    let key = |position: usize| (process.resolved[position].module, process.resolved[position].address);
    match (1..process.resolved.len()).find(|&position| key(position) < key(position - 1)) {
        Some(position) => Err(("resolved code", position, "is not in order")),
        None => Ok(()),
    }
}

pub(super) fn has_node(process: &Process, node: NodeIndex) -> bool {
    (node.0 as usize) < process.nodes.len()
}

pub(super) fn has_site(process: &Process, site: SiteIndex) -> bool {
    (site.0 as usize) < process.sites.len()
}
