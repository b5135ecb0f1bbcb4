//! Families of series that rise, fall and jump, and do not leak.
use super::scene::{Scene, day_shape};
use stanch_watch::series::EventKind;

/// A family by its name, and the function that composes it.
pub type Healthy = (&'static str, fn(&mut Scene));

/// All families.
pub const HEALTHY: [Healthy; 22] = [
    ("warm-up", warm_up),
    ("warm-up, logarithmic", warm_up_log),
    ("cache filling", cache),
    ("cache filling evenly to its bound", cache_linear),
    ("cache filling later", cache_later),
    ("sawtooth", sawtooth),
    ("daily cycle", daily),
    ("weekly cycle", weekly),
    ("deploy shifts", deploys),
    ("fragmentation", fragmentation),
    ("noise", noise),
    ("bounded wandering", wandering),
    ("load ramp up and down", load_up_and_down),
    ("load ramp that stays", load_stays),
    ("batch jobs", batch_jobs),
    ("configuration step", config_step),
    ("given back late", late_return),
    ("heap sized in steps", heap_steps),
    ("high-water mark", high_water),
    ("two generations", two_generations),
    ("restarts with warm-up", warm_restarts),
    ("steady", steady),
];

fn warm_up(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.02);
    let (bytes, tau) = (scene.base * scene.random.log_uniform(0.2, 4.0), scene.random.log_uniform(0.2, 8.0));
    scene.add(|hours| bytes * (1.0 - (-hours / tau).exp()));
}

fn warm_up_log(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let tau = scene.random.log_uniform(0.02, 0.5);
    let bytes = scene.base * scene.random.log_uniform(0.1, 1.5) / (1.0 + scene.duration_h / tau).ln();
    scene.add(|hours| bytes * (1.0 + hours / tau).ln());
}

fn cache(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let tau = scene.random.log_uniform(2.0, (0.3 * scene.duration_h).max(4.0));
    let bytes = scene.base * scene.random.log_uniform(0.2, 5.0);
    scene.add(|hours| bytes * (1.0 - (-hours / tau).exp()));
}

fn cache_linear(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let full_h = scene.random.log_uniform(0.5, (0.5 * scene.duration_h).clamp(2.0, 30.0));
    let bytes = scene.base * scene.random.log_uniform(0.2, 3.0);
    scene.add(|hours| bytes * (hours / full_h).min(1.0));
}

fn cache_later(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let (from, tau) = (scene.random.uniform(0.2, 0.6) * scene.duration_h, scene.random.log_uniform(0.5, 10.0));
    let bytes = scene.base * scene.random.log_uniform(0.1, 1.5);
    scene.events.push((from, EventKind::Config));
    scene.add(|hours| if hours < from { 0.0 } else { bytes * (1.0 - (-(hours - from) / tau).exp()) });
}

fn sawtooth(scene: &mut Scene) {
    scene.disturb(0.015);
    let (bytes, period) = (scene.base * scene.random.uniform(0.2, 2.0), scene.random.log_uniform(0.03, 9.0));
    scene.saw(bytes, period);
    if scene.random.chance(0.4) {
        let bytes = scene.base * scene.random.uniform(0.05, 0.3);
        scene.follow_load(bytes, 0.2);
    }
}

fn daily(scene: &mut Scene) {
    let (bytes, lag) = (scene.base * scene.random.uniform(0.05, 0.6), scene.random.pick(&[0.0, 0.2, 1.0, 3.0]));
    let (phase, sharpness) = (scene.random.uniform(0.0, 24.0), scene.random.pick(&[1.0, 1.0, 2.0, 4.0]));
    let wander = scene.wander(0.05, 1.0);
    for step in 0..scene.load.len() {
        scene.load[step] = 1.1 + day_shape(scene.hours(step) + phase, sharpness) * (1.0 + wander[step]);
    }
    scene.follow_load(bytes, lag);
    scene.disturb(0.02);
}

