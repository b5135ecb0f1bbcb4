//! Our own representation of programs: low-level, untyped memory, language-neutral.
//!
//! * Memory is bytes. Types say only how many bits a value has and how it is passed; every address is a base and
//!   byte offsets, so structures, unions, arrays and classes need no further notion here. Pointers have 64 bits.
//! * Names of variables and types, and locations, are kept beside the code for messages; no meaning hangs on them.
//! * A [`Module`] is one source file, or a whole program linked of many.
//! * Everything is an index into a table of the module or function it is part of.
mod function;
mod instruction;
mod link;
mod module;
mod operand;
pub mod text;
mod types;
mod verify;
pub(crate) mod visit;

pub use function::{Allocation, Block, Function, Linkage, Parameter, Value, Variable};
pub use instruction::{
    Argument, BinaryOp, Call, Callee, CastOp, Clause, Instruction, Op, Pass, Predicate, Scaled, Terminator,
};
pub use link::link;
pub use module::{Alias, Global, Initial, Location, Module, Relocation, Startup};
pub use operand::{FloatBits, Operand, Symbol};
pub use types::{BlockId, FileId, FunctionId, GlobalId, LocationId, Type, ValueId, VariableId};
pub use verify::verify;
