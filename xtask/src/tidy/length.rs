//! Nothing is too long to be read: lines, functions, files.

use super::exceptions::{Exception, covers, stale};
use super::{Source, Violation, violation};

const LINE_MAX: usize = 120;
const FUNCTION_MAX: usize = 70;
const FILE_MAX: usize = 800;

/// What is longer and stays: tables with one row shape, not logic. `what` is the function's name; "" a file.
const EXCEPTIONS: &[Exception] = &[];

pub(super) fn check(sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut too_long: Vec<(&Source, String)> = Vec::new();
    for source in sources {
        let mut found = |line, what: &str, text: String| {
            if !covers(EXCEPTIONS, source, what) {
                violations.push(violation(source, line, text));
            }
            too_long.push((source, what.to_owned()));
        };
        let lines = source.text.lines().count();
        if lines > FILE_MAX {
            found(0, "", format!("has {lines} lines, {FILE_MAX} are the most"));
        }
        if !source.is_rust() {
            continue;
        }
        for function in functions(&source.text).filter(|function| function.length > FUNCTION_MAX) {
            let text = format!("`{}` has {} lines, {FUNCTION_MAX} are the most", function.name, function.length);
            found(function.line, function.name, text);
        }
        violations.extend(wide_lines(source));
    }
    violations.extend(stale(EXCEPTIONS, &too_long));
    violations
}

fn wide_lines(source: &Source) -> impl Iterator<Item = Violation> {
    let wide = (1..).zip(source.text.lines()).filter(|(_, line)| line.chars().count() > LINE_MAX);
    wide.map(|(number, _)| violation(source, number, format!("is wider than {LINE_MAX} characters")))
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    length: usize,
}

/// The functions of formatted Rust: from their first line to the brace in the same column.
fn functions(text: &str) -> impl Iterator<Item = Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter_map(move |first| {
        let name = function_name(lines[first])?;
        let indent = lines[first].len() - lines[first].trim_start().len();
        let ends =
            |line: &&str| line.get(..indent).is_some_and(|start| start.trim().is_empty()) && ends_item(&line[indent..]);
        let length = lines[first..].iter().position(ends)? + 1;
        Some(Function { name, line: first + 1, length })
    })
}

/// True for the last line of an item that starts in the same column: a brace, or a declaration's semicolon.
fn ends_item(line: &str) -> bool {
    line.starts_with('}') || (!line.starts_with([' ', '#']) && (line.ends_with(';') || line.ends_with('}')))
}

/// The name, where a function begins on this line.
fn function_name(line: &str) -> Option<&str> {
    const QUALIFIERS: [&str; 5] = ["const", "async", "unsafe", "extern", "pub"];
    let (before, after) = match line.trim_start().strip_prefix("fn ") {
        Some(after) => ("", after),
        None => line.split_once(" fn ")?,
    };
    let is_qualifier = |word: &str| {
        QUALIFIERS.contains(&word) || word.starts_with("pub(") || word.ends_with(')') || word.starts_with('"')
    };
    let name = after.split(['(', '<']).next()?;
    before.split_whitespace().all(is_qualifier).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{FILE_MAX, FUNCTION_MAX, Source, check, functions};

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "\
fn one() {}
    pub(in crate::a) const unsafe extern \"C\" fn two<T>(
        a: T,
    ) {
        if a {
        }
    }
    fn declared(&self);
// not a fn at all
fn three() {
    let inner = || 1;
}
";
        let found: Vec<_> = functions(text).map(|function| (function.name, function.line, function.length)).collect();
        assert_eq!(found, [("one", 1, 1), ("two", 2, 6), ("declared", 8, 1), ("three", 10, 3)]);
    }

    #[test]
    fn what_is_too_long_is_found() {
        let body = |lines: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines));
        let count = |text: &str| check(&[Source::new("a.rs", text)]).len();
        assert_eq!(count(&body(FUNCTION_MAX - 2)), 0);
        assert_eq!(count(&body(FUNCTION_MAX - 1)), 1);
        assert_eq!(count(&"a\n".repeat(FILE_MAX)), 0);
        assert_eq!(count(&"a\n".repeat(FILE_MAX + 1)), 1);
        assert_eq!(count(&"ä".repeat(120)), 0);
        assert_eq!(count(&"a".repeat(121)), 1);
    }
}
