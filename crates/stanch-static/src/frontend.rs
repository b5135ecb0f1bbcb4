//! Textual LLVM IR to the representation that the engine executes.
//!
//! Reads what clang 14 and later and rustc write: pointers with and without types, debug records of both kinds. Unknown
//! attributes, flags and metadata are passed over. An unknown instruction becomes `Op::NotUnderstood` and is named in
//! [`Reading::not_understood`]. No text makes the reader panic, take more memory than it explains, or recurse without
//! bound. Types are laid out by `target datalayout`, pointers always in 64 bits.
//!
//! The layers: `lexer`, `types`, `value`, `attributes`, `header` parse; `index` finds everything in one pass; `context`
//! is what all share; `body` lowers functions, `module` the rest; `fold` and `initial` are about constants, `debug` and
//! `metadata` about the source.

mod attributes;
mod body;
mod context;
mod debug;
mod fold;
mod header;
mod index;
mod initial;
mod labels;
mod layout;
mod lexer;
mod metadata;
mod module;
mod names;
mod source_types;
mod syntax;
mod types;
mod value;

use crate::ir::Module;

/// What a text yields.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What was understood.
    pub module: Module,
    /// What was not, in the order of the text.
    pub not_understood: Vec<NotUnderstood>,
}

/// Something in the text that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The function in whose body it stands, by its linker's name.
    pub function: Option<String>,
    /// Line of the text, from 1.
    pub line: usize,
    /// The instruction's name, or the first word of the line.
    pub mnemonic: String,
}

/// Reads the text of a module.
///
/// Several modules may have equal definitions of one function: C++'s inline functions and templates. `is_known` is
/// asked for each such function by its linker's name; where it says true, the function is only declared, which costs
/// next to nothing.
#[must_use]
pub fn read(text: &[u8], is_known: &dyn Fn(&str) -> bool) -> Reading {
    module::read(text, is_known)
}
