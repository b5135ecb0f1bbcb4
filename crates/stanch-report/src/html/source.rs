//! The lines around a place, where its source file is found.
use serde::Serialize;

/// Lines before and after the one that is meant.
const AROUND: u32 = 4;
/// Columns that are shown of a line.
const WIDTH: usize = 200;
/// What is named as a source file but has none of these endings is not opened: a recording from elsewhere could name
/// any file of the reader's.
const ENDINGS: [&str; 22] = [
    "c", "h", "cc", "hh", "cpp", "hpp", "cxx", "hxx", "c++", "h++", "ipp", "inl", "tcc", "rs", "s", "y", "l", "d", "m",
    "f90", "ada", "zig",
];

/// Some lines of a file.
#[derive(Serialize)]
pub(super) struct Excerpt {
    /// Number of the first, from 1.
    first: u32,
    /// The line that is meant.
    line: u32,
    lines: Vec<String>,
}

/// The lines around `line` of a file that `read` gives.
pub(super) fn excerpt(file: &str, line: u32, read: &dyn Fn(&str) -> Option<String>) -> Option<Excerpt> {
    let (_, ending) = file.rsplit_once('.')?;
    if !ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
        return None;
    }
    // Debug information says 0 where code belongs to no line.
    let text = read(file).filter(|_| line > 0)?;
    let first = line.saturating_sub(AROUND).max(1);
    let lines: Vec<String> = text
        .lines()
        .skip(first as usize - 1)
        .take((line.saturating_add(AROUND) - first + 1) as usize)
        .map(|line| crate::text::page::cleaned(&line.replace('\t', "    ").chars().take(WIDTH).collect::<String>()))
        .collect();
    // A file that has changed since may be shorter.
    ((line - first) < lines.len() as u32).then_some(Excerpt { first, line, lines })
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn lines_around_the_place() {
        let read = |_: &str| Some("1\n2\n3\n4\n5\n6\n7\n8\n9\n".to_owned());
        let found = excerpt("a.c", 2, &read).unwrap();
        assert_eq!((found.first, found.lines.len()), (1, 6));
        assert_eq!(excerpt("a.c", 9, &read).unwrap().lines, ["5", "6", "7", "8", "9"]);
        assert!(excerpt("a.c", 10, &read).is_none());
        assert!(excerpt("/etc/passwd", 1, &read).is_none());
        assert!(excerpt("a.c", 0, &read).is_none());
        assert!(excerpt("a.c", u32::MAX, &read).is_none());
    }
}
