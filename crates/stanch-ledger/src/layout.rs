//! Where everything stands in a ledger, and the records there.
//!
//! Records are made of atomics because two processes see them; a field has one writer unless it says
//! otherwise. All of a fresh ledger is zero, and zero means "nothing" everywhere.
use core::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

/// First word of a ledger: "STANCHL" and the layout version.
pub const MAGIC: u64 = u64::from_le_bytes(*b"STANCHL\x01");

/// Bytes of address space that one slot describes.
pub const GRANULE_BYTES: u64 = 32;
/// Bytes of address space that one leaf describes (glibc's arenas are as large and as aligned).
pub const LEAF_SPAN: u64 = 64 << 20;
/// Size of one leaf.
pub const LEAF_BYTES: usize = (LEAF_SPAN / GRANULE_BYTES) as usize * 8;
/// Slots in a leaf.
pub const LEAF_SLOTS: usize = LEAF_BYTES / 8;
/// Distance of one leaf from the next: its slots, and as many undo words (see [`attention::SNAPSHOT`]).
pub const LEAF_STRIDE: usize = 2 * LEAF_BYTES;
/// Leaves in a ledger: 4 TiB of heap.
pub const LEAF_LIMIT: usize = 1 << 16;
/// User addresses are below this.
pub const ADDRESS_LIMIT: u64 = 1 << 47;
/// Entries of the table from address to leaf.
pub const LEAF_POINTER_COUNT: usize = (ADDRESS_LIMIT / LEAF_SPAN) as usize;

/// Size of an extent.
pub const EXTENT_BYTES: usize = 128 << 10;
/// Extents in a ledger.
pub const EXTENT_LIMIT: usize = 1 << 16;

/// Trie nodes in an extent.
pub const NODES_PER_EXTENT: usize = EXTENT_BYTES / size_of::<Node>();
/// Trie nodes in a ledger.
pub const NODE_LIMIT: usize = 1 << 24;
/// Sites in an extent.
pub const SITES_PER_EXTENT: usize = EXTENT_BYTES / size_of::<SiteEntry>();
/// Sites in a ledger.
pub const SITE_LIMIT: usize = 1 << 24;
/// Counters in an extent.
pub const COUNTERS_PER_EXTENT: usize = EXTENT_BYTES / size_of::<Counters>();
/// Entries of a thread's table of counter extents.
pub const COUNTER_POINTER_COUNT: usize = SITE_LIMIT / COUNTERS_PER_EXTENT;

/// Hash heads of the trie.
pub const HEAD_COUNT: usize = 1 << 20;
/// Remembered unwind rules.
pub const RULE_COUNT: usize = 1 << 16;
/// Modules that a ledger can name.
pub const MODULE_LIMIT: usize = 1 << 11;
/// Wrong frees that a ledger can hold.
pub const MISUSE_LIMIT: usize = 256;
/// Live anonymous mappings that a ledger can hold.
pub const MAPPING_LIMIT: usize = 1 << 15;
/// Stacks of ended threads that a ledger remembers.
pub const DEAD_STACK_LIMIT: usize = 4096;
/// Programs started without a fork of their own that a ledger remembers.
pub const SPAWN_LIMIT: usize = 1024;
/// Frames of a remembered stack walk.
pub const WALK_LIMIT: usize = 512;

/// Bytes that one entry of the second-level page table maps: parts of a ledger that are used densely become one huge
/// page, so they begin at multiples of this, in the file and in the address space.
pub const HUGE_PAGE_BYTES: usize = 2 << 20;

const fn after(offset: usize, bytes: usize) -> usize {
    (offset + bytes + 0xffff) & !0xffff
}

