//! The hooks of functions that start programs: the next program is recorded too, even when the environment it is
//! given says nothing of the recorder.
use crate::control;
use crate::session::{PRELOAD, RECORDER_PATH, SESSION, SESSION_ENTRY};
use crate::{real, sys};
use core::arch::naked_asm;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering::*};
use stanch_ledger::{flag, state};

type Strings = *const *const c_char;

/// An array of no strings.
static NO_STRING: AtomicPtr<c_char> = AtomicPtr::new(core::ptr::null_mut());

const ENTRY_LIMIT: usize = 2048;
const TEXT_LIMIT: usize = 4096;

/// An environment with the recorder in it, built on the caller's stack: in a child of `vfork` the heap is the
/// parent's.
struct Environment {
    entries: [*const c_char; ENTRY_LIMIT],
    preload: [u8; TEXT_LIMIT],
}

impl Environment {
    /// What to give to the next program instead of `given`. Gives `given` back where nothing needs to change or
    /// where it does not fit.
    ///
    /// # Safety
    /// `given` must be null or an array of C strings that ends with a null.
    unsafe fn with_recorder(&mut self, given: Strings) -> Strings {
        if control::last_ledger().is_none() {
            return given;
        }
        // `clearenv` leaves no environment at all.
        let given = if given.is_null() { NO_STRING.as_ptr().cast::<*const c_char>().cast_const() } else { given };
        let readable = self.is_recorder_readable();
        let (mut count, mut preload, mut has_session) = (0, None, false);
        let mut at = given;
        // SAFETY: the array ends with a null, before which all entries are C strings.
        unsafe {
            while !(*at).is_null() {
                let text = CStr::from_ptr(*at).to_bytes();
                if text.starts_with(PRELOAD) {
                    preload = Some(&text[PRELOAD.len()..]);
                } else {
                    has_session |= text.starts_with(SESSION);
                    if count + 3 > ENTRY_LIMIT {
                        return given;
                    }
                    self.entries[count] = *at;
                    count += 1;
                }
                at = at.add(1);
            }
        }
        let ours = RECORDER_PATH.get();
        let has_ours =
            preload.is_some_and(|list| list.split(|byte| matches!(byte, b':' | b' ')).any(|path| path == ours));
        if has_ours && has_session && readable {
            return given;
        }
        let rest = preload.unwrap_or_default();
        if !self.write_preload(readable.then_some(ours), rest) {
            return given;
        }
        if readable && !has_session {
            self.entries[count] = SESSION_ENTRY.as_c_string();
            count += 1;
        }
        if self.preload[PRELOAD.len()] != 0 {
            self.entries[count] = self.preload.as_ptr().cast();
            count += 1;
        }
        self.entries[count] = core::ptr::null();
        self.entries.as_ptr()
    }

    /// Writes `LD_PRELOAD=ours:rest`, `rest` without ours. False where it does not fit.
    fn write_preload(&mut self, ours: Option<&[u8]>, rest: &[u8]) -> bool {
        let mut length = 0;
        let mut append = |text: &[u8]| {
            let fits = length + text.len() < TEXT_LIMIT;
            if fits {
                self.preload[length..length + text.len()].copy_from_slice(text);
                length += text.len();
                self.preload[length] = 0;
            }
            fits
        };
        let mut fits = append(PRELOAD);
        let mut separator: &[u8] = b"";
        let others = rest.split(|byte| matches!(byte, b':' | b' '));
        let others = others.filter(|path| !path.is_empty() && *path != RECORDER_PATH.get());
        for path in ours.into_iter().chain(others) {
            fits = fits && append(separator) && append(path);
            separator = b":";
        }
        fits
    }

    /// After chroot or a change of user the recorder's file may be out of reach; the dynamic linker would complain.
    fn is_recorder_readable(&self) -> bool {
        let Some(ledger) = control::last_ledger() else { return true };
        if sys::is_restricted() {
            return true;
        }
        let path = RECORDER_PATH.as_c_string() as usize;
        // SAFETY: the path is a C string.
        let readable = unsafe { sys::call(libc::SYS_access, path, libc::R_OK as usize, 0, 0, 0, 0) == 0 };
        if !readable {
            ledger.header().flags.fetch_or(flag::EXEC_UNREADABLE, Relaxed);
        }
        readable
    }
}

/// Room for an environment; only what is used of it is written.
fn room() -> core::mem::MaybeUninit<Environment> {
    core::mem::MaybeUninit::uninit()
}

/// `given` with the recorder in it, valid as long as `room`.
///
/// # Safety
/// As [`Environment::with_recorder`].
unsafe fn recorded(room: &mut core::mem::MaybeUninit<Environment>, given: Strings) -> Strings {
    // SAFETY: pointers and bytes of any value are valid here once written, and every element is written
    // before it is read; the arrays are only ever accessed through this reference.
    unsafe { (*room.as_mut_ptr()).with_recorder(given) }
}

