//! The programs of `fixtures/static`: what they declare is true, and `stanch check` finds it.
//!
//! `program` reads what a program declares, `build` compiles its twins, `valgrind` holds them against the declaration,
//! `check` runs `stanch check` on them, `score` counts. `execute` runs commands with a time limit, `workers` many of
//! them at once. `fixtures/static/README.md` is about the programs.
#![forbid(unsafe_code)]

mod build;
mod check;
mod execute;
mod program;
mod score;
mod valgrind;
mod workers;

use program::Program;
use score::Score;

/// Without `STANCH_CORPUS=all` one program in so many is run under valgrind.
const SAMPLE: usize = 10;
const PROGRAMS_MIN: usize = 300;

#[test]
fn programs_do_what_they_declare() {
    let mut programs = program::read_all();
    if std::env::var_os("STANCH_CORPUS").is_none_or(|value| value != "all") {
        programs = programs.into_iter().step_by(SAMPLE).collect();
    }
    let wrong: Vec<String> = workers::each(&programs, valgrind::check).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {} programs\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures and what is wrong, shown with `--nocapture`")]
fn check_finds_what_they_declare() {
    let programs = program::read_all();
    let answers = workers::each(&programs, check::check);
    let score = Score::of(programs.iter().zip(&answers));
    println!("{score}");
    let breaches = score.breaches();
    assert!(breaches.is_empty(), "{}\n{score}", breaches.join("\n"));
}

#[test]
fn there_are_enough_and_a_third_is_spread_over_files() {
    let programs = program::read_all();
    let spread = programs.iter().filter(|program| program.sources.len() > 1).count();
    assert!(programs.len() >= PROGRAMS_MIN, "{} programs", programs.len());
    assert!(spread * 3 >= programs.len(), "{spread} of {} are of several files", programs.len());
}

#[test]
fn twins_differ_in_what_the_macro_guards_and_leaks_are_marked() {
    let is_twin = |program: &&Program| program.mentions_macro && !program.marks.is_empty();
    let strays: Vec<String> =
        program::read_all().iter().filter(|program| !is_twin(program)).map(|program| program.name.clone()).collect();
    assert!(strays.is_empty(), "without `BAD` or without a mark: {strays:?}");
}
