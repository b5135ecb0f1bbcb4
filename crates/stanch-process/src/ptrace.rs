//! The requests of ptrace(2) that this crate makes, wrapped once.
use crate::Tid;
use std::io;

/// Makes a request that takes a number or nothing.
pub(crate) fn request(request: libc::c_uint, tid: Tid, data: usize) -> io::Result<()> {
    // SAFETY: these requests take no pointers into this process.
    let result = unsafe { libc::ptrace(request, tid.0 as libc::pid_t, 0usize, data) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// All registers of a thread that stands still.
pub(crate) fn registers(tid: Tid) -> io::Result<libc::user_regs_struct> {
    // SAFETY: all-zero is a valid register set.
    let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills the structure, which has the size that it expects.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETREGS, tid.0 as libc::pid_t, 0usize, &raw mut registers) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(registers) }
}

/// Sets all registers of a thread that stands still.
pub(crate) fn set_registers(tid: Tid, registers: &libc::user_regs_struct) -> io::Result<()> {
    // SAFETY: the kernel reads the structure, which has the size that it expects.
    let result = unsafe { libc::ptrace(libc::PTRACE_SETREGS, tid.0 as libc::pid_t, 0usize, &raw const *registers) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The signals that a thread blocks. In a call that blocks others for its time, such as sigsuspend(2), those that it
/// blocks otherwise.
pub(crate) fn blocked_signals(tid: Tid) -> io::Result<u64> {
    let mut blocked = 0u64;
    // SAFETY: the kernel writes as many bytes as it is told, those of the local variable.
    let result =
        unsafe { libc::ptrace(libc::PTRACE_GETSIGMASK, tid.0 as libc::pid_t, size_of_val(&blocked), &raw mut blocked) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(blocked) }
}

/// Sets the signals that a thread blocks. A call that blocks others for its time does so once more when it is started
/// anew, which is how it goes on after any stop.
pub(crate) fn block_signals(tid: Tid, blocked: u64) -> io::Result<()> {
    // SAFETY: the kernel reads as many bytes as it is told, those of the argument.
    let result = unsafe {
        libc::ptrace(libc::PTRACE_SETSIGMASK, tid.0 as libc::pid_t, size_of_val(&blocked), &raw const blocked)
    };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What the event stop that a thread is in is about: for a clone the new thread.
pub(crate) fn event_message(tid: Tid) -> io::Result<u64> {
    let mut message = 0u64;
    // SAFETY: the kernel writes one word to the local variable.
    let result = unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, tid.0 as libc::pid_t, 0usize, &raw mut message) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(message) }
}

/// Address of the structure by which a thread tells of restartable sequences (rseq(2)); 0 where it has none.
///
/// # Errors
/// Where the kernel does not tell (before Linux 5.13).
pub(crate) fn restartable_sequences(tid: Tid) -> io::Result<u64> {
    /// `struct ptrace_rseq_configuration`.
    #[repr(C)]
    struct Configuration {
        pointer: u64,
        size: u32,
        signature: u32,
        flags: u32,
        padding: u32,
    }
    const PTRACE_GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;
    let mut found = Configuration { pointer: 0, size: 0, signature: 0, flags: 0, padding: 0 };
    // SAFETY: the kernel writes at most as many bytes as it is told, those of the local variable.
    let result = unsafe {
        libc::ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid.0 as libc::pid_t, size_of::<Configuration>(), &raw mut found)
    };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(found.pointer) }
}

/// Why a traced thread has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At the beginning or the end of a system call.
    SystemCall,
    /// `PTRACE_EVENT_CLONE`
    Clone,
    /// `PTRACE_EVENT_STOP`: as it was asked to, at its birth, or with its process.
    Asked,
    /// A signal is about to be delivered.
    Signal(i32),
}

/// Waits for the next stop of a traced thread.
///
/// # Errors
/// Where it has ended instead.
pub(crate) fn wait(tid: Tid) -> io::Result<Stop> {
    let mut status = 0;
    loop {
        // SAFETY: the status is a local variable.
        if unsafe { libc::waitpid(tid.0 as libc::pid_t, &mut status, libc::__WALL) } != -1 {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    if !libc::WIFSTOPPED(status) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it ended meanwhile"));
    }
    Ok(match (status >> 16, libc::WSTOPSIG(status)) {
        (libc::PTRACE_EVENT_STOP, _) => Stop::Asked,
        (libc::PTRACE_EVENT_CLONE, _) => Stop::Clone,
        (0, signal) if signal == libc::SIGTRAP | 0x80 => Stop::SystemCall,
        (_, signal) => Stop::Signal(signal),
    })
}
