//! At which minutes does a cron expression come? In local time, with what clock changes mean for it.
//!
//! Five fields as Vixie cron has them: minute, hour, day of month, month, day of week, with names, lists, ranges, steps, and the
//! extensions L, W and # of `croner`, which reads and searches them. What clock changes mean is said here, as Vixie cron
//! says it: an expression whose minute or hour begins with `*` keeps its pace in real time; any other names times of the
//! day, each of which comes once a day: one that the clocks skip comes right after the skip, one that they repeat the first time.

use chrono::{NaiveDate, NaiveDateTime};
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use kernel::{Instant, Meaning, Zone};

/// The longest expression, in bytes.
const LONGEST: usize = 200;
/// Clocks that are put forward by more than this many minutes skip the day: nothing is made up for. So does Vixie cron.
const LONGEST_SKIP: i64 = 180;
/// How many times of the day are looked at that lie in the past or in skipped days.
const LOOKS: usize = 5_000;

/// The text is no expression, or one that never comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// It does not read.
    #[error(
        "is not a cron expression: {0}; it has five fields: minute, hour, day of month, month, day of week, such as \"30 9 * * MON-FRI\""
    )]
    Shape(String),
    /// It has six fields.
    #[error("has six fields, and seconds are finer than schedules go: leave the first field out")]
    Seconds,
    /// It never comes.
    #[error("never comes: there is no such day")]
    Never,
}

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    text: String,
    /// Boxed, for its fields are large.
    cron: Box<Cron>,
    /// Whether it keeps its pace over clock changes.
    is_paced: bool,
}

/// What `@daily` and so on stand for.
const NICKNAMES: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Timetable {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`TimetableError`].
    pub fn read(text: &str) -> Result<Self, TimetableError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(TimetableError::Shape(format!("it is longer than {LONGEST} characters")));
        }
        let lower = text.to_ascii_lowercase();
        let plain = NICKNAMES.iter().find(|(name, _)| *name == lower).map_or(text, |(_, plain)| plain);
        let fields: Vec<&str> = plain.split_whitespace().collect();
        match fields.len() {
            5 => {}
            6 => return Err(TimetableError::Seconds),
            count => return Err(TimetableError::Shape(format!("it has {count} fields"))),
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let cron = parser.parse(plain).map_err(|error| TimetableError::Shape(words(&error)))?;
        let is_paced = fields.iter().take(2).any(|field| field.starts_with('*'));
        // In eight years every day comes that ever does, and most come sooner.
        let start =
            NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default().and_hms_opt(0, 0, 0).unwrap_or_default();
        cron.find_next_occurrence(&start, true).map_err(|_| TimetableError::Never)?;
        Ok(Self { text: text.to_owned(), cron: Box::new(cron), is_paced })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it says, in words.
    #[must_use]
    pub fn words(&self) -> String {
        self.cron.describe()
    }

    /// Whether it keeps its pace in real time over clock changes, instead of naming times of the day.
    #[must_use]
    pub const fn is_paced(&self) -> bool {
        self.is_paced
    }

    /// Whether a local time is one of its own: not, where the clocks skipped the one that was meant.
    #[must_use]
    pub fn names(&self, local: NaiveDateTime) -> bool {
        self.cron.is_time_matching(&local).unwrap_or(true)
    }

    /// When it comes next after an instant in `zone`; `None` beyond the calendar's end.
    #[must_use]
    pub fn next(&self, after: Instant, zone: &Zone) -> Option<Instant> {
        // Expressions know no fractions of a second.
        let after = Instant::from_millis(after.seconds().checked_mul(1000)?);
        if self.is_paced { self.next_paced(after, zone) } else { self.next_named(after, zone) }
    }

    /// Real time: every minute whose local time fits, be it the first or the second of its name.
    fn next_paced(&self, after: Instant, zone: &Zone) -> Option<Instant> {
        let mut from = after;
        for _ in 0..LOOKS {
            let local = from.to_chrono()?.with_timezone(&zone.tz());
            if let Ok(found) = self.cron.find_next_occurrence(&local, false) {
                return Some(Instant::from_millis(found.timestamp_millis()));
            }
            // The search gives up before clocks that skip a whole day: it goes on behind them.
            let local = self.cron.find_next_occurrence(&zone.local(from)?, false).ok()?;
            let Meaning::Never { at, .. } = zone.meaning(local)? else { return None };
            if self.names(zone.local(at)?) {
                return Some(at);
            }
            from = at;
        }
        None
    }

    /// Times of the day: each comes once.
    fn next_named(&self, after: Instant, zone: &Zone) -> Option<Instant> {
        let mut local = zone.local(after)?;
        for _ in 0..LOOKS {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let at = match zone.meaning(local)? {
                Meaning::Once(at) | Meaning::Twice(at, _) => at,
                Meaning::Never { at, minutes } if minutes <= LONGEST_SKIP => at,
                Meaning::Never { .. } => continue,
            };
            if at > after {
                return Some(at);
            }
        }
        None
    }
}

