//! Does the same with many programs, a few at a time.
use crate::program::Program;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const WORKER_COUNT: usize = 2;

/// The answers in the order of the programs.
pub(crate) fn each<Answer: Send>(programs: &[Program], ask: fn(&Program) -> Answer) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKER_COUNT {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(program) = programs.get(index) else { break };
                    let answer = ask(program);
                    answers.lock().expect("nothing panics while it holds the lock").push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().expect("nothing panics while it holds the lock");
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
