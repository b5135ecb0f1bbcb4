//! `stanch report` and `stanch snapshot`: reports on what was recorded, or is being recorded.
use crate::VerbResult;
use crate::args::{OutputArgs, ReportArgs, SnapshotArgs};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::settings::Settings;
use anyhow::Context;
use stanch_recording::Recording;

pub(crate) fn report(args: &ReportArgs) -> VerbResult {
    let (mut recording, losses) = stanch_recording::read_file(&args.file)
        .with_context(|| format!("cannot read the recording `{}`", args.file.display()))?;
    if let Some(first) = recording.processes.first_mut() {
        first.losses.extend(losses);
    }
    show(&recording, &args.output)
}

pub(crate) fn snapshot(args: &SnapshotArgs) -> VerbResult {
    let recording = stanch_capture::request_snapshot(args.pid)?;
    show(&recording, &args.output)
}

fn show(recording: &Recording, args: &OutputArgs) -> VerbResult {
    let plan = Settings::load()?.output(args)?;
    let reports = output::reports(recording, &plan);
    output::write(&reports, &plan, Stream::Stdout)?;
    Ok(match plan.fail_on {
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::Clean,
    })
}
