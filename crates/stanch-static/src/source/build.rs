//! What a watched build did: the commands it started, in their order, become sources.
use super::Sources;
use super::command::of_build;
use super::compiler::{driver, is_cache, without_wrappers};
use super::unit::Unit;
use super::words::with_response_files;
use stanch_finding::Incomplete;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Variables by which compilers find headers beside what their flags say.
pub const ENVIRONMENT: [&str; 4] = ["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "SOURCE_DATE_EPOCH"];

/// A program that the build started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildCommand {
    /// Working folder.
    pub folder: PathBuf,
    /// The file that is executed, which may have another name than the first word.
    pub program: PathBuf,
    /// The program's name as it was called, and its arguments.
    pub words: Vec<OsString>,
    /// Those of [`ENVIRONMENT`] that are set.
    pub environment: Vec<(OsString, OsString)>,
}

/// A build that is being watched.
#[derive(Debug, Default)]
pub struct Build {
    sources: Sources,
    /// Compilers seen, probes counted.
    compiler_count: u64,
}

impl Build {
    /// Takes in a command at the moment at which it starts: response files may be gone later. True where what it starts
    /// itself says nothing more.
    pub fn hear(&mut self, command: &BuildCommand) -> bool {
        let words = named(command);
        let words = with_response_files(&words, &command.folder);
        let Some(understood) = of_build(&command.folder, &words, &command.environment) else { return false };
        let program = without_wrappers(&words).first();
        let is_compiler = program.is_some_and(|program| driver(program).is_some());
        self.compiler_count += u64::from(is_compiler);
        if !understood.units.iter().any(is_probe) {
            self.sources.units.extend(understood.units);
            self.sources.links.extend(understood.link);
            self.sources.gaps.extend(understood.gaps);
        }
        is_compiler || words.first().is_some_and(|word| is_cache(word))
    }

    /// How many times a compiler was started, also for tests of what it can.
    #[must_use]
    pub fn compiler_count(&self) -> u64 {
        self.compiler_count
    }

    /// What the build compiled and put together. Sources that it removed again are gaps.
    #[must_use]
    pub fn into_sources(mut self) -> Sources {
        let units = std::mem::take(&mut self.sources.units);
        let (there, gone): (Vec<Unit>, Vec<Unit>) = units.into_iter().partition(|unit| unit.path().exists());
        self.sources.units = there;
        self.sources.gaps.extend(gone.iter().map(|unit| Incomplete {
            what: unit.path().display().to_string(),
            why: "the build removed it again".to_owned(),
        }));
        self.sources.without_doubles()
    }
}

/// The words; where the first one is no compiler's name but the file behind it is, with that one.
fn named(command: &BuildCommand) -> Vec<OsString> {
    let mut words = command.words.clone();
    let Some(first) = words.first_mut() else { return words };
    let is_known = |name: &OsStr| driver(name).is_some() || is_cache(name);
    if !is_known(first) && is_known(command.program.as_os_str()) {
        *first = command.program.clone().into_os_string();
    }
    words
}

/// True for files by which build systems try out compilers: autoconf's, CMake's, Meson's.
fn is_probe(unit: &Unit) -> bool {
    let path = unit.path();
    let name = path.file_name().unwrap_or_default().as_bytes();
    let is_probing_folder = |part: &OsStr| {
        let part = part.as_bytes();
        [&b"CMakeTmp"[..], b"CMakeScratch", b"CompilerIdC", b"CompilerIdCXX", b"ShowIncludes", b"meson-private"]
            .contains(&part)
            || part.starts_with(b"TryCompile-")
    };
    let parts = path.iter().chain(unit.folder.iter());
    name.starts_with(b"conftest.") || path == Path::new("/dev/null") || parts.into_iter().any(is_probing_folder)
}

#[cfg(test)]
mod tests {
    use super::{Build, BuildCommand};
    use std::path::Path;

    fn hear(build: &mut Build, folder: &Path, program: &str, line: &str) -> bool {
        build.hear(&BuildCommand {
            folder: folder.to_owned(),
            program: program.into(),
            words: line.split(' ').map(Into::into).collect(),
            environment: Vec::new(),
        })
    }

    #[test]
    fn a_build_is_learned_from_its_commands() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["a.c", "b.c"] {
            std::fs::write(at.join(name), "").unwrap();
        }
        std::fs::write(at.join("flags"), "-DFROM_FILE b.c").unwrap();
        let mut build = Build::default();
        assert!(!hear(&mut build, at, "/usr/bin/make", "make -j2"));
        assert!(hear(&mut build, at, "/usr/bin/gcc-12", "cc -c conftest.c"));
        assert!(hear(&mut build, at, "/usr/bin/x86_64-linux-gnu-gcc-12", "cc -c a.c"));
        assert!(hear(&mut build, at, "/usr/bin/ccache", "gcc -c @flags"));
        assert!(hear(&mut build, at, "/usr/bin/gcc-12", "gcc -c gone.c"));
        assert!(hear(&mut build, at, "/usr/bin/gcc-12", "gcc -o app a.o b.o"));
        assert_eq!(build.compiler_count(), 5);
        let sources = build.into_sources();
        let files: Vec<_> = sources.units.iter().map(|unit| unit.file.display().to_string()).collect();
        assert_eq!(files, ["a.c", "b.c"]);
        assert_eq!(sources.units[1].flags, ["-DFROM_FILE"]);
        assert_eq!((sources.links.len(), sources.gaps.len()), (1, 1));
    }
}
