//! The hooks of C++'s allocation operators.
//!
//! They note which operator was called and from where, and jump to the one that the program would have reached, which
//! may throw, call a handler, or be the program's own.
//!
//! Where that is the C++ runtime's, which itself only calls `malloc` or `free`, the common ones do so directly. What
//! `malloc` refuses goes to the runtime's operator all the same: it knows handlers and exceptions.
use crate::blocks::{self, Kinds, RELEASE};
use crate::walk::Entry;
use crate::{modules, real, tls};
use core::arch::naked_asm;
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::*};
use stanch_ledger::{BlockKind, release};

struct Operator {
    name: &'static CStr,
    kind: u32,
    real: AtomicUsize,
}

macro_rules! operators {
    ($($index:literal $visibility:ident $name:ident $symbol:literal $kind:expr;)*) => {
        static OPERATORS: [Operator; operators!(@count $($index)*)] = [
            $(Operator { name: $symbol, kind: $kind as u32, real: AtomicUsize::new(0) },)*
        ];
        $(operators!(@$visibility $index $name);)*
    };
    (@exported $index:literal $name:ident) => {
        operators!(@function [cfg_attr(not(test), unsafe(no_mangle))] $index $name);
    };
    (@hidden $index:literal $name:ident) => {
        operators!(@function [doc(hidden)] $index $name);
    };
    (@function [$attribute:meta] $index:literal $name:ident) => {
        /// C++ operator, by its mangled name; or the general way of one that has a shortcut.
        ///
        /// # Safety
        /// As the C++ runtime's operator of this name.
        #[allow(non_snake_case)]
        #[$attribute]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "mov r10, rsp",
                "push rdi",
                "push rsi",
                "push rdx",
                "mov edi, {index}",
                "mov rsi, r10",
                "mov rdx, rbp",
                "call {announce}",
                "pop rdx",
                "pop rsi",
                "pop rdi",
                "jmp rax",
                index = const $index,
                announce = sym announce,
            );
        }
    };
    (@count $($index:literal)*) => { [$($index),*].len() };
}

/// Defines the entries of operators that may go to `malloc` or `free` directly; `general` is the entry that may not.
macro_rules! shortcuts {
    (new: $($name:ident $general:ident $work:path;)*) => {$(
        /// C++ operator, by its mangled name.
        ///
        /// # Safety
        /// As the C++ runtime's operator of this name.
        #[allow(non_snake_case)]
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "cmp dword ptr [rip + {runtime}], {standard}",
                "jne {general}",
                "mov rsi, rsp",
                "mov rdx, rbp",
                "push rdi",
                "call {work}",
                "pop rdi",
                "test rax, rax",
                "jz {general}",
                "ret",
                runtime = sym RUNTIME,
                standard = const STANDARD,
                general = sym $general,
                work = sym $work,
            );
        }
    )*};
    (delete: $($name:ident $general:ident $work:path;)*) => {$(
        /// C++ operator, by its mangled name.
        ///
        /// # Safety
        /// As the C++ runtime's operator of this name.
        #[allow(non_snake_case)]
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "cmp dword ptr [rip + {runtime}], {standard}",
                "jne {general}",
                "mov rsi, rsp",
                "mov rdx, rbp",
                "jmp {work}",
                runtime = sym RUNTIME,
                standard = const STANDARD,
                general = sym $general,
                work = sym $work,
            );
        }
    )*};
}

shortcuts! { new:
    _Znwm new_generally new_directly;
    _Znam new_array_generally new_array_directly;
}

shortcuts! { delete:
    _ZdlPv delete_generally delete_directly;
    _ZdlPvm sized_delete_generally delete_directly;
    _ZdaPv delete_array_generally delete_array_directly;
    _ZdaPvm sized_delete_array_generally delete_array_directly;
}

unsafe extern "C" fn new_directly(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    blocks::allocate_with(bytes, BlockKind::New, Entry { slot, rbp })
}

unsafe extern "C" fn new_array_directly(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    blocks::allocate_with(bytes, BlockKind::NewArray, Entry { slot, rbp })
}

/// Ends in a jump to the C library's `free`: no frame of its own but in unusual cases.
macro_rules! releases_directly {
    ($($name:ident $slowly:ident $kinds:expr, $released_by:expr;)*) => {$(
        unsafe extern "C" fn $name(block: *mut c_void, slot: usize, rbp: usize) {
            match real::free::get() {
                // SAFETY: the caller's block is the C library's: so say the runtime's operators.
                Some(free) if blocks::released_quickly(block, $kinds) => unsafe { free(block) },
                // SAFETY: as this function.
                _ => unsafe { $slowly(block, slot, rbp) },
            }
        }

        #[inline(never)]
        unsafe extern "C" fn $slowly(block: *mut c_void, slot: usize, rbp: usize) {
            // SAFETY: as this function.
            unsafe { crate::hooks::release_slowly(block, $released_by, Entry { slot, rbp }) }
        }
    )*};
}

releases_directly! {
    delete_directly delete_slowly Kinds::NEW, release::DELETE;
    delete_array_directly delete_array_slowly Kinds::NEW_ARRAY, release::DELETE_ARRAY;
}

/// Whose operators the program reaches: not known yet, the C++ runtime's, or others too.
static RUNTIME: AtomicU32 = AtomicU32::new(UNKNOWN);
const UNKNOWN: u32 = 0;
const STANDARD: u32 = 1;
const OTHER: u32 = 2;

