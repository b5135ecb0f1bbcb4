//! The values of a recording, as analyses use them. How they are written is `file`'s business.

use crate::history::History;

/// An address as the recorded process saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeAddress(pub u64);

/// Index into [`Process::nodes`]; 0 is the root, which is no frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub u32);

/// Index into [`Process::sites`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteIndex(pub u32);

/// Lifetime classes that are counted per site: bucket 0 counts blocks freed before their thread
/// allocated again (temporary); bucket `i > 0` counts blocks freed after less than 50 ms × 4^(i-1),
/// the last one everything longer.
pub const LIFETIME_BUCKETS: usize = 13;

/// What was learned of one run of one command and its descendants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// Version of Stanch that recorded.
    pub tool_version: String,
    /// The command as it was started.
    pub command: Vec<String>,
    /// Start, in milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// The processes of the tree in the order of their start; the command's own first.
    pub processes: Vec<Process>,
    /// What could not be seen of the tree as a whole.
    pub losses: Vec<Loss>,
}

/// One process image: from its start, fork or exec to its end or exec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Parent process id at its start.
    pub parent_pid: u32,
    /// Command line.
    pub command: Vec<String>,
    /// Path of the executable.
    pub executable: String,
    /// Start, in milliseconds since the recording's start.
    pub started_ms: u64,
    /// How long it was watched, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub ending: Ending,
    /// Allocations over its life.
    pub allocations: u64,
    /// Bytes allocated over its life.
    pub allocated_bytes: u64,
    /// Most bytes live at one time.
    pub peak_bytes: u64,
    /// Executables and shared objects whose code appears in a stack. [`StackNode::module`] counts from 1.
    pub modules: Vec<Module>,
    /// The call stacks as a trie; `nodes[0]` is the root.
    pub nodes: Vec<StackNode>,
    /// The stacks that allocated.
    pub sites: Vec<SiteCounts>,
    /// Memory at instants, oldest first. The last one is what reports speak of.
    pub snapshots: Vec<Snapshot>,
    /// Memory between snapshots, as far as it was sampled.
    pub history: History,
    /// Wrong frees that were seen on the way.
    pub misuses: Vec<Misuse>,
    /// Names for the code addresses of `nodes`, sorted by (module, address).
    pub resolved: Vec<ResolvedCode>,
    /// How blocks were sampled; `None` where every block was recorded. In a sampled recording all counts and sizes of
    /// the process, its sites and its groups are unbiased estimates of what a full recording would have.
    pub sampling: Option<Sampling>,
    /// What could not be seen of this process.
    pub losses: Vec<Loss>,
}

/// How a sampled recording came about, and what the estimates of its last snapshot rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Mean distance between two samples, in allocated bytes; not 0. A block of `s` bytes was sampled with probability
    /// `1 - exp(-(s + 1) / mean_bytes)`.
    pub mean_bytes: u64,
    /// The sampled blocks that the last snapshot found live, summed by site, function and size. Mappings are not in it:
    /// all of them are recorded.
    pub seen: Vec<SeenBlocks>,
}

/// Sampled blocks of one site, function and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenBlocks {
    /// Which stack allocated them.
    pub site: SiteIndex,
    /// By which function.
    pub allocator: AllocatorFunction,
    /// Requested size of each, in bytes.
    pub block_bytes: u64,
    /// How many were seen.
    pub blocks: u64,
}

/// How a process image ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It had not ended when the recording did, or nobody could tell.
    #[default]
    Unknown,
    /// Still running when the recording ended.
    Running,
    /// Exited; the status where it is known.
    Exited(Option<i32>),
    /// A signal (its number) ended it.
    Signaled(i32),
    /// Another program took its place.
    Exec(String),
}

/// An executable or shared object of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Path as the process saw it.
    pub path: String,
    /// GNU build id; empty where it has none.
    pub build_id: Vec<u8>,
    /// Runtime address minus file address.
    pub load_bias: u64,
    /// True where it was unloaded before the end.
    pub unloaded: bool,
    /// The package the file came from.
    pub package: Option<Package>,
}

/// A package of the system's package manager.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Package {
    /// Package name.
    pub name: String,
    /// Package version.
    pub version: String,
}

/// One frame of the trie of call stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StackNode {
    /// The caller's frame; always a smaller index.
    pub parent: NodeIndex,
    /// Return address: the instruction after the call.
    pub address: RuntimeAddress,
    /// 1 + index into [`Process::modules`]; 0 for code outside any module.
    pub module: u16,
}

