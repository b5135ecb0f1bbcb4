//! The recorder's shared object, as built by the build script.

/// Contents of `libstanch_recorder.so`.
pub(crate) static RECORDER: &[u8] = include_bytes!(env!("STANCH_RECORDER_FILE"));
