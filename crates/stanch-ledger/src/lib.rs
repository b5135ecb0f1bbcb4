//! The memory that a recorded process shares with the collector.
//!
//! A ledger is one memfd per process image. The hooks write it, the collector reads it, and it
//! outlives the process, so nothing is lost to SIGKILL. It holds what is *live*, never a log: its
//! size is bounded by the heap, not by time.
//!
//! ```text
//! offset        what                                  who writes
//! 0             Header                                both (each field says who)
//! MODULES       [ModuleEntry; MODULE_LIMIT]           target, once per module seen in a stack
//! MISUSES       [MisuseEntry; MISUSE_LIMIT]           target
//! MAPPINGS      [MappingEntry; MAPPING_LIMIT]         target: live anonymous mappings
//! DEAD_STACKS   [DeadStack; DEAD_STACK_LIMIT]         target: stacks of ended threads
//! EXTENT_TABLE  [u32; EXTENT_LIMIT]                   target: what each extent holds
//! LEAF_TABLE    [u32; LEAF_LIMIT]                     target: which 64 MiB each leaf describes
//! HEADS         [u32; HEAD_COUNT]                     target: hash heads of the stack trie
//! RULES         [RuleEntry; RULE_COUNT]               target: remembered unwind rules
//! NODE_POINTERS, SITE_POINTERS, LEAF_POINTERS         target: where it mapped what (its own addresses)
//! EXTENTS       extents of 128 KiB: trie nodes, sites, threads, counters
//! LEAVES        leaves of 16 MiB: one 8-byte slot per 32 bytes of address space;
//!               after each leaf as many undo words, in use while a snapshot is taken
//! ```
//!
//! A **slot** belongs to whoever owns the block at its address, so writing it needs no lock and no
//! ordering beyond what the program itself has. glibc never returns two blocks closer than 32 bytes.
#![no_std]
#![forbid(unsafe_code)]

mod birth;
mod layout;
pub mod sampling;
mod slot;

pub use birth::{BirthCode, lifetime_bucket};
pub use layout::*;
pub use slot::{BlockKind, FIRST_SITE, INHERITED_SITE, LARGE_BYTES, Slot};
