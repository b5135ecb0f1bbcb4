//! One command of a build: which files it compiles, with which flags, and what it puts together.
use super::compiler::{Driver, driver, driver_or_guess, is_archiver, is_linker, without_wrappers};
use super::flags::{Fate, fate, for_preprocessor};
use super::unit::{Language, Link, LinkKind, Unit, cleaned};
use stanch_finding::Incomplete;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What a command contributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Understood {
    pub(super) units: Vec<Unit>,
    pub(super) link: Option<Link>,
    pub(super) gaps: Vec<Incomplete>,
}

/// Reads a command that a build started; `None` where it is no business of ours. `words` begin with the program's name
/// and hold no response files.
pub(super) fn of_build(folder: &Path, words: &[OsString], environment: &[(OsString, OsString)]) -> Option<Understood> {
    let words = without_wrappers(words);
    let (program, arguments) = words.split_first()?;
    if is_archiver(program) {
        return archive(folder, arguments).map(|link| Understood { link: Some(link), ..Understood::default() });
    }
    if is_linker(program) {
        let parsed = Parsed::new(arguments);
        let link = parsed.link(folder, &[]);
        return link.map(|link| Understood { link: Some(link), ..Understood::default() });
    }
    Some(Parsed::new(arguments).understood(folder, &driver(program)?, environment))
}

/// Reads a command that a database says compiles something, whatever the compiler is called.
pub(super) fn of_database(folder: &Path, words: &[OsString]) -> Understood {
    match without_wrappers(words).split_first() {
        Some((program, arguments)) => Parsed::new(arguments).understood(folder, &driver_or_guess(program), &[]),
        None => Understood::default(),
    }
}

/// The language of a file by its name; `None` for what is neither C nor C++.
pub(super) fn language_of(file: &Path, driver_is_cplusplus: bool) -> Option<Language> {
    let by_name = match file.extension()?.to_str()? {
        "c" => Language::C,
        "i" => Language::PreprocessedC,
        "ii" => Language::PreprocessedCplusplus,
        "C" | "cc" | "cp" | "cpp" | "cxx" | "c++" | "CPP" | "CC" | "CXX" | "tcc" | "ixx" | "cppm" => {
            Language::Cplusplus
        }
        _ => return None,
    };
    Some(match by_name {
        // g++ takes C for C++.
        Language::C if driver_is_cplusplus => Language::Cplusplus,
        Language::PreprocessedC if driver_is_cplusplus => Language::PreprocessedCplusplus,
        language => language,
    })
}

/// What `-x` says of the files behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    ByName,
    Is(Language),
    /// Neither C nor C++, or a header to be precompiled.
    Other,
}

fn said_by(name: &OsStr) -> Said {
    match name.to_str() {
        Some("none") => Said::ByName,
        Some("c") => Said::Is(Language::C),
        Some("c++") => Said::Is(Language::Cplusplus),
        Some("cpp-output") => Said::Is(Language::PreprocessedC),
        Some("c++-cpp-output") => Said::Is(Language::PreprocessedCplusplus),
        _ => Said::Other,
    }
}

/// How far the command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Preprocesses, lists dependencies, checks: nothing is made.
    Nothing,
    Compile,
    Link,
}

/// A command line, taken apart.
struct Parsed {
    inputs: Vec<(OsString, Said)>,
    flags: Vec<OsString>,
    libraries: Vec<OsString>,
    output: Option<OsString>,
    stage: Stage,
    kind: LinkKind,
}

impl Parsed {
    fn new(arguments: &[OsString]) -> Parsed {
        let mut parsed = Parsed {
            inputs: Vec::new(),
            flags: Vec::new(),
            libraries: Vec::new(),
            output: None,
            stage: Stage::Link,
            kind: LinkKind::Executable,
        };
        let arguments = unpacked(arguments);
        let mut words = arguments.iter();
        let mut said = Said::ByName;
        let mut is_flag_time = true;
        while let Some(word) = words.next() {
            let bytes = word.as_bytes();
            if !is_flag_time || !bytes.starts_with(b"-") || bytes == b"-" {
                parsed.inputs.push((word.clone(), said));
                continue;
            }
            match bytes {
                b"--" => is_flag_time = false,
                b"-o" => parsed.output = words.next().cloned(),
                b"-x" => said = words.next().map_or(said, |name| said_by(name)),
                b"-l" => parsed.libraries.extend(words.next().cloned()),
                [b'-', b'x', name @ ..] => said = said_by(OsStr::from_bytes(name)),
                [b'-', b'l', name @ ..] => parsed.libraries.push(OsStr::from_bytes(name).to_owned()),
                [b'-', b'o', name @ ..] if is_output(word) => parsed.output = Some(OsStr::from_bytes(name).to_owned()),
                _ => {
                    parsed.stage(word);
                    parsed.flag(word, &mut words);
                }
            }
        }
        parsed
    }

    fn stage(&mut self, word: &OsStr) {
        match word.as_bytes() {
            b"-E" | b"-M" | b"-MM" | b"-fsyntax-only" | b"-###" | b"--version" | b"-emit-ast" | b"--precompile" => {
                self.stage = Stage::Nothing;
            }
            b"-c" | b"-S" if self.stage == Stage::Link => self.stage = Stage::Compile,
            b"-shared" | b"--shared" | b"-Bshareable" | b"-dynamiclib" => self.kind = LinkKind::Shared,
            b"-r" | b"-Ur" | b"-i" | b"--relocatable" => self.kind = LinkKind::Archive,
            _ => {}
        }
    }

