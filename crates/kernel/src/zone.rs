//! What do clocks on the wall say there? A [`Zone`] of the IANA time zone database turns instants into local times and back.

use crate::Instant;
use chrono::{
    DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeDelta, TimeZone as _,
};
use chrono_tz::Tz;
use std::{fmt, str::FromStr};

/// The text names no time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a time zone of the IANA database, such as Europe/Berlin, America/New_York or UTC")]
pub struct ZoneError;

/// A time zone: `Europe/Berlin`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(Tz);

/// Which instants a local time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// One, as nearly always.
    Once(Instant),
    /// Two, the earlier first: the clocks were put back over it.
    Twice(Instant, Instant),
    /// None: the clocks were put forward over it, at this instant, by so many minutes.
    Never {
        /// When the clocks were put forward.
        at: Instant,
        /// By how much.
        minutes: i64,
    },
}

/// The longest that clocks were ever put forward is a day (Samoa, 2011): looked for in steps of so many minutes.
const STEP: i64 = 15;
const LONGEST: i64 = 26 * 60;

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Its name in the database.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Local date and time at an instant; `None` beyond the calendar's end.
    #[must_use]
    pub fn local(&self, at: Instant) -> Option<NaiveDateTime> {
        Some(at.to_chrono()?.with_timezone(&self.0).naive_local())
    }

    /// An instant as RFC 3339 says it with the zone's offset: `2026-03-29T03:00:00+02:00`.
    #[must_use]
    pub fn said(&self, at: Instant) -> String {
        let local = at.to_chrono().map(|time| time.with_timezone(&self.0));
        local.map_or_else(|| at.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, false))
    }

    /// The offset from UTC at an instant, in seconds east of it.
    #[must_use]
    pub fn offset(&self, at: Instant) -> i32 {
        at.to_chrono().map_or(0, |time| time.with_timezone(&self.0).offset().fix().local_minus_utc())
    }

    /// Which instants a local time means; `None` beyond the calendar's end.
    #[must_use]
    pub fn meaning(&self, local: NaiveDateTime) -> Option<Meaning> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(one) => Some(Meaning::Once(instant(&one))),
            LocalResult::Ambiguous(one, other) => {
                let (one, other) = (instant(&one), instant(&other));
                Some(Meaning::Twice(one.min(other), one.max(other)))
            }
            LocalResult::None => self.gap(local),
        }
    }

    /// The first instant of a local day: midnight, or when the clocks were put forward over it.
    #[must_use]
    pub fn start_of(&self, day: NaiveDate) -> Option<Instant> {
        match self.meaning(day.and_time(NaiveTime::MIN))? {
            Meaning::Once(at) | Meaning::Twice(at, _) | Meaning::Never { at, .. } => Some(at),
        }
    }

    /// The zone's `chrono_tz` self, for libraries that want it.
    #[must_use]
    pub const fn tz(&self) -> Tz {
        self.0
    }

    /// When and by how much the clocks were put forward over a local time that there is not. The offset before them says
    /// which instant the local time would have been; the clocks were put forward by the difference to the one after.
    fn gap(&self, local: NaiveDateTime) -> Option<Meaning> {
        let offset = |sign: i64| {
            let steps = 1..=LONGEST / STEP;
            steps.into_iter().find_map(|step| {
                let near = local.checked_add_signed(TimeDelta::minutes(sign * step * STEP))?;
                Some(self.0.from_local_datetime(&near).earliest()?.offset().fix().local_minus_utc())
            })
        };
        let (before, after) = (i64::from(offset(-1)?), i64::from(offset(1)?));
        let seconds = after - before;
        // The clocks jumped between these two; by halves the second is found.
        let would_be = local.checked_sub_signed(TimeDelta::seconds(before))?.and_utc().timestamp();
        let (mut early, mut late) = (would_be.checked_sub(seconds.max(0))?, would_be);
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            let jumped = i64::from(self.offset(Instant::from_millis(middle.checked_mul(1000)?))) != before;
            if jumped { late = middle } else { early = middle }
        }
        Some(Meaning::Never { at: Instant::from_millis(late.checked_mul(1000)?), minutes: seconds / 60 })
    }
}

fn instant(time: &DateTime<Tz>) -> Instant {
    Instant::from_millis(time.timestamp_millis())
}

impl From<Tz> for Zone {
    fn from(tz: Tz) -> Self {
        Self(tz)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;
    fn from_str(text: &str) -> Result<Self, ZoneError> {
        text.parse().map(Self).map_err(|_| ZoneError)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(name: &str, local: &str, wanted: Meaning) {
        assert_eq!(zone(name).meaning(local.parse().unwrap()), Some(wanted), "{name} {local}");
    }

    #[test]
    fn a_local_time_means_one_instant_or_two_or_none() {
        let once = |text| Meaning::Once(at(text));
        let twice = |one, other| Meaning::Twice(at(one), at(other));
        let never = |text, minutes| Meaning::Never { at: at(text), minutes };
        check("Europe/Berlin", "2026-01-31T09:00:00", once("2026-01-31T08:00:00Z"));
        check("Europe/Berlin", "2026-03-29T02:30:00", never("2026-03-29T01:00:00Z", 60));
        check("Europe/Berlin", "2026-03-29T02:00:00", never("2026-03-29T01:00:00Z", 60));
        check("Europe/Berlin", "2026-03-29T03:00:00", once("2026-03-29T01:00:00Z"));
        check("Europe/Berlin", "2026-10-25T02:30:00", twice("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"));
        check("America/New_York", "2026-03-08T02:30:00", never("2026-03-08T07:00:00Z", 60));
        check(
            "America/New_York",
            "2026-11-01T01:30:00",
            twice("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
        );
        check("Australia/Lord_Howe", "2026-10-04T02:15:00", never("2026-10-03T15:30:00Z", 30));
        check(
            "Australia/Lord_Howe",
            "2026-04-05T01:45:00",
            twice("2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
        );
        check("Asia/Kolkata", "2026-03-29T02:30:00", once("2026-03-28T21:00:00Z"));
        // Samoa had no 30th of December in 2011.
        check("Pacific/Apia", "2011-12-30T02:30:00", never("2011-12-30T10:00:00Z", 24 * 60));
        check("UTC", "2026-03-29T02:30:00", once("2026-03-29T02:30:00Z"));
    }

    #[test]
    fn a_day_begins_where_midnight_was_put_over() {
        let day: NaiveDate = "2026-09-06".parse().unwrap();
        assert_eq!(zone("America/Santiago").start_of(day), Some(at("2026-09-06T04:00:00Z")));
        assert_eq!(zone("Europe/Berlin").start_of(day), Some(at("2026-09-05T22:00:00Z")));
        assert_eq!(zone("Europe/Berlin").said(at("2026-09-05T22:00:00Z")), "2026-09-06T00:00:00+02:00");
    }

    #[test]
    fn names_are_those_of_the_database() {
        for text in ["", "Berlin", "europe/berlin", "+02:00", "CEST"] {
            assert_eq!(text.parse::<Zone>(), Err(ZoneError), "{text}");
        }
        assert_eq!(zone("Europe/Berlin").to_string(), "Europe/Berlin");
    }
}
