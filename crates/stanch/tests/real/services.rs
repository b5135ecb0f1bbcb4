//! A program of ours on Tokio: the example `tokio_echo`, which cargo builds with the tests.
use crate::check::check;
use crate::program::Program;
use std::path::Path;

/// Runs the example and looks for the blocks that it loses.
pub(crate) fn check_tokio() {
    let stanch = Path::new(env!("CARGO_BIN_EXE_stanch"));
    let example = stanch.with_file_name("examples").join("tokio_echo");
    let mut program = Program::new("tokio", "(none: cargo build --example tokio_echo)", &[&example.to_string_lossy()]);
    program.processes = &[("tokio_echo", 1)];
    program.finds = &[("lose", 3, 1001 + 1002 + 1003)];
    check(&program);
}
