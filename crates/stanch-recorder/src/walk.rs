//! The stack walk: remembered from one allocation to the next, and verified.
//!
//! Per thread the last walk is kept as one row a frame. The next walk unwinds by rule only until it
//! meets a remembered frame (same place on the stack, same return address, same rbp where rbp
//! matters); the frames above that one are then *verified*: everything that unwinding would read
//! there, return addresses and those saved rbp values that a caller's rule depends on, is compared with
//! what was read the last time. Equal inputs give equal frames, so the result is exactly that of a walk
//! from scratch. Stacks are only ever read between the current stack pointer and the end of the
//! mapping that holds it.
use crate::control::Ledger;
use crate::rule::PackedRule;
use crate::{rules, sys, trie};
use core::sync::atomic::{Ordering::*, compiler_fence};
use stanch_ledger::{EXTENT_BYTES, THREAD_WALK, Thread, WALK_LIMIT};

/// Frames kept of a stack that is deeper than `WALK_LIMIT`.
const DEEP_STACK_FRAMES: usize = 128;

const CFA_RSP: u8 = 2;
const CFA_RBP: u8 = 3;
const CFA_AT_RBP: u8 = 4;
const SIGNAL_FRAME: u8 = 5;
const FRAME_POINTER: u8 = 6;

/// Where an allocation function was entered.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Address of its return address on the stack.
    pub(crate) slot: usize,
    /// rbp of its caller.
    pub(crate) rbp: usize,
}

/// A frame of the walk under way.
#[derive(Clone, Copy)]
struct Frame {
    /// Address of the word that holds the frame's code address: on the stack, or in a signal's `ucontext`.
    slot: usize,
    /// Stack pointer of the frame.
    sp: usize,
    /// rbp of the frame.
    rbp: usize,
    /// True for the frame that a signal interrupted: its address is not one that a call returns to.
    interrupted: bool,
}

impl Frame {
    #[inline(always)]
    fn entered(entry: Entry) -> Self {
        Self { slot: entry.slot, sp: entry.slot + 8, rbp: entry.rbp, interrupted: false }
    }
}

/// A frame on its way from the unwinder to the trie.
#[derive(Clone, Copy)]
#[repr(C)]
struct Fresh {
    slot: usize,
    return_address: usize,
    rbp: usize,
    /// Where `rbp` was read from; 0 where it is still the callee's.
    rbp_from: usize,
    rule: PackedRule,
}

/// One word that must not have changed.
#[derive(Clone, Copy)]
#[repr(C)]
struct Check {
    address: usize,
    value: usize,
}

/// The remembered walk, outermost frame first.
#[repr(C)]
struct Walk {
    slot: [usize; WALK_LIMIT],
    return_address: [usize; WALK_LIMIT],
    rbp: [usize; WALK_LIMIT],
    node: [u32; WALK_LIMIT],
    /// Checks of this frame and all older ones.
    check_end: [u16; WALK_LIMIT],
    rbp_matters: [bool; WALK_LIMIT],
    check: [Check; 2 * WALK_LIMIT],
    /// Room for the frames of the walk under way, and for that of a signal handler that interrupts it.
    fresh: [[Fresh; WALK_LIMIT]; 2],
}

const _: () = assert!(THREAD_WALK + size_of::<Walk>() <= EXTENT_BYTES);

/// The readable part of the stack that the walk is on.
#[derive(Clone, Copy)]
struct Window {
    end: usize,
}

/// The trie node of the stack that called an allocation function.
#[inline]
pub(crate) fn node(ledger: Ledger, thread: &'static Thread, entry: Entry) -> u32 {
    // SAFETY: a thread record is followed by its walk in the same extent, which stays mapped; only this
    // thread touches it, and `walking` keeps signal handlers from the remembered part.
    let walk = unsafe { (&raw const *thread).byte_add(THREAD_WALK).cast_mut().cast::<Walk>() };
    match thread.walking.load(Relaxed) {
        0 => {
            thread.walking.store(1, Relaxed);
            compiler_fence(SeqCst);
            // SAFETY: as above: nobody else uses the walk while `walking` is set.
            let node = remembered(ledger, thread, unsafe { &mut *walk }, entry);
            compiler_fence(SeqCst);
            thread.walking.store(0, Relaxed);
            node
        }
        1 => {
            thread.walking.store(2, Relaxed);
            compiler_fence(SeqCst);
            // SAFETY: the interrupted walk uses `fresh[0]`; `fresh[1]` is this handler's alone.
            let fresh = unsafe { &mut (*walk).fresh[1] };
            let node = from_scratch(ledger, thread, fresh, entry);
            compiler_fence(SeqCst);
            thread.walking.store(1, Relaxed);
            node
        }
        // A signal handler inside a signal handler, both inside a walk: the block is recorded, its stack is not.
        _ => trie::ROOT,
    }
}

