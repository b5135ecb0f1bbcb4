//! Lines for people on standard error. Nobody may be listening: that is no reason to stop.
use std::io::{self, Write};

/// Writes a line.
pub(crate) fn line(text: &str) {
    // Nobody to tell that nobody can be told.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a line that does not come from the recorded program, and says so.
pub(crate) fn note(text: &str) {
    line(&format!("stanch: {text}"));
}
