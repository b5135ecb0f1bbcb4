//! What can be typed.
use crate::size;
use clap::{Args, Parser, Subcommand, ValueEnum};
use stanch_report::stacks::{Measure, Unit, Weight};
use std::ffi::OsString;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

/// Below the long help.
const MORE: &str = "\
Examples:
  stanch run -- ./app --port 80          record, and report to standard error at the end
  stanch run --record app.rec -- ./app   keep the recording, too
  stanch report app.rec --format sarif   report on it once more
  stanch run --sample 512KiB -- ./app    in production: estimates from samples, at next to no cost
  stanch report app.rec --format pprof -o app.pb.gz
                                         the same for `go tool pprof`; other tools have theirs
  stanch report app.rec --format html -o app.html
  stanch diff old.rec new.rec            what is new, gone, grown, shrunk: between two builds, or two days
  stanch view app.rec                    look through it on the terminal
  stanch check -- make -j2               find leaks in the source of what `make` compiles
  stanch watch --replay memory.csv       which recorded series of memory leak, and since when
  stanch snapshot 4127                   look at a process that `stanch run` is recording

Exit status:
  0 nothing found, 1 findings at or above --fail-on, 2 Stanch could not do its job.
  `stanch diff` counts what is new, grown or worse only.
  `stanch run` gives the program's own status (128 + the signal that ended it) unless --fail-on is
  given and something is found.

