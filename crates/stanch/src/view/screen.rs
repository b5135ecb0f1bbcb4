//! The whole screen: views by name, the open one, and which keys there are.
use super::model::Model;
use super::paint::Paint;
use super::state::{State, Tab};
use super::text::fit;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use std::time::Duration;

/// The smallest window in which something can be read.
const LEAST: (u16, u16) = (40, 8);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &mut State, model: &Model, paint: Paint) {
    let area = frame.area();
    if is_too_small(area) {
        return say_too_small(frame);
    }
    let [above, body, below] = parts(area);
    frame.render_widget(tabs(state.tab, &model.file, usize::from(area.width), paint), above);
    match (&mut state.page, state.tab) {
        (Some(page), _) => page.draw(frame, body, model, paint),
        (None, Tab::Findings) => state.findings.draw(frame, body, model, paint),
        (None, Tab::Stacks) => state.stacks.draw(frame, body, model, state.lens, paint),
        (None, Tab::Flame) => state.flame.draw(frame, body, model, state.lens, paint),
        (None, Tab::Timeline) => state.timeline.draw(frame, body, model, paint),
    }
    let footer = footer(state);
    frame.render_widget(Line::styled(fit(&footer, usize::from(area.width)), paint.faint()), below);
}

/// What is seen while the file is read.
pub(super) fn draw_loading(frame: &mut Frame<'_>, file: &str, waited: Duration) {
    let text = format!("reading {file} and naming its stacks: {} s\n\nq quits", waited.as_secs());
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
}

fn is_too_small(area: Rect) -> bool {
    area.width < LEAST.0 || area.height < LEAST.1
}

fn say_too_small(frame: &mut Frame<'_>) {
    let Rect { width, height, .. } = frame.area();
    let text = format!("{width}x{height} is too small: make the window at least {}x{}; q quits", LEAST.0, LEAST.1);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
}

fn parts(area: Rect) -> [Rect; 3] {
    let above = Rect { height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    [above, body, Rect { y: area.y + area.height - 1, height: 1, ..area }]
}

/// `1 findings [2 stacks] 3 flame 4 timeline  FILE`
fn tabs<'a>(open: Tab, file: &str, width: usize, paint: Paint) -> Line<'a> {
    let mut spans = Vec::new();
    let mut taken = 0;
    for (number, tab) in (1..).zip(Tab::ALL) {
        let (text, style) = match tab == open {
            true => (format!("[{number} {}]", tab.title()), paint.strong()),
            false => (format!(" {number} {} ", tab.title()), Style::new()),
        };
        taken += text.len();
        spans.push(Span::styled(text, style));
    }
    spans.push(Span::styled(fit(&format!("  {file}"), width.saturating_sub(taken)), paint.faint()));
    Line::from(spans)
}

fn footer(state: &State) -> String {
    if state.page.is_some() {
        return "Esc back  j k scroll  ? help".to_owned();
    }
    match state.tab {
        Tab::Findings => state
            .findings
            .prompt()
            .unwrap_or_else(|| "? help  q quit  Enter open  s sort  f filter  / search  i not seen".to_owned()),
        Tab::Stacks => "? help  q quit  Enter open/close  r turn round  w weight".to_owned(),
        Tab::Flame => "? help  q quit  Enter zoom  Backspace out  w weight  r turn round".to_owned(),
        Tab::Timeline => "? help  q quit  Enter open  j k choose  w curve".to_owned(),
    }
}
