//! The chore `tidy`: the project's rules, held against its sources.
//!
//! A rule takes the sources and returns violations. Exceptions are lists in the rule's file, each with
//! its reason, and one that is no longer needed is a violation too.

mod changelog;
mod edges;
mod exceptions;
mod headers;
mod layers;
mod length;
mod modules;
mod source;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use source::Source;

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// Path from the root of the workspace.
    path: String,
    /// Line from 1; 0 where it is of the whole file.
    line: usize,
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.text),
            line => write!(out, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// Prints all violations and fails if there are any.
pub(crate) fn run(root: &Path) -> Result<()> {
    let violations = violations(root)?;
    violations.iter().for_each(|violation| println!("{violation}"));
    match violations.len() {
        0 => Ok(()),
        count => bail!("{count} breaches of the rules; `xtask/src/tidy` says what they are for"),
    }
}

fn violations(root: &Path) -> Result<Vec<Violation>> {
    let sources = source::load(root).context("cannot read the sources")?;
    let mut violations = headers::check(&sources);
    violations.extend(layers::check(&sources));
    violations.extend(length::check(&sources));
    violations.extend(modules::check(&sources));
    violations.extend(words::check(&sources));
    violations.extend(changelog::check(root));
    violations.extend(edges::check(root)?);
    violations.sort();
    Ok(violations)
}

fn violation(source: &Source, line: usize, text: impl Into<String>) -> Violation {
    Violation { path: source.path.clone(), line, text: text.into() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let violations = super::violations(&crate::root()).unwrap();
        let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(list.is_empty(), "{} breaches of the rules:\n{}", list.len(), list.join("\n"));
    }
}
