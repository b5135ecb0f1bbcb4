//! The Firefox Profiler's processed profile, with tables of native allocations: <https://profiler.firefox.com>.
//!
//! The profiler knows allocations and deallocations and shows what is *retained*. A recording has sums, so each stack
//! becomes one allocation that was freed again and one that was kept, at made-up addresses: *retained memory* is what
//! was live, *allocations* what was allocated over the whole life. What was lost is a track of its own. Sizes are
//! bytes; the format has no other weight.
use crate::stacks::{ProcessStacks, Weight};
use fxprof_processed_profile::{
    CategoryHandle, Frame, FrameFlags, FrameInfo, Profile, ReferenceTimestamp, SamplingInterval, StackHandle,
    ThreadHandle, Timestamp,
};
use stanch_recording::Recording;
use std::io::{self, Write};
use std::time::Duration;

/// Writes two tracks for each process: its memory, and what of it was lost.
///
/// # Errors
/// When `out` refuses.
pub fn write(recording: &Recording, processes: &[ProcessStacks<'_>], out: &mut dyn Write) -> io::Result<()> {
    let start = ReferenceTimestamp::from_duration_since_unix_epoch(Duration::from_millis(recording.started_unix_ms));
    let product = recording.command.join(" ");
    let mut profile = Profile::new(&product, start, SamplingInterval::from_millis(1));
    profile.set_symbolicated(true);
    for process in processes {
        let memory = track(&mut profile, process, &process.name());
        let mut tracks = vec![memory];
        if process.total(Weight::Lost).bytes != 0 {
            tracks.push(track(&mut profile, process, &format!("lost by {}", process.name())));
        }
        for (position, thread) in tracks.into_iter().enumerate() {
            add(&mut profile, thread, process, position != 0);
            profile.add_initial_visible_thread(thread);
        }
        if process.process.pid == processes[0].process.pid {
            profile.add_initial_selected_thread(memory);
        }
    }
    serde_json::to_writer(out, &profile).map_err(io::Error::from)
}

fn track(profile: &mut Profile, process: &ProcessStacks<'_>, name: &str) -> ThreadHandle {
    let (start, end) = times(process);
    let handle = profile.add_process(name, process.process.pid, start);
    let thread = profile.add_thread(handle, process.process.pid, start, true);
    profile.set_thread_name(thread, name);
    profile.set_process_end_time(handle, end);
    profile.set_thread_end_time(thread, end);
    thread
}

fn times(process: &ProcessStacks<'_>) -> (Timestamp, Timestamp) {
    let start_ms = process.process.started_ms;
    let end_ms = start_ms.saturating_add(process.process.duration_ms.max(1));
    let at = |ms: u64| Timestamp::from_nanos_since_reference(ms.saturating_mul(1_000_000));
    (at(start_ms), at(end_ms))
}

/// Allocations when the process started, deallocations when it ended.
fn add(profile: &mut Profile, thread: ThreadHandle, process: &ProcessStacks<'_>, lost_only: bool) {
    let (start, end) = times(process);
    let mut address = 0;
    let mut block = |profile: &mut Profile, stack, bytes: u64, is_freed: bool| {
        let size = i64::try_from(bytes).unwrap_or(i64::MAX);
        if size == 0 {
            return;
        }
        address += 16;
        profile.add_allocation_sample(thread, start, stack, address, size);
        if is_freed {
            profile.add_allocation_sample(thread, end, stack, address, -size);
        }
    };
    for weighted in &process.stacks {
        let bytes = |weight| weighted.amount(weight).bytes;
        let (kept, freed) = if lost_only {
            (bytes(Weight::Lost), 0)
        } else {
            (bytes(Weight::Live), bytes(Weight::Allocated).saturating_sub(bytes(Weight::Live)))
        };
        if kept != 0 || freed != 0 {
            let stack = intern(profile, thread, process.frames(weighted).iter().map(|frame| frame.name()));
            block(profile, stack, freed, true);
            block(profile, stack, kept, false);
        }
    }
}

/// A stack of these names, the outermost first.
fn intern(profile: &mut Profile, thread: ThreadHandle, names: impl Iterator<Item = String>) -> Option<StackHandle> {
    names.fold(None, |parent, name| {
        let label = Frame::Label(profile.intern_string(&name));
        let frame = FrameInfo { frame: label, category_pair: CategoryHandle::OTHER.into(), flags: FrameFlags::empty() };
        let frame = profile.intern_frame(thread, frame);
        Some(profile.intern_stack(thread, parent, frame))
    })
}
