//! The stacks as an icicle graph: each box is a function, as wide as it weighs, and stands on what calls it.
use super::keys::Action;
use super::list::Motion;
use super::model::Model;
use super::paint::Paint;
use super::stacks::{amount, percent, title};
use super::state::Lens;
use super::text::{fit, pad, width};
use super::tree::{Node, Stacks};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// A box: columns `left..left + columns` of row `level`.
#[derive(Clone, Copy, Debug)]
struct Block {
    node: Node,
    weight: u64,
    left: usize,
    columns: usize,
    level: usize,
    parent: Option<usize>,
}

/// What boxes are laid out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    lens: Lens,
    root: Node,
    columns: usize,
}

/// The graph.
#[derive(Debug)]
pub(super) struct FlameView {
    /// The boxes that were zoomed into, the innermost last.
    zoom: Vec<Node>,
    plan: Option<Plan>,
    /// Level by level, from left to right.
    blocks: Vec<Block>,
    selected: usize,
    top: usize,
    height: usize,
    columns: usize,
}

impl FlameView {
    pub(super) fn new(stacks: &Stacks) -> Self {
        let zoom = vec![stacks.root()];
        Self { zoom, plan: None, blocks: Vec::new(), selected: 0, top: 0, height: 1, columns: 80 }
    }

    pub(super) fn apply(&mut self, action: Action, lens: Lens, stacks: &Stacks) {
        self.arrange(lens, stacks);
        match action {
            Action::Move(motion) => self.step(motion),
            Action::Left => self.select_neighbour(self.selected.checked_sub(1)),
            Action::Right => self.select_neighbour(self.selected.checked_add(1)),
            Action::Open => self.zoom_in(),
            Action::Back if self.zoom.len() > 1 => {
                let left = self.zoom.pop();
                self.arrange(lens, stacks);
                self.selected = self.blocks.iter().position(|block| Some(block.node) == left).unwrap_or(0);
            }
            _ => {}
        }
    }

    fn zoom_in(&mut self) {
        if let Some(block) = self.blocks.get(self.selected).filter(|block| block.level > 0) {
            self.zoom.push(block.node);
        }
    }

    fn step(&mut self, motion: Motion) {
        let steps = match motion {
            Motion::Up | Motion::Down => 1,
            Motion::HalfUp | Motion::HalfDown => self.height / 2,
            _ => self.height,
        };
        match motion {
            Motion::First => self.selected = 0,
            Motion::Last => while self.select_child() {},
            Motion::Up | Motion::HalfUp | Motion::PageUp => {
                for _ in 0..steps {
                    self.selected = self.block().and_then(|block| block.parent).unwrap_or(self.selected);
                }
            }
            Motion::Down | Motion::HalfDown | Motion::PageDown => {
                for _ in 0..steps {
                    if !self.select_child() {
                        break;
                    }
                }
            }
        }
    }

    fn block(&self) -> Option<&Block> {
        self.blocks.get(self.selected)
    }

    /// The heaviest child, which stands first. False where none is wide enough to be drawn.
    fn select_child(&mut self) -> bool {
        let rest = self.blocks.get(self.selected + 1..).unwrap_or_default();
        let Some(at) = rest.iter().position(|block| block.parent == Some(self.selected)) else { return false };
        self.selected += 1 + at;
        true
    }

    fn select_neighbour(&mut self, index: Option<usize>) {
        let Some(index) = index else { return };
        if self.blocks.get(index).map(|block| block.level) == self.block().map(|block| block.level) {
            self.selected = index;
        }
    }

