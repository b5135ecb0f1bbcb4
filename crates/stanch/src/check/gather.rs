//! What `stanch check` is to analyse, from its arguments.
use super::watch;
use crate::args::CheckArgs;
use crate::tell;
use anyhow::{Context, Error, Result, bail};
use stanch_static::source::{DatabaseError, FILE_NAME, Sources, find_database, from_database, from_folders};
use std::path::{Path, PathBuf};

/// Sources, and what they are called in a report.
pub(super) struct Gathered {
    pub(super) sources: Sources,
    /// The build's command line, or the files and folders.
    pub(super) command: Vec<String>,
    /// Of the build, where there was one.
    pub(super) exit_status: Option<i32>,
    /// What to do where nothing of it can be analysed.
    pub(super) hint: &'static str,
}

/// How to get a database, for the hint.
const NO_DATABASE: &str = "`stanch check -- make` learns from a build how files are compiled; CMake writes \
                           compile_commands.json with `-DCMAKE_EXPORT_COMPILE_COMMANDS=ON`, Meson always does";

pub(super) fn gather(args: &CheckArgs) -> Result<Gathered> {
    if !args.command.is_empty() {
        return watch::build(&args.command);
    }
    if let Some(path) = &args.build_dir {
        let database = if path.is_dir() { path.join(FILE_NAME) } else { path.clone() };
        let mut gathered = of_database(&database)?;
        if !args.paths.is_empty() {
            only(&mut gathered, &args.paths, &database)?;
        }
        return Ok(gathered);
    }
    match args.paths.as_slice() {
        [] => of_folder(Path::new(".")),
        [folder] if folder.is_dir() => of_folder(folder),
        paths => of_paths(paths),
    }
}

fn of_database(path: &Path) -> Result<Gathered> {
    let sources = from_database(path).map_err(with_hint)?;
    Ok(Gathered {
        sources,
        command: vec![path.display().to_string()],
        exit_status: None,
        hint: "the database may be of another machine, or the build may not have run yet: build the project first",
    })
}

fn with_hint(error: DatabaseError) -> Error {
    let hint = match &error {
        DatabaseError::Empty(_) => "configure and build the project anew, or run `stanch check -- BUILD COMMAND`",
        DatabaseError::Malformed(..) => {
            "a compile database is a JSON array of objects with `directory`, `file` and `command`"
        }
        DatabaseError::Unreadable(..) => NO_DATABASE,
    };
    let text = format!("{error}\nhint: {hint}");
    Error::new(error).context(text)
}

/// The folder's database; without one all its sources, each as if it were compiled without flags.
fn of_folder(folder: &Path) -> Result<Gathered> {
    if let Some(database) = find_database(folder) {
        return of_database(&database);
    }
    let folder = absolute(folder)?;
    let sources = from_folders(std::slice::from_ref(&folder), &[], &folder)
        .with_context(|| format!("cannot read `{}`", folder.display()))?;
    if sources.units.is_empty() {
        bail!("there is no {FILE_NAME} in `{}`, and no C or C++ source\nhint: {NO_DATABASE}", folder.display());
    }
    tell::note(&format!(
        "there is no {FILE_NAME}: taking the {} source files below `{}` as they are",
        sources.units.len(),
        folder.display()
    ));
    Ok(Gathered { sources, command: vec![folder.display().to_string()], exit_status: None, hint: NO_DATABASE })
}

/// Files and folders named by hand, as one program.
fn of_paths(paths: &[PathBuf]) -> Result<Gathered> {
    let here = absolute(Path::new("."))?;
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        let facts = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        if facts.is_dir() {
            folders.push(absolute(path)?);
        } else {
            files.push(path.clone());
        }
    }
    let sources = from_folders(&folders, &files, &here).context("cannot read the folders")?;
    Ok(Gathered {
        sources,
        command: paths.iter().map(|path| path.display().to_string()).collect(),
        exit_status: None,
        hint: "flags that the files need can be given: `--flag=-Iinclude --flag=-DX`",
    })
}

/// Leaves those files of a database that were named.
fn only(gathered: &mut Gathered, paths: &[PathBuf], database: &Path) -> Result<()> {
    let wanted = paths
        .iter()
        .map(|path| std::fs::canonicalize(path).with_context(|| format!("cannot read `{}`", path.display())));
    let wanted: Vec<PathBuf> = wanted.collect::<Result<_>>()?;
    gathered.sources.units.retain(|unit| {
        std::fs::canonicalize(unit.path()).is_ok_and(|path| wanted.iter().any(|wanted| path.starts_with(wanted)))
    });
    if gathered.sources.units.is_empty() {
        bail!(
            "`{}` does not name these files\nhint: leave out `-p` to analyse them without their flags",
            database.display()
        );
    }
    gathered.command = paths.iter().map(|path| path.display().to_string()).collect();
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| format!("cannot read `{}`", path.display()))
}