/// The next program takes the place of this one, unless exec fails.
struct Replacing {
    is_announced: bool,
    spawn: Option<&'static stanch_ledger::SpawnEntry>,
}

impl Replacing {
    fn by(path: *const c_char) -> Self {
        let mut replacing = Self { is_announced: false, spawn: None };
        let Some(ledger) = control::ledger() else { return replacing };
        let header = ledger.header();
        let restricted = sys::is_restricted();
        if restricted || header.state.load(Relaxed) != state::RUNNING {
            return replacing;
        }
        let pid = sys::getpid();
        if pid != header.pid.load(Relaxed) {
            // A child of vfork shares this memory, but it is not the process that the ledger speaks of.
            replacing.spawn = note_spawn(pid, path);
            return replacing;
        }
        if !path.is_null() {
            // SAFETY: the program's path is a C string.
            let path = unsafe { CStr::from_ptr(path) }.to_bytes();
            header.exec_path_len.store(crate::text::store(&header.exec_path, path) as u32, Relaxed);
        }
        header.state.store(state::EXEC, Release);
        replacing.is_announced = true;
        replacing
    }
}

impl Drop for Replacing {
    fn drop(&mut self) {
        if self.is_announced
            && let Some(ledger) = control::ledger()
        {
            ledger.header().state.store(state::RUNNING, Release);
        }
        if let Some(spawn) = self.spawn {
            spawn.pid.store(0, Release);
        }
    }
}

unsafe extern "C" {
    static mut environ: Strings;
}

/// Notes that a program was started which has no ledger unless it makes its own.
fn note_spawn(pid: u32, path: *const c_char) -> Option<&'static stanch_ledger::SpawnEntry> {
    let ledger = control::ledger()?;
    let index = ledger.header().spawn_count.fetch_add(1, Relaxed) as usize % stanch_ledger::SPAWN_LIMIT;
    let entry = ledger.spawn(index);
    if !path.is_null() {
        // SAFETY: the program's path is a C string.
        let path = unsafe { CStr::from_ptr(path) }.to_bytes();
        entry.path_len.store(crate::text::store(&entry.path, path) as u32, Relaxed);
    }
    entry.pid.store(pid, Release);
    Some(entry)
}

pub(crate) fn environment() -> Strings {
    // SAFETY: the C library's variable; reading it races with a program that changes its environment in another
    // thread, as exec itself would.
    unsafe { environ }
}

/// Calls `start`, which starts a program from the process's own environment, with the recorder in that.
pub(crate) fn with_recorder_in_environment<T>(start: impl FnOnce() -> T) -> T {
    let mut room = room();
    let own = environment();
    // SAFETY: the process's environment is an array of C strings up to a null, or null; `room` outlives the call.
    // Another thread that reads the environment meanwhile sees two variables more.
    unsafe {
        let extended = recorded(&mut room, own);
        environ = extended;
        let result = start();
        if environ == extended {
            environ = own;
        }
        result
    }
}

/// `execve(path, arguments, environment)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn execve(path: *const c_char, arguments: Strings, given: Strings) -> c_int {
    real::resolve();
    let mut room = room();
    let _replacing = Replacing::by(path);
    // SAFETY: the caller's arguments are those of execve.
    unsafe {
        let given = recorded(&mut room, given);
        real::execve::get().map_or(-1, |function| function(path, arguments, given))
    }
}

/// `execvpe(file, arguments, environment)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn execvpe(file: *const c_char, arguments: Strings, given: Strings) -> c_int {
    real::resolve();
    let mut room = room();
    let _replacing = Replacing::by(file);
    // SAFETY: the caller's arguments are those of execvpe.
    unsafe {
        let given = recorded(&mut room, given);
        real::execvpe::get().map_or(-1, |function| function(file, arguments, given))
    }
}

/// `execv(path, arguments)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn execv(path: *const c_char, arguments: Strings) -> c_int {
    // SAFETY: execv is execve with the process's environment.
    unsafe { execve(path, arguments, environment()) }
}

/// `execvp(file, arguments)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn execvp(file: *const c_char, arguments: Strings) -> c_int {
    // SAFETY: execvp is execvpe with the process's environment.
    unsafe { execvpe(file, arguments, environment()) }
}

/// `fexecve(fd, arguments, environment)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn fexecve(fd: c_int, arguments: Strings, given: Strings) -> c_int {
    real::resolve();
    let mut room = room();
    let _replacing = Replacing::by(core::ptr::null());
    // SAFETY: the caller's arguments are those of fexecve.
    unsafe {
        let given = recorded(&mut room, given);
        real::fexecve::get().map_or(-1, |function| function(fd, arguments, given))
    }
}

