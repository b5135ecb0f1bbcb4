//! The hooks of C's allocation functions.
//!
//! Each is a stub that hands its own frame (the place of its return address, and rbp) to a function with
//! the work, and gets out of the way by a jump: walks start exactly at the caller.
use crate::blocks::{self, Kinds, allocated, alone_in_result, padded, real_malloc};
use crate::real;
use crate::walk::Entry;
use core::arch::naked_asm;
use core::ffi::{c_int, c_void};
use stanch_ledger::{BlockKind, release};

/// Defines hooks. The registers named last receive the frame; they are those after the function's own arguments.
macro_rules! hooks {
    ($($(#[$doc:meta])* $name:ident => $work:path, $slot:literal, $rbp:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As the C library's function of this name.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                concat!("mov ", $slot, ", rsp"),
                concat!("mov ", $rbp, ", rbp"),
                "jmp {work}",
                work = sym $work
            );
        }
    )*};
}

hooks! {
    /// `malloc(size)`
    malloc => malloc_entered, "rsi", "rdx";
    /// `calloc(count, size)`
    calloc => calloc_entered, "rdx", "rcx";
    /// `realloc(block, size)`
    realloc => realloc_entered, "rdx", "rcx";
    /// `reallocarray(block, count, size)`
    reallocarray => reallocarray_entered, "rcx", "r8";
    /// `free(block)`
    free => free_entered, "rsi", "rdx";
    /// `cfree(block)`
    cfree => free_entered, "rsi", "rdx";
    /// `posix_memalign(&block, alignment, size)`
    posix_memalign => posix_memalign_entered, "rcx", "r8";
    /// `aligned_alloc(alignment, size)`
    aligned_alloc => aligned_alloc_entered, "rdx", "rcx";
    /// `memalign(alignment, size)`
    memalign => memalign_entered, "rdx", "rcx";
    /// `valloc(size)`
    valloc => valloc_entered, "rsi", "rdx";
    /// `pvalloc(size)`
    pvalloc => pvalloc_entered, "rsi", "rdx";
}

/// `malloc_usable_size(block)`
///
/// # Safety
/// As the C library's function of this name.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if real::is_early(block) {
        return 0;
    }
    real::resolve();
    // SAFETY: the caller's block is the C library's.
    real::malloc_usable_size::get().map_or(0, |usable| unsafe { usable(block) })
}

unsafe extern "C" fn malloc_entered(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    let block = real_malloc(padded(bytes));
    blocks::clear(block, bytes);
    allocated(block, bytes, BlockKind::Malloc, Entry { slot, rbp });
    alone_in_result(block)
}

unsafe extern "C" fn calloc_entered(count: usize, bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    let block = match real::calloc::get() {
        // SAFETY: calloc takes any sizes; a count of one with the padded size allocates at least as much.
        Some(calloc) => unsafe {
            match count.checked_mul(bytes) {
                Some(total) if padded(total) != total => calloc(1, padded(total)),
                _ => calloc(count, bytes),
            }
        },
        // SAFETY: the same arguments once more.
        None if real::resolve() => return unsafe { calloc_entered(count, bytes, slot, rbp) },
        None => real::early_allocate(count.saturating_mul(bytes), 16),
    };
    allocated(block, count.wrapping_mul(bytes), BlockKind::Calloc, Entry { slot, rbp });
    alone_in_result(block)
}

unsafe extern "C" fn realloc_entered(block: *mut c_void, bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
    let entry = Entry { slot, rbp };
    if block.is_null() {
        let new = real_malloc(padded(bytes));
        blocks::clear(new, bytes);
        allocated(new, bytes, BlockKind::Realloc, entry);
        return alone_in_result(new);
    }
    if real::is_early(block) {
        let new = real_malloc(padded(bytes));
        allocated(new, bytes, BlockKind::Realloc, entry);
        if !new.is_null() {
            // SAFETY: both blocks hold at least so many bytes, and they do not overlap.
            unsafe {
                core::ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), bytes.min(real::early_bytes(block)))
            };
        }
        return new;
    }
    let lifted = blocks::lift(block);
    real::resolve();
    let size = if bytes == 0 { 0 } else { padded(bytes) };
    // SAFETY: the caller's block is the C library's.
    let new = real::realloc::get().map_or(core::ptr::null_mut(), |realloc| unsafe { realloc(block, size) });
    match (lifted, new.is_null() && bytes != 0) {
        (Some(lifted), true) => lifted.put_back(),
        (lifted, _) => {
            allocated(new, bytes, BlockKind::Realloc, entry);
            if let Some(lifted) = lifted {
                lifted.release(entry);
            }
        }
    }
    alone_in_result(new)
}

