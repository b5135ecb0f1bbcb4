//! The terminal: taken over, read from, and given back however this ends.
use crate::exit::Exit;
use ratatui::crossterm::event::{self, Event, KeyEvent};
use ratatui::crossterm::style::force_color_output;
use ratatui::{DefaultTerminal, Frame};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How Ctrl-C ends: as a shell calls a program that SIGINT ended.
pub(super) const INTERRUPTED: Exit = Exit::Program(128 + SIGINT as u8);

/// How long a signal may go unseen.
const TICK: Duration = Duration::from_millis(100);

/// What happened.
pub(super) enum Input {
    Key(KeyEvent),
    Resized,
    /// The process was asked to end.
    Signal(Exit),
    Nothing,
}

/// The terminal while it is ours: an alternate screen, without echo. Dropping it gives it back, and so does a panic,
/// before its message is printed.
pub(super) struct Terminal {
    inner: DefaultTerminal,
    /// The last signal that asked for an end; 0 for none.
    signal: Arc<AtomicUsize>,
}

impl Terminal {
    pub(super) fn open(coloured: bool) -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        force_color_output(coloured);
        Ok(Self { inner: ratatui::try_init().inspect_err(|_| ratatui::restore())?, signal })
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.inner.draw(draw).map(|_| ())
    }

    /// The next thing that happens, or nothing for a while.
    pub(super) fn next(&mut self) -> io::Result<Input> {
        let signal = self.signal.load(Ordering::Relaxed);
        if signal != 0 {
            return Ok(Input::Signal(Exit::Program((128 + signal) as u8)));
        }
        if !event::poll(TICK)? {
            return Ok(Input::Nothing);
        }
        Ok(match event::read()? {
            Event::Key(key) => Input::Key(key),
            Event::Resize(..) => Input::Resized,
            _ => Input::Nothing,
        })
    }

    /// True where more has happened already.
    pub(super) fn has_more(&self) -> io::Result<bool> {
        event::poll(Duration::ZERO)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
