//! Until when is a task to be done? Until an instant, or until the end of a day in the tenant's time zone.

use chrono::NaiveDate;
use kernel::{Instant, Zone};

/// The text is no time until which something could be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DueError {
    /// It is no day.
    #[error("must be a day such as 2026-01-31")]
    Day,
    /// It is no instant.
    #[error("must be a time of RFC 3339, such as 2026-01-31T09:30:00Z")]
    Instant,
    /// It lies beyond what calendars reach.
    #[error("must lie within the years 1970 to 9999")]
    Range,
}

/// Until when a task is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Until this instant.
    At(Instant),
    /// Until a day is over.
    Day {
        /// The day.
        day: NaiveDate,
        /// When it is over in the tenant's zone: fixed when it was said.
        ends: Instant,
    },
}

/// The bounds of what can be due: the years 1970 to 9999.
const EARLIEST: i64 = 0;
const LATEST: i64 = 253_402_300_799_999;

impl Due {
    /// Until an instant of RFC 3339.
    ///
    /// # Errors
    /// [`DueError`].
    pub fn at(text: &str) -> Result<Self, DueError> {
        text.parse().map_err(|_| DueError::Instant).and_then(within).map(Self::At)
    }

    /// Until the end of a day in `zone`.
    ///
    /// # Errors
    /// [`DueError`].
    pub fn day(text: &str, zone: &Zone) -> Result<Self, DueError> {
        let day: NaiveDate = Some(text)
            .filter(|text| text.len() == 10)
            .and_then(|text| text.parse().ok())
            .ok_or(DueError::Day)?;
        Self::end_of(day, zone)
    }

    /// Until the end of `day` in `zone`.
    ///
    /// # Errors
    /// [`DueError::Range`].
    pub fn end_of(day: NaiveDate, zone: &Zone) -> Result<Self, DueError> {
        let ends = day.succ_opt().and_then(|next| zone.start_of(next)).ok_or(DueError::Range)?;
        Ok(Self::Day { day, ends: within(ends)? })
    }

    /// The instant after which it is overdue.
    #[must_use]
    pub const fn passes(&self) -> Instant {
        match self {
            Self::At(at) => *at,
            Self::Day { ends, .. } => *ends,
        }
    }

    /// The day, if it was said as one.
    #[must_use]
    pub const fn as_day(&self) -> Option<NaiveDate> {
        match self {
            Self::At(_) => None,
            Self::Day { day, .. } => Some(*day),
        }
    }

    /// As people say it: the day, or the instant.
    #[must_use]
    pub fn said(&self) -> String {
        match self {
            Self::At(at) => at.to_string(),
            Self::Day { day, .. } => day.to_string(),
        }
    }
}

fn within(at: Instant) -> Result<Instant, DueError> {
    if (EARLIEST..=LATEST).contains(&at.millis()) { Ok(at) } else { Err(DueError::Range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_over_at_the_next_midnight_of_the_zone() {
        for (zone, ends) in [
            ("UTC", "2026-04-01T00:00:00.000Z"),
            ("Europe/Berlin", "2026-03-31T22:00:00.000Z"),
            ("America/New_York", "2026-04-01T04:00:00.000Z"),
        ] {
            let due = Due::day("2026-03-31", &zone.parse().unwrap()).unwrap();
            assert_eq!(
                (due.passes().to_string().as_str(), due.said().as_str()),
                (ends, "2026-03-31"),
                "{zone}"
            );
        }
    }

    #[test]
    fn other_texts_are_no_time_to_be_due() {
        for text in ["", "2026-02-30", "31.3.2026", "2026-3-1", "tomorrow", "2026-03-31T09:00:00Z"] {
            assert_eq!(Due::day(text, &Zone::UTC), Err(DueError::Day), "{text}");
        }
        assert_eq!(Due::at("2026-03-31"), Err(DueError::Instant));
        assert_eq!(Due::at("0001-01-01T00:00:00Z"), Err(DueError::Range));
        assert!(Due::at("2026-03-31T09:00:00+02:00").is_ok());
    }
}
