//! Runs a command and tells of every program that it and its descendants start, whatever they are linked with and
//! however they are called.
//!
//! By ptrace: the kernel stops a process for a moment when it has begun a new program. Neither environment nor output
//! nor status of the command change; what a tracer changes is that programs which trace others themselves cannot, and
//! that set-user-ID programs gain no rights. So a process can be let go as soon as it is of no interest.
use crate::Tid;
use crate::ptrace::request;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread::JoinHandle;

/// A program that has just been started and has not run yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The file that is executed; for a script its interpreter.
    pub program: PathBuf,
    /// The working folder.
    pub folder: PathBuf,
    /// The name that it was called by, and its arguments.
    pub words: Vec<OsString>,
    environment: Vec<OsString>,
}

impl Exec {
    /// A variable of its environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.iter().find_map(|entry| {
            let value = entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(OsStr::from_bytes(value))
        })
    }
}

/// Whether a process is to be followed further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Tell what it starts, too.
    On,
    /// Leave it and its descendants alone from now on.
    LetGo,
}

/// Starts the command, waits until it has ended, and calls `tell` for each program that is started meanwhile. What it
/// leaves behind runs on unobserved. This process may start no other child meanwhile: its end would go unnoticed.
///
/// # Errors
/// Where it cannot be started, or the kernel allows no tracing.
pub fn follow_execs(command: Command, tell: &mut (dyn FnMut(&Exec) -> Follow + Send)) -> io::Result<ExitStatus> {
    // The kernel lets go of all that a thread traces when the thread ends.
    std::thread::scope(|scope| {
        let tracer = scope.spawn(|| trace(command, tell));
        tracer.join().unwrap_or_else(|_| Err(io::Error::other("the thread that watches ended early")))
    })
}

const OPTIONS: i32 =
    libc::PTRACE_O_TRACEEXEC | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK | libc::PTRACE_O_TRACECLONE;

fn trace(command: Command, tell: &mut (dyn FnMut(&Exec) -> Follow + Send)) -> io::Result<ExitStatus> {
    let (root, starting) = start(command)?;
    let mut has_begun = false;
    loop {
        let seen = match peek() {
            // Whoever started it has taken note of its end already.
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) && !has_begun => return Err(failure(starting)),
            seen => seen?,
        };
        let is_end = !matches!(seen.code, libc::CLD_STOPPED | libc::CLD_TRAPPED);
        if is_end && seen.tid == root && !has_begun {
            // It could not begin the program; whoever started it waits for its end and knows why.
            return Err(failure(starting));
        }
        let mut status = 0;
        // SAFETY: the status is a local variable.
        if unsafe { libc::waitpid(seen.tid.0 as libc::pid_t, &mut status, libc::__WALL | libc::WNOHANG) } <= 0 {
            continue;
        }
        if is_end {
            if seen.tid == root {
                return Ok(ExitStatus::from_raw(status));
            }
            continue;
        }
        has_begun |= status >> 8 == libc::SIGTRAP | libc::PTRACE_EVENT_EXEC << 8 && seen.tid == root;
        go_on(seen.tid, status, tell);
    }
}

/// Lets a thread go on from whatever stopped it.
fn go_on(tid: Tid, status: i32, tell: &mut (dyn FnMut(&Exec) -> Follow + Send)) {
    let signal = libc::WSTOPSIG(status);
    // A thread that was killed meanwhile has nothing to go on with.
    let _ = match status >> 16 {
        libc::PTRACE_EVENT_EXEC => match exec(tid).map_or(Follow::On, |exec| tell(&exec)) {
            Follow::On => request(libc::PTRACE_CONT, tid, 0),
            Follow::LetGo => request(libc::PTRACE_DETACH, tid, 0),
        },
        // Stopped with its process by a signal: it stays so, and is heard of when it goes on.
        libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => request(libc::PTRACE_LISTEN, tid, 0),
        0 => request(libc::PTRACE_CONT, tid, signal as usize),
        _ => request(libc::PTRACE_CONT, tid, 0),
    };
}

/// What has just begun in a process, as the kernel tells; `None` where it is gone.
fn exec(tid: Tid) -> Option<Exec> {
    let of = |what: &str| format!("/proc/{}/{what}", tid.0);
    let strings = |what: &str| -> Option<Vec<OsString>> {
        let bytes = fs::read(of(what)).ok()?;
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        Some(bytes.split(|byte| *byte == 0).map(|text| OsString::from_vec(text.to_vec())).collect())
    };
    Some(Exec {
        program: fs::read_link(of("exe")).ok()?,
        folder: fs::read_link(of("cwd")).ok()?,
        words: strings("cmdline")?,
        environment: strings("environ")?,
    })
}

/// A change of a thread that nobody has taken note of yet.
struct Seen {
    tid: Tid,
    code: i32,
}

fn peek() -> io::Result<Seen> {
    loop {
        // SAFETY: all-zero is a valid value, and the kernel fills it.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL;
        // SAFETY: the structure is a local variable.
        if unsafe { libc::waitid(libc::P_ALL, 0, &mut info, options) } == 0 {
            // SAFETY: the kernel filled the fields that a wait has.
            let pid = unsafe { info.si_pid() };
            return Ok(Seen { tid: Tid(pid as u32), code: info.si_code });
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// What starts the command; it ends once the command runs, or could not be made to.
type Starting = JoinHandle<io::Result<()>>;

/// Starts the command so that it is traced before it becomes the program.
fn start(command: Command) -> io::Result<(Tid, Starting)> {
    let (mut ready, tell_ready) = io::pipe()?;
    let (wait_for_go, mut go) = io::pipe()?;
    let starting = std::thread::spawn(move || spawn(command, tell_ready, wait_for_go));
    let mut pid = [0; 4];
    if ready.read_exact(&mut pid).is_err() {
        return Err(failure(starting));
    }
    let root = Tid(u32::from_ne_bytes(pid));
    if let Err(error) = request(libc::PTRACE_SEIZE, root, OPTIONS as usize) {
        // Without the word it does not go on, and ends.
        drop(go);
        let _ = starting.join();
        return Err(error);
    }
    go.write_all(&[1])?;
    Ok((root, starting))
}

/// Starts the command in this thread: until the program runs, it does not come back.
fn spawn(mut command: Command, tell_ready: PipeWriter, wait_for_go: PipeReader) -> io::Result<()> {
    let before_exec = move || {
        // SAFETY: it takes nothing and cannot fail.
        let pid = unsafe { libc::getpid() }.to_ne_bytes();
        (&tell_ready).write_all(&pid)?;
        (&wait_for_go).read_exact(&mut [0])
    };
    // SAFETY: the closure makes system calls only; it touches no lock and no memory that others write.
    unsafe { command.pre_exec(before_exec) };
    command.spawn().map(drop)
}

/// Why the command could not be started.
fn failure(starting: Starting) -> io::Error {
    match starting.join() {
        Ok(Err(error)) => error,
        _ => io::Error::other("it ended before it began"),
    }
}
