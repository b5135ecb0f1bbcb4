//! What could not be read, and why.
use std::path::PathBuf;

/// Something that could not be learned of one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Path of the module as the process saw it.
    pub module: PathBuf,
    /// What is missing.
    pub missing: Missing,
}

/// Why names of a module are missing or poorer than they could be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// `[vdso]`, a memfd, an anonymous mapping: there is no file to look into.
    #[error("it is no file on a disk")]
    NoFile,
    /// The file was deleted while the process had it mapped.
    #[error("the file was deleted since it was loaded")]
    Deleted,
    /// There is no such file any more.
    #[error("the file is gone")]
    Gone,
    /// The file is there and could not be opened.
    #[error("the file could not be read: {0}")]
    Unreadable(String),
    /// Another file is at that path now: its build id differs.
    #[error("the file was replaced since it was loaded")]
    Replaced,
    /// The file is no ELF file, or a broken one.
    #[error("the file is not a sound ELF file: {0}")]
    BrokenFile(String),
    /// There is debug information, and it could not be read.
    #[error("its debug information is broken: {0}")]
    BrokenDebugInfo(String),
    /// A separate debug file belongs to another build.
    #[error("its debug file `{}` belongs to another build", .0.display())]
    OtherDebugFile(PathBuf),
    /// The part of the debug information that several files share (as `dwz` makes it) was not found.
    #[error("its shared debug file `{}` was not found", .0.display())]
    NoSharedDebugFile(PathBuf),
    /// Names come from a symbol table: no lines, no inlined functions.
    #[error("no debug information was found: function names only")]
    NoDebugInfo,
    /// Neither debug information nor symbols.
    #[error("neither debug information nor symbols were found")]
    NoSymbols,
}
