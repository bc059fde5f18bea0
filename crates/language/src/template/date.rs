//! How is a time written? In the tenant's zone or one that is named, by a style of a locale or by a pattern of strftime.

use super::{
    amount::{check_locale, locale},
    context,
    filter::{Call, Given, Made},
    locale::{Locale, Style},
};
use crate::{Moment, moment::Calendar};
use chrono::{
    DateTime, Datelike as _, NaiveDate, SecondsFormat,
    format::{Fixed, Item, Numeric, StrftimeItems},
};
use chrono_tz::Tz;
use minijinja::Value as Slot;
use std::fmt::Write as _;

/// The longest pattern, in characters.
const LONGEST: usize = 100;

/// What of a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Day,
    Clock,
    Both,
}

/// How it is written.
enum How {
    /// As ISO 8601 has it: the short form, or the whole.
    Iso {
        whole: bool,
    },
    Style(Style),
    Pattern(String),
}

/// A time, and whether it is a whole day.
struct Read {
    at: DateTime<Tz>,
    is_day: bool,
}

pub(super) fn check(given: &Given) -> Result<(), String> {
    how(given)?;
    check_locale(given, 1)?;
    zone(given).map(|_| ())
}

pub(super) fn check_span(given: &Given) -> Result<(), String> {
    given.text(0)?.map_or(Ok(()), |text| span(text).map(|_| ()))
}

/// `date("long", "de")`: 31. Januar 2026
pub(super) fn date(call: &mut Call<'_, '_, '_>) -> Made {
    write(call, What::Day)
}

/// `time("short", "de")`: 09:30
pub(super) fn time(call: &mut Call<'_, '_, '_>) -> Made {
    write(call, What::Clock)
}

/// `datetime("long", "de")`: 31. Januar 2026 um 09:30
pub(super) fn datetime(call: &mut Call<'_, '_, '_>) -> Made {
    write(call, What::Both)
}

/// `add("P3D")`: the same time of the day three days later, in the tenant's calendar.
pub(super) fn add(call: &mut Call<'_, '_, '_>) -> Made {
    let (span, back) = span(call.given.text(0)?.unwrap_or_default())?;
    let moment = context::moment(call.state);
    let Read { at, is_day } = read(call, &moment)?;
    let moved =
        moment.shift(at.to_utc(), span, back).ok_or_else(|| "leads beyond the calendar".to_owned())?;
    let moved = moved.with_timezone(&moment.zone);
    Ok(Slot::from(if is_day && span.seconds == 0 {
        moved.date_naive().to_string()
    } else {
        moved.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }))
}

fn span(text: &str) -> Result<(Calendar, bool), String> {
    let (back, bare) = match text.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, text),
    };
    match Calendar::read(bare) {
        Some(span) => Ok((span, back)),
        None => Err("takes a span of ISO 8601, such as \"P3D\" or \"-PT2H\"".to_owned()),
    }
}

fn zone(given: &Given) -> Result<Option<Tz>, String> {
    let Some(name) = given.text(2)? else { return Ok(None) };
    match name.parse() {
        Ok(zone) => Ok(Some(zone)),
        Err(_) => {
            let shown: String = name.chars().take(40).collect();
            Err(format!("takes the name of a time zone, such as \"Europe/Berlin\", and {shown:?} is none"))
        }
    }
}

fn how(given: &Given) -> Result<How, String> {
    let Some(said) = given.text(0)? else {
        let styled = given.any(1).is_some();
        return Ok(if styled { How::Style(Style::Medium) } else { How::Iso { whole: false } });
    };
    if said == "iso" {
        return Ok(How::Iso { whole: true });
    }
    if let Some(style) = Style::find(said) {
        return Ok(How::Style(style));
    }
    if !said.contains('%') || said.chars().count() > LONGEST {
        return Err(format!(
            "takes a style ({}, iso) or a pattern such as \"%d.%m.%Y\" of at most {LONGEST} characters",
            Style::NAMES
        ));
    }
    if !StrftimeItems::new(said).all(|item| can_be_printed(&item)) {
        return Err(format!("takes a pattern of strftime, and {said:?} is none: write %% for a % alone"));
    }
    Ok(How::Pattern(said.to_owned()))
}

