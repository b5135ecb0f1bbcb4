//! Which view is open, and what keys do to it. No terminal: tests drive it as people do.
use super::findings::FindingsView;
use super::flame::FlameView;
use super::keys::Action;
use super::model::Model;
use super::page::{Page, Topic};
use super::stacks::StacksView;
use super::timeline::TimelineView;
use super::tree::{Direction, Stacks, measures};
use stanch_report::stacks::{Measure, Unit, Weight};

/// The views, in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Findings,
    Stacks,
    Flame,
    Timeline,
}

impl Tab {
    pub(super) const ALL: [Tab; 4] = [Tab::Findings, Tab::Stacks, Tab::Flame, Tab::Timeline];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Tab::Findings => "findings",
            Tab::Stacks => "stacks",
            Tab::Flame => "flame",
            Tab::Timeline => "timeline",
        }
    }
}

/// How the viewer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Quit,
    /// By Ctrl-C.
    Interrupt,
}

/// What stacks are weighed by, and from which end they are looked at. Stacks and flame share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lens {
    pub(super) measure: Measure,
    pub(super) direction: Direction,
}

impl Lens {
    /// The first weight that there is any of, what is lost before what is live.
    fn of(stacks: &Stacks) -> Self {
        let by = |weight| Measure { weight, unit: Unit::Bytes };
        let wanted = [Weight::Lost, Weight::PossiblyLost, Weight::Live, Weight::Peak, Weight::Allocated].map(by);
        let weighs = |measure: &Measure| stacks.weight(Direction::Callees, stacks.root(), *measure) > 0;
        let measure = wanted.into_iter().find(weighs).unwrap_or(by(Weight::Lost));
        Self { measure, direction: Direction::default() }
    }

    fn turn(&mut self) {
        self.direction = match self.direction {
            Direction::Callees => Direction::Callers,
            Direction::Callers => Direction::Callees,
        };
    }

    fn weigh(&mut self, steps: usize) {
        let all: Vec<Measure> = measures().collect();
        let at = all.iter().position(|measure| *measure == self.measure).unwrap_or(0);
        self.measure = all[(at + steps) % all.len()];
    }
}

/// All that can change.
pub(super) struct State {
    pub(super) tab: Tab,
    pub(super) lens: Lens,
    pub(super) findings: FindingsView,
    pub(super) stacks: StacksView,
    pub(super) flame: FlameView,
    pub(super) timeline: TimelineView,
    /// Lies over the view, where open.
    pub(super) page: Option<Page>,
}

impl State {
    pub(super) fn new(model: &Model) -> Self {
        Self {
            tab: Tab::default(),
            lens: Lens::of(&model.stacks),
            findings: FindingsView::new(model),
            stacks: StacksView::new(&model.stacks),
            flame: FlameView::new(&model.stacks),
            timeline: TimelineView::default(),
            page: None,
        }
    }

    /// True while letters are letters.
    pub(super) fn is_typing(&self) -> bool {
        self.page.is_none() && self.tab == Tab::Findings && self.findings.is_typing()
    }

    /// Does what a key asks for.
    pub(super) fn apply(&mut self, action: Action, model: &Model) -> Option<End> {
        match action {
            Action::Interrupt => return Some(End::Interrupt),
            Action::Quit if self.page.is_none() => return Some(End::Quit),
            Action::Help => self.page = Some(Page::new(Topic::Help)),
            Action::Notes => self.page = Some(Page::new(Topic::Notes)),
            Action::Tab(number) => self.show(Tab::ALL[number % Tab::ALL.len()]),
            Action::NextTab => self.show_neighbour(1),
            Action::PreviousTab => self.show_neighbour(Tab::ALL.len() - 1),
            Action::Quit | Action::Back if self.page.is_some() => self.page = None,
            Action::Move(motion) if self.page.is_some() => {
                self.page.iter_mut().for_each(|page| page.scroll.step(motion));
            }
            _ if self.page.is_some() => {}
            action => self.of_view(action, model),
        }
        None
    }

    fn show(&mut self, tab: Tab) {
        self.tab = tab;
        self.page = None;
    }

    fn show_neighbour(&mut self, steps: usize) {
        self.show(Tab::ALL[(self.tab as usize + steps) % Tab::ALL.len()]);
    }

    fn of_view(&mut self, action: Action, model: &Model) {
        match (self.tab, action) {
            (Tab::Findings | Tab::Timeline, Action::Left) => self.show_neighbour(Tab::ALL.len() - 1),
            (Tab::Findings | Tab::Timeline, Action::Right) => self.show_neighbour(1),
            (Tab::Stacks | Tab::Flame, Action::Weight) => self.lens.weigh(1),
            (Tab::Stacks | Tab::Flame, Action::WeightBack) => self.lens.weigh(measures().count() - 1),
            (Tab::Stacks | Tab::Flame, Action::Reverse) => self.lens.turn(),
            (Tab::Findings, Action::Open) => {
                self.page = self.findings.selected().map(|row| Page::new(Topic::Finding(row)));
            }
            (Tab::Timeline, Action::Open) if !model.recording.processes.is_empty() => {
                self.page = Some(Page::new(Topic::Process(self.timeline.cursor.selected)));
            }
            (Tab::Findings, action) => self.findings.apply(action, model),
            (Tab::Stacks, action) => self.stacks.apply(action, self.lens, &model.stacks),
            (Tab::Flame, action) => self.flame.apply(action, self.lens, &model.stacks),
            (Tab::Timeline, action) => self.timeline.apply(action, model),
        }
    }
}
