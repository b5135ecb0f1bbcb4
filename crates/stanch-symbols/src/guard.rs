//! The parsers of files are other people's and the files may be broken: a panic there is an answer, not an end.
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `parse`; `None` where it panicked.
///
/// What `parse` captures must not be used for more than another try if it did.
pub(crate) fn guarded<T>(parse: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(parse)).ok()
}
