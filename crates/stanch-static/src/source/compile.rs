//! LLVM IR of each unit, by clang, several at a time.
use super::clang::Clang;
use super::flags::older_standard;
use super::unit::{Language, Unit};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How units are compiled.
#[derive(Clone, Debug)]
pub struct CompilePlan {
    /// By which compiler.
    pub clang: Clang,
    /// How many at a time.
    pub jobs: NonZeroUsize,
    /// How long each may take.
    pub time_limit: Duration,
}

/// Why there is no IR of a unit. The text is what a report says.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The source is not there.
    #[error("there is no such file")]
    Missing,
    /// The source is there, and cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// The folder that its compiler was started in is gone.
    #[error("the folder `{}` that it is compiled in is not there", .0.display())]
    Folder(PathBuf),
    /// clang does not accept it; the first error.
    #[error("it does not compile: {0}")]
    Refused(String),
    /// clang did not come to an end.
    #[error("clang took more than {} s and was ended", .0.as_secs())]
    Slow(Duration),
    /// clang wrote more than anybody could read.
    #[error("clang writes more than {} MiB for it", .0 >> 20)]
    Large(u64),
    /// clang was ended by a signal.
    #[error("clang crashed (signal {0})")]
    Crashed(i32),
    /// clang cannot be started.
    #[error("clang cannot be started: {0}")]
    Start(io::Error),
}

/// How often a unit is tried anew without the flags that clang refused.
const TRIES_MAX: usize = 5;
/// More IR than this of one file is no program that anybody wrote.
const IR_BYTES_MAX: u64 = 2 << 30;
/// What is kept of clang's messages; the first error is among them.
const MESSAGE_BYTES_MAX: u64 = 1 << 20;

/// What clang is told beside the unit's own flags, last, so that nothing undoes it.
///
/// Unoptimised, since optimisation deletes the evidence; with debug information; without warnings. What gcc only warns
/// of, newer versions of clang refuse: they are asked not to.
const ALWAYS: [&str; 22] = [
    "-S",
    "-emit-llvm",
    "-O0",
    "-g",
    "-Xclang",
    "-disable-O0-optnone",
    "-fno-crash-diagnostics",
    "-fno-color-diagnostics",
    "-w",
    "-Wno-error",
    "-Wno-implicit-function-declaration",
    "-Wno-implicit-int",
    "-Wno-int-conversion",
    "-Wno-incompatible-function-pointer-types",
    "-Wno-incompatible-pointer-types",
    "-Wno-return-mismatch",
    "-Wno-c++11-narrowing",
    "-Wno-register",
    "-Wno-reserved-user-defined-literal",
    "-Wno-dynamic-exception-spec",
    "-Wno-enum-constexpr-conversion",
    "-Wno-unknown-warning-option",
];

/// Compiles all units, and hands each one's IR to `each`, on several threads. Results are in the order of the units.
///
/// `done` is called with the number of units that are through.
pub fn compile_all<T: Send>(
    units: &[Unit],
    plan: &CompilePlan,
    each: &(impl Fn(String) -> T + Sync),
    done: &(impl Fn(usize) + Sync),
) -> Vec<Result<T, CompileError>> {
    in_parallel(units, plan.jobs, &|unit: &Unit| compile(unit, plan).map(each), done)
}

/// Does `work` on all items, several at a time. Results are in the order of the items.
///
/// `done` is called with the number of items that are through.
pub fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    jobs: NonZeroUsize,
    work: &(impl Fn(&I) -> T + Sync),
    done: &(impl Fn(usize) + Sync),
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let through = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.get().min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                    done(through.fetch_add(1, Relaxed) + 1);
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// LLVM IR of one unit, as text.
fn compile(unit: &Unit, plan: &CompilePlan) -> Result<String, CompileError> {
    if !unit.folder.is_dir() {
        return Err(CompileError::Folder(unit.folder.clone()));
    }
    match std::fs::File::open(unit.path()) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CompileError::Missing),
        Err(error) => return Err(CompileError::Unreadable(error)),
    }
    let mut flags = unit.flags.clone();
    let has_standard = flags.iter().any(|flag| flag.as_bytes().starts_with(b"-std=") || flag == "-ansi");
    if unit.language.is_cplusplus() && !has_standard && plan.clang.major < 16 {
        // What gcc 11 and later take where nothing is said, as do later versions of clang.
        flags.push("-std=gnu++17".into());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let output = run(command(unit, &flags, plan), None, plan.time_limit)?;
        if output.status.success() {
            return Ok(output.text);
        }
        match without_refused(&flags, &output.messages).filter(|_| tries < TRIES_MAX) {
            Some(fewer) => flags = fewer,
            None => return Err(why(&output)),
        }
    }
}

/// LLVM IR of code that stands in no file.
///
/// # Errors
/// Where clang fails, as for any unit.
pub fn compile_text(source: &'static str, language: Language, plan: &CompilePlan) -> Result<String, CompileError> {
    let mut command = Command::new(&plan.clang.path);
    command.args(ALWAYS).args(["-x", language.as_flag(), "-o", "-", "-"]);
    let output = run(quiet(command), Some(source), plan.time_limit)?;
    if output.status.success() { Ok(output.text) } else { Err(why(&output)) }
}

