//! What is compiled, and what is made of it.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A language that clang writes LLVM IR of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cplusplus,
    /// C behind the preprocessor.
    PreprocessedC,
    /// C++ behind the preprocessor.
    PreprocessedCplusplus,
}

impl Language {
    /// What `-x` calls it.
    #[must_use]
    pub const fn as_flag(self) -> &'static str {
        match self {
            Language::C => "c",
            Language::Cplusplus => "c++",
            Language::PreprocessedC => "cpp-output",
            Language::PreprocessedCplusplus => "c++-cpp-output",
        }
    }

    /// True for C++ in either form.
    #[must_use]
    pub const fn is_cplusplus(self) -> bool {
        matches!(self, Language::Cplusplus | Language::PreprocessedCplusplus)
    }
}

/// One source file with the flags that it is compiled with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit {
    /// The folder that the compiler is started in; relative names are relative to it.
    pub folder: PathBuf,
    /// The source file as the command names it.
    pub file: PathBuf,
    /// Its language.
    pub language: Language,
    /// Flags in clang's words, without inputs and outputs.
    pub flags: Vec<OsString>,
    /// What the command wrote, absolute; `None` where it is not known.
    pub output: Option<PathBuf>,
    /// Variables of the build's environment that change where headers are looked for.
    pub environment: Vec<(OsString, OsString)>,
}

impl Unit {
    /// The source file's absolute path, as far as the folder is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    /// What two compilations share that differ only in how their code is placed: libtool compiles each file twice.
    pub(super) fn identity(&self) -> (PathBuf, Language, Vec<&OsString>) {
        let is_placement = |flag: &&OsString| {
            let text = flag.to_string_lossy();
            matches!(&*text, "-fPIC" | "-fpic" | "-fPIE" | "-fpie" | "-DPIC" | "-DDLL_EXPORT")
                || (text.starts_with("-D") && text.ends_with("_EXPORTS"))
        };
        (cleaned(&self.path()), self.language, self.flags.iter().filter(|flag| !is_placement(flag)).collect())
    }
}

/// A path without `.` and, as far as its text can tell, `..`.
pub(super) fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// Files put together into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What came of it, absolute.
    pub output: PathBuf,
    /// What sort of file that is.
    pub kind: LinkKind,
    /// Objects, archives and shared libraries, absolute, in the order of the command.
    pub inputs: Vec<PathBuf>,
    /// Names of libraries to look for (`-l`).
    pub libraries: Vec<OsString>,
}

/// What sort of file a link makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A program.
    Executable,
    /// A shared library, or a plugin.
    Shared,
    /// An archive, or objects joined to one.
    Archive,
}