/// Offset of the module table.
pub const MODULES: usize = after(0, size_of::<Header>());
/// Offset of the table of wrong frees.
pub const MISUSES: usize = after(MODULES, MODULE_LIMIT * size_of::<ModuleEntry>());
/// Offset of the table of anonymous mappings.
pub const MAPPINGS: usize = after(MISUSES, MISUSE_LIMIT * size_of::<MisuseEntry>());
/// Offset of the table of dead stacks.
pub const DEAD_STACKS: usize = after(MAPPINGS, MAPPING_LIMIT * size_of::<MappingEntry>());
/// Offset of the table of started programs.
pub const SPAWNS: usize = after(DEAD_STACKS, DEAD_STACK_LIMIT * size_of::<DeadStack>());
/// Offset of the extent table.
pub const EXTENT_TABLE: usize = after(SPAWNS, SPAWN_LIMIT * size_of::<SpawnEntry>());
/// Offset of the leaf table.
pub const LEAF_TABLE: usize = after(EXTENT_TABLE, EXTENT_LIMIT * 4);
/// Offset of the hash heads. They and the rules begin a huge page each.
pub const HEADS: usize = after(LEAF_TABLE, LEAF_LIMIT * 4).next_multiple_of(HUGE_PAGE_BYTES);
/// Offset of the remembered unwind rules.
pub const RULES: usize = after(HEADS, HEAD_COUNT * 4).next_multiple_of(HUGE_PAGE_BYTES);
/// Offset of the target's pointers to its node extents.
pub const NODE_POINTERS: usize = after(RULES, RULE_COUNT * size_of::<RuleEntry>());
/// Offset of the target's pointers to its site extents.
pub const SITE_POINTERS: usize = after(NODE_POINTERS, NODE_LIMIT / NODES_PER_EXTENT * 8);
/// Offset of the target's pointers to its leaves, by address.
pub const LEAF_POINTERS: usize = after(SITE_POINTERS, SITE_LIMIT / SITES_PER_EXTENT * 8);
/// Size of the part that is always mapped.
pub const FIXED_BYTES: usize = after(LEAF_POINTERS, LEAF_POINTER_COUNT * 8).next_multiple_of(HUGE_PAGE_BYTES);
/// Offset of extent 0.
pub const EXTENTS: u64 = 64 << 20;
/// Offset of leaf 0.
pub const LEAVES: u64 = 16 << 30;
/// Size of the (sparse) file.
pub const FILE_BYTES: u64 = LEAVES + (LEAF_LIMIT * LEAF_STRIDE) as u64;

const _: () = assert!(FILE_BYTES < 1 << 46);
const _: () = assert!(FIXED_BYTES as u64 <= EXTENTS);
const _: () =
    assert!((EXTENTS as usize).is_multiple_of(HUGE_PAGE_BYTES) && (LEAVES as usize).is_multiple_of(HUGE_PAGE_BYTES));
const _: () = assert!(LEAF_BYTES.is_multiple_of(HUGE_PAGE_BYTES));
const _: () = assert!(EXTENTS + (EXTENT_LIMIT * EXTENT_BYTES) as u64 <= LEAVES);

/// What the process is doing, in [`Header::state`]. Written by the target.
pub mod state {
    /// Running.
    pub const RUNNING: u32 = 0;
    /// Waiting at its end for the leak check.
    pub const EXITING: u32 = 1;
    /// In exec; [`super::Header::exec_path`] names the next program.
    pub const EXEC: u32 = 2;
    /// Past its leak check, or past the moment where one is possible.
    pub const ENDED: u32 = 3;
}

/// What the collector says, in [`Header::reply`].
pub mod reply {
    /// Nothing yet.
    pub const NONE: u32 = 0;
    /// The leak check is done: go on.
    pub const GO_ON: u32 = 1;
}

/// Bits of [`Header::attention`], which the hooks look at before they write a slot. Set by the collector.
pub mod attention {
    /// Nobody reads any more: the hooks only forward.
    pub const DETACHED: u32 = 1;
    /// The slots are being read as they were when this was set, while the process goes on. Whoever changes a slot
    /// first puts the bitwise complement of its old value into its undo word, unless something is there already: the
    /// slot's owners follow each other, so the first one knows the value that counts. 0 means "not changed".
    pub const SNAPSHOT: u32 = 2;
}

