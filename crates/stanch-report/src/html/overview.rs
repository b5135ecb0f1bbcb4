//! What is seen first, and where the page finds the rest.
use super::flame::Trees;
use super::page::sentence;
use super::veil::Veil;
use super::{HtmlOptions, findings, memory};
use crate::kinds::{Severity, words};
use crate::numbers::{bytes_text, estimate_text};
use crate::stacks::Weight;
use crate::text::page::Ink;
use crate::text::{next_sentence, verdict_sentence};
use serde::Serialize;
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report, SubjectKind};
use stanch_recording::Recording;
use std::collections::BTreeMap;
use std::io;

/// Entries of what was not seen that stand in the page.
const UNSEEN_MAX: usize = 300;

/// The first part of the page's data.
#[derive(Serialize)]
pub(super) struct Overview {
    title: String,
    tone: &'static str,
    verdict: String,
    next: String,
    /// Why that comes first.
    because: Option<String>,
    tool_version: String,
    command: Vec<String>,
    started_unix_ms: u64,
    is_redacted: bool,
    /// That numbers are estimates, and how sure they are, where blocks were sampled.
    sampling: Option<String>,
    /// Bytes and blocks.
    totals: BTreeMap<&'static str, (u64, u64)>,
    peak_bytes: u64,
    kinds: Vec<KindRow>,
    weights: Vec<&'static str>,
    processes: Vec<ProcessRow>,
    unseen: Vec<Unseen>,
    unseen_left_out: usize,
    suppressed: Vec<Suppressed>,
    findings: findings::Embedded,
    memory: memory::Embedded,
    flames: Vec<Trees>,
}

/// What a kind is called and what it means.
#[derive(Serialize)]
pub(super) struct KindRow {
    kind: &'static str,
    title: &'static str,
    meaning: &'static str,
    advice: &'static str,
    severity: &'static str,
}

#[derive(Serialize)]
struct ProcessRow {
    name: String,
    command: Vec<String>,
    pid: Option<u32>,
    parent_pid: Option<u32>,
    started_ms: u64,
    duration_ms: u64,
    ending: String,
    allocations: u64,
    allocated_bytes: u64,
    peak_bytes: u64,
    /// Definitely lost, indirectly lost, possibly lost, still reachable, live: bytes and blocks.
    classes: [(u64, u64); 5],
    findings: usize,
}

/// Gaps of one reason.
#[derive(Serialize)]
pub(super) struct Unseen {
    why: String,
    /// What is missing, and in how many processes.
    what: Vec<(String, u64)>,
}

#[derive(Serialize)]
struct Suppressed {
    name: String,
    origin: String,
    reason: Option<String>,
    expired: Option<String>,
    findings: u64,
    bytes: u64,
    blocks: u64,
}

impl Overview {
    pub(super) fn new(
        recording: &Recording,
        reports: &[Report],
        veil: &Veil,
        options: &HtmlOptions<'_>,
        findings: findings::Embedded,
        memory: memory::Embedded,
        flames: Vec<Trees>,
    ) -> Overview {
        let (ink, verdict) = verdict_sentence(reports);
        let (worst, next) = next_sentence(reports, options.base_dir);
        let command = veil.command(&recording.command);
        let (unseen, unseen_left_out) = unseen(reports, veil);
        Overview {
            title: format!("Stanch: {}", command.join(" ").chars().take(120).collect::<String>()),
            tone: ink_tone(ink),
            verdict: veil.text(&sentence(&verdict)),
            next: next.map(|next| veil.text(&sentence(&next))).unwrap_or_default(),
            because: worst.map(|worst| veil.text(&because(worst, reports))),
            tool_version: options.tool_version.to_owned(),
            command,
            started_unix_ms: recording.started_unix_ms,
            is_redacted: veil.is_closed(),
            sampling: sampling(reports),
            totals: totals(reports),
            peak_bytes: reports.iter().map(|report| report.totals.peak_bytes.0).max().unwrap_or(0),
            kinds: kind_rows(),
            weights: Weight::ALL.map(Weight::as_str).to_vec(),
            processes: reports
                .iter()
                .enumerate()
                .map(|(index, report)| process_row(recording, index, report, veil))
                .collect(),
            unseen,
            unseen_left_out,
            suppressed: suppressed(reports, veil),
            findings,
            memory,
            flames,
        }
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn tone(&self) -> &'static str {
        self.tone
    }

    pub(super) fn verdict(&self) -> &str {
        &self.verdict
    }

    pub(super) fn next(&self) -> &str {
        &self.next
    }

    pub(super) fn because(&self) -> &str {
        self.because.as_deref().unwrap_or_default()
    }

    pub(super) fn command(&self) -> String {
        self.command.join(" ")
    }

    pub(super) fn to_json(&self) -> io::Result<String> {
        Ok(serde_json::to_string(self)?)
    }
}

/// How the page is coloured.
pub(super) fn ink_tone(ink: Ink) -> &'static str {
    match ink {
        Ink::Bad => "bad",
        Ink::Doubtful => "doubtful",
        Ink::Good | Ink::Plain | Ink::Strong | Ink::Faint => "good",
    }
}

