//! The end: what was suppressed, what could not be seen, and what to do next.
use super::names::{function_name, place};
use super::page::{Ink, Page};
use super::{TextOptions, held_bytes, shown};
use crate::kinds::words;
use crate::numbers::{amount_text, plural};
use stanch_finding::{
    BlockCount, ByteCount, Finding, Incomplete, Kind, OwnerKind, Report, SuppressionMatch, owning_frame,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Suppressions that matched, over all processes, in the order of their first match.
pub(super) fn suppressed(reports: &[Report], page: &mut Page) {
    let mut tallies: Vec<SuppressionMatch> = Vec::new();
    for tally in reports.iter().flat_map(|report| &report.suppressed) {
        match tallies.iter_mut().find(|known| known.origin == tally.origin && known.name == tally.name) {
            Some(known) => {
                known.findings += tally.findings;
                known.bytes += tally.bytes;
                known.blocks += tally.blocks;
            }
            None => tallies.push(tally.clone()),
        }
    }
    let (expired, applied): (Vec<_>, Vec<_>) = tallies.iter().partition(|tally| tally.expired.is_some());
    if !applied.is_empty() {
        page.blank();
        let findings: u64 = applied.iter().map(|tally| tally.findings).sum();
        let bytes: ByteCount = applied.iter().map(|tally| tally.bytes).sum();
        let blocks: BlockCount = applied.iter().map(|tally| tally.blocks).sum();
        page.paragraph(&[(Ink::Strong, &format!("suppressed: {}", counted(findings, bytes, blocks)))], 2);
        for tally in applied {
            let reason = tally.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let counts = counted(tally.findings, tally.bytes, tally.blocks);
            page.paragraph(
                &[(Ink::Plain, &format!("   {} ({}) took out {counts}{reason}", tally.name, tally.origin))],
                6,
            );
        }
    }
    if !expired.is_empty() {
        page.blank();
        page.paragraph(&[(Ink::Doubtful, "expired suppressions that match findings above:")], 2);
        for tally in expired {
            let last_day = tally.expired.map(|date| date.to_string()).unwrap_or_default();
            page.paragraph(&[(Ink::Plain, &format!("   {} ({}) ended on {last_day}", tally.name, tally.origin))], 6);
        }
    }
}

fn counted(findings: u64, bytes: ByteCount, blocks: BlockCount) -> String {
    format!("{}, {}", plural(findings, "finding", "findings"), amount_text(bytes, blocks))
}

/// What could not be seen, each thing once, with the number of processes where it is not one.
pub(super) fn not_seen(reports: &[Report], page: &mut Page) {
    let mut processes: BTreeMap<&Incomplete, u64> = BTreeMap::new();
    for incomplete in reports.iter().flat_map(|report| &report.incomplete) {
        *processes.entry(incomplete).or_default() += 1;
    }
    if processes.is_empty() {
        return;
    }
    page.blank();
    page.paragraph(&[(Ink::Doubtful, "not seen:")], 2);
    for (incomplete, count) in processes {
        let times = if count == 1 { String::new() } else { format!(" ({})", plural(count, "process", "processes")) };
        page.paragraph(&[(Ink::Plain, &format!("   {}: {}{times}", incomplete.what, incomplete.why))], 6);
    }
}

/// The last line. There is none where all is well.
pub(super) fn next_step(reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    let worst_of_each = reports.iter().filter_map(|report| shown(report, options).first().copied());
    let claims = worst_of_each.filter(|finding| finding.kind != Kind::StillReachable);
    let worst = claims.min_by_key(|finding| (words(finding.kind).rank, Reverse(held_bytes(finding))));
    let is_incomplete = reports.iter().any(|report| !report.incomplete.is_empty());
    let text = match worst {
        Some(finding) => advice(finding, options),
        None if is_incomplete => "mend what could not be seen, then run it again".to_owned(),
        None => return,
    };
    page.blank();
    page.paragraph(&[(Ink::Strong, "next: "), (Ink::Plain, &text)], 6);
}

fn advice(finding: &Finding, options: &TextOptions<'_>) -> String {
    if finding.kind == Kind::Live {
        return "let the program end by itself, so that what is lost can be told from what is in use".to_owned();
    }
    if finding.owner.kind != OwnerKind::Application {
        let (owner, fingerprint) = (&finding.owner.name, &finding.fingerprint);
        return format!("report it to the makers of `{owner}`, or accept it: suppress fingerprint {fingerprint}");
    }
    let owner = owning_frame(&finding.site).and_then(|owner| finding.site.stack.get(owner));
    match owner.filter(|frame| frame.file.is_some()).and_then(|frame| Some((frame, place(frame, options)?))) {
        Some((frame, place)) => format!("look at {place} in `{}`", function_name(frame)),
        None => "build the program with `-g`, so that findings name a file and a line".to_owned(),
    }
}
