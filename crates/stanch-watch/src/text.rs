//! Amounts as people read them.

/// Three digits and a unit.
pub(crate) fn bytes(amount: f64) -> String {
    const UNITS: [&str; 6] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut unit) = (amount, 0);
    while 1024.0 <= value && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = if unit == 0 || 100.0 <= value {
        0
    } else if 10.0 <= value {
        1
    } else {
        2
    };
    format!("{value:.digits$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn amounts_have_three_digits() {
        assert_eq!(bytes(5.0), "5 bytes");
        assert_eq!(bytes(1536.0), "1.50 KiB");
        assert_eq!(bytes(123.0 * 1024.0 * 1024.0), "123 MiB");
    }
}
