//! The processes of a recording over time, when their memory was looked at, and how it went in the selected one.
use super::history::{Curve, chart};
use super::keys::Action;
use super::list::Cursor;
use super::model::Model;
use super::paint::Paint;
use super::text::{clean, fit, pad};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use stanch_finding::{BlockCount, ByteCount};
use stanch_recording::{AllocatorFunction, Class, Process, Snapshot, SnapshotReason};
use stanch_report::numbers::{about_text, amount_text, bytes_text, duration_text, plural};
use std::time::Duration;

/// Lines of facts that stay below the chart.
const FACTS_MIN: usize = 4;

/// The list of processes.
#[derive(Debug, Default)]
pub(super) struct TimelineView {
    pub(super) cursor: Cursor,
    curve: Curve,
}

impl TimelineView {
    pub(super) fn apply(&mut self, action: Action, model: &Model) {
        match action {
            Action::Move(motion) => self.cursor.step(motion, model.recording.processes.len()),
            Action::Weight => self.curve = self.curve.stepped(1),
            Action::WeightBack => self.curve = self.curve.before(),
            _ => {}
        }
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, model: &Model, paint: Paint) {
        let processes = &model.recording.processes;
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        let end_ms = processes.iter().map(end_ms).max().unwrap_or(0);
        let count = plural(processes.len() as u64, "process", "processes");
        let mut lines = vec![Line::from(fit(
            &format!("{count} in {}; * snapshot; Enter: all about a process", duration_text(milliseconds(end_ms))),
            width,
        ))];
        let rows = processes.len().min(height.saturating_sub(2) / 3).max(1);
        for index in self.cursor.shown(processes.len(), rows) {
            let is_selected = index == self.cursor.selected;
            let style = if is_selected { paint.selected() } else { Style::new() };
            lines.push(Line::styled(row_text(&processes[index], end_ms, width, is_selected), style));
        }
        lines.push(Line::default());
        if let Some(process) = processes.get(self.cursor.selected).filter(|process| has_history(process)) {
            let chart = chart(process, self.curve, width, height.saturating_sub(lines.len() + FACTS_MIN));
            lines.extend(chart.into_iter().map(Line::from));
        }
        let facts = process_text(model, self.cursor.selected);
        lines.extend(facts.lines().map(|line| Line::from(fit(line, width))));
        lines.truncate(height);
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// Recordings of older versions and files of other tools have none.
fn has_history(process: &Process) -> bool {
    !process.history.points.is_empty()
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn end_ms(process: &Process) -> u64 {
    process.started_ms.saturating_add(process.duration_ms)
}

/// `> perl (1743)   ====*   `: from start to end on the axis of the whole recording.
fn row_text(process: &Process, end: u64, width: usize, is_selected: bool) -> String {
    let mark = if is_selected { "> " } else { "  " };
    let room = (width / 3).min(30);
    let head = format!("{mark}{} ", pad(&name(process), room));
    let columns = width.saturating_sub(room + 3);
    if columns == 0 {
        return fit(&head, width);
    }
    let at = |ms: u64| (u128::from(ms.min(end)) * (columns as u128 - 1) / u128::from(end.max(1))) as usize;
    let mut bar = vec![' '; columns];
    bar[at(process.started_ms)..=at(end_ms(process))].fill('=');
    for snapshot in &process.snapshots {
        bar[at(process.started_ms.saturating_add(snapshot.at_ms))] = '*';
    }
    head + &bar.iter().collect::<String>()
}

fn name(process: &Process) -> String {
    let command = process.command.first().unwrap_or(&process.executable);
    clean(&format!("{} {}", process.pid, command.rsplit('/').next().unwrap_or(command)))
}

/// All about a process: when it ran, what it allocated, and what each snapshot found.
pub(super) fn process_text(model: &Model, index: usize) -> String {
    let Some(process) = model.recording.processes.get(index) else { return "no process was recorded\n".to_owned() };
    let about = if process.sampling.is_some() { "about " } else { "" };
    let ending = model.reports.get(index).map_or("", |report| &report.subject.ending);
    let mut text = format!("process {}: {}\n", process.pid, clean(&process.command.join(" ")));
    text += &format!(
        "  started by {} at {}, {} after {}\n",
        process.parent_pid,
        duration_text(milliseconds(process.started_ms)),
        if ending.is_empty() { "last seen" } else { ending },
        duration_text(milliseconds(process.duration_ms)),
    );
    text += &format!(
        "  {about}{}, {about}{} in all; at most {about}{} at one time\n",
        plural(process.allocations, "allocation", "allocations"),
        bytes_text(ByteCount(process.allocated_bytes)),
        bytes_text(ByteCount(process.peak_bytes)),
    );
    if process.snapshots.is_empty() {
        text += "  no snapshot was taken\n";
    }
    for snapshot in process.snapshots.iter().rev() {
        text += &snapshot_text(snapshot, process.sampling.is_some());
    }
    text
}

fn snapshot_text(snapshot: &Snapshot, is_sampled: bool) -> String {
    let why = match snapshot.reason {
        SnapshotReason::Exit => "at the end",
        SnapshotReason::OnDemand => "on demand",
        SnapshotReason::Killed => "after it was killed",
        SnapshotReason::RecordingEnded => "when the recording ended",
    };
    let pause = match snapshot.pause_ns {
        0 => String::new(),
        pause => format!(", paused {:.3} ms", Duration::from_nanos(pause).as_secs_f64() * 1e3),
    };
    let words = if is_sampled { about_text } else { amount_text };
    let at = duration_text(milliseconds(snapshot.at_ms));
    let mut text = format!("  snapshot at {at}, {why}{pause}: {}\n", sum(snapshot, None, words));
    for (class, title) in [
        (Class::DefinitelyLost, "definitely lost"),
        (Class::IndirectlyLost, "indirectly lost"),
        (Class::PossiblyLost, "possibly lost"),
        (Class::StillReachable, "still reachable"),
    ] {
        if snapshot.groups.iter().any(|group| is_own(group) && group.class == class) {
            text += &format!("    {} {}\n", pad(title, 16), sum(snapshot, Some(class), words));
        }
    }
    text
}

/// What was inherited at a fork belongs to the parent.
fn is_own(group: &stanch_recording::Group) -> bool {
    group.allocator != AllocatorFunction::Inherited
}

/// What was live, or what of it was of one class.
fn sum(snapshot: &Snapshot, class: Option<Class>, words: fn(ByteCount, BlockCount) -> String) -> String {
    let groups = || {
        let groups = snapshot.groups.iter().filter(|group| is_own(group));
        groups.filter(move |group| class.is_none_or(|class| group.class == class))
    };
    let amount =
        words(groups().map(|group| ByteCount(group.bytes)).sum(), groups().map(|group| BlockCount(group.blocks)).sum());
    if class.is_none() { format!("{amount} live") } else { amount }
}
