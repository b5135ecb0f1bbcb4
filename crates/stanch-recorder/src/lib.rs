#![no_std]
//! recorder
