//! Findings from the live blocks of a snapshot.
use super::evidence::{Case, evidence};
use super::owner::Owners;
use super::stacks::Stacks;
use super::{Scope, advice, text};
use crate::estimate::Uncertainty;
use stanch_finding::{BlockCount, ByteCount, Confidence, Estimate, Finding, Fingerprint, Kind, Site};
use stanch_recording::{AllocatorFunction, Class, Group, Process, SiteCounts, SiteIndex, Snapshot};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// One finding for each fingerprint and class among the snapshot's groups.
pub(super) fn findings(
    process: &Process,
    snapshot: &Snapshot,
    scope: Scope,
    stacks: &Stacks<'_>,
    owners: &Owners<'_>,
) -> Vec<Finding> {
    let mut merged: BTreeMap<(Fingerprint, Class), Vec<Group>> = BTreeMap::new();
    let groups = snapshot.groups.iter().filter(|group| group.allocator != AllocatorFunction::Inherited);
    for group in groups.filter(|group| scope.has(group.class)) {
        let fingerprint = stacks.fingerprint(group.site, group.allocator);
        merged.entry((fingerprint, group.class)).or_default().push(*group);
    }
    merged
        .into_iter()
        .map(|(identity, mut groups)| {
            groups.sort_by_key(|group| (Reverse(group.bytes), Reverse(group.blocks), group.site));
            finding(process, snapshot, identity, &groups, stacks, owners)
        })
        .collect()
}

fn finding(
    process: &Process,
    snapshot: &Snapshot,
    (fingerprint, class): (Fingerprint, Class),
    groups: &[Group],
    stacks: &Stacks<'_>,
    owners: &Owners<'_>,
) -> Finding {
    let sum = |of: fn(&Group) -> u64| groups.iter().fold(0, |sum: u64, group| sum.saturating_add(of(group)));
    let largest = groups[0];
    let site = stacks.site(largest.site, largest.allocator);
    let group = Group {
        blocks: sum(|group| group.blocks),
        bytes: sum(|group| group.bytes),
        indirect_blocks: sum(|group| group.indirect_blocks),
        indirect_bytes: sum(|group| group.indirect_bytes),
        oldest_ms: groups.iter().map(|group| group.oldest_ms).min().unwrap_or(0),
        newest_ms: groups.iter().map(|group| group.newest_ms).max().unwrap_or(0),
        ..largest
    };
    let estimate = estimate(process, groups);
    let is_sampled = process.sampling.is_some();
    let case = Case { snapshot, group: &group, counts: counts(process, groups), groups, stacks, estimate, is_sampled };
    Finding {
        fingerprint,
        rule: rule(class).to_owned(),
        kind: kind(class),
        confidence: confidence(class, group.allocator),
        message: message(&group, estimate.as_ref(), &site),
        bytes: ByteCount(group.bytes),
        blocks: BlockCount(group.blocks),
        indirect_bytes: ByteCount(group.indirect_bytes),
        indirect_blocks: BlockCount(group.indirect_blocks),
        estimate,
        owner: owners.of(&site),
        site: site.clone(),
        evidence: evidence(&case),
        fix: Some(advice::for_leak(&group, &case.counts, &site, is_sampled)),
    }
}

/// How far the sums of these stacks may be off; `None` where they are exact.
fn estimate(process: &Process, groups: &[Group]) -> Option<Estimate> {
    let sampling = process.sampling.as_ref()?;
    let mut uncertainty = Uncertainty::default();
    for group in groups {
        uncertainty.add_group(group, sampling);
    }
    uncertainty.estimate()
}

/// What all stacks of a finding allocated and freed over the whole life, whatever became of it.
fn counts(process: &Process, groups: &[Group]) -> SiteCounts {
    let sites: BTreeSet<SiteIndex> = groups.iter().map(|group| group.site).collect();
    let mut sum = SiteCounts::default();
    for counts in sites.into_iter().filter_map(|site| process.sites.get(site.0 as usize)) {
        sum.allocations = sum.allocations.saturating_add(counts.allocations);
        sum.allocated_bytes = sum.allocated_bytes.saturating_add(counts.allocated_bytes);
        for (sum, freed) in sum.lifetimes.iter_mut().zip(counts.lifetimes) {
            *sum = sum.saturating_add(freed);
        }
    }
    sum
}

fn kind(class: Class) -> Kind {
    match class {
        Class::DefinitelyLost => Kind::DefinitelyLost,
        Class::IndirectlyLost => Kind::IndirectlyLost,
        Class::PossiblyLost => Kind::PossiblyLost,
        Class::StillReachable => Kind::StillReachable,
        Class::Live => Kind::Live,
    }
}

fn rule(class: Class) -> &'static str {
    match class {
        Class::DefinitelyLost => "leak/definitely-lost",
        Class::IndirectlyLost => "leak/indirectly-lost",
        Class::PossiblyLost => "leak/possibly-lost",
        Class::StillReachable => "leak/still-reachable",
        Class::Live => "leak/live",
    }
}

/// The scan looks at everything a program can hold a pointer in, so what it says of heap blocks is certain. Mappings
/// may be meant to stay, and are found again by other means than pointers.
fn confidence(class: Class, allocator: AllocatorFunction) -> Confidence {
    match class {
        Class::DefinitelyLost if allocator == AllocatorFunction::Mmap => Confidence::Likely,
        Class::DefinitelyLost | Class::IndirectlyLost | Class::StillReachable => Confidence::Proven,
        Class::PossiblyLost | Class::Live => Confidence::Possible,
    }
}

fn message(group: &Group, estimate: Option<&Estimate>, site: &Site) -> String {
    let state = state(group.class);
    let amount = match estimate {
        Some(estimate) => text::estimated(group.bytes, group.blocks, estimate),
        None => text::amount(group.bytes, group.blocks),
    };
    let place = text::place(site);
    format!("{amount} allocated by {place} {} {state}", text::be(group.blocks))
}

/// What is said of the blocks of a class, after `are`.
pub(super) fn state(class: Class) -> &'static str {
    match class {
        Class::DefinitelyLost => "definitely lost",
        Class::IndirectlyLost => "indirectly lost",
        Class::PossiblyLost => "possibly lost",
        Class::StillReachable => "still reachable",
        Class::Live => "still live",
    }
}
