//! The Debian packages that tests need. Add one here with the reason, and nowhere else.

/// One package.
pub(crate) struct Package {
    /// Its name in Debian 12.
    pub(crate) name: &'static str,
    /// What needs it.
    pub(crate) reason: &'static str,
    /// The command that counts where something else than Debian has put it on the path.
    pub(crate) command: Option<&'static str>,
}

const fn package(name: &'static str, reason: &'static str) -> Package {
    Package { name, reason, command: None }
}

const fn command(name: &'static str, reason: &'static str) -> Package {
    Package { name, reason, command: Some(name) }
}

/// All of them, sorted by name.
pub(crate) const PACKAGES: &[Package] = &[
    package("bash", "a real program: subshells that fork without exec, pipes, command substitution"),
    package("binutils", "tests strip programs and split their debug information"),
    package("ccache", "a compiler's name that hides a compiler, in a build that is watched"),
    package("chromium", "opens the pages of `--format html`"),
    package("chromium-driver", "clicks through those pages"),
    package("clang", "reads the sources that `stanch check` analyses"),
    package("cmake", "writes compile databases, and makes builds to watch"),
    package("curl", "a real program with threads, TLS and many libraries"),
    package("g++", "compiles the C++ fixtures; `cc1plus` is a real program to record"),
    package("gcc", "compiles the C fixtures and the C code of crates"),
    package("gdb", "a second opinion on stacks, and a debugger that holds a program we want to attach to"),
    package("ghostscript", "a real program with an allocator of its own on top"),
    package("git", "a real program with short-lived children"),
    package("google-perftools", "a heap profile of tcmalloc to import"),
    package("gzip", "a real program that another one starts: tar pipes into it"),
    package("heaptrack", "opens what we export for it, and writes files to import"),
    package("jq", "a real program; also reads our JSON as users do"),
    package("libc6-dbg", "names for the frames inside the C library, and valgrind cannot start without"),
    package("libc6-dev", "headers for the fixtures"),
    package("libjemalloc-dev", "has jeprof, a second opinion on heap profiles of jemalloc"),
    package("libjemalloc2", "recording a program that brings another allocator"),
    package("make", "builds fixtures; a real tree of processes"),
    package("ninja-build", "a build to watch"),
    package("nodejs", "a real program with a collected heap and JIT-compiled frames"),
    command("npm", "installs speedscope and a reader of pprof's format"),
    package("openssl", "a real program that leaves at-exit cleaning to a library"),
    package("perl", "a real program that frees little at its end"),
    package("python3", "a real program with an arena allocator; the benchmark's language"),
    package("redis-server", "a real service to attach to"),
    package("sqlite3", "a real program; its live database must not be called a leak"),
    package("tar", "a real program that forks, pipes and replaces itself by a shell"),
    package("tmux", "a terminal in which tests drive `stanch view`"),
    package("valgrind", "a second opinion on what is lost; `ms_print` opens what we export for massif"),
];

#[cfg(test)]
mod tests {
    use super::PACKAGES;

    #[test]
    fn the_table_is_sorted_and_gives_reasons() {
        assert!(PACKAGES.is_sorted_by(|one, next| one.name < next.name));
        assert!(PACKAGES.iter().all(|package| package.reason.len() > 10));
    }
}
