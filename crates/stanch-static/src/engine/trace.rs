//! How a path came about: what happened on it, in order, shared between paths that began alike.
use super::term::RegionId;
use crate::ir::{FunctionId, LocationId};
use std::rc::Rc;
use std::sync::Arc;

/// A point in the code with the calls that led to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Site {
    /// Innermost first: function, and where in it.
    pub(crate) stack: Vec<(FunctionId, LocationId)>,
}

/// Something that happened on a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A block was allocated.
    Allocated(RegionId),
    /// A block was given back.
    Released(RegionId),
    /// A branch that could have gone either way.
    Branch {
        /// The condition in words of the source, where that is possible.
        condition: Option<Arc<str>>,
        /// Which way.
        taken: bool,
    },
    /// One of several cases was taken.
    Case(Option<Arc<str>>),
    /// A call was entered.
    Entered(FunctionId),
    /// An exception was thrown.
    Thrown,
    /// An exception was caught.
    Caught,
    /// An allocation failed.
    Failed(RegionId),
    /// A block could not be resized and stays as it was.
    ResizeFailed(RegionId),
}

#[derive(Debug)]
struct Node {
    event: Event,
    function: FunctionId,
    location: LocationId,
    before: Trace,
    length: u32,
}

/// Events, latest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Option<Rc<Node>>);

/// One event, for whoever walks the path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) event: Event,
    pub(crate) function: FunctionId,
    pub(crate) location: LocationId,
}

impl Trace {
    pub(super) fn push(&mut self, event: Event, function: FunctionId, location: LocationId) {
        let before = std::mem::take(self);
        let length = before.length() + 1;
        self.0 = Some(Rc::new(Node { event, function, location, before, length }));
    }

    pub(super) fn length(&self) -> u32 {
        self.0.as_ref().map_or(0, |node| node.length)
    }

    /// Events, first first.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::with_capacity(self.length() as usize);
        let mut next = self.0.as_ref();
        while let Some(node) = next {
            steps.push(Step { event: node.event.clone(), function: node.function, location: node.location });
            next = node.before.0.as_ref();
        }
        steps.reverse();
        steps
    }
}

impl Drop for Trace {
    /// Without recursion, as a path may be long.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(node) = next {
            next = Rc::into_inner(node).and_then(|mut node| node.before.0.take());
        }
    }
}
