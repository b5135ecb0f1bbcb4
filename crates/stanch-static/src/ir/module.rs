//! One source file, or a linked program: functions, globals, and the tables of files and locations.
use super::{BlockId, FileId, Function, FunctionId, GlobalId, Linkage, LocationId, Symbol};

/// One source file; after linking, one program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// Name of the source file as it was given to the compiler.
    pub name: String,
    /// Source files that locations name, as the debug info spells them (directory joined where it is relative).
    pub files: Vec<String>,
    /// Locations; the first is "unknown".
    pub locations: Vec<Location>,
    /// Functions, defined and declared.
    pub functions: Vec<Function>,
    /// Globals, defined and declared.
    pub globals: Vec<Global>,
    /// Other names for functions and globals.
    pub aliases: Vec<Alias>,
    /// Functions run before `main`, such as constructors of C++ globals.
    pub constructors: Vec<Startup>,
    /// Functions run after `main`.
    pub destructors: Vec<Startup>,
}

/// A point in the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// File; `None` where debug info has none.
    pub file: Option<FileId>,
    /// Line from 1; 0 is unknown.
    pub line: u32,
    /// Column from 1; 0 is unknown.
    pub column: u32,
    /// Demangled name of the function in whose source the point lies, where that is not the function that holds the
    /// code (it was inlined).
    pub inlined_function: Option<String>,
    /// Where `inlined_function` was called.
    pub inlined_at: Option<LocationId>,
}

impl Location {
    /// What is known of code without debug info.
    pub const UNKNOWN: Location = Location { file: None, line: 0, column: 0, inlined_function: None, inlined_at: None };
}

/// A variable of static storage, or a constant such as a string or a table of virtual functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// Linker's name.
    pub symbol: String,
    /// Name for people.
    pub name: String,
    /// Source type, where debug info has it.
    pub type_name: Option<String>,
    /// Who sees it.
    pub linkage: Linkage,
    /// Bytes.
    pub size: u64,
    /// True where no code may write it.
    pub is_constant: bool,
    /// True where each thread has its own.
    pub is_thread_local: bool,
    /// Its content at start; `None` where another module or library defines it.
    pub initial: Option<Initial>,
    /// Where it is declared.
    pub location: LocationId,
}

/// Content of a global at start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// Leading bytes; zero from there to the end of the global. Bytes under a relocation are zero.
    pub bytes: Vec<u8>,
    /// Addresses in it, by ascending offset.
    pub relocations: Vec<Relocation>,
}

/// An address in the content of a global; 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relocation {
    /// Where in the global, in bytes.
    pub offset: u64,
    /// Whose address.
    pub symbol: Symbol,
    /// Bytes added to it.
    pub addend: i64,
    /// The block of the function `symbol`, where its address is meant and not the function's.
    pub block: Option<BlockId>,
}

/// A second name for a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// Linker's name.
    pub symbol: String,
    /// Who sees it.
    pub linkage: Linkage,
    /// What it names.
    pub target: Symbol,
}

/// A function that runs before or after `main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Startup {
    /// Lower numbers run earlier, and end later. Without a stated priority it is 65535.
    pub priority: u32,
    /// The function; it takes no arguments.
    pub function: FunctionId,
}

impl Module {
    /// The function of this index.
    #[must_use]
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }

    /// The global of this index.
    #[must_use]
    pub fn global(&self, id: GlobalId) -> &Global {
        &self.globals[id.index()]
    }

    /// The location of this index.
    #[must_use]
    pub fn location(&self, id: LocationId) -> &Location {
        &self.locations[id.index()]
    }
}
