//! Everything that holds at one point of one path: memory, activations, conditions, history.
use super::cells::Cells;
use super::facts::{Facts, Infeasible, Map};
use super::region::{Region, Status};
use super::term::{RegionId, Term, TermId, Terms};
use super::trace::{Site, Trace};
use crate::ir::{BlockId, FunctionId, LocationId, ValueId};
use std::rc::Rc;

/// Why an instruction does not go on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nothing was done yet: it depends on this condition, so it is done once for each truth of it.
    Split(TermId),
    /// The path ends here: it is impossible, or the program crashes.
    Dead,
}

impl From<Infeasible> for Stop {
    fn from(_: Infeasible) -> Stop {
        Stop::Dead
    }
}

/// A value held in an activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Term(TermId),
    /// An aggregate: written bytes by offset; the others are undefined.
    Bytes(Rc<Cells>),
}

/// How often a loop went round on this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    pub(super) of: u32,
    pub(super) count: u32,
    /// Rounds in which no way out was decided.
    pub(super) open: u32,
    /// In this round a way out was decided.
    pub(super) is_decided: bool,
    /// Rounds in which a way out could have been taken or not.
    pub(super) tempted: u32,
    /// So it was in this round.
    pub(super) is_tempted: bool,
}

impl Rounds {
    pub(super) fn new(of: u32) -> Rounds {
        Rounds { of, count: 0, open: 0, is_decided: false, tempted: 0, is_tempted: false }
    }
}

/// Where `setjmp` was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Landing {
    pub(super) buffer: TermId,
    pub(super) activation: u32,
    pub(super) block: BlockId,
    pub(super) index: usize,
    pub(super) values: Vec<(ValueId, Value)>,
}

/// One running call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) function: FunctionId,
    /// Its number; never reused.
    pub(super) activation: u32,
    /// Live values.
    pub(super) values: Vec<(ValueId, Value)>,
    /// Addresses of stack slots.
    pub(super) slots: Vec<(ValueId, TermId)>,
    /// Who called it.
    pub(super) parent: Option<Rc<Frame>>,
    /// Where in the caller.
    pub(super) call_location: LocationId,
    /// Where an exception goes on in the caller.
    pub(super) unwind: Option<BlockId>,
    pub(super) rounds: Vec<Rounds>,
    /// Variadic arguments.
    pub(super) variadic: Option<RegionId>,
    /// Activations below.
    pub(super) depth: u32,
    /// Undecided branches on the path when it was entered.
    pub(super) splits: u32,
    /// Activations of the same function below that were entered through undecided branches.
    pub(super) open_recursion: u32,
}

/// An exception in flight or being handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) object: TermId,
    pub(super) type_info: TermId,
    pub(super) destructor: TermId,
    /// Its handler threw it again.
    pub(super) is_rethrown: bool,
}

/// Why a reference to a block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    /// Another value was written over it.
    Overwritten,
    /// Another value was written over it, in memory of which nothing was known.
    OverwrittenElsewhere,
    /// The result of a call was not used.
    Unused,
    /// Its variable went out of scope.
    ScopeLeft,
    /// The block that held it was released.
    OwnerReleased,
    /// An exception left the scope of its variable.
    Unwound,
}

/// A block one of whose references ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suspect {
    pub(super) region: RegionId,
    pub(super) cause: Cause,
    pub(super) site: Site,
}