    /// Lays the boxes out where something has changed.
    fn arrange(&mut self, lens: Lens, stacks: &Stacks) {
        if self.plan.is_some_and(|plan| plan.lens.direction != lens.direction) {
            self.zoom.truncate(1);
        }
        let root = self.zoom.last().copied().unwrap_or(stacks.root());
        let plan = Plan { lens, root, columns: self.columns };
        if self.plan == Some(plan) {
            return;
        }
        let selected = self.block().map(|block| block.node);
        self.blocks = laid_out(plan, stacks);
        self.plan = Some(plan);
        let kept = selected.and_then(|node| self.blocks.iter().position(|block| block.node == node));
        self.selected = kept.unwrap_or(0);
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, model: &Model, lens: Lens, paint: Paint) {
        let [above, graph, below] = parts(area);
        self.columns = usize::from(area.width);
        self.height = usize::from(graph.height).max(1);
        self.arrange(lens, &model.stacks);
        let total = self.blocks.first().map_or(0, |block| block.weight);
        frame.render_widget(Paragraph::new(fit(&self.title(lens, total, model), self.columns)), above);
        frame.render_widget(Paragraph::new(fit(&self.described(lens, total, model), self.columns)), below);
        let level = self.block().map_or(0, |block| block.level);
        self.top = self.top.clamp((level + 1).saturating_sub(self.height), level);
        let shown = self.top..self.top + usize::from(graph.height);
        let first = self.blocks.partition_point(|block| block.level < shown.start);
        let end = self.blocks.partition_point(|block| block.level < shown.end);
        for index in first..end {
            let block = &self.blocks[index];
            let place = Rect {
                x: graph.x + block.left as u16,
                y: graph.y + (block.level - self.top) as u16,
                width: block.columns as u16,
                height: 1,
            };
            let style = if index == self.selected { paint.selected() } else { self.style(block, lens, model, paint) };
            frame.render_widget(Line::styled(label(block, index == self.selected, lens, model), style), place);
        }
    }

    fn style(&self, block: &Block, lens: Lens, model: &Model, paint: Paint) -> Style {
        model.stacks.number(lens.direction, block.node).map_or_else(Style::new, |number| paint.block(number))
    }

    fn title(&self, lens: Lens, total: u64, model: &Model) -> String {
        let text = title(lens, total, model);
        match self.zoom.len() {
            0 | 1 => text,
            _ => format!("zoom (Backspace: out) {text}"),
        }
    }

    /// The selected box in words.
    fn described(&self, lens: Lens, total: u64, model: &Model) -> String {
        let Some(block) = self.block() else { return String::new() };
        let weight = amount(block.weight, lens.measure, model);
        let share = percent(block.weight, total);
        match model.stacks.function(lens.direction, block.node) {
            None => format!("> {weight} {} all stacks", share.trim_start()),
            Some(function) => {
                format!("> {weight} {} {}  {}", share.trim_start(), function.name, function.place)
            }
        }
    }
}

/// A line above, a line below, and the graph between them.
fn parts(area: Rect) -> [Rect; 3] {
    let above = Rect { height: area.height.min(1), ..area };
    let below_height = area.height.saturating_sub(1).min(1);
    let graph = Rect { y: area.y + above.height, height: area.height - above.height - below_height, ..area };
    [above, graph, Rect { y: graph.y + graph.height, height: below_height, ..area }]
}

/// Box after box, those of one level side by side. What would be narrower than a column is left out.
fn laid_out(plan: Plan, stacks: &Stacks) -> Vec<Block> {
    let Plan { lens, root, columns } = plan;
    let weight = stacks.weight(lens.direction, root, lens.measure);
    if weight == 0 || columns == 0 {
        return Vec::new();
    }
    let mut blocks = vec![Block { node: root, weight, left: 0, columns, level: 0, parent: None }];
    let mut next = 0;
    while let Some(parent) = blocks.get(next).copied() {
        let at = |before: u128| (before * parent.columns as u128 / u128::from(parent.weight)) as usize;
        let mut before: u128 = 0;
        for (node, weight) in stacks.children(lens.direction, parent.node, lens.measure) {
            let left = at(before).min(parent.columns);
            before += u128::from(weight);
            let columns = at(before).min(parent.columns) - left;
            if columns > 0 {
                let left = parent.left + left;
                blocks.push(Block { node, weight, left, columns, level: parent.level + 1, parent: Some(next) });
            }
        }
        next += 1;
    }
    blocks
}

/// `|name░░░`: where a box begins, what it is, and how far it goes.
fn label(block: &Block, is_selected: bool, lens: Lens, model: &Model) -> String {
    let name = model.stacks.function(lens.direction, block.node).map_or("all stacks", |function| &function.name);
    let edge = if is_selected { ">" } else { "▏" };
    let room = block.columns - 1;
    let name = if room < 3 { pad("", room) } else { fit(name, room) };
    let fill = "░".repeat(room.saturating_sub(width(&name)));
    format!("{edge}{name}{fill}")
}
