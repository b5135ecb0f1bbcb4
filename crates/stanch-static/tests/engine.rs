//! What the engine says of small programs in text form: which rule, at which line of allocation.
use stanch_static::engine::{self, Limits};
use stanch_static::ir::{link, text, verify};
use stanch_static::models::Models;
use stanch_static::rules;

/// Declarations that come first in every program: `f0` to `f4`.
const HEAD: &str = r#"
module "a.c"
file "a.c"
location 0:1:1
location 0:2:1
location 0:3:1
location 0:4:1
function "malloc" (i64) -> ptr
function "free" (ptr) -> void
function "realloc" (ptr, i64) -> ptr
function "unknown" (ptr) -> void
function "input" () -> i32
"#;

/// Rule and line of every finding of a program whose functions follow [`HEAD`].
fn check(body: &str, expected: &[(&str, u32)]) {
    let module = text::parse(&format!("{HEAD}{body}")).unwrap();
    assert_eq!(verify(&module), Vec::<String>::new());
    let program = link(vec![module]);
    let models = Models::built_in().unwrap();
    let analysis = engine::run(&program, &models, Limits::default());
    let findings = rules::findings(&program, &models, &analysis);
    let line = |finding: &stanch_finding::Finding| finding.site.stack[0].line.unwrap_or(0);
    let found: Vec<(String, u32)> = findings.iter().map(|one| (one.rule.clone(), line(one))).collect();
    let expected: Vec<(String, u32)> = expected.iter().map(|(rule, line)| ((*rule).to_owned(), *line)).collect();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn a_released_block_is_not_lost() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        call f1(ptr %0) -> void
        return i32 0
        }"#,
        &[],
    );
}

#[test]
fn a_result_that_nobody_keeps_is_lost_at_once() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        return i32 0
        }"#,
        &[("leak/result-unused", 1)],
    );
}

#[test]
fn a_variable_that_is_overwritten_loses_its_block() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = slot 8 x 1
        %1: ptr = call f0(i64 8) -> ptr !1
        store ptr %1 to %0
        %2: ptr = call f0(i64 8) -> ptr !2
        store ptr %2 to %0
        %3: ptr = load ptr %0
        call f1(ptr %3) -> void
        return i32 0
        }"#,
        &[("leak/overwritten", 1)],
    );
}

#[test]
fn an_error_path_loses_what_was_allocated_before() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = slot 8 x 1
        %1: ptr = slot 8 x 1
        %2: ptr = call f0(i64 8) -> ptr !1
        store ptr %2 to %0
        %3: ptr = call f0(i64 8) -> ptr !2
        store ptr %3 to %1
        %4: ptr = load ptr %1
        %5: i1 = eq ptr %4, zero
        branch %5 1 2
        block
        return i32 1
        block
        %6: ptr = load ptr %0
        call f1(ptr %6) -> void
        %7: ptr = load ptr %1
        call f1(ptr %7) -> void
        return i32 0
        }"#,
        &[("leak/lost-on-error-path", 1)],
    );
}

#[test]
fn realloc_over_the_only_pointer_loses_the_old_block() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = slot 8 x 1
        %1: ptr = call f0(i64 8) -> ptr !1
        store ptr %1 to %0
        %2: ptr = load ptr %0
        %3: ptr = call f2(ptr %2, i64 16) -> ptr !2
        store ptr %3 to %0
        %4: ptr = load ptr %0
        call f1(ptr %4) -> void
        return i32 0
        }"#,
        &[("leak/realloc-overwrites-only-pointer", 1)],
    );
}

#[test]
fn what_a_released_block_held_is_lost() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        %1: ptr = call f0(i64 8) -> ptr !2
        store ptr %1 to %0
        call f1(ptr %0) -> void !3
        return i32 0
        }"#,
        &[("leak/owner-released-first", 2)],
    );
}

#[test]
fn correlated_branches_have_one_truth() {
    let twice = |second: &str| {
        format!(
            r#"function "main" () -> i32 {{
        block
        %0: ptr = slot 8 x 1
        store ptr zero to %0
        %1: i32 = call f4() -> i32
        %2: i1 = sgt i32 %1, 3
        branch %2 1 2
        block
        %3: ptr = call f0(i64 8) -> ptr !1
        store ptr %3 to %0
        goto 2
        block
        %4: i1 = {second}
        branch %4 3 4
        block
        %5: ptr = load ptr %0
        call f1(ptr %5) -> void
        goto 4
        block
        return i32 0
        }}"#
        )
    };
    check(&twice("sgt i32 %1, 3"), &[]);
    check(&twice("slt i32 3, %1"), &[]);
    check(&twice("sge i32 %1, 4"), &[]);
    check(&twice("sgt i32 %1, 4"), &[("leak/lost-on-path", 1)]);
}

#[test]
fn a_block_given_to_unknown_code_is_nobodys_loss() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        call f3(ptr %0) -> void
        return i32 0
        }"#,
        &[],
    );
}

#[test]
fn a_global_that_holds_a_block_to_the_end_is_its_own_rule() {
    check(
        r#"global "holder" size 8 {}
        function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        store ptr %0 to g0
        return i32 0
        }"#,
        &[("leak/held-to-exit", 1)],
    );
}

#[test]
fn wrong_releases_and_uses_are_said() {
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        call f1(ptr %0) -> void !2
        call f1(ptr %0) -> void !3
        return i32 0
        }"#,
        &[("memory/double-release", 1)],
    );
    check(
        r#"function "main" () -> i32 {
        block
        %0: ptr = call f0(i64 8) -> ptr !1
        call f1(ptr %0) -> void !2
        %1: i32 = load i32 %0 !3
        return i32 0
        }"#,
        &[("memory/use-after-release", 1)],
    );
}

#[test]
fn a_library_function_may_give_its_block_to_the_caller() {
    check(
        r#"function "make" (ptr) -> i32 {
        block
        %1: ptr = call f0(i64 8) -> ptr !1
        store ptr %1 to %0
        return i32 0
        }
        function "forget" () -> i32 {
        block
        %0: ptr = slot 8 x 1
        %1: i32 = call f5(ptr %0) -> i32 !2
        return i32 0
        }"#,
        &[("leak/lost-on-path", 1)],
    );
}

#[test]
fn lists_of_known_length_are_followed_to_their_end() {
    let list = |release: &str| {
        format!(
            r#"function "main" () -> i32 {{
        block
        %0: ptr = slot 8 x 1
        %1: ptr = slot 4 x 1
        store ptr zero to %0
        store i32 0 to %1
        goto 1
        block
        %2: i32 = load i32 %1
        %3: i1 = slt i32 %2, 50
        branch %3 2 3
        block
        %4: ptr = call f0(i64 16) -> ptr !1
        %5: ptr = load ptr %0
        store ptr %5 to %4
        store ptr %4 to %0
        %6: i32 = add i32 %2, 1
        store i32 %6 to %1
        goto 1
        block
        %7: ptr = load ptr %0
        %8: i1 = ne ptr %7, zero
        branch %8 4 5
        block
        %9: ptr = load ptr %7
        store ptr %9 to %0
        {release}
        goto 3
        block
        return i32 0
        }}"#
        )
    };
    check(&list("call f1(ptr %7) -> void"), &[]);
    check(&list("assume 1"), &[("leak/overwritten", 1)]);
}