#[derive(Clone)]
pub(super) struct State {
    pub(super) memory: Map<RegionId, Rc<Region>>,
    /// Memory behind pointers of which nothing is known.
    pub(super) behind: Map<TermId, RegionId>,
    pub(super) facts: Facts,
    pub(super) frame: Rc<Frame>,
    /// Blocks to look after as soon as the instruction is done.
    pub(super) suspects: Vec<Suspect>,
    /// Blocks that only values hold.
    pub(super) watched: Vec<Suspect>,
    pub(super) trace: Trace,
    /// A loop that may release was left early: what was allocated before this region may not have been come to.
    pub(super) cut_at: Option<RegionId>,
    /// Blocks that were released and may still be referred to.
    pub(super) released: Vec<RegionId>,
    /// The block that was allocated last.
    pub(super) latest: Option<RegionId>,
    /// Allocations that failed on this path.
    pub(super) failures: u32,
    /// Undecided branches on this path.
    pub(super) splits: u32,
    /// Exceptions being handled, innermost last.
    pub(super) caught: Vec<Exception>,
    /// Functions to call at exit, with their argument, last first.
    pub(super) at_exit: Vec<(TermId, Option<TermId>)>,
    pub(super) landings: Vec<Landing>,
    /// Threads that run or ended and were not joined: handle and result.
    pub(super) threads: Vec<(TermId, TermId)>,
    /// Exceptions on their way to a handler.
    pub(super) in_flight: Vec<Exception>,
    /// Slots made in loops, with their activation.
    pub(super) extra_slots: Vec<(u32, RegionId)>,
    /// Functions of which nothing is known that were called.
    pub(super) assumed: Vec<FunctionId>,
    /// Where the path is, for suspects.
    pub(super) location: LocationId,
}

impl Frame {
    /// True for the frame below all others, which runs nothing.
    pub(super) fn is_root(&self) -> bool {
        self.activation == super::entry::ROOT
    }
}

impl State {
    /// Nothing but a frame.
    pub(super) fn new(frame: Rc<Frame>) -> State {
        State {
            memory: Map::default(),
            behind: Map::default(),
            facts: Facts::default(),
            frame,
            suspects: Vec::new(),
            watched: Vec::new(),
            trace: Trace::default(),
            cut_at: None,
            released: Vec::new(),
            latest: None,
            failures: 0,
            splits: 0,
            caught: Vec::new(),
            at_exit: Vec::new(),
            landings: Vec::new(),
            threads: Vec::new(),
            in_flight: Vec::new(),
            extra_slots: Vec::new(),
            assumed: Vec::new(),
            location: LocationId(0),
        }
    }

    /// Whether a condition holds; a split where that is open.
    ///
    /// # Errors
    /// [`Stop::Split`] where it is not known.
    pub(super) fn decide(&self, terms: &mut Terms, condition: TermId) -> Result<bool, Stop> {
        match self.facts.decide(terms, condition) {
            Some(truth) => Ok(truth),
            None => Err(Stop::Split(self.facts.normalise(terms, condition))),
        }
    }

    /// Learns that a condition holds, or not.
    ///
    /// # Errors
    /// Where that cannot be.
    pub(super) fn assume(&mut self, terms: &mut Terms, condition: TermId, truth: bool) -> Result<(), Stop> {
        self.facts.assume(terms, condition, truth)?;
        if let Some(region) = failed_allocation(terms, condition, truth) {
            self.memory.remove(&region);
        }
        Ok(())
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        Rc::make_mut(&mut self.frame)
    }

    pub(super) fn region(&self, region: RegionId) -> Option<&Region> {
        self.memory.get(&region).map(|region| &**region)
    }

    pub(super) fn region_mut(&mut self, region: RegionId) -> Option<&mut Region> {
        self.memory.get_mut(&region).map(Rc::make_mut)
    }

    /// The point where the path is, with the calls that led to it.
    pub(super) fn site(&self) -> Site {
        let mut stack = vec![(self.frame.function, self.location)];
        let mut frame = &self.frame;
        while let Some(parent) = &frame.parent
            && !parent.is_root()
        {
            stack.push((parent.function, frame.call_location));
            frame = parent;
        }
        Site { stack }
    }

    /// Notes that a reference to each of the owned blocks among `regions` ended.
    pub(super) fn suspect(&mut self, regions: &[RegionId], cause: Cause) {
        for &region in regions {
            let is_owned = self.region(region).is_some_and(Region::is_owned);
            if is_owned && !self.suspects.iter().any(|suspect| suspect.region == region) {
                let site = self.site();
                self.suspects.push(Suspect { region, cause, site });
            }
        }
    }

    /// Blocks, and regions in them, are known to code that is not seen from now on.
    pub(super) fn escape(&mut self, terms: &mut Terms, value: TermId) {
        let value = self.facts.normalise(terms, value);
        let mut open: Vec<RegionId> = terms.regions(value).to_vec();
        while let Some(region) = open.pop() {
            let Some(content) = self.region_mut(region) else { continue };
            if std::mem::replace(&mut content.is_escaped, true) {
                continue;
            }
            open.extend(self.referred(terms, region));
        }
    }

