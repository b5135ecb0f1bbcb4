//! Conclusions for people: what leaks first, then counts of the rest.
use super::Replayed;
use crate::detect::Verdict;
use crate::text::bytes;
use std::io::{self, Write};

/// Writes what was found: a paragraph for each series that leaks or is not clear, a line for the others.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn write(series: &[Replayed], out: &mut impl Write) -> io::Result<()> {
    let of = |verdict: Verdict| series.iter().filter(move |one| one.conclusion.verdict == verdict);
    let count = |verdict: Verdict| of(verdict).count();
    writeln!(
        out,
        "{} of {} leak; {} filling, {} steady, {} unknown",
        count(Verdict::Leak),
        plural(series.len(), "series", "series"),
        count(Verdict::Filling),
        count(Verdict::Steady),
        count(Verdict::Unknown)
    )?;
    let mut leaks: Vec<&Replayed> = of(Verdict::Leak).collect();
    leaks.sort_by(|one, other| ends(one).total_cmp(&ends(other)));
    leaks.into_iter().try_for_each(|one| write_leak(one, out))?;
    for verdict in [Verdict::Unknown, Verdict::Filling, Verdict::Steady] {
        let names: Vec<&str> = of(verdict).map(|one| one.series.as_str()).collect();
        if !names.is_empty() {
            writeln!(out, "\n{}: {}", word(verdict), listed(&names))?;
        }
    }
    let alarms: Vec<&Replayed> = series.iter().filter(|one| !one.conclusion.alarms.is_empty()).collect();
    if !alarms.is_empty() {
        writeln!(out, "\nalarms that it would have raised:")?;
    }
    for one in alarms {
        for alarm in &one.conclusion.alarms {
            let cleared =
                alarm.cleared_s.map_or("and it stands".to_owned(), |time_s| format!("cleared {}", moment(time_s)));
            writeln!(out, "  {}  raised {}, {cleared}", one.series, moment(alarm.raised_s))?;
        }
    }
    Ok(())
}

fn write_leak(one: &Replayed, out: &mut impl Write) -> io::Result<()> {
    let conclusion = &one.conclusion;
    writeln!(out, "\n{} leaks ({:.0} % sure)", one.series, 100.0 * conclusion.confidence)?;
    if let Some(onset_s) = conclusion.onset_s {
        writeln!(out, "  since   {}", moment(onset_s))?;
    }
    if let Some(rate) = conclusion.rate_bytes_per_hour {
        writeln!(out, "  rate    {} an hour ({} to {})", bytes(rate.mid), bytes(rate.low), bytes(rate.high))?;
    }
    if let Some(when) = conclusion.exhaustion_s {
        writeln!(out, "  limit   met {} ({} to {})", moment(when.mid), moment(when.low), moment(when.high))?;
    }
    Ok(())
}

/// What is met first comes first; what meets no limit comes last.
fn ends(one: &Replayed) -> f64 {
    one.conclusion.exhaustion_s.map_or(f64::INFINITY, |when| when.mid)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Leak => "leak",
        Verdict::Filling => "filling towards a bound",
        Verdict::Steady => "steady",
        Verdict::Unknown => "too short or too close to call",
    }
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Seconds since 1970 as a date where they look like it (from 2001 to 2286), as hours since the start of counting
/// otherwise.
fn moment(time_s: f64) -> String {
    if !(1e9..1e10).contains(&time_s) {
        return format!("at {:.1} h", time_s / 3600.0);
    }
    let minutes = (time_s / 60.0) as i64;
    let (year, month, day) = date(minutes.div_euclid(1440));
    let of_day = minutes.rem_euclid(1440);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", of_day / 60, of_day % 60)
}

/// Year, month and day of a number of days since 1970 (Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_dates_or_hours() {
        assert_eq!(moment(7200.0), "at 2.0 h");
        assert_eq!(moment(1_709_208_000.0), "2024-02-29 12:00 UTC");
        assert_eq!(moment(1_735_689_540.0), "2024-12-31 23:59 UTC");
    }
}
