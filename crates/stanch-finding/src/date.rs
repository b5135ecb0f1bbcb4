//! A day, for suppressions that end on one. There is no clock here: who asks says what day it is.
use std::fmt;

/// A day of the Gregorian calendar. Always a day that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// What is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date: write it as `YYYY-MM-DD`, for example `2027-01-31`")]
pub struct DateError(String);

impl Date {
    /// The day `(year, month, day)`, with months and days from 1.
    ///
    /// # Errors
    /// Where there is no such day.
    pub fn new((year, month, day): (u16, u8, u8)) -> Result<Date, DateError> {
        let exists = year <= 9999 && (1..=12).contains(&month) && 1 <= day && day <= days_of_month(year, month);
        if exists { Ok(Date { year, month, day }) } else { Err(DateError(format!("{year:04}-{month:02}-{day:02}"))) }
    }

    /// The day that lies `days` after 1970-01-01 (Gregorian, as in Hinnant's `civil_from_days`), kept within the years
    /// 0 to 9999.
    pub fn from_unix_days(days: i64) -> Date {
        const DAYS_PER_ERA: i64 = 146_097;
        let days = days.clamp(-719_468, 2_932_896) + 719_468;
        let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year: year as u16, month: month as u8, day: day as u8 }
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// Where the text has another form or there is no such day.
    pub fn parse(text: &str) -> Result<Date, DateError> {
        let no_date = || DateError(text.to_owned());
        let (year, rest) = text.split_once('-').ok_or_else(no_date)?;
        let (month, day) = rest.split_once('-').ok_or_else(no_date)?;
        let has_form = year.len() == 4 && month.len() == 2 && day.len() == 2;
        let has_digits = [year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        if !has_form || !has_digits {
            return Err(no_date());
        }
        let parts = (year.parse(), month.parse(), day.parse());
        let (Ok(year), Ok(month), Ok(day)) = parts else { return Err(no_date()) };
        Date::new((year, month, day)).map_err(|_| no_date())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn days_of_month(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn counts_days_from_1970() {
        for (days, text) in [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_778, "2026-11-21")] {
            assert_eq!(Date::from_unix_days(days).to_string(), text);
        }
    }

    #[test]
    fn only_days_that_exist() {
        for good in ["2026-02-28", "2024-02-29", "2000-02-29", "2026-12-31"] {
            assert_eq!(Date::parse(good).map(|date| date.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "26-01-01", "2026-1-1"] {
            assert!(Date::parse(bad).is_err(), "{bad}");
        }
        assert!(Date::new((2026, 2, 30)).is_err());
    }

    #[test]
    fn days_are_in_order() {
        assert!(Date::parse("2025-12-31").ok() < Date::parse("2026-01-01").ok());
    }
}
