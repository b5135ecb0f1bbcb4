//! `stanch check`: leaks in source.
mod gather;
mod watch;

use crate::args::{CheckArgs, FailOn, Format};
use crate::exit::Exit;
use crate::output::{self, Stream};
use crate::progress::Progress;
use crate::settings::variable;
use crate::{VerbResult, reports};
use anyhow::{Context, Error, Result, bail};
use gather::Gathered;
use stanch_finding::{Report, Subject, SubjectKind, Totals};
use stanch_recording::Recording;
use stanch_static::engine::Limits;
use stanch_static::models::Models;
use stanch_static::source::{Clang, ClangError, CompilePlan};
use stanch_static::{CheckPlan, Checked, Step, rules};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Where programs are looked for if `PATH` does not say.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Reasons that are told where nothing could be analysed.
const REASONS: usize = 5;

pub(crate) fn check(args: &CheckArgs) -> VerbResult {
    let plan = reports::plan(&args.output)?;
    check_format(plan.format)?;
    // What is missing is said before a build runs for minutes.
    let check_plan = CheckPlan { compile: compile_plan(args)?, models: models(args)?, limits: Limits::default() };
    check_rules(&args.rule)?;
    let mut gathered = gather::gather(args)?;
    gathered.sources.add_flags(&args.flag);
    let checked = analyse(&gathered, &check_plan)?;
    let report = plan.suppressions.apply(report(gathered, checked, args)?, plan.today);
    let reports = [report];
    output::write(&no_recording(), &reports, &plan, Stream::Stdout)?;
    let limit = plan.fail_on.unwrap_or(FailOn::DefinitelyLost);
    Ok(if output::fails(&reports, limit) { Exit::Findings } else { Exit::Clean })
}

/// A misspelt rule would find nothing, and look like success.
fn check_rules(wanted: &[String]) -> Result<()> {
    let known = rules::names();
    match wanted.iter().find(|rule| !known.contains(&rule.as_str())) {
        Some(unknown) => bail!("there is no rule `{unknown}`\nhint: rules are {}", known.join(", ")),
        None => Ok(()),
    }
}

fn check_format(format: Format) -> Result<()> {
    match format {
        Format::Text | Format::Json | Format::Sarif => Ok(()),
        _ => bail!("findings in source do not come in this format\nhint: give `--format text`, `json` or `sarif`"),
    }
}

fn compile_plan(args: &CheckArgs) -> Result<CompilePlan> {
    let wanted = args.clang.clone().or_else(|| variable("STANCH_CLANG").map(PathBuf::from));
    let search_path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from(DEFAULT_PATH));
    let clang = match wanted {
        Some(path) if path.components().count() == 1 => {
            let in_path =
                std::env::split_paths(&search_path).map(|folder| folder.join(&path)).find(|path| path.is_file());
            Clang::wanted(&in_path.unwrap_or(path))
        }
        Some(path) => Clang::wanted(&path),
        None => Clang::newest(&search_path),
    };
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    Ok(CompilePlan {
        clang: clang.map_err(with_clang_hint)?,
        jobs,
        time_limit: Duration::from_secs(args.compile_limit.max(1)),
    })
}

fn with_clang_hint(error: ClangError) -> Error {
    let hint = match error {
        ClangError::Missing => "install it: `apt-get install clang`, or name it with `--clang` or STANCH_CLANG",
        ClangError::Old(_) => "install a newer one, such as `apt-get install clang-16`",
        ClangError::Start(..) | ClangError::Other(_) => {
            "`--clang` and STANCH_CLANG take the path of a clang; without them the newest is found"
        }
    };
    let text = format!("{error}\nhint: {hint}");
    Error::new(error).context(text)
}

fn models(args: &CheckArgs) -> Result<Models> {
    let mut models = Models::built_in()?;
    for path in &args.models {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read models `{}`", path.display()))?;
        models.add(&path.display().to_string(), &text)?;
    }
    Ok(models)
}

/// Findings of what was gathered. Where nothing could be analysed, that is an error: it must not pass for "no leaks".
fn analyse(gathered: &Gathered, plan: &CheckPlan) -> Result<Checked> {
    let compiling = Progress::new("reading sources through clang");
    let mut analysing = None;
    let progress = std::sync::Mutex::new((Some(compiling), &mut analysing));
    let tell = |step: Step, done: usize, total: usize| {
        let Ok(mut shown) = progress.lock() else { return };
        if step == Step::Analyse && shown.0.take().is_some() {
            *shown.1 = Some(Progress::new("following paths through the program"));
        }
        let (compiling, analysing) = (shown.0.as_ref(), shown.1.as_ref());
        if let Some(bar) = compiling.or(analysing) {
            bar.at(done as u64, total as u64);
        }
    };
    let checked = stanch_static::check(&gathered.sources, plan, &tell);
    drop(progress);
    drop(analysing);
    if checked.analysed_files == 0 {
        let gaps = gathered.sources.gaps.iter().chain(&checked.incomplete);
        let reasons: Vec<String> = gaps.map(|gap| format!("\n  {}: {}", gap.what, gap.why)).collect();
        let more = match reasons.len().saturating_sub(REASONS) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let reasons: String = reasons.into_iter().take(REASONS).collect();
        bail!(
            "nothing was analysed{}{reasons}{more}\nhint: {}",
            if reasons.is_empty() { "" } else { ":" },
            gathered.hint
        );
    }
    Ok(checked)
}

fn report(gathered: Gathered, checked: Checked, args: &CheckArgs) -> Result<Report> {
    let mut incomplete = gathered.sources.gaps;
    incomplete.extend(checked.incomplete);
    let mut findings = checked.findings;
    if !args.rule.is_empty() {
        findings.retain(|finding| args.rule.contains(&finding.rule));
    }
    let files = if checked.analysed_files == 1 { "file" } else { "files" };
    Ok(Report {
        subject: Subject {
            kind: SubjectKind::Source,
            command: gathered.command,
            pid: None,
            parent_pid: None,
            exit_status: gathered.exit_status,
            ending: format!("{} {files} analysed", checked.analysed_files),
            duration: Duration::ZERO,
            pause: None,
        },
        totals: Totals::default(),
        sampling: None,
        incomplete,
        findings,
        suppressed: Vec::new(),
    })
}

/// Source has no processes.
fn no_recording() -> Recording {
    Recording { tool_version: output::VERSION.to_owned(), ..Recording::default() }
}
