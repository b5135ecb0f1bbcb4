//! The hooks of C++'s allocation operators.
//!
//! They never replace an operator: they note which one was called and from where, and jump to the one
//! that the program would have reached, which may throw, call a handler, or be the program's own.
use crate::blocks::{self, RELEASE};
use crate::real;
use crate::walk::Entry;
use core::arch::naked_asm;
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering::*};
use stanch_ledger::{BlockKind, release};

struct Operator {
    name: &'static CStr,
    kind: u32,
    real: AtomicUsize,
}

macro_rules! operators {
    ($($index:literal $name:ident $symbol:literal $kind:expr;)*) => {
        static OPERATORS: [Operator; operators!(@count $($index)*)] = [
            $(Operator { name: $symbol, kind: $kind as u32, real: AtomicUsize::new(0) },)*
        ];
        $(
            /// C++ operator, by its mangled name.
            ///
            /// # Safety
            /// As the C++ runtime's operator of this name.
            #[allow(non_snake_case)]
            #[cfg_attr(not(test), unsafe(no_mangle))]
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
        )*
    };
    (@count $($index:literal)*) => { [$($index),*].len() };
}

operators! {
    0 _Znwm c"_Znwm" BlockKind::New;
    1 _ZnwmRKSt9nothrow_t c"_ZnwmRKSt9nothrow_t" BlockKind::New;
    2 _Znam c"_Znam" BlockKind::NewArray;
    3 _ZnamRKSt9nothrow_t c"_ZnamRKSt9nothrow_t" BlockKind::NewArray;
    4 _ZnwmSt11align_val_t c"_ZnwmSt11align_val_t" BlockKind::NewAligned;
    5 _ZnwmSt11align_val_tRKSt9nothrow_t c"_ZnwmSt11align_val_tRKSt9nothrow_t" BlockKind::NewAligned;
    6 _ZnamSt11align_val_t c"_ZnamSt11align_val_t" BlockKind::NewArrayAligned;
    7 _ZnamSt11align_val_tRKSt9nothrow_t c"_ZnamSt11align_val_tRKSt9nothrow_t" BlockKind::NewArrayAligned;
    8 _ZdlPv c"_ZdlPv" RELEASE + release::DELETE;
    9 _ZdlPvm c"_ZdlPvm" RELEASE + release::DELETE;
    10 _ZdlPvRKSt9nothrow_t c"_ZdlPvRKSt9nothrow_t" RELEASE + release::DELETE;
    11 _ZdlPvSt11align_val_t c"_ZdlPvSt11align_val_t" RELEASE + release::DELETE_ALIGNED;
    12 _ZdlPvmSt11align_val_t c"_ZdlPvmSt11align_val_t" RELEASE + release::DELETE_ALIGNED;
    13 _ZdlPvSt11align_val_tRKSt9nothrow_t c"_ZdlPvSt11align_val_tRKSt9nothrow_t" RELEASE + release::DELETE_ALIGNED;
    14 _ZdaPv c"_ZdaPv" RELEASE + release::DELETE_ARRAY;
    15 _ZdaPvm c"_ZdaPvm" RELEASE + release::DELETE_ARRAY;
    16 _ZdaPvRKSt9nothrow_t c"_ZdaPvRKSt9nothrow_t" RELEASE + release::DELETE_ARRAY;
    17 _ZdaPvSt11align_val_t c"_ZdaPvSt11align_val_t" RELEASE + release::DELETE_ARRAY_ALIGNED;
    18 _ZdaPvmSt11align_val_t c"_ZdaPvmSt11align_val_t" RELEASE + release::DELETE_ARRAY_ALIGNED;
    19 _ZdaPvSt11align_val_tRKSt9nothrow_t c"_ZdaPvSt11align_val_tRKSt9nothrow_t"
        RELEASE + release::DELETE_ARRAY_ALIGNED;
}

/// Notes the call; gives the address to go on at.
extern "C" fn announce(index: u32, slot: usize, rbp: usize) -> usize {
    let operator = &OPERATORS[index as usize];
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
