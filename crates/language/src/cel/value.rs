//! What does a part of an expression come to, with an event at hand? Values of JSON stay where they are and are read when
//! somebody asks; what is computed is held by count.

use super::shape::Lens;
use crate::{Moment, number::Decimal, value::size};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rust_decimal::{Decimal as Amount, prelude::ToPrimitive as _};
use serde_json::Value;
use std::{cmp::Ordering, ops::Deref, rc::Rc};

/// How many characters of a text a fault shows.
const SHOWN: usize = 40;
/// What a number, a time or a span takes, in bytes.
const SMALL: u64 = 16;

#[derive(Debug, Clone)]
pub(crate) enum Val<'a> {
    Null,
    Truth(bool),
    Number(Number<'a>),
    Time(DateTime<Utc>),
    Span(TimeDelta),
    Text(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
}

/// A number: one to compute with, or one of so many digits that it can only be compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number<'a> {
    Amount(Amount),
    Long(&'a str),
}

#[derive(Debug, Clone)]
pub(crate) enum Text<'a> {
    Sent(&'a str),
    Made(Rc<str>),
}

#[derive(Debug, Clone)]
pub(crate) enum List<'a> {
    Sent(&'a [Value], &'a Lens),
    Made(Rc<[Val<'a>]>),
}

#[derive(Debug, Clone)]
pub(crate) enum Map<'a> {
    Sent(&'a serde_json::Map<String, Value>),
    Made(Rc<[(Val<'a>, Val<'a>)]>),
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Sent(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl Number<'_> {
    /// Which is greater, exactly; `None` where an exponent is beyond all bounds.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        let text = |number: &Self| match number {
            Self::Amount(amount) => amount.to_string(),
            Self::Long(text) => (*text).to_owned(),
        };
        match (self, other) {
            (Self::Amount(left), Self::Amount(right)) => Some(left.cmp(right)),
            (left, right) => {
                let (left, right) = (text(left), text(right));
                Some(Decimal::read(&left)?.compare(&Decimal::read(&right)?))
            }
        }
    }
}

impl<'a> List<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sent(items, _) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, place: usize, moment: &Moment) -> Option<Val<'a>> {
        match self {
            Self::Sent(items, lens) => items.get(place).map(|item| Val::read(item, lens.inner(), moment)),
            Self::Made(items) => items.get(place).cloned(),
        }
    }

    /// The item in JSON, if it stands there.
    pub(crate) fn sent(&self, place: usize) -> Option<&'a Value> {
        match self {
            Self::Sent(items, _) => items.get(place),
            Self::Made(_) => None,
        }
    }
}

impl<'a> Map<'a> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Sent(fields) => fields.len(),
            Self::Made(pairs) => pairs.len(),
        }
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &Val<'a>, lens: &'a Lens, moment: &Moment) -> Option<Val<'a>> {
        match (self, key) {
            (Self::Sent(fields), Val::Text(name)) => {
                fields.get(&**name).map(|value| Val::read(value, lens, moment))
            }
            (Self::Sent(_), _) => None,
            (Self::Made(pairs), key) => {
                pairs.iter().find(|(known, _)| same(known, key, moment)).map(|(_, value)| value.clone())
            }
        }
    }

    pub(crate) fn keys(&self) -> Vec<Val<'a>> {
        match self {
            Self::Sent(fields) => fields.keys().map(|name| Val::Text(Text::Sent(name))).collect(),
            Self::Made(pairs) => pairs.iter().map(|(key, _)| key.clone()).collect(),
        }
    }
}

impl<'a> Val<'a> {
    /// A value of JSON. Texts are numbers or times where the lens says so, if they can be.
    pub(crate) fn read(value: &'a Value, lens: &'a Lens, moment: &Moment) -> Self {
        match (value, lens) {
            (Value::Null, _) => Self::Null,
            (Value::Bool(truth), _) => Self::Truth(*truth),
            (Value::Number(number), _) => Self::Number(of_text(number.as_str())),
            (Value::String(text), Lens::Number) if Decimal::read(text).is_some() => {
                Self::Number(of_text(text))
            }
            (Value::String(text), Lens::Time) => {
                moment.read(text).map_or(Self::Text(Text::Sent(text)), Self::Time)
            }
            (Value::String(text), _) => Self::Text(Text::Sent(text)),
            (Value::Array(items), lens) => Self::List(List::Sent(items, lens)),
            (Value::Object(fields), _) => Self::Map(Map::Sent(fields)),
        }
    }

    /// A number. Zero has no sign.
    pub(crate) fn number(amount: Amount) -> Self {
        Self::Number(Number::Amount(if amount.is_zero() { Amount::ZERO } else { amount }))
    }

