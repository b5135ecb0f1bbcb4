//! From evidence to odds: boosted decision trees (Friedman 2001), fitted to generated series by `examples/fit`.
//!
//! Which numbers speak for a leak depends on others: a pace that does not slow down means much after two days, little
//! after two hours. Trees of three questions say that, and stay small enough to read.
use super::evidence::FEATURES;
use std::sync::LazyLock;

/// Questions of one tree: one, then two, then four.
pub const QUESTIONS: usize = 7;
/// Answers at its leaves.
pub const LEAVES: usize = 8;

/// One tree: is feature `question.0` less than `question.1`? Then to the left.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The questions, those of a level after those of the level above.
    pub questions: [(usize, f64); QUESTIONS],
    /// What each leaf adds to the logarithm of the odds.
    pub leaves: [f64; LEAVES],
}

impl Tree {
    /// What the tree says of these features.
    #[must_use]
    pub fn answer(&self, features: &[f64; FEATURES.len()]) -> f64 {
        let mut at = 0;
        while at < QUESTIONS {
            let (feature, limit) = self.questions[at];
            at = 2 * at + if features[feature] < limit { 1 } else { 2 };
        }
        self.leaves[at - QUESTIONS]
    }

    /// The line that stands for the tree in the table.
    #[must_use]
    pub fn line(&self) -> String {
        let questions = self.questions.iter().map(|(feature, limit)| format!("{}<{limit:.4}", FEATURES[*feature]));
        let leaves = self.leaves.iter().map(|leaf| format!("{leaf:.4}"));
        questions.chain(leaves).collect::<Vec<_>>().join(" ")
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut tree = Self { questions: [(0, 0.0); QUESTIONS], leaves: [0.0; LEAVES] };
        for question in &mut tree.questions {
            let (name, limit) = words.next()?.split_once('<')?;
            *question = (FEATURES.iter().position(|feature| *feature == name)?, limit.parse().ok()?);
        }
        for leaf in &mut tree.leaves {
            *leaf = words.next()?.parse().ok()?;
        }
        words.next().is_none().then_some(tree)
    }
}

/// The fitted trees, one a line.
const TABLE: &str = include_str!("trees.txt");

static TREES: LazyLock<Vec<Tree>> = LazyLock::new(|| TABLE.lines().filter_map(Tree::read).collect());

/// Logarithm of the odds that a life with these features leaks, by itself.
pub(crate) fn log_odds(features: &[f64; FEATURES.len()]) -> f64 {
    TREES.iter().map(|tree| tree.answer(features)).sum()
}

#[cfg(test)]
mod tests {
    use super::{TABLE, TREES, Tree};

    #[test]
    fn every_line_of_the_table_is_a_tree() {
        assert!(20 < TREES.len());
        assert_eq!(TREES.len(), TABLE.lines().count());
        for (tree, line) in TREES.iter().zip(TABLE.lines()) {
            assert_eq!(Tree::read(&tree.line()).as_ref(), Some(tree));
            assert_eq!(tree.line(), line);
        }
    }
}
