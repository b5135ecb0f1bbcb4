//! LLVM IR that is damaged, and IR that is made to be unpleasant.
//!
//! Files that compilers wrote are mutated from a fixed seed: cut, bits flipped, lines dropped, doubled and moved, words
//! exchanged for those of other files, numbers blown up. The reader must not panic, must make a module in which
//! everything refers to something, and must not take more memory than the text explains. `STANCH_FUZZ_SECONDS` says for
//! how long; a few by default.

#[path = "frontend/corpus.rs"]
mod corpus;
#[path = "../../stanch-recording/tests/memory/mod.rs"]
mod memory;
#[path = "../../stanch-import/tests/numbers/mod.rs"]
mod numbers;
#[path = "frontend/well_formed.rs"]
mod well_formed;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use memory::{ONE_AT_A_TIME, bounded};
use numbers::Numbers;
use stanch_static::frontend::{Reading, read};
use well_formed::Order;

/// Reads a text that may be anything; whatever comes of it must be usable and have its price.
fn read_hostile(text: &[u8]) -> Reading {
    let reading = bounded((32 << 20) + 256 * text.len(), text.len(), || read(text, &|_| false));
    assert_eq!(well_formed::check(&reading.module, Order::AsWritten), Ok(()));
    reading
}

/// Reads a text that must be read fast.
fn read_fast(what: &str, text: &str) -> Reading {
    let start = Instant::now();
    let reading = read_hostile(text.as_bytes());
    let seconds = start.elapsed().as_secs_f64();
    // A thousand times slower than usual, so only what is not linear is found.
    assert!(seconds < 2.0 + text.len() as f64 / 1e5, "{what}: {seconds} s for {} bytes", text.len());
    reading
}

#[test]
fn deep_nesting_and_long_chains_are_bounded() {
    let _alone = ONE_AT_A_TIME.lock();
    let many = |piece: &str| piece.repeat(200_000);
    read_fast("types", &format!("@g = global {}", many("{ [1 x ")));
    read_fast("pointers", &format!("@g = global i8{} null", many("*")));
    read_fast("functions", &format!("@g = global i8 {}", many("(i8 ")));
    read_fast("constants", &format!("@g = global ptr {}", many("bitcast (ptr ")));
    read_fast("elements", &format!("@g = global [1 x i8] {}", many("[ [1 x i8] ")));
    read_fast("attributes", &format!("declare void @f({}", many("ptr x((((")));
    let chain: String = (0..20_000).map(|index| format!("%t{index} = type {{ i8, %t{} }}\n", index + 1)).collect();
    read_fast("named types", &format!("{chain}@g = global %t0 zeroinitializer\n"));
    let wide: String = (0..20_000).map(|index| format!("%t{index} = type {{ %t{0}, %t{0} }}\n", index + 1)).collect();
    read_fast("wide types", &format!("{wide}@g = global %t0 zeroinitializer\n"));
    let aliases: String = (0..20_000).map(|index| format!("@a{index} = alias i8, ptr @a{}\n", index + 1)).collect();
    read_fast("aliases", &aliases);
    let inlined: String = (1..20_000)
        .map(|index| format!("!{index} = !DILocation(line: 1, scope: !{index}, inlinedAt: !{})\n", index + 1))
        .collect();
    read_fast("inlining", &format!("define void @f() {{\n  ret void, !dbg !1\n}}\n{inlined}"));
    let scopes: String =
        (1..20_000).map(|index| format!("!{index} = !DILexicalBlock(scope: !{})\n", index + 1)).collect();
    read_fast(
        "scopes",
        &format!("define void @f() {{\n  ret void, !dbg !0\n}}\n!0 = !DILocation(scope: !1)\n{scopes}"),
    );
    let pointers: String = (2..20_000)
        .map(|index| format!("!{index} = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !{})\n", index + 1))
        .collect();
    let code = "define void @f(ptr %0) {\n    #dbg_value(ptr %0, !1, !DIExpression(), !0)\n  ret void\n}\n";
    read_fast("source types", &format!("{code}!1 = !DILocalVariable(name: \"a\", arg: 1, type: !2)\n{pointers}"));
}

