//! How far a step is that may take long: a bar on a terminal, a line a minute elsewhere, nothing where it is quick.
use crate::tell;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is quicker than this is not spoken of.
const QUIET: Duration = Duration::from_secs(1);
const BETWEEN_BARS: Duration = Duration::from_millis(200);
const BETWEEN_LINES: Duration = Duration::from_secs(60);
const BAR_WIDTH: u64 = 30;

/// The terminal belongs to somebody else, who says by himself what is under way.
static IS_HUSHED: AtomicBool = AtomicBool::new(false);

/// From now on nothing is told.
pub(crate) fn hush() {
    IS_HUSHED.store(true, Relaxed);
}

/// A step under way; it is over when this is dropped, and the bar goes with it.
pub(crate) struct Progress {
    state: Arc<State>,
    /// `None` once it is over.
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Default)]
struct State {
    done: AtomicU64,
    /// 0 while nobody knows.
    total: AtomicU64,
}

impl Progress {
    /// Begins a step, named so that it fits after "stanch: ".
    pub(crate) fn new(what: &'static str) -> Self {
        let state = Arc::new(State::default());
        let (sender, over) = channel();
        let shown = Arc::clone(&state);
        let thread = std::thread::spawn(move || tell_until(&over, what, &shown));
        Self { state, running: Some((sender, thread)) }
    }

    /// So much of so much is done.
    pub(crate) fn at(&self, done: u64, total: u64) {
        self.state.done.store(done, Relaxed);
        self.state.total.store(total, Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            // It prints and does not panic; were it to, the step itself would still be done.
            let _ = thread.join();
        }
    }
}

fn tell_until(over: &Receiver<()>, what: &str, state: &State) {
    let started = Instant::now();
    let is_terminal = io::stderr().is_terminal();
    let mut patience = if is_terminal { QUIET } else { BETWEEN_LINES };
    let mut is_drawn = false;
    while over.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        if IS_HUSHED.load(Relaxed) {
            continue;
        }
        let text = text(what, state.done.load(Relaxed), state.total.load(Relaxed), started.elapsed(), is_terminal);
        if is_terminal {
            patience = BETWEEN_BARS;
            is_drawn = true;
            draw(&text);
        } else {
            tell::note(&text);
        }
    }
    if is_drawn {
        draw("");
    }
}

/// Replaces the line that the cursor stands in.
fn draw(text: &str) {
    // Nobody to tell that nobody can be told.
    let _ = write!(io::stderr(), "\r\u{1b}[K{text}");
}

fn text(what: &str, done: u64, total: u64, elapsed: Duration, with_bar: bool) -> String {
    let mut text = what.to_owned();
    // Writing to a string does not fail.
    if total > 0 {
        let share = done.min(total) as f64 / total as f64;
        if with_bar {
            let filled = (share * BAR_WIDTH as f64) as usize;
            let _ = write!(text, " [{}{}]", "#".repeat(filled), ".".repeat(BAR_WIDTH as usize - filled));
        }
        let _ = write!(text, " {:.0} %", share * 100.0);
    }
    let _ = write!(text, ", {} s", elapsed.as_secs());
    text
}

#[cfg(test)]
mod tests {
    use super::text;
    use std::time::Duration;

    #[test]
    fn bars_and_lines() {
        let elapsed = Duration::from_secs(3);
        let bar = format!("loading [{}{}] 50 %, 3 s", "#".repeat(15), ".".repeat(15));
        assert_eq!(text("loading", 5, 10, elapsed, true), bar);
        assert_eq!(text("loading", 11, 10, elapsed, false), "loading 100 %, 3 s");
        assert_eq!(text("loading", 0, 0, elapsed, true), "loading, 3 s");
    }
}
