//! C's allocation functions in a sampled recording. Each is a stub in assembly that jumps to the real function, or, for
//! a block that is sampled or may be, to a function here.
//!
//! A block of `s` bytes takes `s + 1` from the thread's countdown, see [`stanch_ledger::sampling`].
use super::countdown::sampled;
use super::filter::{self, BIT_SHIFT, BITS, WORD_SHIFT, WORDS};
use super::{blocks, operators};
use crate::blocks::{padded, real_malloc};
use crate::real;
use crate::threads::Context;
use crate::walk::Entry;
use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering::*};
use stanch_ledger::BlockKind;

/// Stubs of functions that allocate: the instructions that put the size plus one into `rax`, or jump to `3` where
/// there is no such size; the real function; the one here, and the registers that hand it the caller's frame.
macro_rules! allocating {
    ($($(#[$doc:meta])* $name:ident: $size:literal, $real:ident, $work:ident, $slot:literal, $rbp:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                $size,
                "mov r11, qword ptr [rip + stanch_sample_words@GOTTPOFF]",
                "sub qword ptr fs:[r11], rax",
                "jb 2f",
                "3: jmp qword ptr [rip + {real}]",
                "2:",
                concat!("mov ", $slot, ", rsp"),
                concat!("mov ", $rbp, ", rbp"),
                "jmp {work}",
                real = sym real::$real::ADDRESS,
                work = sym $work,
            );
        }
    )*};
}

allocating! {
    /// `malloc(size)`
    malloc: "lea rax, [rdi + 1]", malloc, malloc_sampled, "rsi", "rdx";
    /// `calloc(count, size)`; a product that does not fit fails in the real function.
    calloc: "mov rax, rdi; mul rsi; jo 3f; inc rax", calloc, calloc_sampled, "rdx", "rcx";
    /// `posix_memalign(&block, alignment, size)`
    posix_memalign: "lea rax, [rdx + 1]", posix_memalign, posix_memalign_sampled, "rcx", "r8";
    /// `aligned_alloc(alignment, size)`
    aligned_alloc: "lea rax, [rsi + 1]", aligned_alloc, aligned_alloc_sampled, "rdx", "rcx";
    /// `memalign(alignment, size)`
    memalign: "lea rax, [rsi + 1]", memalign, memalign_sampled, "rdx", "rcx";
    /// `valloc(size)`
    valloc: "lea rax, [rdi + 1]", valloc, valloc_sampled, "rsi", "rdx";
    /// `pvalloc(size)`
    pvalloc: "lea rax, [rdi + 1]", pvalloc, pvalloc_sampled, "rsi", "rdx";
}

/// Jumps to `2` where the filter has the bit of the block in `rdi`. Leaves `rdi`, `rsi` and `rdx` alone.
macro_rules! jump_if_marked {
    () => {
        "mov eax, edi
        shr eax, {word_shift}
        and eax, {word_mask}
        lea r11, [rip + {bits}]
        mov eax, dword ptr [r11 + 4 * rax]
        mov ecx, edi
        shr ecx, {bit_shift}
        bt eax, ecx
        jc 2f"
    };
}

/// Stubs of functions that release.
macro_rules! releasing {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                jump_if_marked!(),
                "jmp qword ptr [rip + {real}]",
                "2: jmp {work}",
                word_shift = const WORD_SHIFT,
                word_mask = const WORDS - 1,
                bit_shift = const BIT_SHIFT,
                bits = sym BITS,
                real = sym FREE,
                work = sym free_marked,
            );
        }
    )*};
}

releasing! {
    /// `free(block)`
    free;
    /// `cfree(block)`
    cfree;
}

/// `realloc(block, size)`: a release and an allocation.
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn realloc() {
    naked_asm!(
        "lea rax, [rsi + 1]",
        "mov r11, qword ptr [rip + stanch_sample_words@GOTTPOFF]",
        "sub qword ptr fs:[r11], rax",
        "jb 3f",
        jump_if_marked!(),
        "jmp qword ptr [rip + {real}]",
        // The block may be a sampled one; the new one is not.
        "2: xor r8d, r8d",
        "jmp 4f",
        "3: mov r8d, 1",
        "4: mov rdx, rsp",
        "mov rcx, rbp",
        "jmp {work}",
        word_shift = const WORD_SHIFT,
        word_mask = const WORDS - 1,
        bit_shift = const BIT_SHIFT,
        bits = sym BITS,
        real = sym real::realloc::ADDRESS,
        work = sym realloc_sampled,
    );
}

/// `reallocarray(block, count, size)`: `realloc`, where the product fits.
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn reallocarray() {
    naked_asm!(
        "mov rcx, rdx",
        "mov rax, rsi",
        "mul rcx",
        "jo 2f",
        "mov rsi, rax",
        "jmp {realloc}",
        "2: mov rdx, rcx",
        "jmp qword ptr [rip + {real}]",
        realloc = sym realloc,
        real = sym REALLOCARRAY,
    );
}

/// Where the stubs of `free` go on: the real function, once it has been looked up.
static FREE: AtomicPtr<c_void> = AtomicPtr::new(free_first as *mut c_void);
/// The same for `reallocarray`, which may be a program's first call.
static REALLOCARRAY: AtomicPtr<c_void> = AtomicPtr::new(reallocarray_first as *mut c_void);

unsafe extern "C" fn free_first(block: *mut c_void) {
    real::resolve();
    // Null while the look-up itself releases what it allocated early, which needs no release.
    if let Some(free) = real::free::get() {
        FREE.store(free as *mut c_void, Relaxed);
        if !real::is_early(block) {
            // SAFETY: the caller's block is the C library's.
            unsafe { free(block) }
        }
    }
}

