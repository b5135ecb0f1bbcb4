//! Two analyses held against each other, leak by leak: what is new, gone, grown, shrunk, or of another kind.
//!
//! A leak is known by its fingerprint and by what is claimed of it, so the two may be of different builds. What is
//! definitely and what is indirectly lost is one claim here: which blocks of a lost tree lead it is chance. Processes
//! of one side are summed.
//!
//! Of a sampled recording amounts are intervals. Two that overlap are no difference, whatever lies in their middle.
use crate::{Amounts, BlockCount, ByteCount, Estimate, Finding, Fingerprint, Kind, Report};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What difference in size counts. Both must be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Least difference.
    pub min_bytes: ByteCount,
    /// Least difference in percent of the old size.
    pub min_percent: u32,
}

/// What became of a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Only the new side has it.
    New,
    /// Both have it, and claim different things of it: possibly lost became definitely lost.
    Changed,
    /// It is larger by the thresholds or more.
    Grown,
    /// It differs by the thresholds or more, but samples cannot tell whether it really does.
    Uncertain,
    /// It is smaller by the thresholds or more.
    Shrunk,
    /// Only the old side has it.
    Gone,
    /// Both have it, and its size differs by less than the thresholds.
    Same,
}

impl Category {
    /// Every category, in the order of declaration.
    pub const ALL: [Category; 7] = [
        Category::New,
        Category::Changed,
        Category::Grown,
        Category::Uncertain,
        Category::Shrunk,
        Category::Gone,
        Category::Same,
    ];

    /// The word for it in machine formats: `new`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::New => "new",
            Category::Changed => "changed",
            Category::Grown => "grown",
            Category::Uncertain => "uncertain",
            Category::Shrunk => "shrunk",
            Category::Gone => "gone",
            Category::Same => "same",
        }
    }
}

/// What one side has of a leak, summed over its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What is claimed; definitely lost where some is definitely and some indirectly lost.
    pub kind: Kind,
    /// Bytes and blocks, whether definitely or indirectly lost.
    pub amounts: Amounts,
    /// What only its blocks hold beside, at other places; not part of `amounts`.
    pub indirect: Amounts,
    /// Between what `amounts` lie, where a process was sampled.
    pub estimate: Option<Estimate>,
    /// Processes that have it.
    pub processes: u64,
}

/// One leak on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// What became of it.
    pub category: Category,
    /// True where there is more of it than the thresholds let pass; so a change of kind can be growth, too.
    pub has_grown: bool,
    /// What the old side has.
    pub old: Option<Holding>,
    /// What the new side has.
    pub new: Option<Holding>,
    /// The new side's largest finding of it; the old side's where it is gone.
    pub finding: &'a Finding,
}

impl Change<'_> {
    /// What is claimed now; what was claimed, where it is gone.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.new.or(self.old).map_or(self.finding.kind, |holding| holding.kind)
    }

    /// Difference in size, either way.
    #[must_use]
    pub fn difference(&self) -> Amounts {
        let amounts = |holding: Option<Holding>| holding.map(|holding| holding.amounts).unwrap_or_default();
        let (old, new) = (amounts(self.old), amounts(self.new));
        Amounts {
            bytes: ByteCount(old.bytes.0.abs_diff(new.bytes.0)),
            blocks: BlockCount(old.blocks.0.abs_diff(new.blocks.0)),
        }
    }
}

/// What became of each leak between `old` and `new`, in the order of their fingerprints.
///
/// Suppressed findings are in neither, so whoever compares applies the same suppressions to both.
#[must_use]
pub fn compare<'a>(old: &'a [Report], new: &'a [Report], thresholds: Thresholds) -> Vec<Change<'a>> {
    let (old, new) = (Side::new(old), Side::new(new));
    let fingerprints: BTreeSet<&Fingerprint> = old.places.keys().chain(new.places.keys()).copied().collect();
    let mut changes = Vec::new();
    for fingerprint in fingerprints {
        for (old_claim, new_claim) in pairs(old.claims(fingerprint), new.claims(fingerprint)) {
            changes.extend(change(&old, &new, old_claim, new_claim, thresholds));
        }
    }
    changes
}

/// Kinds that are one claim have one representative.
fn claim(kind: Kind) -> Kind {
    if kind == Kind::IndirectlyLost { Kind::DefinitelyLost } else { kind }
}

