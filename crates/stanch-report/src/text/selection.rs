//! What is listed, in which process, and in which order; and what is only counted.
//!
//! One leak is listed once, in the process that holds most of it. Blocks reached only from lost blocks are listed with
//! those that hold them. The limit holds for the whole text, so that the worst of all processes is what is seen.
use super::{Limit, Reachable, TextOptions, held_blocks, held_bytes};
use crate::kinds::words;
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A finding as it is listed: where it weighs most, and what other processes add.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) finding: &'a Finding,
    home: usize,
    /// Other processes with the same leak.
    pub(super) others: u64,
    /// What they hold by it.
    pub(super) others_bytes: ByteCount,
    pub(super) others_blocks: BlockCount,
}

impl<'a> Entry<'a> {
    /// A finding by itself.
    pub(super) fn alone(finding: &'a Finding) -> Self {
        Self { finding, home: 0, others: 0, others_bytes: ByteCount(0), others_blocks: BlockCount(0) }
    }

    fn bytes(&self) -> ByteCount {
        held_bytes(self.finding) + self.others_bytes
    }
}

/// A process and what is listed for it.
pub(super) struct Section<'a> {
    pub(super) report: &'a Report,
    pub(super) entries: Vec<Entry<'a>>,
}

/// What of all reports is shown.
pub(super) struct Selection<'a> {
    /// The worst first.
    pub(super) sections: Vec<Section<'a>>,
    /// Findings over the limit.
    pub(super) left_out: u64,
    pub(super) left_out_bytes: ByteCount,
}

impl<'a> Selection<'a> {
    pub(super) fn new(reports: &'a [Report], options: &TextOptions<'_>) -> Selection<'a> {
        let mut entries = entries(reports, options);
        entries.sort_by_key(|entry| (words(entry.finding.kind).rank, Reverse(entry.bytes()), entry.home));
        let count = match options.findings {
            Limit::First(count) => count.min(entries.len()),
            Limit::All => entries.len(),
        };
        let rest = entries.split_off(count);
        let mut sections: Vec<(usize, Section<'a>)> = Vec::new();
        for entry in entries {
            match sections.iter_mut().find(|(home, _)| *home == entry.home) {
                Some((_, section)) => section.entries.push(entry),
                None => sections.push((entry.home, Section { report: &reports[entry.home], entries: vec![entry] })),
            }
        }
        Selection {
            sections: sections.into_iter().map(|(_, section)| section).collect(),
            left_out: rest.len() as u64,
            left_out_bytes: rest.iter().map(Entry::bytes).sum(),
        }
    }

    /// The most important finding of all.
    pub(super) fn worst(&self) -> Option<&'a Finding> {
        let first = self.sections.first()?.entries.first()?;
        (!matches!(first.finding.kind, Kind::StillReachable | Kind::HeldToExit)).then_some(first.finding)
    }
}

/// True where every indirectly lost block hangs on a block that is reported itself.
pub(super) fn hides_indirect(report: &Report) -> bool {
    let of_kind =
        |wanted: bool| report.findings.iter().filter(move |finding| (finding.kind == Kind::IndirectlyLost) == wanted);
    let indirect: BlockCount = of_kind(true).map(|finding| finding.blocks).sum();
    let told: BlockCount = of_kind(false).map(|finding| finding.indirect_blocks).sum();
    indirect <= told
}

/// The findings of a report that have something to say of their own.
pub(super) fn shown<'a>(report: &'a Report, options: &TextOptions<'_>) -> Vec<&'a Finding> {
    let is_whole = options.findings == Limit::All;
    let hides_indirect = !is_whole && hides_indirect(report);
    let is_shown = |finding: &&Finding| match finding.kind {
        Kind::StillReachable | Kind::HeldToExit => options.reachable == Reachable::Listed,
        Kind::IndirectlyLost => !hides_indirect,
        _ => true,
    };
    report.findings.iter().filter(is_shown).collect()
}

/// Each leak once.
fn entries<'a>(reports: &'a [Report], options: &TextOptions<'_>) -> Vec<Entry<'a>> {
    let mut leaks: BTreeMap<_, Vec<(usize, &Finding)>> = BTreeMap::new();
    for (home, report) in reports.iter().enumerate() {
        // A process may say the same of one place twice (two wrong frees): those stay apart.
        let mut seen: BTreeMap<_, usize> = BTreeMap::new();
        for finding in shown(report, options) {
            let identity = (&finding.fingerprint, finding.kind);
            let nth = seen.entry(identity).or_default();
            leaks.entry((identity, *nth)).or_default().push((home, finding));
            *nth += 1;
        }
    }
    leaks.into_values().filter_map(|same| merged(&same)).collect()
}

fn merged<'a>(same: &[(usize, &'a Finding)]) -> Option<Entry<'a>> {
    let (home, finding) = *same.iter().max_by_key(|(home, finding)| (held_bytes(finding), Reverse(*home)))?;
    let others = || same.iter().filter(|(other, _)| *other != home);
    Some(Entry {
        finding,
        home,
        others: others().count() as u64,
        others_bytes: others().map(|(_, finding)| held_bytes(finding)).sum(),
        others_blocks: others().map(|(_, finding)| held_blocks(finding)).sum(),
    })
}
