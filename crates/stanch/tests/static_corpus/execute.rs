//! Runs a command to its end or to a time limit, and keeps what it wrote.
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a command did.
pub(crate) struct Outcome {
    /// `None` where a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the command, its output in files of the folder. `install` is the command that installs the program.
pub(crate) fn run(
    command: &mut Command,
    stdin: &str,
    folder: &Path,
    limit: Duration,
    install: &str,
) -> Result<Outcome, String> {
    let told = |what: &str, error: std::io::Error| format!("{}: {error}", folder.join(what).display());
    let create = |name: &str| File::create(folder.join(name)).map_err(|error| told(name, error));
    fs::write(folder.join("stdin"), stdin).map_err(|error| told("stdin", error))?;
    let input = File::open(folder.join("stdin")).map_err(|error| told("stdin", error))?;
    command.stdin(Stdio::from(input)).stdout(create("stdout")?).stderr(create("stderr")?);
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| format!("cannot run `{name}`: {error}; install it: {install}"))?;
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| format!("cannot wait for `{name}`: {error}"))? {
            Some(status) => break status,
            None if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(5)),
            None => {
                // It may have ended by itself just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{name}` takes longer than {} s", limit.as_secs()));
            }
        }
    };
    let read = |name: &str| {
        fs::read(folder.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| told(name, error))
    };
    Ok(Outcome { status: status.code(), stdout: read("stdout")?, stderr: read("stderr")? })
}

/// A command without what the test's own environment would add.
pub(crate) fn plain_command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO", "RUST", "STANCH", "LD_", "VALGRIND"].iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&*name);
        }
    }
    command
}
