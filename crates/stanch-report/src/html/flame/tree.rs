//! Builds one tree, the largest nodes first.
use super::process::Indexed;
use super::{added, totals};
use std::collections::{BTreeMap, BinaryHeap};

/// Which end of the stacks is the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// The program's entry.
    Down,
    /// What called to allocate.
    Up,
}

/// A tree; node 0 is the root, and parents come before their children.
pub(super) struct Tree<const N: usize> {
    pub(super) nodes: Vec<Node<N>>,
}

/// One box of the graph.
pub(super) struct Node<const N: usize> {
    pub(super) parent: u32,
    /// `None` for the root, and for what is too small to be shown.
    pub(super) function: Option<u32>,
    /// What ends here.
    pub(super) own: [u64; N],
}

/// Builds a tree of at most about `limit` nodes with names.
pub(super) fn build<const N: usize>(parts: &[&Indexed<'_, N>], direction: Direction, limit: usize) -> Tree<N> {
    let walk = Walk { parts, direction };
    let totals = totals(parts);
    let mut nodes = vec![Node { parent: 0, function: None, own: [0; N] }];
    let mut open = BinaryHeap::new();
    let mut small: BTreeMap<u32, [u64; N]> = BTreeMap::new();
    let expand = |index: u32, branch: Branch<N>, open: &mut BinaryHeap<Pending<N>>| {
        for (function, places, sums) in branch.below {
            open.push(Pending { share: share(&sums, &totals), parent: index, function, places, sums });
        }
        branch.own
    };
    nodes[0].own = expand(0, walk.roots(), &mut open);
    while let Some(pending) = open.pop() {
        if nodes.len() > limit {
            let sum = small.entry(pending.parent).or_insert([0; N]);
            *sum = added(*sum, &pending.sums);
            continue;
        }
        let index = nodes.len() as u32;
        let own = expand(index, walk.next(&pending.places), &mut open);
        nodes.push(Node { parent: pending.parent, function: Some(pending.function), own });
    }
    nodes.extend(small.into_iter().map(|(parent, own)| Node { parent, function: None, own }));
    Tree { nodes }
}

/// The largest part that a branch has of any total.
fn share<const N: usize>(sums: &[u64; N], totals: &[u64; N]) -> f64 {
    let shares = sums.iter().zip(totals).filter(|(_, total)| **total > 0);
    shares.map(|(sum, total)| *sum as f64 / *total as f64).fold(0.0, f64::max)
}

/// One frame of one stack, or of all that share it.
#[derive(Clone, Copy)]
struct Place {
    part: u32,
    /// Upwards: which stack.
    stack: u32,
    node: u32,
    /// Which of the node's functions, in the direction of the walk.
    step: u32,
}

/// A branch that may become a node.
struct Pending<const N: usize> {
    share: f64,
    parent: u32,
    function: u32,
    places: Vec<Place>,
    sums: [u64; N],
}

impl<const N: usize> Ord for Pending<N> {
    /// By share; what is equal, by what does not depend on chance.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |this: &Self| std::cmp::Reverse((this.parent, this.function));
        self.share.total_cmp(&other.share).then_with(|| key(self).cmp(&key(other)))
    }
}

impl<const N: usize> PartialOrd for Pending<N> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> PartialEq for Pending<N> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<const N: usize> Eq for Pending<N> {}

/// What follows on a node.
struct Branch<const N: usize> {
    own: [u64; N],
    below: Vec<(u32, Vec<Place>, [u64; N])>,
}

struct Walk<'a, const N: usize> {
    parts: &'a [&'a Indexed<'a, N>],
    direction: Direction,
}

impl<const N: usize> Walk<'_, N> {
    fn roots(&self) -> Branch<N> {
        let mut groups = Groups::new();
        for (part, indexed) in (0..).zip(self.parts) {
            match self.direction {
                Direction::Down => self.below(Place { part, stack: 0, node: 0, step: 0 }, &mut groups),
                Direction::Up => {
                    for (stack, node) in indexed.stacks() {
                        self.enter(Place { part, stack, node, step: 0 }, &mut groups);
                    }
                }
            }
        }
        groups.finish()
    }

    fn next(&self, places: &[Place]) -> Branch<N> {
        let mut groups = Groups::new();
        for place in places {
            let indexed = self.parts[place.part as usize];
            let further = Place { step: place.step + 1, ..*place };
            if (further.step as usize) < indexed.functions(place.node).len() {
                self.enter(further, &mut groups);
            } else if self.direction == Direction::Down {
                self.below(*place, &mut groups);
            } else {
                self.enter(Place { node: indexed.parent(place.node), step: 0, ..*place }, &mut groups);
            }
        }
        groups.finish()
    }

    /// What lies below a node of the trie.
    fn below(&self, place: Place, groups: &mut Groups<N>) {
        let indexed = self.parts[place.part as usize];
        groups.own = added(groups.own, &indexed.own(place.node));
        for child in indexed.children(place.node) {
            self.enter(Place { node: *child, step: 0, ..place }, groups);
        }
    }

    fn enter(&self, place: Place, groups: &mut Groups<N>) {
        let indexed = self.parts[place.part as usize];
        let sums = match self.direction {
            Direction::Down => indexed.branch(place.node),
            Direction::Up => indexed.stack(place.stack),
        };
        if place.node == 0 {
            groups.own = added(groups.own, &sums);
            return;
        }
        let functions = indexed.functions(place.node);
        let step = place.step as usize;
        let function = match self.direction {
            Direction::Down => functions[step],
            Direction::Up => functions[functions.len() - 1 - step],
        };
        groups.add(function, place, &sums);
    }
}

struct Groups<const N: usize> {
    own: [u64; N],
    by_function: BTreeMap<u32, (Vec<Place>, [u64; N])>,
}

impl<const N: usize> Groups<N> {
    fn new() -> Self {
        Self { own: [0; N], by_function: BTreeMap::new() }
    }

    fn add(&mut self, function: u32, place: Place, sums: &[u64; N]) {
        let (places, sum) = self.by_function.entry(function).or_insert_with(|| (Vec::new(), [0; N]));
        places.push(place);
        *sum = added(*sum, sums);
    }

    fn finish(self) -> Branch<N> {
        let below = self.by_function.into_iter().map(|(function, (places, sums))| (function, places, sums));
        Branch { own: self.own, below: below.collect() }
    }
}
