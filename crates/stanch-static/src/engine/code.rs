//! A function made ready to be executed: in which order its blocks are taken, its loops, and when values die.
//!
//! The order is a weak topological order (Bourdoncle, "Efficient chaotic iteration strategies with widenings", 1993):
//! every loop is one stretch of the order, heads first, so that what leaves a loop waits until the loop is done and
//! paths meet again as early as they can.
use super::order::Order;
use crate::ir::visit::{operands, terminator_operands};
use crate::ir::{BlockId, Function, Op, Operand, Terminator, Type, ValueId};
use rustc_hash::FxHashMap;

/// A loop: the blocks from position `start` to before `end` of the order; its head is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loop {
    pub(super) start: u32,
    pub(super) end: u32,
    /// The loop around it.
    pub(super) parent: Option<u32>,
}

/// When values die, and in which order blocks are taken.
#[derive(Debug)]
pub(super) struct Code {
    /// Position in the order of each block; `u32::MAX` for blocks that cannot be reached.
    pub(super) position: Vec<u32>,
    pub(super) loops: Vec<Loop>,
    /// The innermost loop of each block.
    pub(super) innermost: Vec<Option<u32>>,
    /// For each block and instruction (the terminator last): values that are used there for the last time.
    dying: Vec<FxHashMap<u32, Box<[ValueId]>>>,
    /// Values live at the start of each block, sorted; stack slots are not listed, they live to the end.
    pub(super) live_in: Vec<Box<[ValueId]>>,
    /// True for values that live to the end.
    pub(super) is_slot: Vec<bool>,
    /// True for values that may be the only ones to hold a block of memory.
    pub(super) is_holder: Vec<bool>,
}

impl Code {
    pub(super) fn of(function: &Function) -> Code {
        let order = Order::of(function);
        let is_slot = slots(function);
        let (live_in, dying) = liveness(function, &is_slot);
        let is_holder = holders(function);
        Code {
            position: order.position,
            loops: order.loops,
            innermost: order.innermost,
            dying,
            live_in,
            is_slot,
            is_holder,
        }
    }

    /// Values that are not needed after instruction `index` of `block`.
    pub(super) fn dying(&self, block: BlockId, index: usize) -> &[ValueId] {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.dying[block.index()].get(&index).map_or(&[], |values| values)
    }

    /// The loops around a block, innermost first.
    pub(super) fn loops_of(&self, block: BlockId) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.innermost[block.index()], |inner| self.loops[*inner as usize].parent)
    }

    pub(super) fn is_in_loop(&self, block: BlockId, which: u32) -> bool {
        let Loop { start, end, .. } = self.loops[which as usize];
        (start..end).contains(&self.position[block.index()])
    }

    /// When a path that goes from a block to another has its turn: blocks in their order; the next round of a loop
    /// once all paths of this one have come to its end, and before anything behind the loop. So the paths of one round
    /// meet at the head, where they can be joined.
    pub(super) fn turn(&self, from: BlockId, to: BlockId) -> u32 {
        match self.loop_of_head(to) {
            Some(which) if self.is_in_loop(from, which) => 2 * self.loops[which as usize].end - 1,
            _ => 2 * self.position[to.index()],
        }
    }

    /// The loop that begins with this block.
    pub(super) fn loop_of_head(&self, block: BlockId) -> Option<u32> {
        let inner = self.innermost[block.index()]?;
        (self.loops[inner as usize].start == self.position[block.index()]).then_some(inner)
    }
}

fn slots(function: &Function) -> Vec<bool> {
    let mut is_slot = vec![false; function.values.len()];
    for instruction in function.blocks.iter().flat_map(|block| &block.instructions) {
        if let (Op::StackSlot { .. }, Some(result)) = (&instruction.op, instruction.result) {
            is_slot[result.index()] = true;
        }
    }
    is_slot
}

/// Results of calls and what is made of them; what was loaded is held where it was loaded from.
fn holders(function: &Function) -> Vec<bool> {
    let mut is_holder = vec![false; function.values.len()];
    (0..function.parameters.len()).for_each(|index| is_holder[index] = true);
    for block in &function.blocks {
        for instruction in &block.instructions {
            let Some(result) = instruction.result else { continue };
            let of = |operand: &Operand| matches!(operand, Operand::Value(value) if is_holder[value.index()]);
            is_holder[result.index()] = match &instruction.op {
                Op::Call(_) | Op::Phi { .. } | Op::Select { .. } | Op::Insert { .. } | Op::Extract { .. } => true,
                Op::VariadicArgument { .. } | Op::NotUnderstood { .. } | Op::LandingPad { .. } => true,
                Op::Cast { value, .. } => of(value),
                Op::Address { base, .. } => of(base),
                Op::Binary { left, right, .. } => of(left) || of(right),
                Op::Load { ty, .. } => matches!(ty, Type::Bytes(_)),
                _ => false,
            };
        }
        if let Terminator::Invoke { result: Some(result), .. } = &block.terminator {
            is_holder[result.index()] = true;
        }
    }
    is_holder
}