fn weekly(scene: &mut Scene) {
    let bytes = scene.base * scene.random.uniform(0.1, 0.6);
    let (phase, weekend) = (scene.random.uniform(0.0, 168.0), scene.random.uniform(0.3, 0.9));
    for step in 0..scene.load.len() {
        let hours = scene.hours(step) + phase;
        let week = if (hours / 24.0).rem_euclid(7.0) > 5.0 { 1.0 - weekend } else { 1.0 };
        scene.load[step] = (1.1 + 0.7 * day_shape(hours, 1.0)) * week;
    }
    scene.follow_load(bytes, 0.5);
    scene.disturb(0.015);
}

fn deploys(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let every_h = scene.random.uniform(0.12, 0.5) * scene.duration_h;
    let spread = scene.random.uniform(0.05, 0.3);
    let restarts = scene.random.chance(0.6);
    let (mut next, mut level, mut born) = (scene.random.exponential(every_h), 0.0, f64::NEG_INFINITY);
    let (warm, tau) = (scene.base * scene.random.uniform(0.02, 0.3), scene.random.log_uniform(0.05, 2.0));
    for step in 0..scene.memory.len() {
        let hours = scene.hours(step);
        if hours >= next {
            level = (level + scene.base * spread * scene.random.normal()).clamp(-0.4 * scene.base, scene.base);
            scene.events.push((hours, EventKind::Deploy));
            born = if restarts { hours } else { born };
            next += every_h * scene.random.uniform(0.5, 1.5);
        }
        scene.memory[step] += level - warm * (-(hours - born) / tau).exp();
    }
}

fn fragmentation(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let bytes = scene.base * scene.random.log_uniform(0.05, 0.6);
    if scene.random.chance(0.5) {
        let tau = scene.random.uniform(0.08, 0.3) * scene.duration_h;
        scene.add(|hours| bytes * (1.0 - (-hours / tau).exp()));
    } else {
        let tau = scene.random.log_uniform(0.1, 3.0);
        let whole = (1.0 + scene.duration_h / tau).ln();
        scene.add(|hours| bytes * (1.0 + hours / tau).ln() / whole);
    }
}

fn noise(scene: &mut Scene) {
    scene.disturb(0.08);
    scene.disturb(0.08);
}

fn wandering(scene: &mut Scene) {
    scene.disturb(0.01);
    let (spread, lasts) = (scene.base * scene.random.log_uniform(0.01, 0.15), scene.random.log_uniform(0.5, 12.0));
    let wander = scene.wander(spread, lasts);
    scene.add_all(&wander);
}

/// Replaces the load by one that is multiplied by `factor`.
fn shape_load(scene: &mut Scene, factor: impl Fn(f64) -> f64) {
    for step in 0..scene.load.len() {
        let hours = scene.hours(step);
        scene.load[step] *= factor(hours);
    }
}

fn load_up_and_down(scene: &mut Scene) {
    let duration = scene.duration_h;
    let (up, top) = (scene.random.uniform(0.1, 0.35) * duration, scene.random.uniform(0.05, 0.2) * duration);
    let (from, by) = (scene.random.uniform(0.0, 0.3) * duration, scene.random.uniform(0.5, 3.0));
    shape_load(scene, |hours| {
        let rise = ((hours - from) / up).clamp(0.0, 1.0) - ((hours - from - up - top) / up).clamp(0.0, 1.0);
        1.0 + by * rise
    });
    let bytes = scene.base * scene.random.uniform(0.1, 0.6);
    scene.follow_load(bytes, 0.3);
    scene.disturb(0.015);
    if scene.random.chance(0.85) {
        scene.show_load();
    }
}

fn load_stays(scene: &mut Scene) {
    let duration = scene.duration_h;
    let (from, up) = (scene.random.uniform(0.0, 0.5) * duration, scene.random.uniform(0.1, 0.9) * duration);
    let by = scene.random.uniform(0.4, 2.5);
    shape_load(scene, |hours| 1.0 + by * ((hours - from) / up).clamp(0.0, 1.0));
    let bytes = scene.base * scene.random.uniform(0.1, 0.6);
    scene.follow_load(bytes, 0.3);
    scene.disturb(0.015);
    scene.show_load();
}

