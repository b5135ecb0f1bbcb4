//! The first line: what is wrong, in numbers, over all processes.
use super::page::{Ink, Page};
use super::{held_blocks, held_bytes};
use crate::numbers::{amount_text, plural};
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report};
use std::collections::BTreeSet;

pub(super) fn verdict(reports: &[Report], page: &mut Page) {
    let claims = claims(reports);
    let (ink, text) = match claims.first() {
        Some((ink, _)) => {
            let texts: Vec<&str> = claims.iter().map(|(_, text)| text.as_str()).collect();
            (*ink, format!("{}{}", texts.join("; "), in_processes(reports)))
        }
        None => nothing_found(reports),
    };
    page.paragraph(&[(ink, &text)], 2);
}

/// Findings of some kinds, summed.
struct Sum {
    bytes: ByteCount,
    blocks: BlockCount,
    places: u64,
}

impl Sum {
    /// `None` where there are no such findings.
    fn of(reports: &[Report], kinds: &[Kind]) -> Option<Sum> {
        let findings: Vec<&Finding> = reports
            .iter()
            .flat_map(|report| &report.findings)
            .filter(|finding| kinds.contains(&finding.kind))
            .collect();
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
    let sum = |kind: Kind| Sum::of(reports, &[kind]);
    let mut claims = Vec::new();
    let mut claim = |ink: Ink, sum: Option<Sum>, words: &dyn Fn(&Sum) -> String| {
        claims.extend(sum.map(|sum| (ink, words(&sum))));
    };
    claim(Ink::Bad, sum(Kind::UseAfterFree), &|sum| format!("memory used after free {}", sum.places()));
    claim(Ink::Bad, sum(Kind::DoubleFree), &|sum| format!("memory freed twice {}", sum.places()));
    claim(Ink::Bad, sum(Kind::MismatchedFree), &|sum| format!("memory freed by the wrong function {}", sum.places()));
    let lost = sum(Kind::DefinitelyLost);
    let is_any_lost = lost.is_some();
    claim(Ink::Bad, lost, &|sum| format!("lost {} {}", sum.amount(), sum.places()));
    if !is_any_lost {
        let indirectly = sum(Kind::IndirectlyLost);
        claim(Ink::Bad, indirectly, &|sum| format!("indirectly lost {} {}", sum.amount(), sum.places()));
    }
    claim(Ink::Doubtful, sum(Kind::LostOnPath), &|sum| format!("memory lost on some path {}", sum.places()));
    claim(Ink::Doubtful, sum(Kind::PossiblyLost), &|sum| format!("possibly lost {} {}", sum.amount(), sum.places()));
    claim(Ink::Doubtful, sum(Kind::Growing), &|sum| format!("growing {}: {} so far", sum.places(), sum.amount()));
    claim(Ink::Doubtful, sum(Kind::Stale), &|sum| format!("stale {}: {}", sum.places(), sum.amount()));
    claim(Ink::Doubtful, sum(Kind::Live), &|sum| {
        format!("{} {} not freed when last seen; whether lost could not be decided", sum.amount(), sum.places())
    });
    claims
}

/// How many processes of several have something to say.
fn in_processes(reports: &[Report]) -> String {
    if reports.len() < 2 {
        return String::new();
    }
    let is_telling = |report: &&Report| !claims(std::slice::from_ref(*report)).is_empty();
    format!(", in {} of {} processes", reports.iter().filter(is_telling).count(), reports.len())
}

fn nothing_found(reports: &[Report]) -> (Ink, String) {
    if reports.is_empty() {
        return (Ink::Doubtful, "nothing was analysed".to_owned());
    }
    let all = if reports.len() < 2 { String::new() } else { format!(" in {} processes", reports.len()) };
    let suppressed: u64 = reports.iter().flat_map(|report| &report.suppressed).map(|tally| tally.findings).sum();
    let besides = match suppressed {
        0 => String::new(),
        count => format!(" besides {}", plural(count, "suppressed finding", "suppressed findings")),
    };
    if reports.iter().any(|report| !report.incomplete.is_empty()) {
        return (Ink::Doubtful, format!("no leaks seen{all}{besides}, but not everything could be seen"));
    }
    let held = [Kind::StillReachable, Kind::HeldToExit, Kind::Filling];
    let is_any_held = reports.iter().any(|report| 0 < report.totals.still_reachable.1.0);
    let rest = match Sum::of(reports, &held) {
        Some(sum) => format!("every block was freed or is still reachable ({} {})", sum.amount(), sum.places()),
        None if 0 < suppressed => "every other block was freed or is still reachable".to_owned(),
        None if is_any_held => "every block was freed or is still reachable".to_owned(),
        None => "every block was freed".to_owned(),
    };
    (Ink::Good, format!("no leaks{all}{besides}: {rest}"))
}
