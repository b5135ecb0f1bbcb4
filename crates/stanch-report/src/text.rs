//! Text for a terminal, and for somebody tired: the first line is the verdict, the last line says what to do.
//!
//! Between them one section for each process that has something to say, the largest finding first; then what was
//! suppressed and what could not be seen. Nothing is left out without saying how much. Colour only repeats what the
//! words say. Lines keep to the width where they can; a file and line is never cut or broken.
mod closing;
mod finding;
mod names;
mod page;
mod verdict;

use crate::kinds::words;
use crate::numbers::{amount_text, bytes_text, duration_text, plural};
use page::{Ink, Page};
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report, Subject};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Whether to use the terminal's colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// Text with ANSI escape sequences.
    Ansi,
}

/// How many of something to show. What is left out is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Only so many of the first.
    First(usize),
    /// All.
    All,
}

/// What to do with findings that are still reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// One line for all of them.
    Summary,
    /// Each like any other finding.
    Listed,
}

/// How the text is to look.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions<'a> {
    /// Colours or not.
    pub style: Style,
    /// Columns to keep to where possible; 80 where nothing is known.
    pub width: usize,
    /// Findings of each process.
    pub findings: Limit,
    /// Lines of each stack. The owning frame is always shown.
    pub frames: Limit,
    /// Findings that are still reachable.
    pub reachable: Reachable,
    /// Directory whose path is left off in front of source files.
    pub base_dir: Option<&'a str>,
    /// The flag that lifts the limits, for the hint: `--all`.
    pub all_flag: &'a str,
    /// The flag that lists what is still reachable, for the hint: `--show-reachable`.
    pub reachable_flag: &'a str,
}

/// Writes the reports as one text.
///
/// # Errors
/// Where `out` fails.
pub fn write(reports: &[Report], options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(options);
    verdict::verdict(reports, &mut page);
    let (telling, quiet): (Vec<&Report>, Vec<&Report>) =
        reports.iter().partition(|report| !shown(report, options).is_empty());
    for report in &telling {
        section(report, options, &mut page);
    }
    if 1 < reports.len() {
        quiet_processes(&quiet, telling.is_empty(), &mut page);
    }
    closing::suppressed(reports, &mut page);
    closing::not_seen(reports, &mut page);
    closing::next_step(reports, options, &mut page);
    out.write_all(page.text().as_bytes())
}

/// The findings to list, the worst kind first, the largest of a kind first.
fn shown<'a>(report: &'a Report, options: &TextOptions<'_>) -> Vec<&'a Finding> {
    let is_shown = |finding: &&Finding| options.reachable == Reachable::Listed || finding.kind != Kind::StillReachable;
    let mut findings: Vec<&Finding> = report.findings.iter().filter(is_shown).collect();
    findings.sort_by_key(|finding| (words(finding.kind).rank, Reverse(held_bytes(finding))));
    findings
}

/// Bytes that would come back if this finding were fixed.
fn held_bytes(finding: &Finding) -> ByteCount {
    finding.bytes + finding.indirect_bytes
}

fn held_blocks(finding: &Finding) -> BlockCount {
    finding.blocks + finding.indirect_blocks
}

fn section(report: &Report, options: &TextOptions<'_>, page: &mut Page) {
    page.blank();
    page.paragraph(&[(Ink::Strong, &header(&report.subject))], 2);
    if 0 < report.totals.allocations {
        page.paragraph(&[(Ink::Faint, &format!("  {}", life(report)))], 2);
    }
    let findings = shown(report, options);
    let count = match options.findings {
        Limit::First(count) => count.min(findings.len()),
        Limit::All => findings.len(),
    };
    let (listed, rest) = findings.split_at(count);
    for (index, finding) in listed.iter().enumerate() {
        page.blank();
        finding::finding(finding, index + 1, options, page);
    }
    if !rest.is_empty() {
        page.blank();
        let bytes = rest.iter().map(|finding| held_bytes(finding)).sum();
        page.paragraph(
            &[(
                Ink::Plain,
                &format!("and {} more, {}: {} shows them", rest.len(), bytes_text(bytes), options.all_flag),
            )],
            2,
        );
    }
    if options.reachable == Reachable::Summary {
        reachable(report, options, page);
    }
}

/// `process 123: ./app --port 80 (exited with status 0 after 2.31 s)`.
fn header(subject: &Subject) -> String {
    let what = match subject.pid {
        Some(pid) => format!("process {pid}"),
        None => subject.kind.as_str().to_owned(),
    };
    let how_long = duration_text(subject.duration);
    let ending = match (subject.ending.is_empty(), subject.duration.is_zero()) {
        (false, false) => format!(" ({} after {how_long})", subject.ending),
        (false, true) => format!(" ({})", subject.ending),
        (true, false) => format!(" (watched for {how_long})"),
        (true, true) => String::new(),
    };
    format!("{what}: {}{ending}", command_line(&subject.command))
}

/// The words as a shell would take them.
fn command_line(command: &[String]) -> String {
    let is_plain = |word: &&String| {
        !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./=:,+@%".contains(c) || c.is_control())
    };
    let quoted = command.iter().map(|word| match Some(word).filter(is_plain) {
        Some(word) => word.clone(),
        None => format!("'{}'", word.replace('\'', "'\\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn life(report: &Report) -> String {
    format!(
        "{}, {} in all; at most {} at one time",
        plural(report.totals.allocations, "allocation", "allocations"),
        bytes_text(report.totals.allocated_bytes),
        bytes_text(report.totals.peak_bytes)
    )
}

fn reachable(report: &Report, options: &TextOptions<'_>, page: &mut Page) {
    let findings = report.findings.iter().filter(|finding| finding.kind == Kind::StillReachable);
    let places = findings.clone().count() as u64;
    if places == 0 {
        return;
    }
    let amount = amount_text(findings.clone().map(held_bytes).sum(), findings.map(held_blocks).sum());
    let places = plural(places, "place", "places");
    page.blank();
    let text = format!("still reachable: {amount} at {places}; {} lists them", options.reachable_flag);
    page.paragraph(&[(Ink::Faint, &text)], 2);
}

fn quiet_processes(quiet: &[&Report], is_all: bool, page: &mut Page) {
    if quiet.is_empty() || is_all {
        return;
    }
    page.blank();
    let text = format!("{}: nothing lost", plural(quiet.len() as u64, "other process", "other processes"));
    page.paragraph(&[(Ink::Plain, &text)], 2);
}
