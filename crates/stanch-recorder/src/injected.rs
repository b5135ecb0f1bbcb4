//! Code that the recorder never runs itself: with it the collector lets a stopped thread make system calls.
use core::arch::naked_asm;

/// One system call, and then the end of the process. The collector stops the thread in between; a process that goes
/// past that point is one that the collector made, and whose collector is gone.
#[unsafe(naked)]
unsafe extern "C" fn system_call_site() {
    naked_asm!("syscall", "xor edi, edi", "mov eax, {exit}", "syscall", "ud2", exit = const libc::SYS_exit_group);
}

/// Keeps the linker from leaving it out: nothing refers to it but the collector, which looks for its bytes.
#[used]
static KEEP: unsafe extern "C" fn() = system_call_site;
