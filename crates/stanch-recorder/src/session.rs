//! Where the collector listens, and how a new ledger gets to it.
use crate::sys;
use core::cell::UnsafeCell;
use core::ffi::c_char;
use core::sync::atomic::{AtomicUsize, Ordering::*};

/// Environment variable that names the collector's socket (an abstract Unix address without its leading zero). In a
/// sampled recording the mean distance of samples in bytes follows, and a seed where one is given:
/// `NAME,524288,SEED`.
pub(crate) const SESSION: &[u8] = b"STANCH_SESSION=";
/// Environment variable that loads the recorder.
pub(crate) const PRELOAD: &[u8] = b"LD_PRELOAD=";

const TEXT_BYTES: usize = 1024;

/// A text that is set once, at the start, and read from then on.
pub(crate) struct Text {
    bytes: UnsafeCell<[u8; TEXT_BYTES]>,
    length: AtomicUsize,
}
// SAFETY: written once by the thread that starts the recorder, before the length is published.
unsafe impl Sync for Text {}

impl Text {
    const fn new() -> Self {
        Self { bytes: UnsafeCell::new([0; TEXT_BYTES]), length: AtomicUsize::new(0) }
    }

    /// Sets the text; false where it is too long. A terminating zero always follows it.
    fn set(&self, text: &[u8]) -> bool {
        if text.len() >= TEXT_BYTES {
            return false;
        }
        // SAFETY: nobody reads before the length is set, and only the starting thread writes.
        unsafe { (&mut *self.bytes.get())[..text.len()].copy_from_slice(text) };
        self.length.store(text.len(), Release);
        true
    }

    pub(crate) fn get(&self) -> &[u8] {
        let length = self.length.load(Acquire);
        // SAFETY: the bytes do not change once the length is set.
        unsafe { &(&*self.bytes.get())[..length] }
    }

    /// The text with its terminating zero.
    pub(crate) fn as_c_string(&self) -> *const c_char {
        self.bytes.get().cast()
    }
}

/// `STANCH_SESSION=…` as it stood in the environment.
pub(crate) static SESSION_ENTRY: Text = Text::new();
/// Path of the recorder's shared object.
pub(crate) static RECORDER_PATH: Text = Text::new();

/// How blocks are sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sampling {
    /// 0 where all are recorded.
    pub(crate) mean_bytes: u64,
    /// Where random numbers begin, if it was given.
    pub(crate) seed: Option<u64>,
}

/// What the session says of sampling.
pub(crate) fn sampling() -> Sampling {
    sampling_of(SESSION_ENTRY.get())
}

fn sampling_of(entry: &[u8]) -> Sampling {
    let mut fields = entry.split(|byte| *byte == b',').skip(1).map(number);
    Sampling { mean_bytes: fields.next().flatten().unwrap_or(0), seed: fields.next().flatten() }
}

fn number(digits: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let number = digits.iter().try_fold(0u64, |sum, byte| sum.checked_mul(10)?.checked_add(digit(byte)?));
    number.filter(|_| !digits.is_empty())
}

/// Reads the environment that the kernel gave to the program. False where this process is not to be recorded.
///
/// # Safety
/// `stack_end` must be the address that the kernel put the argument count at.
pub(crate) unsafe fn read_environment(stack_end: *const usize) -> bool {
    // SAFETY: the caller's promise.
    let mut entry = unsafe { first_entry(stack_end) };
    // SAFETY: the environment is an array of C strings up to a null.
    unsafe {
        while !(*entry).is_null() {
            let text = core::ffi::CStr::from_ptr(*entry).to_bytes();
            if text.starts_with(SESSION) {
                SESSION_ENTRY.set(text);
            } else if let Some(list) = text.strip_prefix(PRELOAD) {
                let end = list.iter().position(|byte| matches!(byte, b':' | b' ')).unwrap_or(list.len());
                RECORDER_PATH.set(&list[..end]);
            }
            entry = entry.add(1);
        }
    }
    SESSION_ENTRY.get().len() > SESSION.len()
}

/// The environment's first entry: the count is followed by that many arguments and a null.
unsafe fn first_entry(stack_end: *const usize) -> *mut *const c_char {
    // SAFETY: the caller passes the place of the argument count.
    unsafe { stack_end.add(1 + *stack_end + 1).cast::<*const c_char>().cast_mut() }
}

/// Takes the recorder out of the environment that the program sees: what it prints, compares or hands on is as without
/// Stanch. Programs that it starts get the recorder back from the hooks of exec.
///
/// # Safety
/// As [`read_environment`]; the program must not have started yet.
pub(crate) unsafe fn hide(stack_end: *const usize) {
    // SAFETY: the environment is an array of C strings up to a null, in memory that belongs to the program and may be
    // written; nobody else runs yet.
    unsafe {
        let mut from = first_entry(stack_end);
        let mut to = from;
        while !(*from).is_null() {
            let text = core::ffi::CStr::from_ptr(*from).to_bytes();
            let is_ours = text.starts_with(SESSION) || (text.starts_with(PRELOAD) && !keep_others(*from, text));
            if !is_ours {
                *to = *from;
                to = to.add(1);
            }
            from = from.add(1);
        }
        *to = core::ptr::null();
    }
}

/// Takes our entry out of an `LD_PRELOAD` that names others too. False where it names nobody else.
unsafe fn keep_others(entry: *const c_char, text: &[u8]) -> bool {
    let ours = RECORDER_PATH.get();
    let list = &text[PRELOAD.len()..];
    let Some(others) = list.strip_prefix(ours).and_then(|rest| rest.split_first()).map(|(_, others)| others) else {
        return !list.starts_with(ours);
    };
    // SAFETY: the rest of the string, with its zero, moves towards its start inside the string's own memory.
    unsafe {
        let target = entry.cast_mut().add(PRELOAD.len());
        core::ptr::copy(others.as_ptr().cast(), target, others.len() + 1);
    }
    true
}

