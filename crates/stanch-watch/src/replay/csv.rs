//! The two files of a replay, line by line: quoted names, carriage returns and byte order marks are understood.
use super::{ReplayError, Table};
use crate::series::{Event, EventKind, Sample};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::BufRead;

/// First line of a file of samples.
pub(super) const SERIES: &str = "time,series,bytes,limit,load";
/// First line of a file of events.
pub(super) const EVENTS: &str = "time,series,event";
/// So many lines, or this share of them, may make no sense.
const BAD_LINES: u64 = 10;
const BAD_SHARE: f64 = 0.01;
/// A line is no longer than this.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Times and amounts beyond these (30 million years, an exabyte) are none.
const TIME_MOST_S: f64 = 1e15;
const BYTES_MOST: f64 = 1.2e18;

/// The lines of a file below its header.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    line: Vec<u8>,
    number: u64,
    read: u64,
    bad: u64,
    /// `line N: why` of the first that made no sense.
    first_bad: Option<String>,
    /// Why nothing more could be read, where the file is cut off.
    cut: Option<String>,
}

impl<'a> Lines<'a> {
    /// Looks at the header.
    pub(super) fn open(input: Box<dyn BufRead + 'a>, header: &'static str) -> Result<Self, ReplayError> {
        let mut lines = Self { input, line: Vec::new(), number: 0, read: 0, bad: 0, first_bad: None, cut: None };
        if !lines.next()? {
            return Err(match lines.cut {
                Some(why) => ReplayError::Io(std::io::Error::new(std::io::ErrorKind::InvalidData, why)),
                None => ReplayError::Empty(header),
            });
        }
        let text = String::from_utf8_lossy(&lines.line);
        let found = text.trim_start_matches('\u{feff}').trim();
        let plain: String = found.chars().filter(|letter| !letter.is_whitespace() && *letter != '"').collect();
        if plain.eq_ignore_ascii_case(header) {
            return Ok(lines);
        }
        let hint = if header == SERIES {
            "seconds, a name, bytes; limit and load may be empty, their commas stay".to_owned()
        } else {
            "seconds, a series' name, and `restart`, `deploy` or `config`".to_owned()
        };
        let found: String =
            found.chars().take(80).map(|letter| if letter.is_control() { '·' } else { letter }).collect();
        Err(ReplayError::Header { found, wanted: header, hint })
    }

