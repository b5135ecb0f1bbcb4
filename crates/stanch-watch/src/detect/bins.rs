//! A life's samples as bins of equal width: their floor, and the load at it. Memory stays bounded however long it goes.
use crate::series::Sample;

/// Narrowest bin: 5 minutes.
const WIDTH_MIN_S: f64 = 300.0;
/// Most bins of one life; when there are more, each two become one.
const BINS_MAX: usize = 4096;

/// What happened in a bin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bin {
    /// Which bin since the start of the life.
    pub(crate) index: u64,
    /// The least memory, in bytes.
    pub(crate) floor: f64,
    /// The most.
    pub(crate) top: f64,
    /// Load when memory was least; NaN where it is not known.
    pub(crate) load: f64,
}

/// The bins of one life, the last of which is still open.
#[derive(Clone, Debug)]
pub(crate) struct Bins {
    start_s: f64,
    width_s: f64,
    bins: Vec<Bin>,
}

/// The floor of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// Middle of the stretch, in hours since the start of the life.
    pub(crate) hours: f64,
    /// Least memory in it, in bytes.
    pub(crate) floor: f64,
    /// Most memory in it.
    pub(crate) top: f64,
    /// Load when memory was least; NaN where it is not known.
    pub(crate) load: f64,
}

impl Bins {
    pub(crate) fn new(start_s: f64) -> Self {
        Self { start_s, width_s: WIDTH_MIN_S, bins: Vec::new() }
    }

    pub(crate) fn push(&mut self, sample: &Sample) {
        let index = ((sample.time_s - self.start_s) / self.width_s).max(0.0) as u64;
        let load = sample.load.unwrap_or(f64::NAN);
        match self.bins.last_mut() {
            Some(last) if last.index >= index => {
                if sample.bytes < last.floor {
                    last.floor = sample.bytes;
                    last.load = load;
                }
                last.top = last.top.max(sample.bytes);
            }
            _ => self.bins.push(Bin { index, floor: sample.bytes, top: sample.bytes, load }),
        }
        if self.bins.len() > BINS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        self.width_s *= 2.0;
        let mut merged: Vec<Bin> = Vec::with_capacity(BINS_MAX);
        for bin in &self.bins {
            let index = bin.index / 2;
            match merged.last_mut() {
                Some(last) if last.index == index => join(last, bin),
                _ => merged.push(Bin { index, ..*bin }),
            }
        }
        self.bins = merged;
    }

    /// The bins in stretches of at least `width_h`; without the last one where it is not over at `now_s`.
    pub(crate) fn points(&self, width_h: f64, now_s: f64) -> Vec<Point> {
        let group = ((width_h * 3600.0 / self.width_s).round().max(1.0)) as u64;
        let stretch_h = group as f64 * self.width_s / 3600.0;
        let mut joined: Vec<Bin> = Vec::new();
        for bin in &self.bins {
            let index = bin.index / group;
            match joined.last_mut() {
                Some(last) if last.index == index => join(last, bin),
                _ => joined.push(Bin { index, ..*bin }),
            }
        }
        let is_over = |bin: &Bin| (bin.index as f64 + 1.0) * stretch_h <= (now_s - self.start_s) / 3600.0 + 1e-6;
        if joined.len() > 1 && joined.last().is_some_and(|last| !is_over(last)) {
            joined.pop();
        }
        let point = |bin: Bin| Point {
            hours: (bin.index as f64 + 0.5) * stretch_h,
            floor: bin.floor,
            top: bin.top,
            load: bin.load,
        };
        joined.into_iter().map(point).collect()
    }

    /// The least memory in the bins that begin in this time; `None` where there are none.
    pub(crate) fn floor_between(&self, from_s: f64, to_s: f64) -> Option<f64> {
        let start_s = |bin: &&Bin| self.start_s + bin.index as f64 * self.width_s;
        let within = self.bins.iter().rev().take_while(|bin| from_s <= start_s(bin)).filter(|bin| start_s(bin) <= to_s);
        within.map(|bin| bin.floor).min_by(f64::total_cmp)
    }

    /// Takes out the bins that begin from this time on; their times count from it.
    pub(crate) fn split(&mut self, at_s: f64) -> Self {
        let first = ((at_s - self.start_s) / self.width_s).ceil().max(0.0) as u64;
        let at = self.bins.partition_point(|bin| bin.index < first);
        let mut later = self.bins.split_off(at);
        later.iter_mut().for_each(|bin| bin.index -= first);
        Self { start_s: self.start_s + first as f64 * self.width_s, width_s: self.width_s, bins: later }
    }
}

fn join(bin: &mut Bin, other: &Bin) {
    if other.floor < bin.floor {
        bin.floor = other.floor;
        bin.load = other.load;
    }
    bin.top = bin.top.max(other.top);
}
