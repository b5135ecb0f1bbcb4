//! speedscope's own file format: <https://www.speedscope.app/file-format-schema.json>.
//!
//! A file may hold several profiles: one for each process and weight, in one unit.
use crate::stacks::{Measure, ProcessStacks, StackFrame, Unit, Weight};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
    name: String,
    active_profile_index: usize,
    exporter: String,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<usize>>,
    weights: Vec<u64>,
}

/// Frames are one where they look alike: speedscope knows them by name, file and line.
#[derive(Default)]
struct Frames<'a> {
    frames: Vec<Frame<'a>>,
    indexes: HashMap<(String, Option<&'a str>, Option<u32>), usize>,
}

/// Writes every process under every weight that is not zero, in the unit of `measure`, whose weight is shown first.
///
/// # Errors
/// When `out` refuses.
pub fn write(
    processes: &[ProcessStacks<'_>],
    measure: Measure,
    tool_version: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut frames = Frames::default();
    let mut profiles = Vec::new();
    let mut active = None;
    for process in processes {
        for weight in Weight::ALL {
            let measure_here = Measure { weight, unit: measure.unit };
            // What was asked for is there even where it is nothing.
            let is_wanted = weight == measure.weight;
            let profile = profile(process, measure_here, &mut frames);
            if is_wanted && active.is_none() {
                active = Some(profiles.len());
            }
            if is_wanted || profile.end_value != 0 {
                profiles.push(profile);
            }
        }
    }
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        shared: Shared { frames: frames.frames },
        profiles,
        name: processes.first().map(ProcessStacks::name).unwrap_or_default(),
        active_profile_index: active.unwrap_or(0),
        exporter: format!("stanch {tool_version}"),
    };
    serde_json::to_writer(out, &file).map_err(io::Error::from)
}

fn profile<'a>(process: &ProcessStacks<'a>, measure: Measure, frames: &mut Frames<'a>) -> Profile {
    let (mut samples, mut weights) = (Vec::new(), Vec::new());
    for stack in process.stacks.iter().filter(|stack| measure.of(stack) != 0) {
        samples.push(process.frames(stack).into_iter().map(|frame| frames.index(frame)).collect());
        weights.push(measure.of(stack));
    }
    Profile {
        r#type: "sampled",
        name: format!("{} {} of {}", measure.weight.as_str(), measure.unit.as_str(), process.name()),
        unit: if measure.unit == Unit::Bytes { "bytes" } else { "none" },
        start_value: 0,
        end_value: weights.iter().fold(0, |sum: u64, weight| sum.saturating_add(*weight)),
        samples,
        weights,
    }
}

impl<'a> Frames<'a> {
    fn index(&mut self, frame: StackFrame<'a>) -> usize {
        let key = (frame.name(), frame.file.or(frame.module), frame.line);
        let (frames, (name, file, line)) = (&mut self.frames, key.clone());
        *self.indexes.entry(key).or_insert_with(|| {
            frames.push(Frame { name, file, line });
            frames.len() - 1
        })
    }
}