/// All that one side claims of one leak in one way.
#[derive(Clone, Debug)]
struct Claim<'a> {
    holding: Holding,
    /// The part of the holding that is indirectly lost.
    hanging: Amounts,
    largest: &'a Finding,
}

type Claims<'a> = BTreeMap<Kind, Claim<'a>>;

/// One side, by place and claim.
struct Side<'a> {
    places: BTreeMap<&'a Fingerprint, Claims<'a>>,
    /// What a place may hold that was not seen.
    unseen_bytes: ByteCount,
}

impl<'a> Side<'a> {
    fn new(reports: &'a [Report]) -> Side<'a> {
        let mut places: BTreeMap<&Fingerprint, Claims<'_>> = BTreeMap::new();
        for report in reports {
            let mut seen = BTreeSet::new();
            for finding in &report.findings {
                let is_first = seen.insert((&finding.fingerprint, claim(finding.kind)));
                let claims = places.entry(&finding.fingerprint).or_default();
                match claims.get_mut(&claim(finding.kind)) {
                    Some(claim) => claim.add(finding, u64::from(is_first)),
                    None => drop(claims.insert(claim(finding.kind), Claim::new(finding))),
                }
            }
        }
        let mean_bytes =
            reports.iter().filter_map(|report| report.sampling).map(|sampling| sampling.mean_bytes.0).max();
        Side { places, unseen_bytes: ByteCount(mean_bytes.map_or(0, unseen_bytes)) }
    }

    fn claims(&self, fingerprint: &Fingerprint) -> Claims<'a> {
        self.places.get(fingerprint).cloned().unwrap_or_default()
    }

    /// Between what the bytes of a leak lie of which this side has `holding`.
    fn interval(&self, holding: Option<Holding>) -> (u64, u64) {
        match holding {
            None => (0, self.unseen_bytes.0),
            Some(Holding { estimate: Some(estimate), .. }) => (estimate.low.bytes.0, estimate.high.bytes.0),
            Some(holding) => (holding.amounts.bytes.0, holding.amounts.bytes.0),
        }
    }
}

/// High end of the interval of 95 % of what small blocks hold of which there is no sample. Samples are a Poisson
/// process along the bytes: none falls into `x` distances with the probability `exp(-x)`, so `x` is `-ln 0.025`.
fn unseen_bytes(mean_bytes: u64) -> u64 {
    const PER_MILLE: u128 = 3_689;
    u64::try_from((u128::from(mean_bytes) * PER_MILLE).div_ceil(1000)).unwrap_or(u64::MAX)
}

