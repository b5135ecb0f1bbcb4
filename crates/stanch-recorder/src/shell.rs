//! `system` and `popen`: the C library starts their shell from the program's own environment, which says nothing of the
//! recorder.
use crate::exec;
use crate::real;
use core::ffi::{c_char, c_int, c_void};

/// `popen(command, type)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn popen(command: *const c_char, kind: *const c_char) -> *mut c_void {
    real::resolve();
    let function = real::popen::get();
    exec::with_recorder_in_environment(|| match function {
        // SAFETY: the caller's arguments are those of popen.
        Some(popen) => unsafe { popen(command, kind) },
        None => core::ptr::null_mut(),
    })
}

/// `system(command)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn system(command: *const c_char) -> c_int {
    if command.is_null() {
        real::resolve();
        // SAFETY: asks only whether there is a shell.
        return real::system::get().map_or(0, |system| unsafe { system(command) });
    }
    // SAFETY: the command is a C string.
    unsafe { run(command) }
}

/// As POSIX describes `system`: SIGINT and SIGQUIT are ignored and SIGCHLD is blocked until the shell has ended.
///
/// # Safety
/// `command` must be a C string.
unsafe fn run(command: *const c_char) -> c_int {
    // SAFETY: all-zero is a valid value of these structures, each is filled by the call that it is given to before it
    // is read, and all of them outlive the calls.
    unsafe {
        let mut ignore = core::mem::zeroed::<libc::sigaction>();
        let (mut interrupt, mut quit) =
            (core::mem::zeroed::<libc::sigaction>(), core::mem::zeroed::<libc::sigaction>());
        let (mut blocked, mut mask) = (core::mem::zeroed::<libc::sigset_t>(), core::mem::zeroed::<libc::sigset_t>());
        ignore.sa_sigaction = libc::SIG_IGN;
        libc::sigaction(libc::SIGINT, &ignore, &mut interrupt);
        libc::sigaction(libc::SIGQUIT, &ignore, &mut quit);
        libc::sigemptyset(&mut blocked);
        libc::sigaddset(&mut blocked, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &blocked, &mut mask);
        let mut defaults = core::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut defaults);
        for (signal, action) in [(libc::SIGINT, &interrupt), (libc::SIGQUIT, &quit)] {
            if action.sa_sigaction != libc::SIG_IGN {
                libc::sigaddset(&mut defaults, signal);
            }
        }
        let status = spawn_and_wait(command, &mask, &defaults);
        libc::sigaction(libc::SIGINT, &interrupt, core::ptr::null_mut());
        libc::sigaction(libc::SIGQUIT, &quit, core::ptr::null_mut());
        libc::sigprocmask(libc::SIG_SETMASK, &mask, core::ptr::null_mut());
        status
    }
}

/// # Safety
/// `command` must be a C string.
unsafe fn spawn_and_wait(command: *const c_char, mask: &libc::sigset_t, defaults: &libc::sigset_t) -> c_int {
    const NO_SHELL: c_int = 127 << 8;
    let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), command, core::ptr::null()];
    let mut pid = 0;
    // SAFETY: the attributes are initialised before use; strings and arrays outlive the calls.
    unsafe {
        let mut attributes = core::mem::zeroed::<libc::posix_spawnattr_t>();
        libc::posix_spawnattr_init(&mut attributes);
        libc::posix_spawnattr_setsigmask(&mut attributes, mask);
        libc::posix_spawnattr_setsigdefault(&mut attributes, defaults);
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        libc::posix_spawnattr_setflags(&mut attributes, flags as i16);
        let attributes_pointer = (&raw const attributes).cast();
        let error = exec::posix_spawn(
            &mut pid,
            c"/bin/sh".as_ptr(),
            core::ptr::null(),
            attributes_pointer,
            arguments.as_ptr(),
            exec::environment(),
        );
        libc::posix_spawnattr_destroy(&mut attributes);
        if error != 0 {
            return NO_SHELL;
        }
        let mut status = 0;
        while libc::waitpid(pid, &mut status, 0) == -1 {
            if *libc::__errno_location() != libc::EINTR {
                return -1;
            }
        }
        status
    }
}
