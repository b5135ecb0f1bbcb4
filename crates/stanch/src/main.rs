//! The `stanch` command: arguments, configuration, output, exit status. All the rest is in libraries.
#![forbid(unsafe_code)]

mod args;
mod check;
mod destination;
mod diff;
mod exit;
mod export;
mod input;
mod interrupt;
mod moments;
mod output;
mod progress;
mod record;
mod recorder;
mod reports;
mod settings;
mod size;
mod tell;
mod view;
mod watch;

use args::{CliArgs, Verb};
use clap::Parser;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match CliArgs::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::of_usage(&error),
    };
    let result = match &args.verb {
        Verb::Run(args) => record::run(args),
        Verb::Check(args) => check::check(args),
        Verb::Report(args) => reports::report(args),
        Verb::Diff(args) => diff::diff(args),
        Verb::Snapshot(args) => reports::snapshot(args),
        Verb::View(args) => view::view(args),
        Verb::Watch(args) => watch::watch(args),
    };
    result.unwrap_or_else(|error| exit::of_failure(&error)).code()
}

/// What a verb ends with.
type VerbResult = anyhow::Result<Exit>;