    pub(crate) fn count(count: usize) -> Self {
        Self::number(Amount::from(u64::try_from(count).unwrap_or(u64::MAX)))
    }

    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    /// What kind of value it is, in words.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Truth(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Time(_) => "a timestamp",
            Self::Span(_) => "a duration",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The name of its kind in CEL.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Truth(_) => "bool",
            Self::Number(_) => "number",
            Self::Time(_) => "timestamp",
            Self::Span(_) => "duration",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// How much there is of it, as [`size`] counts.
    pub(crate) fn size(&self) -> u64 {
        let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
        match self {
            Self::Null | Self::Truth(_) => 1,
            Self::Number(Number::Long(text)) => length(text),
            Self::Number(Number::Amount(_)) | Self::Time(_) | Self::Span(_) => SMALL,
            Self::Text(text) => length(text).saturating_add(1),
            Self::List(List::Sent(items, _)) => {
                items.iter().fold(1, |sum, item| size(item).saturating_add(sum))
            }
            Self::List(List::Made(items)) => {
                items.iter().fold(1, |sum, item| item.size().saturating_add(sum))
            }
            Self::Map(Map::Sent(fields)) => fields
                .iter()
                .fold(1, |sum, (name, value)| size(value).saturating_add(length(name)).saturating_add(sum)),
            Self::Map(Map::Made(pairs)) => pairs
                .iter()
                .fold(1, |sum, (key, value)| key.size().saturating_add(value.size()).saturating_add(sum)),
        }
    }

    /// As a fault shows it: its beginning, if it is long.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Truth(truth) => truth.to_string(),
            Self::Number(Number::Amount(amount)) => amount.normalize().to_string(),
            Self::Number(Number::Long(text)) => cut(text),
            Self::Time(time) => said_time(*time),
            Self::Span(span) => said_span(*span),
            Self::Text(text) => Value::from(cut(text)).to_string(),
            Self::List(list) => format!("a list of {}", list.len()),
            Self::Map(map) => format!("a map of {}", map.len()),
        }
    }
}

fn of_text(text: &str) -> Number<'_> {
    match Decimal::read(text).and_then(|number| number.amount()) {
        Some(amount) => Number::Amount(amount),
        None => Number::Long(text),
    }
}

/// The beginning of a text that may be long.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A time as texts say it: RFC 3339 in UTC.
pub(crate) fn said_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A span as CEL says it: seconds.
pub(crate) fn said_span(span: TimeDelta) -> String {
    let (seconds, nanos) = (Amount::from(span.num_seconds()), Amount::from(span.subsec_nanos()));
    let whole = nanos.checked_div(Amount::from(1_000_000_000)).and_then(|part| seconds.checked_add(part));
    format!("{}s", whole.unwrap_or(seconds).normalize())
}

/// A number as a place in a list: whole, and not negative.
pub(crate) fn place(number: Number<'_>) -> Option<usize> {
    match number {
        Number::Amount(amount) if amount.is_integer() => amount.to_usize(),
        Number::Amount(_) | Number::Long(_) => None,
    }
}

/// Whether two values are the same: of one kind, numbers by what they are worth, lists and maps part by part.
pub(crate) fn same(left: &Val<'_>, right: &Val<'_>, moment: &Moment) -> bool {
    match (left, right) {
        (Val::Null, Val::Null) => true,
        (Val::Truth(left), Val::Truth(right)) => left == right,
        (Val::Number(left), Val::Number(right)) => match (left, right) {
            (Number::Long(left), Number::Long(right)) if left == right => true,
            (left, right) => left.compare(right) == Some(Ordering::Equal),
        },
        (Val::Time(left), Val::Time(right)) => left == right,
        (Val::Span(left), Val::Span(right)) => left == right,
        (Val::Text(left), Val::Text(right)) => **left == **right,
        (Val::List(left), Val::List(right)) => {
            left.len() == right.len()
                && (0..left.len()).all(|place| {
                    let items = left.get(place, moment).zip(right.get(place, moment));
                    items.is_some_and(|(left, right)| same(&left, &right, moment))
                })
        }
        (Val::Map(left), Val::Map(right)) => {
            left.len() == right.len()
                && left.keys().iter().all(|key| {
                    let values =
                        left.get(key, &Lens::Plain, moment).zip(right.get(key, &Lens::Plain, moment));
                    values.is_some_and(|(left, right)| same(&left, &right, moment))
                })
        }
        (
            Val::Null
            | Val::Truth(_)
            | Val::Number(_)
            | Val::Time(_)
            | Val::Span(_)
            | Val::Text(_)
            | Val::List(_)
            | Val::Map(_),
            _,
        ) => false,
    }
}

/// Which of two values of a kind that has an order is greater.
pub(crate) fn order(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    match (left, right) {
        (Val::Truth(left), Val::Truth(right)) => Some(left.cmp(right)),
        (Val::Number(left), Val::Number(right)) => left.compare(right),
        (Val::Time(left), Val::Time(right)) => Some(left.cmp(right)),
        (Val::Span(left), Val::Span(right)) => Some(left.cmp(right)),
        (Val::Text(left), Val::Text(right)) => Some((**left).cmp(&**right)),
        _ => None,
    }
}
