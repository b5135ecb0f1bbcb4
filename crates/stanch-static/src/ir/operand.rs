//! What an instruction can be given: a value computed before, or a constant.
use super::{BlockId, FunctionId, GlobalId, ValueId};

/// A function or a global, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symbol {
    /// Code.
    Function(FunctionId),
    /// Data.
    Global(GlobalId),
}

/// An input of an instruction. Its type is said by the instruction.
///
/// Constant expressions that are no `Address` are computed by instructions that the front end puts before their use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A value computed before.
    Value(ValueId),
    /// Integer; the low bits that the type has count, the others are zero. Integers beyond 128 bits are `Unknown`.
    Int(u128),
    /// Floating-point number of any width, by value.
    Float(FloatBits),
    /// The null pointer, and an aggregate of only zero bytes.
    Zero,
    /// Address of a symbol plus bytes.
    Address(Symbol, i64),
    /// Address of a block of this function, for computed jumps.
    Block(BlockId),
    /// Undefined or poison: any value will do, and it refers to nothing.
    Undefined,
    /// A constant that the front end does not understand: it may be anything, also an address.
    Unknown,
}

/// The bits of an `f64`, so that operands can be compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FloatBits(pub u64);
