//! `stanch diff`: what became of each leak between two recordings or reports.
use crate::args::{DiffArgs, FailOn, Format};
use crate::exit::Exit;
use crate::input::{self, Source, read_source};
use crate::moments::{self, Moment};
use crate::output::{VERSION, badness, deliver, html_options, reports_in, text_options};
use crate::progress::Progress;
use crate::settings::OutputPlan;
use crate::{VerbResult, output, reports};
use anyhow::{Context, Result, bail};
use stanch_finding::comparison::{Category, Change, Thresholds, compare};
use stanch_finding::{ByteCount, Report};
use stanch_leaks::Scope;
use stanch_recording::Recording;
use stanch_report::html::Comparison;
use stanch_report::{ComparedSide, html, json, text};
use std::path::Path;

pub(crate) fn diff(args: &DiffArgs) -> VerbResult {
    let plan = reports::plan(&args.output)?;
    check_format(plan.format)?;
    let sides = sides(args, &plan)?;
    let limit = limit(&plan, &sides[1].reports)?;
    let thresholds = Thresholds { min_bytes: ByteCount(args.min_bytes.get()), min_percent: args.min_percent };
    let changes = compare(&sides[0].reports, &sides[1].reports, thresholds);
    let [old, new] = [0, 1].map(|side| sides[side].compared());
    let stream = output::Stream::Stdout;
    let text = text_options(&plan, stream);
    let mut bytes = Vec::new();
    match plan.format {
        Format::Json => json::write_comparison(&changes, old, new, thresholds, VERSION, &mut bytes),
        Format::Html => {
            let recordings = sides[0].recording.as_ref().zip(sides[1].recording.as_ref());
            let recordings = recordings.map(|(old, new)| [old, new]);
            let comparison =
                Comparison { changes: &changes, old, new, recordings, thresholds, reachable: text.reachable };
            let progress = Progress::new("making the page");
            let counted = |done, total| progress.at(done, total);
            html::write_comparison(&comparison, &html_options(&plan, &counted), &mut bytes)
        }
        _ => text::write_comparison(&changes, old, new, &text, &mut bytes),
    }
    .context("cannot format the comparison")?;
    deliver(&bytes, &plan, stream)?;
    let is_worse = changes.iter().any(|change| fails(change, limit));
    Ok(if is_worse { Exit::Findings } else { Exit::Clean })
}

fn check_format(format: Format) -> Result<()> {
    match format {
        Format::Text | Format::Json | Format::Html => Ok(()),
        _ => bail!("a comparison does not come in this format\nhint: give `--format text`, `json` or `html`"),
    }
}

/// What is compared with the other.
struct Side {
    /// The file as it was named.
    name: String,
    /// All findings. What is still reachable counts also where it is not shown: it may have become lost.
    reports: Vec<Report>,
    /// `None` where the file holds reports only.
    recording: Option<Recording>,
}

/// Two files, or two snapshots in one.
fn sides(args: &DiffArgs, plan: &OutputPlan) -> Result<[Side; 2]> {
    match (&args.new, args.snapshots.as_deref()) {
        (_, Some(&[old, new])) => {
            let recording = input::read(&args.old)?;
            let file = args.old.display().to_string();
            let moments = moments::split(recording, &file, [old, new], args.process)?;
            Ok(moments.map(|moment| Side::of_moment(moment, plan)))
        }
        (Some(new), _) => Ok([Side::read(&args.old, plan)?, Side::read(new, plan)?]),
        (None, _) => bail!("there is nothing to compare with\nhint: name a second file, or give `--snapshots`"),
    }
}

impl Side {
    fn of_moment(moment: Moment, plan: &OutputPlan) -> Side {
        let reports = reports_in(&moment.recording, plan, Scope::Everything);
        Side { name: moment.name, reports, recording: Some(moment.recording) }
    }

    fn read(path: &Path, plan: &OutputPlan) -> Result<Side> {
        let name = path.display().to_string();
        let (reports, recording) = match read_source(path)? {
            Source::Recording(recording) if recording.processes.is_empty() => (Vec::new(), None),
            Source::Recording(recording) => (reports_in(&recording, plan, Scope::Everything), Some(recording)),
            Source::Reports(reports) => {
                let reports = reports.into_iter().map(|report| plan.suppressions.apply(report, plan.today));
                (reports.collect(), None)
            }
        };
        if reports.is_empty() {
            // Nobody looked: that must not pass for "nothing there".
            bail!(
                "`{name}` has no process: there is nothing to compare\nhint: `stanch report` says why it was \
                 not recorded"
            );
        }
        Ok(Side { name, reports, recording })
    }

    fn compared(&self) -> ComparedSide<'_> {
        ComparedSide { name: &self.name, reports: &self.reports }
    }
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
