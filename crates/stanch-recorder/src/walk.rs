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
use crate::threads::{self, Context};
use crate::{rules, sys, trie};
use core::sync::atomic::{Ordering::*, compiler_fence};
use stanch_ledger::{Counters, EXTENT_BYTES, THREAD_WALK, Thread, WALK_LIMIT};

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

/// A remembered frame.
#[repr(C, align(64))]
struct Row {
    slot: usize,
    return_address: usize,
    rbp: usize,
    /// This thread's counters of `site`; null until the first allocation from here.
    counters: *const Counters,
    node: u32,
    /// Site of the stack that ends in this frame; 0 until the first allocation from here.
    site: u32,
    /// Checks of this frame and all older ones.
    check_end: u32,
    /// 1 where the walk from here depends on `rbp`.
    rbp_matters: u32,
}

/// The remembered walk, outermost frame first.
#[repr(C)]
pub(crate) struct Walk {
    row: [Row; WALK_LIMIT],
    check: [Check; 2 * WALK_LIMIT],
    /// Room for the frames of the walk under way, and for that of a signal handler that interrupts it.
    fresh: [[Fresh; WALK_LIMIT]; 2],
}

const _: () = assert!(THREAD_WALK.is_multiple_of(align_of::<Walk>()));
const _: () = assert!(THREAD_WALK + size_of::<Walk>() <= EXTENT_BYTES);

/// Where an allocation comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The allocating stack.
    pub(crate) site: u32,
    /// This thread's counters of it; `None` where the ledger cannot hold them.
    pub(crate) counters: Option<&'static Counters>,
}

/// The readable part of the stack that the walk is on.
#[derive(Clone, Copy)]
struct Window {
    end: usize,
}

/// The site of the stack that called an allocation function.
#[inline(always)]
pub(crate) fn origin(context: Context, entry: Entry) -> Origin {
    let thread = context.thread;
    if thread.walking.load(Relaxed) != 0 {
        return interrupting(context, entry);
    }
    thread.walking.store(1, Relaxed);
    compiler_fence(SeqCst);
    // SAFETY: a thread record is followed by its walk in the same extent, which stays mapped; only this
    // thread touches it, and `walking` keeps signal handlers from the remembered part.
    let walk = unsafe { &mut *walk_of(thread) };
    let depth = match unchanged(context, walk, entry) {
        Some(depth) => depth,
        None => remember(context, walk, entry),
    };
    #[cfg(feature = "checked-walks")]
    crate::checked::same_as_from_scratch(context, walk, depth, entry);
    let origin = match depth.checked_sub(1).map(|top| row(walk, top)) {
        Some(Row { site, counters, .. }) if !counters.is_null() => {
            // SAFETY: counters stay mapped as long as the ledger, and only this thread writes them.
            Origin { site: *site, counters: Some(unsafe { &**counters }) }
        }
        _ => first_time(context, walk, depth),
    };
    compiler_fence(SeqCst);
    thread.walking.store(0, Relaxed);
    origin
}

fn walk_of(thread: &'static Thread) -> *mut Walk {
    // SAFETY: the walk stands at this offset in the extent that begins with the thread record.
    unsafe { (&raw const *thread).byte_add(THREAD_WALK).cast_mut().cast() }
}

/// The row of a remembered frame.
#[inline(always)]
fn row(walk: &mut Walk, index: usize) -> &mut Row {
    debug_assert!(index < WALK_LIMIT);
    // SAFETY: `push` keeps the depth below WALK_LIMIT, and every index is below the depth.
    unsafe { walk.row.get_unchecked_mut(index) }
}

/// The first allocation of this thread from the stack that the walk now holds, `depth` frames deep (0: whose frames
/// stand in `fresh`, too many to be remembered).
#[cold]
#[inline(never)]
fn first_time(context: Context, walk: &mut Walk, depth: usize) -> Origin {
    let origin = of_node(context, node_of_walk(context, walk, depth));
    let Some(top) = depth.checked_sub(1) else { return origin };
    walk.row[top].site = origin.site;
    walk.row[top].counters = origin.counters.map_or(core::ptr::null(), |counters| &raw const *counters);
    origin
}

/// The trie node of the walk just done.
pub(crate) fn node_of_walk(context: Context, walk: &Walk, depth: usize) -> u32 {
    match depth.checked_sub(1) {
        Some(top) => walk.row[top].node,
        None => enter(context.ledger, &walk.fresh[0][..context.thread.unremembered.load(Relaxed) as usize]),
    }
}

/// The trie node of a walk from scratch, for which the walk's second room for fresh frames is used.
#[cfg(feature = "checked-walks")]
pub(crate) fn node_from_scratch(context: Context, walk: &mut Walk, entry: Entry) -> u32 {
    let fresh = &mut walk.fresh[1];
    let count = from_scratch(context, fresh, entry);
    enter(context.ledger, &fresh[..count])
}

fn of_node(context: Context, node: u32) -> Origin {
    let site = trie::site(context.ledger, node);
    Origin { site, counters: threads::counters(context, site) }
}

/// The trie node of the stack that called.
pub(crate) fn node(context: Context, entry: Entry) -> u32 {
    // SAFETY: as in `origin`; `fresh[1]` is that of handlers, or of whoever is not inside a walk.
    let fresh = unsafe { &mut (*walk_of(context.thread)).fresh[1] };
    if context.thread.walking.load(Relaxed) > 1 {
        return trie::ROOT;
    }
    let count = from_scratch(context, fresh, entry);
    enter(context.ledger, &fresh[..count])
}

