//! Exit statuses, which are an interface, and the errors that lead to the last of them.
use crate::tell;
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

/// Reports a failure with its causes, and what to do about it.
pub(crate) fn of_failure(error: &anyhow::Error) -> Exit {
    tell::line(&failure_text(error.chain().map(ToString::to_string)));
    Exit::Failure
}

/// `error: what: on what: why`, then the hints, each on a line of its own. A cause that the error before it quotes is
/// not said twice.
fn failure_text(causes: impl Iterator<Item = String>) -> String {
    let (mut said, mut hints) = (String::new(), Vec::new());
    for cause in causes {
        let mut parts = cause.split("\nhint: ");
        let text = without_number(parts.next().unwrap_or_default());
        hints.extend(parts.map(str::to_owned));
        if said.is_empty() {
            said = text.to_owned();
        } else if !said.ends_with(text) {
            said = format!("{said}: {text}");
        }
    }
    hints.into_iter().fold(format!("error: {said}"), |text, hint| format!("{text}\nhint: {hint}"))
}

/// Numbers of system errors tell people nothing that their text does not.
fn without_number(text: &str) -> &str {
    text.strip_suffix(')').and_then(|text| text.rsplit_once(" (os error ")).map_or(text, |(text, _)| text)
}

/// Reports what is wrong with the arguments, or prints the help that was asked for.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    // Nobody to tell where even that cannot be printed.
    let _ = error.print();
    if error.use_stderr() { Exit::Failure.code() } else { Exit::Clean.code() }
}

#[cfg(test)]
mod tests {
    use super::failure_text;

    #[test]
    fn failures_are_said_once_and_hints_come_last() {
        let causes = ["cannot read `a`: no `b`\nhint: give one", "no `b`", "Permission denied (os error 13)"];
        assert_eq!(
            failure_text(causes.into_iter().map(str::to_owned)),
            "error: cannot read `a`: no `b`: Permission denied\nhint: give one"
        );
    }
}
