//! Findings on their way out: suppressed, written, judged.
use crate::args::{FailOn, Format};
use crate::destination;
use crate::export;
use crate::progress::Progress;
use crate::settings::OutputPlan;
use anyhow::{Context, Result, bail};
use stanch_finding::{Finding, Incomplete, Kind, Report, Subject, Totals};
use stanch_leaks::Scope;
use stanch_recording::Recording;
use stanch_report::text::{Limit, Reachable, SourceReader, Style, TextOptions};
use stanch_report::{html, json, sarif, text};
use std::io::{self, IsTerminal, Write};

/// Version of the tool as reports carry it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a report goes when no file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output is ours.
    Stdout,
    /// Standard output is the program's.
    Stderr,
}

/// The findings of a recording, without those that are suppressed.
pub(crate) fn reports(recording: &Recording, plan: &OutputPlan) -> Vec<Report> {
    reports_in(recording, plan, plan.scope())
}

/// The same of as many findings as are wanted.
pub(crate) fn reports_in(recording: &Recording, plan: &OutputPlan, scope: Scope) -> Vec<Report> {
    if recording.processes.is_empty() && !recording.losses.is_empty() {
        return vec![nothing_recorded(recording)];
    }
    let reports = recording.processes.iter().map(|process| stanch_leaks::report(process, recording, scope));
    reports.map(|report| plan.suppressions.apply(report, plan.today)).collect()
}

/// Where no process was recorded there is still something to say: why.
fn nothing_recorded(recording: &Recording) -> Report {
    let gaps = recording.losses.iter().map(|loss| Incomplete { what: loss.what.clone(), why: loss.why.clone() });
    Report {
        subject: Subject::of_command(recording.command.clone()),
        totals: Totals::default(),
        sampling: None,
        incomplete: gaps.collect(),
        findings: Vec::new(),
        suppressed: Vec::new(),
    }
}

/// Writes the reports, or the recording's stacks, where they are wanted.
pub(crate) fn write(recording: &Recording, reports: &[Report], plan: &OutputPlan, stream: Stream) -> Result<()> {
    let mut bytes = Vec::new();
    match plan.format {
        Format::Json => json::write(reports, VERSION, &mut bytes),
        Format::Sarif => {
            let options = sarif::SarifOptions { tool_version: VERSION, base_dir: plan.base_folder.as_deref() };
            // In code review, what is still reachable is noise unless it was asked for.
            let is_wanted = |finding: &Finding| plan.show_reachable || finding.kind != Kind::StillReachable;
            let mut reports = reports.to_vec();
            reports.iter_mut().for_each(|report| report.findings.retain(is_wanted));
            sarif::write(&reports, &options, &mut bytes)
        }
        Format::Html => write_html(recording, reports, plan, &mut bytes),
        Format::Text => text::write(reports, &text_options(plan, stream), &mut bytes),
        format => export::write(format, recording, plan.measure, &mut bytes),
    }
    .context("cannot format the report")?;
    if export::is_binary(plan.format) && plan.file.is_none() && export::is_terminal(stream, plan) {
        bail!("cannot write this format to a terminal\nhint: name a file with `-o FILE`");
    }
    if let Some(path) = &plan.file {
        export::tell_name(plan.format, path);
    }
    deliver(&bytes, plan, stream)
}

/// Writes the bytes to the file that is wanted, or to the stream.
pub(crate) fn deliver(bytes: &[u8], plan: &OutputPlan, stream: Stream) -> Result<()> {
    match &plan.file {
        Some(path) => destination::write(path, bytes).or_else(|error| {
            // What was learned must not be lost with the file.
            write_stream(bytes, stream)?;
            Err(error).with_context(|| format!("cannot write the report to `{}`", path.display()))
        }),
        None => write_stream(bytes, if plan.is_to_stdout { Stream::Stdout } else { stream }),
    }
}

fn write_html(recording: &Recording, reports: &[Report], plan: &OutputPlan, out: &mut Vec<u8>) -> io::Result<()> {
    let progress = Progress::new("making the page");
    html::write(recording, reports, &html_options(plan, &|done, total| progress.at(done, total)), out)
}

/// How pages are made.
pub(crate) fn html_options<'a>(plan: &'a OutputPlan, progress: &'a dyn Fn(u64, u64)) -> html::HtmlOptions<'a> {
    html::HtmlOptions {
        tool_version: VERSION,
        privacy: if plan.redact { html::Privacy::Redacted } else { html::Privacy::Open },
        base_dir: plan.base_folder.as_deref(),
        read_source: &read_source,
        progress,
    }
}

/// A source file as the recording names it, if it is there, is a file, and is not too large for one.
fn read_source(path: &str) -> Option<String> {
    const SOURCE_BYTES_MAX: u64 = 4 << 20;
    let facts = std::fs::metadata(path).ok()?;
    (facts.is_file() && facts.len() <= SOURCE_BYTES_MAX).then(|| std::fs::read_to_string(path).ok()).flatten()
}

/// A page for a browser is nothing for a terminal, nor for the stream that the program writes to.
pub(crate) fn check_format(plan: &OutputPlan, stream: Stream) -> Result<()> {
    let is_for_people = stream == Stream::Stderr || io::stdout().is_terminal();
    if plan.format == Format::Html && plan.file.is_none() && !plan.is_to_stdout && is_for_people {
        bail!("a page in HTML needs a file to go to\nhint: add `-o report.html`, and open that in a browser");
    }
    if plan.redact && plan.format != Format::Html {
        bail!("`--redact` is for pages only: other formats hold paths as they are\nhint: add `--format html`");
    }
    Ok(())
}

pub(crate) fn text_options(plan: &OutputPlan, stream: Stream) -> TextOptions<'_> {
    TextOptions {
        style: if plan.is_coloured(plan.is_to_stdout || stream == Stream::Stdout) { Style::Ansi } else { Style::Plain },
        width: 80,
        findings: if plan.all { Limit::All } else { Limit::First(10) },
        frames: if plan.all { Limit::All } else { Limit::First(12) },
        reachable: if plan.show_reachable { Reachable::Listed } else { Reachable::Summary },
        base_dir: plan.base_folder.as_deref(),
        read_source: Some(SourceReader(&read_source)),
        all_flag: "--all",
        reachable_flag: "--show-reachable",
    }
}

/// Writes to a stream of ours; nobody may be listening.
pub(crate) fn write_stream(bytes: &[u8], stream: Stream) -> Result<()> {
    let result = match stream {
        Stream::Stdout => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
        Stream::Stderr => io::stderr().write_all(bytes),
    };
    match result {
        // Whoever read has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write the report"),
    }
}

/// True where a finding is at least as bad as `limit`.
pub(crate) fn fails(reports: &[Report], limit: FailOn) -> bool {
    reports.iter().flat_map(|report| &report.findings).any(|finding| limit.is_reached(badness(finding.kind)))
}

/// How bad a kind is for `--fail-on`; more is worse.
pub(crate) fn badness(kind: Kind) -> u8 {
    match kind {
        Kind::StillReachable | Kind::Live | Kind::HeldToExit | Kind::Filling => 1,
        Kind::PossiblyLost | Kind::Stale | Kind::Growing => 2,
        _ => 3,
    }
}

impl FailOn {
    /// True where something as bad as this ends with status 1.
    pub(crate) fn is_reached(self, badness: u8) -> bool {
        match self {
            FailOn::Never => false,
            FailOn::StillReachable => 1 <= badness,
            FailOn::PossiblyLost => 2 <= badness,
            FailOn::DefinitelyLost => 3 <= badness,
        }
    }
}
