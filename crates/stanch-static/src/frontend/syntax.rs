//! What the parsers share: why they give up, and how deep they go.

/// Nested types, constants and expressions are read to this depth. Compilers stay far below it.
pub(super) const NESTING_MAX: usize = 200;

/// Why a piece of text was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Something else was expected.
    Syntax,
    /// It is nested deeper than [`NESTING_MAX`].
    TooDeep,
    /// A type has no size, or a field is not there.
    Layout,
    /// A constant that is understood, but known to the linker only: the distance between two symbols.
    Link,
    /// An instruction that is not known.
    Mnemonic,
}
