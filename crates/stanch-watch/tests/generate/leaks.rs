//! Families of series that leak.
use super::Truth;
use super::scene::Scene;
use stanch_watch::series::EventKind;

/// A family by its name, the function that composes it, and whether its rate is one number.
pub type Leak = (&'static str, fn(&mut Scene) -> Truth);

/// All families.
pub const LEAKS: [Leak; 16] = [
    ("linear", linear),
    ("stepwise", stepwise),
    ("slow under daily load", slow_daily),
    ("through restarts", restarts),
    ("bursty", bursty),
    ("rising floor of a collector", collector_floor),
    ("load-dependent", load_dependent),
    ("late start", late_start),
    ("after a deploy", after_deploy),
    ("plateau, then growth", plateau_then_growth),
    ("very slow on noise", slow_noisy),
    ("accelerating", accelerating),
    ("business hours only", business_hours),
    ("partly given back", partly_given_back),
    ("out of memory again and again", out_of_memory),
    ("linear after a cache filled", after_filling),
];

/// Bytes an hour so that a wide range of growths is seen by the end: a little of the base, or several times it.
fn rate(scene: &mut Scene, hours: f64) -> f64 {
    scene.base * scene.random.log_uniform(0.15, 4.0) / hours
}

fn grow(scene: &mut Scene, onset_h: f64, rate: f64) -> Truth {
    scene.add(|hours| rate * (hours - onset_h).max(0.0));
    Truth { onset_h, rate: Some(rate) }
}

fn linear(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.02);
    let rate = rate(scene, scene.duration_h);
    grow(scene, 0.0, rate)
}

fn stepwise(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let steps = scene.random.log_uniform(6.0, 60.0);
    let (mean_h, total) = (scene.duration_h / steps, scene.base * scene.random.log_uniform(0.3, 4.0));
    let spread = scene.random.uniform(0.0, 0.5);
    let (mut level, mut next) = (0.0, scene.random.exponential(mean_h));
    let regular = scene.random.chance(0.4);
    for step in 0..scene.memory.len() {
        if scene.hours(step) >= next {
            level += total / steps * (1.0 + spread * scene.random.normal()).max(0.2);
            next += if regular { mean_h } else { scene.random.exponential(mean_h) };
        }
        scene.memory[step] += level;
    }
    Truth { onset_h: 0.0, rate: None }
}

fn slow_daily(scene: &mut Scene) -> Truth {
    scene.duration_h = scene.duration_h.max(60.0);
    rebuild(scene);
    let (daily, lag) = (scene.base * scene.random.uniform(0.1, 0.6), scene.random.pick(&[0.0, 0.5, 2.0]));
    if scene.load.iter().all(|load| (load - 1.0).abs() < 0.4) || scene.random.chance(0.5) {
        let (phase, sharpness) = (scene.random.uniform(0.0, 24.0), scene.random.pick(&[1.0, 2.0, 3.0]));
        scene.load = (0..scene.memory.len())
            .map(|step| 1.2 + 0.6 * super::scene::day_shape(scene.hours(step) + phase, sharpness))
            .collect();
    }
    scene.follow_load(daily, lag);
    scene.disturb(0.01);
    let per_day = scene.base * scene.random.log_uniform(0.02, 0.25);
    let onset_h = if scene.random.chance(0.3) { scene.random.uniform(0.0, 0.4) * scene.duration_h } else { 0.0 };
    grow(scene, onset_h, per_day / 24.0)
}

/// Memory for a longer series than was drawn.
fn rebuild(scene: &mut Scene) {
    let steps = (2.2 * scene.duration_h * 3600.0 / scene.interval_s) as usize;
    while scene.memory.len() < steps {
        let at = scene.memory.len() % scene.load.len().max(1);
        scene.load.push(scene.load[at]);
        scene.memory.push(scene.base);
    }
}

/// Lives that end for reasons of their own; each leaks.
fn restarts(scene: &mut Scene) -> Truth {
    scene.disturb(0.01);
    let life_h = (scene.duration_h / scene.random.uniform(2.0, 8.0)).max(5.0);
    let rate = scene.base * scene.random.log_uniform(0.15, 3.0) / life_h;
    let varies = scene.random.chance(0.6);
    let next = move |scene: &mut Scene| life_h * if varies { scene.random.uniform(0.4, 1.6) } else { 1.0 };
    lives(scene, rate, f64::INFINITY, next);
    Truth { onset_h: 0.0, rate: Some(rate) }
}