    /// Regions that a region refers to.
    pub(super) fn referred(&self, terms: &mut Terms, region: RegionId) -> Vec<RegionId> {
        let Some(content) = self.region(region) else { return Vec::new() };
        let mut all = content.held.clone();
        let scattered = content.scattered.iter().map(|write| write.cell.value);
        for value in content.cells.values().map(|cell| cell.value).chain(scattered) {
            self.regions_in(terms, value, &mut all);
        }
        all
    }

    /// Adds the regions that a term refers to, by what is known of its unknowns too.
    pub(super) fn regions_in(&self, terms: &mut Terms, value: TermId, all: &mut Vec<RegionId>) {
        all.extend_from_slice(terms.regions(value));
        if self.facts.is_bound(terms, value) {
            let value = self.facts.normalise(terms, value);
            all.extend_from_slice(terms.regions(value));
        }
    }

    /// Regions that a value refers to.
    pub(super) fn regions_of(&self, terms: &mut Terms, value: &Value, all: &mut Vec<RegionId>) {
        match value {
            Value::Term(term) => self.regions_in(terms, *term, all),
            Value::Bytes(cells) => cells.values().for_each(|cell| self.regions_in(terms, cell.value, all)),
        }
    }

    /// Takes a block as given back: nothing refers to what it held through it.
    pub(super) fn mark_released(&mut self, terms: &mut Terms, region: RegionId, cause: Cause) {
        let held = self.referred(terms, region);
        if let Some(content) = self.region_mut(region) {
            content.status = Status::Released;
            content.cells.clear();
            content.scattered.clear();
            content.held.clear();
            self.released.push(region);
        }
        self.suspect(&held, cause);
    }
}

/// The region whose allocation failed if `condition` is `truth`.
pub(super) fn failed_allocation(terms: &Terms, condition: TermId, truth: bool) -> Option<RegionId> {
    if let Some(inner) = terms.under_not(condition) {
        return failed_allocation(terms, inner, !truth);
    }
    let Term::Equal { left, right } = *terms.get(condition) else { return None };
    match (terms.get(left), terms.get(right)) {
        (Term::Region(region), Term::Int { value: 0, .. }) if truth => Some(*region),
        (Term::Int { value: 0, .. }, Term::Region(region)) if truth => Some(*region),
        _ => None,
    }
}

impl State {
    /// Slots that were executed more than once, of an activation.
    pub(super) fn dynamic_slots(&self, activation: u32) -> Vec<RegionId> {
        self.extra_slots.iter().filter(|(of, _)| *of == activation).map(|(_, region)| *region).collect()
    }

    /// True where both are the same but for conditions and history.
    pub(super) fn is_same(&self, other: &State) -> bool {
        self.is_same_memory(other) && (Rc::ptr_eq(&self.frame, &other.frame) || self.frame == other.frame)
    }

    /// The same, without counting how often loops went round.
    pub(super) fn is_same_but_rounds(&self, other: &State) -> bool {
        let (one, two) = (&self.frame, &other.frame);
        let is_same_frame = Rc::ptr_eq(one, two)
            || (one.activation == two.activation && one.values == two.values && one.slots == two.slots);
        is_same_frame && self.is_same_memory(other)
    }

    fn is_same_memory(&self, other: &State) -> bool {
        self.memory.len() == other.memory.len()
            && self.failures == other.failures
            && self.caught == other.caught
            && self.in_flight == other.in_flight
            && self.at_exit == other.at_exit
            && self.threads == other.threads
            && self.landings == other.landings
            && self.watched == other.watched
            && (self.memory.ptr_eq(&other.memory) || is_same_regions(&self.memory, &other.memory))
            && (self.behind.ptr_eq(&other.behind) || self.behind == other.behind)
            && self.facts.has_same_bindings(&other.facts)
    }
}

fn is_same_regions(one: &Map<RegionId, Rc<Region>>, other: &Map<RegionId, Rc<Region>>) -> bool {
    one.iter().zip(other).all(|((id, region), (other_id, other_region))| {
        id == other_id && (Rc::ptr_eq(region, other_region) || region == other_region)
    })
}
