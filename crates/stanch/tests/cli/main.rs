//! The `stanch` command as its users meet it: what it prints, where, and with which exit status.
//!
//! `bench` holds the tools: a folder for each test, programs compiled with gcc, commands with a time limit; `desk` is a
//! terminal. A missing tool fails the test.
#![forbid(unsafe_code)]

mod bench;
mod configuration;
mod desk;
mod errors;
mod formats;
mod help;
mod processes;
mod programs;
mod progress;
mod recordings;
mod sampling;
mod signals;
mod snapshots;
mod statuses;
mod suppressions;
mod view;
mod watch;
