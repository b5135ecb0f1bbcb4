//! The stacks as a tree of functions that can be opened and closed.
use super::keys::Action;
use super::list::Cursor;
use super::model::Model;
use super::paint::Paint;
use super::state::Lens;
use super::text::{fit, pad_front};
use super::tree::{Direction, Node, Stacks};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use stanch_finding::ByteCount;
use stanch_report::numbers::{about, bytes_text};
use stanch_report::stacks::{Measure, Unit};
use std::collections::HashSet;

/// A line of the tree.
#[derive(Clone, Copy, Debug)]
struct Row {
    node: Node,
    weight: u64,
    /// Indent. Only children stand below their parent without one, or deep stacks would leave the screen.
    level: usize,
    has_children: bool,
}

/// The tree as far as it is open.
#[derive(Debug)]
pub(super) struct StacksView {
    rows: Vec<Row>,
    /// What `rows` were made for.
    lens: Option<Lens>,
    open: HashSet<Node>,
    cursor: Cursor,
}

impl StacksView {
    pub(super) fn new(stacks: &Stacks) -> Self {
        Self { rows: Vec::new(), lens: None, open: HashSet::from([stacks.root()]), cursor: Cursor::default() }
    }

    pub(super) fn apply(&mut self, action: Action, lens: Lens, stacks: &Stacks) {
        self.arrange(lens, stacks);
        let Some(row) = self.rows.get(self.cursor.selected).copied() else { return };
        let is_open = self.open.contains(&row.node);
        match action {
            Action::Move(motion) => self.cursor.step(motion, self.rows.len()),
            Action::Open if is_open => self.close(row.node),
            Action::Open | Action::Right if !is_open && row.has_children => self.open(row.node, lens, stacks),
            Action::Left | Action::Back if is_open && row.has_children => self.close(row.node),
            Action::Left | Action::Back => self.select_parent(),
            _ => {}
        }
    }

    /// Opens a function, and those below as long as there is only one way to go.
    fn open(&mut self, mut node: Node, lens: Lens, stacks: &Stacks) {
        while self.open.insert(node) {
            match stacks.children(lens.direction, node, lens.measure).as_slice() {
                [(only, _)] => node = *only,
                _ => break,
            }
        }
        self.lens = None;
    }

    fn close(&mut self, node: Node) {
        self.open.remove(&node);
        self.lens = None;
    }

    fn select_parent(&mut self) {
        let Some(row) = self.rows.get(self.cursor.selected) else { return };
        let is_parent = |other: &Row| other.node.is_parent_of(&row.node);
        let above = self.rows[..self.cursor.selected].iter().rposition(is_parent);
        self.cursor.selected = above.unwrap_or(self.cursor.selected);
    }

    /// Makes the lines anew where something has changed.
    fn arrange(&mut self, lens: Lens, stacks: &Stacks) {
        if self.lens == Some(lens) {
            return;
        }
        let selected = self.rows.get(self.cursor.selected).map(|row| row.node);
        if self.lens.is_some_and(|before| before.direction != lens.direction) {
            self.open = HashSet::from([stacks.root()]);
        }
        self.lens = Some(lens);
        self.rows.clear();
        let root = stacks.root();
        let mut waiting = vec![(root, stacks.weight(lens.direction, root, lens.measure), 0)];
        while let Some((node, weight, level)) = waiting.pop() {
            let has_children = stacks.own_weight(lens.direction, node, lens.measure) < weight;
            self.rows.push(Row { node, weight, level, has_children });
            if self.open.contains(&node) {
                let children = stacks.children(lens.direction, node, lens.measure);
                let level = if children.len() > 1 || node == root { level + 1 } else { level };
                waiting.extend(children.into_iter().rev().map(|(child, weight)| (child, weight, level)));
            }
        }
        let kept = selected.and_then(|node| self.rows.iter().position(|row| row.node == node));
        self.cursor.selected = kept.unwrap_or(0);
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, model: &Model, lens: Lens, paint: Paint) {
        self.arrange(lens, &model.stacks);
        let width = usize::from(area.width);
        let total = self.rows.first().map_or(0, |row| row.weight);
        let mut lines =
            vec![Line::from(fit(&title(lens, total, model), width)), Line::styled(heading(width), paint.faint())];
        let rows = usize::from(area.height).saturating_sub(lines.len());
        for line in self.cursor.shown(self.rows.len(), rows) {
            let row = &self.rows[line];
            let is_selected = line == self.cursor.selected;
            let text = fit(&self.row_text(row, total, is_selected, width, lens, model), width);
            lines.push(Line::styled(text, if is_selected { paint.selected() } else { ratatui::style::Style::new() }));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn row_text(&self, row: &Row, total: u64, is_selected: bool, width: usize, lens: Lens, model: &Model) -> String {
        let mark = if is_selected { '>' } else { ' ' };
        let handle = match (row.has_children, self.open.contains(&row.node)) {
            (false, _) => ' ',
            (true, false) => '+',
            (true, true) => '-',
        };
        let mut numbers = pad_front(&amount(row.weight, lens.measure, model), NUMBER);
        if width >= WIDE {
            let own = model.stacks.own_weight(lens.direction, row.node, lens.measure);
            numbers += &pad_front(&amount(own, lens.measure, model), NUMBER + 1);
        }
        let indent = " ".repeat(row.level.min(width / 4));
        let name = match model.stacks.function(lens.direction, row.node) {
            None => "all stacks".to_owned(),
            Some(function) => format!("{}  {}", function.name, function.place),
        };
        format!("{mark}{numbers} {} {indent}{handle} {name}", percent(row.weight, total))
    }
}

/// Columns of a number.
const NUMBER: usize = 10;
/// From this width on there is room for what stacks weigh that end in a function.
const WIDE: usize = 64;

fn heading(width: usize) -> String {
    let own = if width >= WIDE { pad_front("here", NUMBER + 1) } else { String::new() };
    fit(&format!(" {}{own}  share   function", pad_front("in all", NUMBER)), width)
}

/// What is shown, weighed by what, and from which end.
pub(super) fn title(lens: Lens, total: u64, model: &Model) -> String {
    let measure = lens.measure;
    let way = match lens.direction {
        Direction::Callees => "callers above what they call",
        Direction::Callers => "functions above their callers",
    };
    let weight = measure.weight.as_str();
    if total == 0 {
        return format!("no {weight} {} in this recording: w chooses another weight", measure.unit.as_str());
    }
    let blocks = if measure.unit == Unit::Blocks { " blocks" } else { "" };
    format!("{weight}: {}{blocks}; {way}", amount(total, measure, model))
}

/// A weight for people; of a sampled recording it is an estimate.
pub(super) fn amount(weight: u64, measure: Measure, model: &Model) -> String {
    match (measure.unit, model.is_sampled()) {
        (Unit::Bytes, false) => bytes_text(ByteCount(weight)),
        (Unit::Bytes, true) => format!("~{}", bytes_text(ByteCount(weight))),
        (Unit::Blocks, false) => weight.to_string(),
        (Unit::Blocks, true) => format!("~{}", about(weight)),
    }
}

/// A share of a whole, in six columns.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    format!("{share:5.1}%")
}
