//! What could not be seen: each reason once, with what it hides.
use super::page::{Ink, Page};
use super::selection::Selection;
use super::{Limit, TextOptions};
use crate::numbers::plural;
use stanch_finding::{Incomplete, Report};
use std::collections::BTreeMap;

/// Things of one reason that are named; the others are counted.
const NAMED: usize = 3;

/// True where another program took this one's place: it had no end at which it could be checked.
pub(super) fn was_replaced(report: &Report) -> bool {
    report.subject.ending.starts_with("replaced by exec") && report.findings.is_empty()
}

/// True where the process went on after it was checked.
pub(super) fn is_running(report: &Report) -> bool {
    report.subject.ending == "still running"
}

/// What is missing of a report beside that it was replaced, which has a line of its own.
fn gaps(report: &Report) -> impl Iterator<Item = &Incomplete> {
    let is_replaced = was_replaced(report);
    report.incomplete.iter().filter(move |gap| !(is_replaced && gap.why.starts_with("no snapshot")))
}

/// Missing names make findings harder to read, and a fork that could not be made costs time; they hide none.
fn hides_leaks(gap: &Incomplete) -> bool {
    module_without_names(gap).is_none() && gap.what != "a fork of the program"
}

fn module_without_names(gap: &Incomplete) -> Option<&str> {
    gap.what.strip_prefix("names in `")?.strip_suffix('`')
}

/// True where the gap hides leaks, or names in a stack that is listed.
fn concerns(gap: &Incomplete, selection: &Selection<'_>) -> bool {
    let Some(module) = module_without_names(gap) else { return true };
    let entries = selection.sections.iter().flat_map(|section| &section.entries);
    let mut frames = entries.flat_map(|entry| &entry.finding.site.stack);
    frames.any(|frame| frame.module.as_deref() == Some(module))
}

/// True where leaks may have gone unseen.
pub(super) fn may_hide_leaks(reports: &[Report]) -> bool {
    reports.iter().flat_map(gaps).any(hides_leaks) || (!reports.is_empty() && reports.iter().all(was_replaced))
}

pub(super) fn unseen(reports: &[Report], selection: &Selection<'_>, options: &TextOptions<'_>, page: &mut Page) {
    replaced(reports, page);
    running(reports, page);
    let gaps = reports.iter().flat_map(gaps).filter(|gap| concerns(gap, selection));
    reasons("not seen:", gaps, options, page);
}

/// What may hide leaks, whatever is listed.
pub(super) fn hidden(title: &str, reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    reasons(title, reports.iter().flat_map(gaps).filter(|gap| hides_leaks(gap)), options, page);
}

fn reasons<'a>(title: &str, gaps: impl Iterator<Item = &'a Incomplete>, options: &TextOptions<'_>, page: &mut Page) {
    let mut by_reason: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for gap in gaps {
        *by_reason.entry(&gap.why).or_default().entry(&gap.what).or_default() += 1;
    }
    if by_reason.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(&[(Ink::Doubtful, title)], 2);
    for (why, things) in by_reason {
        page.paragraph(&[(Ink::Plain, &format!("   {}: {why}", list(&things, options)))], 6);
    }
}

fn replaced(reports: &[Report], page: &mut Page) {
    let count = reports.iter().filter(|report| was_replaced(report)).count() as u64;
    if count == 0 {
        return;
    }
    let (images, their) = match count {
        1 => ("1 program image was".to_owned(), "its"),
        _ => (format!("{count} program images were"), "their"),
    };
    page.blank();
    page.paragraph(&[(Ink::Faint, &format!("{images} replaced by exec before {their} end: not checked"))], 2);
}

/// What was checked in the middle of its life, where that is not all there is.
fn running(reports: &[Report], page: &mut Page) {
    let running: Vec<&Report> = reports.iter().filter(|report| is_running(report)).collect();
    if reports.len() < 2 || running.is_empty() {
        return;
    }
    let named = running.iter().take(NAMED).map(|report| match report.subject.pid {
        Some(pid) => format!("{pid} ({})", report.subject.command.first().map_or("", String::as_str)),
        None => report.subject.kind.as_str().to_owned(),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match running.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    page.blank();
    let text = format!("still running when checked, and not recorded any more: {named}{more}");
    page.paragraph(&[(Ink::Plain, &text)], 2);
}

fn list(things: &BTreeMap<&str, u64>, options: &TextOptions<'_>) -> String {
    let count = if options.findings == Limit::All { things.len() } else { NAMED.min(things.len()) };
    let named = things.iter().take(count).map(|(what, count)| match count {
        1 => (*what).to_owned(),
        _ => format!("{what} (in {})", plural(*count, "process", "processes")),
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match things.len() - count {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
