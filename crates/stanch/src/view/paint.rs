//! Colours and emphasis. They repeat what the text says, so that nothing is lost without them.
use ratatui::style::{Color, Modifier, Style};
use stanch_report::kinds::Severity;

/// How things are painted here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    /// False with NO_COLOR and the like; emphasis stays.
    pub(super) coloured: bool,
}

/// Backgrounds of neighbouring boxes.
const WARM: [Color; 5] = [Color::Yellow, Color::LightYellow, Color::LightRed, Color::Red, Color::LightMagenta];

impl Paint {
    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The line or box that keys act on.
    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn severity(self, severity: Severity) -> Style {
        match (self.coloured, severity) {
            (true, Severity::Error) => self.strong().fg(Color::Red),
            (true, Severity::Warning) => Style::new().fg(Color::Yellow),
            (false, Severity::Error) => self.strong(),
            _ => Style::new(),
        }
    }

    /// A box of the flame graph; the same name has the same colour everywhere.
    pub(super) fn block(self, name: usize) -> Style {
        match self.coloured {
            true => Style::new().fg(Color::Black).bg(WARM[name % WARM.len()]),
            false => Style::new(),
        }
    }
}
