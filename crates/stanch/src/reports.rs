//! `stanch report` and `stanch snapshot`: reports on what was recorded, or is being recorded.
use crate::args::{OutputArgs, ReportArgs, SnapshotArgs};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::progress::Progress;
use crate::settings::{OutputPlan, Settings};
use crate::{VerbResult, destination};
use anyhow::{Error, Result, bail};
use stanch_process::Pid;
use stanch_recording::{Loss, ReadError, Recording};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

pub(crate) fn report(args: &ReportArgs) -> VerbResult {
    let plan = plan(&args.output)?;
    let (mut recording, losses) = read(&args.file)?;
    recording.losses.extend(losses);
    show(&recording, &plan)
}

pub(crate) fn snapshot(args: &SnapshotArgs) -> VerbResult {
    let plan = plan(&args.output)?;
    if stanch_process::state(Pid(args.pid)).is_ok_and(|state| "ZX".contains(state)) {
        bail!("process {} has ended", args.pid);
    }
    let recording = stanch_capture::request_snapshot(args.pid)?;
    show(&recording, &plan)
}

fn plan(args: &OutputArgs) -> Result<OutputPlan> {
    let plan = Settings::load()?.output(args)?;
    output::check_format(&plan, Stream::Stdout)?;
    if let Some(path) = &plan.file {
        destination::check("report", path)?;
    }
    plan.tell_notes();
    Ok(plan)
}

fn read(path: &Path) -> Result<(Recording, Vec<Loss>)> {
    const HINT: &str = "\nhint: `stanch run --record FILE -- PROGRAM` writes recordings";
    read_with_progress(path).map_err(|error| {
        let refused = format!("cannot read the recording `{}`", path.display());
        match error {
            ReadError::Io(cause) => Error::new(cause).context(refused),
            ReadError::NotARecording => Error::new(error).context(refused + HINT),
            ReadError::TooNew { .. } => Error::new(error).context(refused),
        }
    })
}

/// As [`stanch_recording::read_file`], and says how far it is.
fn read_with_progress(path: &Path) -> Result<(Recording, Vec<Loss>), ReadError> {
    let file = File::open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return stanch_recording::read_file(path);
    }
    let progress = Progress::new("loading the recording");
    stanch_recording::read(Counted { file, read_bytes: 0, length: facts.len(), progress })
}

/// A file that tells how much of it was read.
struct Counted {
    file: File,
    read_bytes: u64,
    length: u64,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read_bytes += count as u64;
        self.progress.at(self.read_bytes, self.length);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

fn show(recording: &Recording, plan: &OutputPlan) -> VerbResult {
    let reports = output::reports(recording, plan);
    output::write(recording, &reports, plan, Stream::Stdout)?;
    Ok(match plan.fail_on {
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::Clean,
    })
}