/// Bits of [`Header::flags`]: facts that the report must tell. Set by the target.
pub mod flag {
    /// The program has its own malloc: calls inside it are not seen.
    pub const OWN_MALLOC: u32 = 1;
    /// The C library's allocator is not glibc's (see [`super::Header::allocator_path`]).
    pub const FOREIGN_MALLOC: u32 = 2;
    /// A ledger extent or leaf could not be mapped: events were dropped.
    pub const MAP_FAILED: u32 = 4;
    /// The program restricted its own system calls.
    pub const SECCOMP: u32 = 8;
    /// More stacks than a ledger can number: later ones are counted as one.
    pub const STACKS_FULL: u32 = 16;
    /// More modules than the table holds.
    pub const MODULES_FULL: u32 = 32;
    /// More live anonymous mappings than the table holds.
    pub const MAPPINGS_FULL: u32 = 64;
    /// The parent's live blocks could not be taken over at the fork.
    pub const NOT_INHERITED: u32 = 128;
    /// `daemon()` or a fork of it: expected to outlive the command.
    pub const DAEMON: u32 = 256;
    /// Preloading had to be removed before exec: the new program cannot read the recorder's file.
    pub const EXEC_UNREADABLE: u32 = 512;
    /// It forked after it had restricted its system calls: the child has no ledger.
    pub const FORK_RESTRICTED: u32 = 1024;
    /// A library was loaded with `RTLD_DEEPBIND`: it calls the C library past the hooks.
    pub const DEEP_BINDING: u32 = 2048;
}

/// Start of a ledger.
#[repr(C, align(4096))]
pub struct Header {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// Process id as the target sees it.
    pub pid: AtomicU32,
    /// Its parent at the start.
    pub parent_pid: AtomicU32,
    /// [`flag`] bits.
    pub flags: AtomicU32,
    /// CLOCK_MONOTONIC at the start, in nanoseconds.
    pub started_ns: AtomicU64,
    /// [`state`]; futex word that the collector waits on.
    pub state: AtomicU32,
    /// [`reply`]; futex word that the target waits on. Written by the collector.
    pub reply: AtomicU32,
    /// Time since the start: milliseconds << 16 | birth code. Written by the collector.
    pub clock: AtomicU64,
    /// Beats of the collector: when they stop, the target no longer waits for it.
    pub beats: AtomicU64,
    /// [`attention`] bits. Written by the collector.
    pub attention: AtomicU32,
    /// Bumped when code is unloaded, so that remembered unwind rules and stack windows are forgotten.
    pub generation: AtomicU32,
    /// Live bytes that threads have handed in; any thread adds.
    pub live_bytes: AtomicI64,
    /// Most live bytes seen; any thread raises it.
    pub peak_bytes: AtomicI64,
    /// Allocations that could not be written down.
    pub dropped: AtomicU64,
    /// Mean distance between two samples in bytes ([`crate::sampling`]); 0 where every block is written down. In a
    /// sampled ledger slots are those of sampled blocks, and counters are weighted: see [`Counters`].
    pub sample_bytes: AtomicU64,
    /// Extents in use.
    pub extent_count: AtomicU32,
    /// Leaves in use.
    pub leaf_count: AtomicU32,
    /// Trie nodes in use; node 0 is the root.
    pub node_count: AtomicU32,
    /// Sites in use, `FIRST_SITE` included.
    pub site_count: AtomicU32,
    /// Modules in use.
    pub module_count: AtomicU32,
    /// Wrong frees in use.
    pub misuse_count: AtomicU32,
    /// Mapping entries ever used.
    pub mapping_count: AtomicU32,
    /// Dead stacks written (the table is a ring).
    pub dead_stack_count: AtomicU32,
    /// Started programs written (the table is a ring).
    pub spawn_count: AtomicU32,
    /// Lock of the slow path: maps extents and leaves, adds modules.
    pub map_lock: AtomicU32,
    /// Lock of the mapping table.
    pub mapping_lock: AtomicU32,
    /// Address in the target of the last extent mapped, for the next one.
    pub extent_seed: AtomicU64,
    /// Address in the target of the last leaf mapped, for the next one.
    pub leaf_seed: AtomicU64,
    /// Lowest stack address that counts as a root for the thread that ends the process; 0 for none.
    pub exit_stack: AtomicU64,
    /// Base of the thread-local storage of the thread that ends the process: on its stack, unless that is the main one.
    pub exit_thread_pointer: AtomicU64,
    /// Thread that ends the process.
    pub exit_tid: AtomicU32,
    /// 1 where `exit_registers` hold the callee-saved registers of the code that called `exit`.
    pub exit_registers_valid: AtomicU32,
    /// rbx, rbp, r12, r13, r14, r15.
    pub exit_registers: [AtomicU64; 6],
    /// Bytes of `exec_path`.
    pub exec_path_len: AtomicU32,
    /// Bytes of `allocator_path`.
    pub allocator_path_len: AtomicU32,
    /// Bytes of `command`.
    pub command_len: AtomicU32,
    /// Bytes of `executable`.
    pub executable_len: AtomicU32,
    /// Command line of this process image: arguments, each with a zero after it. Cut off where it is longer.
    pub command: [AtomicU64; 256],
    /// Path of its executable.
    pub executable: [AtomicU64; 64],
    /// Program that exec is about to start.
    pub exec_path: [AtomicU64; 64],
    /// Where malloc comes from when it is not glibc.
    pub allocator_path: [AtomicU64; 64],
}