    fn flag(&mut self, word: &OsString, words: &mut std::slice::Iter<'_, OsString>) {
        match fate(word) {
            Fate::Keep => self.flags.push(word.clone()),
            Fate::KeepWithNext => {
                if let Some(next) = words.next() {
                    self.flags.extend([word.clone(), next.clone()]);
                }
            }
            Fate::Drop => {}
            Fate::DropWithNext => drop(words.next()),
        }
    }

    fn understood(self, folder: &Path, driver: &Driver, environment: &[(OsString, OsString)]) -> Understood {
        if self.stage == Stage::Nothing {
            return Understood::default();
        }
        let mut flags = self.flags.clone();
        flags.extend(driver.target.as_ref().map(|target| OsString::from(format!("--target={target}"))));
        let mut understood = Understood::default();
        for (input, said) in &self.inputs {
            let file = Path::new(input);
            let language = match said {
                Said::ByName => language_of(file, driver.is_cplusplus),
                Said::Is(language) => Some(*language),
                Said::Other => None,
            };
            if input == "-" && language.is_some() {
                understood.gaps.push(Incomplete {
                    what: format!("a source in {}", folder.display()),
                    why: "the build hands it to the compiler by standard input, which is over".to_owned(),
                });
                continue;
            }
            let Some(language) = language else { continue };
            let output = Some(self.object(folder, input));
            understood.units.push(Unit {
                folder: folder.to_owned(),
                file: file.to_owned(),
                language,
                flags: flags.clone(),
                output,
                environment: environment.to_vec(),
            });
        }
        if self.stage == Stage::Link {
            understood.link = self.link(folder, &understood.units);
        }
        understood
    }

    /// Where the code of an input goes. Where it is linked at once there is no such file; then it is a name by which
    /// the link finds it.
    fn object(&self, folder: &Path, input: &OsStr) -> PathBuf {
        let output = self.output.as_deref().map(Path::new);
        match (self.stage, output) {
            (Stage::Link, output) => {
                cleaned(&folder.join(output.unwrap_or(Path::new("a.out")))).join(input_name(input))
            }
            (_, Some(output)) => cleaned(&folder.join(output)),
            (_, None) => cleaned(&folder.join(Path::new(input).with_extension("o").file_name().unwrap_or(input))),
        }
    }

    /// What is put together, where the command does that.
    fn link(&self, folder: &Path, units: &[Unit]) -> Option<Link> {
        let output = self.output.as_deref().map_or(Path::new("a.out"), Path::new);
        let compiled = units.iter().filter_map(|unit| unit.output.clone());
        let is_object = |input: &OsStr| {
            let name = input.to_string_lossy();
            [".o", ".a", ".lo", ".obj", ".so"].iter().any(|ending| name.ends_with(ending)) || name.contains(".so.")
        };
        let objects = self.inputs.iter().filter(|(input, _)| is_object(input));
        let inputs: Vec<PathBuf> =
            compiled.chain(objects.map(|(input, _)| cleaned(&folder.join(Path::new(input))))).collect();
        (!inputs.is_empty()).then(|| Link {
            output: cleaned(&folder.join(output)),
            kind: self.kind,
            inputs,
            libraries: self.libraries.clone(),
        })
    }
}

/// An input below the name of what is made of it: the same name in two folders stays two.
fn input_name(input: &OsStr) -> PathBuf {
    Path::new(input).components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

/// `-oNAME`, but not `-objc…` and the like.
fn is_output(word: &OsStr) -> bool {
    !word.as_bytes().starts_with(b"-obj") && word != "-openmp"
}

/// The words with what `-Wp,`, `-Xpreprocessor` and `-Xclang` hold made words of their own. Of what `-Xclang` hands
/// over only includes are known to be wanted.
fn unpacked(arguments: &[OsString]) -> Vec<OsString> {
    let mut all = Vec::with_capacity(arguments.len());
    let mut words = arguments.iter();
    let mut inner: Vec<OsString> = Vec::new();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"-Xpreprocessor" => all.extend(words.next().cloned()),
            b"-Xclang" => inner.extend(words.next().cloned()),
            _ => match for_preprocessor(word) {
                Some(list) => all.extend(list),
                None => all.push(word.clone()),
            },
        }
    }
    all.extend(inner.windows(2).filter(|pair| pair[0] == "-include").flat_map(<[OsString]>::to_vec));
    all
}

/// `ar rcs libx.a a.o b.o`; `None` where nothing is put in.
fn archive(folder: &Path, arguments: &[OsString]) -> Option<Link> {
    let mut words = arguments.iter().filter(|word| !word.as_bytes().starts_with(b"--"));
    let operation = words.next()?.as_bytes().to_vec();
    let letters = operation.strip_prefix(b"-").unwrap_or(&operation);
    if !letters.iter().any(|letter| matches!(letter, b'r' | b'q')) {
        return None;
    }
    let skipped = letters.iter().filter(|letter| matches!(letter, b'a' | b'b' | b'i' | b'N')).count();
    let mut words = words.skip(skipped);
    let output = cleaned(&folder.join(OsString::from_vec(words.next()?.as_bytes().to_vec())));
    let inputs = words.map(|word| cleaned(&folder.join(Path::new(word)))).collect();
    Some(Link { output, kind: LinkKind::Archive, inputs, libraries: Vec::new() })
}

#[cfg(test)]
mod tests;
