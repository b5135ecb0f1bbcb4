//! The stack that allocates, as a recording of the running program would show it.
use crate::engine::Issue;
use crate::ir::{Function, FunctionId, LocationId, Module};
use stanch_finding::{Frame, Site};

/// Where the block of an issue was allocated.
pub(super) fn of(program: &Module, issue: &Issue) -> Site {
    let frames = issue.block.site.stack.iter().flat_map(|(function, location)| frames(program, *function, *location));
    Site { allocator: issue.block.allocator.clone(), stack: frames.collect() }
}

/// A point in the code: the functions inlined there, innermost first, then the one that holds the code.
fn frames(program: &Module, function: FunctionId, location: LocationId) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = program.location(location);
    loop {
        let frame = Frame {
            function: Some(at.inlined_function.clone().unwrap_or_else(|| program.function(function).name.clone())),
            file: at.file.map(|file| program.files[file.index()].clone()),
            line: (at.line > 0).then_some(at.line),
            column: (at.column > 0).then_some(at.column),
            module: None,
            module_offset: None,
            inlined: at.inlined_function.is_some(),
        };
        frames.push(frame);
        const DEPTH_MAX: usize = 64;
        match at.inlined_at {
            Some(outer) if frames.len() < DEPTH_MAX => at = program.location(outer),
            _ => return frames,
        }
    }
}

/// A function's name without parameters.
pub(super) fn short_name(function: &Function) -> String {
    let name = &function.name;
    match name.find('(') {
        Some(at) if at > 0 && !name[..at].ends_with("operator") => name[..at].to_owned(),
        _ => name.clone(),
    }
}

/// True for a C++ destructor, by its mangled name: `D` and a digit end the nested name.
pub(super) fn is_destructor(function: &Function) -> bool {
    is_special(&function.symbol, 'D')
}

/// True for a C++ constructor.
pub(super) fn is_constructor(function: &Function) -> bool {
    is_special(&function.symbol, 'C')
}

fn is_special(symbol: &str, letter: char) -> bool {
    let Some(rest) = symbol.strip_prefix("_ZN") else { return false };
    rest.char_indices().any(|(at, found)| {
        let tail = &rest[at + found.len_utf8()..];
        found == letter && tail.starts_with(['0', '1', '2']) && tail[1..].starts_with('E')
    })
}
