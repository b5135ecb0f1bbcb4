//! Memory of one process over its life, as a chart of letters.
use super::text::{fit, pad};
use stanch_finding::{BlockCount, ByteCount};
use stanch_recording::{HistoryPoint, Process};
use stanch_report::numbers::{blocks_text, bytes_text, duration_text};
use std::time::Duration;

/// Letters of the scale at the left.
const SCALE: usize = 11;
/// Fewer rows or columns than these show nothing.
const ROWS_MIN: usize = 3;
const ROWS_MAX: usize = 8;
const COLUMNS_MIN: usize = 20;
/// From empty to full, in eighths of a row.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Curve {
    /// Bytes that were not freed, mappings among them.
    #[default]
    Live,
    /// Bytes of memory that the process took, code and files included.
    Resident,
    /// Blocks that were not freed.
    Blocks,
}

impl Curve {
    const ALL: [Curve; 3] = [Curve::Live, Curve::Resident, Curve::Blocks];

    /// The one so many steps further.
    pub(super) fn stepped(self, steps: usize) -> Curve {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }

    /// The one before.
    pub(super) fn before(self) -> Curve {
        self.stepped(Self::ALL.len() - 1)
    }

    const fn title(self) -> &'static str {
        match self {
            Curve::Live => "live memory",
            Curve::Resident => "resident memory",
            Curve::Blocks => "live blocks",
        }
    }

    /// `None` where it was not read at this moment.
    fn of(self, point: &HistoryPoint) -> Option<u64> {
        match self {
            Curve::Live => Some(point.heap_bytes.saturating_add(point.mapped_bytes)),
            Curve::Resident => Some(point.resident_bytes).filter(|bytes| *bytes > 0),
            Curve::Blocks => point.sites.as_ref().map(|sites| sites.live_blocks),
        }
    }

    fn text(self, value: u64) -> String {
        match self {
            Curve::Live | Curve::Resident => bytes_text(ByteCount(value)),
            Curve::Blocks => blocks_text(BlockCount(value)),
        }
    }
}

/// The chart in at most so many rows, its heading and the line below it included; none where there is too little room.
pub(super) fn chart(process: &Process, curve: Curve, width: usize, height: usize) -> Vec<String> {
    let (rows, columns) = (height.saturating_sub(2).min(ROWS_MAX), width.saturating_sub(SCALE + 1));
    if rows < ROWS_MIN || columns < COLUMNS_MIN {
        return Vec::new();
    }
    let points: Vec<(u64, u64)> =
        process.history.points.iter().filter_map(|point| Some((point.at_ms, curve.of(point)?))).collect();
    let Some((most_at_ms, most)) = points.iter().copied().max_by_key(|(at_ms, value)| (*value, u64::MAX - *at_ms))
    else {
        return vec![fit(&format!("{}: there are no samples of it", curve.title()), width)];
    };
    let about = if process.sampling.is_some() { "about " } else { "" };
    let end_ms = end_ms(process);
    let [whole, until] = [end_ms, most_at_ms].map(|ms| duration_text(Duration::from_millis(ms)));
    let heading =
        format!("{} over {whole}: at most {about}{} at one sample, after {until}", curve.title(), curve.text(most));
    let levels = levels(&points, end_ms, columns, most, rows);
    let mut lines = vec![fit(&heading, width)];
    for row in (0..rows).rev() {
        let scale = match row {
            _ if row + 1 == rows => curve.text(most),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let letters: String = levels.iter().map(|level| EIGHTHS[level.saturating_sub(8 * row).min(8)]).collect();
        lines.push(format!("{}|{}", padded_left(&scale), letters.trim_end()));
    }
    lines.push(axis(process, end_ms, columns));
    lines
}

/// When the last was seen of the process.
fn end_ms(process: &Process) -> u64 {
    let last = process.history.points.last().map_or(0, |point| point.at_ms);
    let snapshots = process.snapshots.iter().map(|snapshot| snapshot.at_ms);
    snapshots.fold(process.duration_ms.max(last), u64::max).max(1)
}

/// The column of a moment.
fn column(at_ms: u64, end_ms: u64, columns: usize) -> usize {
    (u128::from(at_ms.min(end_ms)) * (columns as u128 - 1) / u128::from(end_ms)) as usize
}

/// How many eighths of a row each column is high: the most of the samples in it, or the last one before it. What is
/// there at all is seen.
fn levels(points: &[(u64, u64)], end_ms: u64, columns: usize, most: u64, rows: usize) -> Vec<usize> {
    let mut values: Vec<Option<u64>> = vec![None; columns];
    for (at_ms, value) in points {
        let place = &mut values[column(*at_ms, end_ms, columns)];
        *place = (*place).max(Some(*value));
    }
    let last = points.last().map_or(0, |(at_ms, _)| column(*at_ms, end_ms, columns));
    let mut before = 0;
    let level = |(index, value): (usize, Option<u64>)| {
        before = value.unwrap_or(if index <= last { before } else { 0 });
        let height = (u128::from(before) * (8 * rows as u128)).div_ceil(u128::from(most.max(1)));
        usize::try_from(height).unwrap_or(usize::MAX)
    };
    values.into_iter().enumerate().map(level).collect()
}

/// `+------*-----*`: the line of time with its snapshots.
fn axis(process: &Process, end_ms: u64, columns: usize) -> String {
    let mut line = vec!['-'; columns];
    for snapshot in &process.snapshots {
        line[column(snapshot.at_ms, end_ms, columns)] = '*';
    }
    format!("{}+{}", padded_left(""), line.into_iter().collect::<String>())
}

fn padded_left(text: &str) -> String {
    let text = fit(text, SCALE - 1);
    let width = super::text::width(&text);
    format!("{}{text} ", pad("", SCALE - 1 - width.min(SCALE - 1)))
}

#[cfg(test)]
mod tests {
    use super::{Curve, chart, levels};
    use stanch_recording::{HistoryPoint, Process};

    #[test]
    fn columns_hold_the_most_of_their_samples_and_the_last_before_them() {
        let points = [(0, 1), (10, 4), (11, 8), (50, 2)];
        let levels = levels(&points, 100, 10, 8, 1);
        assert_eq!(levels, [8, 8, 8, 8, 2, 0, 0, 0, 0, 0]);
        assert_eq!(super::levels(&[(0, 1)], 9, 10, 1000, 1)[0], 1, "what is there is seen");
    }

    #[test]
    fn any_numbers_fit_any_window() {
        let point = |at_ms, bytes| HistoryPoint {
            at_ms,
            heap_bytes: bytes,
            mapped_bytes: bytes,
            resident_bytes: 0,
            sites: None,
        };
        let mut process = Process { duration_ms: 5, ..Process::default() };
        process.history.points = vec![point(0, 0), point(7, u64::MAX), point(u64::MAX, 3), point(3, 9)];
        for (width, height) in [(0, 0), (33, 5), (80, 24), (80, 4), (5, 100), (300, 100)] {
            let lines = chart(&process, Curve::Live, width, height);
            assert!(lines.len() <= height && lines.iter().all(|line| line.chars().count() <= width), "{lines:#?}");
        }
        assert_eq!(chart(&process, Curve::Resident, 80, 20), ["resident memory: there are no samples of it"]);
        assert_eq!(Curve::Live.stepped(1).before(), Curve::Live);
    }
}
