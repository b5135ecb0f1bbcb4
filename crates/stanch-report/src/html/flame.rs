//! Stacks merged by function, from both ends, for the flame graph.
//!
//! Downwards the root is the program and the leaves are what called to allocate; upwards the root is what called to
//! allocate. Both carry several sums at once: of a report every [`Weight`], in bytes and blocks. A tree has a bounded
//! number of nodes: the largest ones by their share of any sum. What is left out below a node is one node without a
//! name, with the exact sums, so that the totals of a tree agree with those of the recording to the byte.
mod process;
mod tree;

use super::chunk::{Chunks, Texts};
use super::veil::Veil;
use crate::stacks::{ProcessStacks, StackFrame, Weight, WeightedStack, file_name};
use crate::text::names::shortened;
use serde::Serialize;
use stanch_finding::{Frame, FrameRole, normal_name};
use std::cmp::Reverse;
use std::collections::HashMap;
use tree::Direction;

pub(super) use process::Indexed;

/// Sums of a node of a report's tree: each weight in bytes, then each in blocks.
type Sums = [u64; 2 * Weight::ALL.len()];

/// Nodes of the tree of all processes, and of the trees of the largest ones.
pub(super) const NODES_MAX: usize = 30_000;
/// Nodes of the trees of further processes.
const NODES_MAX_OTHERS: usize = 6_000;
/// Processes with as many nodes as the whole.
const LARGE_PROCESSES: usize = 3;
/// Processes that have trees of their own.
const PROCESSES_MAX: usize = 30;

/// Where the trees of one process, or of all, are.
#[derive(Serialize)]
pub(super) struct Trees {
    /// Position of the process; `None` for all together.
    process: Option<usize>,
    /// Chunks of the tree downwards and upwards.
    down: usize,
    up: usize,
    totals: Sums,
}

