//! Text from files on its way to the screen: harmless, and as wide as there is room.
use unicode_width::UnicodeWidthChar;

/// Letters of a name that are kept. Nobody reads more, and drawing must not depend on what a file holds.
const LONGEST: usize = 2000;

/// Names come from files that anybody may have written: control and direction characters in them could rewrite the
/// terminal, so they are shown as escapes. What is too long is cut.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST {
            clean.push('…');
            break;
        }
        if letter.is_control() || is_invisible(letter) {
            clean.extend(letter.escape_default());
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// Marks of direction, joiners, line separators, tags: they show nothing and change what stands beside them.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that a letter takes.
fn columns(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// The text in at most so many columns; where it is cut, it ends in `…`.
pub(super) fn fit(text: &str, room: usize) -> String {
    let mut taken = 0;
    let mut cut = 0;
    for (index, letter) in text.char_indices() {
        taken += columns(letter);
        if taken > room {
            return match room {
                0 => String::new(),
                _ => format!("{}…", &text[..cut]),
            };
        }
        if taken < room {
            cut = index + letter.len_utf8();
        }
    }
    text.to_owned()
}

/// The text in exactly so many columns, filled up at its end.
pub(super) fn pad(text: &str, room: usize) -> String {
    let text = fit(text, room);
    let space = room - width(&text);
    text + &" ".repeat(space)
}

/// The text in exactly so many columns, filled up in front.
pub(super) fn pad_front(text: &str, room: usize) -> String {
    let text = fit(text, room);
    " ".repeat(room - width(&text)) + &text
}

/// Lines of at most so many columns. They are broken at spaces where possible, and go on where their text began.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, room.max(1))).collect()
}

fn wrap_line(line: &str, room: usize) -> Vec<String> {
    let indent = (line.len() - line.trim_start_matches(' ').len()).min(room / 2);
    let mut lines = Vec::new();
    let (mut current, mut taken) = (String::new(), 0);
    for letter in line.chars() {
        if taken + columns(letter) > room && letter == ' ' {
            lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
            taken = indent;
            continue;
        }
        if taken + columns(letter) > room && !current.is_empty() {
            let at_space = current.rfind(' ').filter(|at| *at > indent);
            let rest = at_space.map_or_else(String::new, |at| current.split_off(at).trim_start().to_owned());
            lines.push(std::mem::take(&mut current));
            // A wide letter may not fit behind the indent of a very narrow page.
            let space = if indent + width(&rest) + columns(letter) > room { 0 } else { indent };
            current = " ".repeat(space) + &rest;
            taken = width(&current);
        }
        taken += columns(letter);
        current.push(letter);
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::{clean, fit, pad, pad_front, width, wrap};

    #[test]
    fn what_could_rewrite_the_terminal_is_shown() {
        assert_eq!(clean("a\u{1b}[2Jb\tc\u{202e}d\u{9b}"), "a\\u{1b}[2Jb\\tc\\u{202e}d\\u{9b}");
        assert_eq!(clean("ключ 鍵 e\u{301}"), "ключ 鍵 e\u{301}");
        assert_eq!(clean(&"x".repeat(1 << 20)).chars().count(), 2001);
    }

    #[test]
    fn texts_fit() {
        let cases = [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("鍵鍵", 4, "鍵鍵"), ("鍵鍵鍵", 4, "鍵…"), ("abc", 0, "")];
        for (text, room, fitted) in cases {
            assert_eq!(fit(text, room), fitted);
            assert_eq!((width(&pad(text, room)), width(&pad_front(text, room))), (room, room));
        }
    }

    #[test]
    fn lines_are_wrapped() {
        assert_eq!(wrap("  one two three\n\nx", 9), ["  one two", "  three", "", "x"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        for room in 0..9 {
            let lines = wrap("      鍵鍵 a鍵鍵鍵鍵 bbbbbbbbbbb", room);
            assert!(lines.iter().all(|line| width(line) <= room.max(2)), "{room}: {lines:?}");
        }
    }
}
