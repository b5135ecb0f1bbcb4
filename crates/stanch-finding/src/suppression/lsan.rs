//! LeakSanitizer's suppression files: one `leak:PATTERN` a line.
//!
//! A pattern is contained in the function, source file or module of any frame; `*` is any text, `^` and `$` fix the
//! ends.
//! <https://github.com/google/sanitizers/wiki/AddressSanitizerLeakSanitizer#suppressions>
use super::condition::Condition;
use super::{Note, Parsed, Problem, Suppression, SuppressionError, place};
use crate::Kind;
use crate::glob::Glob;

/// Reads a LeakSanitizer suppression file; `origin` is its name for messages.
///
/// Lines for other sanitizers are passed over with a note.
///
/// # Errors
/// Where a line has no type or `leak:` no pattern.
pub fn parse_lsan(text: &str, origin: &str) -> Result<Parsed, SuppressionError> {
    let mut parsed = Parsed::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let number = index + 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (sort, pattern) =
            line.split_once(':').ok_or_else(|| Problem::NoType(line.to_owned()).at(origin, number))?;
        if sort == "leak" {
            parsed.suppressions.push(suppression(pattern, origin, number)?);
        } else {
            let text = format!("`{sort}:` is not about leaks and was passed over");
            parsed.notes.push(Note { origin: place(origin, number), text });
        }
    }
    Ok(parsed)
}

fn suppression(pattern: &str, origin: &str, line: usize) -> Result<Suppression, SuppressionError> {
    if pattern.trim_start_matches('^').trim_end_matches('$').is_empty() {
        return Err(Problem::EmptyPattern.at(origin, line));
    }
    let leaks = Kind::ALL.into_iter().filter(|kind| kind.is_leak()).collect();
    Ok(Suppression {
        name: pattern.to_owned(),
        origin: place(origin, line),
        reason: None,
        expires: None,
        conditions: vec![Condition::Kinds(leaks), Condition::Anywhere(Glob::sanitizer(pattern))],
    })
}
