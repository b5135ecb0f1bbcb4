//! The vocabulary of Stanch: what an analysis claims, why, where and whose it is.
//!
//! Every analysis returns [`Finding`]s and every output reads only a [`Report`] of them; this crate
//! is the one thing both sides know. It does no I/O, holds no state and knows no rule.
#![forbid(unsafe_code)]

pub mod comparison;
mod date;
mod finding;
mod fingerprint;
mod glob;
mod name;
mod owner;
mod owning;
mod report;
mod site;
pub mod suppression;
mod units;

pub use date::{Date, DateError};
pub use finding::{Confidence, Evidence, Finding, Fix, Kind, PathStep};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use name::normal_name;
pub use owner::{Owner, OwnerKind};
pub use owning::{FrameRole, owning_frame};
pub use report::{Amounts, Estimate, Incomplete, Report, Sampling, Subject, SubjectKind, SuppressionMatch, Totals};
pub use site::{Frame, Site};
pub use units::{BlockCount, ByteCount};
