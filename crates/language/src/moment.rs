//! When is `today+P7D`? Times as rules say them, relative to now and in the tenant's zone, and times as payloads carry them.
//!
//! Days, weeks, months and years are those of the calendar in the zone: `today+P1D` is the next midnight, also where the
//! night has 23 or 25 hours. A local time that a clock change leaves out is the same time after the change; one that comes
//! twice is the first.

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone as _, Utc, Weekday,
};
use chrono_tz::Tz;
use kernel::Instant;

/// The time at which rules look at an event, and the zone of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: Instant,
    /// The tenant's time zone.
    pub zone: Tz,
}

impl Default for Moment {
    /// The beginning of 1970 in UTC.
    fn default() -> Self {
        Self { now: Instant::default(), zone: Tz::UTC }
    }
}

impl Moment {
    /// The time, in UTC.
    pub(crate) fn utc(&self) -> Option<DateTime<Utc>> {
        self.now.to_chrono()
    }

    /// The local date and time of an instant.
    pub(crate) fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// The instant of a local time.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.zone.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.with_timezone(&Utc)),
            // The clocks skip it: with the offset that held before they did. No change skips more than a day.
            LocalResult::None => (1..=48).find_map(|halves| {
                let before = local.checked_sub_signed(TimeDelta::minutes(halves * 30))?;
                let earlier = self.zone.from_local_datetime(&before).earliest()?;
                let offset = TimeDelta::seconds(earlier.offset().fix().local_minus_utc().into());
                Some(local.checked_sub_signed(offset)?.and_utc())
            }),
        }
    }

    fn midnight(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.instant(day.and_time(NaiveTime::MIN))
    }

    /// The time that a text says: RFC 3339; or a day, a local date and time, both in the zone.
    pub(crate) fn read(&self, text: &str) -> Option<DateTime<Utc>> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(time.with_timezone(&Utc));
        }
        match text.len() {
            10 => self.midnight(text.parse().ok()?),
            16 => self.instant(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok()?),
            19.. => self.instant(text.parse().ok()?),
            _ => None,
        }
    }

    /// `at`, later (or, `back`, earlier) by a span of the calendar.
    pub(crate) fn shift(&self, at: DateTime<Utc>, span: Calendar, back: bool) -> Option<DateTime<Utc>> {
        let at = if span.months == 0 && span.days == 0 {
            at
        } else {
            let (months, days) = (Months::new(span.months), Days::new(span.days.into()));
            let local = self.local(at);
            let moved = if back {
                local.checked_sub_months(months)?.checked_sub_days(days)?
            } else {
                local.checked_add_months(months)?.checked_add_days(days)?
            };
            self.instant(moved)?
        };
        let seconds = TimeDelta::seconds(span.seconds.into());
        if back { at.checked_sub_signed(seconds) } else { at.checked_add_signed(seconds) }
    }
}

/// A span of ISO 8601, with units of the calendar: `P1M`, `P2W`, `P1DT12H`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Calendar {
    pub(crate) months: u32,
    pub(crate) days: u32,
    pub(crate) seconds: u32,
}

/// The longest span: a hundred years.
const MOST_MONTHS: u32 = 1_200;
const MOST_DAYS: u32 = 36_600;
const MOST_SECONDS: u32 = 3_155_760_000;

impl Calendar {
    /// Reads a span.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let body = text.strip_prefix('P')?;
        let (date, time) = match body.split_once('T') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None if body.is_empty() => return None,
            None => (body, ""),
        };
        let [years, months, weeks, days] = parts(date, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds] = parts(time, ['H', 'M', 'S'])?;
        let span = Self {
            months: years.checked_mul(12)?.checked_add(months)?,
            days: weeks.checked_mul(7)?.checked_add(days)?,
            seconds: hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?,
        };
        let fits = span.months <= MOST_MONTHS && span.days <= MOST_DAYS && span.seconds <= MOST_SECONDS;
        fits.then_some(span)
    }
}

/// The counts of parts such as `1H30M`, each unit at most once and in order; 0 for those that are left out.
fn parts<const N: usize>(mut text: &str, units: [char; N]) -> Option<[u32; N]> {
    let mut counts = [0; N];
    let mut slots = units.iter().zip(&mut counts);
    while !text.is_empty() {
        let end = text.find(|letter: char| !letter.is_ascii_digit())?;
        let (figures, rest) = text.split_at_checked(end)?;
        let unit = rest.chars().next()?;
        let (_, count) = slots.find(|(letter, _)| **letter == unit)?;
        *count = figures.parse().ok()?;
        text = rest.get(unit.len_utf8()..)?;
    }
    Some(counts)
}

