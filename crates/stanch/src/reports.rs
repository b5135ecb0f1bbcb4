//! `stanch report` and `stanch snapshot`: reports on what was recorded, or is being recorded.
use crate::args::{OutputArgs, ReportArgs, SnapshotArgs, WeightName};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::settings::{OutputPlan, Settings};
use crate::{VerbResult, destination};
use anyhow::{Error, Result, bail};
use stanch_process::Pid;
use stanch_recording::{Loss, ReadError, Recording};
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn report(args: &ReportArgs) -> VerbResult {
    let mut plan = plan(&args.output)?;
    plan.measure = args.weight.map_or(plan.measure, WeightName::measure);
    let (mut recording, losses) = read(&args.file)?;
    recording.losses.extend(losses);
    if let Some(pid) = args.process {
        select(&mut recording, pid)?;
    }
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

/// Leaves the images of one process; there are several where it replaced itself by another program.
fn select(recording: &mut Recording, pid: u32) -> Result<()> {
    let known: BTreeSet<String> = recording.processes.iter().map(|process| process.pid.to_string()).collect();
    recording.processes.retain(|process| process.pid == pid);
    if recording.processes.is_empty() {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        bail!("the recording has no process {pid}\nhint: it has {known}");
    }
    Ok(())
}

fn plan(args: &OutputArgs) -> Result<OutputPlan> {
    let plan = Settings::load()?.output(args)?;
    if let Some(path) = &plan.file {
        destination::check("report", path)?;
    }
    plan.tell_notes();
    Ok(plan)
}

fn read(path: &Path) -> Result<(Recording, Vec<Loss>)> {
    const HINT: &str = "\nhint: `stanch run --record FILE -- PROGRAM` writes recordings";
    stanch_recording::read_file(path).map_err(|error| {
        let refused = format!("cannot read the recording `{}`", path.display());
        match error {
            ReadError::Io(cause) => Error::new(cause).context(refused),
            ReadError::NotARecording => Error::new(error).context(refused + HINT),
            ReadError::TooNew { .. } => Error::new(error).context(refused),
        }
    })
}

fn show(recording: &Recording, plan: &OutputPlan) -> VerbResult {
    let reports = output::reports(recording, plan);
    output::write(recording, &reports, plan, Stream::Stdout)?;
    Ok(match plan.fail_on {
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::Clean,
    })
}
