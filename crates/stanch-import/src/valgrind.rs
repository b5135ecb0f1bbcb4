//! valgrind's XML, protocol 4: memcheck's leaks and wrong frees.
//! <https://sourceware.org/git/?p=valgrind.git;a=blob;f=docs/internals/xml-output-protocol4.txt>
mod record;

use crate::ImportError;
use crate::budget::Budget;
use crate::builder::ProcessBuilder;
use crate::lines::Lines;
use quick_xml::Reader;
use quick_xml::events::Event;
use record::{Record, RecordFrame};
use stanch_recording::{Ending, Loss, Recording, SnapshotReason};
use std::collections::HashMap;
use std::io::Read;

/// Elements nest no deeper than this; the rest of such a file is not read.
const DEPTH_MAX: usize = 32;
/// A single piece of markup or text is no longer.
const TEXT_BYTES_MAX: usize = 1 << 20;

pub(crate) fn read(lines: &mut Lines<'_>, budget: &mut Budget) -> Result<Recording, ImportError> {
    let mut document = Document::new();
    // A comment may be as long as the file, which may be packed.
    let most_bytes = budget.left() / 2;
    let mut xml = Reader::from_reader(lines.by_ref().take(most_bytes));
    let mut buffer = Vec::new();
    let damage = loop {
        buffer.clear();
        if budget.is_spent() {
            break None;
        }
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => {
                if document.path.len() == DEPTH_MAX {
                    break Some("its elements nest too deeply".to_owned());
                }
                document.open(start.name().as_ref());
            }
            Ok(Event::Text(text)) => document.add_text(&text),
            Ok(Event::CData(text)) => document.add_text(&text),
            Ok(Event::GeneralRef(name)) => document.add_text(entity(&name)),
            Ok(Event::End(_)) => document.close(budget),
            Ok(Event::Eof) => break (!document.is_complete).then(|| "it is cut off".to_owned()),
            Ok(_) => {}
            Err(quick_xml::Error::Io(error)) => return Err(std::io::Error::new(error.kind(), error.to_string()).into()),
            Err(error) => break Some(error.to_string()),
        }
        if buffer.capacity() > TEXT_BYTES_MAX {
            buffer = Vec::new();
        }
    };
    let mut recording = document.finish(budget);
    recording.losses.extend(damage.map(|why| Loss { what: "the end of the file".to_owned(), why }));
    Ok(recording)
}

/// The character that `&name;` stands for.
fn entity(name: &str) -> &str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => "?",
    }
}

/// What was read so far.
struct Document {
    /// Names of the open elements, the outermost first.
    path: Vec<String>,
    /// Text of the innermost one.
    text: String,
    builder: ProcessBuilder,
    record: Record,
    /// How often an error came, by its `unique`.
    counts: HashMap<String, u64>,
    /// Errors that are no leaks, written when their counts are known.
    misuses: Vec<Record>,
    pair: (String, String),
    losses: Vec<Loss>,
    has_indirect_records: bool,
    indirect_bytes: u64,
    is_complete: bool,
}

impl Document {
    fn new() -> Self {
        Self {
            path: Vec::new(),
            text: String::new(),
            builder: ProcessBuilder::new(),
            record: Record::default(),
            counts: HashMap::new(),
            misuses: Vec::new(),
            pair: Default::default(),
            losses: Vec::new(),
            has_indirect_records: false,
            indirect_bytes: 0,
            is_complete: false,
        }
    }

    fn open(&mut self, name: &str) {
        self.text.clear();
        match name {
            "error" => self.record = Record::default(),
            "stack" => self.record.stacks.push(Vec::new()),
            "frame" => self.record.frame = RecordFrame::default(),
            "pair" => self.pair = Default::default(),
            _ => {}
        }
        self.path.push(name.to_owned());
    }

    fn add_text(&mut self, text: &str) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        self.text.extend(text.chars().take(room));
    }

    fn close(&mut self, budget: &mut Budget) {
        let name = self.path.pop().unwrap_or_default();
        let parent = self.path.last().map(String::as_str).unwrap_or_default();
        let text = std::mem::take(&mut self.text).trim().to_owned();
        match (parent, name.as_str()) {
            ("valgrindoutput", "pid") => self.builder.process.pid = text.parse().unwrap_or(0),
            ("valgrindoutput", "ppid") => self.builder.process.parent_pid = text.parse().unwrap_or(0),
            ("argv", "exe") => {
                self.builder.process.executable.clone_from(&text);
                self.builder.process.command.insert(0, text);
            }
            ("argv", "arg") if budget.take(64 + text.len()) => self.builder.process.command.push(text),
            ("status", "time") => self.builder.process.duration_ms = duration_ms(&text).unwrap_or(0),
            ("frame", _) => self.record.frame.set(&name, text),
            ("stack", "frame") => self.record.add_frame(budget),
            ("valgrindoutput", "error") => self.add_record(budget),
            ("pair", "count") => self.pair.0 = text,
            ("pair", _) => self.pair.1 = text,
            ("errorcounts", "pair") if budget.take(128) => {
                let (count, unique) = std::mem::take(&mut self.pair);
                self.counts.insert(unique, count.parse().unwrap_or(1));
            }
            ("suppcounts", "pair") if budget.take(128 + self.pair.1.len()) => {
                let (count, name) = std::mem::take(&mut self.pair);
                let what = format!("{count} records of valgrind's");
                self.losses.push(Loss { what, why: format!("valgrind suppressed them: `{name}`") });
            }
            ("", "valgrindoutput") => self.is_complete = true,
            _ => self.record.set(&name, text),
        }
    }

    fn add_record(&mut self, budget: &mut Budget) {
        let record = std::mem::take(&mut self.record);
        if record.is_indirect() {
            self.has_indirect_records = true;
        }
        self.indirect_bytes = self.indirect_bytes.saturating_add(record.indirect_bytes());
        if record.is_leak() {
            record.add_leak(&mut self.builder, budget);
        } else if record.is_misuse() && budget.take(size_of::<Record>()) {
            self.misuses.push(record);
        }
    }

    fn finish(mut self, budget: &mut Budget) -> Recording {
        budget.open_reserve();
        for misuse in &self.misuses {
            misuse.add_misuse(self.counts.get(&misuse.unique).copied().unwrap_or(1), &mut self.builder, budget);
        }
        if self.indirect_bytes != 0 && !self.has_indirect_records {
            self.losses.push(Loss {
                what: format!("where {} indirectly lost bytes were allocated", self.indirect_bytes),
                why: "valgrind lists that with `--show-leak-kinds=all` only".to_owned(),
            });
        }
        self.builder.process.ending = if self.is_complete { Ending::Exited(None) } else { Ending::Unknown };
        let process = self.builder.finish(SnapshotReason::Exit);
        Recording {
            command: process.command.clone(),
            processes: vec![process],
            losses: self.losses,
            ..Recording::default()
        }
    }
}

/// `00:00:00:00.747`: days, hours, minutes, seconds.
fn duration_ms(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (days, hours, minutes) = (number()?, number()?, number()?);
    let seconds: f64 = parts.next()?.parse().ok()?;
    let whole = days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?;
    whole.checked_mul(60_000)?.checked_add((seconds * 1e3) as u64)
}
