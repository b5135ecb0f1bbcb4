//! Globals that no code writes: they are what they begin as.
use super::entry::global_of;
use crate::ir::visit::{operands, terminator_operands};
use crate::ir::{GlobalId, Module, Op, Operand, Symbol};

/// For each global whether no code writes it and nobody knows its address who could.
pub(super) fn unwritten_globals(program: &Module) -> Vec<bool> {
    let mut is_unwritten = vec![true; program.globals.len()];
    for block in program.functions.iter().flat_map(|function| &function.blocks) {
        for instruction in &block.instructions {
            match &instruction.op {
                // Reading through a constant address, and comparing with it, change nothing.
                Op::Load { .. } | Op::Compare { .. } => {}
                op => operands(op, &mut |operand| clear(&mut is_unwritten, operand)),
            }
        }
        terminator_operands(&block.terminator, &mut |operand| clear(&mut is_unwritten, operand));
    }
    for global in program.globals.iter().filter(|global| !global.is_constant) {
        for relocation in global.initial.iter().flat_map(|initial| &initial.relocations) {
            if let Symbol::Global(target) = relocation.symbol {
                is_unwritten[target.index()] = false;
            }
        }
    }
    is_unwritten
}

fn clear(is_unwritten: &mut [bool], operand: &Operand) {
    if let Some(global) = global_of(operand) {
        is_unwritten[global.index()] = false;
    }
}

pub(super) fn is_never_written(unwritten: &[bool], global: GlobalId) -> bool {
    unwritten.get(global.index()).copied().unwrap_or(false)
}