fn batch_jobs(scene: &mut Scene) {
    scene.disturb(0.015);
    let every = scene.random.pick(&[1.0, 4.0, 6.0, 8.0, 12.0, 24.0, 24.0, 168.0]);
    let lasts = (every * scene.random.uniform(0.03, 0.4)).min(10.0);
    let bytes = scene.base * scene.random.log_uniform(0.1, 3.0);
    scene.batches(bytes, every, lasts);
}

fn config_step(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.015);
    let at = scene.random.uniform(0.15, 0.85) * scene.duration_h;
    let bytes = scene.base * scene.random.uniform(-0.4, 1.5);
    let tau = scene.random.log_uniform(0.01, 1.0);
    scene.events.push((at, EventKind::Config));
    scene.add(|hours| if hours < at { 0.0 } else { bytes * (1.0 - (-(hours - at) / tau).exp()) });
}

fn late_return(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.01);
    let (mean_h, tau) = (scene.random.log_uniform(3.0, 40.0), scene.random.log_uniform(0.3, 10.0));
    let bytes = scene.base * scene.random.log_uniform(0.1, 1.5);
    let keep = (-scene.interval_s / 3600.0 / tau).exp();
    let (mut level, mut next) = (0.0, scene.random.exponential(mean_h));
    for step in 0..scene.memory.len() {
        level *= keep;
        if scene.hours(step) >= next {
            level += bytes * scene.random.uniform(0.3, 1.0);
            next += scene.random.exponential(mean_h);
        }
        scene.memory[step] += level;
    }
}

fn heap_steps(scene: &mut Scene) {
    scene.disturb(0.01);
    let steps = scene.random.uniform(2.0, 7.0) as u32;
    let mut at = scene.random.log_uniform(0.1, 2.0);
    let spacing = scene.random.uniform(1.6, 3.0);
    let mut height = scene.base * scene.random.uniform(0.1, 0.4);
    for _ in 0..steps {
        scene.add(|hours| if hours < at { 0.0 } else { height });
        at *= spacing * scene.random.uniform(0.8, 1.3);
        height *= scene.random.uniform(0.5, 1.1);
    }
    if scene.random.chance(0.5) {
        let (bytes, period) = (0.3 * scene.base, scene.random.log_uniform(0.05, 1.0));
        scene.saw(bytes, period);
    }
}

fn high_water(scene: &mut Scene) {
    scene.disturb(0.01);
    let bytes = scene.base * scene.random.uniform(0.1, 0.8);
    let wander = scene.wander(0.15, 3.0);
    let mut most = 0.0f64;
    for step in 0..scene.memory.len() {
        most = most.max(scene.load[step] * (1.0 + wander[step]));
        scene.memory[step] += bytes * most;
    }
}

fn two_generations(scene: &mut Scene) {
    scene.disturb(0.01);
    let (small, quick) = (scene.base * scene.random.uniform(0.05, 0.4), scene.random.log_uniform(0.01, 0.3));
    let (large, slow) = (scene.base * scene.random.uniform(0.2, 1.5), scene.random.uniform(2.0, 14.0));
    scene.saw(small, quick);
    scene.saw(large, slow);
}

fn warm_restarts(scene: &mut Scene) {
    scene.disturb(0.015);
    let (warm, tau) = (scene.base * scene.random.uniform(0.2, 2.0), scene.random.log_uniform(0.1, 6.0));
    let every_h = (scene.duration_h / scene.random.uniform(1.5, 6.0)).max(10.0);
    let mut born = 0.0;
    let mut next = every_h * scene.random.uniform(0.3, 1.5);
    for step in 0..scene.memory.len() {
        let hours = scene.hours(step);
        if hours >= next {
            born = hours;
            next += every_h * scene.random.uniform(0.5, 1.5);
            scene.events.push((hours, EventKind::Restart));
        }
        scene.memory[step] += warm * (1.0 - (-(hours - born) / tau).exp());
    }
}

fn steady(scene: &mut Scene) {
    scene.background();
    scene.disturb(0.02);
}
