//! The viewer without a terminal: keys in, screens out.
use super::keys::action;
use super::model::Model;
use super::paint::Paint;
use super::state::{End, State};
use super::tree::{Direction, Node, measures};
use super::{samples, screen};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use stanch_report::stacks::{Measure, ProcessStacks, Unit, Weight};
use std::collections::BTreeMap;

/// A viewer with a window of its own.
struct Desk<'a> {
    model: &'a Model,
    state: State,
    terminal: Terminal<TestBackend>,
    paint: Paint,
}

impl<'a> Desk<'a> {
    fn new(model: &'a Model, width: u16, height: u16) -> Self {
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Self { model, state: State::new(model), terminal, paint: Paint { coloured: false } }
    }

    /// Presses each letter; some stand for keys without one.
    fn press(&mut self, letters: &str) -> Option<End> {
        let mut end = None;
        for letter in letters.chars() {
            end = end.or(self.key(match letter {
                '⏎' => KeyCode::Enter,
                '⎋' => KeyCode::Esc,
                '⌫' => KeyCode::Backspace,
                '→' => KeyCode::Right,
                '←' => KeyCode::Left,
                letter => KeyCode::Char(letter),
            }));
            self.draw();
        }
        end
    }

    fn key(&mut self, code: KeyCode) -> Option<End> {
        let action = action(KeyEvent::new(code, KeyModifiers::NONE), self.state.is_typing());
        action.and_then(|action| self.state.apply(action, self.model))
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| screen::draw(frame, &mut self.state, self.model, self.paint)).unwrap();
    }

    /// What is seen, drawn anew: the backend does not clear the second half of wide letters as terminals do.
    fn screen(&mut self) -> String {
        self.terminal.clear().unwrap();
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let rows = buffer.content.chunks(usize::from(buffer.area.width).max(1));
        let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
        rows.map(|row| row.trim_end().to_owned() + "\n").collect()
    }
}

/// What is seen after these keys, in a window of 80x24 and in one of 40x10.
fn screens(keys: &str) -> String {
    let model = samples::model();
    let seen = |width, height| {
        let mut desk = Desk::new(&model, width, height);
        desk.press(keys);
        desk.screen()
    };
    format!("{}{}\n{}", seen(80, 24), "-".repeat(80), seen(40, 10))
}

#[test]
fn findings() {
    insta::assert_snapshot!(screens(""));
}

#[test]
fn a_finding() {
    insta::assert_snapshot!(screens("⏎"));
}

#[test]
fn findings_filtered_and_sorted() {
    insta::assert_snapshot!(screens("ffsG"));
}

#[test]
fn a_search_that_fails() {
    insta::assert_snapshot!(screens("/nowhere⏎"));
}

#[test]
fn stacks() {
    insta::assert_snapshot!(screens("2jj⏎"));
}

#[test]
fn callers_of_what_is_live_in_blocks() {
    insta::assert_snapshot!(screens("2rwwwwwj⏎"));
}

#[test]
fn flame() {
    insta::assert_snapshot!(screens("3jj"));
}

#[test]
fn flame_zoomed() {
    insta::assert_snapshot!(screens("3wwwwjj→⏎"));
}

#[test]
fn timeline() {
    insta::assert_snapshot!(screens("4j"));
}

#[test]
fn live_blocks_over_time() {
    insta::assert_snapshot!(screens("4ww"));
}

#[test]
fn what_could_not_be_seen() {
    insta::assert_snapshot!(screens("i"));
}

#[test]
fn a_small_window_says_what_to_do() {
    let model = samples::model();
    let screen = Desk::new(&model, 39, 10).screen();
    assert!(screen.contains("39x10 is too small: make the window") && screen.contains("40x8; q quits"), "{screen}");
}

#[test]
fn searches_go_round() {
    let model = samples::model();
    let mut desk = Desk::new(&model, 80, 24);
    desk.press("/INSERT⏎");
    let first = desk.state.findings.selected();
    assert!(desk.screen().lines().any(|line| line.starts_with("> still reachable") && line.contains("insert")));
    desk.press("n");
    assert_ne!(desk.state.findings.selected(), first, "both processes have one");
    desk.press("n");
    assert_eq!(desk.state.findings.selected(), first);
    desk.press("NN");
    assert_eq!(desk.state.findings.selected(), first);
}

