//! The `stanch` command.
fn main() {}
