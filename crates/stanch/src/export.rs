//! Formats of other tools: made from a recording's stacks, not from findings.
use crate::args::Format;
use crate::output::{Stream, VERSION};
use crate::settings::OutputPlan;
use crate::tell;
use stanch_recording::Recording;
use stanch_report::stacks::{Measure, ProcessStacks};
use stanch_report::{csv, firefox, folded, heaptrack, massif, pprof, speedscope};
use std::io::{self, IsTerminal};
use std::path::Path;

/// Writes the recording in one of these formats, and tells what the format cannot say.
pub(crate) fn write(format: Format, recording: &Recording, measure: Measure, bytes: &mut Vec<u8>) -> io::Result<()> {
    let processes: Vec<ProcessStacks<'_>> = recording.processes.iter().map(ProcessStacks::of).collect();
    tell_notes(format, &processes, measure);
    match format {
        Format::Text | Format::Json | Format::Sarif | Format::Html => Ok(()),
        Format::Pprof => pprof::write(recording, &processes, measure, bytes),
        Format::Folded => folded::write(&processes, measure, bytes),
        Format::Speedscope => speedscope::write(&processes, measure, VERSION, bytes),
        Format::Heaptrack => heaptrack::write(&processes, &recording.command, bytes),
        Format::Massif => massif::write(&processes, &recording.command, VERSION, bytes),
        Format::Firefox => firefox::write(recording, &processes, bytes),
        Format::Csv => csv::write(&processes, bytes),
    }
}

fn tell_notes(format: Format, processes: &[ProcessStacks<'_>], measure: Measure) {
    let is_weighed = matches!(format, Format::Folded | Format::Speedscope);
    if is_weighed && processes.iter().all(|process| measure.count(process.total(measure.weight)) == 0) {
        tell::note(&format!(
            "no {} {} in this recording; `--weight` chooses others, such as `--weight live-bytes`",
            measure.weight.as_str(),
            measure.unit.as_str()
        ));
    }
    if format == Format::Heaptrack
        && let Some(note) = heaptrack::note(processes)
    {
        tell::note(&note);
    }
}

/// Says where a tool will not open a file of this name.
pub(crate) fn tell_name(format: Format, path: &Path) {
    if format == Format::Heaptrack && path.extension().is_none_or(|ending| ending != "zst") {
        tell::note("heaptrack's tools open files whose names end in `.zst`");
    }
}

/// True where a format is made from all stacks, those that no finding speaks of, too.
pub(crate) fn wants_all_names(format: Format) -> bool {
    !matches!(format, Format::Text | Format::Json | Format::Sarif)
}

/// True for what would garble a terminal.
pub(crate) fn is_binary(format: Format) -> bool {
    matches!(format, Format::Pprof | Format::Heaptrack)
}

/// True where output without a file would go to a terminal.
pub(crate) fn is_terminal(stream: Stream, plan: &OutputPlan) -> bool {
    match plan.is_to_stdout || stream == Stream::Stdout {
        true => io::stdout().is_terminal(),
        false => io::stderr().is_terminal(),
    }
}
