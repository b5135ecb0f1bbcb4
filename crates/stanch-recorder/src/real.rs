//! The functions behind the hooks: the next ones in the dynamic linker's search order.
//!
//! One table generates the look-up and the accessors. Before it is filled (the dynamic linker's own
//! look-up may allocate), requests are served from a small buffer that is never given back.
use core::ffi::{CStr, c_char, c_int, c_long, c_void};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};

type Pointer = *mut c_void;
type Strings = *const *const c_char;

macro_rules! real_functions {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        $(
            #[allow(dead_code, reason = "functions that are only jumped to have no caller here")]
            pub(crate) mod $name {
                use super::*;
                pub(crate) static ADDRESS: AtomicUsize = AtomicUsize::new(0);
                pub(crate) type Function = unsafe extern "C" fn($($argument),*) $(-> $result)?;
                /// The next function of this name; `None` where there is none.
                #[inline(always)]
                pub(crate) fn get() -> Option<Function> {
                    let address = ADDRESS.load(Relaxed);
                    // SAFETY: the address came from the dynamic linker for this very symbol, whose C
                    // declaration is the type; zero is `None`.
                    unsafe { core::mem::transmute::<usize, Option<Function>>(address) }
                }
            }
        )*
        /// All are looked up before any is used: the look-up of one may allocate, and the allocator behind the hooks
        /// may call others of them.
        fn look_up_all() {
            let found = [$(look_up(concat!(stringify!($name), "\0").as_bytes())),*];
            let mut found = found.into_iter();
            $($name::ADDRESS.store(found.next().unwrap_or(0), Relaxed);)*
        }
    };
}

real_functions! {
    malloc: fn(usize) -> Pointer;
    calloc: fn(usize, usize) -> Pointer;
    realloc: fn(Pointer, usize) -> Pointer;
    reallocarray: fn(Pointer, usize, usize) -> Pointer;
    free: fn(Pointer);
    posix_memalign: fn(*mut Pointer, usize, usize) -> c_int;
    aligned_alloc: fn(usize, usize) -> Pointer;
    memalign: fn(usize, usize) -> Pointer;
    valloc: fn(usize) -> Pointer;
    pvalloc: fn(usize) -> Pointer;
    malloc_usable_size: fn(Pointer) -> usize;
    mmap: fn(Pointer, usize, c_int, c_int, c_int, c_long) -> Pointer;
    munmap: fn(Pointer, usize) -> c_int;
    mremap: fn(Pointer, usize, usize, c_int, Pointer) -> Pointer;
    sbrk: fn(isize) -> Pointer;
    dlopen: fn(*const c_char, c_int) -> Pointer;
    dlclose: fn(Pointer) -> c_int;
    exit: fn(c_int);
    _exit: fn(c_int);
    quick_exit: fn(c_int);
    daemon: fn(c_int, c_int) -> c_int;
    prctl: fn(c_int, usize, usize, usize, usize) -> c_int;
    syscall: fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;
    execve: fn(*const c_char, Strings, Strings) -> c_int;
    execvpe: fn(*const c_char, Strings, Strings) -> c_int;
    fexecve: fn(c_int, Strings, Strings) -> c_int;
    system: fn(*const c_char) -> c_int;
    popen: fn(*const c_char, *const c_char) -> Pointer;
    posix_spawn: fn(*mut c_int, *const c_char, *const c_void, *const c_void, Strings, Strings) -> c_int;
    posix_spawnp: fn(*mut c_int, *const c_char, *const c_void, *const c_void, Strings, Strings) -> c_int;
}

fn look_up(name: &[u8]) -> usize {
    // SAFETY: the name is nul-terminated by the macro above; dlsym only reads it.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr().cast()) as usize }
}

const UNRESOLVED: u32 = 0;
const RESOLVING: u32 = 1;
const RESOLVED: u32 = 2;
static STATE: AtomicU32 = AtomicU32::new(UNRESOLVED);

/// Fills the table once. Returns false while another call further up the stack is filling it.
#[cold]
pub(crate) fn resolve() -> bool {
    match STATE.compare_exchange(UNRESOLVED, RESOLVING, AcqRel, Acquire) {
        Ok(_) => {
            look_up_all();
            STATE.store(RESOLVED, Release);
            true
        }
        Err(state) => state == RESOLVED,
    }
}

/// Looks a C++ operator up: among the libraries loaded at start, then in a C++ runtime that a plugin brought.
#[cold]
pub(crate) fn resolve_operator(name: &CStr) -> usize {
    let _internal = crate::tls::Internal::enter();
    // SAFETY: all names are nul-terminated; RTLD_NOLOAD never runs code of a library that is not loaded.
    unsafe {
        let next = libc::dlsym(libc::RTLD_NEXT, name.as_ptr());
        if !next.is_null() {
            return next as usize;
        }
        for library in [c"libstdc++.so.6", c"libc++abi.so.1", c"libc++.so.1"] {
            let handle = libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            if !handle.is_null() {
                let found = libc::dlsym(handle, name.as_ptr());
                if !found.is_null() {
                    return found as usize;
                }
            }
        }
    }
    0
}

const BUFFER_BYTES: usize = 64 << 10;
#[repr(align(16))]
struct Buffer(core::cell::UnsafeCell<[u8; BUFFER_BYTES]>);
// SAFETY: parts are handed out by an atomic counter and belong to whoever received them.
unsafe impl Sync for Buffer {}
static BUFFER: Buffer = Buffer(core::cell::UnsafeCell::new([0; BUFFER_BYTES]));
static BUFFER_USED: AtomicUsize = AtomicUsize::new(0);

/// Zeroed memory for requests that come before the table is filled; null when used up.
pub(crate) fn early_allocate(bytes: usize, alignment: usize) -> Pointer {
    let alignment = alignment.max(16);
    let base = BUFFER.0.get() as usize;
    let mut used = BUFFER_USED.load(Relaxed);
    loop {
        let start = (base + used + 16).next_multiple_of(alignment) - base;
        let Some(end) = start.checked_add(bytes).filter(|end| *end <= BUFFER_BYTES) else {
            return core::ptr::null_mut();
        };
        match BUFFER_USED.compare_exchange(used, end, Relaxed, Relaxed) {
            Ok(_) => return (base + start) as Pointer,
            Err(now) => used = now,
        }
    }
}

/// True where the block came from [`early_allocate`].
#[inline]
pub(crate) fn is_early(block: Pointer) -> bool {
    (block as usize).wrapping_sub(BUFFER.0.get() as usize) < BUFFER_BYTES
}

/// Bytes that may be read from an early block on: at least its size, at most to the buffer's end.
pub(crate) fn early_bytes(block: Pointer) -> usize {
    BUFFER.0.get() as usize + BUFFER_BYTES - block as usize
}
