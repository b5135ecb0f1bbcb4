//! A path through the source that the reader can walk: each step with its line, and under it what the step speaks of.
use super::finding::LABEL_WIDTH;
use super::page::{Ink, Page, unbroken};
use super::{Limit, TextOptions, names};
use stanch_finding::PathStep;
use std::collections::BTreeMap;
use std::fmt;

/// Gives the text of a source file, where there is one to show.
#[derive(Clone, Copy)]
pub struct SourceReader<'a>(pub &'a dyn Fn(&str) -> Option<String>);

impl fmt::Debug for SourceReader<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SourceReader")
    }
}

/// Columns that are read of a line of source.
const SOURCE_COLUMNS: usize = 500;
/// Columns that are shown of it, however narrow the page.
const SOURCE_COLUMNS_MIN: usize = 40;

/// Writes the steps, numbered, with their lines where those can be read. What goes on inside of installed headers is
/// one line, unless everything is to be shown.
pub(super) fn steps(path: &[PathStep], options: &TextOptions<'_>, page: &mut Page) {
    let mut files: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let is_passed_over = |at: usize| {
        let is_inside = 0 < at && at + 1 < path.len();
        is_inside && is_installed(&path[at].file) && options.frames != Limit::All
    };
    for (at, step) in path.iter().enumerate() {
        let number = at + 1;
        if is_passed_over(at) {
            if !is_passed_over(at + 1) {
                let first = (0..=at).rev().take_while(|at| is_passed_over(*at)).last().unwrap_or(at) + 1;
                let count = if first == number { first.to_string() } else { format!("{first}-{number}") };
                let text = format!("{:LABEL_WIDTH$}{count:>2}. inside of installed headers", "");
                page.paragraph(&[(Ink::Faint, &unbroken(&text))], LABEL_WIDTH + 4);
            }
            continue;
        }
        let label = unbroken(&format!("{:LABEL_WIDTH$}{number:>2}. ", ""));
        let place = unbroken(&format!("{}:{}", names::relative(&step.file, options.base_dir), step.line));
        let note = names::shortened(&step.note);
        let pieces = [(Ink::Faint, label.as_str()), (Ink::Strong, &place), (Ink::Plain, "  "), (Ink::Plain, &note)];
        page.paragraph(&pieces, LABEL_WIDTH + 4);
        let text = files.entry(&step.file).or_insert_with(|| options.read_source.and_then(|read| (read.0)(&step.file)));
        if let Some(line) = text.as_deref().and_then(|text| line_of(text, step.line)) {
            excerpt(step, &line, page);
        }
    }
}

/// True for the headers of libraries and compilers.
fn is_installed(file: &str) -> bool {
    ["/usr/include/", "/usr/lib/", "/usr/local/include/", "/opt/"].iter().any(|folder| file.starts_with(folder))
}

/// A line by its number from 1, with blanks for tabs; `None` where the file has no such line or nothing stands there.
fn line_of(text: &str, number: u32) -> Option<String> {
    let line = text.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
    let line: String = line.replace('\t', "    ").trim_end().chars().take(SOURCE_COLUMNS).collect();
    (!line.trim().is_empty()).then_some(line)
}

/// ```text
///   12 |     char *name = strdup(text);
///      |                  ^^^^^^
/// ```
fn excerpt(step: &PathStep, line: &str, page: &mut Page) {
    let indent = line.chars().take_while(|letter| *letter == ' ').count().saturating_sub(4);
    let room = page.width().saturating_sub(LABEL_WIDTH + 4 + 8).max(SOURCE_COLUMNS_MIN);
    let line: String = line.chars().skip(indent).take(room).collect();
    let gutter = " ".repeat(LABEL_WIDTH + 4);
    let number = unbroken(&format!("{gutter}{:>5} | ", step.line));
    page.paragraph(&[(Ink::Faint, &number), (Ink::Plain, &unbroken(&line))], usize::MAX);
    let (start, length) = meant(&step.note, &line);
    let blank = unbroken(&format!("{gutter}{:>5} | {}", "", " ".repeat(start)));
    page.paragraph(&[(Ink::Faint, &blank), (Ink::Bad, &"^".repeat(length))], usize::MAX);
}

/// What of a line a note speaks of, as column and length: the last name that it quotes and that stands there as a
/// whole word, else all of the line.
fn meant(note: &str, line: &str) -> (usize, usize) {
    let quoted = note.split('`').skip(1).step_by(2).filter(|name| !name.is_empty());
    let found = quoted.filter_map(|name| {
        let name = name.rsplit("::").next().unwrap_or(name);
        let at = position_of_word(line, name)?;
        Some((line[..at].chars().count(), name.chars().count()))
    });
    found.last().unwrap_or_else(|| {
        let start = line.chars().take_while(|letter| *letter == ' ').count();
        (start, line.trim().chars().count().max(1))
    })
}

fn position_of_word(line: &str, word: &str) -> Option<usize> {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_whole = |at: &usize| {
        let goes_on_before = line[..*at].ends_with(is_letter) && word.starts_with(is_letter);
        let goes_on_behind = line[at + word.len()..].starts_with(is_letter) && word.ends_with(is_letter);
        !goes_on_before && !goes_on_behind
    };
    line.match_indices(word).map(|(at, _)| at).find(is_whole)
}

#[cfg(test)]
mod tests {
    use super::{line_of, meant};

    #[test]
    fn what_a_note_speaks_of_is_found_in_the_line() {
        let line = "    char *name = xstrdup(names[0], strdup);";
        let marked = |note: &str| {
            let (start, length) = meant(note, line);
            line.chars().skip(start).take(length).collect::<String>()
        };
        assert_eq!(marked("`name` is allocated by `strdup`"), "strdup");
        assert_eq!(marked("`name` is lost"), "name");
        assert_eq!(marked("`names[0]` is lost"), "names[0]");
        assert_eq!(marked("`app::xstrdup` is called"), "xstrdup");
        assert_eq!(marked("returns without `free`"), line.trim());
        assert_eq!(marked("no name"), line.trim());
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!(line_of("a\n\tb\n\n", 2).as_deref(), Some("    b"));
        for number in [0, 3, 4, u32::MAX] {
            assert_eq!(line_of("a\nb\n\n", number), None);
        }
    }
}
