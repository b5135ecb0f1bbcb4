//! Which frame of a stack owns an allocation: the one place where that is decided.
//!
//! Almost every stack begins in code that allocates on somebody's behalf: the C library, `std::vector`,
//! `xmalloc`. The owning frame is the innermost one that is none of that. Rules, in the order they apply:
//!
//! * *Runtime* code never owns: the language runtimes by module (`libc.so.6`, `libstdc++.so.6`, `ld.so`, …),
//!   by name (`std::`, `operator new`, `core::`, …) and by source directory (`/rustc/`, `/include/c++/`).
//! * An *allocation wrapper* does not own while there is a further frame of the program above it. A wrapper is
//!   known by its name alone: the last word of the function is an allocation verb (`xmalloc`, `safe_malloc`,
//!   `widget_alloc`, `Arena::allocate`, `g_strdup`), perhaps followed by a word that says how (`_or_die`, `_n`, `0`).
//!   A name that calls itself a leak or a test is no wrapper.
//! * Code of a *dependency* that was compiled into the program from elsewhere (system headers, Cargo's registry) yields
//!   to the program's own source in the same module. A shared library's own code does not: its leaks are its own.
use crate::name::{last_segment, normal_name};
use crate::{Frame, Site};

/// What the code of a frame is to the allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameRole {
    /// A language runtime: libc, libstdc++, Rust's std.
    Runtime,
    /// A function that allocates for its caller, by its name.
    Wrapper,
    /// Code compiled into the module from a system header or a package.
    Dependency,
    /// Everything else: the program's own code, or a library's.
    Application,
}

/// Index in `site.stack` of the frame that owns the allocation; `None` where the whole stack is runtime code.
#[must_use]
pub fn owning_frame(site: &Site) -> Option<usize> {
    owner_so_far(&site.stack).0
}

/// The owning frame of a stack of which these are the innermost frames, as far as they tell; and whether frames further
/// out cannot change that.
pub(crate) fn owner_so_far(stack: &[Frame]) -> (Option<usize>, bool) {
    let mut wrapper = None;
    let mut dependency: Option<usize> = None;
    for (index, frame) in stack.iter().enumerate() {
        match (FrameRole::of(frame), dependency) {
            (FrameRole::Application, None) => return (Some(index), true),
            (FrameRole::Application, Some(inner)) if stack[inner].module == frame.module => return (Some(index), true),
            (FrameRole::Dependency, None) => dependency = Some(index),
            (FrameRole::Wrapper, _) => wrapper = Some(index),
            _ => {}
        }
    }
    (dependency.or(wrapper), false)
}

impl FrameRole {
    /// Decides by module, function name and source directory.
    #[must_use]
    pub fn of(frame: &Frame) -> FrameRole {
        let name = frame.function.as_deref().map(normal_name).unwrap_or_default();
        if is_runtime_module(frame) || is_runtime_file(frame) || is_runtime_name(&name, frame) {
            FrameRole::Runtime
        } else if is_wrapper_name(&name) {
            FrameRole::Wrapper
        } else if is_dependency_file(frame) {
            FrameRole::Dependency
        } else {
            FrameRole::Application
        }
    }
}

/// Last component of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|component| !component.is_empty()).unwrap_or(path)
}

/// Shared objects of runtimes, without what follows `.so`.
const RUNTIME_MODULES: [&str; 14] = [
    "libc",
    "libc.musl-x86_64",
    "libstdc++",
    "libc++",
    "libc++abi",
    "libgcc_s",
    "libpthread",
    "libdl",
    "librt",
    "libm",
    "libunwind",
    "ld",
    "linux-vdso",
    "libstanch_recorder",
];

/// The same with a version or an architecture in the name: `libc-2.31.so`, `ld-linux-x86-64.so.2`.
const RUNTIME_MODULE_PREFIXES: [&str; 6] = ["libc-2.", "libpthread-2.", "libm-2.", "ld-", "libstd-", "[v"];

fn is_runtime_module(frame: &Frame) -> bool {
    let Some(module) = frame.module.as_deref().map(file_name) else { return false };
    let stem = module.split_once(".so").map_or(module, |(stem, _)| stem);
    let is_shared_object = stem.len() < module.len() || module.starts_with('[');
    is_shared_object
        && (RUNTIME_MODULES.contains(&stem) || RUNTIME_MODULE_PREFIXES.iter().any(|prefix| module.starts_with(prefix)))
}

const RUNTIME_DIRECTORIES: [&str; 7] = [
    "/rustc/",
    "/rust/deps/",
    "/library/std/src/",
    "/library/core/src/",
    "/library/alloc/src/",
    "/include/c++/",
    "/c++/v1/",
];

