//! What to do about a finding: how what was acquired is released, and what the counts say went wrong.
use super::evidence::freed;
use super::text;
use stanch_finding::{Fix, FrameRole, Site, normal_name, owning_frame};
use stanch_recording::{AllocatorFunction, Class, Group, Misuse, MisuseKind, SiteCounts};

/// Library functions that hand out memory: name, how to release it, and what is easily overlooked.
const ACQUISITIONS: [(&str, &str, &str); 32] = [
    ("strdup", "`free`", "`strdup` gives the copy to its caller"),
    ("strndup", "`free`", "`strndup` gives the copy to its caller"),
    ("wcsdup", "`free`", "`wcsdup` gives the copy to its caller"),
    (
        "getline",
        "`free`",
        "`getline` keeps one buffer for all calls: free it after the loop, also where `getline` fails",
    ),
    ("getdelim", "`free`", "`getdelim` keeps one buffer for all calls: free it after the loop, also where it fails"),
    ("asprintf", "`free`", "`asprintf` gives the string to its caller"),
    ("vasprintf", "`free`", "`vasprintf` gives the string to its caller"),
    ("realpath", "`free`", "`realpath` with a null buffer gives the path to its caller"),
    ("canonicalize_file_name", "`free`", "it gives the path to its caller"),
    ("getcwd", "`free`", "`getcwd` with a null buffer gives the path to its caller"),
    ("get_current_dir_name", "`free`", "it gives the path to its caller"),
    ("scandir", "`free`", "`scandir` wants each entry freed and then the list"),
    ("backtrace_symbols", "`free`", "only the array is to be freed, not its strings"),
    ("open_memstream", "`fclose` and `free`", "closing the stream leaves the buffer to the caller"),
    ("fopen", "`fclose`", "an open stream keeps its buffer and descriptor"),
    ("fdopen", "`fclose`", "an open stream keeps its buffer and descriptor"),
    ("tmpfile", "`fclose`", "an open stream keeps its buffer and descriptor"),
    ("popen", "`pclose`", "an open pipe keeps its buffer and the child unreaped"),
    ("opendir", "`closedir`", "an open directory keeps its buffer and descriptor"),
    ("fdopendir", "`closedir`", "an open directory keeps its buffer and descriptor"),
    ("getaddrinfo", "`freeaddrinfo`", "the whole list is released by one call"),
    ("getifaddrs", "`freeifaddrs`", "the whole list is released by one call"),
    ("regcomp", "`regfree`", "a compiled expression is to be released even where it lives on the stack"),
    ("glob", "`globfree`", "the paths belong to the caller's `glob_t`"),
    ("wordexp", "`wordfree`", "the words belong to the caller's `wordexp_t`"),
    ("newlocale", "`freelocale`", "not while a thread uses it"),
    ("iconv_open", "`iconv_close`", "the tables stay loaded until then"),
    ("dlopen", "`dlclose`", "each successful call counts"),
    ("hcreate_r", "`hdestroy_r`", "keys and data are not released with it"),
    ("tsearch", "`tdelete` or `tdestroy`", "each node is allocated by the call that inserts it"),
    ("setenv", "`unsetenv`", "the C library cannot free values that it replaces"),
    (
        "pthread_create",
        "`pthread_join` or `pthread_detach`",
        "a joinable thread keeps its descriptor until it is joined",
    ),
];

/// What the owning frame called, and how that is released.
struct Acquisition {
    function: String,
    release: &'static str,
    remark: Option<&'static str>,
}

/// Advice for blocks left behind.
pub(super) fn for_leak(group: &Group, counts: &SiteCounts, site: &Site) -> Fix {
    let acquisition = acquisition(group.allocator, site);
    let text = match group.class {
        Class::DefinitelyLost => for_lost(group, counts, site, &acquisition),
        Class::IndirectlyLost => format!(
            "fix the definitely lost blocks that hold these first; where those are released, release \
             these with {} before them",
            acquisition.release
        ),
        Class::PossiblyLost => {
            "find out whether a pointer to the middle is how the program holds this; if so, keep one to \
             the start as well, and if not, it is lost"
                .to_owned()
        }
        Class::StillReachable => for_reachable(&acquisition, site),
        Class::Live => "run it to its end, or take a snapshot while it runs, to learn whether anything still points \
             here"
            .to_owned(),
    };
    Fix { text }
}

