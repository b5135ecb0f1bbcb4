//! Numbers, times and places as people read them.
use stanch_finding::{Estimate, Frame, Site, normal_name, owning_frame};

/// Three digits and a unit: `1.40 MiB`; bytes are exact.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return count(bytes, "byte");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while 999.5 <= amount {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(amount), UNITS[unit])
}

/// `1 block`, `4,688 blocks`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1.40 MiB in 312 blocks`.
pub(super) fn amount(size_bytes: u64, blocks: u64) -> String {
    format!("{} in {}", bytes(size_bytes), count(blocks, "block"))
}

/// `about 12.3 MiB (95 %: 10.1 MiB to 14.9 MiB) in about 1,200 blocks`.
pub(super) fn estimated(size_bytes: u64, blocks: u64, estimate: &Estimate) -> String {
    let (low, high) = (bytes(estimate.low.bytes.0), bytes(estimate.high.bytes.0));
    format!("about {} (95 %: {low} to {high}) in about {}", bytes(size_bytes), about(blocks, "block"))
}

/// A count that is an estimate: three digits of it.
pub(super) fn about(number: u64, noun: &str) -> String {
    let mut unit = 1;
    while number / unit >= 1000 {
        unit *= 10;
    }
    count((number + unit / 2) / unit * unit, noun)
}

/// `is` or `are`.
pub(super) fn be(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// `4,688`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Milliseconds in the unit that suits: `120 ms`, `12.3 s`, `14.2 min`, `5.10 h`, `3.00 days`.
pub(super) fn time(ms: u64) -> String {
    let seconds = ms as f64 / 1e3;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", three_digits(seconds)),
        120_000..7_200_000 => format!("{} min", three_digits(seconds / 60.0)),
        7_200_000..172_800_000 => format!("{} h", three_digits(seconds / 3600.0)),
        _ => format!("{} days", three_digits(seconds / 86400.0)),
    }
}

fn three_digits(amount: f64) -> String {
    match amount {
        ..9.995 => format!("{amount:.2}"),
        ..99.95 => format!("{amount:.1}"),
        _ => format!("{amount:.0}"),
    }
}

/// The place that a site is known by: its owning frame, or the innermost one where everything is runtime.
pub(super) fn place(site: &Site) -> String {
    site.stack.get(owning_frame(site).unwrap_or(0)).map_or_else(|| "unknown code".to_owned(), frame)
}

/// `` `parse` (json.c:88) ``, or what is known of it.
pub(super) fn frame(frame: &Frame) -> String {
    let position = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => Some(format!("{}:{line}", file_name(file))),
        (Some(file), None) => Some(file_name(file).to_owned()),
        (None, _) => frame.module.as_deref().map(|module| file_name(module).to_owned()),
    };
    match (&frame.function, position) {
        (Some(function), Some(position)) => format!("`{}` ({position})", normal_name(function)),
        (Some(function), None) => format!("`{}`", normal_name(function)),
        (None, Some(position)) => match frame.module_offset {
            Some(offset) if frame.file.is_none() => format!("{position}+{offset:#x}"),
            _ => position,
        },
        (None, None) => "code outside any module".to_owned(),
    }
}

/// The first frames of a stack in one line, innermost first.
pub(super) fn stack(frames: &[Frame]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = frames.iter().take(SHOWN).map(frame).collect();
    let more = if SHOWN < frames.len() { " ← …" } else { "" };
    if shown.is_empty() { "an unknown stack".to_owned() } else { shown.join(" ← ") + more }
}

/// Last component of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let sizes: Vec<String> = [0, 1, 1023, 1024, 1_468_006, 1_047_040, u64::MAX].map(bytes).into();
        assert_eq!(sizes, ["0 bytes", "1 byte", "1,023 bytes", "1.00 KiB", "1.40 MiB", "1.00 MiB", "16.0 EiB"]);
        assert_eq!([1, 999, 1000, 1234567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [999, 12_300, 130_000, 7_300_000, 259_200_000].map(time),
            ["999 ms", "12.3 s", "2.17 min", "2.03 h", "3.00 days"]
        );
    }

    #[test]
    fn frames() {
        let known = Frame {
            function: Some("parse(char*)".into()),
            file: Some("src/json.c".into()),
            line: Some(88),
            ..Frame::default()
        };
        assert_eq!(frame(&known), "`parse` (json.c:88)");
        let exported =
            Frame { function: Some("parse".into()), module: Some("/lib/libjson.so".into()), ..Frame::default() };
        assert_eq!(frame(&exported), "`parse` (libjson.so)");
        let stripped = Frame { module: Some("/lib/libjson.so".into()), module_offset: Some(0x12), ..Frame::default() };
        assert_eq!(frame(&stripped), "libjson.so+0x12");
        assert_eq!(frame(&Frame::default()), "code outside any module");
        assert_eq!(stack(&[]), "an unknown stack");
    }
}