#[inline(always)]
fn remembered(ledger: Ledger, thread: &'static Thread, walk: &mut Walk, entry: Entry) -> u32 {
    let generation = ledger.header().generation.load(Relaxed);
    if thread.generation.load(Relaxed) != generation {
        thread.generation.store(generation, Relaxed);
        thread.window_end.store(0, Relaxed);
        thread.depth.store(0, Relaxed);
    }
    let mut window = window(thread, entry.slot);
    let mut depth = thread.depth.load(Relaxed) as usize;
    let mut count = 0;
    let mut keep = true;
    let mut frame = Frame::entered(entry);
    let mut rbp_from = 0;
    loop {
        let return_address = read(frame.slot);
        while depth > 0 && walk.slot[depth - 1] < frame.slot {
            depth -= 1;
        }
        if depth > 0
            && walk.slot[depth - 1] == frame.slot
            && walk.return_address[depth - 1] == return_address
            && (!walk.rbp_matters[depth - 1] || walk.rbp[depth - 1] == frame.rbp)
        {
            let valid = verified(walk, depth - 1);
            if valid == depth - 1 {
                break;
            }
            depth = valid;
        }
        let rule = rules::rule(ledger, return_address + frame.interrupted as usize, generation);
        if count == WALK_LIMIT {
            keep = false;
            depth = 0;
            break;
        }
        walk.fresh[0][count] = Fresh { slot: frame.slot, return_address, rbp: frame.rbp, rbp_from, rule };
        count += 1;
        if rule.cfa_kind() == SIGNAL_FRAME {
            keep = false;
            depth = 0;
            match after_signal(thread, frame, &mut window) {
                Some(next) => (frame, rbp_from) = (next, 0),
                None => break,
            }
            continue;
        }
        match caller(frame, rule, window) {
            Some((next, from)) => (frame, rbp_from) = (next, from),
            None => {
                depth = 0;
                break;
            }
        }
    }
    if keep && depth + count < WALK_LIMIT {
        return push(ledger, thread, walk, depth, count);
    }
    thread.depth.store(0, Relaxed);
    let fresh = &mut walk.fresh[0];
    if depth > 0 { from_scratch(ledger, thread, fresh, entry) } else { enter(ledger, &fresh[..count]) }
}

/// How many of the remembered frames below `frame` still are what they were (all: gives `frame`).
#[inline(always)]
fn verified(walk: &Walk, frame: usize) -> usize {
    let Some(last) = frame.checked_sub(1) else { return frame };
    let checks = &walk.check[..walk.check_end[last] as usize];
    match checks.iter().position(|check| read(check.address) != check.value) {
        None => frame,
        Some(changed) => walk.check_end[..frame].partition_point(|end| *end as usize <= changed),
    }
}

/// Remembers the fresh frames on top of the `depth` frames that still hold; gives the innermost node.
#[inline(always)]
fn push(ledger: Ledger, thread: &Thread, walk: &mut Walk, depth: usize, count: usize) -> u32 {
    let mut node = if depth > 0 { walk.node[depth - 1] } else { trie::ROOT };
    let mut checks = if depth > 0 { walk.check_end[depth - 1] as usize } else { 0 };
    let mut caller_needs_rbp = depth > 0 && walk.rbp_matters[depth - 1];
    for (at, index) in (depth..).zip((0..count).rev()) {
        let fresh = walk.fresh[0][index];
        node = trie::child(ledger, node, key(&fresh));
        let matters = needs_rbp(fresh.rule, caller_needs_rbp);
        walk.slot[at] = fresh.slot;
        walk.return_address[at] = fresh.return_address;
        walk.rbp[at] = fresh.rbp;
        walk.node[at] = node;
        walk.rbp_matters[at] = matters;
        walk.check[checks] = Check { address: fresh.slot, value: fresh.return_address };
        checks += 1;
        if matters && fresh.rbp_from != 0 {
            walk.check[checks] = Check { address: fresh.rbp_from, value: fresh.rbp };
            checks += 1;
        }
        walk.check_end[at] = checks as u16;
        caller_needs_rbp = matters;
    }
    thread.depth.store((depth + count) as u32, Relaxed);
    node
}

