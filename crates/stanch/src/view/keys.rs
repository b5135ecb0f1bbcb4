//! Which key does what.
use super::list::Motion;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What can be asked of the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Move(Motion),
    /// To the neighbour, or closing and opening.
    Left,
    Right,
    /// The view with this number from 0.
    Tab(usize),
    NextTab,
    PreviousTab,
    Open,
    Back,
    Quit,
    Interrupt,
    Search,
    SearchNext,
    SearchPrevious,
    Sort,
    Filter,
    Reverse,
    Weight,
    WeightBack,
    Help,
    Notes,
    /// While a search is typed.
    Type(char),
    Erase,
    Accept,
    Cancel,
}

/// What a key asks for; while a search is typed, letters are letters.
pub(super) fn action(key: KeyEvent, is_typing: bool) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return with_control(key.code);
    }
    if is_typing { typed(key.code) } else { plain(key.code) }
}

fn with_control(code: KeyCode) -> Option<Action> {
    let KeyCode::Char(letter) = code else { return None };
    Some(match letter.to_ascii_lowercase() {
        'c' => Action::Interrupt,
        'd' => Action::Move(Motion::HalfDown),
        'u' => Action::Move(Motion::HalfUp),
        'f' => Action::Move(Motion::PageDown),
        'b' => Action::Move(Motion::PageUp),
        // What some terminals send for Backspace.
        'h' => Action::Back,
        _ => return None,
    })
}

fn typed(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char(letter) => Action::Type(letter),
        KeyCode::Backspace => Action::Erase,
        KeyCode::Enter => Action::Accept,
        KeyCode::Esc => Action::Cancel,
        _ => return None,
    })
}

fn plain(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Up | KeyCode::Char('k') => Action::Move(Motion::Up),
        KeyCode::Down | KeyCode::Char('j') => Action::Move(Motion::Down),
        KeyCode::PageUp => Action::Move(Motion::PageUp),
        KeyCode::PageDown => Action::Move(Motion::PageDown),
        KeyCode::Home | KeyCode::Char('g') => Action::Move(Motion::First),
        KeyCode::End | KeyCode::Char('G') => Action::Move(Motion::Last),
        KeyCode::Left | KeyCode::Char('H') => Action::Left,
        KeyCode::Right | KeyCode::Char('L') => Action::Right,
        KeyCode::Char(digit @ '1'..='4') => Action::Tab(digit as usize - '1' as usize),
        KeyCode::Tab | KeyCode::Char('l') => Action::NextTab,
        KeyCode::BackTab | KeyCode::Char('h') => Action::PreviousTab,
        KeyCode::Enter | KeyCode::Char(' ') => Action::Open,
        KeyCode::Esc | KeyCode::Backspace => Action::Back,
        KeyCode::Char('q') => Action::Quit,
        KeyCode::Char('/') => Action::Search,
        KeyCode::Char('n') => Action::SearchNext,
        KeyCode::Char('N') => Action::SearchPrevious,
        KeyCode::Char('s') => Action::Sort,
        KeyCode::Char('f') => Action::Filter,
        KeyCode::Char('r') => Action::Reverse,
        KeyCode::Char('w') => Action::Weight,
        KeyCode::Char('W') => Action::WeightBack,
        KeyCode::Char('?') | KeyCode::F(1) => Action::Help,
        KeyCode::Char('i') => Action::Notes,
        _ => return None,
    })
}

/// The page behind `?`.
pub(super) const HELP: &str = "\
everywhere
  1 2 3 4, Tab, h l    findings, stacks, flame, timeline
  j k, arrows          down, up; Ctrl-d Ctrl-u half a page, PgDn PgUp a page
  g G                  first, last
  Enter                open; Esc or q closes again
  i                    what could not be seen, and what was suppressed
  q, Ctrl-C            quit

findings
  s                    sort by severity, bytes, blocks, place
  f                    one kind of finding after the other; Esc shows all again
  / n N                search names, files, owners, kinds; next, previous match

stacks
  Enter, right, left   open, close a function (or L, H)
  r                    from the outermost callers inwards, or from the innermost
                       functions to their callers

flame
  Enter, Backspace     zoom in, out
  right, left          the neighbours of a box (or L, H)
  r                    the other way round

stacks and flame
  w W                  next, previous weight: lost, possibly lost, live, allocated,
                       peak, temporary, in bytes or blocks

timeline
  Enter                all about a process and its snapshots
  w W                  live memory, resident memory, live blocks over time
";

#[cfg(test)]
mod tests {
    use super::{Action, Motion, action};
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    #[test]
    fn keys_of_vim_and_arrows_mean_the_same() {
        let press = |code| action(KeyEvent::new(code, KeyModifiers::NONE), false);
        for (letter, key) in [('j', KeyCode::Down), ('k', KeyCode::Up), ('g', KeyCode::Home), ('G', KeyCode::End)] {
            assert_eq!(press(KeyCode::Char(letter)), press(key));
        }
        assert_eq!(press(KeyCode::Char('3')), Some(Action::Tab(2)));
        assert_eq!(press(KeyCode::Char('5')), None);
    }

    #[test]
    fn letters_are_letters_while_a_search_is_typed() {
        let press = |code, modifiers| action(KeyEvent::new(code, modifiers), true);
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Some(Action::Type('q')));
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Action::Interrupt));
        assert_eq!(press(KeyCode::Char('d'), KeyModifiers::CONTROL), Some(Action::Move(Motion::HalfDown)));
    }
}
