//! The first line: what is wrong, in numbers, over all processes.
use super::page::{Ink, Page};
use super::selection::hides_indirect;
use super::unseen::{is_running, may_hide_leaks, was_replaced};
use super::{held_blocks, held_bytes};
use crate::numbers::{about_text, amount_text, plural};
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report, SubjectKind};
use std::collections::BTreeSet;

pub(super) fn verdict(reports: &[Report], page: &mut Page) {
    let (ink, text) = sentence(reports);
    page.paragraph(&[(ink, &text)], 2);
}

pub(super) fn sentence(reports: &[Report]) -> (Ink, String) {
    let claims = claims(reports);
    match claims.first() {
        Some((ink, _)) => {
            let texts: Vec<&str> = claims.iter().map(|(_, text)| text.as_str()).collect();
            (*ink, format!("{}{}", texts.join("; "), in_processes(reports)))
        }
        None => nothing_found(reports),
    }
}

/// Findings of some kinds, summed.
struct Sum {
    bytes: ByteCount,
    blocks: BlockCount,
    places: u64,
}

impl Sum {
    /// `None` where there are no such findings. Blocks that hang on lost ones count with those.
    fn of(reports: &[Report], kind: Kind) -> Option<Sum> {
        let counted = reports.iter().filter(|report| kind != Kind::IndirectlyLost || !hides_indirect(report));
        let findings: Vec<&Finding> =
            counted.flat_map(|report| &report.findings).filter(|finding| finding.kind == kind).collect();
        let places: BTreeSet<_> = findings.iter().map(|finding| &finding.fingerprint).collect();
        (!findings.is_empty()).then(|| Sum {
            bytes: findings.iter().map(|finding| held_bytes(finding)).sum(),
            blocks: findings.iter().map(|finding| held_blocks(finding)).sum(),
            places: places.len() as u64,
        })
    }

    fn amount(&self) -> String {
        amount_text(self.bytes, self.blocks)
    }

    fn places(&self) -> String {
        format!("at {}", plural(self.places, "place", "places"))
    }
}

/// What is claimed, the worst first. Lost trees count whole: with what only they hold.
fn claims(reports: &[Report]) -> Vec<(Ink, String)> {
    let sum = |kind: Kind| Sum::of(reports, kind);
    let mut claims = Vec::new();
    let mut claim = |ink: Ink, sum: Option<Sum>, words: &dyn Fn(&Sum) -> String| {
        claims.extend(sum.map(|sum| (ink, words(&sum))));
    };
    claim(Ink::Bad, sum(Kind::UseAfterFree), &|sum| format!("memory used after free {}", sum.places()));
    claim(Ink::Bad, sum(Kind::DoubleFree), &|sum| format!("memory freed twice {}", sum.places()));
    claim(Ink::Bad, sum(Kind::MismatchedFree), &|sum| format!("memory freed by the wrong function {}", sum.places()));
    claim(Ink::Bad, sum(Kind::DefinitelyLost), &|sum| format!("lost {} {}", sum.amount(), sum.places()));
    claim(Ink::Bad, sum(Kind::IndirectlyLost), &|sum| format!("indirectly lost {} {}", sum.amount(), sum.places()));
    claim(Ink::Doubtful, sum(Kind::LostOnPath), &|sum| format!("memory lost on some path {}", sum.places()));
    claim(Ink::Doubtful, sum(Kind::PossiblyLost), &|sum| format!("possibly lost {} {}", sum.amount(), sum.places()));
    claim(Ink::Doubtful, sum(Kind::Growing), &|sum| format!("growing {}: {} so far", sum.places(), sum.amount()));
    claim(Ink::Doubtful, sum(Kind::Stale), &|sum| format!("stale {}: {}", sum.places(), sum.amount()));
    let is_sampled = reports.iter().any(|report| report.sampling.is_some());
    claim(Ink::Doubtful, sum(Kind::Live), &|sum| {
        if is_sampled {
            let amount = about_text(sum.bytes, sum.blocks);
            return format!(
                "{amount} {} not freed, by a sample: lost or still in use, that is not known",
                sum.places()
            );
        }
        format!("{} {} not freed when last seen: lost or still in use, that is not known", sum.amount(), sum.places())
    });
    claims
}

/// How many processes of several have something to say.
fn in_processes(reports: &[Report]) -> String {
    let checked = checked(reports);
    if checked < 2 {
        return String::new();
    }
    let is_telling = |report: &&Report| !claims(std::slice::from_ref(*report)).is_empty();
    format!(", in {} of {checked} processes", reports.iter().filter(is_telling).count())
}

/// Processes that were looked at; a program that exec replaced had no end at which that could be.
fn checked(reports: &[Report]) -> usize {
    reports.iter().filter(|report| !was_replaced(report)).count()
}

fn nothing_found(reports: &[Report]) -> (Ink, String) {
    if reports.is_empty() {
        return (Ink::Doubtful, "nothing was analysed".to_owned());
    }
    let checked = checked(reports);
    let so_far = if reports.iter().any(is_running) { " so far" } else { "" };
    let all = if checked < 2 { String::new() } else { format!(" in {checked} processes") };
    let suppressed: u64 = reports.iter().flat_map(|report| &report.suppressed).map(|tally| tally.findings).sum();
    let besides = match suppressed {
        0 => String::new(),
        count => format!(" besides {}", plural(count, "suppressed finding", "suppressed findings")),
    };
    let is_source = reports.iter().all(|report| report.subject.kind == SubjectKind::Source);
    if is_source && !may_hide_leaks(reports) {
        return (Ink::Good, format!("no leaks{besides}: no path through the source loses a block"));
    }
    if may_hide_leaks(reports) {
        return (Ink::Doubtful, format!("no leaks seen{so_far}{all}{besides}, but not everything could be seen"));
    }
    let rest = match still_reachable(reports) {
        (bytes, blocks) if blocks != BlockCount(0) => {
            format!("every block was freed or is still reachable ({})", amount_text(bytes, blocks))
        }
        _ if 0 < suppressed => "every other block was freed or is still reachable".to_owned(),
        _ => "every block was freed".to_owned(),
    };
    (Ink::Good, format!("no leaks{so_far}{all}{besides}: {rest}"))
}

/// What is still reachable and not suppressed. Where no such finding was asked for, the totals know it.
pub(super) fn still_reachable(reports: &[Report]) -> (ByteCount, BlockCount) {
    let of_report = |report: &Report| {
        let held = || report.findings.iter().filter(|finding| finding.kind == Kind::StillReachable);
        match held().next() {
            Some(_) => (held().map(held_bytes).sum(), held().map(held_blocks).sum()),
            None if report.suppressed.is_empty() => report.totals.still_reachable,
            None => Default::default(),
        }
    };
    let sums: Vec<(ByteCount, BlockCount)> = reports.iter().map(of_report).collect();
    (sums.iter().map(|sum| sum.0).sum(), sums.iter().map(|sum| sum.1).sum())
}
