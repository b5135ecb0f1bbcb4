//! The engine against its twin: random small programs, executed on every input, must lose what the engine says is lost,
//! and nothing else.
//!
//! `STANCH_TWIN_SEED` and `STANCH_TWIN_PROGRAMS` choose other programs than the usual ones.
mod generate;
mod interpret;
mod random;

use random::Random;
use stanch_static::engine::{self, Limits};
use stanch_static::ir::{Module, text, verify};
use stanch_static::models::Models;
use stanch_static::rules;
use std::collections::BTreeSet;

/// What the two functions do that generated programs allocate and release with.
const MODELS: &str = r#"
[[family]]
name = "twin"
releaser = "release"
[[function]]
names = ["allocate"]
outcomes = [{ returns = "new(twin, size = arg0)" }]
[[function]]
names = ["release"]
outcomes = [{ effects = ["release(arg0, twin)"] }]
"#;

#[test]
fn engine_and_twin_agree_on_random_programs() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (seed, count) = (number("STANCH_TWIN_SEED", 1), number("STANCH_TWIN_PROGRAMS", 120));
    let mut models = Models::default();
    models.add("twin.toml", MODELS).unwrap();
    let (mut compared, mut with_loss) = (0, 0);
    for at in 0..count {
        let program = generate::program(&mut Random::new(seed.wrapping_mul(1_000_003).wrapping_add(at)));
        assert_eq!(verify(&program), Vec::<String>::new(), "program {at} of seed {seed} is wrong");
        assert_eq!(text::parse(&program.to_string()).as_ref(), Ok(&program), "program {at} of seed {seed} as text");
        let (lost, is_exhaustive) = interpret::lost_lines(&program);
        let analysis = engine::run(&program, &models, Limits::default());
        let said = said_lines(&program, &models, &analysis);
        let name = || format!("program {at} of seed {seed}:\n{program}");
        if analysis.counts.is_complete() {
            let missed: Vec<_> = lost.rings.iter().filter(|ring| ring.is_disjoint(&said)).collect();
            assert!(missed.is_empty(), "lines {missed:?} are lost and not said, {}", name());
        }
        if is_exhaustive {
            let wrong: Vec<_> = said.difference(&lost.all).collect();
            assert!(wrong.is_empty(), "lines {wrong:?} are said to be lost and are not, {}", name());
            compared += 1;
            with_loss += usize::from(!lost.all.is_empty());
        }
    }
    assert!(compared * 2 > count as usize, "only {compared} of {count} programs could be compared");
    assert!(with_loss * 10 > compared, "only {with_loss} of {compared} programs lose something");
    assert!(with_loss * 10 < compared * 9, "{with_loss} of {compared} programs lose something");
}

/// Lines of the calls that allocate what is said to be lost.
fn said_lines(program: &Module, models: &Models, analysis: &engine::Analysis) -> BTreeSet<u32> {
    let findings = rules::findings(program, models, analysis);
    let lost = findings.iter().filter(|finding| finding.kind == stanch_finding::Kind::LostOnPath);
    lost.filter_map(|finding| finding.site.stack.first()?.line).collect()
}
