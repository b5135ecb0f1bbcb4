//! A function: parameters, values, variables, blocks, and what is known of it without its body.
use super::{Instruction, LocationId, Terminator, Type, ValueId};

/// Code, or the declaration of code that stands elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Linker's name.
    pub symbol: String,
    /// Demangled name, for people and models.
    pub name: String,
    /// Who sees it.
    pub linkage: Linkage,
    /// Parameters. Their values are the first of `values`.
    pub parameters: Vec<Parameter>,
    /// True where arguments may follow those of `parameters`.
    pub is_variadic: bool,
    /// What it returns.
    pub result: Type,
    /// True where it never returns to its caller; it may still throw.
    pub is_no_return: bool,
    /// True where no exception leaves it.
    pub is_no_unwind: bool,
    /// True for `setjmp` and its kin.
    pub returns_twice: bool,
    /// What its declaration says of allocating (`allockind`, `allocsize`, `noalias` result).
    pub allocation: Allocation,
    /// True where its source returns a pointer or reference to constant data.
    pub returns_const: bool,
    /// Types of all values.
    pub values: Vec<Value>,
    /// Local variables, for messages.
    pub variables: Vec<Variable>,
    /// Code; empty for a declaration.
    pub blocks: Vec<Block>,
    /// Where it is declared.
    pub location: LocationId,
}

impl Function {
    /// A function without a body, of which nothing more is known.
    #[must_use]
    pub fn declaration(symbol: &str, result: Type) -> Function {
        Function {
            symbol: symbol.to_owned(),
            name: symbol.to_owned(),
            linkage: Linkage::External,
            parameters: Vec::new(),
            is_variadic: false,
            result,
            is_no_return: false,
            is_no_unwind: false,
            returns_twice: false,
            allocation: Allocation::default(),
            returns_const: false,
            values: Vec::new(),
            variables: Vec::new(),
            blocks: Vec::new(),
            location: LocationId(0),
        }
    }

    /// True where its code is here.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// The value that holds a parameter.
    #[must_use]
    pub fn parameter_value(index: usize) -> ValueId {
        ValueId(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Who sees a symbol, and what happens if several modules define it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Every module; one definition.
    External,
    /// Its own module.
    Internal,
    /// Every module; equal definitions are merged (C++ inline functions, templates).
    Merged,
    /// Every module; gives way to an external definition.
    Weak,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub ty: Type,
    /// Name in the source.
    pub name: Option<String>,
    /// The callee gets the address of its own copy, of so many bytes, of what the caller's pointer points to.
    pub copied_bytes: Option<u64>,
    /// The caller's memory for the returned structure.
    pub is_result_slot: bool,
    /// The source type is a pointer or reference to constant data.
    pub is_pointer_to_const: bool,
    /// The function writes nothing through it.
    pub is_read_only: bool,
    /// The function keeps no copy of the pointer.
    pub is_not_captured: bool,
    /// Never null.
    pub is_non_null: bool,
    /// The function returns it.
    pub is_returned: bool,
}

impl Parameter {
    /// A parameter of which only the type is known.
    #[must_use]
    pub fn plain(ty: Type) -> Parameter {
        Parameter {
            ty,
            name: None,
            copied_bytes: None,
            is_result_slot: false,
            is_pointer_to_const: false,
            is_read_only: false,
            is_not_captured: false,
            is_non_null: false,
            is_returned: false,
        }
    }
}

/// What a declaration says of allocating.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Allocation {
    /// It returns new memory.
    pub allocates: bool,
    /// It gives back the memory of the parameter of this index.
    pub releases: Option<u32>,
    /// It may move the memory of `releases` into what it returns.
    pub reallocates: bool,
    /// The new memory is zero.
    pub zeroes: bool,
    /// Parameters whose product is the size in bytes.
    pub size: Vec<u32>,
    /// Name of the family (`alloc-family`): what one member allocates, another of it releases.
    pub family: Option<String>,
    /// Nothing else refers to the returned memory (`noalias` result). Says nothing of ownership.
    pub is_result_unaliased: bool,
}

/// A value that is computed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its type.
    pub ty: Type,
}

/// A local variable or parameter of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Name in the source.
    pub name: String,
    /// Type in the source, where debug info has it.
    pub type_name: Option<String>,
    /// The type is a pointer.
    pub is_pointer: bool,
    /// The type is a reference.
    pub is_reference: bool,
    /// It is the parameter of this index of the source's function, from 0, the implicit object counted.
    pub parameter: Option<u32>,
    /// Where it is declared.
    pub location: LocationId,
}

/// Instructions without jumps among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// In order. `Op::Phi` and `Op::LandingPad` come first.
    pub instructions: Vec<Instruction>,
    /// Where it goes from there.
    pub terminator: Terminator,
    /// Location of the terminator.
    pub location: LocationId,
}
