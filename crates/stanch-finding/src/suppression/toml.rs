//! Our own suppression files.
//!
//! ```toml
//! [[suppress]]
//! name = "driver cache"                  # optional
//! reason = "freed when the driver goes"  # required
//! expires = "2027-01-31"                 # optional: the last day on which it applies
//! fingerprint = "0123456789abcdef"       # conditions: one or more, and all of them must hold
//! function = "gl_*"                      # some frame's function
//! file = "src/gl/*.c"                    # some frame's source file, or the end of its path
//! module = "libGL.so*"                   # some frame's module, or the end of its path
//! package = "libgl1"                     # the owner's name
//! kind = ["still_reachable"]             # one of these
//! stack = ["malloc", "...", "main"]      # functions from the innermost frame on; `...` is any number of them
//! ```
//! `*` is any text and `?` one character. In `stack` the allocation function may be left out.
use super::condition::Condition;
use super::stack::FramePattern;
use super::{Parsed, Problem, Suppression, SuppressionError, place};
use crate::glob::Glob;
use crate::{Date, Fingerprint, Kind};
use serde::Deserialize;
use toml::Spanned;

/// Reads a TOML file of suppressions; `origin` is its name for messages.
///
/// # Errors
/// Where it is not TOML, an entry has a key that does not exist, no reason, or no condition, or a value has another
/// form.
pub fn parse_toml(text: &str, origin: &str) -> Result<Parsed, SuppressionError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        Problem::Toml(first_line(error.message())).at(origin, line)
    })?;
    let entries = file.suppress.into_iter().map(|entry| {
        let reader = Reader { text, origin, entry_line: line_at(text, entry.span().start) };
        reader.suppression(entry.into_inner())
    });
    Ok(Parsed { suppressions: entries.collect::<Result<_, _>>()?, notes: Vec::new() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    suppress: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    reason: Option<String>,
    expires: Option<Spanned<String>>,
    fingerprint: Option<Spanned<String>>,
    function: Option<Spanned<String>>,
    file: Option<Spanned<String>>,
    module: Option<Spanned<String>>,
    package: Option<Spanned<String>>,
    kind: Option<Vec<Spanned<String>>>,
    stack: Option<Vec<Spanned<String>>>,
}

/// What is known while one entry is read.
struct Reader<'a> {
    text: &'a str,
    origin: &'a str,
    entry_line: usize,
}

impl Reader<'_> {
    fn suppression(&self, entry: Entry) -> Result<Suppression, SuppressionError> {
        let reason = entry.reason.clone().filter(|reason| !reason.trim().is_empty());
        let reason = reason.ok_or_else(|| Problem::MissingReason.at(self.origin, self.entry_line))?;
        let expires = entry.expires.as_ref().map(|text| self.read(text, |text| Ok(Date::parse(text)?))).transpose()?;
        let conditions = self.conditions(&entry)?;
        if conditions.is_empty() {
            return Err(Problem::NoCondition.at(self.origin, self.entry_line));
        }
        Ok(Suppression {
            name: entry.name.clone().unwrap_or_else(|| first_pattern(&entry)),
            origin: place(self.origin, self.entry_line),
            reason: Some(reason),
            expires,
            conditions,
        })
    }

    fn conditions(&self, entry: &Entry) -> Result<Vec<Condition>, SuppressionError> {
        let mut conditions = Vec::new();
        if let Some(text) = &entry.fingerprint {
            conditions.push(self.read(text, |text| Ok(Condition::Fingerprint(Fingerprint::parse(text)?)))?);
        }
        type FromGlob = fn(Glob) -> Condition;
        let globs = [
            (&entry.function, Condition::Function as FromGlob),
            (&entry.file, Condition::File),
            (&entry.module, Condition::Module),
            (&entry.package, Condition::Package),
        ];
        for (pattern, condition) in globs {
            if let Some(pattern) = pattern {
                conditions.push(condition(self.read(pattern, glob)?));
            }
        }
        if let Some(words) = &entry.kind {
            conditions.push(Condition::Kinds(self.read_all(words, kind)?));
        }
        if let Some(frames) = entry.stack.as_ref().filter(|frames| !frames.is_empty()) {
            conditions.push(Condition::Stack(self.read_all(frames, frame)?));
        }
        Ok(conditions)
    }

    fn read<T>(
        &self,
        value: &Spanned<String>,
        read: impl Fn(&str) -> Result<T, Problem>,
    ) -> Result<T, SuppressionError> {
        read(value.get_ref()).map_err(|problem| problem.at(self.origin, line_at(self.text, value.span().start)))
    }

    fn read_all<T>(
        &self,
        values: &[Spanned<String>],
        read: fn(&str) -> Result<T, Problem>,
    ) -> Result<Vec<T>, SuppressionError> {
        values.iter().map(|value| self.read(value, read)).collect()
    }
}

fn glob(pattern: &str) -> Result<Glob, Problem> {
    if pattern.is_empty() { Err(Problem::EmptyPattern) } else { Ok(Glob::new(pattern)) }
}

fn kind(word: &str) -> Result<Kind, Problem> {
    Kind::parse(word).ok_or_else(|| {
        let known: Vec<String> = Kind::ALL.into_iter().map(|kind| format!("`{}`", kind.as_str())).collect();
        Problem::UnknownKind { word: word.to_owned(), known: known.join(", ") }
    })
}

fn frame(pattern: &str) -> Result<FramePattern, Problem> {
    match pattern {
        "..." => Ok(FramePattern::Ellipsis),
        pattern => Ok(FramePattern::Function(vec![glob(pattern)?])),
    }
}

/// What to call an entry that has no name.
fn first_pattern(entry: &Entry) -> String {
    let single = [&entry.fingerprint, &entry.function, &entry.file, &entry.module, &entry.package];
    let lists = [&entry.stack, &entry.kind];
    let texts = single.into_iter().flatten().map(|text| text.get_ref().clone());
    let joined = lists.into_iter().flatten().map(|list| {
        let words: Vec<&str> = list.iter().map(|word| word.get_ref().as_str()).collect();
        words.join(" ")
    });
    texts.chain(joined).next().unwrap_or_default()
}

/// Line number from 1 of a byte of the text.
fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

/// Messages of the TOML reader can go on for lines; the first one says it.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or("not valid TOML").to_owned()
}
