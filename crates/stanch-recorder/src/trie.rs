//! Call stacks as a trie: (caller's node, return address) → node, without locks.
use crate::control::Ledger;
use crate::{huge, map};
use core::sync::atomic::Ordering::*;
use stanch_ledger::{FIRST_SITE, HEAD_COUNT, NODE_LIMIT, SITE_LIMIT, flag};

/// The root: no frame.
pub(crate) const ROOT: u32 = 0;

/// Heads that each node brings along.
pub(crate) const HEADS_PER_NODE: usize = 4;

/// Children of one node, and of nodes made one after the other, have their heads close together: a walk down a path
/// touches few cache lines, and a small program few pages.
#[inline(always)]
fn head_index(parent: u32, key: u64) -> usize {
    const SPREAD: u32 = 8;
    let mixed = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SPREAD)) as usize;
    ((parent as usize * HEADS_PER_NODE) ^ mixed) % HEAD_COUNT
}

/// The node for the frame `key` (return address | module << 48) below `parent`; made where there is none.
/// Gives `parent` when the ledger is full.
#[inline]
pub(crate) fn child(ledger: Ledger, parent: u32, key: u64) -> u32 {
    let head = ledger.head(head_index(parent, key));
    let first = head.load(Acquire);
    match find(ledger, first, 0, parent, key) {
        Some(node) => node,
        None => insert(ledger, parent, key, first).unwrap_or(parent),
    }
}

/// Looks along a chain from `node` until `end`.
#[inline]
fn find(ledger: Ledger, mut node: u32, end: u32, parent: u32, key: u64) -> Option<u32> {
    while node != end && node != 0 {
        let record = ledger.node(node)?;
        if record.key.load(Relaxed) == key && record.parent.load(Relaxed) == parent {
            return Some(node);
        }
        node = record.next.load(Relaxed);
    }
    None
}

#[cold]
fn insert(ledger: Ledger, parent: u32, key: u64, mut first: u32) -> Option<u32> {
    let header = ledger.header();
    let node = header.node_count.fetch_add(1, Relaxed);
    if node as usize >= NODE_LIMIT {
        header.node_count.fetch_sub(1, Relaxed);
        header.flags.fetch_or(flag::STACKS_FULL, Relaxed);
        return None;
    }
    let record = ledger.node(node).or_else(|| map::map_node(ledger, node))?;
    huge::nodes_grew(ledger, node);
    record.key.store(key, Relaxed);
    record.parent.store(parent, Relaxed);
    let head = ledger.head(head_index(parent, key));
    loop {
        record.next.store(first, Relaxed);
        match head.compare_exchange(first, node, Release, Acquire) {
            Ok(_) => return Some(node),
            // Somebody entered other frames meanwhile: this one may be among them, then ours is left unused.
            Err(now) => match find(ledger, now, first, parent, key) {
                Some(other) => return Some(other),
                None => first = now,
            },
        }
    }
}

/// The site that ends in this node; made where there is none.
#[inline(always)]
pub(crate) fn site(ledger: Ledger, node: u32) -> u32 {
    match ledger.node(node).map(|record| record.site.load(Acquire)) {
        Some(site) if site != 0 => site,
        _ => new_site(ledger, node),
    }
}

#[cold]
fn new_site(ledger: Ledger, node: u32) -> u32 {
    try_new_site(ledger, node).unwrap_or(FIRST_SITE)
}

fn try_new_site(ledger: Ledger, node: u32) -> Option<u32> {
    let header = ledger.header();
    let record = ledger.node(node).or_else(|| map::map_node(ledger, node))?;
    let site = header.site_count.fetch_add(1, Relaxed);
    if site as usize >= SITE_LIMIT {
        header.site_count.fetch_sub(1, Relaxed);
        header.flags.fetch_or(flag::STACKS_FULL, Relaxed);
        return None;
    }
    ledger.site(site).or_else(|| map::map_site(ledger, site))?.node.store(node, Release);
    match record.site.compare_exchange(0, site, AcqRel, Acquire) {
        Ok(_) => Some(site),
        Err(other) => Some(other),
    }
}
