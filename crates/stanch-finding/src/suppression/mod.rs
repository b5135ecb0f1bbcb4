//! Suppressions: findings that somebody has looked at and accepts.
//!
//! Three kinds of file are read, each by its own parser, into one type: our TOML ([`parse_toml`]), LeakSanitizer's
//! ([`parse_lsan`]) and valgrind's ([`parse_valgrind`]); [`parse_any`] tells which it is. A [`SuppressionSet`] takes
//! matching findings out of a [`Report`](crate::Report) and counts them there, so nothing disappears silently.
mod any;
mod condition;
mod error;
mod lsan;
mod mangled;
mod set;
mod stack;
mod toml;
mod valgrind;

pub use any::parse_any;
pub use error::{Problem, SuppressionError};
pub use lsan::parse_lsan;
pub use set::SuppressionSet;
pub use toml::parse_toml;
pub use valgrind::parse_valgrind;

use crate::Date;
use condition::Condition;

/// One accepted reason to leave findings out.
#[derive(Clone, Debug)]
pub struct Suppression {
    /// Its name, or its pattern where it has none.
    pub name: String,
    /// File and line: `leaks.toml:12`.
    pub origin: String,
    /// Why the leak is accepted. Always there in our own files; theirs have no place for it.
    pub reason: Option<String>,
    /// The last day on which it applies.
    pub expires: Option<Date>,
    /// All of them must hold. Never empty.
    conditions: Vec<Condition>,
}

impl Suppression {
    /// True where its last day is before `today`.
    #[must_use]
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last_day| last_day < today)
    }
}

/// Part of a file that was read and does not concern us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// File and line: `leaks.supp:12`.
    pub origin: String,
    /// What was passed over and why.
    pub text: String,
}

/// What a file of suppressions says.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// The suppressions in the order of the file.
    pub suppressions: Vec<Suppression>,
    /// What was passed over.
    pub notes: Vec<Note>,
}

/// Origin of something in a file, as people and editors write it.
fn place(origin: &str, line: usize) -> String {
    format!("{origin}:{line}")
}

#[cfg(test)]
mod tests;
