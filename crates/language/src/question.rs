//! What does a clause want of its field? A [`Question`], read from the `value` of the clause.

use crate::{
    kind::{Kind, Takes},
    moment::{Calendar, When},
    number::Decimal,
    path::FieldPath,
    value::folded,
};
use chrono::NaiveTime;
use ipnet::IpNet;
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use std::cmp::Ordering;

/// The longest pattern of `matches`, in characters.
pub(crate) const LONGEST_PATTERN: usize = 256;
/// How much memory a compiled pattern may take, in bytes, and what a pattern of that size weighs: looking for it takes time
/// in proportion to its size and to the text.
const PATTERN_SIZES: &[(usize, u64)] = &[(1 << 14, 1), (1 << 16, 4), (1 << 18, 16)];
/// The most values in a list of choices.
const MOST_CHOICES: usize = 1_000;
/// The days of the week as they are named, Monday first.
const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// How one number must stand to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `>`
    Above,
    /// `≥`
    AtLeast,
    /// `<`
    Below,
    /// `≤`
    AtMost,
}

/// What a field is held against: a value of the rule, or another field.
#[derive(Debug, Clone)]
pub(crate) enum Operand<T> {
    Fixed(T),
    Field(FieldPath),
}

/// What a clause wants of its field.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    /// To be there (or not), whatever it is.
    Exists(bool),
    /// To be missing, null, or without anything in it (or not).
    Empty(bool),
    /// A number on one side of another.
    Compare(Relation, Operand<Value>),
    /// A number within two others, both included.
    Within(Value, Value),
    /// The same value.
    Equals(Operand<Value>),
    /// One of these values.
    In(Operand<Vec<Value>>),
    /// A text with this text in it, or a list with this value in it.
    Contains(Operand<Value>),
    /// A text that begins so.
    StartsWith(Operand<Value>),
    /// A text that ends so.
    EndsWith(Operand<Value>),
    /// A text in which the pattern is found, and what looking for it weighs.
    Matches(Regex, u64),
    /// A list with one of these values in it.
    AnyOf(Operand<Vec<Value>>),
    /// A list with all of these values in it.
    AllOf(Operand<Vec<Value>>),
    /// So many items, letters or fields.
    Count { least: u64, most: u64 },
    /// An earlier time.
    Before(Operand<When>),
    /// A later time.
    After(Operand<When>),
    /// A time within two others: the first included, the second not.
    During(When, When),
    /// A time on the local day of another.
    OnDate(When),
    /// A time between so long ago and now.
    Last(Calendar),
    /// A time between now and so long ahead.
    Next(Calendar),
    /// A time on one of these local days of the week, Monday first.
    Weekdays([bool; 7]),
    /// A time within two local times of the day: the first included, the second not.
    Hours(NaiveTime, NaiveTime),
    /// An address in one of these networks.
    Networks(Vec<IpNet>),
    /// That the value is another than before.
    Change { from: Option<Value>, to: Option<Value> },
    /// That the number rose, or fell, by this at least.
    Moved { up: bool, by: Option<Value> },
}

impl Relation {
    /// Whether a number that compares so to the wanted one is on the right side of it.
    pub(crate) const fn holds(self, compared: Ordering) -> bool {
        match self {
            Self::Above => compared.is_gt(),
            Self::AtLeast => compared.is_ge(),
            Self::Below => compared.is_lt(),
            Self::AtMost => compared.is_le(),
        }
    }
}

/// What a clause says that its question is made of.
pub(crate) struct Asked<'a> {
    pub(crate) value: Option<&'a Value>,
    /// The field that is named in place of a value.
    pub(crate) value_field: Option<FieldPath>,
    pub(crate) ignore_case: bool,
}

