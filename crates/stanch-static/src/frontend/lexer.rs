//! Tokens of textual LLVM IR.
//!
//! The lexer knows no keyword: a word is a word, whatever LLVM version made it up. It works on bytes, borrows from the
//! text, and yields [`Token::End`] at the end of its window for as often as it is asked.

/// One token. Slices are as they stand in the text, without sigils.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, a type, a flag, a label: what begins with a letter, `_`, `.` or `$` inside a word.
    Word(&'a [u8]),
    /// `%name`. A quoted name keeps its quotes, so that `%"1"` and `%1` differ.
    Local(&'a [u8]),
    /// `@name`, as [`Token::Local`].
    Global(&'a [u8]),
    /// `$name` of a comdat, as [`Token::Local`].
    Comdat(&'a [u8]),
    /// `!name` or `!5`.
    Metadata(&'a [u8]),
    /// `#5` or `#dbg_declare`.
    Hash(&'a [u8]),
    /// A decimal integer with its sign.
    Integer(&'a [u8]),
    /// Any other number: decimal or hexadecimal floating point, `u0x…`.
    Number(&'a [u8]),
    /// What stands between quotes, escapes not resolved.
    Text(&'a [u8]),
    /// The same of `c"…"`.
    Bytes(&'a [u8]),
    /// `...`.
    Ellipsis,
    /// Any other byte.
    Mark(u8),
    /// Nothing is left.
    End,
}

/// A window of the text with its current token.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    /// Where the current token begins.
    start: usize,
    /// Where the next one is looked for.
    next: usize,
    /// Where the token before it ended.
    previous_end: usize,
    end: usize,
    token: Token<'a>,
}

impl<'a> Cursor<'a> {
    /// Reads `text[start..end]`; ends outside the text are moved into it.
    pub(super) fn new(text: &'a [u8], start: usize, end: usize) -> Self {
        let end = end.min(text.len());
        let mut cursor = Cursor { text, start, next: start.min(end), previous_end: start, end, token: Token::End };
        cursor.advance();
        cursor
    }

    /// The current token.
    pub(super) fn token(&self) -> Token<'a> {
        self.token
    }

    /// Where the current token begins in the text.
    pub(super) fn offset(&self) -> usize {
        self.start
    }

    /// Where the last token that was taken ended.
    pub(super) fn previous_end(&self) -> usize {
        self.previous_end
    }

    /// Where the window ends.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The text between an earlier offset and the current token.
    pub(super) fn since(&self, offset: usize) -> &'a [u8] {
        &self.text[offset.min(self.start)..self.start]
    }

    /// Goes on at `offset`.
    pub(super) fn seek(&mut self, offset: usize) {
        self.next = offset.min(self.end);
        self.advance();
    }

    /// Makes the next token the current one.
    pub(super) fn advance(&mut self) {
        self.previous_end = self.next;
        self.skip_blanks();
        self.start = self.next;
        let Some(&first) = self.text[..self.end].get(self.next) else {
            self.token = Token::End;
            return;
        };
        self.next += 1;
        self.token = match first {
            b'%' => self.sigil(Token::Local, first),
            b'@' => self.sigil(Token::Global, first),
            b'$' => self.sigil(Token::Comdat, first),
            b'!' => self.after_bang(),
            b'#' => self.sigil(Token::Hash, first),
            b'"' => Token::Text(self.quoted()),
            b'-' | b'+' | b'0'..=b'9' => self.number(),
            b'c' if self.byte() == b'"' => {
                self.next += 1;
                Token::Bytes(self.quoted())
            }
            b'.' if self.text[self.next..self.end].starts_with(b"..") => {
                self.next += 2;
                Token::Ellipsis
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' => self.word(),
            other => Token::Mark(other),
        };
    }

    /// Takes the token if it is this mark.
    pub(super) fn take(&mut self, mark: u8) -> bool {
        let is_there = self.token == Token::Mark(mark);
        if is_there {
            self.advance();
        }
        is_there
    }

    /// Takes the token if it is this word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        if is_there {
            self.advance();
        }
        is_there
    }

    /// True where the token is this word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.token == Token::Word(word.as_bytes())
    }

    /// The first byte after the current token.
    pub(super) fn byte_after(&self) -> u8 {
        self.byte()
    }

    /// Goes past the bracket that closes the current one, whatever is inside; past nothing if there is no bracket.
    pub(super) fn skip_group(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.token {
                Token::Mark(b'(' | b'[' | b'{') => depth += 1,
                Token::Mark(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
                Token::End => return,
                _ => {}
            }
            if depth == 0 {
                if matches!(self.token, Token::Mark(b')' | b']' | b'}')) {
                    self.advance();
                }
                return;
            }
            self.advance();
        }
    }

    fn byte(&self) -> u8 {
        self.text[..self.end].get(self.next).copied().unwrap_or(b'\n')
    }

    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.text[..self.end].get(self.next) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.next += 1,
                b';' => self.next = line_end(&self.text[..self.end], self.next),
                _ => return,
            }
        }
    }

    fn name_bytes(&mut self) -> &'a [u8] {
        let from = self.next;
        let length = self.text[from..self.end].iter().take_while(|byte| is_name_byte(**byte)).count();
        self.next = from + length;
        &self.text[from..self.next]
    }

    fn sigil(&mut self, make: fn(&'a [u8]) -> Token<'a>, sigil: u8) -> Token<'a> {
        if self.byte() == b'"' {
            let from = self.next;
            self.next += 1;
            self.quoted();
            return make(&self.text[from..self.next]);
        }
        match self.name_bytes() {
            b"" => Token::Mark(sigil),
            name => make(name),
        }
    }

    fn after_bang(&mut self) -> Token<'a> {
        match self.byte() {
            b'{' | b'"' | b'(' => Token::Mark(b'!'),
            _ => {
                let from = self.next;
                let is_name = |byte: u8| is_name_byte(byte) || byte == b'\\';
                let length = self.text[from..self.end].iter().take_while(|byte| is_name(**byte)).count();
                self.next = from + length;
                if length == 0 { Token::Mark(b'!') } else { Token::Metadata(&self.text[from..self.next]) }
            }
        }
    }

    /// What stands up to the closing quote, or to the end.
    fn quoted(&mut self) -> &'a [u8] {
        let from = self.next;
        let rest = &self.text[from..self.end];
        let length = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        self.next = (from + length + 1).min(self.end);
        &rest[..length]
    }

    fn number(&mut self) -> Token<'a> {
        let from = self.next - 1;
        let digits = self.text[self.next..self.end].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.next += digits;
        match self.byte() {
            // `0x…`, `1.5e+00`, and labels such as `5.i`.
            byte if is_name_byte(byte) && byte != b'-' => {
                self.name_bytes();
                if self.text[self.next - 1] == b'e' && self.byte() == b'+' {
                    self.next += 1;
                    self.name_bytes();
                }
                Token::Number(&self.text[from..self.next])
            }
            _ if digits == 0 && !self.text[from].is_ascii_digit() => Token::Mark(self.text[from]),
            _ => Token::Integer(&self.text[from..self.next]),
        }
    }

    fn word(&mut self) -> Token<'a> {
        let from = self.next - 1;
        self.name_bytes();
        let word = &self.text[from..self.next];
        // Integers wider than 64 bits are written `u0x…` and `s0x…` in places.
        if matches!(word, [b'u' | b's', b'0', b'x', ..]) { Token::Number(word) } else { Token::Word(word) }
    }
}

