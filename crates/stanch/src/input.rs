//! What `stanch report` and `stanch diff` read: recordings, files of other tools, and for a comparison also reports in
//! JSON, told apart by their content.
use crate::progress::Progress;
use anyhow::{Context, Error, Result};
use stanch_capture::Names;
use stanch_finding::Report;
use stanch_import::{ImportError, Imported};
use stanch_recording::{ReadError, Recording};
use stanch_report::json;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

const UNKNOWN: &str = "neither a recording nor a file of another tool that is known";
const HINT: &str = "\nhint: `stanch run --record FILE -- PROGRAM` writes recordings; files of heaptrack, pprof, \
                    jemalloc, tcmalloc, valgrind (XML) and LeakSanitizer are read, too";

/// Reads a file of whatever kind; what of it is missing or damaged is among the recording's losses.
pub(crate) fn read(path: &Path) -> Result<Recording> {
    let refused = || format!("cannot read `{}`", path.display());
    let facts = std::fs::metadata(path).with_context(refused)?;
    if !facts.is_file() && !facts.is_dir() {
        // A pipe can be read only once, and not backwards.
        return from_bytes(&whole(path)?, path);
    }
    let file = File::open(path).with_context(refused)?;
    match stanch_recording::read(Counted::new(file, facts.len())) {
        Err(ReadError::NotARecording) => import(File::open(path).with_context(refused)?, facts.len(), path),
        result => recorded(result, path),
    }
}

/// What findings come from.
pub(crate) enum Source {
    Recording(Recording),
    Reports(Vec<Report>),
}

/// Reads what can be compared: beside all that [`read`] takes, reports in JSON.
pub(crate) fn read_source(path: &Path) -> Result<Source> {
    let refused = || format!("cannot read `{}`", path.display());
    let facts = std::fs::metadata(path).with_context(refused)?;
    let is_pipe = !facts.is_file() && !facts.is_dir();
    if facts.is_dir() || (facts.is_file() && !is_json(&beginning(path).with_context(refused)?)) {
        return read(path).map(Source::Recording);
    }
    let bytes = whole(path)?;
    if is_pipe && !is_json(&bytes) {
        return from_bytes(&bytes, path).map(Source::Recording);
    }
    let text = String::from_utf8(bytes).map_err(|_| Error::msg(format!("{}: it is not text in UTF-8", refused())))?;
    json::read(&text).map(Source::Reports).with_context(refused)
}

/// True for what begins like an object or an array, as no file does that [`read`] knows.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

fn beginning(path: &Path) -> std::io::Result<Vec<u8>> {
    const ENOUGH: u64 = 4096;
    let mut bytes = Vec::new();
    File::open(path)?.take(ENOUGH).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn whole(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

fn from_bytes(bytes: &[u8], path: &Path) -> Result<Recording> {
    match stanch_recording::read(Cursor::new(bytes)) {
        Err(ReadError::NotARecording) => import(bytes, bytes.len() as u64, path),
        result => recorded(result, path),
    }
}

fn recorded(result: Result<(Recording, Vec<stanch_recording::Loss>), ReadError>, path: &Path) -> Result<Recording> {
    let (mut recording, losses) = result.map_err(|error| {
        let refused = format!("cannot read `{}`", path.display());
        match error {
            ReadError::Io(cause) => Error::new(cause).context(refused),
            error => Error::new(error).context(refused),
        }
    })?;
    recording.losses.extend(losses);
    Ok(recording)
}

fn import(input: impl Read, length_bytes: u64, path: &Path) -> Result<Recording> {
    let link_address = |module: &str| stanch_symbols::link_address(Path::new(module));
    let counted = Counted::new(input, length_bytes);
    let imported = stanch_import::read(counted, length_bytes, &link_address);
    let Imported { mut recording, .. } = imported.map_err(|error| {
        let refused = format!("cannot read `{}`", path.display());
        match error {
            ImportError::Io(cause) => Error::new(cause).context(refused),
            ImportError::Unknown => Error::msg(format!("{refused}: {UNKNOWN}{HINT}")),
            error @ ImportError::NotMemory(_) => Error::new(error).context(
                refused
                    + "\nhint: a heap profile has `inuse_space` or `alloc_space`; Go writes it to \
                           `/debug/pprof/heap`",
            ),
            error @ (ImportError::Packed(_) | ImportError::Broken { .. }) => Error::new(error).context(refused),
        }
    })?;
    let progress = Progress::new("finding names for stacks");
    stanch_capture::resolve(&mut recording, Names::All, |done, total| progress.at(done as u64, total as u64));
    drop(progress);
    stanch_import::settle(&mut recording);
    Ok(recording)
}

/// A file that tells people how much of it was read.
struct Counted<R> {
    input: R,
    read_bytes: u64,
    length_bytes: u64,
    progress: Progress,
}

impl<R> Counted<R> {
    fn new(input: R, length_bytes: u64) -> Self {
        Self { input, read_bytes: 0, length_bytes, progress: Progress::new("loading the file") }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read_bytes += count as u64;
        self.progress.at(self.read_bytes, self.length_bytes);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.input.seek(position)
    }
}
