//! Two analyses compared, for all formats: what was compared, which changes are for the worse, and their order.
use crate::kinds::words;
use stanch_finding::Report;
use stanch_finding::comparison::{Category, Change};
use std::cmp::Reverse;

/// One of the two that were compared.
#[derive(Clone, Copy, Debug)]
pub struct ComparedSide<'a> {
    /// The file's name.
    pub name: &'a str,
    /// What was found in it.
    pub reports: &'a [Report],
}

impl ComparedSide<'_> {
    /// Findings that suppressions took out; those that are over take out nothing.
    pub(crate) fn suppressed_findings(&self) -> u64 {
        let tallies = self.reports.iter().flat_map(|report| &report.suppressed);
        let findings = tallies.filter(|tally| tally.expired.is_none()).map(|tally| tally.findings);
        findings.fold(0, u64::saturating_add)
    }
}

/// Where a change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Course {
    /// New, grown, or of a worse kind.
    Worse,
    /// It cannot be told, or nothing changed.
    Neither,
    /// Gone, shrunk, or of a better kind.
    Better,
}

pub(crate) fn course(change: &Change<'_>) -> Course {
    match change.category {
        Category::New | Category::Grown => Course::Worse,
        Category::Changed => match change.old.zip(change.new) {
            Some((old, new)) if words(new.kind).rank < words(old.kind).rank || change.has_grown => Course::Worse,
            _ => Course::Better,
        },
        Category::Shrunk | Category::Gone => Course::Better,
        Category::Uncertain | Category::Same => Course::Neither,
    }
}

/// What got worse first, in it the worst kind first, and of one kind what makes the largest difference.
pub(crate) fn ordered<'c>(changes: &'c [Change<'c>]) -> Vec<&'c Change<'c>> {
    let mut ordered: Vec<&Change<'_>> = changes.iter().collect();
    ordered.sort_by_key(|change| {
        let place = match course(change) {
            Course::Worse => 0,
            _ if change.category == Category::Same => 3,
            Course::Better => 1,
            Course::Neither => 2,
        };
        let bytes = match (change.category, change.new) {
            (Category::Changed, Some(new)) => new.amounts.bytes,
            _ => change.difference().bytes,
        };
        (place, words(change.kind()).rank, Reverse(bytes), change.category, &change.finding.fingerprint)
    });
    ordered
}
