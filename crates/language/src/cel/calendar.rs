//! What do functions make of times and spans? Parts of a time are those in UTC, or in the zone that is named.

use super::{
    function::Clock,
    run::{Came, Run, fault, units},
    sum::{bounded, within_years},
    value::{Number, Val},
};
use crate::{
    cost::{self, TIME},
    moment::Calendar,
};
use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal as Amount, prelude::ToPrimitive as _};

/// `timestamp()`: of a text as payloads say times, or of the seconds since 1970.
pub(crate) fn time<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    run.spend(TIME)?;
    match value {
        Val::Time(_) => Ok(value.clone()),
        Val::Number(Number::Amount(seconds)) if seconds.is_integer() => {
            within_years(seconds.to_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)))
        }
        Val::Text(text) => {
            run.spend(cost::scan(units(text.len(), 1)))?;
            match run.moment().read(text) {
                Some(time) => within_years(Some(time)),
                None => fault(format!("{} is no time", value.shown())),
            }
        }
        other => fault(format!("timestamp() makes no time of {}", other.shown())),
    }
}

/// `duration()`
pub(crate) fn span<'a>(value: &Val<'a>, run: &mut Run<'_, 'a>) -> Came<'a> {
    match value {
        Val::Span(_) => Ok(value.clone()),
        Val::Text(text) => {
            run.spend(cost::scan(units(text.len(), 1)))?;
            match read_span(text) {
                Some(span) => bounded(Some(span)),
                None => fault(format!("{} is no duration", value.shown())),
            }
        }
        other => fault(format!("duration() makes no duration of {}", other.shown())),
    }
}

/// The units of a duration and their nanoseconds.
const UNITS: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration as CEL says it (`1h30m`, `-1.5s`) or as ISO 8601 does (`PT1H30M`), without months and years.
pub(crate) fn read_span(text: &str) -> Option<TimeDelta> {
    if text.starts_with('P') {
        let span = Calendar::read(text).filter(|span| span.months == 0)?;
        let seconds = i64::from(span.days).checked_mul(86_400)?.checked_add(span.seconds.into())?;
        return TimeDelta::try_seconds(seconds);
    }
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(TimeDelta::zero());
    }
    let mut nanos = 0_i128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (count, behind) = rest.split_at_checked(end)?;
        let letters = behind.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(letters)?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let count = count.strip_suffix('.').unwrap_or(count);
        let count = if count.starts_with('.') { format!("0{count}") } else { count.to_owned() };
        let count = Amount::from_str_exact(&count).ok()?;
        let part = count.checked_mul(Amount::try_from_i128_with_scale(*size, 0).ok()?)?.trunc().to_i128()?;
        nanos = nanos.checked_add(part)?;
        rest = behind;
    }
    let nanos = if negative { -nanos } else { nanos };
    let (seconds, part) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    TimeDelta::new(i64::try_from(seconds).ok()?, u32::try_from(part).ok()?)
}

/// A time zone: a name of the IANA's, or an offset such as `+02:00`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Zone {
    Named(Tz),
    Offset(FixedOffset),
}

impl Zone {
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Some(Self::Named(zone));
        }
        let (west, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (hours, minutes) = rest.split_once(':')?;
        let two = |text: &str, below: i32| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<i32>().ok().filter(|count| digits && *count < below)
        };
        let seconds = two(hours, 24)?.checked_mul(3_600)?.checked_add(two(minutes, 60)?.checked_mul(60)?)?;
        FixedOffset::east_opt(if west { -seconds } else { seconds }).map(Self::Offset)
    }

    fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Self::Named(zone) => time.with_timezone(&zone).naive_local(),
            Self::Offset(offset) => time.with_timezone(&offset).naive_local(),
        }
    }
}

/// A part of a time in a zone, or a count of a span.
pub(crate) fn clock<'a>(
    clock: Clock,
    value: &Val<'a>,
    zone: Option<&Val<'a>>,
    run: &mut Run<'_, 'a>,
) -> Came<'a> {
    run.spend(TIME)?;
    let zone = match zone {
        None => Zone::Named(Tz::UTC),
        Some(Val::Text(name)) => {
            run.spend(TIME)?;
            match Zone::read(name) {
                Some(zone) => zone,
                None => return fault(format!("{} is no time zone", Val::Text(name.clone()).shown())),
            }
        }
        Some(other) => return fault(format!("{} is no time zone", other.shown())),
    };
    match value {
        Val::Time(time) => Ok(Val::number(of_time(clock, zone.local(*time)))),
        Val::Span(span) => match of_span(clock, *span) {
            Some(count) => Ok(Val::number(Amount::from(count))),
            None => fault("a duration has hours, minutes, seconds and milliseconds only"),
        },
        other => fault(format!("{} is no timestamp and no duration", other.shown())),
    }
}

fn of_time(clock: Clock, local: NaiveDateTime) -> Amount {
    match clock {
        Clock::FullYear => Amount::from(local.year()),
        Clock::Month => Amount::from(local.month0()),
        Clock::Date => Amount::from(local.day()),
        Clock::DayOfMonth => Amount::from(local.day0()),
        Clock::DayOfYear => Amount::from(local.ordinal0()),
        Clock::DayOfWeek => Amount::from(local.weekday().num_days_from_sunday()),
        Clock::Hours => Amount::from(local.hour()),
        Clock::Minutes => Amount::from(local.minute()),
        Clock::Seconds => Amount::from(local.second()),
        Clock::Milliseconds => Amount::from(local.nanosecond() / 1_000_000 % 1_000),
    }
}

/// All of a span in a unit, but only the part of a second in milliseconds, as CEL has it.
fn of_span(clock: Clock, span: TimeDelta) -> Option<i64> {
    match clock {
        Clock::Hours => Some(span.num_hours()),
        Clock::Minutes => Some(span.num_minutes()),
        Clock::Seconds => Some(span.num_seconds()),
        Clock::Milliseconds => Some(i64::from(span.subsec_nanos() / 1_000_000)),
        Clock::FullYear
        | Clock::Month
        | Clock::Date
        | Clock::DayOfMonth
        | Clock::DayOfYear
        | Clock::DayOfWeek => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, wanted) in [
            ("1h30m", Some(5_400_000)),
            ("-1.5s", Some(-1_500)),
            (".5h", Some(1_800_000)),
            ("1h1m1s1ms", Some(3_661_001)),
            ("0", Some(0)),
            ("PT1H30M", Some(5_400_000)),
            ("P1DT1S", Some(86_401_000)),
            ("P1M", None),
            ("1d", None),
            ("", None),
            ("-", None),
            ("1", None),
            ("1.2.3s", None),
            ("1ä", None),
            ("99999999999999999999999999999h", None),
        ] {
            assert_eq!(read_span(text).map(|span| span.num_milliseconds()), wanted, "{text}");
        }
    }

    #[test]
    fn zones_are_read() {
        for (text, wanted) in [
            ("Europe/Berlin", true),
            ("UTC", true),
            ("+02:00", true),
            ("-09:30", true),
            ("02:00", true),
            ("+24:00", false),
            ("+2:00", false),
            ("Berlin", false),
            ("", false),
            ("+ä:00", false),
        ] {
            assert_eq!(Zone::read(text).is_some(), wanted, "{text}");
        }
    }
}