Configuration:
  `stanch.toml`, looked for from the working folder upwards: format, fail-on, color, show-reachable,
  follow-children, linger, suppressions = [\"FILE\"], and [[suppress]] tables.
  The environment wins over it: STANCH_FORMAT, STANCH_FAIL_ON, STANCH_COLOR, STANCH_SHOW_REACHABLE,
  STANCH_FOLLOW_CHILDREN, STANCH_LINGER, STANCH_SUPPRESSIONS (FILE:FILE). Flags win over both.";

/// Below the long help of `stanch diff`.
const DIFF_MORE: &str = "\
Example:
  stanch diff main.rec branch.rec        status 1 if the branch leaks more than main
  stanch diff main.rec branch.rec --format html -o diff.html
  stanch diff --snapshots 1 3 service.rec
                                         what became of it between two snapshots of one run

Exit status:
  0 nothing new, grown or worse; 1 something is, at or above --fail-on (definitely-lost unless given;
  still-reachable where NEW is sampled); 2 Stanch could not do its job.";

/// Below the help of `stanch check`.
const CHECK_MORE: &str = "\
Examples:
  stanch check                           the project in this folder, by its compile_commands.json
  stanch check -p build                  the same, the database is in `build`
  stanch check -- make -j2               what `make` compiles; run it after `make clean`
  stanch check a.c b.cpp                 these files, as one program
  stanch check --format sarif -o s.sarif for code review

Exit status:
  0 nothing found; 1 something is, at or above --fail-on (definitely-lost unless given: memory lost on
  some path counts); 2 Stanch could not do its job, also where nothing could be analysed.";

/// Below the help of `stanch watch`.
const WATCH_MORE: &str = "\
Files:
  SERIES has the first line `time,series,bytes,limit,load`: seconds, a name, bytes; limit and load may be
  empty. EVENTS has `time,series,event`; an event is `restart`, `deploy` or `config`. Both may be packed
  with gzip, and are sorted by time within a series.

Example:
  stanch watch --replay memory.csv --events deploys.csv --online --format json
  stanch watch --once                    where this host's memory is: all of it

Exit status:
  0 whatever the series say, 2 Stanch could not do its job.";

/// Finds memory leaks in programs that nobody recompiled
#[derive(Debug, Parser)]
#[command(
    name = "stanch",
    version,
    max_term_width = 100,
    after_help = "Try: stanch run -- PROGRAM",
    after_long_help = MORE
)]
pub(crate) struct CliArgs {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a program, record its allocations, and say what it leaked
    ///
    /// The report goes to standard error, since standard output is the program's, or to the file that --output names.
    /// The program's own status is returned (128 + the signal that ended it), unless --fail-on is given and something
    /// is found. Ctrl-C goes to the program; the report follows when it has ended.
    Run(RunArgs),
    /// Find leaks in C and C++ source, without running it
    ///
    /// Whole programs are analysed, across files: those of a compile database (`compile_commands.json`, found in the
    /// folder or where build systems put it), those that a build compiles, or files named by hand, as one program.
    /// Sources are read through clang, whatever compiler the build uses.
    #[command(after_help = CHECK_MORE)]
    Check(CheckArgs),
    /// Report on a recording that was kept with `run --record`, or on what another tool wrote
    ///
    /// Files of heaptrack, pprof (heap profiles), jemalloc, tcmalloc, valgrind (XML) and LeakSanitizer are known by
    /// their content. With --format they go out in the formats of other tools.
    Report(ReportArgs),
    /// Compare two recordings: which leaks are new, gone, grown or shrunk
    ///
    /// Each side is a recording, a file of another tool, or a report in JSON (`--format json`). Leaks are known by
    /// their fingerprints, so the two may be of different builds, checkouts and machines. For two moments of one
    /// process, give what `stanch snapshot PID --format json -o FILE` wrote at each, or the recording and --snapshots.
    #[command(after_help = "Try: stanch diff main.rec branch.rec", after_long_help = DIFF_MORE)]
    Diff(DiffArgs),
    /// Report on a process that `stanch run` is recording, while it goes on
    Snapshot(SnapshotArgs),
    /// Look through a recording, or what another tool wrote, on the terminal
    ///
    /// Findings, stacks as a tree, a flame graph, and processes over time. Keys are those of vim, or arrows; `?` lists
    /// them, `q` quits. Works over ssh, in a window of 80x24.
    ///
    /// Example: stanch view app.rec
    View(ViewArgs),
    /// Look for leaks in memory over time: recorded series of monitoring, and where a host's memory is
    ///
    /// Says of each series whether it leaks, fills towards a bound, or is steady; since when, how fast, and when it
    /// meets its limit.
    #[command(after_help = WATCH_MORE)]
    Watch(WatchArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Keep the recording in FILE, for `stanch report FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Record the processes that the program starts, too [default: yes]
    #[arg(
        long,
        value_name = "WHETHER",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes"
    )]
    pub(crate) follow_children: Option<YesNo>,
    /// Seconds to wait for processes that the program leaves behind [default: 2]
    ///
    /// What runs on then is looked at where it stands and goes on without being recorded. Daemons are followed to their
    /// end, or until Ctrl-C.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) linger: Option<f64>,
    /// Look at one block in BYTES allocated only: cheap enough for production, and amounts become estimates
    ///
    /// BYTES is the mean distance between two samples: plain bytes, or with KiB, MiB or GiB. 512KiB costs next to
    /// nothing. What is lost cannot be told from what is in use.
    #[arg(long, value_name = "BYTES", value_parser = size::parse)]
    pub(crate) sample: Option<NonZeroU64>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Source files, taken as one program, or folders [default: this folder]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Compile database, or the folder that it is in
    #[arg(short = 'p', long, value_name = "DIR")]
    pub(crate) build_dir: Option<PathBuf>,
    /// Flag for every file beside its own, such as `--flag=-DX`; may be given several times
    #[arg(long, value_name = "FLAG", allow_hyphen_values = true)]
    pub(crate) flag: Vec<OsString>,
    /// What library functions do, in TOML; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) models: Vec<PathBuf>,
    /// Report only what this rule finds; may be given several times
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Vec<String>,
    /// The clang to read sources with [default: the newest that is installed]
    #[arg(long, value_name = "CLANG")]
    pub(crate) clang: Option<PathBuf>,
    /// Files to compile at a time [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Seconds that clang may take for one file
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) compile_limit: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// A build to watch, and its arguments
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["paths", "build_dir"])]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A recording, or another tool's file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only the processes with this id
    #[arg(long, value_name = "PID")]
    pub(crate) process: Option<u32>,
    /// What formats with one number a stack carry, and the others show first [default: lost-bytes]
    #[arg(long, value_enum)]
    pub(crate) weight: Option<WeightName>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What a stack is weighed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightName {
    /// Definitely or indirectly lost
    LostBytes,
    /// The same, in blocks
    LostBlocks,
    /// Only pointers to their middle are left
    PossiblyLostBytes,
    /// The same, in blocks
    PossiblyLostBlocks,
    /// Not freed when last seen
    LiveBytes,
    /// The same, in blocks
    LiveBlocks,
    /// Allocated over the whole life
    AllocatedBytes,
    /// The same, in blocks
    AllocatedBlocks,
    /// Live in the snapshot with the most bytes
    PeakBytes,
    /// The same, in blocks
    PeakBlocks,
    /// Freed before their thread allocated again; their bytes are not recorded
    TemporaryBlocks,
}

impl WeightName {
    pub(crate) fn measure(self) -> Measure {
        let (weight, unit) = match self {
            Self::LostBytes => (Weight::Lost, Unit::Bytes),
            Self::LostBlocks => (Weight::Lost, Unit::Blocks),
            Self::PossiblyLostBytes => (Weight::PossiblyLost, Unit::Bytes),
            Self::PossiblyLostBlocks => (Weight::PossiblyLost, Unit::Blocks),
            Self::LiveBytes => (Weight::Live, Unit::Bytes),
            Self::LiveBlocks => (Weight::Live, Unit::Blocks),
            Self::AllocatedBytes => (Weight::Allocated, Unit::Bytes),
            Self::AllocatedBlocks => (Weight::Allocated, Unit::Blocks),
            Self::PeakBytes => (Weight::Peak, Unit::Bytes),
            Self::PeakBlocks => (Weight::Peak, Unit::Blocks),
            Self::TemporaryBlocks => (Weight::Temporary, Unit::Blocks),
        };
        Measure { weight, unit }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// What it was like before: a recording, another tool's file, or a report in JSON
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// What it is like now
    #[arg(value_name = "NEW", required_unless_present = "snapshots")]
    pub(crate) new: Option<PathBuf>,
    /// Compare two snapshots of one process in the recording OLD: their numbers, from 1 in the order of time
    #[arg(long, num_args = 2, value_names = ["NUMBER", "NUMBER"], conflicts_with = "new")]
    pub(crate) snapshots: Option<Vec<u32>>,
    /// The process whose snapshots are compared, where several have them
    #[arg(long, value_name = "PID", requires = "snapshots")]
    pub(crate) process: Option<u32>,
    /// Least difference in size for grown and shrunk: plain bytes, or with KiB, MiB or GiB
    #[arg(long, value_name = "BYTES", value_parser = size::parse, default_value = "1KiB")]
    pub(crate) min_bytes: NonZeroU64,
    /// Least difference in percent of the old size for grown and shrunk
    #[arg(long, value_name = "PERCENT", default_value_t = 10)]
    pub(crate) min_percent: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotArgs {
    /// Process id
    #[arg(value_name = "PID")]
    pub(crate) pid: u32,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// A recording, or another tool's file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Suppression file: Stanch's TOML, LeakSanitizer's or valgrind's; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// Colours, which only repeat what the text says [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<When>,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Read series from SERIES (`-`: standard input), a file in CSV, packed with gzip or not
    #[arg(long, value_name = "SERIES", required_unless_present = "once")]
    pub(crate) replay: Option<PathBuf>,
    /// Say where all memory of this host is now, and end
    #[arg(long, conflicts_with = "replay")]
    pub(crate) once: bool,
    /// What happened meanwhile: restarts, deploys, changes of configuration
    #[arg(long, value_name = "EVENTS", requires = "replay")]
    pub(crate) events: Option<PathBuf>,
    /// Show each sample to the detector at its time only, and tell the alarms that it would have raised
    #[arg(long, requires = "replay")]
    pub(crate) online: bool,
    /// Format of the report [default: text]
    #[arg(long, value_enum)]
    pub(crate) format: Option<WatchFormat>,
    /// Write the report to FILE (`-`: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How conclusions about series come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WatchFormat {
    /// For people
    Text,
    /// For programs: an object a line for each series
    Json,
}

/// How findings come out; the same for every verb that has any.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Format of the report [default: text]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write the report to FILE (`-`: standard output)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// End with status 1 if anything at least as bad is found
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) fail_on: Option<FailOn>,
    /// Suppression file: Stanch's TOML, LeakSanitizer's or valgrind's; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) suppressions: Vec<PathBuf>,
    /// HTML: withhold paths, arguments and source text
    #[arg(long)]
    pub(crate) redact: bool,
    /// List what is still reachable, too
    #[arg(long)]
    pub(crate) show_reachable: bool,
    /// Show all findings, whole stacks and every reason
    #[arg(long)]
    pub(crate) all: bool,
    /// Colours [default: auto]
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
    /// For people, with graphs: one page for a browser; needs --output
    Html,
    /// For `go tool pprof`, Pyroscope, Parca
    Pprof,
    /// For inferno-flamegraph and flamegraph.pl
    Folded,
    /// For speedscope
    Speedscope,
    /// For heaptrack_print and heaptrack_gui
    Heaptrack,
    /// For ms_print and massif-visualizer
    Massif,
    /// For the Firefox Profiler
    Firefox,
    /// For spreadsheets: a line for each stack
    Csv,
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
    /// Do
    Yes,
    /// Do not
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Wherever text goes
    Always,
    /// Nowhere
    Never,
}
