//! A file line by line, however long its lines are.
use crate::budget::Budget;
use std::io::{self, BufRead, Read};

/// What is beyond this of a line is passed over. Names of C++ templates are long, nothing is longer.
const LINE_BYTES_MAX: usize = 1 << 20;

/// A reader of lines, with the beginning of the file to look at.
pub(crate) struct Lines<'a> {
    head: Vec<u8>,
    at: usize,
    input: Box<dyn BufRead + 'a>,
    line: Vec<u8>,
    is_cut: bool,
}

impl<'a> Lines<'a> {
    /// Reads `head_bytes` ahead. An error of the input ends it; it comes again when more is read.
    pub(crate) fn new(mut input: Box<dyn BufRead + 'a>, head_bytes: usize) -> Self {
        let mut head = Vec::new();
        // The next read fails in the same way, and then it is told.
        let _ = input.by_ref().take(head_bytes as u64).read_to_end(&mut head);
        Self { head, at: 0, input, line: Vec::new(), is_cut: false }
    }

    /// The first bytes of the file.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// True where the last line that was read did not end: whoever writes lines ends them.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The next line without its end, in UTF-8 as far as it is; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<String>> {
        self.line.clear();
        let mut is_end = true;
        let mut is_whole = false;
        loop {
            let (used, is_over) = {
                let buffer = fill(&self.head, self.at, &mut self.input)?;
                if buffer.is_empty() {
                    break;
                }
                is_end = false;
                let end = buffer.iter().position(|byte| *byte == b'\n');
                let part = &buffer[..end.unwrap_or(buffer.len())];
                let room = LINE_BYTES_MAX - self.line.len();
                self.line.extend_from_slice(&part[..part.len().min(room)]);
                (part.len() + usize::from(end.is_some()), end.is_some())
            };
            self.consume(used);
            if is_over {
                is_whole = true;
                break;
            }
        }
        self.is_cut |= !is_end && !is_whole;
        Ok((!is_end).then(|| String::from_utf8_lossy(&self.line).trim_end_matches('\r').to_owned()))
    }

    /// All that is left, as far as the budget reaches.
    pub(crate) fn rest(&mut self, budget: &mut Budget) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = budget.left() / 4;
        self.by_ref().take(most).read_to_end(&mut bytes)?;
        if !budget.take(bytes.len()) {
            bytes.clear();
        }
        let mut more = [0];
        if self.read(&mut more)? != 0 {
            budget.close();
        }
        Ok(bytes)
    }
}

fn fill<'b>(head: &'b [u8], at: usize, input: &'b mut Box<dyn BufRead + '_>) -> io::Result<&'b [u8]> {
    if at < head.len() { Ok(&head[at..]) } else { input.fill_buf() }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Lines<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        fill(&self.head, self.at, &mut self.input)
    }

    fn consume(&mut self, count: usize) {
        if self.at < self.head.len() {
            self.at += count;
        } else {
            self.input.consume(count);
        }
    }
}
