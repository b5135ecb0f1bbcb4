//! Valgrind's suppression files. Only `Memcheck:Leak` concerns us.
//!
//! ```text
//! {
//!    name
//!    Memcheck:Leak
//!    match-leak-kinds: definite,possible     (optional; all kinds without it)
//!    fun:malloc                              (innermost frame first)
//!    ...                                     (any number of frames)
//!    obj:*/libfoo.so*
//!    src:foo.c:12
//! }
//! ```
//! <https://valgrind.org/docs/manual/manual-core.html#manual-core.suppress>
use super::condition::Condition;
use super::mangled::function_globs;
use super::stack::FramePattern;
use super::{Note, Parsed, Problem, Suppression, SuppressionError, place};
use crate::Kind;
use crate::glob::Glob;

/// Reads a valgrind suppression file; `origin` is its name for messages.
///
/// Entries for other tools and other errors are passed over with a note.
///
/// # Errors
/// Where an entry is not closed, has no header, or a line of it cannot be understood.
pub fn parse_valgrind(text: &str, origin: &str) -> Result<Parsed, SuppressionError> {
    let mut parsed = Parsed::default();
    let mut lines = significant_lines(text);
    while let Some((start, line)) = lines.next() {
        if line != "{" {
            return Err(Problem::OutsideEntry(line.to_owned()).at(origin, start));
        }
        let mut body = Vec::new();
        loop {
            match lines.next() {
                Some((_, "}")) => break,
                Some(line) => body.push(line),
                None => return Err(Problem::Unclosed.at(origin, start)),
            }
        }
        match entry(&Entry { origin, start, body })? {
            Outcome::Suppression(suppression) => parsed.suppressions.push(suppression),
            Outcome::Note(note) => parsed.notes.push(note),
        }
    }
    Ok(parsed)
}

/// Lines that are neither blank nor comments, trimmed, numbered from 1.
fn significant_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

struct Entry<'a> {
    origin: &'a str,
    start: usize,
    body: Vec<(usize, &'a str)>,
}

enum Outcome {
    Suppression(Suppression),
    Note(Note),
}

fn entry(entry: &Entry<'_>) -> Result<Outcome, SuppressionError> {
    let [(_, name), (header_line, header), rest @ ..] = entry.body.as_slice() else {
        return Err(Problem::NoHeader.at(entry.origin, entry.start));
    };
    let no_header = || Problem::BadHeader((*header).to_owned()).at(entry.origin, *header_line);
    let (tools, error) = header.split_once(':').ok_or_else(no_header)?;
    if error != "Leak" || !tools.split(',').any(|tool| tool == "Memcheck") {
        let text = format!("`{header}` is not about leaks and was passed over");
        return Ok(Outcome::Note(Note { origin: place(entry.origin, entry.start), text }));
    }
    let (kinds, frames) = kinds_and_frames(entry, rest)?;
    Ok(Outcome::Suppression(Suppression {
        name: (*name).to_owned(),
        origin: place(entry.origin, entry.start),
        reason: None,
        expires: None,
        conditions: vec![Condition::Kinds(kinds), Condition::Stack(frames)],
    }))
}

const KINDS_KEY: &str = "match-leak-kinds:";

fn kinds_and_frames(
    entry: &Entry<'_>,
    lines: &[(usize, &str)],
) -> Result<(Vec<Kind>, Vec<FramePattern>), SuppressionError> {
    let (kinds, lines) = match lines {
        [(number, line), rest @ ..] if line.starts_with(KINDS_KEY) => {
            let kinds = leak_kinds(&line[KINDS_KEY.len()..]).map_err(|problem| problem.at(entry.origin, *number))?;
            (kinds, rest)
        }
        _ => (ALL_LEAKS.concat(), lines),
    };
    if lines.is_empty() {
        return Err(Problem::NoFrames.at(entry.origin, entry.start));
    }
    let frames = lines.iter().map(|(number, line)| frame(line).map_err(|problem| problem.at(entry.origin, *number)));
    Ok((kinds, frames.collect::<Result<_, _>>()?))
}

/// What valgrind's four words mean here. Blocks whose reachability nobody decided (`live`) may be of any of them.
const DEFINITE: &[Kind] = &[Kind::DefinitelyLost, Kind::LostOnPath, Kind::Live];
const INDIRECT: &[Kind] = &[Kind::IndirectlyLost, Kind::Live];
const POSSIBLE: &[Kind] = &[Kind::PossiblyLost, Kind::Live];
const REACHABLE: &[Kind] =
    &[Kind::StillReachable, Kind::HeldToExit, Kind::Growing, Kind::Filling, Kind::Stale, Kind::Live];
const ALL_LEAKS: [&[Kind]; 4] = [DEFINITE, INDIRECT, POSSIBLE, REACHABLE];

fn leak_kinds(list: &str) -> Result<Vec<Kind>, Problem> {
    let mut kinds = Vec::new();
    for word in list.split(',').map(str::trim) {
        match word {
            "definite" => kinds.extend_from_slice(DEFINITE),
            "indirect" => kinds.extend_from_slice(INDIRECT),
            "possible" => kinds.extend_from_slice(POSSIBLE),
            "reachable" => kinds.extend_from_slice(REACHABLE),
            "all" => kinds.extend(ALL_LEAKS.concat()),
            "none" => {}
            unknown => return Err(Problem::UnknownLeakKind(unknown.to_owned())),
        }
    }
    Ok(kinds)
}

fn frame(line: &str) -> Result<FramePattern, Problem> {
    if line == "..." {
        return Ok(FramePattern::Ellipsis);
    }
    let (sort, pattern) = line.split_once(':').ok_or_else(|| Problem::BadFrame(line.to_owned()))?;
    match (sort, pattern.trim()) {
        ("fun" | "obj" | "src", "") => Err(Problem::EmptyPattern),
        ("fun", pattern) => Ok(FramePattern::Function(function_globs(pattern))),
        ("obj", pattern) => Ok(FramePattern::Object(Glob::new(pattern))),
        ("src", pattern) => Ok(source(pattern)),
        _ => Err(Problem::BadFrame(line.to_owned())),
    }
}

/// `file` or `file:line`.
fn source(pattern: &str) -> FramePattern {
    let with_line = pattern.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
    match with_line {
        Some((file, line)) => FramePattern::Source { file: Glob::new(file), line: Some(line) },
        None => FramePattern::Source { file: Glob::new(pattern), line: None },
    }
}