    /// Reads the next line; false at the end.
    fn next(&mut self) -> Result<bool, ReplayError> {
        self.line.clear();
        let result = std::io::Read::take(&mut self.input, LINE_BYTES_MAX as u64).read_until(b'\n', &mut self.line);
        match result {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            // A packed file that is cut off or damaged still has what comes before.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::UnexpectedEof
                        | std::io::ErrorKind::InvalidInput
                        | std::io::ErrorKind::InvalidData
                ) =>
            {
                self.cut = Some(format!("its packed data ends early or is damaged after line {}", self.number));
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.number += 1;
        while matches!(self.line.last(), Some(b'\n' | b'\r')) {
            self.line.pop();
        }
        Ok(true)
    }

    /// Gives all samples to the table.
    pub(super) fn samples(&mut self, table: &mut Table) -> Result<(), ReplayError> {
        self.each(|line| {
            let (name, sample) = sample(line)?;
            table.push(&name, &sample);
            Ok(())
        })
    }

    /// All events, by series.
    pub(super) fn events(&mut self) -> Result<HashMap<String, Vec<Event>>, ReplayError> {
        let mut events: HashMap<String, Vec<Event>> = HashMap::new();
        self.each(|line| {
            let (name, event) = event(line)?;
            events.entry(name.into_owned()).or_default().push(event);
            Ok(())
        })?;
        Ok(events)
    }

    fn each(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), ReplayError> {
        while self.next()? {
            if self.line.trim_ascii().is_empty() {
                continue;
            }
            self.read += 1;
            if let Err(why) = take(&self.line) {
                self.bad += 1;
                self.first_bad.get_or_insert_with(|| format!("line {}: {why}", self.number));
            }
        }
        let most = BAD_LINES.max((BAD_SHARE * self.read as f64) as u64).min(self.read / 2);
        if most < self.bad {
            let first = self.first_bad.clone().unwrap_or_default();
            return Err(ReplayError::Lines { bad: self.bad, lines: self.read, first });
        }
        Ok(())
    }

    /// What people should know of what was read.
    pub(super) fn notes(&self, what: &str) -> Vec<String> {
        let bad = self.first_bad.as_ref().map(|first| format!("{} lines of {what} were left out; {first}", self.bad));
        let cut = self.cut.as_ref().map(|why| format!("the file of {what} is not whole: {why}"));
        bad.into_iter().chain(cut).collect()
    }
}

fn sample(line: &[u8]) -> Result<(Cow<'_, str>, Sample), String> {
    let mut fields = Fields(Some(line));
    let time_s = time(fields.next_field()?)?;
    let name = name(fields.next_field()?)?;
    let bytes = amount(fields.next_field()?, "bytes")?.ok_or("there are no bytes")?;
    // Columns at the end may be missing together with their commas.
    let limit_bytes = amount(fields.next_field().unwrap_or_default(), "the limit")?;
    let load = number(fields.next_field().unwrap_or_default(), "the load")?;
    if fields.0.is_some() {
        return Err("it has more than five fields".to_owned());
    }
    Ok((name, Sample { time_s, bytes, limit_bytes: limit_bytes.filter(|limit| 0.0 < *limit), load }))
}

fn event(line: &[u8]) -> Result<(Cow<'_, str>, Event), String> {
    let mut fields = Fields(Some(line));
    let time_s = time(fields.next_field()?)?;
    let name = name(fields.next_field()?)?;
    let kind = match text(fields.next_field()?).trim() {
        "restart" => EventKind::Restart,
        "deploy" => EventKind::Deploy,
        "config" => EventKind::Config,
        other => return Err(format!("`{}` is none of `restart`, `deploy`, `config`", short(other))),
    };
    Ok((name, Event { time_s, kind }))
}

fn time(field: &[u8]) -> Result<f64, String> {
    let value = number(field, "the time")?.ok_or("there is no time")?;
    if value.abs() <= TIME_MOST_S { Ok(value) } else { Err(format!("`{}` is no time in seconds", show(field))) }
}

fn amount(field: &[u8], what: &str) -> Result<Option<f64>, String> {
    match number(field, what)? {
        Some(value) if !(0.0..=BYTES_MOST).contains(&value) => {
            Err(format!("`{}` is no amount of memory in bytes ({what})", show(field)))
        }
        value => Ok(value),
    }
}

/// `None` where the field is empty.
fn number(field: &[u8], what: &str) -> Result<Option<f64>, String> {
    let field = field.trim_ascii();
    if field.is_empty() {
        return Ok(None);
    }
    // Most are whole numbers, and these are quickly read.
    if field.len() <= 15 && field.iter().all(u8::is_ascii_digit) {
        return Ok(Some(field.iter().fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0')) as f64));
    }
    let value = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f64>().ok());
    match value.filter(|value| value.is_finite()) {
        Some(value) => Ok(Some(value)),
        None => Err(format!("`{}` is no number ({what})", show(field))),
    }
}

fn name(field: &[u8]) -> Result<Cow<'_, str>, String> {
    let name = text(field);
    if name.is_empty() { Err("the series has no name".to_owned()) } else { Ok(name) }
}

/// A field as text, without the quotes around it.
fn text(field: &[u8]) -> Cow<'_, str> {
    match field {
        [b'"', inner @ .., b'"'] => Cow::Owned(String::from_utf8_lossy(inner).replace("\"\"", "\"")),
        _ => String::from_utf8_lossy(field),
    }
}

fn show(field: &[u8]) -> String {
    short(&String::from_utf8_lossy(field))
}

fn short(text: &str) -> String {
    text.chars().take(40).map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

/// What is left of a line; `None` when all fields were taken.
struct Fields<'a>(Option<&'a [u8]>);

impl<'a> Fields<'a> {
    fn next_field(&mut self) -> Result<&'a [u8], String> {
        let rest = self.0.ok_or("fields are missing")?;
        let end =
            if rest.first() == Some(&b'"') { quoted_end(rest) } else { rest.iter().position(|byte| *byte == b',') };
        let (field, rest) = match end {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        self.0 = rest;
        Ok(field)
    }
}

/// The comma behind a field in quotes, in which two quotes are one.
fn quoted_end(rest: &[u8]) -> Option<usize> {
    let mut is_inside = false;
    rest.iter().position(|byte| {
        is_inside ^= *byte == b'"';
        *byte == b',' && !is_inside
    })
}
