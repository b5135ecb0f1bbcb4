//! How a twin is compiled, and its folder for everything that is made of it.
use crate::execute;
use crate::program::{Program, Twin};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const COMPILE_LIMIT: Duration = Duration::from_secs(120);

/// An empty folder for what this purpose makes of this twin.
pub(crate) fn folder(program: &Program, twin: Twin, purpose: &str) -> Result<PathBuf, String> {
    let name = format!("{}_{}", program.name.replace('/', "-"), twin.suffix());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static_corpus").join(purpose).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// The compiler and the flags for one file of a twin.
pub(crate) fn compiler(program: &Program, twin: Twin, source: &Path) -> Vec<String> {
    let language: &[&str] = match source.extension() {
        Some(extension) if extension == "cpp" => &["g++", "-std=c++17"],
        _ => &["gcc", "-std=gnu11", "-D_GNU_SOURCE"],
    };
    let mut words: Vec<String> = language.iter().map(|word| (*word).to_owned()).collect();
    words.extend(["-g", "-O0", "-Wall", "-Wextra", "-Werror"].map(str::to_owned));
    words.extend(program.build_flags.iter().cloned());
    if twin == Twin::Bad {
        words.push("-DBAD".to_owned());
    }
    words
}

/// Compiles and links a twin in this folder; the program is returned.
pub(crate) fn build(program: &Program, twin: Twin, folder: &Path) -> Result<PathBuf, String> {
    let mut objects = Vec::new();
    for source in &program.sources {
        let object = folder.join(source.file_name().unwrap_or_default()).with_extension("o");
        let mut words = compiler(program, twin, source);
        words.extend(["-c".to_owned(), source.display().to_string(), "-o".to_owned(), object.display().to_string()]);
        gcc(&words, folder)?;
        objects.push(object.display().to_string());
    }
    let is_cpp = program.sources.iter().any(|source| source.extension().is_some_and(|extension| extension == "cpp"));
    let binary = folder.join("program");
    let mut words = vec![if is_cpp { "g++" } else { "gcc" }.to_owned()];
    words.extend(objects);
    words.extend(["-pthread".to_owned(), "-o".to_owned(), binary.display().to_string()]);
    gcc(&words, folder)?;
    Ok(binary)
}

fn gcc(words: &[String], folder: &Path) -> Result<(), String> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let outcome = execute::run(&mut command, "", folder, COMPILE_LIMIT, "apt-get install gcc g++ libc6-dev")?;
    match outcome.status {
        Some(0) => Ok(()),
        _ => Err(format!("cannot compile: {}\n{}", words.join(" "), outcome.stderr)),
    }
}
