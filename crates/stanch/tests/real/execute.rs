//! Runs a program to its end or to a time limit, and keeps what it wrote.
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a program did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Exited(i32),
    Signaled(i32),
    TimedOut,
}

/// A started program: its output goes to files, so that descendants that outlive it cannot hold the test up.
pub(crate) struct Running<'a> {
    child: Child,
    directory: &'a Path,
    tag: &'a str,
}

/// Starts the command in a process group of its own.
pub(crate) fn start<'a>(command: &mut Command, directory: &'a Path, tag: &'a str) -> Result<Running<'a>, String> {
    let create = |kind: &str| {
        let path = directory.join(format!("{tag}.{kind}"));
        File::create(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    command.stdin(Stdio::null()).stdout(create("stdout")?).stderr(create("stderr")?).process_group(0);
    let child = command
        .spawn()
        .map_err(|error| format!("cannot run `{}`: {error}", command.get_program().to_string_lossy()))?;
    Ok(Running { child, directory, tag })
}

impl Running<'_> {
    /// Waits for the end; whoever is not done in time is killed with its group.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<Outcome, String> {
        let ending = wait(&mut self.child, limit).map_err(|error| format!("cannot wait: {error}"))?;
        let read = |kind: &str| {
            let path = self.directory.join(format!("{}.{kind}", self.tag));
            fs::read(&path)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Outcome { ending, stdout: read("stdout")?, stderr: read("stderr")? })
    }
}

/// A command without what the test's own environment would add to a program's.
pub(crate) fn plain_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO", "RUST", "STANCH", "LD_", "GIT_", "MAKE", "MFLAGS", "VALGRIND"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(&*name);
        }
    }
    command.env("LC_ALL", "C").env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command
}

fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Ending> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(ending(status));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    kill_group(child.id());
    child.kill()?;
    child.wait()?;
    Ok(Ending::TimedOut)
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signaled(signal),
        (None, None) => Ending::TimedOut,
    }
}

/// Kills what is left of the group that `start` made for this child, which has not been waited for yet.
fn kill_group(leader: u32) {
    let killed = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).stderr(Stdio::null()).status();
    // A group that is gone already is as good as killed.
    drop(killed);
}
