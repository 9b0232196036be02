//! Days in UTC, as users write them and as the ledger counts them.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use reelgate_cost::line::DAY_MS;
use reelgate_ports::store::LedgerFilter;

use crate::cli::DayRange;
use crate::exit::Failure;

/// The first millisecond of a day, since 1970.
pub fn begin_ms(argument: &str, text: &str) -> Result<u64, Failure> {
    let wrong = || Failure::Usage(format!("{argument}: expected a day such as 2026-08-01, found `{text}`"));
    let day: Date = text.parse().map_err(|_| wrong())?;
    let begin = day.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    u64::try_from(begin.timestamp().as_millisecond()).map_err(|_| wrong())
}

/// The lines of a range of days.
pub fn filter(range: &DayRange) -> Result<LedgerFilter, Failure> {
    let begin =
        |argument, day: &Option<String>| day.as_deref().map(|day| begin_ms(argument, day)).transpose();
    let (from_ms, last_ms) = (begin("--since", &range.since)?, begin("--until", &range.until)?);
    let until_ms = last_ms.map(|begin_ms| begin_ms.saturating_add(DAY_MS));
    Ok(LedgerFilter { from_ms, until_ms, ..LedgerFilter::default() })
}

/// A day that is counted from 1970-01-01, as text.
pub fn text(day: u32) -> String {
    let begin = Timestamp::from_second(i64::from(day) * 86_400);
    begin.map_or_else(|_| format!("day {day}"), |begin| begin.strftime("%Y-%m-%d").to_string())
}

/// The beginning of a day that is counted from 1970-01-01, as a time in UTC.
pub fn begin(day: u32) -> String {
    format!("{}T00:00:00Z", text(day))
}

/// The beginning of the month that a day is in, and of the next one, as times in UTC.
pub fn month(day: u32) -> (String, String) {
    let date =
        Timestamp::from_second(i64::from(day) * 86_400).map(|begin| begin.to_zoned(TimeZone::UTC).date());
    let month = date.and_then(|date| {
        let first = date.first_of_month();
        Ok((first, first.checked_add(1.month())?))
    });
    month.map_or_else(|_| (begin(day), begin(day)), |(first, next)| (time(first), time(next)))
}

fn time(date: Date) -> String {
    date.strftime("%Y-%m-%dT00:00:00Z").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use reelgate_cost::line::day_of;

    use super::*;

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        let month_of = |day: &str| month(day_of(begin_ms("--since", day).unwrap()));
        let time = |day: &str| format!("{day}T00:00:00Z");
        for day in ["2026-12-01", "2026-12-31"] {
            assert_eq!(month_of(day), (time("2026-12-01"), time("2027-01-01")));
        }
        assert_eq!(month_of("2024-02-29"), (time("2024-02-01"), time("2024-03-01")));
    }

    #[test]
    fn a_day_begins_where_the_ledger_counts_it_and_is_written_back() {
        for day in ["1970-01-01", "2024-02-29", "2026-08-01"] {
            let begin_ms = begin_ms("--since", day).unwrap();
            assert_eq!(text(day_of(begin_ms)), day);
            assert_eq!(text(day_of(begin_ms + 86_399_999)), day);
        }
        for wrong in ["", "yesterday", "2026-13-01", "1969-12-31", "2026-08"] {
            let error = begin_ms("--since", wrong).unwrap_err().to_string();
            assert!(error.starts_with("--since: expected a day such as 2026-08-01"), "{error}");
        }
    }
}
