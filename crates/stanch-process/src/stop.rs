//! Makes the threads of a process stand still, and reads their registers.
use crate::haste::Haste;
use crate::ptrace::{self, request};
use crate::{Pid, Tid};
use std::collections::HashSet;
use std::io;

/// The registers of one thread that can hold a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// All general-purpose registers, the stack pointer among them.
    pub general: [u64; 16],
    /// Stack pointer.
    pub stack_pointer: u64,
    /// Instruction pointer.
    pub instruction_pointer: u64,
    /// Base of the thread's own storage (fs).
    pub thread_pointer: u64,
}

/// A thread that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoppedThread {
    /// Its id.
    pub tid: Tid,
    /// Its registers.
    pub registers: Registers,
}

/// Threads that stand still until this is dropped. Must be dropped by the system thread that made it.
#[derive(Debug)]
pub struct Stopped {
    /// Threads that stand still.
    pub threads: Vec<StoppedThread>,
    /// Threads that could not be stopped, and why.
    pub running: Vec<(Tid, io::Error)>,
    /// Signals that were met while threads stood still; they get them when they go on.
    pub(crate) held_back: Vec<(Tid, i32)>,
    /// Last, so that the threads go on before we slow down.
    _haste: Haste,
}

/// Stops all threads of a process but those in `except`. Threads that start meanwhile are stopped too.
///
/// # Errors
/// Where the process is gone.
pub fn stop(pid: Pid, except: &[Tid]) -> io::Result<Stopped> {
    let mut stopped =
        Stopped { threads: Vec::new(), running: Vec::new(), held_back: Vec::new(), _haste: Haste::begin() };
    let mut seen: HashSet<Tid> = except.iter().copied().collect();
    loop {
        let new: Vec<Tid> = crate::threads(pid)?.into_iter().filter(|tid| seen.insert(*tid)).collect();
        if new.is_empty() {
            return Ok(stopped);
        }
        let mut asked = Vec::new();
        for tid in new {
            match request(libc::PTRACE_SEIZE, tid, 0).and_then(|()| request(libc::PTRACE_INTERRUPT, tid, 0)) {
                Ok(()) => asked.push(tid),
                // A thread that ended in between needs no stopping.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) || has_ended(tid) => {}
                Err(error) => stopped.running.push((tid, error)),
            }
        }
        for tid in asked {
            if let Some(thread) = wait_until_stopped(pid, tid) {
                stopped.threads.push(thread);
            }
        }
    }
}

impl Stopped {
    /// Lets the threads go on; gives what was known of them.
    pub fn resume(mut self) -> Vec<StoppedThread> {
        self.detach();
        std::mem::take(&mut self.threads)
    }

    fn detach(&mut self) {
        for thread in &self.threads {
            let signal = self.held_back.iter().find(|(tid, _)| *tid == thread.tid).map_or(0, |(_, signal)| *signal);
            // A thread that was killed meanwhile has nothing to be detached from.
            let _ = request(libc::PTRACE_DETACH, thread.tid, signal as usize);
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.detach();
    }
}

/// A main thread that ended before the others stays as a zombie.
fn has_ended(tid: Tid) -> bool {
    crate::state(Pid(tid.0)).is_ok_and(|state| "ZX".contains(state))
}

/// Waits for the stop that was asked for. Signals that arrive first are handed on. The end of a process that we
/// started ourselves is left for whoever waits for it.
fn wait_until_stopped(pid: Pid, tid: Tid) -> Option<StoppedThread> {
    loop {
        let seen = wait(tid, libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT)?;
        if !matches!(seen, libc::CLD_STOPPED | libc::CLD_TRAPPED) {
            let is_own_child = tid.0 == pid.0 && crate::parent(pid).is_ok_and(|parent| parent.0 == std::process::id());
            if !is_own_child {
                wait(tid, libc::WEXITED);
            }
            return None;
        }
        let mut status = 0;
        // SAFETY: the status is a local variable; the thread is known to have a stop to report.
        if unsafe { libc::waitpid(tid.0 as libc::pid_t, &mut status, libc::__WALL) } == -1 || !libc::WIFSTOPPED(status)
        {
            return None;
        }
        if status >> 16 == libc::PTRACE_EVENT_STOP {
            return registers(tid).map(|registers| StoppedThread { tid, registers });
        }
        request(libc::PTRACE_CONT, tid, libc::WSTOPSIG(status) as usize).ok()?;
    }
}

/// Waits for a change of the thread; gives its `CLD_` code.
fn wait(tid: Tid, options: i32) -> Option<i32> {
    loop {
        // SAFETY: all-zero is a valid value, and the kernel fills it.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is a local variable.
        let result = unsafe { libc::waitid(libc::P_PID, tid.0, &mut info, options | libc::__WALL) };
        if result == 0 {
            return Some(info.si_code);
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None;
        }
    }
}

fn registers(tid: Tid) -> Option<Registers> {
    let raw = ptrace::registers(tid).ok()?;
    Some(Registers {
        general: [
            raw.rax, raw.rbx, raw.rcx, raw.rdx, raw.rsi, raw.rdi, raw.rbp, raw.rsp, raw.r8, raw.r9, raw.r10, raw.r11,
            raw.r12, raw.r13, raw.r14, raw.r15,
        ],
        stack_pointer: raw.rsp,
        instruction_pointer: raw.rip,
        thread_pointer: raw.fs_base,
    })
}
