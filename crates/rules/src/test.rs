//! What may a clause want of a field? One [`Test`] per condition type, and how each is read from the rule.

use crate::number::Decimal;
use chrono::{DateTime, FixedOffset};
use regex::{Regex, RegexBuilder};
use serde_json::Value;
use std::cmp::Ordering;

/// The published names of the condition types that look at one value.
pub(crate) const KINDS: &[&str] = &[
    "value_threshold",
    "equals",
    "not_equals",
    "greater_than",
    "greater_or_equal",
    "less_than",
    "less_or_equal",
    "between",
    "in",
    "not_in",
    "contains",
    "starts_with",
    "ends_with",
    "exists",
    "matches",
    "before",
    "after",
];

/// The longest pattern of `matches`, in characters.
const LONGEST_PATTERN: usize = 256;
/// How much memory a compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

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

/// What a clause wants of its field.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// A number on one side of another.
    Compare(Relation, Value),
    /// A number within two others, both included.
    Between(Value, Value),
    /// The same value.
    Equals(Value),
    /// Another value, or none.
    NotEquals(Value),
    /// One of these values.
    In(Vec<Value>),
    /// None of these values.
    NotIn(Vec<Value>),
    /// A text with this text in it, or a list with this value in it.
    Contains(Value),
    /// A text that begins so.
    StartsWith(String),
    /// A text that ends so.
    EndsWith(String),
    /// To be there (or not), whatever it is.
    Exists(bool),
    /// A text in which the pattern is found.
    Matches(Regex),
    /// An earlier time.
    Before(DateTime<FixedOffset>),
    /// A later time.
    After(DateTime<FixedOffset>),
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

    /// In words, before the number.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Above => "more than",
            Self::AtLeast => "at least",
            Self::Below => "less than",
            Self::AtMost => "at most",
        }
    }
}

impl Test {
    /// Reads the `value` of a clause of type `kind` (one of [`KINDS`]).
    ///
    /// # Errors
    /// What is wrong with the value, as the end of a sentence that begins with it.
    pub(crate) fn read(kind: &str, value: Option<&Value>) -> Result<Self, String> {
        let any = || value.cloned().ok_or_else(|| "is missing: what the field is compared to".to_owned());
        match kind {
            "value_threshold" | "greater_or_equal" => {
                number(value).map(|low| Self::Compare(Relation::AtLeast, low))
            }
            "greater_than" => number(value).map(|low| Self::Compare(Relation::Above, low)),
            "less_than" => number(value).map(|high| Self::Compare(Relation::Below, high)),
            "less_or_equal" => number(value).map(|high| Self::Compare(Relation::AtMost, high)),
            "between" => range(value),
            "equals" => any().map(Self::Equals),
            "not_equals" => any().map(Self::NotEquals),
            "in" => choices(value).map(Self::In),
            "not_in" => choices(value).map(Self::NotIn),
            "contains" => contained(value).map(Self::Contains),
            "starts_with" => text(value).map(Self::StartsWith),
            "ends_with" => text(value).map(Self::EndsWith),
            "exists" => existence(value).map(Self::Exists),
            "matches" => pattern(value).map(Self::Matches),
            "before" => time(value).map(Self::Before),
            "after" => time(value).map(Self::After),
            _ => Err("belongs to a condition type that does not exist".to_owned()),
        }
    }
}

fn number(value: Option<&Value>) -> Result<Value, String> {
    value
        .filter(|value| Decimal::of(value).is_some())
        .cloned()
        .ok_or_else(|| "must be a number, or a decimal as text such as \"10000.50\"".to_owned())
}

fn range(value: Option<&Value>) -> Result<Test, String> {
    let shape = || "must be a list of two numbers: [low, high]".to_owned();
    let Some([low, high]) = value.and_then(Value::as_array).map(Vec::as_slice) else {
        return Err(shape());
    };
    let (Some(bottom), Some(top)) = (Decimal::of(low), Decimal::of(high)) else {
        return Err(shape());
    };
    if bottom.compare(&top).is_gt() {
        return Err("has its low end above its high end, so it could never hold: swap them".to_owned());
    }
    Ok(Test::Between(low.clone(), high.clone()))
}

fn choices(value: Option<&Value>) -> Result<Vec<Value>, String> {
    value
        .and_then(Value::as_array)
        .filter(|choices| !choices.is_empty())
        .cloned()
        .ok_or_else(|| "must be a list of at least one value".to_owned())
}

fn contained(value: Option<&Value>) -> Result<Value, String> {
    match value {
        Some(Value::String(text)) if text.is_empty() => {
            Err("must not be empty: every text contains it".to_owned())
        }
        Some(Value::String(_) | Value::Number(_) | Value::Bool(_)) => Ok(value.cloned().unwrap_or_default()),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            Err("must be a text, a number or true or false".to_owned())
        }
    }
}

fn text(value: Option<&Value>) -> Result<String, String> {
    value
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| "must be a text of at least one character".to_owned())
}

fn existence(value: Option<&Value>) -> Result<bool, String> {
    match value {
        None => Ok(true),
        Some(value) => value.as_bool().ok_or_else(|| "must be true or false".to_owned()),
    }
}

/// A pattern without look-around or back-references: it takes time in proportion to the text, whatever it says.
fn pattern(value: Option<&Value>) -> Result<Regex, String> {
    let pattern = text(value)?;
    if pattern.chars().count() > LONGEST_PATTERN {
        return Err(format!("must be a pattern of at most {LONGEST_PATTERN} characters"));
    }
    RegexBuilder::new(&pattern)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE)
        .nest_limit(32)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "is too large a pattern: repeat less".to_owned(),
            error => {
                let last = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
                let reason = last.trim_start_matches("error: ");
                format!(
                    "is not a regular expression (look-around and back-references are not known): {reason}"
                )
            }
        })
}

fn time(value: Option<&Value>) -> Result<DateTime<FixedOffset>, String> {
    value
        .and_then(Value::as_str)
        .and_then(instant)
        .ok_or_else(|| "must be a time of RFC 3339, such as \"2026-01-31T09:30:00Z\"".to_owned())
}

/// The time that a text says, to the nanosecond.
pub(crate) fn instant(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}
