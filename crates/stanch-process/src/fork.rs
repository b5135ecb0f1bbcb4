//! A copy of a process at one instant, made by the kernel: its memory is copied only where it is written afterwards.
//!
//! ```text
//! the process ──clone, sharing memory──▶ helper ──clone──▶ image
//!      │                                   │ killed           stands still from its birth on; ours from then on,
//!      └──────────── wait4(helper) ◀───────┘                  since its parent has ended
//! ```
//!
//! Neither helper nor image ever runs an instruction of the program. The program has no child that its own waits could
//! meet, gets no signal, and keeps no process id: it waits for the helper before it goes on. What it can see are
//! the helper's few milliseconds in what `getrusage` says of its children. The image has no open files, so what the
//! program closes is closed.
use crate::haste::hurry;
use crate::inject::{self, Caller};
use crate::ptrace::{self, Stop, request};
use crate::{Mapping, Pid, Stopped, Tid, facts};
use std::io;
use std::sync::{Mutex, PoisonError};

/// A `syscall` instruction in a process's own code, followed by code that ends it quietly: should we be killed at the
/// wrong moment, helper and image come to nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCallSite(u64);

impl SystemCallSite {
    /// The code: `syscall; xor edi, edi; mov eax, 231; syscall; ud2` (231 is `exit_group`).
    pub const CODE: [u8; 13] = [0x0f, 0x05, 0x31, 0xff, 0xb8, 0xe7, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b];

    /// Looks for the code in the executable mappings of a file, given the process's mappings.
    ///
    /// # Errors
    /// Where it is not there or cannot be read.
    pub fn find(pid: Pid, mappings: &[Mapping], file: &str) -> io::Result<Self> {
        const CODE_BYTES_MAX: u64 = 16 << 20;
        for mapping in mappings.iter().filter(|mapping| mapping.executable && mapping.name == file) {
            let mut code = vec![0; (mapping.end - mapping.start).min(CODE_BYTES_MAX) as usize];
            let count = crate::read(pid, mapping.start, &mut code)?;
            let found = code[..count].windows(Self::CODE.len()).position(|window| window == Self::CODE);
            if let Some(found) = found {
                return Ok(Self(mapping.start + found as u64));
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "the recorder's code is not where it was"))
    }
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// A filter could punish system calls that are not the program's own.
    #[error("the program restricts its system calls (seccomp)")]
    Restricted,
    /// No thread may be disturbed.
    #[error("each thread is in the middle of a sequence that may not be interrupted (rseq)")]
    Busy,
    /// The kernel refused.
    #[error("{call} failed: {source}")]
    Refused {
        /// The system call.
        call: &'static str,
        /// Its error.
        source: io::Error,
    },
    /// A thread did not do what it was told, or ended.
    #[error("{0}")]
    Interrupted(#[from] io::Error),
}

/// A copy of a process that stands still until this is dropped, by the system thread that made it.
#[derive(Debug)]
pub struct ImageProcess {
    pid: Pid,
}

impl ImageProcess {
    /// Its process id, under which its memory can be looked at.
    pub fn pid(&self) -> Pid {
        self.pid
    }
}

impl Drop for ImageProcess {
    fn drop(&mut self) {
        end(self.pid);
    }
}

impl Stopped {
    /// Copies the process, which goes on when this is dropped. Memory that it shares with others and what it keeps out
    /// of children (`MADV_DONTFORK`) is not copied.
    ///
    /// # Errors
    /// Where the process may not or cannot make a child. It is then as it was.
    pub fn fork(&mut self, pid: Pid, site: SystemCallSite) -> Result<ImageProcess, ForkError> {
        let tid = self.chosen(pid)?;
        let mut caller = Caller::take(tid, site.0, libc::PTRACE_O_TRACECLONE)?;
        let image = copy_by(&mut caller, site);
        let held_back = caller.put_back()?;
        self.held_back.extend(held_back.map(|signal| (tid, signal)));
        let image = image?;
        // If memory runs out, the copy has to go first. Where that cannot be said, it still goes on.
        let _ = std::fs::write(format!("/proc/{}/oom_score_adj", image.pid.0), "1000");
        Ok(image)
    }

