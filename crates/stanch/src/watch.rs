//! `stanch watch`: what the detector says of recorded series, and where a host's memory is.
use crate::args::{WatchArgs, WatchFormat};
use crate::exit::Exit;
use crate::{VerbResult, destination, output, tell};
use anyhow::{Context, Error, Result};
use stanch_watch::detect::Looks;
use stanch_watch::host::{self, HostMemory};
use stanch_watch::replay::{self, FileError, Replay, ReplayError, WhichFile};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Standard input as a file's name.
const STDIN: &str = "-";

pub(crate) fn watch(args: &WatchArgs) -> VerbResult {
    let is_to_file = args.output.as_deref().filter(|path| *path != Path::new(STDIN));
    if let Some(path) = is_to_file {
        destination::check("report", path)?;
    }
    let format = args.format.unwrap_or(WatchFormat::Text);
    let bytes = match &args.replay {
        Some(path) => of_replay(&replayed(path, args)?, format),
        None => of_host(&host()?, format),
    }
    .context("cannot format the report")?;
    match is_to_file {
        Some(path) => destination::write(path, &bytes)
            .with_context(|| format!("cannot write the report to `{}`", path.display()))?,
        None => output::write_stream(&bytes, output::Stream::Stdout)?,
    }
    Ok(Exit::Clean)
}

fn of_replay(replay: &Replay, format: WatchFormat) -> io::Result<Vec<u8>> {
    replay.notes.iter().for_each(|note| tell::note(note));
    let mut bytes = Vec::new();
    match format {
        WatchFormat::Json => replay::write_json(&replay.series, &mut bytes)?,
        WatchFormat::Text => replay::write_text(&replay.series, &mut bytes)?,
    }
    Ok(bytes)
}

fn of_host(host: &HostMemory, format: WatchFormat) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match format {
        WatchFormat::Json => host.write_json(&mut bytes)?,
        WatchFormat::Text => host.write_text(&mut bytes)?,
    }
    Ok(bytes)
}

fn host() -> Result<HostMemory> {
    let refused = "cannot account for this host's memory";
    let tables = stanch_process::host_tables().context(refused)?;
    host::account(&tables.meminfo, &tables.zoneinfo, tables.slabinfo.as_deref()).context(refused)
}

fn replayed(series_path: &Path, args: &WatchArgs) -> Result<Replay> {
    let events = args.events.as_deref();
    if series_path == Path::new(STDIN) && events == Some(Path::new(STDIN)) {
        return Err(Error::msg(
            "samples and events cannot both come from standard input\nhint: give one of them as a file",
        ));
    }
    let looks = if args.online { Looks::WhileItGoes } else { Looks::AtEnd };
    let series = open(series_path)?;
    let events_input = events.map(open).transpose()?;
    replay::replay(series, events_input, looks).map_err(|FileError { file, error }| {
        let path = match file {
            WhichFile::Series => series_path,
            WhichFile::Events => events.unwrap_or(series_path),
        };
        let refused = format!("cannot replay `{}`", path.display());
        match error {
            ReplayError::Io(cause) => Error::new(cause).context(refused),
            error => Error::new(error).context(refused),
        }
    })
}

fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new(STDIN) {
        return Ok(Box::new(io::stdin()));
    }
    let refused = || format!("cannot read `{}`", path.display());
    let file = File::open(path).with_context(refused)?;
    if file.metadata().with_context(refused)?.is_dir() {
        return Err(Error::msg(format!("{}: it is a folder\nhint: name a file in it", refused())));
    }
    Ok(Box::new(file))
}
