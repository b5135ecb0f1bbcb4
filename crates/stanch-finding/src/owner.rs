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