/// What an extent holds, in the top 4 bits of its table entry; the rest is an index.
pub mod extent {
    /// Trie nodes; index: which extent of nodes.
    pub const NODES: u32 = 1 << 28;
    /// Sites; index: which extent of sites.
    pub const SITES: u32 = 2 << 28;
    /// First extent of a thread; index: which thread.
    pub const THREAD: u32 = 3 << 28;
    /// Counters; index: which extent of that thread's counters. The thread is in the first word.
    pub const COUNTERS: u32 = 4 << 28;
    /// Later extent of a thread.
    pub const THREAD_REST: u32 = 5 << 28;
    /// Mask of the index.
    pub const INDEX: u32 = (1 << 28) - 1;
}

/// One frame in the trie of stacks.
#[repr(C)]
pub struct Node {
    /// Return address | module number << 48.
    pub key: AtomicU64,
    /// Node of the caller.
    pub parent: AtomicU32,
    /// Next node with the same hash.
    pub next: AtomicU32,
    /// Site that ends in this frame; 0 for none.
    pub site: AtomicU32,
    /// Unused.
    pub reserved: [AtomicU32; 3],
}

/// One allocating stack.
#[repr(C)]
pub struct SiteEntry {
    /// Innermost frame.
    pub node: AtomicU32,
}

/// What one thread counted of one site. Only that thread writes.
///
/// In a sampled ledger each sampled block adds what it stands for: bytes as they are, blocks in
/// [`crate::sampling::COUNT_UNITS`] of a block.
#[repr(C, align(128))]
pub struct Counters {
    /// Blocks allocated.
    pub allocations: AtomicU64,
    /// Bytes allocated.
    pub bytes: AtomicU64,
    /// Bytes of the blocks freed, and of mappings, whose table says what is live of them. What is live of a site
    /// otherwise is `bytes` less this, over all threads.
    pub freed_bytes: AtomicU64,
    /// Blocks freed, by lifetime class.
    pub lifetimes: [AtomicU64; 13],
}

/// A remembered unwind rule. Both words are written by any thread without a lock; `check` is the
/// address xor a hash of `rule`, so that a torn pair does not match.
#[repr(C)]
pub struct RuleEntry {
    /// Address, generation and rule, mixed.
    pub check: AtomicU64,
    /// The rule.
    pub rule: AtomicU64,
}

/// An executable or shared object.
#[repr(C)]
pub struct ModuleEntry {
    /// First address.
    pub start: AtomicU64,
    /// Address after the last.
    pub end: AtomicU64,
    /// Runtime address minus file address.
    pub bias: AtomicU64,
    /// Ledger generation in which it was seen.
    pub generation: AtomicU32,
    /// Bytes of the build id.
    pub build_id_len: AtomicU32,
    /// Build id.
    pub build_id: [AtomicU64; 4],
    /// Bytes of the path.
    pub path_len: AtomicU32,
    /// 1 when the entry is complete.
    pub ready: AtomicU32,
    /// Path; empty for the main program.
    pub path: [AtomicU64; 120],
}

/// A wrong free.
#[repr(C)]
pub struct MisuseEntry {
    /// 1 mismatched, 2 double.
    pub kind: AtomicU32,
    /// Number of the releasing function, see [`release`].
    pub released_by: AtomicU32,
    /// Site of the block.
    pub site: AtomicU32,
    /// Kind of the block.
    pub block_kind: AtomicU32,
    /// Stack of the release.
    pub node: AtomicU32,
    /// 1 when the entry is complete.
    pub ready: AtomicU32,
    /// How often.
    pub count: AtomicU64,
    /// Size of the first such block.
    pub bytes: AtomicU64,
}

