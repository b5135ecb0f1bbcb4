//! The blocks of a body: found before it is read, so that jumps forward have a target.

use std::collections::HashMap;

use super::lexer::{decimal, line_end};
use crate::ir::BlockId;

/// The blocks of one function, in the order of the text.
pub(super) struct Blocks<'a> {
    /// Where the code of each begins and ends.
    pub(super) windows: Vec<(usize, usize)>,
    /// Labels that are numbers, below the body's length in bytes: block by number, `u32::MAX` for none.
    numbered: Vec<u32>,
    number_limit: usize,
    named: HashMap<&'a [u8], BlockId>,
}

impl<'a> Blocks<'a> {
    /// Finds the blocks of the body `text[start..end]`. The first one, if it has no label, gets the number after those
    /// of the parameters without name.
    pub(super) fn scan(text: &'a [u8], (start, end): (usize, usize), unnamed_parameters: usize) -> Self {
        let number_limit = end.saturating_sub(start);
        let mut blocks = Blocks { windows: Vec::new(), numbered: Vec::new(), number_limit, named: HashMap::new() };
        let body = &text[..end.min(text.len())];
        let mut at = start.min(body.len());
        let (mut window_start, mut has_entry) = (at, false);
        while at < body.len() {
            let line = line_end(body, at);
            if let Some(length) = label_length(&body[at..line]) {
                if has_entry || !is_blank(&body[window_start..at]) {
                    if !has_entry {
                        blocks.add_number(unnamed_parameters);
                    }
                    blocks.windows.push((window_start, at));
                }
                has_entry = true;
                blocks.add(&text[at..at + length]);
                window_start = at + length + 1;
            }
            at = line + 1;
        }
        if !has_entry {
            blocks.add_number(unnamed_parameters);
        }
        blocks.windows.push((window_start, body.len()));
        blocks
    }

    /// The block of a label as it is written.
    pub(super) fn get(&self, label: &[u8]) -> Option<BlockId> {
        if let Some(number) = number(label).filter(|number| *number < self.number_limit) {
            return self.numbered.get(number).filter(|block| **block != u32::MAX).map(|block| BlockId(*block));
        }
        self.named.get(label).copied()
    }

    fn next(&self) -> u32 {
        u32::try_from(self.windows.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, label: &'a [u8]) {
        match number(label) {
            Some(number) if number < self.number_limit => self.add_number(number),
            _ => {
                let block = BlockId(self.next());
                self.named.entry(label).or_insert(block);
            }
        }
    }

    fn add_number(&mut self, number: usize) {
        if self.numbered.len() <= number {
            self.numbered.resize(number + 1, u32::MAX);
        }
        if self.numbered[number] == u32::MAX {
            self.numbered[number] = self.next();
        }
    }
}

/// The number that a name is.
pub(super) fn number(name: &[u8]) -> Option<usize> {
    if !name.first()?.is_ascii_digit() {
        return None;
    }
    decimal(name).and_then(|number| usize::try_from(number).ok())
}

/// Bytes of the label that a line begins with.
fn label_length(line: &[u8]) -> Option<usize> {
    let length = match line.first()? {
        b'"' => 2 + memchr::memchr(b'"', &line[1..])?,
        b' ' | b'\t' | b';' | b'}' | b'\r' => return None,
        _ => memchr::memchr2(b':', b' ', line)?,
    };
    (line.get(length) == Some(&b':')).then_some(length)
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::Blocks;
    use crate::ir::BlockId;

    fn scan(body: &str) -> Blocks<'_> {
        Blocks::scan(body.as_bytes(), (0, body.len()), 2)
    }

    #[test]
    fn blocks_are_numbered_in_order() {
        let body = "\n  br label %7\n\n7:          ; preds = %2\n  ret void\n\"a b\":\n  ret void\n";
        let blocks = scan(body);
        assert_eq!(blocks.get(b"2"), Some(BlockId(0)));
        assert_eq!(blocks.get(b"7"), Some(BlockId(1)));
        assert_eq!(blocks.get(b"\"a b\""), Some(BlockId(2)));
        assert_eq!((blocks.get(b"8"), blocks.get(b"a b"), blocks.windows.len()), (None, None, 3));
        let texts: Vec<&str> = blocks.windows.iter().map(|(start, end)| body[*start..*end].trim()).collect();
        assert_eq!(texts[0], "br label %7");
        assert!(texts[2] == "ret void" && texts[1].ends_with("ret void"));
    }

    #[test]
    fn the_first_block_may_have_a_label() {
        let blocks = scan("\nstart:\n  ret void\n");
        assert_eq!((blocks.get(b"start"), blocks.get(b"2"), blocks.windows.len()), (Some(BlockId(0)), None, 1));
        assert_eq!(scan("").windows.len(), 1);
    }
}
