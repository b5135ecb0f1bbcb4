//! All operands of an operation, one after the other.
use super::{Call, Callee, Clause, Op, Operand, Terminator};

/// Visits all operands of an operation, to change them.
pub(crate) fn visit_operands(op: &mut Op, visit: &mut dyn FnMut(&mut Operand)) {
    match op {
        Op::StackSlot { count, .. } => visit(count),
        Op::Load { address, .. } => visit(address),
        Op::Store { address, value, .. } => [address, value].into_iter().for_each(visit),
        Op::Address { base, scaled, .. } => {
            visit(base);
            scaled.iter_mut().for_each(|one| visit(&mut one.index));
        }
        Op::Binary { left, right, .. } | Op::Compare { left, right, .. } => [left, right].into_iter().for_each(visit),
        Op::Cast { value, .. } => visit(value),
        Op::Select { condition, then, otherwise, .. } => [condition, then, otherwise].into_iter().for_each(visit),
        Op::Phi { incoming, .. } => incoming.iter_mut().for_each(|(_, operand)| visit(operand)),
        Op::Call(call) => visit_call(call, visit),
        Op::Insert { aggregate, value, .. } => [aggregate, value].into_iter().for_each(visit),
        Op::Extract { aggregate, .. } => visit(aggregate),
        Op::Copy { to, from, size } => [to, from, size].into_iter().for_each(visit),
        Op::Fill { to, byte, size } => [to, byte, size].into_iter().for_each(visit),
        Op::VariadicStart { list } | Op::VariadicArgument { list, .. } => visit(list),
        Op::LandingPad { clauses, .. } => clauses.iter_mut().for_each(|clause| match clause {
            Clause::Catch(operand) => visit(operand),
            Clause::Filter(all) => all.iter_mut().for_each(&mut *visit),
        }),
        Op::ExceptionTypeId { type_info } => visit(type_info),
        Op::Lifetime { slot, .. } => visit(slot),
        Op::Assume { condition } => visit(condition),
        Op::Computed { operands, .. } | Op::NotUnderstood { operands, .. } => operands.iter_mut().for_each(visit),
    }
}

fn visit_call(call: &mut Call, visit: &mut dyn FnMut(&mut Operand)) {
    if let Callee::Pointer(operand) = &mut call.callee {
        visit(operand);
    }
    call.arguments.iter_mut().for_each(|argument| visit(&mut argument.value));
}

/// Visits all operands of a terminator, to change them.
pub(crate) fn visit_terminator(terminator: &mut Terminator, visit: &mut dyn FnMut(&mut Operand)) {
    match terminator {
        Terminator::Branch { condition, .. } => visit(condition),
        Terminator::Switch { value, .. } => visit(value),
        Terminator::IndirectGoto { address, .. } => visit(address),
        Terminator::Return(Some((_, operand))) | Terminator::Resume(operand) => visit(operand),
        Terminator::Invoke { call, .. } => visit_call(call, visit),
        Terminator::Goto(_) | Terminator::Return(None) | Terminator::Unreachable => {}
    }
}