/// Where the line that `at` is in ends: the offset of its newline, or of the end of the text.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length)
}

/// A name or string with its escapes (`\22`, `\\`) resolved, and a name's quotes taken off.
pub(super) fn unescape(raw: &[u8]) -> Vec<u8> {
    let raw = raw.strip_prefix(b"\"").map_or(raw, |rest| rest.strip_suffix(b"\"").unwrap_or(rest));
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        bytes.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match *rest {
            [b'\\', ..] => {
                bytes.push(b'\\');
                rest = &rest[1..];
            }
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex_digit(high) << 4 | hex_digit(low));
                rest = &rest[2..];
            }
            _ => bytes.push(b'\\'),
        }
    }
    bytes.extend_from_slice(rest);
    bytes
}

/// The same as text, for names.
pub(super) fn unescaped_text(raw: &[u8]) -> String {
    if !raw.starts_with(b"\"") && memchr::memchr(b'\\', raw).is_none() {
        return String::from_utf8_lossy(raw).into_owned();
    }
    String::from_utf8_lossy(&unescape(raw)).into_owned()
}

/// A decimal number that fits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

const NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let ascii = byte as u8;
        table[byte] = ascii.is_ascii_alphanumeric() || matches!(ascii, b'_' | b'.' | b'$' | b'-');
        byte += 1;
    }
    table
};