type Dying = Vec<FxHashMap<u32, Box<[ValueId]>>>;

/// Values live at the start of each block, and the last uses in each block.
fn liveness(function: &Function, is_slot: &[bool]) -> (Vec<Box<[ValueId]>>, Dying) {
    let count = function.blocks.len();
    let mut live_in: Vec<Vec<ValueId>> = vec![Vec::new(); count];
    let predecessors = predecessors(function);
    let mut open: Vec<usize> = (0..count).collect();
    let mut is_open = vec![true; count];
    while let Some(index) = open.pop() {
        is_open[index] = false;
        let live = live_at_start(function, index, &live_in, is_slot);
        if live != live_in[index] {
            live_in[index] = live;
            for &before in &predecessors[index] {
                if !std::mem::replace(&mut is_open[before], true) {
                    open.push(before);
                }
            }
        }
    }
    let dying = (0..count).map(|index| last_uses(function, index, &live_in, is_slot)).collect();
    (live_in.into_iter().map(Vec::into_boxed_slice).collect(), dying)
}

fn predecessors(function: &Function) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new(); function.blocks.len()];
    for (index, block) in function.blocks.iter().enumerate() {
        block.terminator.targets().into_iter().for_each(|next| all[next.index()].push(index));
    }
    all
}

/// Values needed after the block: by its successors, and by their phis for this edge.
fn live_at_end(function: &Function, index: usize, live_in: &[Vec<ValueId>], is_slot: &[bool]) -> Vec<ValueId> {
    let mut live = Vec::new();
    for next in function.blocks[index].terminator.targets() {
        live.extend(&live_in[next.index()]);
        for instruction in &function.blocks[next.index()].instructions {
            let Op::Phi { incoming, .. } = &instruction.op else { break };
            let from_here = incoming.iter().filter(|(from, _)| from.index() == index);
            live.extend(from_here.filter_map(|(_, operand)| as_value(operand, is_slot)));
        }
    }
    live.sort_unstable();
    live.dedup();
    live
}

fn live_at_start(function: &Function, index: usize, live_in: &[Vec<ValueId>], is_slot: &[bool]) -> Vec<ValueId> {
    let block = &function.blocks[index];
    let mut live = live_at_end(function, index, live_in, is_slot);
    let remove = |live: &mut Vec<ValueId>, value: Option<ValueId>| {
        if let Some(value) = value
            && let Ok(at) = live.binary_search(&value)
        {
            live.remove(at);
        }
    };
    let insert = |live: &mut Vec<ValueId>, value: ValueId| {
        if let Err(at) = live.binary_search(&value) {
            live.insert(at, value);
        }
    };
    if let Terminator::Invoke { result, .. } = &block.terminator {
        remove(&mut live, *result);
    }
    terminator_operands(&block.terminator, &mut |operand| {
        as_value(operand, is_slot).into_iter().for_each(|value| insert(&mut live, value));
    });
    for instruction in block.instructions.iter().rev() {
        remove(&mut live, instruction.result);
        if !matches!(instruction.op, Op::Phi { .. }) {
            operands(&instruction.op, &mut |operand| {
                as_value(operand, is_slot).into_iter().for_each(|value| insert(&mut live, value));
            });
        }
    }
    live
}

fn last_uses(
    function: &Function,
    index: usize,
    live_in: &[Vec<ValueId>],
    is_slot: &[bool],
) -> FxHashMap<u32, Box<[ValueId]>> {
    let block = &function.blocks[index];
    let mut live = live_at_end(function, index, live_in, is_slot);
    let mut dying = FxHashMap::default();
    let mut note = |at: usize, live: &mut Vec<ValueId>, used: Vec<ValueId>| {
        let mut ending: Vec<ValueId> = Vec::new();
        for value in used {
            if let Err(position) = live.binary_search(&value) {
                live.insert(position, value);
                ending.push(value);
            }
        }
        if !ending.is_empty() {
            dying.insert(u32::try_from(at).unwrap_or(u32::MAX), ending.into_boxed_slice());
        }
    };
    let end = block.instructions.len();
    let mut used = Vec::new();
    terminator_operands(&block.terminator, &mut |operand| used.extend(as_value(operand, is_slot)));
    note(end, &mut live, used);
    for (at, instruction) in block.instructions.iter().enumerate().rev() {
        let mut used = Vec::new();
        if !matches!(instruction.op, Op::Phi { .. }) {
            operands(&instruction.op, &mut |operand| used.extend(as_value(operand, is_slot)));
        }
        // A result that nobody uses dies at once.
        used.extend(instruction.result.filter(|result| !is_slot[result.index()]));
        note(at, &mut live, used);
        if let Some(result) = instruction.result
            && let Ok(position) = live.binary_search(&result)
        {
            live.remove(position);
        }
    }
    dying
}

fn as_value(operand: &Operand, is_slot: &[bool]) -> Option<ValueId> {
    match operand {
        Operand::Value(value) if !is_slot[value.index()] => Some(*value),
        _ => None,
    }
}
