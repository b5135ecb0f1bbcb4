//! The findings as a list that can be sorted, filtered and searched.
use super::keys::Action;
use super::list::Cursor;
use super::model::{Model, Row};
use super::paint::Paint;
use super::text::{clean, fit, pad, pad_front};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use stanch_finding::{ByteCount, Finding, Kind};
use stanch_report::kinds::words;
use stanch_report::numbers::{about, bytes_text, plural};
use stanch_report::text::held_bytes;
use std::cmp::Reverse;

/// What the list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sort {
    #[default]
    Severity,
    Bytes,
    Blocks,
    Place,
}

impl Sort {
    const fn words(self) -> &'static str {
        match self {
            Self::Severity => "the worst first",
            Self::Bytes => "by bytes",
            Self::Blocks => "by blocks",
            Self::Place => "by place",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Severity => Self::Bytes,
            Self::Bytes => Self::Blocks,
            Self::Blocks => Self::Place,
            Self::Place => Self::Severity,
        }
    }
}

/// The list.
#[derive(Debug)]
pub(super) struct FindingsView {
    /// Indexes of the model's rows, filtered and sorted.
    order: Vec<usize>,
    /// The bytes of those.
    bytes: ByteCount,
    cursor: Cursor,
    sort: Sort,
    only: Option<Kind>,
    /// What was searched for last.
    query: String,
    typed: Option<String>,
    is_missing: bool,
}

impl FindingsView {
    pub(super) fn new(model: &Model) -> Self {
        let mut view = Self {
            order: Vec::new(),
            bytes: ByteCount(0),
            cursor: Cursor::default(),
            sort: Sort::default(),
            only: None,
            query: String::new(),
            typed: None,
            is_missing: false,
        };
        view.arrange(model);
        view
    }

    pub(super) fn is_typing(&self) -> bool {
        self.typed.is_some()
    }

    /// The model's row under the cursor.
    pub(super) fn selected(&self) -> Option<usize> {
        self.order.get(self.cursor.selected).copied()
    }

    pub(super) fn apply(&mut self, action: Action, model: &Model) {
        self.is_missing = false;
        match action {
            Action::Move(motion) => self.cursor.step(motion, self.order.len()),
            Action::Sort => {
                self.sort = self.sort.next();
                self.arrange(model);
            }
            Action::Filter => {
                self.only = next_kind(self.only, model);
                self.arrange(model);
            }
            Action::Back if self.only.is_some() => {
                self.only = None;
                self.arrange(model);
            }
            Action::Search => self.typed = Some(String::new()),
            Action::Type(letter) => self.typed.iter_mut().for_each(|typed| typed.push(letter)),
            Action::Erase => {
                self.typed.as_mut().and_then(String::pop);
            }
            Action::Cancel => self.typed = None,
            Action::Accept => {
                self.query = self.typed.take().filter(|typed| !typed.is_empty()).unwrap_or(self.query.clone());
                self.search(model, 0..self.order.len());
            }
            Action::SearchNext => self.search(model, 1..self.order.len() + 1),
            Action::SearchPrevious => self.search(model, (0..self.order.len()).rev()),
            _ => {}
        }
    }

    /// Filters and sorts; what was selected stays so where it is still listed.
    fn arrange(&mut self, model: &Model) {
        let selected = self.selected();
        let is_wanted = |row: &usize| self.only.is_none_or(|kind| model.finding(&model.findings[*row]).kind == kind);
        let mut order: Vec<usize> = (0..model.findings.len()).filter(is_wanted).collect();
        let finding = |row: &usize| model.finding(&model.findings[*row]);
        match self.sort {
            Sort::Severity => {
                order.sort_by_key(|row| (words(finding(row).kind).rank, Reverse(held_bytes(finding(row)))));
            }
            Sort::Bytes => order.sort_by_key(|row| Reverse(held_bytes(finding(row)))),
            Sort::Blocks => order.sort_by_key(|row| Reverse(finding(row).blocks)),
            Sort::Place => order.sort_by_key(|row| (&model.findings[*row].function, &model.findings[*row].at)),
        }
        let kept = selected.and_then(|row| order.iter().position(|other| *other == row));
        self.bytes = order.iter().map(|row| finding(row).bytes).sum();
        self.order = order;
        self.cursor.selected = kept.unwrap_or(0);
    }

