//! The front end: what is made of each construct, and of what compilers write.

mod compilers;
mod constructs;
mod corpus;
mod debug_info;
mod well_formed;