impl Question {
    /// Reads what a clause of this kind wants; the question of a negative kind is that of its opposite.
    ///
    /// # Errors
    /// What is wrong with the value, as the end of a sentence that begins with it.
    pub(crate) fn read(kind: &Kind, asked: Asked<'_>) -> Result<Self, String> {
        let name = kind.opposite_of.unwrap_or(kind.name);
        if let Some(path) = asked.value_field {
            return Ok(Self::of_field(name, path));
        }
        let value = asked.value;
        match kind.takes {
            Takes::Nothing if value.is_some() => {
                Err("must be left out: changed takes any change; see changed_from and changed_to".to_owned())
            }
            Takes::Nothing => Ok(Self::Change { from: None, to: None }),
            Takes::Anything => {
                let wanted = value.ok_or("is missing: what the field is compared to")?;
                let wanted = fold(wanted, asked.ignore_case);
                Ok(match name {
                    "changed_from" => Self::Change { from: Some(wanted), to: None },
                    "changed_to" => Self::Change { from: None, to: Some(wanted) },
                    _ => Self::Equals(Operand::Fixed(wanted)),
                })
            }
            Takes::Number => Ok(Self::Compare(relation(name), Operand::Fixed(number(value)?))),
            Takes::MaybeNumber => {
                let by = value.map(|_| number(value)).transpose()?;
                Ok(Self::Moved { up: name == "increased", by })
            }
            Takes::Range => range(value),
            Takes::List => {
                let choices = choices(value)?.iter().map(|choice| fold(choice, asked.ignore_case)).collect();
                Ok(Self::of_list(name, Operand::Fixed(choices)))
            }
            Takes::Part => {
                contained(value).map(|part| Self::Contains(Operand::Fixed(fold(part, asked.ignore_case))))
            }
            Takes::Text => {
                let wanted = Operand::Fixed(fold(text(value)?, asked.ignore_case));
                Ok(if name == "starts_with" { Self::StartsWith(wanted) } else { Self::EndsWith(wanted) })
            }
            Takes::Pattern => pattern(pattern_text(value)?, asked.ignore_case),
            Takes::Wildcard => pattern(&wildcard(pattern_text(value)?)?, asked.ignore_case),
            Takes::Truth => {
                let wanted = truth(value)?;
                Ok(if name == "exists" { Self::Exists(wanted) } else { Self::Empty(wanted) })
            }
            Takes::Count => count(value),
            Takes::Time => {
                let time = time(value)?;
                Ok(match name {
                    "before" => Self::Before(Operand::Fixed(time)),
                    "after" => Self::After(Operand::Fixed(time)),
                    _ => Self::OnDate(time),
                })
            }
            Takes::Span => {
                let span = span(value)?;
                Ok(if name == "within_last" { Self::Last(span) } else { Self::Next(span) })
            }
            Takes::Weekdays => weekdays(value).map(Self::Weekdays),
            Takes::Hours => hours(value),
            Takes::Networks => networks(value).map(Self::Networks),
            Takes::Expression => Err("belongs to an expression, which is read elsewhere".to_owned()),
        }
    }

    /// The values of which one, or all, are wanted, if they stand in the rule.
    pub(crate) fn choices(&self) -> &[Value] {
        match self {
            Self::In(Operand::Fixed(choices))
            | Self::AnyOf(Operand::Fixed(choices))
            | Self::AllOf(Operand::Fixed(choices)) => choices,
            _ => &[],
        }
    }

    /// Whether the answer depends on when it is asked.
    pub(crate) fn is_relative(&self) -> bool {
        match self {
            Self::Before(Operand::Fixed(when)) | Self::After(Operand::Fixed(when)) | Self::OnDate(when) => {
                !when.is_fixed()
            }
            Self::During(from, to) => !from.is_fixed() || !to.is_fixed(),
            Self::Last(_) | Self::Next(_) => true,
            _ => false,
        }
    }

    fn of_field(name: &str, path: FieldPath) -> Self {
        match name {
            "equals" => Self::Equals(Operand::Field(path)),
            "contains" => Self::Contains(Operand::Field(path)),
            "starts_with" => Self::StartsWith(Operand::Field(path)),
            "ends_with" => Self::EndsWith(Operand::Field(path)),
            "before" => Self::Before(Operand::Field(path)),
            "after" => Self::After(Operand::Field(path)),
            "in" | "any_of" | "all_of" => Self::of_list(name, Operand::Field(path)),
            _ => Self::Compare(relation(name), Operand::Field(path)),
        }
    }