fn is_name_byte(byte: u8) -> bool {
    NAME_BYTES[byte as usize]
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Token, unescape, unescaped_text};

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut cursor = Cursor::new(text.as_bytes(), 0, text.len());
        let mut tokens = Vec::new();
        while cursor.token() != Token::End {
            tokens.push(cursor.token());
            cursor.advance();
        }
        tokens
    }

    #[test]
    fn an_instruction_is_cut_into_tokens() {
        assert_eq!(
            tokens("  %3 = call i8* @\"a b\"(i64 -4, ...) #9, !dbg !12 ; why\n"),
            [
                Token::Local(b"3"),
                Token::Mark(b'='),
                Token::Word(b"call"),
                Token::Word(b"i8"),
                Token::Mark(b'*'),
                Token::Global(b"\"a b\""),
                Token::Mark(b'('),
                Token::Word(b"i64"),
                Token::Integer(b"-4"),
                Token::Mark(b','),
                Token::Ellipsis,
                Token::Mark(b')'),
                Token::Hash(b"9"),
                Token::Mark(b','),
                Token::Metadata(b"dbg"),
                Token::Metadata(b"12"),
            ]
        );
    }

    #[test]
    fn numbers_and_strings_of_each_notation() {
        assert_eq!(
            tokens("2.5e+00 1.0e-5 0x7FF0 0xK7F u0xFF c\"a\\00\" !\"s\" !{ !{} -"),
            [
                Token::Number(b"2.5e+00"),
                Token::Number(b"1.0e-5"),
                Token::Number(b"0x7FF0"),
                Token::Number(b"0xK7F"),
                Token::Number(b"u0xFF"),
                Token::Bytes(b"a\\00"),
                Token::Mark(b'!'),
                Token::Text(b"s"),
                Token::Mark(b'!'),
                Token::Mark(b'{'),
                Token::Mark(b'!'),
                Token::Mark(b'{'),
                Token::Mark(b'}'),
                Token::Mark(b'-'),
            ]
        );
    }

    #[test]
    fn unfinished_text_ends() {
        assert_eq!(tokens("\"abc"), [Token::Text(b"abc")]);
        assert_eq!(tokens("%\""), [Token::Local(b"\"")]);
        assert_eq!(tokens("% @ ! #"), [Token::Mark(b'%'), Token::Mark(b'@'), Token::Mark(b'!'), Token::Mark(b'#')]);
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescape(b"a\\0A\\\\\\zz\\2"), b"a\n\\\\zz\\2");
        assert_eq!(unescaped_text(b"\"a\\22b\""), "a\"b");
        assert_eq!(unescaped_text(b"plain"), "plain");
    }

    #[test]
    fn groups_are_skipped_whole() {
        let text = b"(a [b] {c}) d";
        let mut cursor = Cursor::new(text, 0, text.len());
        cursor.skip_group();
        assert_eq!(cursor.token(), Token::Word(b"d"));
    }
}
