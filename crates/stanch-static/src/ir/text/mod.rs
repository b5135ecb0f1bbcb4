//! The text form: to look at programs, and to write them down in tests.
//!
//! ```text
//! module "a.c"
//! file "a.c"
//! location 0:7:3                            # file, line, column; the first is location 1
//! global "g" size 8 {0: f1+0}
//! function "malloc" (i64) -> ptr
//! function "main" (i32) -> i32 {
//! variable "p" "char *" pointer !1
//! block
//!   %1: ptr = slot 8 x 1 variable 0 !1
//!   %2: ptr = call f0(i64 10) -> ptr !2
//!   store ptr %2 to %1
//!   %3: i1 = eq i32 %0, 1
//!   branch %3 1 2
//! block
//!   goto 2
//! block
//!   return i32 0
//! }
//! ```
//!
//! Functions, globals, blocks and locations are known by position (`f0`, `g0`, `0`, `!1`), values by number. What is
//! said beside the code for messages and linking follows as words; a reader may leave all of them out.
mod parse;
mod print;
mod words;

pub use parse::TextError;

use super::Module;

/// Reads the text form.
///
/// # Errors
/// Where the text is not of the form; the error says where.
pub fn parse(text: &str) -> Result<Module, TextError> {
    parse::module(text)
}