/// Counts of one allocating stack over the whole life of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    /// Innermost frame: the caller of the allocation function.
    pub node: NodeIndex,
    /// Blocks allocated.
    pub allocations: u64,
    /// Bytes allocated (requested sizes).
    pub allocated_bytes: u64,
    /// Blocks freed, by how long they lived.
    pub lifetimes: [u64; LIFETIME_BUCKETS],
}

/// Which function the program called to allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AllocatorFunction {
    /// Allocated before a fork, by the parent: no finding of the child's.
    Inherited = 0,
    /// `malloc`
    Malloc = 1,
    /// `calloc`
    Calloc = 2,
    /// `realloc`, `reallocarray`
    Realloc = 3,
    /// `memalign`, `aligned_alloc`, `posix_memalign`, `valloc`, `pvalloc`
    Memalign = 4,
    /// `operator new`
    New = 5,
    /// `operator new[]`
    NewArray = 6,
    /// `operator new` with an alignment
    NewAligned = 7,
    /// `operator new[]` with an alignment
    NewArrayAligned = 8,
    /// anonymous `mmap`
    Mmap = 9,
    /// `sbrk`, `brk` called by the program itself
    Brk = 10,
}

/// Reachability of a block at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// No pointer to it is left.
    DefinitelyLost = 1,
    /// Reached only from lost blocks.
    IndirectlyLost = 2,
    /// Only interior pointers are left.
    PossiblyLost = 3,
    /// A pointer is left.
    StillReachable = 4,
    /// Live; not decided.
    Live = 5,
}

/// Why a snapshot was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SnapshotReason {
    /// The program ended.
    Exit = 1,
    /// Somebody asked.
    OnDemand = 2,
    /// The program was gone before it could be looked at: only what is live is known.
    Killed = 3,
    /// The recording ended before the program did.
    RecordingEnded = 4,
}

/// Memory at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Milliseconds since the process image started.
    pub at_ms: u64,
    /// Why it was taken.
    pub reason: SnapshotReason,
    /// How long the program stood still for it, in nanoseconds; 0 where it had ended.
    pub pause_ns: u64,
    /// The live blocks, summed by (site, allocator, class).
    pub groups: Vec<Group>,
}

/// Live blocks of one site and class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which stack allocated them.
    pub site: SiteIndex,
    /// By which function.
    pub allocator: AllocatorFunction,
    /// Their reachability.
    pub class: Class,
    /// How many.
    pub blocks: u64,
    /// Their requested sizes.
    pub bytes: u64,
    /// Blocks reached only through these (for the leaders of lost trees and cycles).
    pub indirect_blocks: u64,
    /// Bytes of those.
    pub indirect_bytes: u64,
    /// Birth of the oldest, in milliseconds since the process image started.
    pub oldest_ms: u64,
    /// Birth of the youngest, in milliseconds since the process image started.
    pub newest_ms: u64,
}

/// What sort of wrong free it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MisuseKind {
    /// Freed by a function of another family.
    MismatchedFree = 1,
    /// Freed twice.
    DoubleFree = 2,
}

/// A wrong free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// Its sort.
    pub kind: MisuseKind,
    /// Who allocated the block, where known.
    pub site: Option<SiteIndex>,
    /// By which function, where known.
    pub allocator: AllocatorFunction,
    /// The function that freed: `free`, `operator delete`, `operator delete[]`, `realloc`.
    pub freed_by: String,
    /// The stack that freed.
    pub freed_at: NodeIndex,
    /// How often.
    pub count: u64,
    /// Size of the (first) block, in bytes.
    pub bytes: u64,
}

/// Names for one code address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedCode {
    /// As in [`StackNode::module`].
    pub module: u16,
    /// As in [`StackNode::address`].
    pub address: RuntimeAddress,
    /// Innermost inlined frame first; the last one is the function itself. Never empty.
    pub frames: Vec<ResolvedFrame>,
}

/// One frame of source for a code address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResolvedFrame {
    /// Demangled function name.
    pub function: Option<String>,
    /// Source file as the debug info names it.
    pub file: Option<String>,
    /// Line from 1.
    pub line: Option<u32>,
    /// Column from 1.
    pub column: Option<u32>,
    /// True where the function was inlined into the next frame.
    pub inlined: bool,
}

/// Something that could not be seen, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loss {
    /// What is missing.
    pub what: String,
    /// Why.
    pub why: String,
}
