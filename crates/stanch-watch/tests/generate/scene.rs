//! One made-up process on its way to a series: a clock, a load, memory that parts are added to, and then what a
//! monitor would have seen of it.
use super::random::Random;
use stanch_watch::series::{DAY_S, Event, EventKind, HOUR_S, Sample};
use std::f64::consts::TAU;

/// A process while it is composed. Times are hours since the start of the series.
pub struct Scene {
    pub random: Random,
    pub interval_s: f64,
    /// How much of it is shown.
    pub duration_h: f64,
    /// Memory at rest, in bytes.
    pub base: f64,
    /// Memory at each step; goes beyond what is shown, so that it is known when a limit is met.
    pub memory: Vec<f64>,
    /// Work at each step; around 1.
    pub load: Vec<f64>,
    pub events: Vec<(f64, EventKind)>,
    /// Standard deviation of all noise that is put on top, in bytes.
    pub noise: f64,
    /// Nothing but what the family is about, and little noise.
    is_calm: bool,
    start_s: f64,
    shows_load: bool,
    shows_events: bool,
}

/// How the series is shown.
pub struct Shown {
    pub samples: Vec<Sample>,
    pub events: Vec<Event>,
    /// When memory meets the limit, in the series' seconds.
    pub exhaustion_s: Option<f64>,
    pub start_s: f64,
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let duration_h = match random.uniform(0.0, 1.0) {
            share if share < 0.08 => random.log_uniform(7.0, 24.0),
            share if share < 0.45 => random.uniform(24.0, 72.0),
            share if share < 0.80 => random.uniform(72.0, 168.0),
            share if share < 0.95 => random.uniform(168.0, 336.0),
            _ => random.uniform(336.0, 720.0),
        };
        let mut interval_s = random.pick(&[10.0, 15.0, 30.0, 60.0, 60.0, 60.0, 120.0, 300.0, 300.0, 600.0, 900.0]);
        // Long series are rarely kept finely.
        while duration_h * HOUR_S / interval_s > 40_000.0 {
            interval_s *= 2.0;
        }
        let steps = (2.2 * duration_h * HOUR_S / interval_s) as usize;
        let base = random.log_uniform(8e6, 8e9);
        let start_s = if random.chance(0.3) { 0.0 } else { 1.7e9 + random.uniform(0.0, 30.0) * DAY_S };
        let shows_load = random.chance(0.5);
        let shows_events = random.chance(0.6);
        let is_calm = random.chance(0.35);
        let mut scene = Self {
            random,
            interval_s,
            duration_h,
            base,
            memory: vec![base; steps],
            load: vec![1.0; steps],
            events: Vec::new(),
            noise: 0.0,
            is_calm,
            start_s,
            shows_load,
            shows_events,
        };
        scene.draw_load();
        scene
    }

    pub fn hours(&self, step: usize) -> f64 {
        step as f64 * self.interval_s / HOUR_S
    }

    pub fn step(&self, hours: f64) -> usize {
        ((hours * HOUR_S / self.interval_s) as usize).min(self.memory.len() - 1)
    }

    /// How many steps are shown.
    pub fn shown(&self) -> usize {
        self.step(self.duration_h)
    }

    pub fn show_load(&mut self) {
        self.shows_load = true;
    }

    pub fn show_events(&mut self) {
        self.shows_events = true;
    }

    /// Adds what a function of the hours says.
    pub fn add(&mut self, part: impl Fn(f64) -> f64) {
        for step in 0..self.memory.len() {
            self.memory[step] += part(self.hours(step));
        }
    }

    /// Adds a part that is known for each step.
    pub fn add_all(&mut self, part: &[f64]) {
        self.memory.iter_mut().zip(part).for_each(|(memory, part)| *memory += part);
    }

    /// Traffic of one service: a day, a weekend, noise that lasts minutes to hours.
    fn draw_load(&mut self) {
        let daily = if self.random.chance(0.7) { self.random.uniform(0.1, 0.8) } else { 0.0 };
        let weekend = if self.random.chance(0.4) { self.random.uniform(0.1, 0.7) } else { 0.0 };
        let (phase, sharpness) = (self.random.uniform(0.0, 24.0), self.random.pick(&[1.0, 1.0, 2.0, 4.0]));
        let (spread, lasts_h) = (self.random.log_uniform(0.01, 0.2), self.random.log_uniform(0.05, 2.0));
        let wander = self.wander(spread, lasts_h);
        for step in 0..self.load.len() {
            let hours = self.hours(step);
            let day = day_shape(hours + phase, sharpness);
            let week = if ((hours + phase) / 24.0).rem_euclid(7.0) > 5.0 { 1.0 - weekend } else { 1.0 };
            self.load[step] = ((1.0 + daily * day) * week * (1.0 + wander[step])).max(0.02);
        }
    }

    /// An Ornstein-Uhlenbeck process with a standard deviation of `spread` that forgets in `lasts_h`.
    pub fn wander(&mut self, spread: f64, lasts_h: f64) -> Vec<f64> {
        let keep = (-self.interval_s / HOUR_S / lasts_h).exp();
        let step_spread = spread * (1.0 - keep * keep).sqrt();
        let mut value = spread * self.random.normal();
        (0..self.memory.len())
            .map(|_| {
                value = keep * value + step_spread * self.random.normal();
                value
            })
            .collect()
    }

    /// Memory that is in use in proportion to the load, given back within `lag_h`.
    pub fn follow_load(&mut self, bytes: f64, lag_h: f64) {
        let keep = if lag_h > 0.0 { (-self.interval_s / HOUR_S / lag_h).exp() } else { 0.0 };
        let mut value = self.load[0];
        for step in 0..self.memory.len() {
            value = keep * value + (1.0 - keep) * self.load[step];
            self.memory[step] += bytes * value;
        }
    }

    /// A collector's saw: rises by `bytes` over `period_h` each, more or less, and drops by nearly as much.
    pub fn saw(&mut self, bytes: f64, period_h: f64) {
        let (mut level, mut height, mut duration) = (0.0, bytes, period_h);
        for step in 0..self.memory.len() {
            level += height * self.interval_s / HOUR_S / duration;
            if level >= height {
                level = 0.04 * bytes * self.random.uniform(0.0, 1.0);
                height = bytes * self.random.uniform(0.8, 1.1);
                duration = period_h * self.random.uniform(0.7, 1.3);
            }
            self.memory[step] += level;
        }
    }

    /// Jobs that take memory for a while, every so often.
    pub fn batches(&mut self, bytes: f64, every_h: f64, lasts_h: f64) {
        let offset = self.random.uniform(0.0, every_h);
        let size = self.random.uniform(0.0, 0.4);
        let mut height = bytes;
        let mut last = f64::NEG_INFINITY;
        for step in 0..self.memory.len() {
            let into = (self.hours(step) + offset).rem_euclid(every_h);
            if into < last {
                height = bytes * (1.0 + size * self.random.normal()).max(0.1);
            }
            last = into;
            if into < lasts_h {
                self.memory[step] += height * (into / lasts_h * 6.0).min(1.0);
            }
        }
    }

    /// What nearly every process has, in amounts that do not hide what the family is about.
    pub fn background(&mut self) {
        if self.is_calm {
            return;
        }
        if self.random.chance(0.4) {
            let bytes = self.base * self.random.log_uniform(0.02, 0.25);
            let lag_h = self.random.pick(&[0.0, 0.1, 0.5, 2.0]);
            self.follow_load(bytes, lag_h);
        }
        if self.random.chance(0.5) {
            let (bytes, tau) = (self.base * self.random.log_uniform(0.03, 0.4), self.random.log_uniform(0.03, 1.0));
            self.add(|hours| bytes * (1.0 - (-hours / tau).exp()));
        }
        if self.random.chance(0.25) {
            let (bytes, period) = (self.base * self.random.log_uniform(0.03, 0.3), self.random.log_uniform(0.02, 0.7));
            self.saw(bytes, period);
        }
        if self.random.chance(0.12) {
            let bytes = self.base * self.random.log_uniform(0.05, 0.5);
            let every = self.random.pick(&[1.0, 6.0, 24.0, 24.0]);
            self.batches(bytes, every, every * 0.05);
        }
    }

    /// Noise of several kinds, with a standard deviation of up to `most` of the base.
    pub fn disturb(&mut self, most: f64) {
        let most = if self.is_calm { 0.4 * most } else { most };
        let white = self.base * self.random.log_uniform(0.0002, most);
        for step in 0..self.memory.len() {
            self.memory[step] += white * self.random.normal();
        }
        self.noise = self.noise.hypot(white);
        if self.random.chance(if self.is_calm { 0.2 } else { 0.6 }) {
            let (spread, lasts) =
                (self.base * self.random.log_uniform(0.0005, most), self.random.log_uniform(0.05, 3.0));
            let wander = self.wander(spread, lasts);
            self.add_all(&wander);
            self.noise = self.noise.hypot(spread);
        }
        if !self.is_calm && self.random.chance(0.3) {
            let (rate, height) = (self.random.log_uniform(0.001, 0.03), self.base * self.random.log_uniform(0.02, 0.5));
            for step in 0..self.memory.len() {
                if self.random.chance(rate) {
                    self.memory[step] += self.random.exponential(height);
                }
            }
        }
    }

    /// What a monitor keeps of it.
    pub fn show(mut self, limit: Option<f64>) -> Shown {
        let shown = self.shown();
        let loss = if self.random.chance(0.4) { self.random.log_uniform(0.001, 0.1) } else { 0.0 };
        let gap = self.random.chance(0.2).then(|| {
            let from = self.random.uniform(0.0, self.duration_h);
            from..from + self.random.log_uniform(0.1, 0.1 * self.duration_h + 0.2)
        });
        let jitter = if self.random.chance(0.3) { 0.05 * self.interval_s } else { 0.0 };
        let load_scale = self.random.log_uniform(0.5, 5e4);
        let mut samples = Vec::with_capacity(shown);
        for step in 0..shown {
            let hours = self.hours(step);
            if self.random.chance(loss) || gap.as_ref().is_some_and(|gap| gap.contains(&hours)) {
                continue;
            }
            let time_s = self.start_s + hours * HOUR_S + jitter * self.random.uniform(0.0, 1.0);
            samples.push(Sample {
                time_s: time_s.round(),
                bytes: (self.memory[step].max(4096.0) / 4096.0).round() * 4096.0,
                limit_bytes: limit.map(f64::round),
                load: self.shows_load.then(|| self.load[step] * load_scale),
            });
        }
        let met = limit.and_then(|limit| (shown..self.memory.len()).find(|step| self.memory[*step] >= limit));
        let events = if self.shows_events { std::mem::take(&mut self.events) } else { Vec::new() };
        let is_shown = |event: &(f64, EventKind)| event.0 < self.duration_h;
        Shown {
            samples,
            events: events
                .into_iter()
                .filter(is_shown)
                .map(|(hours, kind)| Event { time_s: (self.start_s + hours * HOUR_S).round(), kind })
                .collect(),
            exhaustion_s: met.map(|step| self.start_s + self.hours(step) * HOUR_S),
            start_s: self.start_s,
        }
    }
}

/// A day's shape between -1 and 1; the sharper, the shorter its peak.
pub fn day_shape(hours: f64, sharpness: f64) -> f64 {
    let wave = 0.5 - 0.5 * (TAU * hours / 24.0).cos();
    2.0 * wave.powf(sharpness) - 1.0
}