fn for_lost(group: &Group, counts: &SiteCounts, site: &Site, acquisition: &Acquisition) -> String {
    let (allocated, freed) = (counts.allocations, freed(counts));
    let place = text::place(site);
    let Acquisition { function, release, remark } = acquisition;
    let what = if allocated == 0 {
        format!("release with {release} what {place} gets from `{function}` before the last pointer to it goes")
    } else if freed == 0 {
        format!(
            "nobody ever frees what {place} gets from `{function}`: whoever uses it last has to release it with \
             {release}"
        )
    } else if allocated / 2 <= freed {
        format!(
            "most of what {place} gets from `{function}` is freed ({} of {}), so a path that is seldom taken, such as \
             an error or an early return, probably skips {release}",
            text::grouped(freed),
            text::grouped(allocated)
        )
    } else {
        format!(
            "some of what {place} gets from `{function}` is freed ({} of {}): compare the callers that call {release} \
             with those that do not, and look for pointers that are overwritten",
            text::grouped(freed),
            text::grouped(allocated)
        )
    };
    let with_it = match group.indirect_blocks {
        0 => "",
        _ => "; release first what only these blocks point to",
    };
    let remark = remark.map(|remark| format!(" ({remark})")).unwrap_or_default();
    format!("{what}{with_it}{remark}")
}

fn for_reachable(acquisition: &Acquisition, site: &Site) -> String {
    format!(
        "if {} is meant to live as long as the program, suppress this; if not, release it with {} when it is done \
         with, or take it out of what holds it",
        match owning_frame(site) {
            Some(_) => format!("what {} allocates", text::place(site)),
            None => "what the runtime allocates here".to_owned(),
        },
        acquisition.release
    )
}

fn acquisition(allocator: AllocatorFunction, site: &Site) -> Acquisition {
    let inner = &site.stack[..owning_frame(site).unwrap_or(0)];
    let name_of = |function: &str| normal_name(function).trim_start_matches("__GI_").trim_start_matches('_').to_owned();
    let names: Vec<String> = inner.iter().rev().filter_map(|frame| frame.function.as_deref()).map(name_of).collect();
    let known = names.iter().find_map(|name| {
        let plain = name.strip_suffix("64").unwrap_or(name);
        ACQUISITIONS.iter().find(|(function, ..)| *function == plain || plain == format!("IO_{function}"))
    });
    if let Some(&(function, release, remark)) = known {
        return Acquisition { function: function.to_owned(), release, remark: Some(remark) };
    }
    let called = inner.last().filter(|frame| frame.function.is_some());
    let is_rust = called.is_some_and(|frame| is_rust_library(frame.function.as_deref().unwrap_or_default()));
    let is_container =
        called.is_some_and(|frame| FrameRole::of(frame) == FrameRole::Runtime) && names[0].contains("::");
    let function = names.first().cloned().unwrap_or_else(|| allocator.name().to_owned());
    match (is_rust, is_container) {
        (true, _) => Acquisition {
            function,
            release: "a drop of its owner",
            remark: Some(
                "look for `mem::forget`, `Box::leak`, `into_raw` without `from_raw`, and cycles of `Rc` or `Arc`",
            ),
        },
        (false, true) => Acquisition {
            function,
            release: "the destructor of its container",
            remark: Some("its destructor never runs: the container is lost itself, or a virtual destructor is missing"),
        },
        (false, false) => Acquisition { function, release: release(allocator), remark: None },
    }
}

fn is_rust_library(function: &str) -> bool {
    let path = function.trim_start_matches(['<', '&', '[']);
    ["alloc::", "core::", "T as alloc::", "T] as alloc::", "str as alloc::"].iter().any(|start| path.starts_with(start))
}

/// How a program gives back what this function gave it.
fn release(allocator: AllocatorFunction) -> &'static str {
    match allocator {
        AllocatorFunction::Inherited
        | AllocatorFunction::Malloc
        | AllocatorFunction::Calloc
        | AllocatorFunction::Realloc
        | AllocatorFunction::Memalign => "`free`",
        AllocatorFunction::New => "`delete`",
        AllocatorFunction::NewArray => "`delete[]`",
        AllocatorFunction::NewAligned => "`delete` of the same alignment",
        AllocatorFunction::NewArrayAligned => "`delete[]` of the same alignment",
        AllocatorFunction::Mmap => "`munmap`",
        AllocatorFunction::Brk => "`sbrk` with a negative increment",
    }
}

/// Advice for a wrong free.
pub(super) fn for_misuse(misuse: &Misuse) -> Fix {
    let text = match (misuse.kind, misuse.allocator) {
        (MisuseKind::MismatchedFree, AllocatorFunction::Inherited) => {
            format!("release it with the counterpart of what allocated it, not with `{}`", misuse.freed_by)
        }
        (MisuseKind::MismatchedFree, allocator) => format!(
            "release it with {}, not with `{}`, or allocate it with the counterpart of `{}`",
            release(allocator),
            misuse.freed_by,
            misuse.freed_by
        ),
        (MisuseKind::DoubleFree, _) => {
            "let one owner free it, once: take away the second free, or clear the pointer where the \
             first one happens"
                .to_owned()
        }
    };
    Fix { text }
}
