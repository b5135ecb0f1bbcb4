//! Code addresses to names: function, file, line, inlined frames, and the package a file came from.
//!
//! A [`Symbolizer`] answers for programs that nobody recompiled: it takes DWARF where the file or a
//! separate debug file has it, else the best symbol table there is, else nothing, and keeps a
//! [`Note`] of what it could not read. Files are opened when the first address in them is asked for.
//! Whatever is in them, it never panics and never fails: the least answer is a frame without a name.
//!
//! [`Packages`] tells which package of the system's package manager installed a file.

mod compressed;
mod debug_info;
mod elf;
mod guard;
mod image;
mod link_address;
mod locate;
mod mini_debug_info;
mod module;
mod name;
mod note;
mod packages;
mod qualified;
mod root;
mod symbol_table;
mod symbolizer;

pub use link_address::link_address;
pub use name::readable as readable_name;
pub use note::{Missing, Note};
pub use packages::Packages;
pub use symbolizer::{FileAddress, ModuleFile, SearchOptions, Symbolizer};
