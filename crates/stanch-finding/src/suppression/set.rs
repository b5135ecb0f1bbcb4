//! Applying suppressions to a report.
use super::Suppression;
use super::condition::Subject;
use crate::{BlockCount, ByteCount, Date, Finding, Report, SuppressionMatch};

/// Suppressions of one or more files. Where several match a finding, the first one counts it.
#[derive(Clone, Debug, Default)]
pub struct SuppressionSet {
    suppressions: Vec<Suppression>,
}

impl SuppressionSet {
    /// A set of these, in their order.
    #[must_use]
    pub fn new(suppressions: Vec<Suppression>) -> SuppressionSet {
        SuppressionSet { suppressions }
    }

    /// All of them.
    #[must_use]
    pub fn suppressions(&self) -> &[Suppression] {
        &self.suppressions
    }

    /// Those whose last day was before `today`.
    pub fn expired(&self, today: Date) -> impl Iterator<Item = &Suppression> {
        self.suppressions.iter().filter(move |suppression| suppression.is_expired(today))
    }

    /// Takes the findings that a suppression matches out of the report, and counts them in `suppressed`.
    ///
    /// A suppression that has expired takes nothing out; where it matches a finding that stays, it is listed as
    /// expired.
    /// Totals do not change: they are of what happened, not of what is shown.
    #[must_use]
    pub fn apply(&self, mut report: Report, today: Date) -> Report {
        let mut tallies: Vec<SuppressionMatch> = self.suppressions.iter().map(|this| this.tally(today)).collect();
        let mut is_listed = vec![false; tallies.len()];
        report.findings.retain(|finding| {
            let subject = Subject::new(finding);
            let mut matching = (0..tallies.len()).filter(|index| self.suppressions[*index].matches(&subject));
            let mut expired = Vec::new();
            let taken_by = matching.find(|index| {
                let is_expired = tallies[*index].expired.is_some();
                if is_expired {
                    expired.push(*index);
                }
                !is_expired
            });
            match taken_by {
                Some(index) => {
                    tallies[index].count(finding);
                    is_listed[index] = true;
                }
                None => expired.iter().for_each(|index| is_listed[*index] = true),
            }
            taken_by.is_none()
        });
        let listed = tallies.into_iter().zip(is_listed).filter_map(|(tally, is_listed)| is_listed.then_some(tally));
        report.suppressed.extend(listed);
        report
    }
}

impl Suppression {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(subject))
    }

    fn tally(&self, today: Date) -> SuppressionMatch {
        SuppressionMatch {
            name: self.name.clone(),
            origin: self.origin.clone(),
            reason: self.reason.clone(),
            expired: self.expires.filter(|_| self.is_expired(today)),
            findings: 0,
            bytes: ByteCount(0),
            blocks: BlockCount(0),
        }
    }
}

impl SuppressionMatch {
    fn count(&mut self, finding: &Finding) {
        self.findings += 1;
        self.bytes += finding.bytes;
        self.blocks += finding.blocks;
    }
}