fn command(unit: &Unit, flags: &[OsString], plan: &CompilePlan) -> Command {
    let mut command = Command::new(&plan.clang.path);
    command.current_dir(&unit.folder).envs(unit.environment.iter().map(|(name, value)| (name, value)));
    command.args(flags).args(ALWAYS).args(["-x", unit.language.as_flag(), "-o", "-"]).arg(input(&unit.file));
    quiet(command)
}

/// Nothing but IR and messages comes of it, and nothing but those goes to whoever started us.
fn quiet(mut command: Command) -> Command {
    // Some versions have a word of their own for messages, or write dependencies where these say.
    for name in ["CCC_OVERRIDE_OPTIONS", "CC_PRINT_OPTIONS", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The file in words that pass for no flag.
fn input(file: &Path) -> PathBuf {
    if file.as_os_str().as_bytes().starts_with(b"-") { Path::new(".").join(file) } else { file.to_owned() }
}

/// What one run of clang gave.
struct Output {
    status: ExitStatus,
    text: String,
    messages: String,
}

fn run(mut command: Command, input: Option<&'static str>, time_limit: Duration) -> Result<Output, CompileError> {
    let deadline = Instant::now() + time_limit;
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().map_err(CompileError::Start)?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        // Where clang does not read it, its messages say why.
        std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    }
    let text = child.stdout.take().map(|pipe| read_aside(pipe, IR_BYTES_MAX));
    let messages = child.stderr.take().map(|pipe| read_aside(pipe, MESSAGE_BYTES_MAX));
    let receive = |pipe: Option<Receiver<Vec<u8>>>| {
        pipe.and_then(|pipe| pipe.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok())
    };
    let text = receive(text);
    let status = text.as_ref().and_then(|_| wait_until(&mut child, deadline));
    let (Some(text), Some(status)) = (text, status) else {
        // It may have ended in this moment.
        let _ = child.kill();
        let _ = child.wait();
        return Err(CompileError::Slow(time_limit));
    };
    if IR_BYTES_MAX <= text.len() as u64 {
        return Err(CompileError::Large(IR_BYTES_MAX));
    }
    let messages = receive(messages).unwrap_or_default();
    let lossy = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    Ok(Output { status, text: lossy(text), messages: lossy(messages) })
}

/// Reads a pipe to its end, or as much of it as is wanted and lets the rest go.
fn read_aside(mut pipe: impl Read + Send + 'static, bytes_max: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _ = pipe.by_ref().take(bytes_max).read_to_end(&mut bytes);
        // Nobody may wait any more.
        let _ = sender.send(bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
    });
    receiver
}

/// The status, once both pipes are closed; a child that goes on without them is given until the deadline.
fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    let mut pause = Duration::from_micros(200);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(pause),
            _ => return None,
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The flags without those that clang's driver refuses, or with an older standard; `None` where the error is another.
fn without_refused(flags: &[OsString], messages: &str) -> Option<Vec<OsString>> {
    let mut left = flags.to_vec();
    for line in messages.lines().filter(|line| is_of_driver(line)) {
        let quoted: Vec<&str> = line.split('\'').skip(1).step_by(2).filter(|text| !text.is_empty()).collect();
        if let Some(standard) = quoted.iter().find_map(|text| text.strip_prefix("-std=")) {
            let older = older_standard(standard).map(|older| format!("-std={older}"));
            left = left
                .into_iter()
                .filter_map(|flag| {
                    if flag == *format!("-std={standard}") { older.clone().map(Into::into) } else { Some(flag) }
                })
                .collect();
            continue;
        }
        left.retain(|flag| !quoted.iter().any(|text| is_meant(flag, text)));
    }
    (left != flags).then_some(left)
}

/// `clang: error: …` and `error: …` are about the command line; errors in the source name a file.
fn is_of_driver(line: &str) -> bool {
    let text = line.strip_prefix("error: ").or_else(|| {
        let (program, text) = line.split_once(": error: ")?;
        program.rsplit('/').next()?.starts_with("clang").then_some(text)
    });
    text.is_some_and(|text| {
        ["unknown", "unsupported", "invalid", "not supported", "not allowed"].iter().any(|word| text.contains(word))
    })
}

/// True where a message that quotes `text` speaks of this flag: the flag itself, or the value behind its `=`.
fn is_meant(flag: &OsStr, text: &str) -> bool {
    let Some(flag) = flag.to_str() else { return false };
    let value = flag.split_once('=').map(|(_, value)| value);
    flag.starts_with('-')
        && (flag == text || value == Some(text) || text.strip_suffix('=').is_some_and(|name| flag.starts_with(name)))
}

/// Why clang gave nothing.
fn why(output: &Output) -> CompileError {
    if let Some(signal) = output.status.signal() {
        return CompileError::Crashed(signal);
    }
    let is_error = |line: &&str| line.contains("error: ");
    let first = output.messages.lines().find(is_error).or_else(|| output.messages.lines().next());
    let is_crash = output.messages.contains("PLEASE submit a bug report");
    match first {
        _ if is_crash => CompileError::Crashed(output.status.code().map_or(0, |code| code - 128).max(0)),
        Some(line) => CompileError::Refused(line.trim().to_owned()),
        None => CompileError::Refused(format!("clang ended with {} and said nothing", output.status)),
    }
}

#[cfg(test)]
mod tests;
