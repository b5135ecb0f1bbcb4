//! Pages of text that lie over a view: a finding, a process, help, and what could not be seen.
use super::keys::HELP;
use super::list::Scroll;
use super::model::Model;
use super::paint::Paint;
use super::text::{clean, wrap};
use super::timeline;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use stanch_finding::{Finding, Report};
use stanch_report::numbers::{amount_text, plural};
use stanch_report::text::write_finding;

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Help,
    Notes,
    /// A row of the model's findings.
    Finding(usize),
    /// A process of the recording.
    Process(usize),
}

/// A page, and how far it is scrolled.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) topic: Topic,
    pub(super) scroll: Scroll,
    /// The page's lines, and the width that they were made for.
    lines: Option<(usize, Vec<String>)>,
}

impl Page {
    pub(super) fn new(topic: Topic) -> Self {
        Self { topic, scroll: Scroll::default(), lines: None }
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
        let width = usize::from(area.width);
        let topic = self.topic;
        if self.lines.as_ref().is_none_or(|(made_for, _)| *made_for != width) {
            self.lines = Some((width, wrap(&text(topic, model, width), width)));
        }
        let lines = self.lines.as_ref().map_or(&[][..], |(_, lines)| lines);
        let shown = self.scroll.shown(lines.len(), usize::from(area.height));
        let style = |index: usize| if index == 0 { paint.strong() } else { ratatui::style::Style::new() };
        let shown: Vec<Line<'_>> = shown.map(|index| Line::styled(lines[index].as_str(), style(index))).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }
}

fn text(topic: Topic, model: &Model, width: usize) -> String {
    match topic {
        Topic::Help => HELP.to_owned(),
        Topic::Notes => notes(model),
        Topic::Finding(row) => model
            .findings
            .get(row)
            .map_or_else(String::new, |row| finding(model.finding(row), model.report(row), model, width)),
        Topic::Process(index) => timeline::process_text(model, index),
    }
}

/// All that is known of a finding, in the words of a report.
fn finding(finding: &Finding, report: &Report, model: &Model, width: usize) -> String {
    let mut bytes = Vec::new();
    // Memory takes everything.
    let _ = write_finding(finding, &model.text_options(width), &mut bytes);
    let told = String::from_utf8_lossy(&bytes);
    // It is not one of many here.
    let told = told.strip_prefix("1. ").unwrap_or(&told);
    let process = match (model.reports.len(), report.subject.pid) {
        (2.., Some(pid)) => format!("in process {pid}: {}\n", clean(&report.subject.command.join(" "))),
        _ => String::new(),
    };
    let exact = match finding.estimate {
        Some(_) => String::new(),
        None => format!(
            "exactly {} in {}\n",
            plural(finding.bytes.0, "byte", "bytes"),
            plural(finding.blocks.0, "block", "blocks")
        ),
    };
    format!("{told}\n{}\n{exact}{process}", clean(&finding.message))
}

/// What could not be seen of any process, and what suppressions took out.
fn notes(model: &Model) -> String {
    let mut text = String::from("not seen\n");
    let gaps: Vec<String> = model.reports.iter().flat_map(gap_lines).collect();
    text += &if gaps.is_empty() { "  nothing that is known of\n".to_owned() } else { gaps.concat() };
    text += "\nsuppressed\n";
    let suppressed: Vec<String> = model.reports.iter().flat_map(suppressed_lines).collect();
    text + &if suppressed.is_empty() { "  nothing\n".to_owned() } else { suppressed.concat() }
}

fn gap_lines(report: &Report) -> impl Iterator<Item = String> {
    let process = report.subject.pid.map_or_else(String::new, |pid| format!("process {pid}: "));
    report.incomplete.iter().map(move |gap| format!("  {process}{}: {}\n", clean(&gap.what), clean(&gap.why)))
}

fn suppressed_lines(report: &Report) -> impl Iterator<Item = String> {
    report.suppressed.iter().map(|rule| {
        let (name, origin) = (clean(&rule.name), clean(&rule.origin));
        let what = match &rule.expired {
            Some(date) => format!("expired on {date}, took out nothing"),
            None => {
                let findings = plural(rule.findings, "finding", "findings");
                format!("{findings}, {}", amount_text(rule.bytes, rule.blocks))
            }
        };
        let reason = rule.reason.as_deref().map_or_else(String::new, |reason| format!(" ({})", clean(reason)));
        format!("  {name}, {origin}: {what}{reason}\n")
    })
}
