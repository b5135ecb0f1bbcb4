//! Lets a thread that stands still make system calls, and leaves it as it was.
//!
//! The thread runs one instruction, `syscall`, between two stops; all its signals are blocked meanwhile. That it was
//! interrupted in a system call of its own is noted in its registers (`orig_rax` and a result that says "restart"),
//! and the kernel acts on it when the thread leaves the kind of stop that it was found in. So it is brought back to
//! such a stop before it gets its registers back.
use crate::ptrace::{self, Stop, request};
use crate::{Pid, Tid};
use std::io;

/// A call's result, and the thread or process that it made.
pub(crate) struct Returned {
    pub(crate) value: i64,
    pub(crate) child: Option<Tid>,
}

/// A thread that makes system calls for us.
pub(crate) struct Caller {
    pub(crate) tid: Tid,
    /// Address of a `syscall` instruction.
    site: u64,
    saved: libc::user_regs_struct,
    blocked: u64,
    /// A signal that could not be blocked and has arrived.
    held_back: Option<i32>,
}

impl Caller {
    /// Takes a thread that stands in the stop that `stop` or its birth put it into. `options` are ptrace's, beside the
    /// one that calls need.
    pub(crate) fn take(tid: Tid, site: u64, options: i32) -> io::Result<Self> {
        let saved = ptrace::registers(tid)?;
        let blocked = ptrace::blocked_signals(tid)?;
        request(libc::PTRACE_SETOPTIONS, tid, (libc::PTRACE_O_TRACESYSGOOD | options) as usize)?;
        ptrace::block_signals(tid, u64::MAX)?;
        Ok(Self { tid, site, saved, blocked, held_back: None })
    }

    /// Makes a call. A negative result is `-errno`.
    ///
    /// # Errors
    /// Where the thread ends or a signal that cannot be blocked comes first.
    pub(crate) fn call(&mut self, number: libc::c_long, arguments: [u64; 5]) -> io::Result<Returned> {
        let [rdi, rsi, rdx, r10, r8] = arguments;
        let (rip, rax, orig_rax) = (self.site, number as u64, u64::MAX);
        let registers = libc::user_regs_struct { rip, rax, orig_rax, rdi, rsi, rdx, r10, r8, ..self.saved };
        ptrace::set_registers(self.tid, &registers)?;
        self.resume_to(Stop::SystemCall)?;
        let mut child = None;
        request(libc::PTRACE_SYSCALL, self.tid, 0)?;
        loop {
            match ptrace::wait(self.tid)? {
                Stop::SystemCall => break,
                Stop::Clone => child = Some(Tid(ptrace::event_message(self.tid)? as u32)),
                other => return Err(self.unexpected(other)),
            }
            request(libc::PTRACE_SYSCALL, self.tid, 0)?;
        }
        Ok(Returned { value: ptrace::registers(self.tid)?.rax as i64, child })
    }

    /// Puts everything back; gives the signal that the thread must get when it goes on. Call it also where a call
    /// failed.
    pub(crate) fn put_back(mut self) -> io::Result<Option<i32>> {
        if self.held_back.is_none() {
            request(libc::PTRACE_INTERRUPT, self.tid, 0)?;
            request(libc::PTRACE_CONT, self.tid, 0)?;
            match ptrace::wait(self.tid)? {
                Stop::Asked => {}
                Stop::Signal(signal) => self.held_back = Some(signal),
                other => return Err(self.unexpected(other)),
            }
        }
        ptrace::set_registers(self.tid, &self.saved)?;
        ptrace::block_signals(self.tid, self.blocked)?;
        request(libc::PTRACE_SETOPTIONS, self.tid, 0)?;
        Ok(self.held_back)
    }

    fn resume_to(&mut self, expected: Stop) -> io::Result<()> {
        request(libc::PTRACE_SYSCALL, self.tid, 0)?;
        match ptrace::wait(self.tid)? {
            stop if stop == expected => Ok(()),
            other => Err(self.unexpected(other)),
        }
    }

    fn unexpected(&mut self, stop: Stop) -> io::Error {
        if let Stop::Signal(signal) = stop {
            self.held_back = Some(signal);
        }
        io::Error::other(format!("thread {} stopped otherwise than expected ({stop:?})", self.tid.0))
    }
}

/// True where the thread may stand inside a restartable sequence (rseq(2)): the kernel would forget about it if the
/// thread ran elsewhere meanwhile.
pub(crate) fn may_be_in_sequence(pid: Pid, tid: Tid) -> bool {
    const SEQUENCE_OFFSET: u64 = 8;
    let mut word = [0; 8];
    match ptrace::restartable_sequences(tid) {
        Ok(0) => false,
        Ok(address) => {
            let read = crate::read(pid, address + SEQUENCE_OFFSET, &mut word);
            !matches!(read, Ok(8)) || word != [0; 8]
        }
        // A kernel that does not tell. Few programs use such sequences, and then seldom.
        Err(_) => false,
    }
}

/// True where the thread was stopped in a system call.
pub(crate) fn is_in_system_call(tid: Tid) -> bool {
    ptrace::registers(tid).is_ok_and(|registers| registers.orig_rax as i64 >= 0)
}