/// The type of `posix_spawn` and `posix_spawnp`.
type Spawn = unsafe extern "C" fn(*mut c_int, *const c_char, *const c_void, *const c_void, Strings, Strings) -> c_int;

/// # Safety
/// The arguments must be valid for `posix_spawn`.
unsafe fn spawn(
    function: Option<Spawn>,
    pid: *mut c_int,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Strings,
    given: Strings,
) -> c_int {
    let Some(function) = function else { return libc::ENOSYS };
    let (mut room, mut child) = (room(), 0);
    // SAFETY: the caller's promise; `pid` may be null.
    unsafe {
        let given = recorded(&mut room, given);
        let result = function(&mut child, path, actions, attributes, arguments, given);
        if result == 0 {
            note_spawn(child as u32, path);
            if !pid.is_null() {
                *pid = child;
            }
        }
        result
    }
}

/// `posix_spawn(…)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn posix_spawn(
    pid: *mut c_int,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Strings,
    given: Strings,
) -> c_int {
    real::resolve();
    // SAFETY: the caller's arguments are those of posix_spawn.
    unsafe { spawn(real::posix_spawn::get(), pid, path, actions, attributes, arguments, given) }
}

/// `posix_spawnp(…)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn posix_spawnp(
    pid: *mut c_int,
    file: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Strings,
    given: Strings,
) -> c_int {
    real::resolve();
    // SAFETY: the caller's arguments are those of posix_spawnp.
    unsafe { spawn(real::posix_spawnp::get(), pid, file, actions, attributes, arguments, given) }
}

/// The functions that take their arguments as a list: they are made an array on the stack.
macro_rules! list_hooks {
    ($($name:ident => $work:path;)*) => {$(
        /// As the C library's function of this name.
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "lea rax, [rsp + 8]",
                "push r9",
                "push r8",
                "push rcx",
                "push rdx",
                "push rsi",
                "mov rsi, rsp",
                "mov rdx, rax",
                "call {work}",
                "add rsp, 40",
                "ret",
                work = sym $work,
            );
        }
    )*};
}

list_hooks! {
    execl => execl_entered;
    execlp => execlp_entered;
    execle => execle_entered;
}

const ARGUMENT_LIMIT: usize = 1024;

/// The arguments of a list: the first five stand in saved registers, the others on the caller's stack.
struct List {
    registers: Strings,
    stack: Strings,
}

impl List {
    /// # Safety
    /// The list must have an element with this number.
    unsafe fn get(&self, index: usize) -> *const c_char {
        // SAFETY: the caller's promise; the stub saved five registers.
        unsafe { if index < 5 { *self.registers.add(index) } else { *self.stack.add(index - 5) } }
    }

    /// Copies the list up to its null; gives the number of elements before it, `None` where there are too many.
    ///
    /// # Safety
    /// The list must end with a null.
    unsafe fn copy(&self, into: &mut [*const c_char; ARGUMENT_LIMIT]) -> Option<usize> {
        for (index, to) in into.iter_mut().enumerate() {
            // SAFETY: the null has not been met yet, so the list goes on.
            *to = unsafe { self.get(index) };
            if to.is_null() {
                return Some(index);
            }
        }
        None
    }
}

fn too_many() -> c_int {
    // SAFETY: errno is this thread's own.
    unsafe { *libc::__errno_location() = libc::E2BIG };
    -1
}

unsafe extern "C" fn execl_entered(path: *const c_char, registers: Strings, stack: Strings) -> c_int {
    let mut arguments = [core::ptr::null(); ARGUMENT_LIMIT];
    // SAFETY: the caller's list ends with a null.
    unsafe {
        match (List { registers, stack }).copy(&mut arguments) {
            Some(_) => execve(path, arguments.as_ptr(), environment()),
            None => too_many(),
        }
    }
}

unsafe extern "C" fn execlp_entered(file: *const c_char, registers: Strings, stack: Strings) -> c_int {
    let mut arguments = [core::ptr::null(); ARGUMENT_LIMIT];
    // SAFETY: the caller's list ends with a null.
    unsafe {
        match (List { registers, stack }).copy(&mut arguments) {
            Some(_) => execvpe(file, arguments.as_ptr(), environment()),
            None => too_many(),
        }
    }
}

unsafe extern "C" fn execle_entered(path: *const c_char, registers: Strings, stack: Strings) -> c_int {
    let mut arguments = [core::ptr::null(); ARGUMENT_LIMIT];
    let list = List { registers, stack };
    // SAFETY: the caller's list ends with a null, after which the environment follows.
    unsafe {
        match list.copy(&mut arguments) {
            Some(count) => execve(path, arguments.as_ptr(), list.get(count + 1).cast()),
            None => too_many(),
        }
    }
}