/// Why a finding is the one to begin with: its share of what is wrong.
fn because(worst: &Finding, reports: &[Report]) -> String {
    let held = |finding: &Finding| finding.bytes + finding.indirect_bytes;
    let kind = words(worst.kind).title;
    let same = || reports.iter().flat_map(|report| &report.findings).filter(|finding| finding.kind == worst.kind);
    let all: ByteCount = same().map(held).sum();
    let mine: ByteCount = same().filter(|finding| finding.fingerprint == worst.fingerprint).map(held).sum();
    if !worst.kind.is_leak() {
        return format!("{} This comes before any leak: it can corrupt memory.", words(worst.kind).meaning);
    }
    let meaning = words(worst.kind).meaning;
    if same().all(|finding| finding.fingerprint == worst.fingerprint) {
        return format!("It is the only place where memory is {kind}: {}. {meaning}", bytes_text(all));
    }
    let percent = (mine.0 as f64 / all.0.max(1) as f64) * 100.0;
    let share = if percent < 1.0 { "less than 1 %".to_owned() } else { format!("{percent:.0} %") };
    format!(
        "It holds {} of the {} that are {kind}, {share}: more than any other place. {meaning}",
        bytes_text(mine),
        bytes_text(all)
    )
}

pub(super) fn kind_rows() -> Vec<KindRow> {
    Kind::ALL.into_iter().map(kind_row).collect()
}

fn kind_row(kind: Kind) -> KindRow {
    let words = words(kind);
    KindRow {
        kind: kind.as_str(),
        title: words.title,
        meaning: words.meaning,
        advice: words.advice,
        severity: match words.severity {
            Severity::Error => "bad",
            Severity::Warning => "doubtful",
            Severity::Note => "plain",
        },
    }
}

/// What sampling does to all numbers; the interval is that of what is live, where there is one process.
pub(super) fn sampling(reports: &[Report]) -> Option<String> {
    let sampling = reports.iter().find_map(|report| report.sampling)?;
    let text = format!(
        "one block in each {} allocated, on average; all numbers are estimates",
        bytes_text(sampling.mean_bytes)
    );
    let live = match reports {
        [report] => report.totals.estimate.map(|estimate| {
            let (bytes, blocks) = report.totals.live;
            format!("; live: {}", estimate_text(bytes, blocks, &estimate))
        }),
        _ => None,
    };
    Some(text + &live.unwrap_or_default())
}

/// The classes of a report, as the JSON calls them.
fn classes(report: &Report) -> [(&'static str, (ByteCount, BlockCount)); 5] {
    let totals = &report.totals;
    [
        ("definitely_lost", totals.definitely_lost),
        ("indirectly_lost", totals.indirectly_lost),
        ("possibly_lost", totals.possibly_lost),
        ("still_reachable", totals.still_reachable),
        ("live", totals.live),
    ]
}

fn totals(reports: &[Report]) -> BTreeMap<&'static str, (u64, u64)> {
    let mut sums: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    for report in reports {
        let allocated = ("allocated", (report.totals.allocated_bytes, BlockCount(report.totals.allocations)));
        for (class, (bytes, blocks)) in classes(report).into_iter().chain([allocated]) {
            let sum = sums.entry(class).or_default();
            *sum = (sum.0.saturating_add(bytes.0), sum.1.saturating_add(blocks.0));
        }
    }
    sums
}

fn process_row(recording: &Recording, index: usize, report: &Report, veil: &Veil) -> ProcessRow {
    let subject = &report.subject;
    let command = veil.command(&subject.command);
    let program = command.first().map_or("", |program| crate::stacks::file_name(program));
    ProcessRow {
        name: subject.pid.map_or_else(|| program.to_owned(), |pid| format!("{program} ({pid})")),
        command,
        pid: subject.pid,
        parent_pid: subject.parent_pid,
        // Without a recorded process there is one report that says why.
        started_ms: recording.processes.get(index).map_or(0, |process| process.started_ms),
        duration_ms: u64::try_from(subject.duration.as_millis()).unwrap_or(u64::MAX),
        ending: veil.text(&subject.ending),
        allocations: report.totals.allocations,
        allocated_bytes: report.totals.allocated_bytes.0,
        peak_bytes: report.totals.peak_bytes.0,
        classes: classes(report).map(|(_, (bytes, blocks))| (bytes.0, blocks.0)),
        findings: report.findings.len(),
    }
}

/// Gaps by reason.
pub(super) fn unseen(reports: &[Report], veil: &Veil) -> (Vec<Unseen>, usize) {
    debug_assert!(reports.iter().all(|report| report.subject.kind == SubjectKind::Process));
    let mut by_reason: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for gap in reports.iter().flat_map(|report| &report.incomplete) {
        *by_reason.entry(veil.text(&gap.why)).or_default().entry(veil.text(&gap.what)).or_default() += 1;
    }
    let count = by_reason.len();
    let shown = by_reason.into_iter().take(UNSEEN_MAX).map(|(why, what)| {
        let mut what: Vec<(String, u64)> = what.into_iter().collect();
        let more = what.len().saturating_sub(UNSEEN_MAX);
        what.truncate(UNSEEN_MAX);
        if more > 0 {
            what.push((format!("and {more} more"), 0));
        }
        Unseen { why, what }
    });
    (shown.collect(), count.saturating_sub(UNSEEN_MAX))
}

fn suppressed(reports: &[Report], veil: &Veil) -> Vec<Suppressed> {
    let mut sums: BTreeMap<(&str, &str), Suppressed> = BTreeMap::new();
    for tally in reports.iter().flat_map(|report| &report.suppressed) {
        let sum = sums.entry((&tally.origin, &tally.name)).or_insert_with(|| Suppressed {
            name: veil.text(&tally.name),
            origin: veil.text(&tally.origin),
            reason: tally.reason.as_deref().map(|reason| veil.text(reason)),
            expired: tally.expired.map(|date| date.to_string()),
            findings: 0,
            bytes: 0,
            blocks: 0,
        });
        sum.findings += tally.findings;
        sum.bytes += tally.bytes.0;
        sum.blocks += tally.blocks.0;
    }
    sums.into_values().collect()
}
