//! Every output format over one set of hand-made reports.
mod comparison;
mod json;
mod samples;
mod sarif;
mod text;
