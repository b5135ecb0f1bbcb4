//! `stanch view`: a recording on the terminal.
//!
//! A thread reads the file while the terminal already answers. What was read is a [`model::Model`] and never changes;
//! what keys change is a [`state::State`], which knows no terminal. Each view draws only what is visible.
mod findings;
mod flame;
mod history;
mod keys;
mod list;
mod model;
mod page;
mod paint;
#[cfg(test)]
mod samples;
mod screen;
mod stacks;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod timeline;
mod tree;

use crate::args::{Format, OutputArgs, ViewArgs};
use crate::exit::Exit;
use crate::settings::{OutputPlan, Settings, variable};
use crate::{VerbResult, input, output, progress};
use anyhow::{Context, Result, bail};
use model::Model;
use paint::Paint;
use state::{End, State};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};
use terminal::{Input, Terminal};

/// Most files are read in less; then nothing flickers, and errors come without a screen.
const SOON: Duration = Duration::from_millis(200);

pub(crate) fn view(args: &ViewArgs) -> VerbResult {
    check_terminal()?;
    let plan = plan(args)?;
    plan.tell_notes();
    let paint = Paint { coloured: plan.is_coloured(true) };
    let file = args.file.display().to_string();
    let loading = load(args.file.clone(), plan);
    let early = match loading.recv_timeout(SOON) {
        Ok(model) => Some(model?),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => bail!("cannot read `{file}`: the reader failed"),
    };
    let mut terminal = Terminal::open(paint.coloured).context("cannot use the terminal")?;
    let model = match early {
        Some(model) => model,
        None => match wait(&mut terminal, &loading, &file)? {
            Ok(model) => model,
            Err(exit) => return Ok(exit),
        },
    };
    show(&mut terminal, &model, paint)
}

fn check_terminal() -> Result<()> {
    let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
    if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = if is_dumb { "this terminal (TERM=dumb) has no screen" } else { "this is not a terminal" };
        bail!("cannot view: {what}\nhint: `stanch report FILE` writes text; `--all` shows all findings");
    }
    Ok(())
}

/// Everything is looked at, whatever reports leave out.
fn plan(args: &ViewArgs) -> Result<OutputPlan> {
    Settings::load()?.output(&OutputArgs {
        format: Some(Format::Text),
        output: None,
        fail_on: None,
        suppressions: args.suppressions.clone(),
        show_reachable: true,
        all: true,
        color: args.color,
        redact: false,
    })
}

fn load(path: PathBuf, plan: OutputPlan) -> Receiver<Result<Model>> {
    progress::hush();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let model = input::read(&path).map(|recording| {
            let reports = output::reports(&recording, &plan);
            Model::new(&path.to_string_lossy(), recording, reports, plan.base_folder)
        });
        // Whoever waited may have left.
        let _ = sender.send(model);
    });
    receiver
}

/// Says what is going on until the file is read, or until somebody has waited enough.
fn wait(terminal: &mut Terminal, loading: &Receiver<Result<Model>>, file: &str) -> Result<Result<Model, Exit>> {
    let file = text::clean(file);
    let start = Instant::now();
    loop {
        match loading.try_recv() {
            Ok(model) => return model.map(Ok),
            Err(TryRecvError::Disconnected) => bail!("cannot read `{file}`: the reader failed"),
            Err(TryRecvError::Empty) => {}
        }
        terminal.draw(|frame| screen::draw_loading(frame, &file, start.elapsed()))?;
        match terminal.next()? {
            Input::Signal(exit) => return Ok(Err(exit)),
            Input::Key(key) => match keys::action(key, false) {
                Some(keys::Action::Quit) => return Ok(Err(Exit::Clean)),
                Some(keys::Action::Interrupt) => return Ok(Err(terminal::INTERRUPTED)),
                _ => {}
            },
            Input::Resized | Input::Nothing => {}
        }
    }
}

/// Draws after each burst of keys, until one of them says that this is the end.
fn show(terminal: &mut Terminal, model: &Model, paint: Paint) -> VerbResult {
    let mut state = State::new(model);
    loop {
        terminal.draw(|frame| screen::draw(frame, &mut state, model, paint))?;
        loop {
            match terminal.next()? {
                Input::Signal(exit) => return Ok(exit),
                Input::Key(key) => {
                    let action = keys::action(key, state.is_typing());
                    match action.and_then(|action| state.apply(action, model)) {
                        Some(End::Quit) => return Ok(Exit::Clean),
                        Some(End::Interrupt) => return Ok(terminal::INTERRUPTED),
                        None => {}
                    }
                }
                Input::Resized => {}
                Input::Nothing => continue,
            }
            if !terminal.has_more()? {
                break;
            }
        }
    }
}