    fn of_list(name: &str, choices: Operand<Vec<Value>>) -> Self {
        match name {
            "any_of" => Self::AnyOf(choices),
            "all_of" => Self::AllOf(choices),
            _ => Self::In(choices),
        }
    }
}

fn relation(name: &str) -> Relation {
    match name {
        "greater_than" => Relation::Above,
        "less_than" => Relation::Below,
        "less_or_equal" => Relation::AtMost,
        _ => Relation::AtLeast,
    }
}

/// A value with its texts in lower case, if case is ignored.
fn fold(value: &Value, ignore_case: bool) -> Value {
    match value {
        Value::String(text) if ignore_case => Value::String(folded(text).into_owned()),
        _ => value.clone(),
    }
}

fn number(value: Option<&Value>) -> Result<Value, String> {
    value
        .filter(|value| Decimal::of(value).is_some())
        .cloned()
        .ok_or_else(|| "must be a number, or a decimal as text such as \"10000.50\"".to_owned())
}

fn range(value: Option<&Value>) -> Result<Question, String> {
    let shape = || "must be a list of two numbers, or of two times: [low, high]".to_owned();
    let turned = || "has its low end above its high end, so it could never hold: swap them".to_owned();
    let Some([low, high]) = value.and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(shape());
    };
    if let (Some(bottom), Some(top)) = (Decimal::of(low), Decimal::of(high)) {
        return if bottom.compare(&top).is_gt() {
            Err(turned())
        } else {
            Ok(Question::Within(low.clone(), high.clone()))
        };
    }
    let when = |value: &Value| value.as_str().and_then(|text| text.parse::<When>().ok()).ok_or_else(shape);
    let (from, to) = (when(low)?, when(high)?);
    let moment = crate::Moment::default();
    if from.is_fixed() && to.is_fixed() && from.utc(&moment) > to.utc(&moment) {
        return Err(turned());
    }
    Ok(Question::During(from, to))
}

fn choices(value: Option<&Value>) -> Result<&[Value], String> {
    let choices = value
        .and_then(Value::as_array)
        .filter(|choices| !choices.is_empty())
        .ok_or_else(|| "must be a list of at least one value".to_owned())?;
    if choices.len() > MOST_CHOICES {
        return Err(format!("holds {} values; at most {MOST_CHOICES} are allowed", choices.len()));
    }
    Ok(choices)
}

fn contained(value: Option<&Value>) -> Result<&Value, String> {
    match value {
        Some(Value::String(text)) if text.is_empty() => {
            Err("must not be empty: every text contains it".to_owned())
        }
        Some(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => Ok(value),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            Err("must be a text, a number or true or false".to_owned())
        }
    }
}

fn text(value: Option<&Value>) -> Result<&Value, String> {
    value
        .filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        .ok_or_else(|| "must be a text of at least one character".to_owned())
}

fn truth(value: Option<&Value>) -> Result<bool, String> {
    match value {
        None => Ok(true),
        Some(value) => value.as_bool().ok_or_else(|| "must be true or false".to_owned()),
    }
}

fn count(value: Option<&Value>) -> Result<Question, String> {
    let shape = || "must be a whole number, or an object of at_least and at_most".to_owned();
    match value {
        Some(Value::Number(number)) => {
            let exactly = number.as_u64().ok_or_else(shape)?;
            Ok(Question::Count { least: exactly, most: exactly })
        }
        Some(Value::Object(bounds)) if !bounds.is_empty() => {
            let bound = |name: &str, plain: u64| match bounds.get(name) {
                Some(bound) => bound.as_u64().ok_or_else(shape),
                None => Ok(plain),
            };
            let (least, most) = (bound("at_least", 0)?, bound("at_most", u64::MAX)?);
            if bounds.keys().any(|name| !["at_least", "at_most"].contains(&name.as_str())) {
                return Err(shape());
            }
            if least > most {
                return Err("has at_least above at_most, so it could never hold: swap them".to_owned());
            }
            Ok(Question::Count { least, most })
        }
        Some(_) | None => Err(shape()),
    }
}

fn time(value: Option<&Value>) -> Result<When, String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.parse().map_err(|error: crate::moment::WhenError| error.to_string())
}