/// Packs the trees. `progress` is told how many processes are done.
pub(super) fn embed(
    stacks: &[ProcessStacks<'_>],
    veil: &Veil,
    chunks: &mut Chunks,
    progress: &dyn Fn(u64),
) -> Vec<Trees> {
    let mut names = Names::new(veil, ModuleNames::Paths);
    let mut indexed = Vec::new();
    for (done, stacks) in stacks.iter().enumerate() {
        indexed.push(Indexed::new(stacks, sums, &mut names));
        progress(done as u64);
    }
    let mut largest: Vec<usize> = (0..stacks.len()).filter(|process| !indexed[*process].is_empty()).collect();
    largest.sort_by_key(|process| Reverse(indexed[*process].totals()[Weight::Allocated as usize]));
    let mut trees = Vec::new();
    let mut add = |process: Option<usize>, which: &[usize], limit: usize| {
        let parts: Vec<&Indexed<'_, _>> = which.iter().map(|process| &indexed[*process]).collect();
        let (down, up) = pack(&parts, limit, &names, chunks);
        trees.push(Trees { process, down, up, totals: totals(&parts) });
    };
    if largest.len() > 1 {
        add(None, &largest, NODES_MAX);
    }
    for (rank, process) in largest.iter().take(PROCESSES_MAX).enumerate() {
        add(Some(*process), &[*process], if rank < LARGE_PROCESSES { NODES_MAX } else { NODES_MAX_OTHERS });
    }
    trees
}

/// Packs one tree downwards and one upwards; gives their numbers.
pub(super) fn pack<const N: usize>(
    parts: &[&Indexed<'_, N>],
    limit: usize,
    names: &Names<'_>,
    chunks: &mut Chunks,
) -> (usize, usize) {
    let [down, up] = [Direction::Down, Direction::Up]
        .map(|direction| chunks.add(&Packed::new(&tree::build(parts, direction, limit), names)));
    (down, up)
}

/// Sums over all stacks of these processes.
pub(super) fn totals<const N: usize>(parts: &[&Indexed<'_, N>]) -> [u64; N] {
    parts.iter().fold([0; N], |sum, part| added(sum, &part.totals()))
}

/// All weights of a stack. Bytes of temporary blocks are not recorded; they are estimated from the mean size of the
/// blocks that the stack allocated.
fn sums(stack: &WeightedStack) -> Sums {
    let mut sums = Sums::default();
    for weight in Weight::ALL {
        let amount = stack.amount(weight);
        sums[weight as usize] = amount.bytes;
        sums[Weight::ALL.len() + weight as usize] = amount.blocks;
    }
    let (allocated, temporary) = (stack.amount(Weight::Allocated), stack.amount(Weight::Temporary));
    let estimate = u128::from(temporary.blocks) * u128::from(allocated.bytes) / u128::from(allocated.blocks.max(1));
    sums[Weight::Temporary as usize] = u64::try_from(estimate).unwrap_or(u64::MAX);
    sums
}

/// Sums wrap: differences of them are exact then, whatever a damaged recording holds.
fn added<const N: usize>(mut sums: [u64; N], more: &[u64; N]) -> [u64; N] {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
    sums
}

/// What stands in one box: function and module.
#[derive(Clone, Copy)]
struct Name {
    function: u32,
    module: u32,
    role: FrameRole,
}

/// What stands for a function's module, and tells functions of one name apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ModuleNames {
    /// Its path.
    Paths,
    /// The name of its file: two builds of one program may lie in different folders.
    Files,
}

/// The functions of all trees, each once.
pub(super) struct Names<'a> {
    veil: &'a Veil,
    modules: ModuleNames,
    texts: Texts,
    numbers: HashMap<(u32, u32), u32>,
    names: Vec<Name>,
}

impl<'a> Names<'a> {
    pub(super) fn new(veil: &'a Veil, modules: ModuleNames) -> Names<'a> {
        Names { veil, modules, texts: Texts::default(), numbers: HashMap::new(), names: Vec::new() }
    }

    fn number(&mut self, frame: &StackFrame<'_>) -> u32 {
        let mut module = frame.module.map(|module| self.veil.path(module)).unwrap_or_default();
        if self.modules == ModuleNames::Files {
            module = file_name(&module).to_owned();
        }
        let function = match (frame.function, frame.module_offset) {
            (Some(function), _) => self.veil.text(&shortened(&normal_name(function))),
            (None, Some(offset)) => format!("{}+{offset:#x}", file_name(&module)),
            (None, None) if !module.is_empty() => file_name(&module).to_owned(),
            (None, None) => match self.modules {
                ModuleNames::Paths => format!("{:#x}", frame.address),
                // Addresses are drawn anew in each run.
                ModuleNames::Files => "(code outside any file)".to_owned(),
            },
        };
        let key = (self.texts.number(function), self.texts.number(module));
        let names = &mut self.names;
        *self.numbers.entry(key).or_insert_with(|| {
            names.push(Name { function: key.0, module: key.1, role: role(frame) });
            names.len() as u32 - 1
        })
    }
}

fn role(frame: &StackFrame<'_>) -> FrameRole {
    FrameRole::of(&Frame {
        function: frame.function.map(str::to_owned),
        file: frame.file.map(str::to_owned),
        module: frame.module.map(str::to_owned),
        ..Frame::default()
    })
}

/// A tree as the page reads it. Columns, since like packs well with like.
#[derive(Serialize)]
struct Packed {
    /// The functions that appear: text of the name, text of the module, role.
    frames: Vec<(usize, usize, u8)>,
    texts: Vec<String>,
    /// Parent of each node but the root, which is the first; parents come first.
    parents: Vec<u32>,
    /// Function of each node but the root; −1 for what is too small to be shown.
    functions: Vec<i32>,
    /// For each sum, the nodes that have some of their own, and how much; sums of whole branches follow from these.
    own: Vec<(Vec<u32>, Vec<u64>)>,
}

impl Packed {
    fn new<const N: usize>(tree: &tree::Tree<N>, names: &Names<'_>) -> Packed {
        let mut packed = Packed {
            frames: Vec::new(),
            texts: Vec::new(),
            parents: tree.nodes[1..].iter().map(|node| node.parent).collect(),
            functions: Vec::new(),
            own: Vec::new(),
        };
        let (mut frames, mut texts) = (HashMap::new(), Texts::default());
        let all_texts = names.texts.texts();
        for node in &tree.nodes[1..] {
            let number = node.function.map(|function| {
                *frames.entry(function).or_insert_with(|| {
                    let name = names.names[function as usize];
                    let [text, module] = [name.function, name.module]
                        .map(|text| texts.number(all_texts[text as usize].clone()) as usize);
                    packed.frames.push((text, module, name.role as u8));
                    packed.frames.len() as i32 - 1
                })
            });
            packed.functions.push(number.unwrap_or(-1));
        }
        packed.texts = texts.into_texts();
        for sum in 0..N {
            let nodes = (0..).zip(&tree.nodes).filter(|(_, node)| node.own[sum] != 0);
            packed.own.push(nodes.map(|(index, node)| (index, node.own[sum])).unzip());
        }
        packed
    }
}
