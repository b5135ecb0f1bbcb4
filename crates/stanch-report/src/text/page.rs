//! The text as it grows: ink, width and wrapping.
use super::{Style, TextOptions};

/// What a piece of text is, from which its colour follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    /// Headers, the owning frame.
    Strong,
    /// Certainly wrong.
    Bad,
    /// Perhaps wrong.
    Doubtful,
    /// All is well.
    Good,
    /// For completeness.
    Faint,
}

impl Ink {
    /// SGR parameters of ECMA-48, section 8.3.117.
    const fn parameters(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Strong => "1",
            Ink::Bad => "1;31",
            Ink::Doubtful => "33",
            Ink::Good => "32",
            Ink::Faint => "2",
        }
    }
}

/// A text under construction.
pub(super) struct Page {
    text: String,
    style: Style,
    width: usize,
}

impl Page {
    pub(super) fn new(options: &TextOptions<'_>) -> Page {
        Page { text: String::new(), style: options.style, width: options.width }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Adds pieces, one behind the other, and breaks lines at spaces; lines after the first are indented.
    ///
    /// A word that is wider than the page stands out over its edge. No-break spaces hold words together.
    pub(super) fn paragraph(&mut self, pieces: &[(Ink, &str)], indent: usize) {
        let mut column = 0;
        for (ink, piece) in pieces {
            let piece = cleaned(piece);
            for word in piece.split_inclusive(' ') {
                let width = word.trim_end_matches(' ').chars().count();
                if self.width < column + width && indent < column && 0 < width {
                    self.text.truncate(self.text.trim_end_matches(' ').len());
                    self.text.push('\n');
                    self.text.push_str(&" ".repeat(indent));
                    column = indent;
                }
                self.word(*ink, word);
                column += word.chars().count();
            }
        }
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Width of the page.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn word(&mut self, ink: Ink, word: &str) {
        let visible = word.trim_end_matches(' ').replace(NO_BREAK_SPACE, " ");
        if self.style == Style::Plain || ink.parameters().is_empty() || visible.trim().is_empty() {
            self.text.push_str(&visible);
        } else {
            self.text.push_str(&format!("\u{1b}[{}m{visible}\u{1b}[0m", ink.parameters()));
        }
        self.text.push_str(&" ".repeat(word.len() - word.trim_end_matches(' ').len()));
    }
}

const NO_BREAK_SPACE: char = '\u{a0}';

/// Holds a text together: it moves to the next line as a whole.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', &NO_BREAK_SPACE.to_string())
}

/// Names come from files that anybody may have written; control and direction characters in them could rewrite the
/// terminal, so they are shown as escapes.
pub(crate) fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}
