//! Learns that a process has ended, without being its parent.
use crate::Pid;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A descriptor for one life of one process: it never comes to mean another.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// # Errors
    /// Where the process is gone.
    pub fn open(pid: Pid) -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.0 as libc::pid_t, 0) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(result as i32) }))
    }

    /// Waits for the process's end, at most so long; true when it has ended.
    pub fn wait_ended(&self, patience: Duration) -> bool {
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one structure, which outlives the call.
        let result = unsafe { libc::poll(&mut poll, 1, patience.as_millis().min(i32::MAX as u128) as i32) };
        result > 0
    }
}
