//! What can be learned of another process: maps, threads, registers, memory.
//!
//! Only this crate uses ptrace or reads `/proc/PID`. It changes nothing in the other process except that
//! [`stop`] makes its threads stand still until the result is dropped, that [`Stopped::fork`] lets one of them make a
//! copy of the process meanwhile, and that [`follow_execs`] holds what it starts for a moment at each new program.

mod execs;
mod facts;
mod fork;
mod haste;
mod host;
mod inject;
mod maps;
mod memory;
mod pages;
mod ptrace;
mod stop;
mod wait;

pub use execs::{Exec, Follow, follow_execs};
pub use facts::{environment_variable, memory_id, parent, resident_bytes, state, threads};
pub use fork::{ForkError, ImageProcess, SystemCallSite};
pub use haste::let_others_go_first;
pub use host::{HostTables, host_tables};
pub use maps::{Mapping, maps};
pub use memory::read;
pub use pages::{PageRange, private_pages};
pub use stop::{Registers, Stopped, StoppedThread, stop};
pub use wait::PidFd;

/// A process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(pub u32);

/// A thread id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tid(pub u32);