unsafe extern "C" fn reallocarray_entered(
    block: *mut c_void,
    count: usize,
    bytes: usize,
    slot: usize,
    rbp: usize,
) -> *mut c_void {
    match count.checked_mul(bytes) {
        // SAFETY: as reallocarray: the caller's block is the C library's.
        Some(total) => unsafe { realloc_entered(block, total, slot, rbp) },
        None => {
            real::resolve();
            // SAFETY: it fails and sets errno, as the product overflows.
            real::reallocarray::get().map_or(core::ptr::null_mut(), |function| unsafe { function(block, count, bytes) })
        }
    }
}

/// Ends in a jump to the C library's function: no frame of its own but in unusual cases.
unsafe extern "C" fn free_entered(block: *mut c_void, slot: usize, rbp: usize) {
    match real::free::get() {
        // SAFETY: the caller's block is the C library's.
        Some(free) if blocks::released_quickly(block, Kinds::C) => unsafe { free(block) },
        // SAFETY: as this function.
        _ => unsafe { free_slowly(block, slot, rbp) },
    }
}

#[inline(never)]
unsafe extern "C" fn free_slowly(block: *mut c_void, slot: usize, rbp: usize) {
    // SAFETY: as this function.
    unsafe { release_slowly(block, release::FREE, Entry { slot, rbp }) }
}

/// Releases a block about which something may be unusual.
///
/// # Safety
/// As `free`.
#[inline(always)]
pub(crate) unsafe fn release_slowly(block: *mut c_void, released_by: u32, entry: Entry) {
    if real::is_early(block) {
        return;
    }
    blocks::releasing(block, released_by, entry);
    real::resolve();
    if let Some(free) = real::free::get() {
        // SAFETY: the caller's block is the C library's.
        unsafe { free(block) }
    }
}

unsafe extern "C" fn posix_memalign_entered(
    block: *mut *mut c_void,
    alignment: usize,
    bytes: usize,
    slot: usize,
    rbp: usize,
) -> c_int {
    real::resolve();
    let Some(function) = real::posix_memalign::get() else { return libc::ENOMEM };
    // SAFETY: the caller's pointer is valid for posix_memalign, and is read only after success.
    unsafe {
        let result = function(block, alignment, padded(bytes));
        if result == 0 {
            allocated(*block, bytes, BlockKind::Memalign, Entry { slot, rbp });
        }
        result
    }
}

/// The functions that take an alignment and a size.
macro_rules! aligned {
    ($($name:ident calls $real:ident;)*) => {$(
        unsafe extern "C" fn $name(alignment: usize, bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
            real::resolve();
            let block = match real::$real::get() {
                // SAFETY: takes any alignment and size.
                Some(function) => unsafe { function(alignment, padded(bytes)) },
                None => real::early_allocate(bytes, alignment),
            };
            allocated(block, bytes, BlockKind::Memalign, Entry { slot, rbp });
            alone_in_result(block)
        }
    )*};
}

aligned! {
    aligned_alloc_entered calls aligned_alloc;
    memalign_entered calls memalign;
}

/// The functions that align to a page.
macro_rules! page_aligned {
    ($($name:ident calls $real:ident;)*) => {$(
        unsafe extern "C" fn $name(bytes: usize, slot: usize, rbp: usize) -> *mut c_void {
            real::resolve();
            // SAFETY: takes any size.
            let block = real::$real::get().map_or(core::ptr::null_mut(), |function| unsafe { function(bytes) });
            allocated(block, bytes, BlockKind::Memalign, Entry { slot, rbp });
            alone_in_result(block)
        }
    )*};
}

page_aligned! {
    valloc_entered calls valloc;
    pvalloc_entered calls pvalloc;
}
