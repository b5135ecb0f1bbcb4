//! From the first hook to the last: start, fork, end.
use crate::control::{self, Ledger};
use crate::walk::{self, Entry};
use crate::{create, modules, real, session, sys, threads, tls, undo};
use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::*};
use stanch_ledger::{flag, reply, state};

const NEVER: u32 = 0;
const STARTING: u32 = 1;
const STARTED: u32 = 2;
const OFF: u32 = 3;
static STATE: AtomicU32 = AtomicU32::new(NEVER);
static STACK_END: AtomicUsize = AtomicUsize::new(0);
static IS_GLIBC: AtomicU32 = AtomicU32::new(0);
static LIBC_START: AtomicUsize = AtomicUsize::new(0);
static LIBC_END: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    fn __cxa_atexit(function: unsafe extern "C" fn(), argument: *mut c_void, dso: *mut c_void) -> c_int;
    fn __cxa_at_quick_exit(function: unsafe extern "C" fn(), dso: *mut c_void) -> c_int;
    fn __register_atfork(
        prepare: unsafe extern "C" fn(),
        parent: unsafe extern "C" fn(),
        child: unsafe extern "C" fn(),
        dso: *mut c_void,
    ) -> c_int;
}

/// True where glibc's own allocator stands behind the hooks.
#[inline(always)]
pub(crate) fn is_glibc_malloc() -> bool {
    IS_GLIBC.load(Relaxed) != 0
}

/// The ledger of this process; made at the first call, and again in a child of a bare `clone`.
#[cold]
pub(crate) fn ensure_started() -> Option<Ledger> {
    if let Some(ledger) = control::ledger() {
        return Some(ledger);
    }
    let state = STATE.load(Acquire);
    if (state != NEVER && state != STARTED) || STATE.compare_exchange(state, STARTING, AcqRel, Acquire).is_err() {
        return None;
    }
    let errno = save_errno();
    let ledger = if state == NEVER { first_start() } else { start_after_bare_clone() };
    restore_errno(errno);
    STATE.store(if ledger.is_some() { STARTED } else { OFF }, Release);
    ledger
}

fn save_errno() -> i32 {
    // SAFETY: errno is this thread's own.
    unsafe { *libc::__errno_location() }
}

fn restore_errno(errno: i32) {
    // SAFETY: errno is this thread's own.
    unsafe { *libc::__errno_location() = errno };
}

fn first_start() -> Option<Ledger> {
    real::resolve();
    // SAFETY: the dynamic linker exports where the kernel put the arguments; see `read_environment`.
    let may_record = unsafe {
        let stack_end = libc::dlsym(libc::RTLD_DEFAULT, c"__libc_stack_end".as_ptr()).cast::<*const usize>();
        if stack_end.is_null() {
            return None;
        }
        STACK_END.store(*stack_end as usize, Relaxed);
        session::read_environment(*stack_end)
    };
    if !may_record {
        return None;
    }
    modules::resolve();
    let (ledger, fd) = create::create()?;
    find_allocator(ledger);
    if !announce(ledger, fd) {
        return None;
    }
    if !control::wipe_on_fork() {
        ledger.header().flags.fetch_or(flag::NOT_INHERITED, Relaxed);
    }
    // SAFETY: the handlers have the right types and stay loaded; a null `dso` keeps them until the process
    // ends. Being registered before everybody else's, the exit handlers run last.
    unsafe {
        __cxa_atexit(at_exit, core::ptr::null_mut(), core::ptr::null_mut());
        __cxa_at_quick_exit(at_exit, core::ptr::null_mut());
        __register_atfork(before_fork, in_parent, in_child, core::ptr::null_mut());
    }
    // SAFETY: the program's own code has not run yet: this is the first allocation of its start, or the recorder's
    // constructor.
    unsafe { session::hide(STACK_END.load(Relaxed) as *const usize) };
    control::adopt(ledger.base());
    Some(ledger)
}

/// Hands the ledger over and lets go of its descriptor.
fn announce(ledger: Ledger, fd: i32) -> bool {
    ledger.header().pid.store(sys::getpid(), Relaxed);
    ledger.header().parent_pid.store(sys::getppid(), Relaxed);
    ledger.header().started_ns.store(sys::monotonic_ns(), Relaxed);
    ledger.header().sample_bytes.store(session::sampling().mean_bytes, Relaxed);
    // SAFETY: the address was given by the dynamic linker, and a forked child has the same stack.
    unsafe { session::describe(ledger.header(), STACK_END.load(Relaxed) as *const usize) };
    let announced = session::register(fd);
    sys::close(fd);
    if !announced {
        create::discard(ledger);
    }
    announced
}

