//! What the engine saw go wrong, and on which path.
use super::region::Block;
use super::state::{Cause, State};
use super::term::{RegionId, Terms};
use super::trace::{Site, Step};
use crate::ir::FunctionId;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum IssueKind {
    /// Nothing refers to a block any more.
    Lost {
        cause: Cause,
        /// The variable that held it last.
        name: Option<Arc<str>>,
    },
    /// A global holds a block when the program ends.
    HeldToExit {
        /// The global's name.
        holder: Option<String>,
    },
    /// A block was released by a function of another family.
    Mismatched {
        /// The releaser's family.
        family: String,
    },
    /// A block was released twice.
    ReleasedTwice,
    /// A block was used after it was released.
    UsedAfterRelease,
}

impl IssueKind {
    fn discriminant(&self) -> u8 {
        match self {
            IssueKind::Lost { .. } => 0,
            IssueKind::HeldToExit { .. } => 1,
            IssueKind::Mismatched { .. } => 2,
            IssueKind::ReleasedTwice => 3,
            IssueKind::UsedAfterRelease => 4,
        }
    }
}

/// One thing that went wrong, with a witness.
#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) kind: IssueKind,
    pub(crate) block: Arc<Block>,
    pub(crate) region: RegionId,
    /// Where.
    pub(crate) at: Site,
    /// What happened before.
    pub(crate) path: Vec<Step>,
    /// The function was executed with any input, not as `main` or its callers call it.
    pub(crate) is_any_input: bool,
    /// Allocations that failed on the path.
    pub(crate) failures: u32,
    /// Size of the block, where it is known.
    pub(crate) bytes: Option<u64>,
    /// Functions of which nothing is known that were called on the path.
    pub(crate) assumed: Vec<FunctionId>,
}

impl Issue {
    pub(super) fn new(
        kind: IssueKind,
        block: &Arc<Block>,
        region: RegionId,
        at: Site,
        state: &State,
        terms: &Terms,
    ) -> Issue {
        let size = state.region(region).and_then(|region| region.size);
        Issue {
            kind,
            block: block.clone(),
            region,
            at,
            path: state.trace.steps(),
            is_any_input: false,
            failures: state.failures,
            bytes: size.and_then(|size| state.facts.interval(terms, size).value()),
            assumed: state.assumed.clone(),
        }
    }

    /// Shorter is a better witness.
    fn cost(&self) -> (bool, usize, u32, usize) {
        (self.is_any_input, self.assumed.len(), self.failures, self.path.len())
    }
}

/// All issues: for each site of allocation and sort of issue the one with the best witness.
#[derive(Default)]
pub(super) struct Issues {
    all: FxHashMap<(Site, u8), Issue>,
}

impl Issues {
    pub(super) fn add(&mut self, issue: Issue) {
        let key = (issue.block.site.clone(), issue.kind.discriminant());
        match self.all.get_mut(&key) {
            Some(known) if known.cost() <= issue.cost() => {}
            Some(known) => *known = issue,
            None => {
                self.all.insert(key, issue);
            }
        }
    }

    /// All issues, in a fixed order.
    pub(super) fn into_sorted(self) -> Vec<Issue> {
        let mut all: Vec<((Site, u8), Issue)> = self.all.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.into_iter().map(|(_, issue)| issue).collect()
    }
}
