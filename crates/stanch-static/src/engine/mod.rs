//! The engine: executes a linked program symbolically and says which allocations it loses, on which path.
//!
//! * `term`, `arithmetic`, `interval`, `facts`: values that are not known, and what holds of them on a path.
//! * `region`, `memory`, `state`: memory as regions of cells; everything that holds at a point of a path.
//! * `code`, `order`: functions made ready. `run`, `activation`, `frame`, `branch`, `loops`,
//!   `step`, `call`: their execution, block by block.
//! * `library`, `strings`, `builtin`, `exception`, `thread`: what is no code of the program.
//! * `loss`: which blocks nothing refers to. `issue`, `trace`: what is said of it, with a witness.
//! * `plan`, `entry`, `globals`: where execution begins. `limits`: how far it goes.
//!
//! It knows no rule and no source language. It never says that something is lost because it lost track: what it does
//! not understand may hold anything.
mod activation;
mod arithmetic;
mod branch;
mod builtin;
mod builtin_types;
mod call;
mod cells;
mod code;
mod describe;
mod entry;
mod exception;
mod facts;
mod frame;
mod globals;
mod interval;
mod issue;
mod library;
mod limits;
mod loops;
mod loss;
mod memory;
mod order;
mod plan;
mod region;
mod run;
mod state;
mod step;
mod strings;
mod term;
mod thread;
mod trace;

use crate::ir::Module;
use crate::models::Models;

pub(crate) use issue::{Issue, IssueKind};
pub use limits::{Counts, Limits};
pub(crate) use state::Cause;
pub(crate) use trace::{Event, Step};

/// What a run saw.
#[derive(Debug, Default)]
pub struct Analysis {
    pub(crate) issues: Vec<Issue>,
    /// What was joined, dropped and cut.
    pub counts: Counts,
    /// The engine itself failed: there is nothing to rely on.
    pub has_failed: bool,
}

/// Stack of the thread that executes: paths recurse as the program does.
const STACK_BYTES: usize = 1 << 30;

/// Executes a program, or every function of a library that nobody calls.
#[must_use]
pub fn run(program: &Module, models: &Models, limits: Limits) -> Analysis {
    std::thread::scope(|scope| {
        let work = || run_here(program, models, limits);
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let failed = Analysis { has_failed: true, ..Analysis::default() };
        thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(failed)
    })
}

fn run_here(program: &Module, models: &Models, limits: Limits) -> Analysis {
    let mut plan = plan::Plan::new(program, models, limits);
    plan.run();
    Analysis { issues: plan.issues.into_sorted(), counts: plan.counts, has_failed: false }
}
