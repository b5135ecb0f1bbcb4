//! Holds `classify` against its slow twin on random heaps.
use proptest::prelude::*;
use stanch_leaks::{BlockRange, Captured, HeapImage, MemoryRange, PointerPolicy, RootSpan, classify, naive};
use stanch_recording::Class;

const HEAP: u64 = 0x1000;
const ROOTS: u64 = 0x7fff_0000_0000;
const MAPPING: u64 = 0x7000_0000_0000;
const VTABLES: (u64, u64) = (0x40_0000, 0x40_0040);
const ROOT_WORDS: usize = 12;

/// A heap as it is generated: what each block is, and what each word holds.
#[derive(Clone, Debug)]
struct Plan {
    blocks: Vec<BlockPlan>,
    roots: Vec<Word>,
    registers: Vec<Word>,
    starts: Vec<Word>,
    mapping_content: Vec<Word>,
    start_only_roots: usize,
    gap: (u64, u64),
    jump: bool,
}

#[derive(Clone, Debug)]
struct BlockPlan {
    distance: u64,
    bytes: u64,
    words: Vec<Word>,
}

/// What a word holds; block numbers are taken modulo the number of blocks.
#[derive(Clone, Debug)]
enum Word {
    Start(usize),
    Within(usize, u64),
    End(usize),
    Number(u64),
    /// The own block's size less this.
    Rest(u64),
    Vtable(u64),
    Mapping(usize, u64),
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        6 => any::<usize>().prop_map(Word::Start),
        2 => (any::<usize>(), 0..40_u64).prop_map(|(block, offset)| Word::Within(block, offset)),
        2 => (any::<usize>(), 1..4_u64).prop_map(|(block, word)| Word::Within(block, word * 8)),
        1 => any::<usize>().prop_map(Word::End),
        4 => (0..5_u64).prop_map(Word::Number),
        1 => any::<u64>().prop_map(Word::Number),
        1 => prop_oneof![Just(8_u64), Just(25)].prop_map(Word::Rest),
        1 => (0..5_u64).prop_map(|i| Word::Vtable(i * 8)),
        1 => (0..2_usize, 0..80_u64).prop_map(|(mapping, offset)| Word::Mapping(mapping, offset)),
    ]
}

fn block() -> impl Strategy<Value = BlockPlan> {
    let distance =
        prop_oneof![6 => Just(0_u64), 1 => Just(16_u64), 1 => 0..64_u64, 1 => Just(8_u64), 1 => Just(5000_u64)];
    let bytes = prop_oneof![8 => 0..72_u64, 4 => Just(24_u64), 1 => Just(0_u64), 1 => 3000..9000_u64];
    (distance, bytes, prop::collection::vec(word(), 0..5)).prop_map(|(distance, bytes, words)| BlockPlan {
        distance,
        bytes,
        words,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let few = |max| prop::collection::vec(word(), 0..max);
    (
        prop::collection::vec(block(), 0..24),
        few(4),
        few(3),
        few(2),
        few(4),
        0..ROOT_WORDS,
        (0..4096_u64, 0..512_u64),
        any::<bool>(),
    )
        .prop_map(|(blocks, roots, registers, starts, mapping_content, start_only_roots, gap, jump)| Plan {
            blocks,
            roots,
            registers,
            starts,
            mapping_content,
            start_only_roots,
            gap,
            jump,
        })
}

/// How blocks are laid out: as allocators do, or wherever.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Aligned16,
    Aligned8,
    Any,
}

impl Plan {
    fn ranges(&self, layout: Layout) -> Vec<BlockRange> {
        let mut at = HEAP;
        let mut ranges = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            at += block.distance;
            if self.jump && number == self.blocks.len() / 2 {
                at += 1 << 33;
            }
            at = match layout {
                Layout::Aligned16 => at.next_multiple_of(16),
                Layout::Aligned8 => at.next_multiple_of(8),
                Layout::Any => at,
            };
            ranges.push(BlockRange { start: at, bytes: block.bytes });
            at += block.bytes.max(1);
        }
        ranges
    }

    fn value(word: &Word, own: BlockRange, blocks: &[BlockRange]) -> u64 {
        let block = |number: usize| blocks.get(number % blocks.len().max(1)).copied().unwrap_or_default();
        match *word {
            Word::Start(number) => block(number).start,
            Word::Within(number, offset) => block(number).start + offset,
            Word::End(number) => block(number).start + block(number).bytes,
            Word::Number(number) => number,
            Word::Rest(less) => own.bytes.wrapping_sub(less),
            Word::Vtable(offset) => VTABLES.0 + offset,
            Word::Mapping(mapping, offset) => MAPPING + mapping as u64 * 64 + offset,
        }
    }

    fn check(&self, layout: Layout) -> Result<(), TestCaseError> {
        let blocks = self.ranges(layout);
        let values = |words: &[Word]| -> Vec<u64> {
            words.iter().map(|word| Self::value(word, BlockRange::default(), &blocks)).collect()
        };
        let halves = blocks.iter().position(|block| 1 << 33 < block.start).unwrap_or(blocks.len());
        let mut memory: Vec<(u64, Vec<u8>)> = Vec::new();
        for (part, plans) in [(&blocks[..halves], &self.blocks[..halves]), (&blocks[halves..], &self.blocks[halves..])]
        {
            let Some((first, last)) = part.first().zip(part.last()) else { continue };
            let base = first.start & !7;
            let mut bytes = vec![0; (last.start + last.bytes - base).next_multiple_of(8) as usize];
            for (range, plan) in part.iter().zip(plans) {
                let words_at = (range.start.next_multiple_of(8) - base) as usize;
                let end = (range.start + range.bytes - base) as usize;
                for (i, word) in plan.words.iter().enumerate().filter(|(i, _)| words_at + 8 * i + 8 <= end) {
                    let value = Self::value(word, *range, &blocks).to_le_bytes();
                    bytes[words_at + 8 * i..][..8].copy_from_slice(&value);
                }
            }
            let gap = (self.gap.0 as usize * 8 % bytes.len().max(1)) & !7;
            let after = (gap + self.gap.1 as usize * 8).min(bytes.len());
            memory.push((base + after as u64, bytes.split_off(after)));
            bytes.truncate(gap);
            memory.push((base, bytes));
        }
        let bytes_of = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        memory.push((MAPPING, bytes_of(&values(&self.mapping_content))));
        memory.push((ROOTS, bytes_of(&values(&self.roots))));
        memory.retain(|(_, bytes)| !bytes.is_empty());
        memory.sort();

        let split = ROOTS + 8 * self.start_only_roots as u64;
        let root = |start, end, policy| RootSpan { start, end, policy };
        let memory = Captured(memory.iter().map(|(start, bytes)| MemoryRange { start: *start, bytes }).collect());
        let image = HeapImage {
            memory: &memory,
            roots: vec![
                root(ROOTS, split, PointerPolicy::StartOnly),
                root(split, ROOTS + 8 * ROOT_WORDS as u64, PointerPolicy::Any),
                root(MAPPING, MAPPING + 128, PointerPolicy::Any),
            ],
            root_words: values(&self.registers),
            start_words: values(&self.starts),
            mappings: vec![(MAPPING + 64, MAPPING + 72), (MAPPING, MAPPING + 64)],
            vtable_spans: vec![VTABLES],
            blocks: &blocks,
        };
        hold_against_twin(&image)
    }
}

