//! Lists of what a rule lets pass, each entry with its reason.

use super::{Source, Violation};

/// A file, or an item in it, that a rule lets pass.
pub(super) struct Exception {
    /// Path from the root; a folder where it ends in `/`.
    pub(super) path: &'static str,
    /// What in it: a function's name, a pattern; "" for the whole file.
    pub(super) what: &'static str,
    /// Why.
    pub(super) reason: &'static str,
}

/// True where an entry covers `what` in `source`.
pub(super) fn covers(exceptions: &[Exception], source: &Source, what: &str) -> bool {
    exceptions.iter().any(|exception| matches(exception, source, what))
}

/// The entries that cover none of what was found, or give no reason.
pub(super) fn stale(exceptions: &[Exception], found: &[(&Source, String)]) -> Vec<Violation> {
    let is_used = |exception: &&Exception| {
        !exception.reason.is_empty() && found.iter().any(|(source, what)| matches(exception, source, what))
    };
    exceptions
        .iter()
        .filter(|exception| !is_used(exception))
        .map(|exception| Violation {
            path: exception.path.to_owned(),
            line: 0,
            text: format!("is listed as an exception for `{}` and needs none, or gives no reason", exception.what),
        })
        .collect()
}

fn matches(exception: &Exception, source: &Source, what: &str) -> bool {
    let path = if exception.path.ends_with('/') {
        source.path.starts_with(exception.path)
    } else {
        source.path == exception.path
    };
    path && exception.what == what
}
