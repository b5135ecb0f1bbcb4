//! The hooks of C++'s `operator new` in a sampled recording: they leave a note of which operator was called and from
//! where, in the thread's words, and jump on. Only a block that is sampled has its note read.
//!
//! `operator new[]` and the operators that do not throw call plain `operator new` inside, so there are two notes: one
//! of plain operators, one of those that call them. `operator delete` is not hooked: it calls `free`.
use super::countdown::{Note, words};
use crate::real;
use crate::walk::Entry;
use core::arch::naked_asm;
use core::ffi::{CStr, c_void};
use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, Ordering::*};
use stanch_ledger::BlockKind;

struct Operator {
    name: &'static CStr,
    is_aligned: bool,
    real: AtomicPtr<c_void>,
}

macro_rules! operators {
    ($($index:literal $name:ident $first:ident $symbol:literal $kind:ident $note:ident;)*) => {
        static OPERATORS: [Operator; [$($index),*].len()] = [
            $(Operator {
                name: $symbol,
                is_aligned: matches!(BlockKind::$kind, BlockKind::NewAligned | BlockKind::NewArrayAligned),
                real: AtomicPtr::new($first as *mut c_void),
            },)*
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
                    "mov rax, qword ptr [rip + stanch_sample_words@GOTTPOFF]",
                    "mov r11, qword ptr [rsp]",
                    "mov qword ptr fs:[rax + {note} + {slot}], rsp",
                    "mov qword ptr fs:[rax + {note} + {rbp}], rbp",
                    "mov qword ptr fs:[rax + {note} + {return_address}], r11",
                    "mov dword ptr fs:[rax + {note} + {kind_at}], {kind}",
                    "jmp qword ptr [rip + {operators} + {real}]",
                    note = const offset_of!(super::countdown::Words, $note),
                    slot = const offset_of!(Note, slot),
                    rbp = const offset_of!(Note, rbp),
                    return_address = const offset_of!(Note, return_address),
                    kind_at = const offset_of!(Note, kind),
                    kind = const BlockKind::$kind as u32,
                    operators = sym OPERATORS,
                    real = const $index * size_of::<Operator>() + offset_of!(Operator, real),
                );
            }

            /// The first call: looks the operator up, then goes on as the others.
            #[unsafe(naked)]
            unsafe extern "C" fn $first() {
                naked_asm!(
                    "push rdi",
                    "push rsi",
                    "push rdx",
                    "mov edi, {index}",
                    "call {resolve}",
                    "pop rdx",
                    "pop rsi",
                    "pop rdi",
                    "jmp rax",
                    index = const $index,
                    resolve = sym resolve,
                );
            }
        )*
    };
}

operators! {
    0 _Znwm first_new c"_Znwm" New plain;
    1 _ZnwmRKSt9nothrow_t first_new_nothrow c"_ZnwmRKSt9nothrow_t" New outer;
    2 _Znam first_array c"_Znam" NewArray outer;
    3 _ZnamRKSt9nothrow_t first_array_nothrow c"_ZnamRKSt9nothrow_t" NewArray outer;
    4 _ZnwmSt11align_val_t first_aligned c"_ZnwmSt11align_val_t" NewAligned plain;
    5 _ZnwmSt11align_val_tRKSt9nothrow_t first_aligned_nothrow c"_ZnwmSt11align_val_tRKSt9nothrow_t" NewAligned outer;
    6 _ZnamSt11align_val_t first_array_aligned c"_ZnamSt11align_val_t" NewArrayAligned outer;
    7 _ZnamSt11align_val_tRKSt9nothrow_t first_array_aligned_nothrow c"_ZnamSt11align_val_tRKSt9nothrow_t"
        NewArrayAligned outer;
}

/// The C++ runtime's operator. Where there is none (the code was linked without one), C's functions do what it would,
/// but cannot throw.
unsafe extern "C" fn resolve(index: usize) -> *const c_void {
    let operator = &OPERATORS[index];
    let address = match real::resolve_operator(operator.name) {
        0 if operator.is_aligned => aligned_new as *const c_void,
        0 => super::hooks::malloc as *const c_void,
        address => address as *const c_void,
    };
    operator.real.store(address.cast_mut(), Relaxed);
    address
}

#[unsafe(naked)]
unsafe extern "C" fn aligned_new() {
    naked_asm!("xchg rdi, rsi", "jmp {memalign}", memalign = sym super::hooks::memalign);
}

/// What allocates, where the function that was entered at `entry` was called by a C++ operator that has not returned:
/// the operator and its caller's frame.
pub(super) fn caller(kind: BlockKind, entry: Entry) -> (BlockKind, Entry) {
    // SAFETY: the words are this thread's own.
    let (outer, plain) = unsafe { (&(*words()).outer, &(*words()).plain) };
    let active = [outer, plain].into_iter().find(|note| is_active(note, entry));
    match active.and_then(|note| Some((BlockKind::from_number(note.kind as u8)?, note))) {
        Some((kind, note)) => (kind, Entry { slot: note.slot, rbp: note.rbp }),
        None => (kind, entry),
    }
}

/// True while the operator's return address still stands where it was, at or above the place where the present call was
/// entered.
fn is_active(note: &Note, entry: Entry) -> bool {
    // SAFETY: the word lies on this thread's stack, above the present frame and at most a few frames away.
    note.slot.wrapping_sub(entry.slot) < 4096 && unsafe { *(note.slot as *const usize) } == note.return_address
}
