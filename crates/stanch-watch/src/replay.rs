//! Runs the detector over recorded series: CSV in, one conclusion a series out.
//!
//! Reading is tolerant and tells: lines that make no sense are counted with their numbers, and a file of which too many
//! make none is refused. Bytes in, no files opened.
mod csv;
mod json;
mod text;

use crate::detect::{Conclusion, Detector, Looks};
use crate::series::{Event, Sample};
use flate2::read::MultiGzDecoder;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

pub use json::write as write_json;
pub use text::write as write_text;

/// A series and what is said of it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The name in the file.
    pub series: String,
    /// How many samples it has.
    pub samples: u64,
    /// What is said of it.
    pub conclusion: Conclusion,
}

/// What a replay gives: the series in the order of their names in the file, and what of the file was not understood.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// One for each series.
    pub series: Vec<Replayed>,
    /// What was left out, each a sentence for people.
    pub notes: Vec<String>,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The system refused.
    #[error("cannot be read")]
    Io(#[from] io::Error),
    /// There is nothing in it.
    #[error("it is empty\nhint: the first line of such a file is `{0}`")]
    Empty(&'static str),
    /// The first line is another one.
    #[error("its first line is `{found}`, not `{wanted}`\nhint: {hint}")]
    Header {
        /// What stands there.
        found: String,
        /// What should.
        wanted: &'static str,
        /// What to do.
        hint: String,
    },
    /// More lines make no sense than can be overlooked.
    #[error("{bad} of {lines} lines make no sense; the first is {first}")]
    Lines {
        /// How many.
        bad: u64,
        /// Of how many.
        lines: u64,
        /// `line N: why`.
        first: String,
    },
    /// There is a header and nothing else.
    #[error("it has no samples")]
    NoSamples,
}

/// Replays `series`, in CSV, as it is or packed with gzip, with what happened meanwhile.
///
/// # Errors
/// Where the file cannot be read, is of another kind, or is mostly broken.
pub fn replay(series: impl Read, events: Option<impl Read>, looks: Looks) -> Result<Replay, FileError> {
    let in_events = |error| FileError { file: WhichFile::Events, error };
    let mut notes = Vec::new();
    let events = match events {
        Some(input) => {
            let mut lines = csv::Lines::open(unpacked(input).map_err(in_events)?, csv::EVENTS).map_err(in_events)?;
            let events = lines.events().map_err(in_events)?;
            notes.extend(lines.notes("events"));
            events
        }
        None => HashMap::new(),
    };
    let in_series = |error| FileError { file: WhichFile::Series, error };
    let mut lines = csv::Lines::open(unpacked(series).map_err(in_series)?, csv::SERIES).map_err(in_series)?;
    let mut table = Table::new(looks, events);
    lines.samples(&mut table).map_err(in_series)?;
    if table.tracks.is_empty() {
        return Err(in_series(ReplayError::NoSamples));
    }
    notes.extend(lines.notes("samples"));
    notes.extend(table.notes());
    Ok(Replay { series: table.finish(), notes })
}

/// Which of the two files an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichFile {
    /// The samples.
    Series,
    /// What happened.
    Events,
}

/// An error and the file that it is about.
#[derive(Debug)]
pub struct FileError {
    /// Which file.
    pub file: WhichFile,
    /// What is wrong with it.
    pub error: ReplayError,
}

/// The bytes, unpacked where they are packed with gzip.
fn unpacked<'a>(input: impl Read + 'a) -> Result<Box<dyn BufRead + 'a>, ReplayError> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    const BUFFER_BYTES: usize = 256 << 10;
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    if input.fill_buf()?.starts_with(&MAGIC) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(input))));
    }
    Ok(Box::new(input))
}

/// All series of a file while it is read.
struct Table {
    looks: Looks,
    events: HashMap<String, Vec<Event>>,
    names: HashMap<String, usize>,
    tracks: Vec<Track>,
    /// The series of the last line: the next one is nearly always of the same.
    last: usize,
}

/// One series while it is read.
struct Track {
    name: String,
    detector: Detector,
    events: std::vec::IntoIter<Event>,
    samples: u64,
    last_s: f64,
    unsorted: u64,
}

impl Table {
    fn new(looks: Looks, events: HashMap<String, Vec<Event>>) -> Self {
        Self { looks, events, names: HashMap::new(), tracks: Vec::new(), last: 0 }
    }

    fn push(&mut self, name: &str, sample: &Sample) {
        if self.tracks.get(self.last).is_none_or(|track| track.name != name) {
            self.last = self.find(name);
        }
        self.tracks[self.last].push(sample);
    }

    fn find(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let mut events = self.events.remove(name).unwrap_or_default();
        events.sort_by(|one, other| one.time_s.total_cmp(&other.time_s));
        self.names.insert(name.to_owned(), self.tracks.len());
        self.tracks.push(Track {
            name: name.to_owned(),
            detector: Detector::new(self.looks),
            events: events.into_iter(),
            samples: 0,
            last_s: f64::NEG_INFINITY,
            unsorted: 0,
        });
        self.tracks.len() - 1
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let unsorted: u64 = self.tracks.iter().map(|track| track.unsorted).sum();
        if let Some(first) = self.tracks.iter().find(|track| 0 < track.unsorted) {
            notes.push(format!(
                "{unsorted} samples are older than the one before them and were left out, the first in series `{}`; \
                 sort the file by time",
                first.name
            ));
        }
        if !self.events.is_empty() {
            let mut names: Vec<&str> = self.events.keys().map(String::as_str).collect();
            names.sort_unstable();
            notes.push(format!("events of {} series have no samples, the first is `{}`", names.len(), names[0]));
        }
        notes
    }

    fn finish(self) -> Vec<Replayed> {
        let conclude = |track: Track| Replayed {
            series: track.name,
            samples: track.samples,
            conclusion: track.detector.conclude(),
        };
        self.tracks.into_iter().map(conclude).collect()
    }
}

impl Track {
    fn push(&mut self, sample: &Sample) {
        if sample.time_s < self.last_s {
            self.unsorted += 1;
            return;
        }
        self.last_s = sample.time_s;
        self.samples += 1;
        while let Some(event) = self.events.as_slice().first().filter(|event| event.time_s <= sample.time_s) {
            self.detector.event(event);
            self.events.next();
        }
        self.detector.sample(sample);
    }
}
