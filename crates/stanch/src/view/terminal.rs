//! The terminal: taken over, read from, and given back however this ends.
use crate::exit::Exit;
use ratatui::crossterm::event::{self, Event, KeyEvent};
use ratatui::crossterm::style::force_color_output;
use ratatui::{DefaultTerminal, Frame};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
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
        if !self.has_more()? && !is_gone(TICK)? && !self.has_more()? {
            return Ok(Input::Nothing);
        }
        if is_gone(Duration::ZERO)? {
            return Ok(Input::Signal(Exit::Program(128 + SIGHUP as u8)));
        }
        Ok(match event::read()? {
            Event::Key(key) => Input::Key(key),
            Event::Resize(..) => Input::Resized,
            _ => Input::Nothing,
        })
    }

    /// True where more has happened already.
    pub(super) fn has_more(&self) -> io::Result<bool> {
        // Of a terminal that is gone crossterm would read without end.
        Ok(!is_gone(Duration::ZERO)? && event::poll(Duration::ZERO)?)
    }
}

/// True where the terminal has gone away. Waits for input, for a signal, or for so long.
fn is_gone(patience: Duration) -> io::Result<bool> {
    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
    match rustix::event::poll(&mut watched, Some(&patience)) {
        Ok(_) => Ok(watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}