#[test]
fn a_short_text_cannot_ask_for_much() {
    let _alone = ONE_AT_A_TIME.lock();
    read_fast("array", "@g = global { [99999999999 x i8], i8 } { [99999999999 x i8] zeroinitializer, i8 1 }\n");
    read_fast("splat", "@g = global <4000000000 x i8> splat (i8 1)\n");
    let large = "@g = global { [1000000 x i8], i8 } { [1000000 x i8] zeroinitializer, i8 1 }\n";
    let several: String = (0..2000).map(|index| large.replace("@g", &format!("@g{index}"))).collect();
    read_fast("arrays", &several);
    read_fast(
        "numbers",
        "define void @f() {\n  %4294967295 = add i32 %99999999, 1\n4000000000:\n  ret void\n}\n!4294967295 = !{}\n",
    );
    let labels: String = (0..50_000).map(|index| format!("{}:\n", 50_000_000 - index)).collect();
    read_fast("labels", &format!("define void @f() {{\n{labels}}}\n"));
    let functions: String = (0..5000)
        .map(|index| format!("define void @f{index}() {{\n  %99999 = add i32 1, 1\n9999:\n  ret void\n}}\n"))
        .collect();
    read_fast("numbers in functions", &functions);
    let geps = "  %a = getelementptr %w, ptr %p, i64 0, i32 9999\n".repeat(20_000);
    let fields = "i8, ".repeat(10_000);
    read_fast("fields", &format!("%w = type {{ {fields}i8 }}\ndefine void @f(ptr %p) {{\n{geps}  ret void\n}}\n"));
    let cases = "    i32 1, label %0\n".repeat(200_000);
    let reading = read_fast("cases", &format!("define void @f() {{\n  switch i32 5, label %0 [\n{cases}  ]\n}}\n"));
    assert_eq!(reading.not_understood, []);
}

#[test]
fn a_long_function_is_read_in_well_under_a_second() {
    let _alone = ONE_AT_A_TIME.lock();
    let mut code = String::from("define i32 @f(i32 %0) {\n");
    for line in 2..50_000 {
        code += &format!("  %{line} = add nsw i32 %{}, 1, !dbg !5\n", if line == 2 { 0 } else { line - 1 });
    }
    code += "  ret i32 %49999\n}\n!5 = !DILocation(line: 1, scope: !6)\n!6 = distinct !DISubprogram(name: \"f\")\n";
    let start = Instant::now();
    let reading = read_hostile(code.as_bytes());
    assert_eq!(reading.not_understood, []);
    assert_eq!(reading.module.functions[0].blocks[0].instructions.len(), 49_998);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// A line of the text that a random place is in, with its newline.
fn line(text: &[u8], numbers: &mut Numbers) -> (usize, usize) {
    let at = numbers.below(text.len());
    let start = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline + 1);
    (start, end)
}

/// A word of the text near a random place.
fn word(text: &[u8], numbers: &mut Numbers) -> (usize, usize) {
    let at = numbers.below(text.len());
    let is_word = |byte: &u8| !b" \n,()[]{}".contains(byte);
    let start = text[at..].iter().position(is_word).map_or(text.len(), |skipped| at + skipped);
    let end = text[start..].iter().position(|byte| !is_word(byte)).map_or(text.len(), |length| start + length);
    (start, end)
}

