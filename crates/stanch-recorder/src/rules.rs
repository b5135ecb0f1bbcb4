//! Return address → unwind rule and module, remembered for all threads.
use crate::cfi;
use crate::control::Ledger;
use crate::huge;
use crate::map::SlowLock;
use crate::modules;
use crate::rule::{Cfa, PackedRule, Rbp, Rule};
use core::sync::atomic::Ordering::*;
use stanch_ledger::{RULE_COUNT, RuleEntry};

#[inline(always)]
fn mix(rule: u64, generation: u32) -> u64 {
    (rule ^ (generation as u64) << 32).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29)
}

/// Code that lies together has its rules together: a program that runs in few places touches few pages.
#[inline(always)]
fn index(return_address: usize) -> usize {
    const SPAN_BITS: u32 = 12;
    let span = (return_address >> SPAN_BITS).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    ((return_address >> 2) ^ (span << (SPAN_BITS - 4))) % RULE_COUNT
}

/// The rule for leaving the frame that `return_address` returns into.
#[inline(always)]
pub(crate) fn rule(ledger: Ledger, return_address: usize, generation: u32) -> PackedRule {
    let index = index(return_address);
    match remembered(ledger.rule(index), return_address, generation) {
        Some(rule) => rule,
        None => in_second_place(ledger, index, return_address, generation),
    }
}

#[inline(always)]
fn remembered(entry: &RuleEntry, return_address: usize, generation: u32) -> Option<PackedRule> {
    let rule = entry.rule.load(Relaxed);
    let is_it = entry.check.load(Relaxed) == return_address as u64 ^ mix(rule, generation) && rule != 0;
    is_it.then_some(PackedRule(rule))
}

/// Each rule has two places, so that two addresses that want the same one do not drive each other out.
#[inline(never)]
fn in_second_place(ledger: Ledger, index: usize, return_address: usize, generation: u32) -> PackedRule {
    let (first, second) = (ledger.rule(index), ledger.rule(index ^ 1));
    if let Some(rule) = remembered(second, return_address, generation) {
        return rule;
    }
    let rule = compute(ledger, return_address, generation);
    huge::rules_grew(ledger);
    second.rule.store(first.rule.load(Relaxed), Relaxed);
    second.check.store(first.check.load(Relaxed), Relaxed);
    first.rule.store(rule.0, Relaxed);
    first.check.store(return_address as u64 ^ mix(rule.0, generation), Relaxed);
    rule
}

#[cold]
#[inline(never)]
fn compute(ledger: Ledger, return_address: usize, generation: u32) -> PackedRule {
    let unknown = Rule { cfa: Cfa::FramePointer, rbp: Rbp::Same };
    // The call lies before the address that it returns to, perhaps as the last instruction of a function.
    let pc = return_address.wrapping_sub(1);
    let Some(object) = modules::find(pc) else { return unknown.pack(0) };
    let module = match SlowLock::acquire(&ledger.header().map_lock) {
        Some(_lock) => modules::number(ledger, &object, generation),
        None => 0,
    };
    // SAFETY: the module is loaded (its code is on this stack), and its header and tables lie inside it.
    let found = unsafe { cfi::rule_at(object.eh_frame_header, object.end as *const u8, pc as u64) };
    found.unwrap_or(unknown).pack(module)
}
