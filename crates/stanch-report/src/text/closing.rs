//! The end: what was suppressed, and what to do next.
use super::TextOptions;
use super::names::{function_name, place};
use super::page::{Ink, Page};
use super::selection::Selection;
use super::unseen::may_hide_leaks;
use crate::numbers::{amount_text, plural, short_duration_text};
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, OwnerKind, Report, SuppressionMatch, owning_frame};

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

/// For how long looking held the program up.
pub(super) fn pauses(reports: &[Report], page: &mut Page) {
    for subject in reports.iter().map(|report| &report.subject) {
        let (Some(pid), Some(pause)) = (subject.pid, subject.pause) else { continue };
        page.blank();
        page.paragraph(&[(Ink::Faint, &format!("process {pid} stood still for {}", short_duration_text(pause)))], 2);
    }
}

fn counted(findings: u64, bytes: ByteCount, blocks: BlockCount) -> String {
    format!("{}, {}", plural(findings, "finding", "findings"), amount_text(bytes, blocks))
}

/// The last line. There is none where all is well.
pub(super) fn next_step(selection: &Selection<'_>, reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    let Some(text) = next_text(selection, reports, options) else { return };
    page.blank();
    page.paragraph(&[(Ink::Strong, "next: "), (Ink::Plain, &text)], 6);
}

fn is_sampled(reports: &[Report]) -> bool {
    reports.iter().any(|report| report.sampling.is_some())
}

pub(super) fn next_text(selection: &Selection<'_>, reports: &[Report], options: &TextOptions<'_>) -> Option<String> {
    Some(match selection.worst() {
        Some(finding) if finding.kind == Kind::Live && is_sampled(reports) => {
            "record every block once (no `--sample`), so that what is lost can be told from what is in use".to_owned()
        }
        Some(finding) => advice(finding, options),
        None if is_sampled(reports) => "record every block (no `--sample`) to see small leaks".to_owned(),
        None if may_hide_leaks(reports) => "mend what could not be seen, then run it again".to_owned(),
        None => return None,
    })
}

pub(super) fn advice(finding: &Finding, options: &TextOptions<'_>) -> String {
    if finding.kind == Kind::Live {
        return "let the program end by itself, so that what is lost can be told from what is in use".to_owned();
    }
    let (owner, fingerprint) = (&finding.owner, &finding.fingerprint);
    // A program that a package brought is not the reader's to mend either.
    if owner.kind != OwnerKind::Application || owner.version.is_some() {
        return format!(
            "report it to the makers of `{}`, or accept it: suppress fingerprint {fingerprint}",
            owner.name
        );
    }
    let frame = owning_frame(&finding.site).and_then(|owner| finding.site.stack.get(owner));
    match frame.filter(|frame| frame.file.is_some()).and_then(|frame| Some((frame, place(frame, options)?))) {
        Some((frame, place)) => format!("look at {place} in `{}`", function_name(frame)),
        None => "build the program with `-g`, so that findings name a file and a line".to_owned(),
    }
}