/// Lives that end at the limit.
fn out_of_memory(scene: &mut Scene) -> Truth {
    scene.disturb(0.01);
    let life_h = scene.random.log_uniform(6.0, (0.6 * scene.duration_h).max(8.0));
    let room = scene.random.uniform(0.4, 3.0) * scene.base;
    lives(scene, room / life_h, scene.base + room, |_| f64::INFINITY);
    Truth { onset_h: 0.0, rate: Some(room / life_h) }
}

/// Grows by `rate` until `ceiling`, or until `life_h` says that the life is over, and begins anew with a warm-up.
fn lives(scene: &mut Scene, rate: f64, ceiling: f64, mut life_h: impl FnMut(&mut Scene) -> f64) {
    let (warm, tau) = (scene.base * scene.random.uniform(0.0, 0.15), scene.random.log_uniform(0.02, 0.5));
    let starts_low = scene.random.chance(0.5);
    let mut end = life_h(scene);
    let mut born = 0.0;
    for step in 0..scene.memory.len() {
        let hours = scene.hours(step);
        let grown = rate * (hours - born);
        if hours >= end || scene.memory[step] + grown + warm > ceiling {
            born = hours;
            end = hours + life_h(scene);
            scene.events.push((hours, EventKind::Restart));
        }
        let age = hours - born;
        scene.memory[step] += rate * age + warm * (1.0 - (-age / tau).exp());
        if starts_low && age < 0.05 && born > 0.0 {
            scene.memory[step] -= 0.6 * scene.base * (1.0 - age / 0.05);
        }
    }
}

fn bursty(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let mean_h = (scene.duration_h / scene.random.log_uniform(8.0, 80.0)).min(20.0);
    let rate = rate(scene, scene.duration_h);
    let lasts_h = scene.random.log_uniform(0.05, 1.0);
    let (mut level, mut left, mut pace) = (0.0, 0.0, 0.0);
    let mut next = scene.random.exponential(mean_h);
    for step in 0..scene.memory.len() {
        if scene.hours(step) >= next {
            let size = scene.random.exponential(rate * mean_h);
            left += size;
            pace = left / lasts_h;
            next += scene.random.exponential(mean_h);
        }
        let add = (pace * scene.interval_s / 3600.0).min(left);
        left -= add;
        level += add;
        scene.memory[step] += level;
    }
    Truth { onset_h: 0.0, rate: None }
}

fn collector_floor(scene: &mut Scene) -> Truth {
    let (height, period) = (scene.base * scene.random.uniform(0.2, 1.2), scene.random.log_uniform(0.03, 6.0));
    scene.saw(height, period);
    scene.disturb(0.01);
    if scene.random.chance(0.4) {
        let bytes = scene.base * scene.random.uniform(0.05, 0.25);
        scene.follow_load(bytes, 0.2);
    }
    let rate = scene.base * scene.random.log_uniform(0.3, 4.0) / scene.duration_h;
    let onset_h = if scene.random.chance(0.3) { scene.random.uniform(0.0, 0.5) * scene.duration_h } else { 0.0 };
    grow(scene, onset_h, rate)
}

fn load_dependent(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    if scene.random.chance(0.6) {
        scene.show_load();
    }
    let rate = rate(scene, scene.duration_h);
    let mean = scene.load.iter().sum::<f64>() / scene.load.len() as f64;
    let mut level = 0.0;
    for step in 0..scene.memory.len() {
        level += rate * scene.load[step] / mean * scene.interval_s / 3600.0;
        scene.memory[step] += level;
    }
    Truth { onset_h: 0.0, rate: None }
}

fn late_start(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.015);
    let onset_h = scene.duration_h * scene.random.uniform(0.2, 0.75);
    let rate = rate(scene, scene.duration_h - onset_h);
    grow(scene, onset_h, rate)
}