fn mutate(text: &[u8], others: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=numbers.below(12) {
        let (start, end) = line(&text, numbers);
        let (from, to) = word(&text, numbers);
        let at = numbers.below(text.len());
        match numbers.below(10) {
            0 if numbers.below(4) == 0 => text.truncate(at),
            1 if at < text.len() => text[at] ^= 1 << numbers.below(8),
            2 => drop(text.drain(start..end)),
            3 => {
                let copy = text[start..end].to_vec();
                text.splice(start..start, copy);
            }
            4 => {
                let moved: Vec<u8> = text.drain(start..end).collect();
                let (to, _) = line(&text, numbers);
                text.splice(to..to, moved);
            }
            5 => {
                let other = &others[numbers.below(others.len())];
                let (start, end) = line(other, numbers);
                text.splice(at..at, other[start..end].iter().copied());
            }
            6 | 7 => {
                let (other_from, other_to) = word(&text, numbers);
                let other = text[other_from..other_to].to_vec();
                text.splice(from..to, other);
            }
            8 => drop(text.drain(from..to)),
            _ => {
                // Numbers are where readers go wrong: one digit becomes many.
                if let Some(digit) = text[at..].iter().position(u8::is_ascii_digit) {
                    let digits = vec![b'9'; 1 + numbers.below(20)];
                    text.splice(at + digit..=at + digit, digits);
                }
            }
        }
    }
    text
}

/// The files, and pieces of them that begin with some functions: short texts get more of the damage.
fn corpus_pieces() -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for name in corpus::FILES {
        let text = corpus::text(name);
        let starts: Vec<usize> = memchr::memmem::find_iter(&text, "\ndefine ").collect();
        for start in starts.iter().step_by(3) {
            let end = memchr::memmem::find(&text[*start..], b"\n}\n").map_or(text.len(), |length| start + length + 3);
            let head = &text[..text.len().min(3000)];
            pieces.push([head, &text[*start..end]].concat());
        }
        pieces.push(text);
    }
    pieces
}

/// Where a text that the reader failed on is kept.
fn keep(text: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ir-that-failed.ll");
    std::fs::write(&path, text).expect("cargo's own folder can be written");
    path
}

/// A text that is being read, with when that began. One that takes a minute ends the test: it would never end itself.
fn watched() -> Arc<Mutex<(Instant, Vec<u8>)>> {
    let current = Arc::new(Mutex::new((Instant::now(), Vec::new())));
    let seen = Arc::clone(&current);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(5));
            let (start, text) = &*seen.lock().expect("its other user only writes");
            if Duration::from_secs(60) < start.elapsed() && !text.is_empty() {
                // The test itself cannot end any more, so nobody would print what it says.
                std::fs::write("/dev/stderr", format!("a text takes too long: {}", keep(text).display())).ok();
                std::process::abort();
            }
        }
    });
    current
}

#[test]
fn damaged_texts_are_read_as_far_as_they_are_sound() {
    let _alone = ONE_AT_A_TIME.lock();
    let seconds = std::env::var("STANCH_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    for name in corpus::FILES {
        let whole = read(&corpus::text(name), &|_| false);
        assert_eq!(well_formed::check(&whole.module, Order::Checked), Ok(()), "{name}");
    }
    let pieces = corpus_pieces();
    let current = watched();
    let mut numbers = Numbers(1);
    let (start, mut count, mut functions) = (Instant::now(), 0_u64, 0_usize);
    while start.elapsed() < Duration::from_secs(seconds) {
        let whole = &pieces[numbers.below(pieces.len())];
        let damaged = mutate(whole, &pieces, &mut numbers);
        *current.lock().expect("its other user only reads") = (Instant::now(), damaged.clone());
        let result = std::panic::catch_unwind(|| {
            read_hostile(&damaged).module.functions.iter().filter(|function| function.is_defined()).count()
        });
        let Ok(defined) = result else {
            panic!("text {count} failed and lies in {}", keep(&damaged).display());
        };
        (count, functions) = (count + 1, functions + defined);
    }
    current.lock().expect("its other user only reads").1.clear();
    assert!(
        100 < count && count < functions as u64 * 2,
        "{functions} functions in {count} texts: too few to learn from"
    );
}
