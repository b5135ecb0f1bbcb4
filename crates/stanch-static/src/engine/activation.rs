//! The paths of one running call: which wait, which were seen, which ended.
use super::code::Code;
use super::run::Exit;
use super::state::State;
use super::term::Terms;
use crate::ir::{BlockId, FunctionId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A path that waits to go on.
pub(super) struct Item {
    pub(super) state: State,
    pub(super) block: BlockId,
    /// Next instruction.
    pub(super) index: usize,
    /// When it is its turn.
    pub(super) turn: u32,
}

/// The waiting paths of one activation, by [`Code::turn`] of their block.
pub(super) struct Activation {
    pub(super) function: FunctionId,
    pub(super) code: Rc<Code>,
    waiting: BTreeMap<u32, Vec<Item>>,
    /// States in which loop heads were entered.
    seen: BTreeMap<u32, Vec<State>>,
    pub(super) exits: Vec<Exit>,
}

impl Activation {
    pub(super) fn new(function: FunctionId, code: Rc<Code>) -> Activation {
        Activation { function, code, waiting: BTreeMap::new(), seen: BTreeMap::new(), exits: Vec::new() }
    }

    pub(super) fn wait(&mut self, item: Item) {
        self.waiting.entry(item.turn).or_default().push(item);
    }

    /// Adds a path; true where another had to go for it, or it itself.
    pub(super) fn wait_bounded(&mut self, item: Item, limit: usize) -> bool {
        let items = self.waiting.entry(item.turn).or_default();
        items.push(item);
        if items.len() <= limit {
            return false;
        }
        // The one that assumes most goes.
        let cost = |item: &Item| (item.state.failures, item.state.trace.length());
        if let Some(at) = (0..items.len()).max_by_key(|at| cost(&items[*at])) {
            items.swap_remove(at);
        }
        true
    }

    pub(super) fn next(&mut self) -> Option<Item> {
        let mut entry = self.waiting.first_entry()?;
        let item = entry.get_mut().pop();
        if entry.get().is_empty() {
            entry.remove();
        }
        item
    }

    /// Joins a path with one that waits in the same state; gives it back where there is none.
    pub(super) fn join(&mut self, item: Item) -> Option<Item> {
        for other in self.waiting.get_mut(&item.turn).into_iter().flatten() {
            if other.index == item.index && other.state.is_same(&item.state) {
                other.state.facts = other.state.facts.join(&item.state.facts);
                other.state.splits = other.state.splits.min(item.state.splits);
                return None;
            }
        }
        Some(item)
    }

    /// True where the loop was entered in this state, or a more general one, before; remembers it otherwise.
    pub(super) fn is_seen(&mut self, terms: &mut Terms, state: &State, head: BlockId) -> bool {
        const SEEN_MAX: usize = 8;
        let seen = self.seen.entry(head.0).or_default();
        if seen.iter().any(|old| old.is_same_but_rounds(state) && state.facts.implies(terms, &old.facts)) {
            return true;
        }
        if seen.len() == SEEN_MAX {
            seen.remove(0);
        }
        seen.push(state.clone());
        false
    }
}