/// Whether the rbp with which a frame is entered decides where its callers are.
#[inline(always)]
fn needs_rbp(rule: PackedRule, caller_needs_rbp: bool) -> bool {
    match rule.cfa_kind() {
        CFA_RBP | CFA_AT_RBP | FRAME_POINTER => true,
        CFA_RSP => match rule.rbp_kind() {
            0 => caller_needs_rbp,
            1 => false,
            _ => true,
        },
        _ => false,
    }
}

/// A whole walk that neither uses nor leaves anything remembered.
#[cold]
#[inline(never)]
fn from_scratch(ledger: Ledger, thread: &'static Thread, fresh: &mut [Fresh; WALK_LIMIT], entry: Entry) -> u32 {
    let generation = ledger.header().generation.load(Relaxed);
    let mut window = window(thread, entry.slot);
    let (mut frame, mut count) = (Frame::entered(entry), 0);
    while count < WALK_LIMIT {
        let return_address = read(frame.slot);
        let rule = rules::rule(ledger, return_address + frame.interrupted as usize, generation);
        fresh[count] = Fresh { slot: frame.slot, return_address, rbp: frame.rbp, rbp_from: 0, rule };
        count += 1;
        let next = if rule.cfa_kind() == SIGNAL_FRAME {
            after_signal(thread, frame, &mut window)
        } else {
            caller(frame, rule, window).map(|(next, _)| next)
        };
        match next {
            Some(next) => frame = next,
            None => break,
        }
    }
    enter(ledger, &fresh[..count])
}

/// The node of a whole walk, outermost frame last. Of very deep stacks only the inner frames are kept.
fn enter(ledger: Ledger, fresh: &[Fresh]) -> u32 {
    let kept = if fresh.len() == WALK_LIMIT { DEEP_STACK_FRAMES } else { fresh.len() };
    fresh[..kept].iter().rev().fold(trie::ROOT, |node, frame| trie::child(ledger, node, key(frame)))
}

#[inline(always)]
fn key(frame: &Fresh) -> u64 {
    (frame.return_address as u64 & ((1 << 48) - 1)) | (frame.rule.module() as u64) << 48
}

/// Reads a word of the stack.
#[inline(always)]
fn read(address: usize) -> usize {
    // SAFETY: every caller passes an address between the current stack pointer and the end of the same
    // mapping (`window`), or one that an earlier walk read on this stack and that lies above the current
    // frame, where the stack is still mapped.
    unsafe { (address as *const usize).read_unaligned() }
}

/// The caller's frame; `None` at the end of the stack. Also says where its rbp was read from (0: unchanged).
#[inline(always)]
fn caller(frame: Frame, rule: PackedRule, window: Window) -> Option<(Frame, usize)> {
    let in_window = |address: usize| address >= frame.sp && address <= window.end.wrapping_sub(8);
    let cfa = match rule.cfa_kind() {
        CFA_RSP => frame.sp.wrapping_add_signed(rule.cfa_offset()),
        CFA_RBP => frame.rbp.wrapping_add_signed(rule.cfa_offset()),
        CFA_AT_RBP => {
            let at = frame.rbp.wrapping_add_signed(rule.cfa_offset());
            if !in_window(at) {
                return None;
            }
            read(at)
        }
        FRAME_POINTER => frame.rbp.wrapping_add(16),
        _ => return None,
    };
    let slot = cfa.wrapping_sub(8);
    if !in_window(slot) || slot & 7 != 0 {
        return None;
    }
    let next = |rbp| Frame { slot, sp: cfa, rbp, interrupted: false };
    let from = match (rule.cfa_kind(), rule.rbp_kind()) {
        (FRAME_POINTER, _) => frame.rbp,
        (_, 1) => cfa.wrapping_add_signed(rule.rbp_offset()),
        (_, 2) => frame.rbp.wrapping_add_signed(rule.rbp_offset()),
        _ => return Some((next(frame.rbp), 0)),
    };
    in_window(from).then(|| (next(read(from)), from))
}

