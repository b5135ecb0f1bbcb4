//! Conditions in words of the source, as far as the code still shows them.
use super::run::Engine;
use crate::ir::{
    BinaryOp, BlockId, Callee, Function, FunctionId, Instruction, Op, Operand, Predicate, Symbol, Type, ValueId,
};
use std::sync::Arc;

/// Deeper expressions are shortened to `…`.
const DEPTH_MAX: u32 = 5;

impl Engine<'_> {
    /// The condition that an operand at the end of a block is.
    pub(super) fn describe(&self, function: FunctionId, block: BlockId, operand: &Operand) -> Option<Arc<str>> {
        let function = self.program.function(function);
        let text = Words { engine: self, function, block }.operand(operand, 0)?;
        Some(Arc::from(text))
    }
}

struct Words<'a> {
    engine: &'a Engine<'a>,
    function: &'a Function,
    block: BlockId,
}

impl Words<'_> {
    /// The instruction that defines a value; in most cases it stands in the same block.
    fn definition(&self, value: ValueId) -> Option<&Instruction> {
        let defines = |instruction: &&Instruction| instruction.result == Some(value);
        let here = &self.function.blocks[self.block.index()].instructions;
        here.iter().rev().find(defines).or_else(|| {
            let others = self.function.blocks.iter().flat_map(|block| &block.instructions);
            others.into_iter().find(defines)
        })
    }

    fn operand(&self, operand: &Operand, depth: u32) -> Option<String> {
        match operand {
            _ if depth > DEPTH_MAX => None,
            Operand::Value(value) => self.value(*value, depth),
            Operand::Int(value) => Some(value.to_string()),
            Operand::Zero => Some("null".to_owned()),
            Operand::Address(Symbol::Global(global), 0) => Some(self.engine.program.global(*global).name.clone()),
            Operand::Address(Symbol::Function(function), 0) => {
                Some(self.engine.program.function(*function).name.clone())
            }
            _ => None,
        }
    }

    fn value(&self, value: ValueId, depth: u32) -> Option<String> {
        match &self.definition(value)?.op {
            Op::Load { address, .. } => self.place(address, depth + 1),
            Op::Compare { predicate, ty, left, right } => self.comparison(*predicate, *ty, left, right, depth),
            Op::Cast { value, .. } => self.operand(value, depth),
            Op::Call(call) => {
                let Callee::Function(callee) = call.callee else { return None };
                let name = &self.engine.program.function(callee).name;
                Some(format!("{}()", name.split('(').next().unwrap_or(name)))
            }
            Op::Binary { op, ty, left, right } => {
                let sign = match op {
                    BinaryOp::Add | BinaryOp::FAdd => "+",
                    BinaryOp::Sub | BinaryOp::FSub => "-",
                    BinaryOp::Mul | BinaryOp::FMul => "*",
                    BinaryOp::SDiv | BinaryOp::UDiv | BinaryOp::FDiv => "/",
                    BinaryOp::SRem | BinaryOp::URem => "%",
                    BinaryOp::And => "&",
                    BinaryOp::Or => "|",
                    BinaryOp::Xor if *right == Operand::Int(1) => {
                        return Some(format!("!({})", self.operand(left, depth + 1)?));
                    }
                    _ => return None,
                };
                let left = self.operand(left, depth + 1)?;
                Some(format!("{left} {sign} {}", self.number(right, *ty, depth + 1)?))
            }
            _ => None,
        }
    }

    /// What stands at an address.
    fn place(&self, address: &Operand, depth: u32) -> Option<String> {
        match address {
            Operand::Address(Symbol::Global(global), 0) => Some(self.engine.program.global(*global).name.clone()),
            Operand::Value(value) => match &self.definition(*value)?.op {
                Op::StackSlot { variable: Some(variable), .. } => {
                    Some(self.function.variables[variable.index()].name.clone())
                }
                Op::Load { address, .. } if depth <= DEPTH_MAX => Some(format!("*{}", self.place(address, depth + 1)?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// A number with its sign, or what [`Words::operand`] says.
    fn number(&self, operand: &Operand, ty: Type, depth: u32) -> Option<String> {
        match (operand, ty) {
            (Operand::Int(value), Type::Int(bits)) if bits <= 64 => {
                let value = u64::try_from(*value).ok()?;
                Some(super::term::signed(bits, value).to_string())
            }
            _ => self.operand(operand, depth),
        }
    }

    fn comparison(
        &self,
        predicate: Predicate,
        ty: Type,
        left: &Operand,
        right: &Operand,
        depth: u32,
    ) -> Option<String> {
        let sign = match predicate {
            Predicate::Eq | Predicate::FOEq | Predicate::FUEq => "==",
            Predicate::Ne | Predicate::FONe | Predicate::FUNe => "!=",
            Predicate::ULt | Predicate::SLt | Predicate::FOLt | Predicate::FULt => "<",
            Predicate::ULe | Predicate::SLe | Predicate::FOLe | Predicate::FULe => "<=",
            Predicate::UGt | Predicate::SGt | Predicate::FOGt | Predicate::FUGt => ">",
            Predicate::UGe | Predicate::SGe | Predicate::FOGe | Predicate::FUGe => ">=",
            _ => return None,
        };
        let left = self.operand(left, depth + 1)?;
        Some(format!("{left} {sign} {}", self.number(right, ty, depth + 1)?))
    }
}
