//! Counts of right and wrong answers, and what is wrong in words.
use crate::check::{Answer, Found, Heard};
use crate::program::{Program, Twin};
use std::fmt;

const RECALL_MIN: f64 = 0.97;
const ALARMS_MAX: f64 = 0.01;

/// How the answers compare with what is declared.
#[derive(Default)]
pub(crate) struct Score {
    programs: usize,
    found: usize,
    alarms: usize,
    /// Bad twins of which all findings are at marked lines.
    precise: usize,
    /// Each wrong answer.
    wrong: Vec<String>,
    /// Programs whose prefix is not needed any more.
    misnamed: Vec<String>,
    /// What could not be analysed.
    gaps: Vec<String>,
}

impl Score {
    pub(crate) fn of<'a>(answers: impl Iterator<Item = (&'a Program, &'a Answer)>) -> Score {
        let mut score = Score::default();
        for (program, answer) in answers {
            score.programs += 1;
            score.add_bad(program, &answer.bad);
            score.add_ok(program, &answer.ok);
        }
        score
    }

    fn add_bad(&mut self, program: &Program, answer: &Result<Heard, String>) {
        let complaint = match answer {
            Err(error) => Some(error.clone()),
            Ok(heard) if heard.findings.iter().any(|found| is_declared(program, found)) => {
                let is_precise = counting(program, heard).iter().all(|found| is_declared(program, found));
                self.precise += usize::from(is_precise);
                None
            }
            Ok(heard) => Some(format!("missed{}", describe(&heard.findings))),
        };
        self.found += usize::from(complaint.is_none());
        self.note(program, Twin::Bad, answer, complaint);
    }

    fn add_ok(&mut self, program: &Program, answer: &Result<Heard, String>) {
        let complaint = match answer {
            Err(error) => Some(error.clone()),
            Ok(heard) if counting(program, heard).is_empty() => None,
            Ok(heard) => Some(format!("alarm{}", describe(&heard.findings))),
        };
        self.alarms += usize::from(complaint.is_some());
        self.note(program, Twin::Ok, answer, complaint);
    }

    fn note(&mut self, program: &Program, twin: Twin, answer: &Result<Heard, String>, complaint: Option<String>) {
        let name = format!("{}_{}", program.name, twin.suffix());
        let gaps = answer.iter().flat_map(|heard| &heard.gaps);
        self.gaps.extend(gaps.map(|gap| format!("{name}: not analysed: {gap}")));
        match (complaint, program.is_known_wrong(twin)) {
            (Some(complaint), _) => self.wrong.push(format!("{name}: {complaint}")),
            (None, true) => self.misnamed.push(format!("{name} is right now: take its prefix away")),
            (None, false) => {}
        }
    }

    /// What must not be, in words.
    pub(crate) fn breaches(&self) -> Vec<String> {
        let mut breaches = self.misnamed.clone();
        let share = |count: usize| count as f64 / self.programs as f64;
        if share(self.found) < RECALL_MIN {
            breaches.push(format!("fewer than {RECALL_MIN} of the leaks are found"));
        }
        if share(self.alarms) > ALARMS_MAX {
            breaches.push(format!("more than {ALARMS_MAX} of the clean programs raise an alarm"));
        }
        breaches
    }
}

/// What may count as an alarm. Blocks that globals hold to the end fail nobody's build, so they count only where a
/// program is about them.
fn counting<'a>(program: &Program, heard: &'a Heard) -> Vec<&'a Found> {
    const HELD: &str = "held_to_exit";
    heard.findings.iter().filter(|found| found.kind != HELD || program.leak == HELD).collect()
}

fn is_declared(program: &Program, found: &Found) -> bool {
    found.kind == program.leak && found.lines.iter().any(|line| program.marks.contains(line))
}

fn describe(findings: &[Found]) -> String {
    let one = |found: &Found| {
        let lines: Vec<String> = found.lines.iter().map(|line| format!("{}:{}", line.file, line.number)).collect();
        format!("\n    {} at {}: {}", found.kind, lines.join(" < "), found.message)
    };
    findings.iter().map(one).collect()
}

impl fmt::Display for Score {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.gaps.iter().chain(&self.wrong) {
            writeln!(out, "{line}")?;
        }
        let percent = |count: usize| 100.0 * count as f64 / self.programs as f64;
        writeln!(out, "found {} of {} ({:.1} %)", self.found, self.programs, percent(self.found))?;
        writeln!(out, "  and nothing else there: {} ({:.1} %)", self.precise, percent(self.precise))?;
        write!(out, "alarms on {} of {} ({:.1} %)", self.alarms, self.programs, percent(self.alarms))
    }
}