fn is_runtime_file(frame: &Frame) -> bool {
    is_below_any(frame, &RUNTIME_DIRECTORIES)
}

const DEPENDENCY_DIRECTORIES: [&str; 5] =
    ["/usr/include/", "/usr/local/include/", "/usr/lib/gcc/", "/registry/src/", "/git/checkouts/"];

fn is_dependency_file(frame: &Frame) -> bool {
    is_below_any(frame, &DEPENDENCY_DIRECTORIES)
}

fn is_below_any(frame: &Frame, directories: &[&str]) -> bool {
    frame.file.as_deref().is_some_and(|file| directories.iter().any(|directory| file.contains(directory)))
}

const RUNTIME_NAME_PREFIXES: [&str; 13] = [
    "std::",
    "<std::",
    "__gnu_cxx::",
    "__cxxabiv1::",
    "__cxa_",
    "operator new",
    "operator delete",
    "hashbrown::",
    "<hashbrown::",
    "__libc_",
    "__rust_",
    "__rdl_",
    "_dl_",
];

const RUNTIME_NAMES: [&str; 8] =
    ["_start", "start_thread", "clone", "clone3", "__clone", "__clone3", "call_init", "_IO_file_doallocate"];

fn is_runtime_name(name: &str, frame: &Frame) -> bool {
    RUNTIME_NAMES.contains(&name)
        || RUNTIME_NAME_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (is_rust_library_name(name) && !is_cplusplus(frame))
}

/// `core` and `alloc` are also favourite namespaces of C++ programs, so these names alone do not decide.
fn is_rust_library_name(name: &str) -> bool {
    let path = name.trim_start_matches(['<', '&', '[']);
    let is_builtin_type = name.starts_with('<') && ["T as ", "[T] as ", "T] as ", "I as "].contains(&leading_as(path));
    let subject = if is_builtin_type { path.split_once(" as ").map_or(path, |(_, interface)| interface) } else { path };
    subject.starts_with("core::") || subject.starts_with("alloc::") || (is_builtin_type && subject.starts_with("std::"))
}

fn leading_as(path: &str) -> &str {
    path.find(" as ").map_or("", |index| &path[..index + " as ".len()])
}

/// By the source file, else by a parameter list at the end of the name, which Rust's names do not have.
fn is_cplusplus(frame: &Frame) -> bool {
    if let Some(file) = &frame.file {
        return !file.ends_with(".rs");
    }
    let name = frame.function.as_deref().unwrap_or_default();
    name.rsplit_once(')').is_some_and(|(_, qualifiers)| matches!(qualifiers.trim(), "" | "const"))
}

/// Words that end the name of an allocation wrapper, alone or behind a prefix (`xmalloc`, `kzalloc`).
const VERB_ENDINGS: [&str; 9] =
    ["malloc", "mallocz", "calloc", "realloc", "reallocarray", "zalloc", "strdup", "strndup", "memalign"];

/// Words that must stand alone to mean it: `widget_alloc`, but not `prealloc`.
const VERB_WORDS: [&str; 9] =
    ["alloc", "xalloc", "palloc", "allocate", "memdup", "xmemdup", "asprintf", "xasprintf", "strconcat"];

/// Words behind the verb that say how it allocates and not what.
const MANNER_WORDS: [&str; 19] = [
    "n", "array", "zero", "zeroed", "aligned", "or", "die", "null", "fail", "abort", "internal", "impl", "wrapper",
    "checked", "bytes", "mem", "memory", "usable", "size",
];

/// A function that says it leaks or tests does not allocate for a caller who should know better; `prealloc` only looks
/// like `realloc`.
const NO_WRAPPER_WORDS: [&str; 10] =
    ["prealloc", "leak", "leaks", "leaky", "leaked", "lost", "lose", "test", "tests", "bench"];

fn is_wrapper_name(name: &str) -> bool {
    let segment = last_segment(name);
    if segment.starts_with("operator new") {
        return true;
    }
    let words = words(segment);
    if words.iter().any(|word| NO_WRAPPER_WORDS.contains(&word.as_str())) {
        return false;
    }
    let verb = words.iter().rev().find(|word| !MANNER_WORDS.contains(&word.as_str()));
    verb.is_some_and(|verb| {
        VERB_WORDS.contains(&verb.as_str()) || VERB_ENDINGS.iter().any(|ending| verb.ends_with(ending))
    })
}

/// Words of an identifier in lower case: `SafeMalloc0_n` gives `safe`, `malloc`, `n`.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for character in identifier.chars() {
        let starts_word = character.is_ascii_uppercase() && previous_is_lower;
        if starts_word || !character.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if character.is_ascii_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(character.to_ascii_lowercase());
        }
        previous_is_lower = character.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests;
