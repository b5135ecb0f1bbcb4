//! Return address → unwind rule and module, remembered for all threads.
use crate::cfi;
use crate::control::Ledger;
use crate::map::SlowLock;
use crate::modules;
use crate::rule::{Cfa, PackedRule, Rbp, Rule};
use core::sync::atomic::Ordering::*;
use stanch_ledger::RULE_COUNT;

#[inline(always)]
fn mix(rule: u64, generation: u32) -> u64 {
    (rule ^ (generation as u64) << 32).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29)
}

/// The rule for leaving the frame that `return_address` returns into.
#[inline(always)]
pub(crate) fn rule(ledger: Ledger, return_address: usize, generation: u32) -> PackedRule {
    let index = (return_address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) % RULE_COUNT;
    let entry = ledger.rule(index);
    let rule = entry.rule.load(Relaxed);
    if entry.check.load(Relaxed) == return_address as u64 ^ mix(rule, generation) && rule != 0 {
        return PackedRule(rule);
    }
    let rule = compute(ledger, return_address, generation);
    entry.rule.store(rule.0, Relaxed);
    entry.check.store(return_address as u64 ^ mix(rule.0, generation), Relaxed);
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