fn after_deploy(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let onset_h = scene.duration_h * scene.random.uniform(0.15, 0.7);
    scene.events.push((onset_h, EventKind::Deploy));
    let shift = scene.base * scene.random.uniform(-0.15, 0.25);
    let (warm, tau) = (scene.base * scene.random.uniform(0.02, 0.2), scene.random.log_uniform(0.05, 1.0));
    scene.add(|hours| if hours < onset_h { 0.0 } else { shift - warm * (-(hours - onset_h) / tau).exp() });
    let rate = rate(scene, scene.duration_h - onset_h);
    grow(scene, onset_h, rate)
}

fn plateau_then_growth(scene: &mut Scene) -> Truth {
    scene.disturb(0.015);
    let (pool, tau) = (scene.base * scene.random.uniform(0.2, 1.5), scene.random.log_uniform(0.2, 4.0));
    scene.add(|hours| pool * (1.0 - (-hours / tau).exp()));
    let onset_h = scene.duration_h * scene.random.uniform(0.15, 0.6);
    let rate = rate(scene, scene.duration_h - onset_h);
    let per_connection = scene.base * scene.random.log_uniform(0.002, 0.03);
    let mut owed = 0.0;
    let mut level = 0.0;
    for step in 0..scene.memory.len() {
        if scene.hours(step) > onset_h {
            owed += rate * scene.interval_s / 3600.0;
        }
        if owed >= per_connection {
            let connections = (owed / per_connection).floor();
            level += connections * per_connection;
            owed -= connections * per_connection;
        }
        scene.memory[step] += level;
    }
    Truth { onset_h, rate: Some(rate) }
}

fn slow_noisy(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.03);
    let spread = scene.base * scene.random.uniform(0.01, 0.05);
    let lasts = scene.random.log_uniform(0.1, 4.0);
    let wander = scene.wander(spread, lasts);
    scene.add_all(&wander);
    let rate = spread * scene.random.uniform(5.0, 15.0) / scene.duration_h;
    grow(scene, 0.0, rate)
}

fn accelerating(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let (power, total) = (scene.random.uniform(1.4, 2.5), scene.base * scene.random.log_uniform(0.4, 4.0));
    let duration_h = scene.duration_h;
    scene.add(|hours| total * (hours / duration_h).powf(power));
    Truth { onset_h: 0.0, rate: None }
}

fn business_hours(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let (rate, phase) = (rate(scene, scene.duration_h), scene.random.uniform(0.0, 168.0));
    let weekends_off = scene.random.chance(0.5);
    let mut level = 0.0;
    for step in 0..scene.memory.len() {
        let hours = scene.hours(step) + phase;
        let is_open =
            (8.0..18.0).contains(&hours.rem_euclid(24.0)) && !(weekends_off && (hours / 24.0).rem_euclid(7.0) >= 5.0);
        if is_open {
            level += 2.4 * rate * scene.interval_s / 3600.0;
        }
        scene.memory[step] += level;
    }
    let onset_h = (0..48).map(f64::from).find(|hours| (8.0..18.0).contains(&(hours + phase).rem_euclid(24.0)));
    Truth { onset_h: onset_h.unwrap_or(0.0), rate: None }
}

fn partly_given_back(scene: &mut Scene) -> Truth {
    scene.background();
    scene.disturb(0.01);
    let rate = rate(scene, scene.duration_h);
    let (mean_h, share) = (scene.random.log_uniform(2.0, 30.0), scene.random.uniform(0.1, 0.5));
    let (mut level, mut since, mut next) = (0.0, 0.0, scene.random.exponential(mean_h));
    for step in 0..scene.memory.len() {
        let add = rate * scene.interval_s / 3600.0;
        level += add;
        since += add;
        if scene.hours(step) >= next {
            level -= share * since;
            since = 0.0;
            next += scene.random.exponential(mean_h);
        }
        scene.memory[step] += level;
    }
    Truth { onset_h: 0.0, rate: None }
}

fn after_filling(scene: &mut Scene) -> Truth {
    scene.disturb(0.01);
    let (bytes, tau) =
        (scene.base * scene.random.uniform(0.2, 1.0), scene.random.uniform(0.02, 0.15) * scene.duration_h);
    scene.add(|hours| bytes * (1.0 - (-hours / tau).exp()));
    let rate = scene.base * scene.random.log_uniform(0.3, 3.0) / scene.duration_h;
    grow(scene, 0.0, rate)
}
