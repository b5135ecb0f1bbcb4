//! Exit statuses, which are an interface.
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing found.
    Clean,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Stanch could not do its job.
    Failure,
    /// The recorded program's own status.
    Program(u8),
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        match self {
            Self::Clean => ExitCode::SUCCESS,
            Self::Findings => ExitCode::from(1),
            Self::Failure => ExitCode::from(2),
            Self::Program(status) => ExitCode::from(status),
        }
    }

    /// A program's status as a shell gives it: 128 + the number of the signal that ended it.
    pub(crate) fn of_program(status: ExitStatus) -> Self {
        let number = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Self::Program(number as u8)
    }
}

/// Reports a failure with its causes.
#[expect(clippy::print_stderr, reason = "errors go to standard error")]
pub(crate) fn of_failure(error: &anyhow::Error) -> Exit {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    eprintln!("error: {}", causes.join(": "));
    Exit::Failure
}

/// Reports what is wrong with the arguments, or prints the help that was asked for.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    // Nobody to tell where even that cannot be printed.
    let _ = error.print();
    if error.use_stderr() { Exit::Failure.code() } else { Exit::Clean.code() }
}
