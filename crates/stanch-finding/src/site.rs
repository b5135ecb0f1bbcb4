//! Where memory was allocated: the allocation function and the call stack.

/// One frame of a resolved call stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Demangled name; `None` where neither debug info nor a symbol table names the code.
    pub function: Option<String>,
    /// Source file as the debug info names it.
    pub file: Option<String>,
    /// Line in `file`, from 1.
    pub line: Option<u32>,
    /// Column in `line`, from 1.
    pub column: Option<u32>,
    /// Path of the executable or shared object that holds the code; `None` for code outside any
    /// module (JIT).
    pub module: Option<String>,
    /// Offset of the instruction in `module` (file address in the ELF sense), where known.
    pub module_offset: Option<u64>,
    /// True where the compiler inlined this function into the next frame.
    pub inlined: bool,
}

/// A call stack that allocates.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The allocation function the program called: `malloc`, `operator new[]`, `mmap`, …
    pub allocator: String,
    /// Innermost frame first; frames of the allocator itself are not in it.
    pub stack: Vec<Frame>,
}