impl<'a> Claim<'a> {
    fn new(finding: &'a Finding) -> Claim<'a> {
        let holding = Holding {
            kind: finding.kind,
            amounts: Amounts::default(),
            indirect: Amounts::default(),
            estimate: None,
            processes: 0,
        };
        let mut claim = Claim { holding, hanging: Amounts::default(), largest: finding };
        claim.add(finding, 1);
        claim
    }

    fn add(&mut self, finding: &'a Finding, processes: u64) {
        let before = self.holding.amounts;
        let holding = &mut self.holding;
        holding.estimate = match (holding.estimate, finding.estimate) {
            (None, None) => None,
            (ours, theirs) => {
                let theirs = theirs.unwrap_or_else(|| exactly(of(finding)));
                Some(ours.unwrap_or_else(|| exactly(before)).plus(&theirs))
            }
        };
        holding.amounts = sum(before, of(finding));
        let indirect = Amounts { bytes: finding.indirect_bytes, blocks: finding.indirect_blocks };
        holding.indirect = sum(holding.indirect, indirect);
        if finding.kind == Kind::IndirectlyLost {
            self.hanging = sum(self.hanging, of(finding));
        }
        holding.processes += processes;
        holding.kind = holding.kind.min(finding.kind);
        self.largest = std::cmp::min_by_key(self.largest, finding, |finding| {
            (finding.kind, Reverse(finding.bytes + finding.indirect_bytes))
        });
    }
}

/// The holding of a claim. What hangs on its blocks at its own place, such as the rest of a list, counts once.
fn holding(claim: &Claim<'_>) -> Holding {
    let Amounts { bytes, blocks } = claim.holding.indirect;
    let indirect = Amounts {
        bytes: ByteCount(bytes.0.saturating_sub(claim.hanging.bytes.0)),
        blocks: BlockCount(blocks.0.saturating_sub(claim.hanging.blocks.0)),
    };
    Holding { indirect, ..claim.holding }
}

fn of(finding: &Finding) -> Amounts {
    Amounts { bytes: finding.bytes, blocks: finding.blocks }
}

fn sum(one: Amounts, other: Amounts) -> Amounts {
    Amounts { bytes: one.bytes + other.bytes, blocks: one.blocks + other.blocks }
}

fn exactly(amounts: Amounts) -> Estimate {
    Estimate { samples: 0, low: amounts, high: amounts }
}

impl Estimate {
    /// Ends added to ends: wider than the interval of the sum, never narrower.
    fn plus(&self, other: &Estimate) -> Estimate {
        Estimate {
            samples: self.samples.saturating_add(other.samples),
            low: sum(self.low, other.low),
            high: sum(self.high, other.high),
        }
    }
}

type Pair<'a> = (Option<Claim<'a>>, Option<Claim<'a>>);

/// The claims that belong together. What only the old side claims of a place became what only the new side claims, the
/// worst first: a leak of another kind is neither new nor gone. A wrong free becomes no leak.
fn pairs<'a>(mut old: Claims<'a>, mut new: Claims<'a>) -> Vec<Pair<'a>> {
    let both: Vec<Kind> = old.keys().filter(|kind| new.contains_key(kind)).copied().collect();
    let mut pairs: Vec<Pair<'a>> = both.iter().map(|kind| (old.remove(kind), new.remove(kind))).collect();
    for are_leaks in [true, false] {
        let rest = |claims: &Claims<'a>| -> Vec<Claim<'a>> {
            claims.iter().filter(|(kind, _)| kind.is_leak() == are_leaks).map(|(_, claim)| claim.clone()).collect()
        };
        let (mut old, mut new) = (rest(&old).into_iter(), rest(&new).into_iter());
        if are_leaks {
            let moved = old.len().min(new.len());
            pairs.extend(
                old.by_ref().take(moved).zip(new.by_ref().take(moved)).map(|(old, new)| (Some(old), Some(new))),
            );
        }
        pairs.extend(old.map(|claim| (Some(claim), None)));
        pairs.extend(new.map(|claim| (None, Some(claim))));
    }
    pairs
}

fn change<'a>(
    old_side: &Side<'a>,
    new_side: &Side<'a>,
    old: Option<Claim<'a>>,
    new: Option<Claim<'a>>,
    thresholds: Thresholds,
) -> Option<Change<'a>> {
    let finding = new.as_ref().or(old.as_ref())?.largest;
    let (old, new) = (old.as_ref().map(holding), new.as_ref().map(holding));
    let (old_low, old_high) = old_side.interval(old);
    let (new_low, new_high) = new_side.interval(new);
    let is_exact = old_low == old_high && new_low == new_high;
    let is_certain = is_exact || old_high < new_low || new_high < old_low;
    let size = match (old, new) {
        (Some(old), Some(new)) => size(&old, &new, thresholds),
        (None, _) => Category::New,
        (_, None) => Category::Gone,
    };
    let is_larger = matches!(size, Category::New | Category::Grown);
    let is_changed = old.zip(new).is_some_and(|(old, new)| claim(old.kind) != claim(new.kind));
    let category = match size {
        _ if is_changed => Category::Changed,
        Category::Same => Category::Same,
        _ if !is_certain => Category::Uncertain,
        size => size,
    };
    Some(Change { category, has_grown: is_larger && is_certain, old, new, finding })
}

/// Grown, shrunk or same. Wrong frees have a number and no size.
fn size(old: &Holding, new: &Holding, thresholds: Thresholds) -> Category {
    let (old_size, new_size, least) = match new.kind.is_leak() {
        true => (old.amounts.bytes.0, new.amounts.bytes.0, thresholds.min_bytes.0),
        false => (old.amounts.blocks.0, new.amounts.blocks.0, 1),
    };
    let difference = old_size.abs_diff(new_size);
    let is_much = 100 * u128::from(difference) >= u128::from(thresholds.min_percent) * u128::from(old_size);
    if difference == 0 || difference < least || !is_much {
        return Category::Same;
    }
    if old_size < new_size { Category::Grown } else { Category::Shrunk }
}

#[cfg(test)]
mod tests;
