//! One section for each process that has something to say.
use super::finding::{Teller, finding};
use super::page::{Ink, Page};
use super::selection::{Section, Selection};
use super::{Limit, TextOptions};
use crate::numbers::{about, bytes_text, duration_text, estimate_text, plural};
use stanch_finding::{Report, Subject};

/// Characters of a command line that say which program it is; compilers are called with thousands.
const COMMAND_CHARS: usize = 100;

/// The sections in order, their findings numbered through.
pub(super) fn sections(selection: &Selection<'_>, options: &TextOptions<'_>, page: &mut Page) {
    let mut teller = Teller::new(options);
    for section in &selection.sections {
        one(section, &mut teller, options, page);
    }
}

fn one(section: &Section<'_>, teller: &mut Teller, options: &TextOptions<'_>, page: &mut Page) {
    let report = section.report;
    page.blank();
    page.paragraph(&[(Ink::Strong, &header(&report.subject, options))], 2);
    if 0 < report.totals.allocations {
        page.paragraph(&[(Ink::Faint, &format!("  {}", life(report)))], 2);
    }
    for entry in &section.entries {
        page.blank();
        finding(entry, teller, options, page);
    }
}

/// `process 123: ./app --port 80 (exited with status 0 after 2.31 s)`.
fn header(subject: &Subject, options: &TextOptions<'_>) -> String {
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
    format!("{what}: {}{ending}", command_text(subject, options))
}

/// The command line, cut where it is long.
pub(super) fn command_text(subject: &Subject, options: &TextOptions<'_>) -> String {
    let command = command_line(&subject.command);
    match command.char_indices().nth(COMMAND_CHARS) {
        Some((end, _)) if options.findings != Limit::All => format!("{} …", command[..end].trim_end()),
        _ => command,
    }
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
    if report.sampling.is_some() {
        return estimated_life(report);
    }
    format!(
        "{}, {} in all; at most {} at one time",
        plural(report.totals.allocations, "allocation", "allocations"),
        bytes_text(report.totals.allocated_bytes),
        bytes_text(report.totals.peak_bytes)
    )
}

/// What is live is said first: it is what a sample is taken for, and has an interval.
fn estimated_life(report: &Report) -> String {
    let totals = &report.totals;
    let live = match &totals.estimate {
        Some(estimate) => format!("live: {}; ", estimate_text(totals.live.0, totals.live.1, estimate)),
        None => String::new(),
    };
    format!(
        "{live}about {}, {} in all; at most {} at one time",
        plural(about(totals.allocations), "allocation", "allocations"),
        bytes_text(totals.allocated_bytes),
        bytes_text(totals.peak_bytes)
    )
}
