//! Numbers for people: three digits and a unit, and the plural in one place. Machine formats take exact numbers.
use stanch_finding::{BlockCount, ByteCount, Estimate};
use std::time::Duration;

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// `64 bytes`, `1.40 MiB`: exact below one KiB, three significant digits from there on.
#[must_use]
pub fn bytes_text(bytes: ByteCount) -> String {
    if bytes.0 < 1024 {
        return plural(bytes.0, "byte", "bytes");
    }
    let mut scaled = rounded(bytes.0);
    let mut unit = 0;
    scaled /= 1024.0;
    while 999.5 <= scaled && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(scaled), UNITS[unit])
}

/// `1 block`, `312 blocks`.
#[must_use]
pub fn blocks_text(blocks: BlockCount) -> String {
    plural(blocks.0, "block", "blocks")
}

/// `1.40 MiB in 312 blocks`.
#[must_use]
pub fn amount_text(bytes: ByteCount, blocks: BlockCount) -> String {
    format!("{} in {}", bytes_text(bytes), blocks_text(blocks))
}

/// `about 12.3 MiB (95 %: 10.1 MiB to 14.9 MiB) in about 1200 blocks`.
#[must_use]
pub fn estimate_text(bytes: ByteCount, blocks: BlockCount, estimate: &Estimate) -> String {
    let (low, high) = (bytes_text(estimate.low.bytes), bytes_text(estimate.high.bytes));
    format!("about {} (95 %: {low} to {high}) in about {}", bytes_text(bytes), blocks_text(BlockCount(about(blocks.0))))
}

/// `about 12.3 MiB in about 1200 blocks`, of a sum of estimates.
#[must_use]
pub fn about_text(bytes: ByteCount, blocks: BlockCount) -> String {
    format!("about {} in about {}", bytes_text(bytes), blocks_text(BlockCount(about(blocks.0))))
}

/// Three digits of a count that is an estimate.
#[must_use]
pub fn about(count: u64) -> u64 {
    let mut unit = 1;
    while count / unit >= 1000 {
        unit *= 10;
    }
    count.saturating_add(unit / 2) / unit * unit
}

/// A count and its noun: `1 place`, `7 places`.
#[must_use]
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `450 ms`, `2.31 s`, `4 min 10 s`, `3 h 5 min`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{} s", three_digits(duration.as_secs_f64().min(59.9))),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `0.450 ms`, `2.31 ms`, `1.20 s`: three digits.
pub(crate) fn short_duration_text(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    if milliseconds < 999.5 { format!("{} ms", three_digits(milliseconds)) } else { duration_text(duration) }
}

/// A float with as many decimals as make three digits.
fn three_digits(number: f64) -> String {
    let decimals = match number {
        _ if number < 9.995 => 2,
        _ if number < 99.95 => 1,
        _ => 0,
    };
    let decimals = if number < 0.9995 { 3 } else { decimals };
    format!("{number:.decimals$}")
}

/// The nearest float; what is lost is far below the three digits that are shown.
#[expect(clippy::cast_precision_loss, reason = "only three digits are shown")]
fn rounded(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{about, amount_text, bytes_text, duration_text, estimate_text};
    use stanch_finding::{Amounts, BlockCount, ByteCount, Estimate};
    use std::time::Duration;

    #[test]
    fn bytes_have_three_digits() {
        let cases = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.00 KiB"),
            (1_468_006, "1.40 MiB"),
            (14 * 1024, "14.0 KiB"),
            (140 * 1024, "140 KiB"),
            (999 * 1024, "999 KiB"),
            (1_023_999, "0.977 MiB"),
            (1024 * 1024 - 1, "1.00 MiB"),
            (10_230, "9.99 KiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(bytes_text(ByteCount(bytes)), text, "{bytes}");
        }
    }

    #[test]
    fn estimates_have_three_digits() {
        let counts = [(0, 0), (999, 999), (1204, 1200), (1_986_500, 1_990_000), (u64::MAX, 18_400_000_000_000_000_000)];
        for (count, rounded) in counts {
            assert_eq!(about(count), rounded);
        }
        let at = |bytes, blocks| Amounts { bytes: ByteCount(bytes), blocks: BlockCount(blocks) };
        let estimate = Estimate { samples: 23, low: at(10 << 20, 900), high: at(15 << 20, 1500) };
        assert_eq!(
            estimate_text(ByteCount(12 << 20), BlockCount(1204), &estimate),
            "about 12.0 MiB (95 %: 10.0 MiB to 15.0 MiB) in about 1200 blocks"
        );
    }

    #[test]
    fn amounts_and_durations() {
        assert_eq!(amount_text(ByteCount(64), BlockCount(1)), "64 bytes in 1 block");
        let cases = [
            (450, "450 ms"),
            (2_310, "2.31 s"),
            (59_990, "59.9 s"),
            (250_000, "4 min 10 s"),
            (11_100_000, "3 h 5 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration_text(Duration::from_millis(ms)), text);
        }
    }
}
