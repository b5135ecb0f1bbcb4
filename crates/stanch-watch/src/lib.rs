//! Monitoring: samples and recorded series of memory to verdicts, alarms and forecasts.
//!
//! The parts, in the order of the flow: `series` is what was seen, `detect` decides whether it leaks, `forecast` says
//! when it hurts, `replay` runs both over recorded series. `host` accounts for all
//! memory of a machine.
#![forbid(unsafe_code)]

pub mod detect;
pub mod forecast;
pub mod host;
pub mod replay;
pub mod series;
mod text;
