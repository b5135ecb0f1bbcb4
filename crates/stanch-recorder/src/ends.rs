//! The hooks of functions by which a process ends, restricts itself, or unloads code.
use crate::life;
use crate::walk::Entry;
use crate::{control, real};
use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::*;
use stanch_ledger::flag;

/// `exit(status)`: keeps the caller's registers for the leak check, then goes on to the C library's.
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn exit() {
    naked_asm!(
        "push rdi",
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push rbp",
        "push rbx",
        "mov rdi, rsp",
        "call {save}",
        "pop rbx",
        "pop rbp",
        "pop r12",
        "pop r13",
        "pop r14",
        "pop r15",
        "pop rdi",
        "jmp rax",
        save = sym exit_entered,
    );
}

unsafe extern "C" fn exit_entered(registers: *const [u64; 6]) -> usize {
    // SAFETY: the stub pushed six registers there.
    life::save_exit_registers(unsafe { &*registers });
    real::resolve();
    real::exit::ADDRESS.load(Relaxed)
}

/// Functions that end the process at once: the leak check comes first.
macro_rules! immediate_ends {
    ($($name:ident via $real:ident;)*) => {$(
        /// As the C library's function of this name.
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        #[allow(non_snake_case, reason = "the name is the C library's")]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "mov rsi, rsp",
                "push rdi",
                "mov rdi, rsi",
                "mov rsi, rbp",
                "call {work}",
                "pop rdi",
                "jmp qword ptr [rip + {real}]",
                work = sym end_now,
                real = sym real::$real::ADDRESS,
            );
        }
    )*};
}

immediate_ends! {
    _exit via _exit;
    _Exit via _exit;
}

unsafe extern "C" fn end_now(slot: usize, rbp: usize) {
    real::resolve();
    life::end(Entry { slot, rbp });
}

/// `daemon(nochdir, noclose)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn daemon() {
    naked_asm!("mov rdx, rsp", "mov rcx, rbp", "jmp {work}", work = sym daemon_entered);
}

unsafe extern "C" fn daemon_entered(no_chdir: c_int, no_close: c_int, slot: usize, rbp: usize) -> c_int {
    real::resolve();
    let parent = control::ledger();
    life::before_daemon(Entry { slot, rbp });
    // SAFETY: takes no pointers.
    let result = real::daemon::get().map_or(-1, |daemon| unsafe { daemon(no_chdir, no_close) });
    life::after_daemon(parent);
    result
}

/// `dlopen(file, flags)`. It goes on by a jump: what it finds depends on who called it.
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen() {
    naked_asm!(
        "push rdi",
        "push rsi",
        "sub rsp, 8",
        "mov edi, esi",
        "call {notice}",
        "add rsp, 8",
        "pop rsi",
        "pop rdi",
        "jmp rax",
        notice = sym dlopen_entered,
    );
}

unsafe extern "C" fn dlopen_entered(flags: c_int) -> usize {
    real::resolve();
    if flags & libc::RTLD_DEEPBIND != 0
        && let Some(ledger) = control::ledger()
    {
        ledger.header().flags.fetch_or(flag::DEEP_BINDING, Relaxed);
    }
    real::dlopen::ADDRESS.load(Relaxed)
}

/// `dlclose(handle)`: other code may take the place of what is unloaded.
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn dlclose(handle: *mut c_void) -> c_int {
    real::resolve();
    // SAFETY: the caller's handle.
    let result = real::dlclose::get().map_or(-1, |close| unsafe { close(handle) });
    if let Some(ledger) = control::ledger() {
        ledger.header().generation.fetch_add(1, AcqRel);
    }
    result
}

/// The program restricts its system calls: from here on the recorder makes none.
fn restrict() {
    crate::sys::restrict();
    if let Some(ledger) = control::ledger() {
        ledger.header().flags.fetch_or(flag::SECCOMP, AcqRel);
    }
}

/// `prctl(option, …)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn prctl(option: c_int, a: usize, b: usize, c: usize, d: usize) -> c_int {
    real::resolve();
    if option == libc::PR_SET_SECCOMP {
        restrict();
    }
    // SAFETY: the caller's arguments are those of prctl.
    real::prctl::get().map_or(-1, |function| unsafe { function(option, a, b, c, d) })
}

/// `syscall(number, …)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn syscall() {
    naked_asm!(
        "mov r10, rsp",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push r8",
        "push r9",
        "sub rsp, 8",
        "mov rsi, r10",
        "mov rdx, rbp",
        "call {notice}",
        "add rsp, 8",
        "pop r9",
        "pop r8",
        "pop rcx",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "jmp rax",
        notice = sym syscall_entered,
    );
}

unsafe extern "C" fn syscall_entered(number: i64, slot: usize, rbp: usize) -> usize {
    real::resolve();
    match number {
        libc::SYS_seccomp => restrict(),
        libc::SYS_exit_group => life::end(Entry { slot, rbp }),
        _ => {}
    }
    real::syscall::ADDRESS.load(Relaxed)
}