unsafe extern "C" fn reallocarray_first(block: *mut c_void, count: usize, bytes: usize) -> *mut c_void {
    real::resolve();
    let Some(function) = real::reallocarray::get() else { return core::ptr::null_mut() };
    REALLOCARRAY.store(function as *mut c_void, Relaxed);
    // SAFETY: the caller's arguments are those of reallocarray.
    unsafe { function(block, count, bytes) }
}

/// Writes a block down where it is sampled. Blocks of the early buffer are marked, since the real `free` must never see
/// them.
fn allocated(context: Option<Context>, block: *mut c_void, bytes: usize, kind: BlockKind, entry: Entry) {
    if block.is_null() {
        return;
    }
    if real::is_early(block) {
        filter::insert(block as usize);
    } else if let Some(context) = context {
        let (kind, entry) = operators::caller(kind, entry);
        blocks::write_down(context, block, bytes, kind, entry);
    }
}

/// Bytes to ask for: sampled blocks must not share a slot with others.
fn wanted(context: Option<Context>, bytes: usize) -> usize {
    if context.is_some() { padded(bytes) } else { bytes }
}

unsafe extern "C" fn malloc_sampled(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    let context = sampled(bytes);
    let block = real_malloc(wanted(context, bytes));
    allocated(context, block, bytes, BlockKind::Malloc, Entry { slot, rbp });
    block
}

unsafe extern "C" fn calloc_sampled(count: usize, bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    let total = count.saturating_mul(bytes);
    let context = sampled(total);
    real::resolve();
    let block = match real::calloc::get() {
        // SAFETY: calloc takes any sizes.
        Some(calloc) => unsafe { calloc(1, wanted(context, total)) },
        None => real::early_allocate(total, 16),
    };
    allocated(context, block, total, BlockKind::Calloc, Entry { slot, rbp });
    block
}

unsafe extern "C" fn realloc_sampled(
    block: *mut c_void,
    bytes: usize,
    slot: usize,
    rbp: usize,
    is_due: usize,
) -> *mut c_void {
    let entry = Entry { slot, rbp };
    let is_release = !block.is_null() && bytes == 0;
    let context = if is_due != 0 { sampled(bytes).filter(|_| !is_release) } else { None };
    if real::is_early(block) {
        let new = real_malloc(wanted(context, bytes));
        allocated(context, new, bytes, BlockKind::Realloc, entry);
        if !new.is_null() {
            // SAFETY: both blocks hold at least so many bytes, and they do not overlap.
            unsafe {
                core::ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), bytes.min(real::early_bytes(block)))
            };
        }
        return new;
    }
    real::resolve();
    let lifted = blocks::lift(block);
    let size = if is_release { 0 } else { wanted(context, bytes) };
    let new = match real::realloc::get() {
        // SAFETY: the caller's block is the C library's.
        Some(realloc) => unsafe { realloc(block, size) },
        None if block.is_null() => real::early_allocate(bytes, 16),
        None => core::ptr::null_mut(),
    };
    if new.is_null() && !is_release {
        if let Some(lifted) = lifted {
            lifted.put_back();
        }
        return new;
    }
    if let Some(lifted) = lifted {
        lifted.release();
    }
    allocated(context, new, bytes, BlockKind::Realloc, entry);
    new
}

/// The block may be a sampled one.
unsafe extern "C" fn free_marked(block: *mut c_void) {
    if real::is_early(block) {
        return;
    }
    if let Some(lifted) = blocks::lift(block) {
        lifted.release();
    }
    real::resolve();
    if let Some(free) = real::free::get() {
        // SAFETY: the caller's block is the C library's.
        unsafe { free(block) }
    }
}

unsafe extern "C" fn posix_memalign_sampled(
    block: *mut *mut c_void,
    alignment: usize,
    bytes: usize,
    slot: usize,
    rbp: usize,
) -> c_int {
    let context = sampled(bytes);
    real::resolve();
    let Some(function) = real::posix_memalign::get() else { return libc::ENOMEM };
    // SAFETY: the caller's pointer is valid for posix_memalign, and is read only after success.
    unsafe {
        let result = function(block, alignment, wanted(context, bytes));
        if result == 0 {
            allocated(context, *block, bytes, BlockKind::Memalign, Entry { slot, rbp });
        }
        result
    }
}

/// The functions that take an alignment and a size.
macro_rules! aligned {
    ($($name:ident calls $real:ident;)*) => {$(
        unsafe extern "C" fn $name(alignment: usize, bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
            let context = sampled(bytes);
            real::resolve();
            let block = match real::$real::get() {
                // SAFETY: takes any alignment and size.
                Some(function) => unsafe { function(alignment, wanted(context, bytes)) },
                None => real::early_allocate(bytes, alignment),
            };
            allocated(context, block, bytes, BlockKind::Memalign, Entry { slot, rbp });
            block
        }
    )*};
}

aligned! {
    aligned_alloc_sampled calls aligned_alloc;
    memalign_sampled calls memalign;
}

/// The functions that align to a page.
macro_rules! page_aligned {
    ($($name:ident calls $real:ident;)*) => {$(
        unsafe extern "C" fn $name(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
            let context = sampled(bytes);
            real::resolve();
            // SAFETY: takes any size.
            let block = real::$real::get().map_or(core::ptr::null_mut(), |function| unsafe { function(bytes) });
            allocated(context, block, bytes, BlockKind::Memalign, Entry { slot, rbp });
            block
        }
    )*};
}

page_aligned! {
    valloc_sampled calls valloc;
    pvalloc_sampled calls pvalloc;
}
