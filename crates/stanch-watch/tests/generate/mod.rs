//! Generated series whose truth is known: families of leaks and of healthy processes with wide random parameters.
//!
//! The families model processes, not the detector: a clock, a load with days and weekends, a collector, caches, lives,
//! and a monitor that misses samples and rounds to pages. A seed gives one series of a family, everywhere the same.
#![allow(dead_code, unreachable_pub, reason = "tests and examples share it, and each needs some of it")]
#![allow(clippy::needless_range_loop, reason = "a step is a place in several series at once")]

pub mod healthy;
pub mod leaks;
pub mod random;
pub mod scene;

use healthy::HEALTHY;
use leaks::LEAKS;
use scene::Scene;
use stanch_watch::series::{Event, HOUR_S, Sample};

/// What is known of a leak.
pub struct Truth {
    /// When it begins.
    pub onset_h: f64,
    /// Bytes an hour, where that is one number.
    pub rate: Option<f64>,
}

/// A series with its truth.
pub struct Made {
    pub name: String,
    pub family: &'static str,
    pub samples: Vec<Sample>,
    pub events: Vec<Event>,
    /// `None` for what is healthy.
    pub leak: Option<MadeLeak>,
}

/// What is true of a leak, in the seconds of its series.
pub struct MadeLeak {
    pub onset_s: f64,
    pub rate_bytes_per_hour: Option<f64>,
    pub exhaustion_s: Option<f64>,
}

/// How many families there are; those of leaks come first.
pub const FAMILIES: usize = LEAKS.len() + HEALTHY.len();

/// Makes the series of a family that belongs to a seed.
pub fn make(family: usize, seed: u64) -> Made {
    let mut scene = Scene::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ family as u64);
    let (name, truth) = match LEAKS.get(family) {
        Some((name, compose)) => (*name, Some(compose(&mut scene))),
        None => {
            let (name, compose) = HEALTHY[family - LEAKS.len()];
            compose(&mut scene);
            (name, None)
        }
    };
    let limit = limit(&mut scene, name, truth.is_some());
    if name == "after a deploy" && seed.is_multiple_of(2) {
        scene.show_events();
    }
    let shown = scene.show(limit);
    let leak = truth.map(|truth| MadeLeak {
        onset_s: shown.start_s + truth.onset_h * HOUR_S,
        rate_bytes_per_hour: truth.rate,
        exhaustion_s: shown.exhaustion_s,
    });
    Made { name: format!("{name} {seed}"), family: name, samples: shown.samples, events: shown.events, leak }
}

/// A limit above all that is shown; that of a leak is met some time after the series ends.
fn limit(scene: &mut Scene, family: &str, leaks: bool) -> Option<f64> {
    let highest = |memory: &[f64]| memory.iter().copied().fold(0.0, f64::max);
    let shown = scene.shown();
    let top = highest(&scene.memory[..shown]);
    if family == "out of memory again and again" {
        return Some(1.01 * top);
    }
    if !scene.random.chance(0.6) {
        return None;
    }
    if !leaks {
        return Some(top * scene.random.uniform(1.05, 3.0));
    }
    let at = scene.random.uniform(1.05, 2.0) * scene.duration_h;
    let end = scene.step(at);
    Some(highest(&scene.memory[..end]).max(1.01 * top))
}