/// The frame that a signal interrupted: its registers stand in the `ucontext` that the kernel pushed, and
/// it may be on another stack.
#[cold]
fn after_signal(thread: &Thread, frame: Frame, window: &mut Window) -> Option<Frame> {
    // `ucontext`: flags, link, stack (40 bytes), then r8-r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
    const REGISTERS: usize = 40;
    const RBP: usize = REGISTERS + 10 * 8;
    const RSP: usize = REGISTERS + 15 * 8;
    const RIP: usize = REGISTERS + 16 * 8;
    let context = frame.sp;
    if context + RIP + 8 > window.end {
        return None;
    }
    let sp = read(context + RSP);
    if sp & 7 != 0 {
        return None;
    }
    if sp <= context || sp >= window.end {
        *window = self::window(thread, sp);
    }
    Some(Frame { slot: context + RIP, sp, rbp: read(context + RBP), interrupted: true })
}

/// The readable part of the stack that `slot` is on.
#[inline(always)]
fn window(thread: &Thread, slot: usize) -> Window {
    let (start, end) = (thread.stack_start.load(Relaxed) as usize, thread.stack_end.load(Relaxed) as usize);
    if slot.wrapping_sub(start) < end - start {
        return Window { end };
    }
    let (start, end) = (thread.window_start.load(Relaxed) as usize, thread.window_end.load(Relaxed) as usize);
    if slot.wrapping_sub(start) < end.wrapping_sub(start) && slot < end {
        return Window { end };
    }
    foreign_window(thread, slot)
}

/// Below what is known of the thread's stack, or on a stack that is not the thread's own: asks the kernel how far it is
/// mapped, at most 1 MiB up.
#[cold]
#[inline(never)]
fn foreign_window(thread: &Thread, slot: usize) -> Window {
    let page = slot & !4095;
    let (start, end) = (thread.stack_start.load(Relaxed) as usize, thread.stack_end.load(Relaxed) as usize);
    let pages_between = start.saturating_sub(page) / 4096;
    if (1..=256).contains(&pages_between) && !sys::is_restricted() && sys::is_mapped(page, pages_between) {
        // The stack has grown downwards.
        thread.stack_start.store(page as u64, Relaxed);
        return Window { end };
    }
    let mut pages = 1;
    if !sys::is_restricted() {
        for more in [256, 64, 16, 8, 4, 2] {
            if sys::is_mapped(page, more) {
                pages = more;
                break;
            }
        }
    }
    let end = page + pages * 4096;
    // What is remembered belongs to another stack.
    thread.depth.store(0, Relaxed);
    thread.window_start.store(page as u64, Relaxed);
    thread.window_end.store(end as u64, Relaxed);
    Window { end }
}

/// Calls `visit` with the place and value of each return address, innermost first, until it says false.
pub(crate) fn visit(
    ledger: Ledger,
    thread: &'static Thread,
    entry: Entry,
    mut visit: impl FnMut(usize, usize) -> bool,
) {
    let generation = ledger.header().generation.load(Relaxed);
    let mut window = window(thread, entry.slot);
    let mut frame = Frame::entered(entry);
    for _ in 0..WALK_LIMIT {
        let return_address = read(frame.slot);
        if !visit(frame.slot, return_address) {
            return;
        }
        let rule = rules::rule(ledger, return_address + frame.interrupted as usize, generation);
        let next = match rule.cfa_kind() {
            SIGNAL_FRAME => after_signal(thread, frame, &mut window),
            _ => caller(frame, rule, window).map(|(next, _)| next),
        };
        match next {
            Some(next) => frame = next,
            None => return,
        }
    }
}