/// What the library says, without its own name for things.
fn words(error: &croner::errors::CronError) -> String {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect::<String>().replace("CronPattern", "it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Timetable {
        Timetable::read(text).unwrap()
    }

    /// The local times, with offset, at which it comes after an instant.
    #[track_caller]
    fn check(zone: &str, text: &str, after: &str, wanted: &[&str]) {
        let (zone, table): (Zone, _) = (zone.parse().unwrap(), table(text));
        let mut at: Instant = after.parse().unwrap();
        for (place, wanted) in wanted.iter().enumerate() {
            at = table.next(at, &zone).unwrap();
            assert_eq!(zone.said(at), *wanted, "{zone} {text} number {place}");
        }
    }

    #[test]
    fn a_time_of_the_day_comes_once_on_every_day() {
        for text in ["30 2 * * *", "30 2,14 * * *", "15,45 2 * * *", "0 0 * * *", "30 1 * * *", "0 3 * * *"] {
            let (minutes, hours) = (text.split(' ').next().unwrap(), text.split(' ').nth(1).unwrap());
            let a_day = minutes.split(',').count() * hours.split(',').count();
            for zone in [
                "Europe/Berlin",
                "America/New_York",
                "Australia/Lord_Howe",
                "Asia/Kolkata",
                "Pacific/Apia",
                "UTC",
            ] {
                let (zone, table): (Zone, _) = (zone.parse().unwrap(), table(text));
                let mut at: Instant = "2026-01-01T12:00:00Z".parse().unwrap();
                let end: Instant = "2027-01-03T12:00:00Z".parse().unwrap();
                let mut days = std::collections::BTreeMap::<NaiveDate, usize>::new();
                while at < end {
                    at = table.next(at, &zone).unwrap();
                    *days.entry(zone.local(at).unwrap().date()).or_default() += 1;
                }
                let whole: Vec<_> = days
                    .range(
                        NaiveDate::from_ymd_opt(2026, 1, 3).unwrap()
                            ..NaiveDate::from_ymd_opt(2027, 1, 2).unwrap(),
                    )
                    .collect();
                assert_eq!(whole.len(), 364, "{zone} {text}");
                // Two that are skipped by one clock change come as one, right after it.
                let odd: Vec<_> = whole.iter().filter(|(_, count)| **count != a_day).collect();
                let together =
                    text == "15,45 2 * * *" && ["Europe/Berlin", "America/New_York"].contains(&zone.name());
                assert_eq!(odd.len(), usize::from(together), "{zone} {text}: {odd:?}");
            }
        }
    }

    #[test]
    fn what_is_skipped_comes_right_after_and_what_is_repeated_the_first_time() {
        check(
            "Europe/Berlin",
            "30 2 * * *",
            "2026-03-28T02:00:00Z",
            &["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        );
        check(
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        );
        // From between the two, too.
        check("Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z", &["2026-10-26T02:30:00+01:00"]);
        check(
            "America/New_York",
            "30 2 * * *",
            "2026-03-08T00:00:00Z",
            &["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"],
        );
        check(
            "America/New_York",
            "30 1 * * *",
            "2026-11-01T00:00:00Z",
            &["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"],
        );
        check(
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T00:00:00Z",
            &["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"],
        );
        check(
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T00:00:00Z",
            &["2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"],
        );
        check(
            "Europe/Berlin",
            "0 2-3 * * *",
            "2026-03-28T12:00:00Z",
            &["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"],
        );
        // Samoa had no 30th of December in 2011: nothing is made up for.
        check(
            "Pacific/Apia",
            "30 2 * * *",
            "2011-12-29T00:00:00Z",
            &["2011-12-29T02:30:00-10:00", "2011-12-31T02:30:00+14:00"],
        );
        check("Pacific/Apia", "30 2 30 12 *", "2011-06-01T00:00:00Z", &["2012-12-30T02:30:00+14:00"]);
        check(
            "Pacific/Apia",
            "30 2 * * *",
            "2021-04-02T00:00:00Z",
            &["2021-04-03T02:30:00+14:00", "2021-04-04T02:30:00+14:00", "2021-04-05T02:30:00+13:00"],
        );
        check("Asia/Kolkata", "30 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-29T02:30:00+05:30"]);
    }

    #[test]
    fn every_quarter_of_an_hour_keeps_its_pace_over_clock_changes() {
        for (zone, after) in [
            ("Europe/Berlin", "2026-03-28T22:00:00Z"),
            ("Europe/Berlin", "2026-10-24T22:00:00Z"),
            ("America/New_York", "2026-03-08T04:00:00Z"),
            ("America/New_York", "2026-11-01T04:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T12:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
            ("Pacific/Apia", "2011-12-30T06:00:00Z"),
            ("Asia/Kolkata", "2026-03-28T22:00:00Z"),
            ("UTC", "2026-03-28T22:00:00Z"),
        ] {
            let (zone, table): (Zone, _) = (zone.parse().unwrap(), table("*/15 * * * *"));
            let mut at: Instant = after.parse().unwrap();
            for step in 0..40 {
                let next = table.next(at, &zone).unwrap();
                assert_eq!(
                    next.since(at).as_millis(),
                    15 * 60 * 1000,
                    "{zone} step {step}: {}",
                    zone.said(next)
                );
                at = next;
            }
        }
        check(
            "Europe/Berlin",
            "*/30 2 * * *",
            "2026-10-24T12:00:00Z",
            &["2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00"],
        );
        check("Europe/Berlin", "*/30 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-30T02:00:00+02:00"]);
        check("Pacific/Apia", "*/30 2 30 12 *", "2011-06-01T00:00:00Z", &["2012-12-30T02:00:00+14:00"]);
    }

    #[test]
    fn days_of_the_month_and_of_the_week() {
        check(
            "UTC",
            "0 0 L * *",
            "2026-01-31T12:00:00Z",
            &["2026-02-28T00:00:00+00:00", "2026-03-31T00:00:00+00:00"],
        );
        check(
            "UTC",
            "0 12 29 2 *",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T12:00:00+00:00", "2032-02-29T12:00:00+00:00"],
        );
        check("UTC", "0 9 * * MON-FRI", "2026-01-02T09:00:00Z", &["2026-01-05T09:00:00+00:00"]);
        check("UTC", "0 9 * * 5#2", "2026-01-01T00:00:00Z", &["2026-01-09T09:00:00+00:00"]);
        check("UTC", "0 9 15W * *", "2026-08-01T00:00:00Z", &["2026-08-14T09:00:00+00:00"]);
        check("UTC", "@weekly", "2026-01-01T00:00:00Z", &["2026-01-04T00:00:00+00:00"]);
        check(
            "UTC",
            "0 0 13 * 5",
            "2026-01-01T00:00:00Z",
            &["2026-01-02T00:00:00+00:00", "2026-01-09T00:00:00+00:00", "2026-01-13T00:00:00+00:00"],
        );
        check("UTC", "* * * * *", "2026-01-01T00:00:59.999Z", &["2026-01-01T00:01:00+00:00"]);
        check(
            "UTC",
            "0 0 * * *",
            "2026-01-01T23:59:59.500Z",
            &["2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00"],
        );
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, wanted) in [
            ("", "it has 0 fields"),
            ("* * * *", "it has 4 fields"),
            ("60 * * * *", "number out of bounds"),
            ("*/0 * * * *", "step cannot be zero"),
            ("5-1 * * * *", "range out of bounds"),
            ("a b c d e", "contains illegal character"),
            ("@reboot", "it has 1 fields"),
            ("0 0 * * 5#0", "nth specifier out of bounds"),
        ] {
            let said = Timetable::read(text).unwrap_err().to_string();
            assert!(
                said.starts_with("is not a cron expression: ") && said.contains(wanted),
                "{text}: {said}"
            );
        }
        assert_eq!(Timetable::read("0 0 9 * * *"), Err(TimetableError::Seconds));
        for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *"] {
            assert_eq!(Timetable::read(text), Err(TimetableError::Never), "{text}");
        }
        assert!(matches!(Timetable::read(&"*".repeat(300)), Err(TimetableError::Shape(_))));
    }

    #[test]
    fn it_says_what_it_means() {
        assert_eq!(table("30 2 * * *").words(), "At 02:30.");
        assert!(
            table("*/15 * * * *").is_paced()
                && table("0 * * * *").is_paced()
                && !table("0 9 * * *").is_paced()
        );
    }
}
