//! The end of a body: what broken text leaves open is closed, so that whatever was read is well formed.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Body;
use crate::ir::visit::{operands, terminator_operands};
use crate::ir::{Block, BlockId, Function, Instruction, LocationId, Op, Operand, Terminator, Type, Value, ValueId};

impl Body<'_, '_> {
    /// The function with its body.
    pub(super) fn finish(mut self) -> Function {
        self.put_late_instructions();
        self.define_expected();
        let function = &mut self.function;
        if needs_landing_pads(function) {
            add_landing_pads(function);
        }
        settle_phis(&mut function.blocks);
        for block in &mut function.blocks {
            if !is_ordered(block) {
                // A stable sort: phis, landing pads, the others.
                block.instructions.sort_by_key(|instruction| rank(&instruction.op));
            }
        }
        self.function
    }

    /// Constants that phis need are computed at the ends of the blocks that control comes from.
    fn put_late_instructions(&mut self) {
        for (block, instruction) in std::mem::take(&mut self.late) {
            if let Some(block) = self.function.blocks.get_mut(block.index()) {
                block.instructions.push(instruction);
            }
        }
    }

    /// A value that is used and never defined may be anything.
    fn define_expected(&mut self) {
        let missing: Vec<Instruction> = undefined(&self.function)
            .into_iter()
            .map(|value| {
                let ty = self.function.values[value.index()].ty;
                let op = Op::NotUnderstood { mnemonic: "undefined value".to_owned(), ty, operands: Vec::new() };
                Instruction { result: Some(value), op, location: LocationId(0) }
            })
            .collect();
        if let (Some(first), false) = (self.function.blocks.first_mut(), missing.is_empty()) {
            self.context.complain(Some(&self.function.symbol), self.cursor.offset(), "undefined value");
            first.instructions.splice(0..0, missing);
        }
    }
}

/// Values that are used although nothing defines them. (Names tell only most of them: broken text may define one
/// twice.)
fn undefined(function: &Function) -> BTreeSet<ValueId> {
    let mut is_defined = vec![false; function.values.len()];
    is_defined[..function.parameters.len()].fill(true);
    for block in &function.blocks {
        let invoked = if let Terminator::Invoke { result, .. } = &block.terminator { *result } else { None };
        let results = block.instructions.iter().filter_map(|instruction| instruction.result);
        results.chain(invoked).for_each(|value| is_defined[value.index()] = true);
    }
    let mut found = BTreeSet::new();
    let mut visit = |operand: &Operand| {
        if let Operand::Value(value) = operand
            && !is_defined[value.index()]
        {
            found.insert(*value);
        }
    };
    for block in &function.blocks {
        block.instructions.iter().for_each(|instruction| operands(&instruction.op, &mut visit));
        terminator_operands(&block.terminator, &mut visit);
    }
    found
}

fn rank(op: &Op) -> u8 {
    match op {
        Op::Phi { .. } => 0,
        Op::LandingPad { .. } => 1,
        _ => 2,
    }
}

fn is_ordered(block: &Block) -> bool {
    block.instructions.is_sorted_by_key(|instruction| rank(&instruction.op))
}

fn needs_landing_pads(function: &Function) -> bool {
    function.blocks.iter().any(|block| match &block.terminator {
        Terminator::Invoke { unwind, .. } => !has_landing_pad(&function.blocks[unwind.index()]),
        _ => false,
    })
}

fn has_landing_pad(block: &Block) -> bool {
    block.instructions.iter().any(|instruction| matches!(instruction.op, Op::LandingPad { .. }))
}

/// Gives each block that exceptions go to a landing pad, where broken text has none.
fn add_landing_pads(function: &mut Function) {
    let targets: HashSet<BlockId> = function
        .blocks
        .iter()
        .filter_map(|block| match &block.terminator {
            Terminator::Invoke { unwind, .. } => Some(*unwind),
            _ => None,
        })
        .collect();
    for (index, block) in function.blocks.iter_mut().enumerate() {
        if targets.contains(&BlockId(index as u32)) && !has_landing_pad(block) {
            let result = ValueId(function.values.len() as u32);
            function.values.push(Value { ty: Type::Bytes(16) });
            let op = Op::LandingPad { clauses: Vec::new(), is_cleanup: true };
            block.instructions.push(Instruction { result: Some(result), op, location: LocationId(0) });
        }
    }
}

/// Makes phis name exactly the blocks that control comes from.
fn settle_phis(blocks: &mut [Block]) {
    let has_phis = |block: &Block| block.instructions.iter().any(|one| matches!(one.op, Op::Phi { .. }));
    if !blocks.iter().any(has_phis) {
        return;
    }
    let mut predecessors: HashMap<BlockId, Vec<BlockId>> = HashMap::new();
    for (index, block) in blocks.iter().enumerate() {
        for target in targets(&block.terminator) {
            let sources = predecessors.entry(target).or_default();
            // Edges of one block follow each other, so the last one tells.
            if sources.last() != Some(&BlockId(index as u32)) {
                sources.push(BlockId(index as u32));
            }
        }
    }
    for (index, block) in blocks.iter_mut().enumerate() {
        let sources = predecessors.get(&BlockId(index as u32)).map_or(&[][..], Vec::as_slice);
        for instruction in &mut block.instructions {
            if let Op::Phi { incoming, .. } = &mut instruction.op {
                settle_phi(incoming, sources);
            }
        }
    }
}

fn settle_phi(incoming: &mut Vec<(BlockId, Operand)>, sources: &[BlockId]) {
    let is_settled =
        incoming.len() == sources.len() && incoming.iter().all(|(block, _)| sources.binary_search(block).is_ok());
    if !is_settled {
        let known: HashMap<BlockId, Operand> = incoming.iter().copied().collect();
        *incoming =
            sources.iter().map(|block| (*block, known.get(block).copied().unwrap_or(Operand::Unknown))).collect();
    }
}

fn targets(terminator: &Terminator) -> Vec<BlockId> {
    match terminator {
        Terminator::Goto(target) => vec![*target],
        Terminator::Branch { then, otherwise, .. } => vec![*then, *otherwise],
        Terminator::Switch { cases, default, .. } => {
            cases.iter().map(|(_, target)| *target).chain([*default]).collect()
        }
        Terminator::IndirectGoto { targets, .. } => targets.clone(),
        Terminator::Invoke { normal, unwind, .. } => vec![*normal, *unwind],
        Terminator::Return(_) | Terminator::Resume(_) | Terminator::Unreachable => Vec::new(),
    }
}
