//! All operands of an operation, one after the other: to be looked at, or to be changed.
use super::{Call, Callee, Clause, Op, Operand, Terminator};

/// Defines the visitors of operations, calls and terminators, by shared or by mutable reference.
macro_rules! visitors {
    ($operands:ident, $call:ident, $terminator:ident, $iter:ident $(, $mutable:tt)?) => {
        /// Visits all operands of an operation.
        pub(crate) fn $operands(op: &$($mutable)? Op, visit: &mut dyn FnMut(&$($mutable)? Operand)) {
            match op {
                Op::StackSlot { count, .. } => visit(count),
                Op::Load { address, .. } => visit(address),
                Op::Store { address, value, .. } => [address, value].into_iter().for_each(visit),
                Op::Address { base, scaled, .. } => {
                    visit(base);
                    scaled.$iter().for_each(|one| visit(&$($mutable)? one.index));
                }
                Op::Binary { left, right, .. } | Op::Compare { left, right, .. } => {
                    [left, right].into_iter().for_each(visit);
                }
                Op::Cast { value, .. } => visit(value),
                Op::Select { condition, then, otherwise, .. } => {
                    [condition, then, otherwise].into_iter().for_each(visit);
                }
                Op::Phi { incoming, .. } => incoming.$iter().for_each(|(_, operand)| visit(operand)),
                Op::Call(call) => $call(call, visit),
                Op::Insert { aggregate, value, .. } => [aggregate, value].into_iter().for_each(visit),
                Op::Extract { aggregate, .. } => visit(aggregate),
                Op::Copy { to, from, size } => [to, from, size].into_iter().for_each(visit),
                Op::Fill { to, byte, size } => [to, byte, size].into_iter().for_each(visit),
                Op::VariadicStart { list } | Op::VariadicArgument { list, .. } => visit(list),
                Op::LandingPad { clauses, .. } => clauses.$iter().for_each(|clause| match clause {
                    Clause::Catch(operand) => visit(operand),
                    Clause::Filter(all) => all.$iter().for_each(&mut *visit),
                }),
                Op::ExceptionTypeId { type_info } => visit(type_info),
                Op::Lifetime { slot, .. } => visit(slot),
                Op::Assume { condition } => visit(condition),
                Op::Computed { operands, .. } | Op::NotUnderstood { operands, .. } => operands.$iter().for_each(visit),
            }
        }

        fn $call(call: &$($mutable)? Call, visit: &mut dyn FnMut(&$($mutable)? Operand)) {
            if let Callee::Pointer(operand) = &$($mutable)? call.callee {
                visit(operand);
            }
            call.arguments.$iter().for_each(|argument| visit(&$($mutable)? argument.value));
        }

        /// Visits all operands of a terminator.
        pub(crate) fn $terminator(terminator: &$($mutable)? Terminator, visit: &mut dyn FnMut(&$($mutable)? Operand)) {
            match terminator {
                Terminator::Branch { condition, .. } => visit(condition),
                Terminator::Switch { value, .. } => visit(value),
                Terminator::IndirectGoto { address, .. } => visit(address),
                Terminator::Return(Some((_, operand))) | Terminator::Resume(operand) => visit(operand),
                Terminator::Invoke { call, .. } => $call(call, visit),
                Terminator::Goto(_) | Terminator::Return(None) | Terminator::Unreachable => {}
            }
        }
    };
}

visitors!(operands, operands_of_call, terminator_operands, iter);
visitors!(operands_mut, operands_of_call_mut, terminator_operands_mut, iter_mut, mut);
