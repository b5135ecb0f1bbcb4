//! `stanch run`
use crate::args::{FailOn, RunArgs};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::progress::Progress;
use crate::recorder::{RECORDER, SAMPLED_RECORDER};
use crate::settings::{OutputPlan, Settings, variable};
use crate::{VerbResult, destination, export, tell};
use anyhow::{Context, Error, Result, bail};
use stanch_capture::{CaptureError, Event, Names, Outcome, RunPlan};
use stanch_recording::{Recording, WriteError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) fn run(args: &RunArgs) -> VerbResult {
    let settings = Settings::load()?;
    let output_plan = settings.output(&args.output)?;
    let plan = plan(args, &settings)?;
    output::check_format(&output_plan, Stream::Stderr)?;
    check_destinations(args, &output_plan)?;
    check_fail_on(&plan, &output_plan)?;
    output_plan.tell_notes();
    // From the moment at which the program itself has ended.
    let mut checking = None;
    let mut tell = |event| match event {
        Event::Checking(_) => checking = Some(Progress::new("working out what is lost")),
        event => tell_event(event),
    };
    let mut outcome = stanch_capture::run(&plan, &mut tell).map_err(with_hint)?;
    drop(checking);
    let wants_all = args.record.is_some() || export::wants_all_names(output_plan.format);
    let names = if wants_all { Names::All } else { Names::Reported(output_plan.scope()) };
    let progress = Progress::new("finding names for stacks");
    stanch_capture::resolve(&mut outcome.recording, names, |done, total| progress.at(done as u64, total as u64));
    drop(progress);
    let kept = args.record.as_deref().map_or(Ok(()), |path| keep(&outcome.recording, path));
    // The report comes first even where the recording could not be kept.
    let exit = report(&outcome, &output_plan);
    kept.and(exit)
}

fn plan(args: &RunArgs, settings: &Settings) -> Result<RunPlan> {
    let sampling = settings.sampling(args.sample)?;
    Ok(RunPlan {
        command: args.command.clone(),
        recorder: if sampling.is_some() { SAMPLED_RECORDER } else { RECORDER },
        sampling,
        temporary_folder: std::env::var_os("TMPDIR")
            .filter(|folder| !folder.is_empty())
            .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
        search_path: variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        preload: std::env::var_os("LD_PRELOAD"),
        follow_children: settings.follow_children(args.follow_children)?,
        linger: Duration::from_secs_f64(settings.linger_seconds(args.linger)?),
        tool_version: output::VERSION.to_owned(),
    })
}

/// A sample says nothing of what points to a block, so nothing could ever be found lost: that must not pass for
/// success.
fn check_fail_on(plan: &RunPlan, output: &OutputPlan) -> Result<()> {
    match output.fail_on {
        Some(FailOn::DefinitelyLost | FailOn::PossiblyLost) if plan.sampling.is_some() => bail!(
            "a sampled recording cannot tell what is lost, so `--fail-on definitely-lost` or `possibly-lost` would \
             never fail\nhint: leave out `--sample`, or give `--fail-on never`, or `--fail-on still-reachable` to fail \
             on anything that is live at the end"
        ),
        _ => Ok(()),
    }
}

fn check_destinations(args: &RunArgs, plan: &OutputPlan) -> Result<()> {
    if args.record.is_some() && args.record == plan.file {
        bail!(
            "cannot write both the recording and the report to one file\nhint: give `--record` or `--output` \
             another name"
        );
    }
    if let Some(path) = &args.record {
        destination::check("recording", path)?;
    }
    if let Some(path) = &plan.file {
        destination::check("report", path)?;
    }
    Ok(())
}

fn keep(recording: &Recording, path: &Path) -> Result<()> {
    let result = stanch_recording::write_file(recording, path);
    let result = result.map_err(|error| match error {
        WriteError::Io(cause) => Error::new(cause),
        other => Error::new(other),
    });
    result.with_context(|| format!("cannot write the recording to `{}`", path.display()))
}

fn report(outcome: &Outcome, plan: &OutputPlan) -> VerbResult {
    let reports = output::reports(&outcome.recording, plan);
    output::write(&outcome.recording, &reports, plan, Stream::Stderr)?;
    Ok(match plan.fail_on {
        // Nobody looked: that must not pass for "nothing found".
        Some(limit) if outcome.recording.processes.is_empty() && limit != FailOn::Never => Exit::Failure,
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::of_program(outcome.status),
    })
}

fn tell_event(event: Event) {
    match event {
        Event::Checking(_) => {}
        Event::WaitingForChildren(count) => {
            let processes = if count == 1 { "process" } else { "processes" };
            tell::note(&format!("waiting for {count} more {processes} (Ctrl-C ends the wait)"));
        }
        Event::WaitingForDaemon(pid) => {
            tell::note(&format!("following daemon {pid} to its end (Ctrl-C reports now)"));
        }
    }
}

/// What to do next is part of the error.
fn with_hint(error: CaptureError) -> Error {
    let hint = match &error {
        CaptureError::NotFound(name) if name.contains('/') => {
            "there is no file of this name; is it built, and the path right?"
        }
        CaptureError::NotFound(_) => "it is in no folder of PATH; give its path, such as `./NAME`",
        CaptureError::IsFolder(_) => "name the program in it",
        CaptureError::OtherMachine(_) => "build it for x86-64",
        CaptureError::Start { source, .. } => match source.kind() {
            ErrorKind::NotFound => "the interpreter or dynamic linker that it names is missing",
            ErrorKind::PermissionDenied => "the folder may be mounted with `noexec`",
            _ if source.raw_os_error() == Some(EXEC_FORMAT) => "a script begins with a line such as `#!/bin/sh`",
            _ => return Error::new(error),
        },
        _ => return Error::new(error),
    };
    let text = format!("{error}\nhint: {hint}");
    Error::new(error).context(text)
}

/// `ENOEXEC`: neither a program of this machine nor a script.
const EXEC_FORMAT: i32 = 8;
