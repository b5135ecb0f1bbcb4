//! The recorder's shared objects, as built by the build script.

/// Contents of `libstanch_recorder.so`.
pub(crate) static RECORDER: &[u8] = include_bytes!(env!("STANCH_RECORDER_FILE"));

/// The same for sampled recordings.
pub(crate) static SAMPLED_RECORDER: &[u8] = include_bytes!(env!("STANCH_SAMPLED_RECORDER_FILE"));
