//! Two words per thread in static TLS, reached without a call: the recorder is loaded at program start,
//! so the initial-exec model holds, which stable Rust cannot ask for by itself.
use core::arch::{asm, global_asm};
use stanch_ledger::Thread;

global_asm!(
    ".section .tbss.stanch_thread_words,\"awT\",@nobits",
    ".p2align 4",
    ".globl stanch_thread_words",
    ".hidden stanch_thread_words",
    ".type stanch_thread_words,@object",
    "stanch_thread_words:",
    ".zero 16",
    ".size stanch_thread_words, 16",
    ".text",
);

#[inline(always)]
fn words() -> *mut usize {
    let address;
    // SAFETY: reads the thread pointer and a link-time constant; both are always there.
    unsafe {
        asm!("mov {0}, qword ptr [rip + stanch_thread_words@GOTTPOFF]", "add {0}, qword ptr fs:[0]",
            out(reg) address, options(nostack, pure, readonly));
    }
    address
}

/// This thread's record; null before its first allocation, and inside [`Internal`].
#[inline(always)]
pub(crate) fn thread() -> *mut Thread {
    // SAFETY: the words are this thread's own; nobody else writes them.
    unsafe { *words() as *mut Thread }
}

/// Names this thread's record.
pub(crate) fn set_thread(thread: *mut Thread) {
    // SAFETY: the words are this thread's own.
    unsafe { *words() = thread as usize }
}

/// Address of this thread's control block.
pub(crate) fn control_block() -> usize {
    let address;
    // SAFETY: the first word of the control block is its own address (x86-64 TLS ABI).
    unsafe { asm!("mov {0}, qword ptr fs:[0]", out(reg) address, options(nostack, pure, readonly)) };
    address
}

/// A number that no other running thread of this process has. Never zero. Takes no system call.
pub(crate) fn token() -> u32 {
    (words() as usize >> 4) as u32 | 1 << 31
}

/// True where this thread is inside the recorder's own slow paths: its allocations are not the program's.
pub(crate) fn is_internal() -> bool {
    // SAFETY: the words are this thread's own.
    unsafe { *words().add(1) != 0 }
}

/// While one of these exists, allocations of this thread are forwarded and not recorded.
pub(crate) struct Internal {
    thread: usize,
    level: usize,
}

impl Internal {
    pub(crate) fn enter() -> Self {
        // SAFETY: the words are this thread's own.
        unsafe {
            let words = words();
            let saved = Self { thread: *words, level: *words.add(1) };
            *words = 0;
            *words.add(1) = saved.level + 1;
            saved
        }
    }
}

impl Drop for Internal {
    fn drop(&mut self) {
        // SAFETY: the words are this thread's own.
        unsafe {
            *words() = self.thread;
            *words().add(1) = self.level;
        }
    }
}
