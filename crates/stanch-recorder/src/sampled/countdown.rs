//! Each thread's countdown of bytes to its next sample. The hooks subtract from it; below zero they come here.
use crate::threads::{self, Context};
use crate::{session, sys, tls, undo};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, Ordering::*};
use stanch_ledger::sampling::{Random, mixed, span};

global_asm!(
    ".section .tbss.stanch_sample_words,\"awT\",@nobits",
    ".p2align 6",
    ".globl stanch_sample_words",
    ".hidden stanch_sample_words",
    ".type stanch_sample_words,@object",
    "stanch_sample_words:",
    ".zero 96",
    ".size stanch_sample_words, 96",
    ".text",
);

/// This thread's words. All zero in a new thread, so that its first allocation comes here.
#[repr(C)]
pub(super) struct Words {
    /// Bytes that may still be allocated without a sample.
    left: u64,
    random: Random,
    /// Process for which the other words were set up: the child of a fork draws numbers of its own.
    pid: u64,
    /// The last call of a C++ operator that calls another.
    pub(super) outer: Note,
    /// The last call of any other.
    pub(super) plain: Note,
}

const _: () = assert!(size_of::<Words>() <= 96);

/// A call of a C++ operator.
#[repr(C)]
pub(super) struct Note {
    /// Address of its return address on the stack.
    pub(super) slot: usize,
    /// That return address.
    pub(super) return_address: usize,
    /// rbp at its entry.
    pub(super) rbp: usize,
    /// Number of its [`stanch_ledger::BlockKind`].
    pub(super) kind: u32,
}

#[inline(always)]
pub(super) fn words() -> *mut Words {
    let address;
    // SAFETY: reads the thread pointer and a link-time constant; both are always there.
    unsafe {
        asm!("mov {0}, qword ptr [rip + stanch_sample_words@GOTTPOFF]", "add {0}, qword ptr fs:[0]",
            out(reg) address, options(nostack, pure, readonly));
    }
    address
}

/// Where nothing can be recorded now, it is tried again after so many bytes.
const RETRY_BYTES: u64 = 1 << 20;

/// What to sample with, where this block is sampled. Called when the countdown has passed zero (or was never set).
pub(super) fn sampled(bytes: usize) -> Option<Context> {
    if tls::is_internal() {
        set(0, 0);
        return None;
    }
    let Some(context) = threads::context().filter(|context| !undo::is_detached(context.ledger)) else {
        set(RETRY_BYTES, 0);
        return None;
    };
    let header = context.ledger.header();
    let (mean, pid) = (header.sample_bytes.load(Relaxed), u64::from(header.pid.load(Relaxed)));
    // SAFETY: the words are this thread's own, and nothing below calls back into the hooks.
    let words = unsafe { &mut *words() };
    if words.pid != pid {
        words.random = Random(seed(context, words.random));
        words.pid = pid;
        words.left = words.random.distance(mean);
        if let Some(left) = span(bytes as u64).and_then(|span| words.left.checked_sub(span)) {
            words.left = left;
            return None;
        }
    }
    words.left = words.random.distance(mean);
    Some(context)
}

fn set(left: u64, pid: u64) {
    // SAFETY: the words are this thread's own.
    unsafe {
        (*words()).left = left;
        (*words()).pid = pid;
    }
}

/// Threads that began so far: no two draw the same numbers.
static THREADS: AtomicU64 = AtomicU64::new(0);

/// Where a thread's random numbers begin: the same in every run where the session says so.
fn seed(context: Context, before: Random) -> u64 {
    let header = context.ledger.header();
    let process = match session::sampling().seed {
        Some(seed) => seed,
        None => sys_entropy(header.started_ns.load(Relaxed), header.pid.load(Relaxed)),
    };
    mixed(mixed(process) ^ THREADS.fetch_add(1, Relaxed) ^ before.0)
}

/// Differs from process to process and from run to run.
fn sys_entropy(started_ns: u64, pid: u32) -> u64 {
    let now = if sys::is_restricted() { 0 } else { sys::monotonic_ns() };
    started_ns ^ u64::from(pid) << 40 ^ now.rotate_left(20) ^ words() as u64
}
