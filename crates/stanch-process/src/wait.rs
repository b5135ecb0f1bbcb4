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

    /// Status of an ended process as wait(2) gives it, where the kernel (Linux 6.15 and later) still knows it.
    pub fn exit_status(&self) -> Option<i32> {
        /// `struct pidfd_info` in its first version.
        #[repr(C)]
        struct Info {
            mask: u64,
            cgroup: u64,
            ids: [u32; 11],
            exit_code: i32,
        }
        const WANT_EXIT: u64 = 1 << 3;
        const GET_INFO: libc::c_ulong = 3 << 30 | (size_of::<Info>() as libc::c_ulong) << 16 | 0xff << 8 | 11;
        let mut info = Info { mask: WANT_EXIT, cgroup: 0, ids: [0; 11], exit_code: 0 };
        // SAFETY: the structure has the size that the request's number carries.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), GET_INFO, &raw mut info) };
        (result == 0 && info.mask & WANT_EXIT != 0).then_some(info.exit_code)
    }
}