fn start_after_bare_clone() -> Option<Ledger> {
    if sys::is_restricted() {
        return None;
    }
    tls::set_thread(core::ptr::null_mut());
    threads::forget_all();
    let (ledger, fd) = create::create()?;
    ledger.header().flags.fetch_or(flag::NOT_INHERITED, Relaxed);
    find_allocator(ledger);
    if !announce(ledger, fd) {
        return None;
    }
    control::adopt(ledger.base());
    Some(ledger)
}

/// Whose malloc is called, by the program and by the hooks.
fn find_allocator(ledger: Ledger) {
    let header = ledger.header();
    // SAFETY: the name is a C string.
    let first = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"malloc".as_ptr()) } as usize;
    if first != crate::hooks::malloc as *const () as usize {
        header.flags.fetch_or(flag::OWN_MALLOC, Relaxed);
    }
    if let Some(libc) = modules::find(libc::getpid as *const () as usize) {
        LIBC_START.store(libc.start, Relaxed);
        LIBC_END.store(libc.end, Relaxed);
    }
    let malloc = real::malloc::ADDRESS.load(Relaxed);
    if in_libc(malloc) {
        IS_GLIBC.store(1, Relaxed);
    } else {
        header.flags.fetch_or(flag::FOREIGN_MALLOC, Relaxed);
        if let Some(object) = modules::find(malloc) {
            let length = crate::text::store(&header.allocator_path, modules::name_of(&object));
            header.allocator_path_len.store(length as u32, Relaxed);
        }
    }
}

fn in_libc(address: usize) -> bool {
    (LIBC_START.load(Relaxed)..LIBC_END.load(Relaxed)).contains(&address)
}

/// Bounds of this thread's stack, zeros where they are not known; `here` is an address on it. Calls nothing of the C
/// library: an allocator that maps memory with its locks held may be further up the stack.
pub(crate) fn stack_of_this_thread(here: usize) -> (usize, usize) {
    const MAIN_STACK_BYTES: usize = 64 << 20;
    let main_end = STACK_END.load(Relaxed);
    if main_end.wrapping_sub(here) < MAIN_STACK_BYTES {
        return (main_end - MAIN_STACK_BYTES, main_end);
    }
    // A thread's control block stands at the top of its stack (glibc's `allocate_stack`).
    let (page, end) = (here & !4095, tls::control_block());
    let pages = end.saturating_sub(page).div_ceil(4096);
    if (1..=256).contains(&pages) && sys::is_mapped(page, pages) { (page, end) } else { (0, 0) }
}

/// Runs when the shared object is loaded, so that a program that never allocates is known too.
#[cfg_attr(not(test), unsafe(link_section = ".init_array"))]
#[used]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    let _ = threads::context();
}

// ---- fork

static FORK_LOCK: AtomicU32 = AtomicU32::new(0);
static NEXT_LEDGER: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static NEXT_FD: AtomicU32 = AtomicU32::new(0);

/// Makes the child's ledger while the parent still stands still: what the parent's live blocks are is copied
/// into it. Registered first, so it runs last of all `prepare` handlers, just before the fork.
unsafe extern "C" fn before_fork() {
    while FORK_LOCK.compare_exchange_weak(0, 1, Acquire, Relaxed).is_err() {
        core::hint::spin_loop();
    }
    let _internal = tls::Internal::enter();
    let Some(ledger) = control::ledger() else { return };
    if sys::is_restricted() {
        ledger.header().flags.fetch_or(flag::FORK_RESTRICTED, Relaxed);
        return;
    }
    if let Some((next, fd)) = create::create() {
        create::inherit(ledger, next);
        NEXT_LEDGER.store(next.base(), Relaxed);
        NEXT_FD.store(fd as u32, Relaxed);
    }
}

/// The ledger made by [`before_fork`].
fn take_next() -> Option<(Ledger, i32)> {
    let base = NEXT_LEDGER.swap(core::ptr::null_mut(), Relaxed);
    // SAFETY: `before_fork` mapped a ledger there; the child has the same mappings.
    (!base.is_null()).then(|| (unsafe { Ledger::at(base) }, NEXT_FD.load(Relaxed) as i32))
}

unsafe extern "C" fn in_parent() {
    if let Some((next, fd)) = take_next() {
        sys::close(fd);
        create::discard(next);
    }
    FORK_LOCK.store(0, Release);
}

unsafe extern "C" fn in_child() {
    let parent = control::last_ledger();
    tls::set_thread(core::ptr::null_mut());
    threads::forget_all();
    if let Some((next, fd)) = take_next() {
        if let Some(parent) = parent {
            next.header().flags.fetch_or(parent.header().flags.load(Relaxed) & FLAGS_INHERITED, Relaxed);
        }
        if announce(next, fd) {
            control::adopt(next.base());
        } else {
            STATE.store(OFF, Release);
        }
        if let Some(parent) = parent {
            create::discard_of_parent(parent);
        }
    }
    FORK_LOCK.store(0, Release);
}

