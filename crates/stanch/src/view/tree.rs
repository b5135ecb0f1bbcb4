//! All stacks of a recording as a tree of functions, in both directions and by every weight.
//!
//! Stacks are sorted by their frames, so that those which begin alike stand side by side: a node of the tree is a range
//! of them and a depth, its weight the difference of two running sums, its children are found by bisection. Nothing is
//! built that is not looked at, which keeps large recordings small and quick.
use super::text::clean;
use stanch_finding::normal_name;
use stanch_recording::Recording;
use stanch_report::stacks::{Measure, ProcessStacks, StackFrame, Unit, Weight, WeightedStack, frames_of};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Which end of the stacks is the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    /// The outermost frame; children are what a function calls.
    #[default]
    Callees,
    /// The innermost frame; children are who calls it.
    Callers,
}

/// A function, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// Source file or module; empty where neither is known.
    pub(super) place: String,
}

/// A function under all functions that lead to it: the stacks `first..end`, which agree in their first `depth` frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    first: usize,
    end: usize,
    depth: usize,
}

impl Node {
    /// True where the other one is a child of this one.
    pub(super) fn is_parent_of(&self, other: &Node) -> bool {
        self.depth + 1 == other.depth && self.first <= other.first && other.end <= self.end
    }
}

/// The stacks of a recording.
#[derive(Debug)]
pub(super) struct Stacks {
    functions: Vec<Function>,
    callees: Order,
    callers: Order,
}

/// Every weight a stack can have.
pub(super) fn measures() -> impl Iterator<Item = Measure> {
    Weight::ALL.into_iter().flat_map(|weight| {
        let units = if weight.has_bytes() { &[Unit::Bytes, Unit::Blocks][..] } else { &[Unit::Blocks] };
        units.iter().map(move |unit| Measure { weight, unit: *unit })
    })
}

impl Stacks {
    /// Takes time linear in the frames of all stacks, plus sorting them twice. Where there are several processes, each
    /// is a frame outside all of its own.
    pub(super) fn of(recording: &Recording) -> Self {
        let mut names = Names::default();
        let mut stacks: Vec<(Vec<u32>, WeightedStack)> = Vec::new();
        for process in recording.processes.iter().map(ProcessStacks::of) {
            let root = (recording.processes.len() > 1).then(|| names.other(&process.name()));
            let mut known = vec![None; process.process.nodes.len()];
            for stack in &process.stacks {
                let frames = names.frames(&process, stack, root, &mut known);
                stacks.push((frames, *stack));
            }
        }
        let callees = Order::new(&mut stacks);
        stacks.iter_mut().for_each(|(frames, _)| frames.reverse());
        let callers = Order::new(&mut stacks);
        Self { functions: names.functions, callees, callers }
    }

    pub(super) fn root(&self) -> Node {
        Node { first: 0, end: self.callees.starts.len() - 1, depth: 0 }
    }

    /// The number of the node's function; `None` for the root.
    pub(super) fn number(&self, direction: Direction, node: Node) -> Option<usize> {
        let order = self.order(direction);
        Some(*order.frames(node.first).get(node.depth.checked_sub(1)?)? as usize)
    }

    /// The node's function; `None` for the root.
    pub(super) fn function(&self, direction: Direction, node: Node) -> Option<&Function> {
        self.number(direction, node).map(|number| &self.functions[number])
    }

    /// What all stacks through the node weigh.
    pub(super) fn weight(&self, direction: Direction, node: Node, measure: Measure) -> u64 {
        self.order(direction).sum(node.first, node.end, measure)
    }

    /// What the stacks weigh that end in the node.
    pub(super) fn own_weight(&self, direction: Direction, node: Node, measure: Measure) -> u64 {
        let order = self.order(direction);
        order.sum(node.first, order.own_end(node), measure)
    }

    /// The node's children that weigh anything, the heaviest first.
    pub(super) fn children(&self, direction: Direction, node: Node, measure: Measure) -> Vec<(Node, u64)> {
        let order = self.order(direction);
        let mut children = Vec::new();
        let mut first = order.own_end(node);
        while first < node.end {
            let frame = order.frames(first).get(node.depth);
            let end = order.first_where(first, node.end, |frames| frames.get(node.depth) != frame);
            children.push((Node { first, end, depth: node.depth + 1 }, order.sum(first, end, measure)));
            first = end;
        }
        children.retain(|(_, weight)| *weight > 0);
        children.sort_by_key(|(_, weight)| Reverse(*weight));
        children
    }

