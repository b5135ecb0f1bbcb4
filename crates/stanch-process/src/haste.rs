//! Lets what others wait for run before what nobody waits for.
use crate::Tid;

/// The system thread that made this runs ahead of others until it is dropped, where the kernel permits it.
#[derive(Debug)]
pub(crate) struct Haste {
    before: libc::c_int,
}

impl Haste {
    pub(crate) fn begin() -> Self {
        // SAFETY: takes no pointers. On Linux 0 means the calling thread.
        let before = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
        hurry(Tid(0));
        Self { before }
    }
}

impl Drop for Haste {
    fn drop(&mut self) {
        // SAFETY: takes no pointers. To take less than one has is always permitted.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, self.before) };
    }
}

/// Has the calling system thread, and those that it starts, run only where others leave room: for good.
pub fn let_others_go_first() {
    const LAST: libc::c_int = 19;
    // SAFETY: takes no pointers. On Linux 0 means the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, LAST) };
}

/// Lets a thread run ahead of others for good; 0 is the calling one. It takes the right to (`CAP_SYS_NICE`); without it
/// everything takes its turn, and the program stands still a little longer on a busy machine.
pub(crate) fn hurry(tid: Tid) {
    const FIRST: libc::c_int = -20;
    // SAFETY: takes no pointers.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, tid.0, FIRST) };
}
