//! `stanch report` and `stanch snapshot`: reports on what was recorded, or is being recorded.
use crate::args::{OutputArgs, ReportArgs, SnapshotArgs, WeightName};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::settings::{OutputPlan, Settings};
use crate::{VerbResult, destination, input};
use anyhow::{Result, bail};
use stanch_process::Pid;
use stanch_recording::Recording;
use std::collections::BTreeSet;

pub(crate) fn report(args: &ReportArgs) -> VerbResult {
    let mut plan = plan(&args.output)?;
    plan.measure = args.weight.map_or(plan.measure, WeightName::measure);
    let mut recording = input::read(&args.file)?;
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

/// What is wanted of the output, and whether it can be written.
pub(crate) fn plan(args: &OutputArgs) -> Result<OutputPlan> {
    let plan = Settings::load()?.output(args)?;
    output::check_format(&plan, Stream::Stdout)?;
    if let Some(path) = &plan.file {
        destination::check("report", path)?;
    }
    plan.tell_notes();
    Ok(plan)
}

fn show(recording: &Recording, plan: &OutputPlan) -> VerbResult {
    let reports = output::reports(recording, plan);
    output::write(recording, &reports, plan, Stream::Stdout)?;
    Ok(match plan.fail_on {
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::Clean,
    })
}