    fn order(&self, direction: Direction) -> &Order {
        match direction {
            Direction::Callees => &self.callees,
            Direction::Callers => &self.callers,
        }
    }
}

/// Bytes and blocks of every weight. Wider than the numbers of a recording, so that sums cannot overflow.
type Sums = [(u128, u128); Weight::ALL.len()];

/// Sorted stacks, end to end, with running sums.
#[derive(Debug)]
struct Order {
    frames: Vec<u32>,
    /// Where each stack starts in `frames`, and where the last one ends.
    starts: Vec<usize>,
    /// The sums of all stacks before each, and of all.
    sums: Vec<Sums>,
}

impl Order {
    fn new(stacks: &mut [(Vec<u32>, WeightedStack)]) -> Self {
        stacks.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut order = Self { frames: Vec::new(), starts: vec![0], sums: vec![Sums::default()] };
        let mut sums = Sums::default();
        for (frames, stack) in stacks {
            for (sum, weight) in sums.iter_mut().zip(Weight::ALL) {
                let amount = stack.amount(weight);
                *sum = (sum.0 + u128::from(amount.bytes), sum.1 + u128::from(amount.blocks));
            }
            order.frames.extend_from_slice(frames);
            order.starts.push(order.frames.len());
            order.sums.push(sums);
        }
        order
    }

    fn frames(&self, stack: usize) -> &[u32] {
        match self.starts.get(stack..stack + 2) {
            Some(&[start, end]) => &self.frames[start..end],
            _ => &[],
        }
    }

    fn sum(&self, first: usize, end: usize, measure: Measure) -> u64 {
        let at = |stack: usize| {
            let (bytes, blocks) = self.sums[stack][measure.weight as usize];
            if measure.unit == Unit::Bytes { bytes } else { blocks }
        };
        u64::try_from(at(end) - at(first)).unwrap_or(u64::MAX)
    }

    /// The end of the stacks that end in the node: the shortest come first.
    fn own_end(&self, node: Node) -> usize {
        self.first_where(node.first, node.end, |frames| frames.len() > node.depth)
    }

    /// The first stack in the range for which `is_behind` holds, as it does for all behind it.
    fn first_where(&self, first: usize, end: usize, is_behind: impl Fn(&[u32]) -> bool) -> usize {
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_behind(self.frames(middle)) { high = middle } else { low = middle + 1 }
        }
        low
    }
}

/// Functions by number, each once.
#[derive(Default)]
struct Names {
    functions: Vec<Function>,
    numbers: HashMap<(String, String), u32>,
}

impl Names {
    fn frames(
        &mut self,
        process: &ProcessStacks<'_>,
        stack: &WeightedStack,
        root: Option<u32>,
        known: &mut [Option<Vec<u32>>],
    ) -> Vec<u32> {
        let mut frames = Vec::new();
        for entry in process.process.stack(stack.node) {
            let numbers = known[entry.index.0 as usize]
                .get_or_insert_with(|| frames_of(entry).iter().map(|frame| self.frame(frame)).collect());
            frames.extend_from_slice(numbers);
        }
        if frames.is_empty() {
            frames.push(self.other("(unknown stack)"));
        }
        frames.extend(root);
        frames.reverse();
        frames
    }

    fn frame(&mut self, frame: &StackFrame<'_>) -> u32 {
        let place = frame.file.or(frame.module).unwrap_or_default();
        self.number(frame.name(), place, |name| if frame.function.is_some() { normal_name(name) } else { name.into() })
    }

    fn other(&mut self, name: &str) -> u32 {
        self.number(name.to_owned(), "", str::to_owned)
    }

    fn number(&mut self, name: String, place: &str, spell: impl Fn(&str) -> String) -> u32 {
        let functions = &mut self.functions;
        *self.numbers.entry((name, place.to_owned())).or_insert_with_key(|(name, place)| {
            functions.push(Function { name: clean(&spell(name)), place: clean(place) });
            functions.len() as u32 - 1
        })
    }
}
