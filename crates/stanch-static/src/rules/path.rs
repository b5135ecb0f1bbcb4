//! The witness of an issue as steps through the source.
use super::kinds::Rule;
use super::site::short_name;
use crate::engine::{Event, Issue, Step};
use crate::ir::{FunctionId, LocationId, Module};
use stanch_finding::{Frame, FrameRole, PathStep};

/// More branches than this before the allocation are not told.
const BEFORE_MAX: usize = 6;
/// More steps than this after it are not told: the first and the last ones are.
const AFTER_MAX: usize = 40;

/// Allocated here, this branch, lost here.
pub(super) fn of(program: &Module, issue: &Issue, rule: &Rule) -> Vec<PathStep> {
    let allocated = issue.path.iter().rposition(|step| step.event == Event::Allocated(issue.region)).unwrap_or(0);
    let (before, after) = issue.path.split_at(allocated.min(issue.path.len()));
    let before = told(program, issue, before);
    let after = told(program, issue, after);
    let mut steps: Vec<PathStep> = before.into_iter().rev().take(BEFORE_MAX).collect();
    steps.reverse();
    let skipped = after.len().saturating_sub(AFTER_MAX);
    let half = AFTER_MAX / 2;
    steps.extend(
        after.into_iter().enumerate().filter(|(at, _)| *at < half || half + skipped <= *at).map(|(_, step)| step),
    );
    if let Some((_, location)) = issue.at.stack.first() {
        steps.extend(step(program, *location, rule.last_note().to_owned()));
    }
    steps.dedup();
    steps
}

fn told(program: &Module, issue: &Issue, steps: &[Step]) -> Vec<PathStep> {
    let of_program = steps.iter().filter(|one| !is_runtime(program, one));
    of_program.filter_map(|one| step(program, one.location, note(program, issue, one)?)).collect()
}

/// True for what happens inside the language's runtime, and for calls within it.
fn is_runtime(program: &Module, step: &Step) -> bool {
    let role = |id: FunctionId| {
        let function = program.function(id);
        let file = program.location(function.location).file.map(|file| program.files[file.index()].clone());
        FrameRole::of(&Frame { function: Some(function.name.clone()), file, ..Frame::default() })
    };
    match step.event {
        Event::Entered(callee) => role(callee) == FrameRole::Runtime,
        Event::Branch { .. } | Event::Case(_) => role(step.function) == FrameRole::Runtime,
        _ => false,
    }
}

/// What is said of a step; `None` for those that tell nothing of this block.
fn note(program: &Module, issue: &Issue, step: &Step) -> Option<String> {
    Some(match &step.event {
        Event::Allocated(region) if *region == issue.region => {
            format!("allocated here by `{}`", issue.block.allocator)
        }
        Event::Released(region) if *region == issue.region => "released here".to_owned(),
        Event::Allocated(_) | Event::Released(_) => return None,
        Event::Branch { condition: Some(text), taken } => {
            format!("`{text}` is {}", if *taken { "true" } else { "false" })
        }
        Event::Branch { condition: None, taken } => {
            format!("the condition is {}", if *taken { "true" } else { "false" })
        }
        Event::Case(Some(text)) => format!("`{text}`"),
        Event::Case(None) => "one of several cases".to_owned(),
        Event::Entered(function) => format!("`{}` is called", short_name(program.function(*function))),
        Event::Thrown => "an exception is thrown".to_owned(),
        Event::Caught => "the exception is caught".to_owned(),
        Event::Failed(_) => "this allocation fails".to_owned(),
        Event::ResizeFailed(_) => "`realloc` fails and gives null".to_owned(),
    })
}

fn step(program: &Module, location: LocationId, note: String) -> Option<PathStep> {
    let at = program.location(location);
    let file = program.files[at.file?.index()].clone();
    (at.line > 0).then_some(PathStep { file, line: at.line, note })
}
