//! What `stanch report` reads: recordings, and files of other tools, told apart by their content.
use crate::progress::Progress;
use anyhow::{Context, Error, Result};
use stanch_capture::Names;
use stanch_import::{ImportError, Imported};
use stanch_recording::{ReadError, Recording};
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
        let mut bytes = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)).with_context(refused)?;
        return match stanch_recording::read(Cursor::new(&bytes)) {
            Err(ReadError::NotARecording) => import(&bytes[..], bytes.len() as u64, path),
            result => recorded(result, path),
        };
    }
    let file = File::open(path).with_context(refused)?;
    match stanch_recording::read(Counted::new(file, facts.len())) {
        Err(ReadError::NotARecording) => import(File::open(path).with_context(refused)?, facts.len(), path),
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
