//! When are two values the same? Numbers by what they are worth, texts letter by letter or without case, the rest part by
//! part.

use crate::number::Decimal;
use serde_json::Value;
use std::borrow::Cow;

/// Whether two values are the same: numbers by what they are worth (12500 is 12500.00, and is the text "12500"), texts
/// letter by letter, lists and objects part by part.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    same_but(left, right, false)
}

/// The same, texts without regard to case if `ignore_case` says so.
pub(crate) fn same_but(left: &Value, right: &Value, ignore_case: bool) -> bool {
    let inner = |left: &Value, right: &Value| same_but(left, right, ignore_case);
    match (left, right) {
        (Value::Number(_), Value::Number(_) | Value::String(_)) | (Value::String(_), Value::Number(_)) => {
            match (Decimal::of(left), Decimal::of(right)) {
                (Some(left), Some(right)) => left.compare(&right).is_eq(),
                _ => left == right,
            }
        }
        (Value::String(left), Value::String(right)) if ignore_case => folded(left) == folded(right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| inner(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| inner(value, other)))
        }
        (Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_), _)
        | (Value::Number(_), _) => left == right,
    }
}

/// Whether one of the choices is the same as the value.
pub(crate) fn one_of(value: &Value, choices: &[Value], ignore_case: bool) -> bool {
    choices.iter().any(|choice| same_but(value, choice, ignore_case))
}

/// Letters that are the same as another small letter when case does not count: what Unicode's CaseFolding.txt says of single letters
/// beyond their small form.
const SAME_LETTERS: &[(char, char)] = &[
    ('ς', 'σ'),
    ('ſ', 's'),
    ('µ', 'μ'),
    ('ϐ', 'β'),
    ('ϑ', 'θ'),
    ('ϕ', 'φ'),
    ('ϖ', 'π'),
    ('ϰ', 'κ'),
    ('ϱ', 'ρ'),
    ('ϵ', 'ε'),
    ('ẛ', 'ṡ'),
];

/// A text without case: in Unicode's lower case, letter by letter, and each letter in one form, as patterns without case have it.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let same = |letter: char| {
        SAME_LETTERS.iter().find(|(form, _)| *form == letter).map_or(letter, |(_, same)| *same)
    };
    Cow::Owned(text.chars().flat_map(char::to_lowercase).map(same).collect())
}

/// One key for all values that equal each other; `None` for lists and objects. A number has the key of the text that is
/// written like it, because those equal each other; texts with the same key may still differ.
pub(crate) fn key(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) => Some(value.to_string()),
        Value::Number(_) | Value::String(_) => Some(match Decimal::of(value) {
            Some(number) => format!("#{}", number.canonical()),
            None => format!("\"{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        }),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// How many items a list has, fields an object, letters a text.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let count = match value {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        Value::String(text) => text.chars().count(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    };
    Some(u64::try_from(count).unwrap_or(u64::MAX))
}

/// How much there is of a value, in bytes of its texts and numbers, and one for each part: what looking at all of it costs.
pub(crate) fn size(value: &Value) -> u64 {
    let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Number(number) => length(number.as_str()),
        Value::String(text) => length(text).saturating_add(1),
        Value::Array(items) => items.iter().fold(1, |sum, item| size(item).saturating_add(sum)),
        Value::Object(fields) => fields
            .iter()
            .fold(1, |sum, (name, value)| size(value).saturating_add(length(name)).saturating_add(sum)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_the_same_by_what_they_are_worth() {
        for (left, right, wanted) in [
            (json!(12500), json!("12500.00"), true),
            (json!({"a": [1, "x"]}), json!({"a": ["1.0", "x"]}), true),
            (json!("1"), json!("1.0"), false),
            (json!(null), json!(false), false),
            (json!("Straße"), json!("STRASSE"), false),
        ] {
            assert_eq!(same(&left, &right), wanted, "{left} {right}");
            assert_eq!(same(&right, &left), wanted, "{right} {left}");
        }
        assert!(same_but(&json!(["ÄRGER"]), &json!(["ärger"]), true));
        assert!(!same(&json!("A"), &json!("a")));
        for (left, right, wanted) in [
            ("ΟΔΟΣ", "οδος", true),
            ("ẞ", "ß", true),
            ("ß", "ss", false),
            ("ſ", "S", true),
            ("ı", "I", false),
        ] {
            assert_eq!(same_but(&json!(left), &json!(right), true), wanted, "{left} {right}");
        }
    }
}