    /// Goes to the first match so many lines on, around the end.
    fn search(&mut self, model: &Model, mut steps: impl Iterator<Item = usize>) {
        let query = self.query.to_lowercase();
        if query.is_empty() || self.order.is_empty() {
            return;
        }
        let at = |steps: usize| (self.cursor.selected + steps) % self.order.len();
        let is_match = |line: usize| model.findings[self.order[line]].haystack.contains(&query);
        match steps.find(|steps| is_match(at(*steps))).map(at) {
            Some(line) => self.cursor.selected = line,
            None => self.is_missing = true,
        }
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
        let width = usize::from(area.width);
        let shows_pid = model.reports.len() > 1;
        let mut lines = vec![Line::from(fit(&self.summary(model), width)), Line::default()];
        lines[1] = Line::styled(fit(&heading(width, shows_pid), width), paint.faint());
        let rows = usize::from(area.height).saturating_sub(lines.len());
        for line in self.cursor.shown(self.order.len(), rows) {
            let is_selected = line == self.cursor.selected;
            lines.push(row_line(&model.findings[self.order[line]], model, width, is_selected, paint));
        }
        if model.findings.is_empty() {
            lines[1] = Line::from("nothing was lost, as far as could be seen; i says what could not");
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn summary(&self, model: &Model) -> String {
        let shown = self.order.len();
        let all = model.findings.len();
        let count = match shown == all {
            true => plural(all as u64, "finding", "findings"),
            false => format!("{shown} of {}", plural(all as u64, "finding", "findings")),
        };
        let kind = self.only.map_or("all kinds", |kind| words(kind).title);
        let gaps: usize = model.reports.iter().map(|report| report.incomplete.len()).sum();
        let unseen = if gaps == 0 { String::new() } else { format!("; {gaps} not seen (i)") };
        let about = if model.is_sampled() { "about " } else { "" };
        format!("{count}, {about}{}, {kind}, {}{unseen}", bytes_text(self.bytes), self.sort.words())
    }

    /// The last line of the screen, where the search has something to say.
    pub(super) fn prompt(&self) -> Option<String> {
        match &self.typed {
            Some(typed) => Some(format!("/{}_", clean(typed))),
            None if self.is_missing => {
                Some(format!("no finding listed has `{}`: Esc lists all kinds, / searches again", clean(&self.query)))
            }
            None => None,
        }
    }
}

/// The kinds that there are, one after the other, then all.
fn next_kind(only: Option<Kind>, model: &Model) -> Option<Kind> {
    let mut kinds: Vec<Kind> = model.findings.iter().map(|row| model.finding(row).kind).collect();
    kinds.sort_by_key(|kind| words(*kind).rank);
    kinds.dedup();
    match only {
        None => kinds.first().copied(),
        Some(kind) => kinds.into_iter().skip_while(|other| *other != kind).nth(1),
    }
}

/// Columns of kind, bytes, blocks and process id. Narrow windows have less of them.
fn columns(width: usize, shows_pid: bool) -> [usize; 4] {
    let pid = if shows_pid && width >= 70 { 8 } else { 0 };
    if width < 60 { [8, 10, 0, pid] } else { [16, 10, 8, pid] }
}

fn heading(width: usize, shows_pid: bool) -> String {
    let [kind, bytes, blocks, pid] = columns(width, shows_pid);
    let mut text = format!("  {} {} ", pad("kind", kind), pad_front("bytes", bytes));
    for (name, room) in [("blocks ", blocks), ("process ", pid)].into_iter().filter(|(_, room)| *room > 0) {
        text += &pad_front(name, room + 1);
    }
    text + "where"
}

fn row_line<'a>(row: &Row, model: &Model, width: usize, is_selected: bool, paint: Paint) -> Line<'a> {
    let finding = model.finding(row);
    let report = model.report(row);
    let words = words(finding.kind);
    let [kind, bytes, blocks, pid] = columns(width, model.reports.len() > 1);
    let mut numbers = format!(" {} ", pad_front(&bytes_cell(finding), bytes));
    if blocks > 0 {
        numbers += &format!("{} ", pad_front(&blocks_cell(finding), blocks));
    }
    if pid > 0 {
        let text = report.subject.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        numbers += &format!("{} ", pad_front(&text, pid));
    }
    let mark = if is_selected { "> " } else { "  " };
    let room = width.saturating_sub(2 + kind + numbers.len());
    let place = fit(&format!("{}  {}", row.function, row.at), room);
    let line = Line::from(vec![
        Span::raw(mark),
        Span::styled(pad(words.title, kind), paint.severity(words.severity)),
        Span::raw(numbers),
        Span::raw(place),
    ]);
    if is_selected { line.style(paint.selected()) } else { line }
}

fn bytes_cell(finding: &Finding) -> String {
    bytes_text(finding.bytes)
}

fn blocks_cell(finding: &Finding) -> String {
    match finding.estimate {
        Some(_) => about(finding.blocks.0).to_string(),
        None => finding.blocks.0.to_string(),
    }
}
