//! What is looked at: made once of a file, and never changed.
use super::text::clean;
use super::tree::Stacks;
use stanch_finding::{Finding, Report};
use stanch_recording::Recording;
use stanch_report::kinds::words;
use stanch_report::text::{Limit, Place, Reachable, Style, TextOptions, place};

/// A file, its findings and its stacks.
#[derive(Debug)]
pub(super) struct Model {
    /// The file's name.
    pub(super) file: String,
    pub(super) recording: Recording,
    /// One for each process, unless nothing was recorded.
    pub(super) reports: Vec<Report>,
    pub(super) findings: Vec<Row>,
    pub(super) stacks: Stacks,
    base_folder: Option<String>,
}

/// A finding, as the list shows it.
#[derive(Debug)]
pub(super) struct Row {
    report: usize,
    finding: usize,
    pub(super) function: String,
    pub(super) at: String,
    /// All that a search looks through, in small letters.
    pub(super) haystack: String,
}

impl Model {
    /// The recording with its reports; source files below the base folder are named from there.
    pub(super) fn new(file: &str, recording: Recording, reports: Vec<Report>, base_folder: Option<String>) -> Self {
        let stacks = Stacks::of(&recording);
        let file = clean(file);
        let mut model = Self { file, recording, reports, findings: Vec::new(), stacks, base_folder };
        model.findings = model.rows();
        model
    }

    pub(super) fn finding(&self, row: &Row) -> &Finding {
        &self.reports[row.report].findings[row.finding]
    }

    pub(super) fn report(&self, row: &Row) -> &Report {
        &self.reports[row.report]
    }

    /// True where amounts are estimates.
    pub(super) fn is_sampled(&self) -> bool {
        self.recording.processes.iter().any(|process| process.sampling.is_some())
    }

    /// How findings are put into words here: whole.
    pub(super) fn text_options(&self, width: usize) -> TextOptions<'_> {
        TextOptions {
            style: Style::Plain,
            width,
            findings: Limit::All,
            frames: Limit::All,
            reachable: Reachable::Listed,
            base_dir: self.base_folder.as_deref(),
            read_source: None,
            all_flag: "",
            reachable_flag: "",
        }
    }

    fn rows(&self) -> Vec<Row> {
        let options = self.text_options(0);
        let findings = self.reports.iter().enumerate().flat_map(|(report, of)| {
            of.findings.iter().enumerate().map(move |(index, finding)| (report, index, finding))
        });
        let row = |(report, index, finding): (usize, usize, &Finding)| {
            let unknown = || Place { function: "(unknown stack)".to_owned(), at: None };
            let place = place(finding, &options).unwrap_or_else(unknown);
            let (function, at) = (clean(&place.function), clean(&place.at.unwrap_or_default()));
            let haystack = [&function, &at, &finding.owner.name, words(finding.kind).title, &finding.message];
            let haystack = haystack.join("\n").to_lowercase();
            Row { report, finding: index, function, at, haystack }
        };
        findings.map(row).collect()
    }
}
