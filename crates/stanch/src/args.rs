//! What can be typed.
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Finds memory leaks in programs that nobody recompiled.
///
/// Exit status: 0 nothing found, 1 findings at or above --fail-on, 2 Stanch could not do its job. `stanch run` gives
/// the program's own status unless --fail-on is given.
#[derive(Debug, Parser)]
#[command(name = "stanch", version, max_term_width = 100)]
pub(crate) struct CliArgs {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a program, record its allocations, and say what it leaked
    Run(RunArgs),
    /// Report on a recording that was kept with `run --record`
    Report(ReportArgs),
    /// Report on a process that `stanch run` is recording, while it goes on
    Snapshot(SnapshotArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Keep the recording in FILE, for `stanch report FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Record the processes that the program starts, too
    #[arg(long, value_name = "WHETHER", value_enum, num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) follow_children: Option<YesNo>,
    /// Seconds to wait for processes that the program leaves behind
    #[arg(long, value_name = "SECONDS")]
    pub(crate) linger: Option<f64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A recording
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    /// Process id
    pub(crate) pid: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How findings come out; the same for every verb that has any.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Format of the report
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write the report to FILE
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// End with status 1 if anything at least as bad is found
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) fail_on: Option<FailOn>,
    /// Suppression file: Stanch's TOML, LeakSanitizer's or valgrind's; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// List what is still reachable, too
    #[arg(long)]
    pub(crate) show_reachable: bool,
    /// Show all findings and whole stacks
    #[arg(long)]
    pub(crate) all: bool,
    /// Colours
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<When>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For code review tools (SARIF 2.1.0)
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FailOn {
    /// Never
    Never,
    /// Blocks that no pointer is left to, and wrong frees
    DefinitelyLost,
    /// Also blocks of which only an interior pointer is left
    PossiblyLost,
    /// Also blocks that are still reachable, or live
    StillReachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}
