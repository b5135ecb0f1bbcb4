//! The stacks of one process, indexed so that the sums of any branch take constant time.
use super::{Names, added};
use crate::stacks::{ProcessStacks, WeightedStack, frames_of};
use stanch_recording::{NodeIndex, Process};
use std::collections::HashMap;

/// A process's trie with its stacks in the order of a walk through it: those of a branch stand together.
pub(in crate::html) struct Indexed<'a, const N: usize> {
    process: &'a Process,
    /// For each node, where its stacks begin, its own first, and how many there are.
    first: Vec<u32>,
    count: Vec<u32>,
    /// Sums of the stacks before each, and of all.
    prefix: Vec<[u64; N]>,
    /// The innermost node of each stack.
    innermost: Vec<u32>,
    /// For each node, where its children begin in `children`.
    child_start: Vec<u32>,
    children: Vec<u32>,
    /// For each node, its functions: where they begin in `functions`, the outermost first, and how many there are.
    code: Vec<(u32, u32)>,
    functions: Vec<u32>,
}

impl<'a, const N: usize> Indexed<'a, N> {
    /// `sums` says what a stack weighs.
    pub(in crate::html) fn new(
        stacks: &ProcessStacks<'a>,
        sums: impl Fn(&WeightedStack) -> [u64; N],
        names: &mut Names<'_>,
    ) -> Indexed<'a, N> {
        let process = stacks.process;
        let node_count = process.nodes.len().max(1);
        let mut count = vec![0_u32; node_count];
        stacks.stacks.iter().for_each(|stack| count[stack.node.0 as usize] = 1);
        let owns = |node: usize, count: u32, below: u32| (node, count - below);
        let mut below = vec![0_u32; node_count];
        for node in (1..node_count).rev() {
            let parent = parent(process, node);
            count[parent] += count[node];
            below[parent] += count[node];
        }
        // Children follow their parent's own stack, in the order of their numbers.
        let mut first = vec![0_u32; node_count];
        let mut next: Vec<u32> = (0..node_count).map(|node| owns(node, count[node], below[node]).1).collect();
        for node in 1..node_count {
            let parent = parent(process, node);
            first[node] = next[parent];
            next[parent] += count[node];
            next[node] += first[node];
        }
        let mut by_place: Vec<Option<usize>> = vec![None; stacks.stacks.len()];
        for (index, stack) in stacks.stacks.iter().enumerate() {
            by_place[first[stack.node.0 as usize] as usize] = Some(index);
        }
        let (mut prefix, mut innermost) = (vec![[0; N]], Vec::new());
        for index in by_place.into_iter().flatten() {
            let stack = &stacks.stacks[index];
            prefix.push(added(prefix[prefix.len() - 1], &sums(stack)));
            innermost.push(stack.node.0);
        }
        let (child_start, children) = children(process, &count);
        let (code, functions) = codes(process, &count, names);
        Indexed { process, first, count, prefix, innermost, child_start, children, code, functions }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.innermost.is_empty()
    }

    pub(super) fn totals(&self) -> [u64; N] {
        self.prefix[self.prefix.len() - 1]
    }

    /// The sums of a node and all below it.
    pub(super) fn branch(&self, node: u32) -> [u64; N] {
        let first = self.first[node as usize];
        self.between(first, first + self.count[node as usize])
    }

    /// The sums of the stack that ends in a node, if one does.
    pub(super) fn own(&self, node: u32) -> [u64; N] {
        let first = self.first[node as usize];
        if self.innermost.get(first as usize) == Some(&node) { self.stack(first) } else { [0; N] }
    }

    /// The stacks, by place.
    pub(super) fn stacks(&self) -> impl Iterator<Item = (u32, u32)> {
        (0..).zip(self.innermost.iter().copied())
    }

    /// The sums of one stack.
    pub(super) fn stack(&self, place: u32) -> [u64; N] {
        self.between(place, place + 1)
    }

    fn between(&self, first: u32, end: u32) -> [u64; N] {
        let mut sums = self.prefix[end as usize];
        sums.iter_mut().zip(&self.prefix[first as usize]).for_each(|(sum, before)| *sum = sum.wrapping_sub(*before));
        sums
    }

    pub(super) fn children(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.children[self.child_start[node] as usize..self.child_start[node + 1] as usize]
    }

    pub(super) fn parent(&self, node: u32) -> u32 {
        parent(self.process, node as usize) as u32
    }

    /// The functions of a node: the outermost first.
    pub(super) fn functions(&self, node: u32) -> &[u32] {
        let (first, count) = self.code[node as usize];
        &self.functions[first as usize..(first + count) as usize]
    }
}

/// A parent comes first; what breaks that hangs on the root.
fn parent(process: &Process, node: usize) -> usize {
    let parent = process.nodes[node].parent.0 as usize;
    if parent < node { parent } else { 0 }
}

/// The children that have stacks, node after node.
fn children(process: &Process, count: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let used = || (1..count.len()).filter(|node| count[*node] > 0);
    let mut start = vec![0_u32; count.len() + 1];
    used().for_each(|node| start[parent(process, node) + 1] += 1);
    for node in 0..count.len() {
        start[node + 1] += start[node];
    }
    let (mut next, mut children) = (start.clone(), vec![0; start[count.len()] as usize]);
    for node in used() {
        let place = &mut next[parent(process, node)];
        children[*place as usize] = node as u32;
        *place += 1;
    }
    (start, children)
}

/// The functions of each node that has stacks; nodes with one address share them.
fn codes(process: &Process, count: &[u32], names: &mut Names<'_>) -> (Vec<(u32, u32)>, Vec<u32>) {
    let (mut known, mut functions) = (HashMap::new(), Vec::new());
    let mut code = vec![(0, 0); count.len()];
    for node in (1..count.len()).filter(|node| count[*node] > 0) {
        let key = (process.nodes[node].module, process.nodes[node].address);
        code[node] = *known.entry(key).or_insert_with(|| {
            let first = functions.len() as u32;
            let entry = process.stack(NodeIndex(node as u32)).next();
            let frames = entry.map(frames_of).unwrap_or_default();
            functions.extend(frames.iter().rev().map(|frame| names.number(frame)));
            (first, functions.len() as u32 - first)
        });
    }
    (code, functions)
}
