//! `stanch run`
use crate::VerbResult;
use crate::args::RunArgs;
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::recorder::RECORDER;
use crate::settings::{Settings, variable};
use anyhow::Context;
use stanch_capture::{Event, Names, RunPlan};
use std::path::PathBuf;
use std::time::Duration;

pub(crate) fn run(args: &RunArgs) -> VerbResult {
    let settings = Settings::load()?;
    let output_plan = settings.output(&args.output)?;
    let plan = RunPlan {
        command: args.command.clone(),
        recorder: RECORDER,
        temporary_folder: variable("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
        search_path: variable("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
        preload: variable("LD_PRELOAD"),
        follow_children: settings.follow_children(args.follow_children)?,
        linger: Duration::from_secs_f64(settings.linger_seconds(args.linger)?),
        tool_version: output::VERSION.to_owned(),
    };
    output_plan.suppression_notes.iter().for_each(|note| tell(note));
    let mut outcome = stanch_capture::run(&plan, |event| match event {
        Event::WaitingForChildren(count) => {
            tell(&format!("waiting for {count} more {} (Ctrl-C ends the wait)", if count == 1 { "process" } else { "processes" }));
        }
        Event::WaitingForDaemon(pid) => tell(&format!("following daemon {pid} to its end (Ctrl-C reports now)")),
    })?;
    let names = if args.record.is_some() { Names::All } else { Names::Reported };
    stanch_capture::resolve(&mut outcome.recording, names, |_, _| {});
    if let Some(path) = &args.record {
        stanch_recording::write_file(&outcome.recording, path)
            .with_context(|| format!("cannot write the recording to `{}`", path.display()))?;
    }
    let reports = output::reports(&outcome.recording, &output_plan);
    output::write(&reports, &output_plan, Stream::Stderr)?;
    Ok(match output_plan.fail_on {
        Some(limit) if output::fails(&reports, limit) => Exit::Findings,
        _ => Exit::of_program(outcome.status),
    })
}

#[expect(clippy::print_stderr, reason = "what people should know goes to standard error")]
fn tell(message: &str) {
    eprintln!("stanch: {message}");
}
