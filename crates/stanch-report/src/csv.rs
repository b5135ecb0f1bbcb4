//! Comma-separated values (RFC 4180): a line for each stack, with every weight.
use crate::folded::fold;
use crate::stacks::{ProcessStacks, Weight, WeightedStack};
use std::io::{self, Write};

/// The first columns; after them every weight's bytes and blocks, and the blocks that were temporary.
const COLUMNS: [&str; 7] = ["pid", "process", "function", "file", "line", "module", "stack"];

/// Writes a line of column names and one line for each stack of each process, in the order of the recording.
///
/// `function`, `file`, `line` and `module` are those of the innermost frame; `stack` has all functions, the outermost
/// first, separated by semicolons.
///
/// # Errors
/// When `out` refuses.
pub fn write(processes: &[ProcessStacks<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let weights = Weight::ALL.iter().flat_map(|weight| {
        let name = weight.as_str().replace(' ', "_");
        let bytes = weight.has_bytes().then(|| format!("{name}_bytes"));
        bytes.into_iter().chain([format!("{name}_blocks")])
    });
    table.write_record(COLUMNS.into_iter().map(str::to_owned).chain(weights))?;
    for process in processes {
        for stack in &process.stacks {
            table.write_record(row(process, stack))?;
        }
    }
    table.flush()
}

fn row(process: &ProcessStacks<'_>, stack: &WeightedStack) -> Vec<String> {
    let frames = process.frames(stack);
    let innermost = frames.last().copied().unwrap_or_default();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut row = vec![
        process.process.pid.to_string(),
        process.name(),
        text(innermost.function),
        text(innermost.file),
        innermost.line.map(|line| line.to_string()).unwrap_or_default(),
        text(innermost.module),
        fold(None, process, stack),
    ];
    for weight in Weight::ALL {
        let amount = stack.amount(weight);
        row.extend(weight.has_bytes().then(|| amount.bytes.to_string()));
        row.push(amount.blocks.to_string());
    }
    row
}