fn hold_against_twin(image: &HeapImage<'_>) -> Result<(), TestCaseError> {
    let fast = classify(image, 1);
    for threads in [2, 4] {
        prop_assert_eq!(&classify(image, threads), &fast, "{} threads", threads);
    }
    let slow = naive::classify(image);
    let leaders = naive::leaders(image);
    prop_assert_eq!(&fast.class, &slow.class);
    prop_assert_eq!(&fast.mapping_referenced, &slow.mapping_referenced);
    for (block, leader) in fast.leader.iter().enumerate() {
        if fast.class[block] == Class::IndirectlyLost {
            prop_assert!(
                leaders[block].contains(leader),
                "block {} has leader {} of {:?}",
                block,
                leader,
                leaders[block]
            );
        } else {
            prop_assert_eq!(*leader, block as u32);
        }
    }
    Ok(())
}

/// So many blocks that threads share them, too many for the twin: trees, lost blocks, pointers to middles.
#[test]
fn large_enough_to_be_shared() {
    const BLOCKS: u64 = 100_000;
    let address = |block: u64| HEAP + 32 * (block % BLOCKS);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20 {
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let words = |block: u64, chance: u64| match chance % 8 {
            0 => [address(chance >> 8), address(chance >> 32) + 8],
            1 => [0, 0],
            _ => [address(2 * block + 1), address(2 * block + 2)],
        };
        let content: Vec<u8> = (0..BLOCKS)
            .flat_map(|block| [words(block, random()), [0; 2]])
            .flatten()
            .flat_map(u64::to_le_bytes)
            .collect();
        let blocks: Vec<BlockRange> =
            (0..BLOCKS).map(|block| BlockRange { start: address(block), bytes: 16 }).collect();
        let image = HeapImage {
            blocks: &blocks,
            memory: &Captured(vec![MemoryRange { start: HEAP, bytes: &content }]),
            root_words: (0..2).map(|_| address(random())).collect(),
            ..HeapImage::default()
        };
        let alone = classify(&image, 1);
        assert!(2 <= alone.class.iter().collect::<std::collections::HashSet<_>>().len(), "one class only");
        for threads in [2, 4] {
            assert_eq!(classify(&image, threads), alone, "{threads} threads");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_allocators_lay_out(plan in plan()) {
        plan.check(Layout::Aligned16)?;
    }

    #[test]
    fn eight_bytes_apart(plan in plan()) {
        plan.check(Layout::Aligned8)?;
    }

    #[test]
    fn anywhere(plan in plan()) {
        plan.check(Layout::Any)?;
    }

    /// Blocks of one word, so that nearly everything points somewhere: long chains, cycles within cycles.
    #[test]
    fn graphs(
        links in prop::collection::vec(any::<[usize; 2]>(), 1..40),
        roots in prop::collection::vec(any::<usize>(), 0..2),
    ) {
        let len = links.len();
        let address = |block: usize| HEAP + 16 * (block % len) as u64;
        let content: Vec<u8> = links.iter().flatten().flat_map(|&to| address(to).to_le_bytes()).collect();
        let blocks: Vec<BlockRange> = (0..len).map(|block| BlockRange { start: address(block), bytes: 16 }).collect();
        hold_against_twin(&HeapImage {
            blocks: &blocks,
            memory: &Captured(vec![MemoryRange { start: HEAP, bytes: &content }]),
            root_words: roots.into_iter().map(address).collect(),
            ..HeapImage::default()
        })?;
    }
}