/// What a relative time begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Now,
    /// So many days from today.
    Day(i64),
    Week,
    Month,
    Quarter,
    Year,
    Weekday(Weekday),
}

const ANCHORS: &[(&str, Anchor)] = &[
    ("now", Anchor::Now),
    ("today", Anchor::Day(0)),
    ("tomorrow", Anchor::Day(1)),
    ("yesterday", Anchor::Day(-1)),
    ("start_of_week", Anchor::Week),
    ("start_of_month", Anchor::Month),
    ("start_of_quarter", Anchor::Quarter),
    ("start_of_year", Anchor::Year),
    ("monday", Anchor::Weekday(Weekday::Mon)),
    ("tuesday", Anchor::Weekday(Weekday::Tue)),
    ("wednesday", Anchor::Weekday(Weekday::Wed)),
    ("thursday", Anchor::Weekday(Weekday::Thu)),
    ("friday", Anchor::Weekday(Weekday::Fri)),
    ("saturday", Anchor::Weekday(Weekday::Sat)),
    ("sunday", Anchor::Weekday(Weekday::Sun)),
];

/// A time that a rule says: fixed, a day or a local time in the zone, or relative to now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When(Said);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Fixed(DateTime<Utc>),
    Local(NaiveDateTime),
    Relative { anchor: Anchor, span: Calendar, back: bool },
}

/// A text is no time that a rule could mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a time such as \"2026-01-31T09:30:00Z\", a day such as \"2026-01-31\", or one relative to now: now, today, \
     tomorrow, yesterday, start_of_week, start_of_month, start_of_quarter, start_of_year or the next monday to sunday, with \
     an ISO 8601 span if need be, such as \"today+P7D\" or \"now-PT2H\""
)]
pub struct WhenError;

impl std::str::FromStr for When {
    type Err = WhenError;
    fn from_str(text: &str) -> Result<Self, WhenError> {
        if text.starts_with(|letter: char| letter.is_ascii_digit()) {
            if let Ok(time) = DateTime::parse_from_rfc3339(text) {
                return Ok(Self(Said::Fixed(time.with_timezone(&Utc))));
            }
            let day = || text.parse::<NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN));
            let minute = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok();
            return day()
                .or_else(minute)
                .or_else(|| text.parse().ok())
                .map(|local| Self(Said::Local(local)))
                .ok_or(WhenError);
        }
        let sign = text.find(['+', '-']).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(sign).ok_or(WhenError)?;
        let (_, anchor) = ANCHORS.iter().find(|(known, _)| *known == name).ok_or(WhenError)?;
        let back = rest.starts_with('-');
        let span = match rest.get(1..) {
            Some(span) => Calendar::read(span).ok_or(WhenError)?,
            None => Calendar::default(),
        };
        Ok(Self(Said::Relative { anchor: *anchor, span, back }))
    }
}

impl When {
    /// The instant that it is at this moment; `None` only beyond the calendar's end.
    #[must_use]
    pub fn at(&self, moment: &Moment) -> Option<Instant> {
        self.utc(moment).map(|time| Instant::from_millis(time.timestamp_millis()))
    }

    /// Whether it names a day or a time of its own, and not one relative to now.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        !matches!(self.0, Said::Relative { .. })
    }

    /// Whether it says itself where it is: in which zone does not matter.
    pub(crate) const fn has_offset(&self) -> bool {
        matches!(self.0, Said::Fixed(_))
    }

    /// The local day that it is in.
    #[must_use]
    pub fn day(&self, moment: &Moment) -> Option<NaiveDate> {
        self.utc(moment).map(|time| moment.local(time).date())
    }

    pub(crate) fn utc(&self, moment: &Moment) -> Option<DateTime<Utc>> {
        match &self.0 {
            Said::Fixed(time) => Some(*time),
            Said::Local(local) => moment.instant(*local),
            Said::Relative { anchor, span, back } => moment.shift(anchor.at(moment)?, *span, *back),
        }
    }
}

