//! Watches a build, to learn what it compiles and how.
use super::gather::Gathered;
use crate::tell;
use anyhow::{Error, Result, bail};
use stanch_process::{Exec, Follow, follow_execs};
use stanch_static::source::{Build, BuildCommand, ENVIRONMENT};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::SystemTime;

/// Runs the build to its end. One that fails is told of; what it compiled until then is taken.
pub(super) fn build(words: &[OsString]) -> Result<Gathered> {
    let Some((program, arguments)) = words.split_first() else { bail!("there is no command to run") };
    let mut command = Command::new(program);
    command.args(arguments);
    let started = SystemTime::now();
    let mut build = Build::default();
    let status = follow_execs(command, &mut |exec| {
        let is_last = build.hear(&command_of(exec));
        // What the build has just made and runs is no part of it; it may be a test that wants to trace itself.
        if is_last || is_newer(exec, started) { Follow::LetGo } else { Follow::On }
    });
    let status = status.map_err(|error| with_hint(error, program))?;
    let exit_status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let command: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if exit_status != 0 {
        tell::note(&format!(
            "`{}` ended with status {exit_status}: what it compiled until then is analysed",
            command.join(" ")
        ));
    }
    let compiler_count = build.compiler_count();
    let mut sources = build.into_sources();
    if sources.units.is_empty() {
        let why = match compiler_count {
            0 => "it started no compiler".to_owned(),
            _ => "it compiled no C or C++ file that is still there".to_owned(),
        };
        bail!(
            "nothing was analysed: `{}` ended with status {exit_status}, and {why}\nhint: a build compiles only what \
             is not up to date; run `make clean`, or the like, before",
            command.join(" ")
        );
    }
    if exit_status != 0 {
        sources.gaps.push(stanch_finding::Incomplete {
            what: "what the build did not come to".to_owned(),
            why: format!("`{}` ended with status {exit_status}", command.join(" ")),
        });
    }
    let hint = "the compilers' own messages, above, may say more";
    Ok(Gathered { sources, command, exit_status: Some(exit_status), hint })
}

fn command_of(exec: &Exec) -> BuildCommand {
    let variable = |name: &&str| Some(((*name).into(), exec.variable(name)?.to_owned()));
    BuildCommand {
        folder: exec.folder.clone(),
        program: exec.program.clone(),
        words: exec.words.clone(),
        environment: ENVIRONMENT.iter().filter_map(variable).collect(),
    }
}

fn is_newer(exec: &Exec, started: SystemTime) -> bool {
    std::fs::metadata(&exec.program).and_then(|facts| facts.modified()).is_ok_and(|modified| started <= modified)
}

fn with_hint(error: std::io::Error, program: &OsString) -> Error {
    let hint = match error.kind() {
        ErrorKind::NotFound => "is it installed, and the path right?",
        // By the kernel, or by the sandbox that a container is.
        ErrorKind::PermissionDenied => {
            "it may not be executable, or tracing may be forbidden here; a compile_commands.json serves as well"
        }
        _ => "a compile_commands.json serves as well",
    };
    Error::new(error).context(format!("cannot watch `{}`\nhint: {hint}", program.display()))
}