#[test]
fn what_lies_on_top_is_closed_first() {
    let model = samples::model();
    let mut desk = Desk::new(&model, 80, 24);
    assert_eq!(desk.press("⏎q?q/q⎋4⏎⎋1"), None);
    assert_eq!(desk.press("q"), Some(End::Quit));
}

#[test]
fn opening_and_closing_leaves_the_tree_as_it_was() {
    let model = samples::model();
    let mut desk = Desk::new(&model, 80, 24);
    desk.press("2");
    let before = desk.screen();
    desk.press("j→←");
    assert_eq!(desk.screen().replace('>', " "), before.replace('>', " "));
    desk.press("jj⏎rrg");
    assert_eq!(desk.screen(), before);
    desk.press("3jj→⏎⌫g2");
    assert_eq!(desk.screen(), before);
}

/// The tree is a clever reading of sorted stacks; a plain sum over names must say the same.
#[test]
fn the_tree_weighs_what_its_stacks_weigh() {
    let model = samples::model();
    for (measure, direction) in measures().flat_map(|by| [(by, Direction::Callees), (by, Direction::Callers)]) {
        let mut plain: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for process in model.recording.processes.iter().map(ProcessStacks::of) {
            for stack in &process.stacks {
                let mut names = vec![process.name()];
                let frames = process.frames(stack);
                names.extend(frames.iter().map(|frame| spelled(&frame.name())));
                if frames.is_empty() {
                    names.push("(unknown stack)".to_owned());
                }
                if direction == Direction::Callers {
                    names.reverse();
                }
                *plain.entry(names).or_default() += measure.of(stack);
            }
        }
        plain.retain(|_, weight| *weight > 0);
        let mut read = BTreeMap::new();
        collect(&model, direction, measure, model.stacks.root(), &mut Vec::new(), &mut read);
        assert_eq!(read, plain, "{measure:?} {direction:?}");
    }
}

fn spelled(name: &str) -> String {
    super::text::clean(&stanch_finding::normal_name(name))
}

/// The weights of the stacks that end in each node, by the names that lead there.
fn collect(
    model: &Model,
    direction: Direction,
    measure: Measure,
    node: Node,
    path: &mut Vec<String>,
    read: &mut BTreeMap<Vec<String>, u64>,
) {
    let own = model.stacks.own_weight(direction, node, measure);
    if own > 0 {
        read.insert(path.clone(), own);
    }
    let children = model.stacks.children(direction, node, measure);
    assert!(children.is_sorted_by(|one, next| one.1 >= next.1));
    let below: u64 = children.iter().map(|(_, weight)| weight).sum();
    assert_eq!(own + below, model.stacks.weight(direction, node, measure));
    for (child, _) in children {
        path.push(model.stacks.function(direction, child).unwrap().name.clone());
        collect(model, direction, measure, child, path, read);
        path.pop();
    }
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn no_key_and_no_size_is_too_much() {
    const KEYS: &[u8] = b"1234jkgGhlHL/nNsfrwW?iqexam ";
    let others = [KeyCode::Enter, KeyCode::Esc, KeyCode::Backspace, KeyCode::Left, KeyCode::Right, KeyCode::PageDown];
    let mut dice = Dice(0x5eed_0f5e_ed0f_5eed);
    for model in [samples::model(), samples::large(50), samples::large(0)] {
        let mut desk = Desk::new(&model, 80, 24);
        for step in 0..4000 {
            let key = match dice.below(3) {
                0 => others[dice.below(others.len())],
                _ => KeyCode::Char(char::from(KEYS[dice.below(KEYS.len())])),
            };
            desk.key(key);
            if dice.below(4) == 0 {
                let [width, height] = [130, 50].map(|most| 1 + dice.below(most) as u16);
                desk.terminal.backend_mut().resize(width, height);
                desk.paint.coloured = step % 2 == 0;
            }
            let screen = desk.screen();
            assert!(screen.chars().all(|letter| letter == '\n' || !letter.is_control()), "{screen:?}");
        }
    }
}

#[test]
fn numbers_of_damaged_recordings_stay_in_range() {
    let model = samples::large(3);
    let measure = Measure { weight: Weight::Live, unit: Unit::Bytes };
    assert_eq!(model.stacks.weight(Direction::Callees, model.stacks.root(), measure), u64::MAX);
}
