//! Patterns for single frames of a stack.
use super::condition::{View, is_source};
use crate::glob::Glob;

/// A pattern for a frame.
#[derive(Clone, Debug)]
pub(super) enum FramePattern {
    /// `...`: any number of frames.
    Ellipsis,
    /// The function has one of these names (the same name, read in several ways).
    Function(Vec<Glob>),
    /// The module's path.
    Object(Glob),
    /// The source file, and a line in it.
    Source {
        /// Its name or path.
        file: Glob,
        /// A line from 1, where one was given.
        line: Option<u32>,
    },
}

/// What valgrind writes for a function or module that it cannot name.
const UNKNOWN: &str = "???";

/// The module that replaces the allocator under valgrind, for `obj:` patterns that mean the allocator's frame.
const VALGRIND_PRELOAD: &str = "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so";

impl FramePattern {
    pub(super) fn is_ellipsis(&self) -> bool {
        matches!(self, FramePattern::Ellipsis)
    }

    /// True where the pattern covers this one frame. An ellipsis covers none by itself.
    pub(super) fn covers(&self, view: &View<'_>) -> bool {
        match (self, view) {
            (FramePattern::Ellipsis, _) | (FramePattern::Source { .. }, View::Allocator(_)) => false,
            (FramePattern::Function(globs), View::Allocator(name)) => {
                let aliases = allocator_aliases(name);
                globs.iter().any(|glob| view.is_function(glob) || aliases.iter().any(|alias| glob.matches(alias)))
            }
            (FramePattern::Function(globs), View::Frame { frame, .. }) if frame.function.is_none() => {
                globs.iter().any(|glob| glob.matches(UNKNOWN))
            }
            (FramePattern::Function(globs), View::Frame { .. }) => globs.iter().any(|glob| view.is_function(glob)),
            (FramePattern::Object(glob), View::Allocator(_)) => glob.matches(VALGRIND_PRELOAD),
            (FramePattern::Object(glob), View::Frame { frame, .. }) => {
                glob.matches(frame.module.as_deref().unwrap_or(UNKNOWN))
            }
            (FramePattern::Source { file, line }, View::Frame { frame, .. }) => {
                is_source(frame, file) && line.is_none_or(|line| frame.line == Some(line))
            }
        }
    }
}

/// Other names under which suppression files know an allocation function: mangled ones, and those of its siblings that
/// we count as one.
fn allocator_aliases(allocator: &str) -> &'static [&'static str] {
    match allocator {
        "operator new" => &[
            "_Znwm",
            "_Znwj",
            "_ZnwmRKSt9nothrow_t",
            "_ZnwmSt11align_val_t",
            "__builtin_new",
            "operator new(unsigned long)",
        ],
        "operator new[]" => &[
            "_Znam",
            "_Znaj",
            "_ZnamRKSt9nothrow_t",
            "_ZnamSt11align_val_t",
            "__builtin_vec_new",
            "operator new[](unsigned long)",
        ],
        "realloc" => &["reallocarray"],
        "memalign" | "aligned_alloc" | "posix_memalign" | "valloc" | "pvalloc" => {
            &["memalign", "aligned_alloc", "posix_memalign", "valloc", "pvalloc"]
        }
        _ => &[],
    }
}
