//! Starts programs under the recorder and turns their ledgers into recordings.
//!
//! One [`run`] is one session: a socket that every process of the tree hands its ledger to, and a thread a process
//! that keeps its clock, has it checked at its end and notices when it dies.

mod collect;
mod heap;
mod image;
mod ledger;
mod preload;
mod program;
mod reading;
mod resolve;
mod roots;
mod run;
mod sampled;
mod shared;
mod snapshot;
mod socket;
mod timeline;
mod watch;
mod work;

pub use resolve::{Names, resolve};
pub use run::{Event, Outcome, RunPlan, SamplePlan, run};
pub use socket::request_snapshot;

use std::io;

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// No such program.
    #[error("cannot find program `{0}`")]
    NotFound(String),
    /// It is here, but the shell would not find it either.
    #[error("cannot find program `{0}` in PATH; the file in this folder is meant with `./{0}`")]
    NotInPath(String),
    /// Not a program.
    #[error("`{0}` is a folder, not a program")]
    IsFolder(String),
    /// A file without the right to be executed.
    #[error("`{0}` is not executable; `chmod +x {0}` makes it so")]
    NotExecutable(String),
    /// The dynamic linker takes no part in it.
    #[error("`{0}` is statically linked: nothing can be loaded into it\nhint: link it without `-static` to record it")]
    Static(String),
    /// Not a 64-bit x86 program.
    #[error("`{0}` is not a 64-bit x86 program, which is the only kind that can be recorded yet")]
    OtherMachine(String),
    /// The program's file cannot be read.
    #[error("cannot read program `{program}`")]
    Unreadable {
        /// Path.
        program: String,
        /// Cause.
        source: io::Error,
    },
    /// The kernel would not start it.
    #[error("cannot start `{program}`")]
    Start {
        /// Path.
        program: String,
        /// Cause.
        source: io::Error,
    },
    /// No place for the recorder's file.
    #[error("cannot write the recorder to `{folder}`; set TMPDIR to a folder that can be written")]
    Preload {
        /// Where it was tried.
        folder: String,
        /// Cause.
        source: io::Error,
    },
    /// The session's socket.
    #[error("cannot listen for recorded processes")]
    Listen(#[source] io::Error),
    /// `stanch snapshot` of a process that nobody records.
    #[error("process {0} is not being recorded; start it with `stanch run -- PROGRAM`")]
    NotRecorded(u32),
    /// `stanch snapshot` of no process.
    #[error("there is no process {0}")]
    NoProcess(u32),
    /// The session that records the process gave no answer that could be understood.
    #[error("the session that records process {pid} did not answer: {why}")]
    NoAnswer {
        /// The process asked for.
        pid: u32,
        /// What came instead.
        why: String,
    },
}
