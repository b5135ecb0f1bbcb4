//! Folded stacks, one a line: `main;parse;node_new 4096`, as flamegraph.pl and inferno read them.
//! <https://github.com/brendangregg/FlameGraph#2-fold-stacks>
use crate::stacks::{Measure, ProcessStacks, WeightedStack};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Writes the stacks that weigh anything, sorted, outermost frame first. Where there are several processes, each is a
/// frame outside all of its own.
///
/// # Errors
/// When `out` refuses.
pub fn write(processes: &[ProcessStacks<'_>], measure: Measure, out: &mut dyn Write) -> io::Result<()> {
    let mut folded: BTreeMap<String, u64> = BTreeMap::new();
    for process in processes {
        let root = (1 < processes.len()).then(|| process.name());
        for stack in process.stacks.iter().filter(|stack| measure.of(stack) != 0) {
            let sum = folded.entry(fold(root.as_deref(), process, stack)).or_default();
            *sum = sum.saturating_add(measure.of(stack));
        }
    }
    folded.iter().try_for_each(|(stack, weight)| writeln!(out, "{stack} {weight}"))
}

/// The names of a stack's frames, separated by semicolons.
pub(crate) fn fold(root: Option<&str>, process: &ProcessStacks<'_>, stack: &WeightedStack) -> String {
    let frames = process.frames(stack);
    let names = frames.iter().map(|frame| clean(&frame.name()));
    let mut names: Vec<String> = root.map(clean).into_iter().chain(names).collect();
    if frames.is_empty() {
        names.push("(unknown stack)".to_owned());
    }
    names.join(";")
}

/// What separates frames and lines cannot be part of a name.
fn clean(name: &str) -> String {
    name.replace(';', ":").replace(|letter: char| letter.is_control(), " ")
}