/// An allocation in a signal handler that interrupts a walk.
#[cold]
#[inline(never)]
fn interrupting(context: Context, entry: Entry) -> Origin {
    let thread = context.thread;
    if thread.walking.load(Relaxed) != 1 {
        // A signal handler inside a signal handler, both inside a walk: the block is recorded, its stack is not.
        return of_node(context, trie::ROOT);
    }
    thread.walking.store(2, Relaxed);
    compiler_fence(SeqCst);
    let origin = {
        // SAFETY: the interrupted walk uses `fresh[0]`; `fresh[1]` is this handler's alone.
        let fresh = unsafe { &mut (*walk_of(thread)).fresh[1] };
        let count = from_scratch(context, fresh, entry);
        of_node(context, enter(context.ledger, &fresh[..count]))
    };
    compiler_fence(SeqCst);
    thread.walking.store(1, Relaxed);
    origin
}

/// The depth of the remembered walk where this one is the same: the case of a loop that allocates. Rows are all of one
/// stack, and are forgotten when another one is met: a frame in the same place is on that stack.
#[inline(always)]
fn unchanged(context: Context, walk: &mut Walk, entry: Entry) -> Option<usize> {
    let thread = context.thread;
    let depth = thread.depth.load(Relaxed) as usize;
    let top = depth.checked_sub(1)?;
    let Row { slot, return_address, rbp, rbp_matters, .. } = *row(walk, top);
    let is_same = slot == entry.slot
        && return_address == read(entry.slot)
        && (rbp_matters == 0 || rbp == entry.rbp)
        && thread.generation.load(Relaxed) == context.ledger.header().generation.load(Relaxed);
    (is_same && verified(walk, top) == top).then_some(depth)
}

/// Walks to the first remembered frame that still holds, and remembers the frames up to there; gives the depth of the
/// remembered walk then. 0 where the frames cannot be remembered: they are in `fresh[0]`, as many as
/// [`Thread::unremembered`] says.
#[inline(never)]
fn remember(context: Context, walk: &mut Walk, entry: Entry) -> usize {
    let Context { ledger, thread } = context;
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
        while depth > 0 && row(walk, depth - 1).slot < frame.slot {
            depth -= 1;
        }
        if depth > 0 {
            let row = row(walk, depth - 1);
            if row.slot == frame.slot
                && row.return_address == return_address
                && (row.rbp_matters == 0 || row.rbp == frame.rbp)
            {
                let valid = verified(walk, depth - 1);
                if valid == depth - 1 {
                    break;
                }
                depth = valid;
            }
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
        push(ledger, walk, depth, count);
        thread.depth.store((depth + count) as u32, Relaxed);
        return depth + count;
    }
    thread.depth.store(0, Relaxed);
    let count = if depth > 0 { from_scratch(context, &mut walk.fresh[0], entry) } else { count };
    thread.unremembered.store(count as u32, Relaxed);
    0
}

/// How many of the remembered frames below `frame` still are what they were (all: gives `frame`).
#[inline(always)]
fn verified(walk: &mut Walk, frame: usize) -> usize {
    if cfg!(feature = "unverified-walks") {
        return frame;
    }
    let Some(last) = frame.checked_sub(1) else { return frame };
    let count = row(walk, last).check_end as usize;
    // SAFETY: `check_end` counts checks that `push` wrote.
    let checks = unsafe { walk.check.get_unchecked(..count) };
    // Four at a time without a branch: the loads do not wait for each other.
    let (fours, rest) = checks.as_chunks::<4>();
    let is_held = |check: &Check| read(check.address) ^ check.value;
    for (four, index) in fours.iter().zip(0..) {
        if (is_held(&four[0]) | is_held(&four[1])) | (is_held(&four[2]) | is_held(&four[3])) != 0 {
            return still_valid(walk, frame, index * 4);
        }
    }
    match rest.iter().position(|check| is_held(check) != 0) {
        None => frame,
        Some(index) => still_valid(walk, frame, fours.len() * 4 + index),
    }
}

/// The frames below `frame` that come before the first changed word; those before check `from` have not changed.
#[inline(never)]
fn still_valid(walk: &Walk, frame: usize, from: usize) -> usize {
    let changed = walk.check[from..].iter().position(|check| read(check.address) != check.value);
    let changed = from + changed.unwrap_or(0);
    walk.row[..frame].partition_point(|row| row.check_end as usize <= changed)
}

/// Remembers the fresh frames on top of the `depth` frames that still hold.
#[inline(always)]
fn push(ledger: Ledger, walk: &mut Walk, depth: usize, count: usize) {
    let (mut node, mut checks, mut caller_needs_rbp) = match depth.checked_sub(1) {
        Some(top) => {
            let row = row(walk, top);
            (row.node, row.check_end as usize, row.rbp_matters != 0)
        }
        None => (trie::ROOT, 0, false),
    };
    for (at, index) in (depth..).zip((0..count).rev()) {
        let fresh = walk.fresh[0][index];
        node = trie::child(ledger, node, key(&fresh));
        let matters = needs_rbp(fresh.rule, caller_needs_rbp);
        walk.check[checks] = Check { address: fresh.slot, value: fresh.return_address };
        checks += 1;
        if matters && fresh.rbp_from != 0 {
            walk.check[checks] = Check { address: fresh.rbp_from, value: fresh.rbp };
            checks += 1;
        }
        *row(walk, at) = Row {
            slot: fresh.slot,
            return_address: fresh.return_address,
            rbp: fresh.rbp,
            counters: core::ptr::null(),
            node,
            site: 0,
            check_end: checks as u32,
            rbp_matters: matters as u32,
        };
        caller_needs_rbp = matters;
    }
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

/// A whole walk that neither uses nor leaves anything remembered: fills `fresh`, gives the number of frames.
#[inline(never)]
fn from_scratch(context: Context, fresh: &mut [Fresh; WALK_LIMIT], entry: Entry) -> usize {
    let Context { ledger, thread } = context;
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
    count
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
