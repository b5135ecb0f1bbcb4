//! Text for a terminal, and for somebody tired: the first line is the verdict, the last line says what to do.
//!
//! Between them one section for each process that has something to say, the worst first, and in it the largest finding
//! first; then what was suppressed and what could not be seen. Nothing is left out without saying how much. Colour only
//! repeats what the words say. Lines keep to the width where they can; a file and line is never cut or broken.
mod closing;
pub(crate) mod comparison;
mod finding;
pub(crate) mod names;
pub(crate) mod page;
mod path;
mod section;
mod selection;
mod unseen;
mod verdict;

pub use comparison::write_comparison;
pub use path::SourceReader;

use crate::numbers::{amount_text, bytes_text, plural};
use finding::Teller;
use page::{Ink, Page};
use selection::{Entry, Selection};
use stanch_finding::{BlockCount, ByteCount, Finding, Kind, Report, owning_frame};
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
    /// Findings of all processes together. Without a limit, also what hangs on other findings and every reason is
    /// shown.
    pub findings: Limit,
    /// Lines of each stack. The owning frame is always shown.
    pub frames: Limit,
    /// Findings that are still reachable.
    pub reachable: Reachable,
    /// Directory whose path is left off in front of source files.
    pub base_dir: Option<&'a str>,
    /// Where lines of source come from that paths go through; without it, paths name them only.
    pub read_source: Option<SourceReader<'a>>,
    /// The flag that lifts the limits, for the hint: `--all`.
    pub all_flag: &'a str,
    /// The flag that lists what is still reachable, for the hint: `--show-reachable`.
    pub reachable_flag: &'a str,
}

impl<'a> TextOptions<'a> {
    /// For those sentences of the text that stand on pages, too.
    fn of_sentences(base_dir: Option<&'a str>) -> Self {
        Self {
            style: Style::Plain,
            width: 80,
            findings: Limit::First(1),
            frames: Limit::All,
            reachable: Reachable::Summary,
            base_dir,
            read_source: None,
            all_flag: "--all",
            reachable_flag: "--show-reachable",
        }
    }
}

/// Writes the reports as one text.
///
/// # Errors
/// Where `out` fails.
pub fn write(reports: &[Report], options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(options);
    let selection = Selection::new(reports, options);
    verdict::verdict(reports, &mut page);
    section::sections(&selection, options, &mut page);
    if selection.sections.is_empty() {
        held_to_exit(reports, options, &mut page);
    } else {
        left_out(&selection, options, &mut page);
        reachable(reports, options, &mut page);
        quiet_processes(reports, options, &mut page);
    }
    closing::suppressed(reports, &mut page);
    unseen::unseen(reports, &selection, options, &mut page);
    closing::pauses(reports, &mut page);
    closing::next_step(&selection, reports, options, &mut page);
    out.write_all(page.text().as_bytes())
}

/// The first line of the text: what is wrong, as one sentence, and how bad that is.
pub(crate) fn verdict_sentence(reports: &[Report]) -> (Ink, String) {
    verdict::sentence(reports)
}

/// The last line: what to do, and with which finding to begin. There is none where all is well.
pub(crate) fn next_sentence<'a>(
    reports: &'a [Report],
    base_dir: Option<&str>,
) -> (Option<&'a Finding>, Option<String>) {
    let options = TextOptions::of_sentences(base_dir);
    let selection = Selection::new(reports, &options);
    (selection.worst(), closing::next_text(&selection, reports, &options))
}

/// Writes one finding as it stands in a report.
///
/// # Errors
/// Where `out` fails.
pub fn write_finding(finding: &Finding, options: &TextOptions<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(options);
    finding::finding(&Entry::alone(finding), &mut Teller::new(options), options, &mut page);
    out.write_all(page.text().as_bytes())
}

/// The place that owns a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The function's name as people write it.
    pub function: String,
    /// `src/a.c:12`, or the module and the offset in it; `None` for code outside any module.
    pub at: Option<String>,
}

/// The owning frame of a finding, or the innermost one where the whole stack is runtime code; `None` where the stack is
/// not known.
#[must_use]
pub fn place(finding: &Finding, options: &TextOptions<'_>) -> Option<Place> {
    let frame = finding.site.stack.get(owning_frame(&finding.site).unwrap_or(0))?;
    Some(Place { function: names::function_name(frame), at: names::place(frame, options) })
}

/// Bytes that would come back if this finding were fixed.
#[must_use]
pub fn held_bytes(finding: &Finding) -> ByteCount {
    finding.bytes + finding.indirect_bytes
}

fn held_blocks(finding: &Finding) -> BlockCount {
    finding.blocks + finding.indirect_blocks
}

fn left_out(selection: &Selection<'_>, options: &TextOptions<'_>, page: &mut Page) {
    if selection.left_out == 0 {
        return;
    }
    let (count, bytes) = (selection.left_out, bytes_text(selection.left_out_bytes));
    page.blank();
    page.paragraph(&[(Ink::Plain, &format!("and {count} more, {bytes}: {} shows them", options.all_flag))], 2);
}

fn reachable(reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    if options.reachable == Reachable::Listed {
        return;
    }
    held_to_exit(reports, options, page);
    let (bytes, blocks) = verdict::still_reachable(reports);
    if blocks == BlockCount(0) {
        return;
    }
    let amount = amount_text(bytes, blocks);
    page.blank();
    let text = format!("still reachable: {amount}; {} lists them", options.reachable_flag);
    page.paragraph(&[(Ink::Faint, &text)], 2);
}

/// What globals hold to the end, by the source: how much that is, nobody knows.
fn held_to_exit(reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    let held = reports.iter().flat_map(|report| &report.findings).filter(|finding| finding.kind == Kind::HeldToExit);
    let count = held.count() as u64;
    if count == 0 {
        return;
    }
    page.blank();
    let places = plural(count, "place", "places");
    let text = format!("held by globals to the end: memory of {places}; {} lists them", options.reachable_flag);
    page.paragraph(&[(Ink::Faint, &text)], 2);
}

fn quiet_processes(reports: &[Report], options: &TextOptions<'_>, page: &mut Page) {
    let is_quiet = |report: &&Report| !unseen::was_replaced(report) && selection::shown(report, options).is_empty();
    let quiet = reports.iter().filter(is_quiet).count() as u64;
    if quiet == 0 {
        return;
    }
    page.blank();
    page.paragraph(&[(Ink::Plain, &format!("{}: nothing lost", plural(quiet, "other process", "other processes")))], 2);
}
