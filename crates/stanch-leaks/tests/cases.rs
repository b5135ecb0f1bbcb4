//! Small heaps with known answers, each put to `classify` and to its twin.
use stanch_leaks::{BlockRange, Captured, HeapImage, MemoryRange, PointerPolicy, RootSpan, classify, naive};
use stanch_recording::Class::{self, DefinitelyLost, IndirectlyLost, PossiblyLost, StillReachable};

const VTABLE: u64 = 0x40_0010;
const VTABLES: (u64, u64) = (0x40_0000, 0x40_1000);
const ROOTS: u64 = 0x7fff_0000_0000;

/// Block `n` of the heaps below; 1,024 bytes lie between starts.
const fn at(block: u64) -> u64 {
    0x5000_0000 + block * 1024
}

/// Blocks as (size, words from their start) against roots and what is expected of each.
#[track_caller]
fn check(blocks: &[(u64, &[u64])], policy: PointerPolicy, roots: &[u64], expected: &[Class]) -> Vec<u32> {
    let mut content = vec![0; blocks.len() * 1024];
    for (block, (_, words)) in blocks.iter().enumerate() {
        for (i, word) in words.iter().enumerate() {
            content[block * 1024 + i * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
    }
    let roots: Vec<u8> = roots.iter().flat_map(|root| root.to_le_bytes()).collect();
    let ranges: Vec<BlockRange> =
        (0..).zip(blocks).map(|(block, &(bytes, _))| BlockRange { start: at(block), bytes }).collect();
    let memory =
        Captured(vec![MemoryRange { start: at(0), bytes: &content }, MemoryRange { start: ROOTS, bytes: &roots }]);
    let image = HeapImage {
        blocks: &ranges,
        memory: &memory,
        roots: vec![RootSpan { start: ROOTS, end: ROOTS + roots.len() as u64, policy }],
        vtable_spans: vec![VTABLES],
        ..HeapImage::default()
    };
    let answer = classify(&image, 1);
    assert_eq!(answer.class, expected);
    assert_eq!(naive::classify(&image).class, expected, "the twin");
    answer.leader
}

/// What a pointer to `offset` makes of a block.
#[track_caller]
fn check_offset(bytes: u64, words: &[u64], offset: u64, expected: Class) {
    check(&[(bytes, words)], PointerPolicy::Any, &[at(0) + offset], &[expected]);
    let start_only = if offset == 0 { StillReachable } else { DefinitelyLost };
    check(&[(bytes, words)], PointerPolicy::StartOnly, &[at(0) + offset], &[start_only]);
}

#[test]
fn starts_middles_and_ends() {
    check_offset(24, &[], 0, StillReachable);
    check_offset(24, &[], 1, PossiblyLost);
    check_offset(24, &[], 24, PossiblyLost);
    check_offset(24, &[], 25, DefinitelyLost);
    check_offset(24, &[], 32, DefinitelyLost);
    check_offset(25, &[], 40, PossiblyLost);
    check_offset(25, &[], 41, DefinitelyLost);
    check_offset(0, &[], 0, StillReachable);
    check_offset(0, &[], 24, PossiblyLost);
    check_offset(0, &[], 25, DefinitelyLost);
}

#[test]
fn arrays_with_a_count() {
    check_offset(8 + 60, &[5], 8, StillReachable);
    check_offset(8 + 60, &[7], 8, PossiblyLost);
    check_offset(8 + 60, &[0], 8, PossiblyLost);
    check_offset(8, &[0], 8, StillReachable);
    check_offset(8, &[3], 8, PossiblyLost);
    check_offset(16 + 64, &[0, 4], 16, StillReachable);
    check_offset(16 + 64, &[4, 0], 16, PossiblyLost);
    check_offset(32 + 64, &[4, 4, 4, 4], 32, PossiblyLost);
}

#[test]
fn length_before_the_rest() {
    check_offset(100, &[92], 8, StillReachable);
}

#[test]
fn strings_with_a_reference_count() {
    check_offset(24 + 10 + 1, &[4, 10, 0], 24, StillReachable);
    check_offset(24 + 10 + 1, &[11, 10, 0], 24, PossiblyLost);
    check_offset(24 + 10 + 2, &[4, 10, 0], 24, PossiblyLost);
}

#[test]
fn second_bases() {
    check_offset(48, &[VTABLE, 0, 0, VTABLE], 24, StillReachable);
    check_offset(48, &[VTABLE, 0, 0, VTABLE], 16, PossiblyLost);
    check_offset(48, &[7, 0, 0, VTABLE], 24, PossiblyLost);
    check_offset(48, &[VTABLE, 0, 0, VTABLES.1], 24, PossiblyLost);
    check_offset(28, &[VTABLE, 0, 0, VTABLE], 24, PossiblyLost);
}

#[test]
fn a_chain_is_as_good_as_its_weakest_pointer() {
    let blocks: [(u64, &[u64]); 4] = [(16, &[at(1) + 1]), (16, &[at(2)]), (16, &[at(3)]), (16, &[])];
    check(&blocks, PointerPolicy::Any, &[at(0)], &[StillReachable, PossiblyLost, PossiblyLost, PossiblyLost]);
    check(
        &blocks,
        PointerPolicy::Any,
        &[at(0), at(2)],
        &[StillReachable, PossiblyLost, StillReachable, StillReachable],
    );
}

#[test]
fn a_lost_tree_has_one_leader_wherever_it_lies() {
    let blocks: [(u64, &[u64]); 3] = [(16, &[]), (16, &[]), (16, &[at(0), at(1) + 4])];
    let leaders = check(&blocks, PointerPolicy::Any, &[], &[IndirectlyLost, IndirectlyLost, DefinitelyLost]);
    assert_eq!(leaders, [2, 2, 2]);
}

#[test]
fn a_lost_cycle_has_one_leader() {
    let blocks: [(u64, &[u64]); 3] = [(16, &[at(1)]), (16, &[at(2)]), (16, &[at(0)])];
    let leaders = check(&blocks, PointerPolicy::Any, &[], &[DefinitelyLost, IndirectlyLost, IndirectlyLost]);
    assert_eq!(leaders, [0, 0, 0]);
}

#[test]
fn a_cycle_that_hangs_on_another_block_has_none() {
    let blocks: [(u64, &[u64]); 3] = [(16, &[at(1)]), (16, &[at(0)]), (16, &[at(1)])];
    check(&blocks, PointerPolicy::Any, &[], &[IndirectlyLost, IndirectlyLost, DefinitelyLost]);
}

#[test]
fn a_cycle_that_hangs_on_another_cycle_has_none() {
    let blocks: [(u64, &[u64]); 4] = [(16, &[at(1)]), (16, &[at(0)]), (16, &[at(3)]), (16, &[at(2), at(1)])];
    let leaders =
        check(&blocks, PointerPolicy::Any, &[], &[IndirectlyLost, IndirectlyLost, DefinitelyLost, IndirectlyLost]);
    assert_eq!(leaders, [2, 2, 2, 2]);
}

#[test]
fn a_block_that_points_to_itself_is_lost() {
    check(&[(16, &[at(0)])], PointerPolicy::Any, &[], &[DefinitelyLost]);
}

#[test]
fn lost_blocks_do_not_lead_possibly_lost_ones() {
    let leaders =
        check(&[(16, &[at(1)]), (16, &[])], PointerPolicy::Any, &[at(1) + 8], &[DefinitelyLost, PossiblyLost]);
    assert_eq!(leaders, [0, 1]);
}