/// Whether every time can be printed so. Some items, such as `%#z`, are for reading alone.
fn can_be_printed(item: &Item<'_>) -> bool {
    let mut out = String::new();
    *item != Item::Error
        && write!(out, "{}", DateTime::UNIX_EPOCH.format_with_items(std::iter::once(item))).is_ok()
}

/// Reads the time that is filtered: RFC 3339, a local time or a day in the tenant's zone, or the seconds since 1970.
fn read(call: &mut Call<'_, '_, '_>, moment: &Moment) -> Result<Read, String> {
    if let Some(seconds) = call.value.as_i64().filter(|_| call.value.is_integer()) {
        let at = DateTime::from_timestamp(seconds, 0).ok_or_else(|| "is given no time".to_owned())?;
        return Ok(Read { at: at.with_timezone(&moment.zone), is_day: false });
    }
    let text = call.text()?;
    match moment.read(text.trim()) {
        Some(at) => {
            let is_day = text.trim().parse::<NaiveDate>().is_ok();
            Ok(Read { at: at.with_timezone(&moment.zone), is_day })
        }
        None => {
            let shown: String = text.chars().take(40).collect();
            Err(format!(
                "takes a time such as \"2026-01-31T09:30:00Z\" or a day such as \"2026-01-31\", and {shown:?} is neither"
            ))
        }
    }
}

fn write(call: &mut Call<'_, '_, '_>, what: What) -> Made {
    let moment = context::moment(call.state);
    let Read { at, is_day } = read(call, &moment)?;
    let how = how(&call.given)?;
    let locale = locale(&call.given, 1)?;
    // A day is that day everywhere; a time has another hour in another zone.
    let at = match zone(&call.given)?.filter(|_| !is_day) {
        Some(zone) => at.with_timezone(&zone),
        None => at,
    };
    let pattern = match (how, what) {
        (How::Pattern(pattern), _) => pattern,
        (How::Style(style), What::Day) => locale.date(style).to_owned(),
        (How::Style(_), What::Clock) => locale.time.to_owned(),
        (How::Style(style), What::Both) => locale.date_and_time(style),
        (How::Iso { .. }, What::Day) => "%Y-%m-%d".to_owned(),
        (How::Iso { whole: false }, What::Clock) => "%H:%M".to_owned(),
        (How::Iso { whole: true }, What::Clock) => "%H:%M:%S".to_owned(),
        (How::Iso { whole: false }, What::Both) => "%Y-%m-%d %H:%M".to_owned(),
        (How::Iso { whole: true }, What::Both) => "%Y-%m-%dT%H:%M:%S%:z".to_owned(),
    };
    let text = printed(at, &pattern, locale)?;
    call.work(text.len())?;
    Ok(Slot::from(text))
}

/// A time by a pattern, with the names of days and months as the locale has them.
fn printed(at: DateTime<Tz>, pattern: &str, locale: &Locale) -> Result<String, String> {
    let beside_a_day = StrftimeItems::new(pattern).any(|item| matches!(item, Item::Numeric(Numeric::Day, _)));
    let mut out = String::new();
    for item in StrftimeItems::new(pattern) {
        let (month, day) = (at.month0(), at.weekday().num_days_from_monday());
        match item {
            Item::Fixed(Fixed::LongMonthName) => out.push_str(locale.month(month, beside_a_day)),
            Item::Fixed(Fixed::ShortMonthName) => out.push_str(locale.short_month(month)),
            Item::Fixed(Fixed::LongWeekdayName) => out.push_str(locale.day(day)),
            Item::Fixed(Fixed::ShortWeekdayName) => out.push_str(locale.short_day(day)),
            // Printing what is no item would fail, and a failure to print is a panic elsewhere.
            Item::Error => return Err("takes a pattern of strftime".to_owned()),
            item => write!(out, "{}", at.format_with_items(std::iter::once(&item)))
                .map_err(|_| "takes a pattern that can be printed".to_owned())?,
        }
    }
    Ok(out)
}
