//! Sizes as people type them: `524288`, `512KiB`, `1.5MiB`.
use std::num::NonZeroU64;

const UNITS: [(&str, u64); 10] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
];

/// Largest size that makes sense: a TiB.
const MOST: f64 = (1u64 << 40) as f64;

/// Reads a size in bytes, with or without a unit.
pub(crate) fn parse(text: &str) -> Result<NonZeroU64, String> {
    let text = text.trim();
    let (number, unit) = UNITS
        .into_iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), unit)))
        .unwrap_or((text, 1));
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let bytes = number.parse::<f64>().ok().filter(|_| is_plain).map(|number| number * unit as f64);
    match bytes {
        Some(bytes) if (1.0..=MOST).contains(&bytes) => Ok(NonZeroU64::MIN.saturating_add(bytes as u64 - 1)),
        Some(_) => Err("give a size from 1 byte to 1024GiB, such as 512KiB".to_owned()),
        None => Err("give bytes, or a number with KiB, MiB or GiB, such as 512KiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes() {
        let cases = [("1", 1), ("524288", 512 << 10), ("512KiB", 512 << 10), ("1.5 MiB", 1_572_864), ("2G", 2 << 30)];
        for (text, bytes) in cases {
            assert_eq!(parse(text).map(u64::from), Ok(bytes), "{text}");
        }
        for text in ["", "0", "KiB", "-1", "1e3", "12 apples", "inf", "9999999GiB", "0.1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