const FLAGS_INHERITED: u32 = flag::OWN_MALLOC | flag::FOREIGN_MALLOC | flag::SECCOMP | flag::DAEMON;

// ---- end

/// Runs as the last of the exit handlers.
#[unsafe(naked)]
unsafe extern "C" fn at_exit() {
    naked_asm!("mov rdi, rsp", "mov rsi, rbp", "jmp {end}", end = sym end_in_handler);
}

unsafe extern "C" fn end_in_handler(slot: usize, rbp: usize) {
    end(Entry { slot, rbp });
}

/// The process is about to end: has the leak check done, and waits for it. `entry` is where the C library's or
/// the recorder's function was entered by which the program ends.
pub(crate) fn end(entry: Entry) {
    let Some(ledger) = control::ledger() else { return };
    let header = ledger.header();
    let restricted = sys::is_restricted();
    if undo::is_detached(ledger) || (!restricted && sys::getpid() != header.pid.load(Relaxed)) {
        return;
    }
    match header.state.compare_exchange(state::RUNNING, state::EXITING, AcqRel, Acquire) {
        Ok(_) => {}
        // Another thread ends the process already: its check must not be disturbed.
        Err(state::EXITING) => return wait_for_collector(ledger, restricted),
        Err(_) => return,
    }
    let tid = match tls::thread() {
        // SAFETY: as in `threads::context`.
        thread if !thread.is_null() => unsafe { (*thread).tid.load(Relaxed) },
        _ if restricted => header.pid.load(Relaxed),
        _ => sys::gettid(),
    };
    header.exit_tid.store(tid, Relaxed);
    header.exit_stack.store(live_stack(entry) as u64, Relaxed);
    header.exit_thread_pointer.store(tls::control_block() as u64, Relaxed);
    header.state.store(state::EXITING, Release);
    if !restricted {
        sys::futex_wake(&header.state);
    }
    wait_for_collector(ledger, restricted);
    header.state.store(state::ENDED, Release);
}

/// Where the stack begins that still counts: above the C library's frames that run the exit handlers. What lies
/// below is dead, and so is `main`'s frame once it has returned.
fn live_stack(entry: Entry) -> usize {
    let Some(context) = threads::context() else { return entry.slot };
    let mut start = entry.slot;
    walk::visit(context.ledger, context.thread, entry, |slot, return_address| {
        start = slot + 8;
        in_libc(return_address)
    });
    start
}

/// Waits until the collector has looked, or no longer beats.
fn wait_for_collector(ledger: Ledger, restricted: bool) {
    const PATIENCE_MS: u32 = 10_000;
    let header = ledger.header();
    let (mut beats, mut waited_ms, mut spins) = (header.beats.load(Relaxed), 0, 0u64);
    while header.reply.load(Acquire) != reply::GO_ON && waited_ms < PATIENCE_MS {
        if restricted {
            core::hint::spin_loop();
            spins += 1;
            // About 100 ms of spinning.
            waited_ms += if spins % 2_000_000 == 0 { 100 } else { 0 };
        } else {
            sys::futex_wait(&header.reply, reply::NONE, 100);
            waited_ms += 100;
        }
        let now = header.beats.load(Relaxed);
        if now != beats {
            (beats, waited_ms) = (now, 0);
        }
    }
}

/// The callee-saved registers of the code that called `exit`: they may hold the last pointer to a block.
pub(crate) fn save_exit_registers(registers: &[u64; 6]) {
    if let Some(ledger) = control::ledger() {
        let header = ledger.header();
        for (to, from) in header.exit_registers.iter().zip(registers) {
            to.store(*from, Relaxed);
        }
        header.exit_registers_valid.store(1, Release);
    }
}

/// `daemon()` ends the calling process inside the C library: has it checked before, as far as it came.
pub(crate) fn before_daemon(entry: Entry) {
    if let Some(ledger) = control::ledger() {
        ledger.header().flags.fetch_or(flag::DAEMON, Relaxed);
        end(entry);
    }
}

/// `daemon()` came back in the process that called it: it failed, and the program goes on.
pub(crate) fn after_daemon(parent: Option<Ledger>) {
    if let (Some(ledger), Some(parent)) = (control::ledger(), parent)
        && ledger.base() == parent.base()
    {
        ledger.header().reply.store(reply::NONE, Relaxed);
        ledger.header().state.store(state::RUNNING, Release);
    }
}
