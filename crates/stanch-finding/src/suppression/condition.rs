//! What a suppression asks of a finding.
use super::stack::FramePattern;
use crate::glob::{Glob, wildcard_match};
use crate::owning::file_name;
use crate::{Finding, Fingerprint, Frame, Kind, normal_name};

/// One condition; a suppression has one or more.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// The finding has this identity.
    Fingerprint(Fingerprint),
    /// Some frame's function.
    Function(Glob),
    /// Some frame's source file, or the end of its path.
    File(Glob),
    /// Some frame's module, or the end of its path.
    Module(Glob),
    /// The owner's name.
    Package(Glob),
    /// One of these kinds.
    Kinds(Vec<Kind>),
    /// Some frame's function, file or module, as the sanitizers match.
    Anywhere(Glob),
    /// The stack from its innermost frame on.
    Stack(Vec<FramePattern>),
}

/// A finding with its names prepared, since many suppressions look at each.
pub(super) struct Subject<'a> {
    pub(super) finding: &'a Finding,
    pub(super) frames: Vec<View<'a>>,
}

/// What suppressions see of a frame.
pub(super) enum View<'a> {
    /// The allocation function itself, which other tools have at the top of their stacks.
    Allocator(&'a str),
    /// A frame of ours.
    Frame {
        /// The frame.
        frame: &'a Frame,
        /// Its function's normal name.
        normal_name: Option<String>,
    },
}

impl<'a> Subject<'a> {
    pub(super) fn new(finding: &'a Finding) -> Subject<'a> {
        let frames = finding
            .site
            .stack
            .iter()
            .map(|frame| View::Frame { frame, normal_name: frame.function.as_deref().map(normal_name) });
        let allocator = View::Allocator(&finding.site.allocator);
        Subject { finding, frames: std::iter::once(allocator).chain(frames).collect() }
    }

    fn own_frames(&self) -> impl Iterator<Item = &'a Frame> {
        self.finding.site.stack.iter()
    }
}

impl View<'_> {
    /// True where the function is named so, with or without its parameters.
    pub(super) fn is_function(&self, glob: &Glob) -> bool {
        match self {
            View::Allocator(name) => glob.matches(name) || glob.matches(&normal_name(name)),
            View::Frame { frame, normal_name } => {
                normal_name.as_deref().is_some_and(|name| glob.matches(name))
                    || frame.function.as_deref().is_some_and(|name| glob.matches(name))
            }
        }
    }
}

impl Condition {
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Condition::Fingerprint(fingerprint) => subject.finding.fingerprint == *fingerprint,
            Condition::Function(glob) => subject.frames[1..].iter().any(|view| view.is_function(glob)),
            Condition::File(glob) => subject.own_frames().filter_map(file_of).any(|file| glob.matches_path(file)),
            Condition::Module(glob) => subject.own_frames().filter_map(module_of).any(|path| glob.matches_path(path)),
            Condition::Package(glob) => glob.matches(&subject.finding.owner.name),
            Condition::Kinds(kinds) => kinds.contains(&subject.finding.kind),
            Condition::Anywhere(glob) => subject.frames.iter().any(|view| is_anywhere(view, glob)),
            Condition::Stack(patterns) => stack_matches(patterns, &subject.frames),
        }
    }
}

fn file_of(frame: &Frame) -> Option<&str> {
    frame.file.as_deref()
}

fn module_of(frame: &Frame) -> Option<&str> {
    frame.module.as_deref()
}

fn is_anywhere(view: &View<'_>, glob: &Glob) -> bool {
    let View::Frame { frame, .. } = view else { return view.is_function(glob) };
    view.is_function(glob) || [file_of(frame), module_of(frame)].into_iter().flatten().any(|path| glob.matches(path))
}

/// The patterns must cover the innermost frames; more may follow.
///
/// Other tools' stacks begin with the allocation function. A first pattern that it satisfies stands for it; one that it
/// does not satisfy was written for a stack without it.
fn stack_matches(patterns: &[FramePattern], frames: &[View<'_>]) -> bool {
    let Some(first) = patterns.first() else { return true };
    let is_allocator_meant = first.is_ellipsis() || frames.first().is_some_and(|allocator| first.covers(allocator));
    let frames = if is_allocator_meant { frames } else { &frames[1..] };
    let open_ended: Vec<&FramePattern> = patterns.iter().chain([&FramePattern::Ellipsis]).collect();
    wildcard_match(&open_ended, frames, |pattern, view| pattern.covers(view), |pattern| pattern.is_ellipsis())
}

/// True where the file's name, its whole path or the path's end is covered.
pub(super) fn is_source(frame: &Frame, glob: &Glob) -> bool {
    file_of(frame).is_some_and(|file| glob.matches_path(file) || glob.matches(file_name(file)))
}