/// Functions that release memory.
pub mod release {
    /// `free`
    pub const FREE: u32 = 1;
    /// `operator delete`
    pub const DELETE: u32 = 2;
    /// `operator delete[]`
    pub const DELETE_ARRAY: u32 = 3;
    /// `realloc`
    pub const REALLOC: u32 = 4;
    /// `operator delete` with an alignment
    pub const DELETE_ALIGNED: u32 = 5;
    /// `operator delete[]` with an alignment
    pub const DELETE_ARRAY_ALIGNED: u32 = 6;
}

/// A live anonymous mapping that the program made. Guarded by [`Header::mapping_lock`].
#[repr(C)]
pub struct MappingEntry {
    /// First address; 0 for a free entry.
    pub start: AtomicU64,
    /// Address after the last.
    pub end: AtomicU64,
    /// Kind, birth and site as in a slot.
    pub slot: AtomicU64,
    /// Unused.
    pub reserved: AtomicU64,
}

/// The stack of a thread that has ended.
#[repr(C)]
pub struct DeadStack {
    /// First address.
    pub start: AtomicU64,
    /// Address after the last.
    pub end: AtomicU64,
}

/// A program that was started by `posix_spawn`, or by exec in a child of `vfork`: no ledger of a child tells of it.
#[repr(C)]
pub struct SpawnEntry {
    /// Process id.
    pub pid: AtomicU32,
    /// Bytes of the path.
    pub path_len: AtomicU32,
    /// Path, cut off where it is longer.
    pub path: [AtomicU64; 15],
}

/// One thread: first extent of its four.
#[repr(C)]
pub struct Thread {
    /// Thread id as the target sees it.
    pub tid: AtomicU32,
    /// Which thread record this is; its counters carry the number.
    pub number: AtomicU32,
    /// First address of its stack; 0 where unknown.
    pub stack_start: AtomicU64,
    /// Address after its stack.
    pub stack_end: AtomicU64,
    /// 1 while a walk is being remembered: a signal handler must not touch the memory of it.
    pub walking: AtomicU32,
    /// Frames remembered.
    pub depth: AtomicU32,
    /// Foreign stack (coroutine, alternate signal stack) last met: first readable address.
    pub window_start: AtomicU64,
    /// Address after the foreign stack's readable part.
    pub window_end: AtomicU64,
    /// Generation in which walk and window were remembered.
    pub generation: AtomicU32,
    /// Frames of a walk that was not remembered.
    pub unremembered: AtomicU32,
    /// Block that `realloc` is working on: still live for a snapshot. 0 for none.
    pub realloc_address: AtomicU64,
    /// Its slot.
    pub realloc_slot: AtomicU64,
    /// Size of it, where the slot is a large one's.
    pub realloc_bytes: AtomicU64,
    /// Last block allocated and not yet followed by another.
    pub last_block: AtomicU64,
    /// Live bytes not yet handed in to the header.
    pub net_bytes: AtomicI64,
    /// Most of them since the last time.
    pub net_peak: AtomicI64,
    /// A C++ operator is on its way to malloc: kind of the block.
    pub pending_kind: AtomicU32,
    /// Unused.
    pub reserved_2: AtomicU32,
    /// Address of the operator's return address on the stack.
    pub pending_slot: AtomicU64,
    /// That return address.
    pub pending_return: AtomicU64,
    /// rbp at the operator's entry.
    pub pending_rbp: AtomicU64,
}

/// Offset of the remembered walk in a thread's extents.
pub const THREAD_WALK: usize = 4096;
/// Offset of the thread's table of counter extents.
pub const THREAD_COUNTER_POINTERS: usize = EXTENT_BYTES;
/// Extents of a thread.
pub const THREAD_EXTENTS: u32 = 2;

const _: () = assert!(THREAD_COUNTER_POINTERS + COUNTER_POINTER_COUNT * 8 <= THREAD_EXTENTS as usize * EXTENT_BYTES);
const _: () = assert!(size_of::<Counters>() == 128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_do_not_overlap() {
        let order = [
            0,
            MODULES,
            MISUSES,
            MAPPINGS,
            DEAD_STACKS,
            SPAWNS,
            EXTENT_TABLE,
            LEAF_TABLE,
            HEADS,
            RULES,
            NODE_POINTERS,
            SITE_POINTERS,
            LEAF_POINTERS,
            FIXED_BYTES,
        ];
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