/// Finds out whether all that the runtime's operators do is to call `malloc` and `free`: nobody defines operators of
/// their own, and the runtime is one of the two that are known.
fn look_at_runtime() -> u32 {
    let ours = [
        (c"_Znwm", _Znwm as *const () as usize),
        (c"_Znam", _Znam as *const () as usize),
        (c"_ZdlPv", _ZdlPv as *const () as usize),
        (c"_ZdaPv", _ZdaPv as *const () as usize),
    ];
    let is_runtimes = |name| is_of_library(real::resolve_operator(name), &[b"libstdc++.so", b"libc++"]);
    let is_standard = ours.into_iter().all(|(name, address)| is_first(name, address) && is_runtimes(name));
    if is_standard && crate::life::is_glibc_malloc() { STANDARD } else { OTHER }
}

/// True where `name` means the function at `address` to the whole program: nobody before the recorder defines it.
#[cold]
fn is_first(name: &CStr, address: usize) -> bool {
    let _internal = tls::Internal::enter();
    // SAFETY: the name is nul-terminated.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) as usize == address }
}

/// True where the code at `address` is part of a library whose file name begins with one of these.
#[cold]
fn is_of_library(address: usize, names: &[&[u8]]) -> bool {
    let Some(object) = modules::find(address) else { return false };
    let path = modules::name_of(&object);
    let file = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    names.iter().any(|name| file.starts_with(name))
}

operators! {
    0 hidden new_generally c"_Znwm" BlockKind::New;
    1 exported _ZnwmRKSt9nothrow_t c"_ZnwmRKSt9nothrow_t" BlockKind::New;
    2 hidden new_array_generally c"_Znam" BlockKind::NewArray;
    3 exported _ZnamRKSt9nothrow_t c"_ZnamRKSt9nothrow_t" BlockKind::NewArray;
    4 exported _ZnwmSt11align_val_t c"_ZnwmSt11align_val_t" BlockKind::NewAligned;
    5 exported _ZnwmSt11align_val_tRKSt9nothrow_t c"_ZnwmSt11align_val_tRKSt9nothrow_t" BlockKind::NewAligned;
    6 exported _ZnamSt11align_val_t c"_ZnamSt11align_val_t" BlockKind::NewArrayAligned;
    7 exported _ZnamSt11align_val_tRKSt9nothrow_t c"_ZnamSt11align_val_tRKSt9nothrow_t" BlockKind::NewArrayAligned;
    8 hidden delete_generally c"_ZdlPv" RELEASE + release::DELETE;
    9 hidden sized_delete_generally c"_ZdlPvm" RELEASE + release::DELETE;
    10 exported _ZdlPvRKSt9nothrow_t c"_ZdlPvRKSt9nothrow_t" RELEASE + release::DELETE;
    11 exported _ZdlPvSt11align_val_t c"_ZdlPvSt11align_val_t" RELEASE + release::DELETE_ALIGNED;
    12 exported _ZdlPvmSt11align_val_t c"_ZdlPvmSt11align_val_t" RELEASE + release::DELETE_ALIGNED;
    13 exported _ZdlPvSt11align_val_tRKSt9nothrow_t c"_ZdlPvSt11align_val_tRKSt9nothrow_t"
        RELEASE + release::DELETE_ALIGNED;
    14 hidden delete_array_generally c"_ZdaPv" RELEASE + release::DELETE_ARRAY;
    15 hidden sized_delete_array_generally c"_ZdaPvm" RELEASE + release::DELETE_ARRAY;
    16 exported _ZdaPvRKSt9nothrow_t c"_ZdaPvRKSt9nothrow_t" RELEASE + release::DELETE_ARRAY;
    17 exported _ZdaPvSt11align_val_t c"_ZdaPvSt11align_val_t" RELEASE + release::DELETE_ARRAY_ALIGNED;
    18 exported _ZdaPvmSt11align_val_t c"_ZdaPvmSt11align_val_t" RELEASE + release::DELETE_ARRAY_ALIGNED;
    19 exported _ZdaPvSt11align_val_tRKSt9nothrow_t c"_ZdaPvSt11align_val_tRKSt9nothrow_t"
        RELEASE + release::DELETE_ARRAY_ALIGNED;
}

/// Notes the call; gives the address to go on at.
extern "C" fn announce(index: u32, slot: usize, rbp: usize) -> usize {
    let operator = &OPERATORS[index as usize];
    if RUNTIME.load(Relaxed) == UNKNOWN {
        RUNTIME.store(look_at_runtime(), Relaxed);
    }
    blocks::announce(operator.kind, Entry { slot, rbp });
    match operator.real.load(Relaxed) {
        0 => resolve(operator),
        address => address,
    }
}

/// The C++ runtime's operator. Where there is none (the code was linked without one), C's functions do what it
/// would, but cannot throw.
#[cold]
fn resolve(operator: &Operator) -> usize {
    let mut address = real::resolve_operator(operator.name);
    if address == 0 {
        let is_aligned = [BlockKind::NewAligned as u32, BlockKind::NewArrayAligned as u32].contains(&operator.kind);
        address = match operator.kind {
            kind if kind > RELEASE => crate::hooks::free as *const () as usize,
            _ if is_aligned => aligned_new as *const () as usize,
            _ => crate::hooks::malloc as *const () as usize,
        };
    }
    operator.real.store(address, Relaxed);
    address
}

#[unsafe(naked)]
unsafe extern "C" fn aligned_new() {
    naked_asm!("xchg rdi, rsi", "jmp {memalign}", memalign = sym crate::hooks::memalign);
}