/// Notes which program this is: by the time the collector looks, exec may have put another in its place.
///
/// # Safety
/// `stack_end` must be the address that the kernel put the argument count at.
pub(crate) unsafe fn describe(header: &stanch_ledger::Header, stack_end: *const usize) {
    // SAFETY: the count is followed by that many arguments; the kernel puts their texts side by side, each with its
    // zero. A program may have changed them, but they stay mapped.
    let command = unsafe {
        let count = (*stack_end).min(4096);
        let first = *stack_end.add(1) as *const u8;
        let last = *stack_end.add(count.max(1)) as *const u8;
        match count {
            0 => &[][..],
            _ => {
                let end = last.add(core::ffi::CStr::from_ptr(last.cast()).to_bytes().len() + 1);
                core::slice::from_raw_parts(first, (end as usize).saturating_sub(first as usize))
            }
        }
    };
    header.command_len.store(crate::text::store(&header.command, command) as u32, Relaxed);
    let mut path = [0u8; 512];
    let link = c"/proc/self/exe".as_ptr() as usize;
    // SAFETY: the kernel writes at most as many bytes as the array holds.
    let length = unsafe { sys::call(libc::SYS_readlink, link, path.as_mut_ptr() as usize, path.len(), 0, 0, 0) };
    let path = &path[..length.max(0) as usize];
    header.executable_len.store(crate::text::store(&header.executable, path) as u32, Relaxed);
    // After chroot there is no /proc: a forked child is the same program as its parent.
    if let (true, Some(parent)) = (path.is_empty(), crate::control::last_ledger()) {
        let parent = parent.header();
        for (to, from) in header.executable.iter().zip(&parent.executable) {
            to.store(from.load(Relaxed), Relaxed);
        }
        header.executable_len.store(parent.executable_len.load(Relaxed), Relaxed);
    }
}

/// Hands the ledger's descriptor to the collector. False where nobody listens.
pub(crate) fn register(ledger_fd: i32) -> bool {
    let socket = {
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointers.
        unsafe { sys::call(libc::SYS_socket, libc::AF_UNIX as usize, kind as usize, 0, 0, 0, 0) }
    };
    if socket < 0 {
        return false;
    }
    let sent = connect(socket as usize) && send(socket as usize, ledger_fd);
    sys::close(socket as i32);
    sent
}

fn connect(socket: usize) -> bool {
    let patience = libc::timeval { tv_sec: 2, tv_usec: 0 };
    let name = &SESSION_ENTRY.get()[SESSION.len()..];
    let name = name.split(|byte| *byte == b',').next().unwrap_or(name);
    // SAFETY: all-zero is a valid address structure.
    let mut address = unsafe { core::mem::zeroed::<libc::sockaddr_un>() };
    address.sun_family = libc::AF_UNIX as u16;
    if name.len() + 1 > address.sun_path.len() {
        return false;
    }
    for (to, from) in address.sun_path[1..].iter_mut().zip(name) {
        *to = *from as c_char;
    }
    // SAFETY: both structures outlive the calls, and the lengths are theirs.
    unsafe {
        sys::call(
            libc::SYS_setsockopt,
            socket,
            libc::SOL_SOCKET as usize,
            libc::SO_SNDTIMEO as usize,
            &raw const patience as usize,
            size_of_val(&patience),
            0,
        );
        sys::call(libc::SYS_connect, socket, &raw const address as usize, 2 + 1 + name.len(), 0, 0, 0) == 0
    }
}

#[repr(C)]
struct DescriptorMessage {
    header: libc::cmsghdr,
    fd: i32,
    padding: i32,
}

fn send(socket: usize, fd: i32) -> bool {
    let mut hello = stanch_ledger::MAGIC.to_le_bytes();
    let mut content = libc::iovec { iov_base: hello.as_mut_ptr().cast(), iov_len: hello.len() };
    let mut control = DescriptorMessage {
        header: libc::cmsghdr {
            cmsg_len: size_of::<libc::cmsghdr>() + 4,
            cmsg_level: libc::SOL_SOCKET,
            cmsg_type: libc::SCM_RIGHTS,
        },
        fd,
        padding: 0,
    };
    // SAFETY: all-zero is a valid message header.
    let mut message = unsafe { core::mem::zeroed::<libc::msghdr>() };
    message.msg_iov = &raw mut content;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<DescriptorMessage>();
    // SAFETY: everything that the message points to outlives the call.
    let result = unsafe {
        sys::call(libc::SYS_sendmsg, socket, &raw const message as usize, libc::MSG_NOSIGNAL as usize, 0, 0, 0)
    };
    result == hello.len() as isize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_stands_behind_the_name() {
        let said = |entry: &str| sampling_of(entry.as_bytes());
        assert_eq!(said("STANCH_SESSION=stanch-1-2"), Sampling { mean_bytes: 0, seed: None });
        assert_eq!(said("STANCH_SESSION=stanch-1-2,524288"), Sampling { mean_bytes: 524_288, seed: None });
        assert_eq!(said("STANCH_SESSION=stanch-1-2,1,7"), Sampling { mean_bytes: 1, seed: Some(7) });
        assert_eq!(said("S=n,99999999999999999999999,x"), Sampling { mean_bytes: 0, seed: None });
    }
}
