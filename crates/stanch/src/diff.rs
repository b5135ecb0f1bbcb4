//! `stanch diff`: what became of each leak between two recordings or reports.
use crate::args::{DiffArgs, FailOn, Format};
use crate::exit::Exit;
use crate::input::{Source, read_source};
use crate::output::{VERSION, badness, deliver, reports_in, text_options};
use crate::settings::OutputPlan;
use crate::{VerbResult, output, reports};
use anyhow::{Context, Result, bail};
use stanch_finding::comparison::{Category, Change, Thresholds, compare};
use stanch_finding::{ByteCount, Report};
use stanch_leaks::Scope;
use stanch_report::{ComparedSide, json, text};
use std::path::Path;

pub(crate) fn diff(args: &DiffArgs) -> VerbResult {
    let plan = reports::plan(&args.output)?;
    check_format(plan.format)?;
    let (old, new) = (findings(&args.old, &plan)?, findings(&args.new, &plan)?);
    let limit = limit(&plan, &new)?;
    let thresholds = Thresholds { min_bytes: ByteCount(args.min_bytes.get()), min_percent: args.min_percent };
    let changes = compare(&old, &new, thresholds);
    let names = [&args.old, &args.new].map(|path| path.display().to_string());
    let old = ComparedSide { name: &names[0], reports: &old };
    let new = ComparedSide { name: &names[1], reports: &new };
    let stream = output::Stream::Stdout;
    let mut bytes = Vec::new();
    match plan.format {
        Format::Json => json::write_comparison(&changes, old, new, thresholds, VERSION, &mut bytes),
        _ => text::write_comparison(&changes, old, new, &text_options(&plan, stream), &mut bytes),
    }
    .context("cannot format the comparison")?;
    deliver(&bytes, &plan, stream)?;
    let is_worse = changes.iter().any(|change| fails(change, limit));
    Ok(if is_worse { Exit::Findings } else { Exit::Clean })
}

fn check_format(format: Format) -> Result<()> {
    match format {
        Format::Text | Format::Json => Ok(()),
        _ => bail!("a comparison does not come in this format\nhint: give `--format text` or `--format json`"),
    }
}

/// All findings of one side. What is still reachable counts also where it is not shown: it may have become lost.
fn findings(path: &Path, plan: &OutputPlan) -> Result<Vec<Report>> {
    let reports: Vec<Report> = match read_source(path)? {
        Source::Recording(recording) if recording.processes.is_empty() => Vec::new(),
        Source::Recording(recording) => reports_in(&recording, plan, Scope::Everything),
        Source::Reports(reports) => {
            reports.into_iter().map(|report| plan.suppressions.apply(report, plan.today)).collect()
        }
    };
    if reports.is_empty() {
        // Nobody looked: that must not pass for "nothing there".
        bail!(
            "`{}` has no process: there is nothing to compare\nhint: `stanch report` says why it was not recorded",
            path.display()
        );
    }
    Ok(reports)
}

/// What ends with status 1. Of a sampled process nothing is known to be lost, so what is live counts.
fn limit(plan: &OutputPlan, new: &[Report]) -> Result<FailOn> {
    let is_sampled = new.iter().any(|report| report.sampling.is_some());
    match plan.fail_on {
        Some(FailOn::DefinitelyLost | FailOn::PossiblyLost) if is_sampled => bail!(
            "a sampled recording cannot tell what is lost, so `--fail-on definitely-lost` or `possibly-lost` would \
             never fail\nhint: give `--fail-on still-reachable` to fail on anything live that is new or grew, or \
             `--fail-on never`"
        ),
        Some(limit) => Ok(limit),
        None if is_sampled => Ok(FailOn::StillReachable),
        None => Ok(FailOn::DefinitelyLost),
    }
}

/// True where there is more of something as bad as `limit` than before.
fn fails(change: &Change<'_>, limit: FailOn) -> bool {
    let Some(new) = change.new else { return false };
    let is_more = match change.category {
        Category::New | Category::Grown => true,
        Category::Changed => change.has_grown || change.old.is_some_and(|old| badness(old.kind) < badness(new.kind)),
        Category::Uncertain | Category::Shrunk | Category::Gone | Category::Same => false,
    };
    is_more && limit.is_reached(badness(new.kind))
}
