//! Time and memory of `classify` on large heaps: `cargo bench -p stanch-leaks --bench reachability [-- BLOCKS WORD]`.
//!
//! Blocks of 48 bytes lie 48 and 80 bytes apart in turns. `BLOCKS` is 10 million unless told; a word selects the shapes
//! whose names contain it. Random order means that no two neighbours in a list or tree are neighbours in memory, which
//! is the worst case: every step misses every cache. Figures depend on how busy the machine is: the best of three is
//! printed, for one thread and for as many as there are cores. The memory is the highest resident size less what was
//! resident before.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use stanch_leaks::{BlockRange, Captured, Classification, HeapImage, MemoryRange, PointerPolicy, RootSpan, classify};
use stanch_recording::Class;
use std::time::Instant;

const HEAP: u64 = 0x5555_5555_0000;
const ROOTS: u64 = 0x7fff_0000_0000;
const STRIDE: u64 = 64;
const BLOCK_BYTES: u64 = 48;
const LIST_BLOCKS: usize = 1_000;

fn main() {
    let blocks = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10_000_000);
    let only: Option<String> =
        std::env::args().skip(1).find(|argument| argument.parse::<usize>().is_err() && !argument.starts_with('-'));
    let shapes: [Shape; 8] = [
        ("lists, allocated in order", |n| lists(n, LIST_BLOCKS, Order::Address), Class::StillReachable),
        ("lists, allocated in turns", |n| lists(n, LIST_BLOCKS, Order::Interleaved), Class::StillReachable),
        ("lists, random order", |n| lists(n, LIST_BLOCKS, Order::Random), Class::StillReachable),
        ("one list, random order", |n| lists(n, n, Order::Random), Class::StillReachable),
        ("binary tree, random order", |n| tree(n), Class::StillReachable),
        ("lists in turns, lost", |n| lists(n, LIST_BLOCKS, Order::Interleaved).lost(), Class::DefinitelyLost),
        ("lists, random order, lost", |n| lists(n, LIST_BLOCKS, Order::Random).lost(), Class::DefinitelyLost),
        ("binary tree, random order, lost", |n| tree(n).lost(), Class::DefinitelyLost),
    ];
    println!("{blocks} blocks of {BLOCK_BYTES} bytes");
    for (name, build, expected) in shapes {
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            let heap = build(blocks);
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            for threads in [1, cores] {
                measure(&format!("{name}, {threads} threads"), &heap, expected, threads);
            }
        }
    }
}

/// Name, how to build a heap of so many blocks, and what they are found to be.
type Shape = (&'static str, fn(usize) -> Heap, Class);

/// In which order the blocks of a list lie.
#[derive(Clone, Copy)]
enum Order {
    Address,
    Interleaved,
    Random,
}

/// Blocks side by side, and root words that point to some.
struct Heap {
    content: Vec<u8>,
    roots: Vec<u8>,
}

impl Heap {
    fn new(blocks: usize) -> Self {
        Self { content: vec![0; blocks * STRIDE as usize], roots: Vec::new() }
    }

    fn address(block: usize) -> u64 {
        // Every other block begins 16 bytes later, and its neighbours are then 48 and 80 away.
        HEAP + block as u64 * STRIDE + (block as u64 % 2) * 16
    }

    fn link(&mut self, from: usize, slot: u64, to: usize) {
        let at = (Self::address(from) - HEAP + slot * 8) as usize;
        self.content[at..at + 8].copy_from_slice(&Self::address(to).to_le_bytes());
    }

    fn root(&mut self, to: usize) {
        self.roots.extend(Self::address(to).to_le_bytes());
    }

    fn lost(mut self) -> Self {
        self.roots.clear();
        self
    }
}

/// Lists of `list_blocks`, each held by a root.
fn lists(blocks: usize, list_blocks: usize, order: Order) -> Heap {
    let mut heap = Heap::new(blocks);
    let count = blocks / list_blocks;
    let place: Vec<u32> = match order {
        Order::Address => (0..blocks as u32).collect(),
        Order::Interleaved => (0..count).flat_map(|l| (0..list_blocks).map(move |i| (i * count + l) as u32)).collect(),
        Order::Random => shuffled(blocks),
    };
    for list in place.chunks(list_blocks) {
        heap.root(list[0] as usize);
        for pair in list.windows(2) {
            heap.link(pair[0] as usize, 0, pair[1] as usize);
        }
    }
    heap
}

/// One tree in which every block has two children, somewhere.
fn tree(blocks: usize) -> Heap {
    let mut heap = Heap::new(blocks);
    let place = shuffled(blocks);
    heap.root(place[0] as usize);
    for child in 1..blocks {
        let parent = (child - 1) / 2;
        heap.link(place[parent] as usize, 1 + child as u64 % 2, place[child] as usize);
    }
    heap
}

fn shuffled(len: usize) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..len as u32).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for i in (1..len).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        numbers.swap(i, (state % (i as u64 + 1)) as usize);
    }
    numbers
}

fn measure(name: &str, heap: &Heap, expected: Class, threads: usize) {
    let blocks = heap.content.len() as u64 / STRIDE;
    let ranges: Vec<BlockRange> =
        (0..blocks).map(|i| BlockRange { start: Heap::address(i as usize), bytes: BLOCK_BYTES }).collect();
    let memory = Captured(vec![
        MemoryRange { start: HEAP, bytes: &heap.content },
        MemoryRange { start: ROOTS, bytes: &heap.roots },
    ]);
    let image = HeapImage {
        blocks: &ranges,
        memory: &memory,
        roots: vec![RootSpan { start: ROOTS, end: ROOTS + heap.roots.len() as u64, policy: PointerPolicy::Any }],
        ..HeapImage::default()
    };
    let before = peak_bytes_reset();
    let mut seconds = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        let answer = classify(&image, threads);
        seconds = seconds.min(start.elapsed().as_secs_f64());
        check(&answer, expected, blocks);
    }
    let bytes = (peak_bytes() - before) as f64 / blocks as f64;
    println!(
        "{name:45} {seconds:6.3} s  {:5.0} ns a block  {bytes:5.1} bytes a block on top",
        seconds * 1e9 / blocks as f64
    );
}

fn check(answer: &Classification, expected: Class, blocks: u64) {
    let count = |class| answer.class.iter().filter(|found| **found == class).count() as u64;
    if expected == Class::StillReachable {
        assert_eq!(count(Class::StillReachable), blocks);
    } else {
        assert_eq!(count(Class::DefinitelyLost) + count(Class::IndirectlyLost), blocks);
    }
}

/// Lets the kernel forget the highest memory use so far; returns the present one.
fn peak_bytes_reset() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status_bytes("VmRSS:")
}

fn peak_bytes() -> u64 {
    status_bytes("VmHWM:")
}

fn status_bytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