impl Anchor {
    fn at(self, moment: &Moment) -> Option<DateTime<Utc>> {
        let now = moment.utc()?;
        let today = moment.local(now).date();
        let first = |month: u32| NaiveDate::from_ymd_opt(today.year(), month, 1);
        let day = match self {
            Self::Now => return Some(now),
            Self::Day(days) => today.checked_add_signed(TimeDelta::days(days))?,
            Self::Week => today.week(Weekday::Mon).checked_first_day()?,
            Self::Month => first(today.month())?,
            Self::Quarter => first(today.month0() / 3 * 3 + 1)?,
            Self::Year => first(1)?,
            Self::Weekday(wanted) => {
                let ahead = (wanted.num_days_from_monday() + 7 - today.weekday().num_days_from_monday()) % 7;
                let days = if ahead == 0 { 7 } else { ahead };
                today.checked_add_days(Days::new(days.into()))?
            }
        };
        moment.midnight(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(now: &str, zone: &str) -> Moment {
        Moment { now: now.parse().unwrap(), zone: zone.parse().unwrap() }
    }

    fn check(said: &str, now: &str, zone: &str, wanted: &str) {
        let at = said.parse::<When>().unwrap().at(&moment(now, zone)).unwrap();
        assert_eq!(at, wanted.parse().unwrap(), "{said} at {now} in {zone}");
    }

    #[test]
    fn relative_times_go_by_the_tenants_calendar() {
        let (now, berlin) = ("2026-03-27T23:30:00Z", "Europe/Berlin");
        check("now", now, berlin, now);
        check("today", now, berlin, "2026-03-27T23:00:00Z");
        check("today", now, "UTC", "2026-03-27T00:00:00Z");
        check("tomorrow", now, berlin, "2026-03-28T23:00:00Z");
        // The night to the 29th is short: midnight is an hour earlier after it.
        check("today+P2D", now, berlin, "2026-03-29T22:00:00Z");
        check("now+PT48H", now, berlin, "2026-03-29T23:30:00Z");
        check("now+P2D", now, berlin, "2026-03-29T22:30:00Z");
        check("start_of_week", now, berlin, "2026-03-22T23:00:00Z");
        check("start_of_month", now, berlin, "2026-02-28T23:00:00Z");
        check("start_of_quarter", now, berlin, "2025-12-31T23:00:00Z");
        check("start_of_year-P1Y", now, berlin, "2024-12-31T23:00:00Z");
        check("friday", now, berlin, "2026-04-02T22:00:00Z");
        check("saturday", now, berlin, "2026-04-03T22:00:00Z");
        check("2026-07-01", now, berlin, "2026-06-30T22:00:00Z");
        check("2026-07-01T09:30", now, berlin, "2026-07-01T07:30:00Z");
        check("2026-07-01T09:30:00+05:30", now, berlin, "2026-07-01T04:00:00Z");
        check("today+P1M", "2026-01-31T12:00:00Z", "UTC", "2026-02-28T00:00:00Z");
    }

    #[test]
    fn a_time_that_the_clocks_skip_is_after_the_change() {
        check("2026-03-29T02:30", "2026-01-01T00:00:00Z", "Europe/Berlin", "2026-03-29T01:30:00Z");
        check("2026-10-25T02:30", "2026-01-01T00:00:00Z", "Europe/Berlin", "2026-10-25T00:30:00Z");
        check("2026-10-04T02:15", "2026-01-01T00:00:00Z", "Australia/Lord_Howe", "2026-10-03T15:45:00Z");
        // Samoa had no 30 December 2011.
        check("2011-12-30", "2026-01-01T00:00:00Z", "Pacific/Apia", "2011-12-30T10:00:00Z");
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "soon",
            "today+",
            "today+7",
            "today+P",
            "today+PT",
            "now+P1D1M",
            "Today",
            "2026-13-01",
            "now+P9999Y",
            "today +P1D",
        ] {
            assert_eq!(text.parse::<When>(), Err(WhenError), "{text}");
        }
    }

    #[test]
    fn payloads_say_times_with_or_without_an_offset() {
        let berlin = moment("2026-01-01T00:00:00Z", "Europe/Berlin");
        for (text, wanted) in [
            ("2026-07-01T09:30:00Z", Some("2026-07-01T09:30:00Z")),
            ("2026-07-01T09:30:00.250+02:00", Some("2026-07-01T07:30:00.250Z")),
            ("2026-07-01T09:30:00", Some("2026-07-01T07:30:00Z")),
            ("2026-07-01T09:30", Some("2026-07-01T07:30:00Z")),
            ("2026-07-01", Some("2026-06-30T22:00:00Z")),
            ("2026-07-0x", None),
            ("01.07.2026", None),
            ("today", None),
            ("", None),
        ] {
            let said = berlin.read(text).map(|time| Instant::from_millis(time.timestamp_millis()));
            assert_eq!(said, wanted.map(|text| text.parse().unwrap()), "{text}");
        }
    }
}