    /// A thread that may be disturbed. One in a system call is in no restartable sequence.
    fn chosen(&self, pid: Pid) -> Result<Tid, ForkError> {
        let tids = || self.threads.iter().map(|thread| thread.tid);
        let chosen = tids()
            .find(|tid| inject::is_in_system_call(*tid))
            .or_else(|| tids().find(|tid| !inject::may_be_in_sequence(pid, *tid)))
            .ok_or(ForkError::Busy)?;
        // Filters that we have too are those that a whole container has; they let programs make children.
        let own = Pid(std::process::id());
        let filters = facts::seccomp_filters(pid, chosen);
        if filters.is_none() || (filters != Some(0) && filters != facts::seccomp_filters(own, Tid(own.0))) {
            return Err(ForkError::Restricted);
        }
        Ok(chosen)
    }
}

/// The two clones.
fn copy_by(caller: &mut Caller, site: SystemCallSite) -> Result<ImageProcess, ForkError> {
    const SHARED: i32 = libc::CLONE_VM | libc::CLONE_FILES;
    let clone = |caller: &mut Caller, flags: i32| {
        let returned = caller.call(libc::SYS_clone, [flags as u64, 0, 0, 0, 0])?;
        match (accept("clone", returned.value)?, returned.child) {
            (number, Some(child)) => Ok((number, child)),
            (_, None) => Err(ForkError::Interrupted(io::Error::other("nothing is known of a new process"))),
        }
    };
    let (helper_number, helper) = clone(caller, SHARED)?;
    let image = adopt(helper, site, |helper| {
        let unshare = u64::from(libc::CLOSE_RANGE_UNSHARE);
        let closed = helper.call(libc::SYS_close_range, [0, u64::from(u32::MAX), unshare, 0, 0])?;
        accept("close_range", closed.value)?;
        let (_, image) = clone(helper, 0)?;
        let image = ImageProcess { pid: Pid(image.0) };
        stand_still(Tid(image.pid.0))?;
        Ok(image)
    });
    let options = (libc::__WALL | libc::WNOHANG) as u64;
    let waited = caller.call(libc::SYS_wait4, [helper_number as u64, 0, options, 0, 0])?;
    accept("wait4", waited.value)?;
    image
}

/// Has a new process do something and ends it. Its children become ours, where we are its ancestor.
fn adopt<T>(
    helper: Tid,
    site: SystemCallSite,
    work: impl FnOnce(&mut Caller) -> Result<T, ForkError>,
) -> Result<T, ForkError> {
    hurry(helper);
    let result = stand_still(helper)
        .and_then(|()| Caller::take(helper, site.0, libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL))
        .map_err(ForkError::from)
        .and_then(|mut caller| work(&mut caller));
    as_reaper(|| end(Pid(helper.0)));
    result
}

/// Waits for the stop that a traced process begins with. Should we be killed, it must not go on.
fn stand_still(tid: Tid) -> io::Result<()> {
    match ptrace::wait(tid)? {
        Stop::Asked => request(libc::PTRACE_SETOPTIONS, tid, libc::PTRACE_O_EXITKILL as usize),
        other => Err(io::Error::other(format!("a new process stopped otherwise than expected ({other:?})"))),
    }
}

fn accept(call: &'static str, value: i64) -> Result<i64, ForkError> {
    if value < 0 {
        return Err(ForkError::Refused { call, source: io::Error::from_raw_os_error(-value as i32) });
    }
    Ok(value)
}

/// Kills a process that we trace, and takes notice of its end.
fn end(pid: Pid) {
    let pid = pid.0 as libc::pid_t;
    // SAFETY: take no pointers but that to a local variable. The process is traced by us, so its id is still its own.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        let mut status = 0;
        while libc::waitpid(pid, &mut status, libc::__WALL) == pid && libc::WIFSTOPPED(status) {}
    }
}

/// Does something while children whose parent ends become ours. Only for the moment: daemons of the program are not
/// to find us as their parent.
fn as_reaper(work: impl FnOnce()) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut before: libc::c_int = 0;
    // SAFETY: the first call writes one number to the local variable, the others take numbers.
    unsafe {
        libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut before, 0, 0, 0);
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    work();
    // SAFETY: as above.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, before, 0, 0, 0) };
}