fn span(value: Option<&Value>) -> Result<Calendar, String> {
    let span = value.and_then(Value::as_str).and_then(Calendar::read);
    span.ok_or_else(|| "must be an ISO 8601 span such as \"P7D\" or \"PT2H\"".to_owned())
}

fn weekdays(value: Option<&Value>) -> Result<[bool; 7], String> {
    let shape = || format!("must be a list of days: {}", WEEKDAYS.join(", "));
    let names = value.and_then(Value::as_array).filter(|names| !names.is_empty()).ok_or_else(shape)?;
    let mut days = [false; 7];
    for name in names {
        let place = WEEKDAYS.iter().position(|known| name.as_str() == Some(*known));
        *place.and_then(|place| days.get_mut(place)).ok_or_else(shape)? = true;
    }
    Ok(days)
}

fn hours(value: Option<&Value>) -> Result<Question, String> {
    let shape = || "must be a list of two times of the day: [\"09:00\", \"17:30\"]".to_owned();
    let Some([from, to]) = value.and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(shape());
    };
    let hour = |value: &Value| {
        let text = value.as_str().filter(|text| text.len() == 5)?;
        NaiveTime::parse_from_str(text, "%H:%M").ok()
    };
    let (from, to) = hour(from).zip(hour(to)).ok_or_else(shape)?;
    if from == to {
        return Err("has the same time twice, so it could never hold".to_owned());
    }
    Ok(Question::Hours(from, to))
}

fn networks(value: Option<&Value>) -> Result<Vec<IpNet>, String> {
    let shape =
        || "must be a network such as \"10.0.0.0/8\" or \"2001:db8::/32\", or a list of them".to_owned();
    let read = |value: &Value| {
        let text = value.as_str()?;
        text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
    };
    match value {
        Some(Value::Array(items)) if (1..=MOST_CHOICES).contains(&items.len()) => {
            items.iter().map(read).collect::<Option<_>>().ok_or_else(shape)
        }
        Some(one @ Value::String(_)) => read(one).map(|network| vec![network]).ok_or_else(shape),
        Some(_) | None => Err(shape()),
    }
}

fn pattern_text(value: Option<&Value>) -> Result<&str, String> {
    let pattern = text(value)?.as_str().unwrap_or_default();
    if pattern.chars().count() > LONGEST_PATTERN {
        return Err(format!("must be a pattern of at most {LONGEST_PATTERN} characters"));
    }
    Ok(pattern)
}

/// The regular expression of a text in which `*` stands for any letters, `\*` for a star and `\\` for a backslash.
fn wildcard(text: &str) -> Result<String, String> {
    let mut pattern = String::from("(?s)\\A");
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => pattern.push_str(".*"),
            '\\' => match letters.next() {
                Some(literal @ ('*' | '\\')) => {
                    pattern.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])))
                }
                Some(_) | None => {
                    return Err(
                        "has a backslash before something else than * or \\; write \\\\ for one".to_owned()
                    );
                }
            },
            plain => pattern.push_str(&regex::escape(plain.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern.push_str("\\z");
    Ok(pattern)
}

fn pattern(pattern: &str, ignore_case: bool) -> Result<Question, String> {
    compiled(pattern, ignore_case).map(|(pattern, weight)| Question::Matches(pattern, weight))
}

/// A pattern without look-around or back-references, and what it weighs: it takes time in proportion to the text, whatever it
/// says.
pub(crate) fn compiled(pattern: &str, ignore_case: bool) -> Result<(Regex, u64), String> {
    let build = |size: usize| {
        RegexBuilder::new(pattern)
            .case_insensitive(ignore_case)
            .size_limit(size)
            .dfa_size_limit(1 << 20)
            .nest_limit(32)
            .build()
    };
    for (size, weight) in PATTERN_SIZES {
        match build(*size) {
            Ok(pattern) => return Ok((pattern, *weight)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => {
                let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                let reason = last.trim_start_matches("error: ");
                return Err(format!(
                    "is not a regular expression (look-around and back-references are not known): {reason}"
                ));
            }
        }
    }
    Err("is too large a pattern: repeat less".to_owned())
}
