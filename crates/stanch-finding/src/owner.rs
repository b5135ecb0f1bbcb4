//! Whose bug it is.

/// What sort of thing owns a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// The program under test itself.
    Application,
    /// A library package that the program uses.
    Library,
    /// A language runtime: libc, libstdc++, Rust's std, CPython.
    Runtime,
    /// The kernel or a driver.
    Kernel,
    /// The machine.
    Hardware,
}

impl OwnerKind {
    /// The word for it in machine formats: `application`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            OwnerKind::Application => "application",
            OwnerKind::Library => "library",
            OwnerKind::Runtime => "runtime",
            OwnerKind::Kernel => "kernel",
            OwnerKind::Hardware => "hardware",
        }
    }

    /// The kind that [`OwnerKind::as_str`] calls so.
    #[must_use]
    pub fn parse(word: &str) -> Option<OwnerKind> {
        use OwnerKind::{Application, Hardware, Kernel, Library, Runtime};
        [Application, Library, Runtime, Kernel, Hardware].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The party whose code allocated what was lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// What sort of thing it is.
    pub kind: OwnerKind,
    /// The program's file name, or the package (Debian, RPM), or the library's file name.
    pub name: String,
    /// The package version, where a package database knew the file.
    pub version: Option<String>,
}
