//! What may stand in a built-in field? Each has a kind that reads, normalises and describes its values.

use crate::Amount;
use chrono::NaiveDate;
use kernel::RecordId;
use serde_json::{Value, json};

/// The most labels of a record.
pub const MOST_LABELS: usize = 20;
/// The longest label, in characters.
const LONGEST_LABEL: usize = 50;
/// The longest e-mail address (RFC 5321).
const LONGEST_EMAIL: usize = 254;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A line of text of at most so many characters.
    Text(usize),
    /// An e-mail address.
    Email,
    /// One of the type's statuses, or stages.
    Status,
    /// Up to twenty texts, each once.
    Labels,
    /// An exact amount.
    Amount,
    /// A code of ISO 4217.
    Currency,
    /// A day.
    Date,
    /// The id of a record of this type.
    Link(&'static str),
    /// Set by ourselves: nobody else writes it.
    Ours,
}

/// A built-in field.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) description: &'static str,
    /// An example, as JSON text.
    pub(crate) sample: &'static str,
}

impl Kind {
    /// The value as it is kept; `None` for nothing (an empty text, an empty list). Statuses are the type's to check.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence that begins with the field.
    pub(crate) fn read(self, value: &Value) -> Result<Option<Value>, String> {
        if self == Self::Ours {
            return Err("is set by Signalbox and cannot be written".to_owned());
        }
        let text = match value {
            Value::Null => return Ok(None),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => Some(text.trim()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        };
        match (self, text) {
            (Self::Labels, None) => labels(value),
            (Self::Amount, _) => {
                Amount::read(value).map(|amount| Some(amount.to_json())).map_err(|error| error.to_string())
            }
            (Self::Text(most), Some(text)) => line(text, most),
            (Self::Status, Some(text)) => Ok(Some(text.into())),
            (Self::Email, Some(text)) => {
                if is_email(text) {
                    Ok(Some(text.into()))
                } else {
                    Err("must be an e-mail address, such as ada@example.com".to_owned())
                }
            }
            (Self::Currency, Some(text)) => {
                let code = text.to_ascii_uppercase();
                let sound = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
                if sound {
                    Ok(Some(code.into()))
                } else {
                    Err("must be a code of ISO 4217, such as EUR".to_owned())
                }
            }
            (Self::Date, Some(text)) => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
                Ok(_) if text.len() == 10 => Ok(Some(text.into())),
                Ok(_) | Err(_) => Err("must be a date, such as 2026-01-31".to_owned()),
            },
            (Self::Link(_), Some(text)) => match text.parse::<RecordId>() {
                Ok(_) => Ok(Some(text.into())),
                Err(error) => Err(error.to_string()),
            },
            (Self::Labels, Some(_)) => Err("must be a list of texts".to_owned()),
            (
                Self::Text(_)
                | Self::Status
                | Self::Email
                | Self::Currency
                | Self::Date
                | Self::Link(_)
                | Self::Ours,
                None,
            )
            | (Self::Ours, Some(_)) => Err("must be text".to_owned()),
        }
    }

    /// The JSON Schema of what it holds.
    pub(crate) fn schema(self, description: &str) -> Value {
        match self {
            Self::Text(most) => json!({"type": "string", "maxLength": most, "description": description}),
            Self::Email => {
                json!({"type": "string", "format": "email", "maxLength": LONGEST_EMAIL, "description": description})
            }
            Self::Status | Self::Ours => json!({"type": "string", "description": description}),
            Self::Labels => json!({"type": "array", "uniqueItems": true, "maxItems": MOST_LABELS,
                "items": {"type": "string", "maxLength": LONGEST_LABEL}, "description": description}),
            Self::Amount => json!({"type": ["number", "string"], "description": description}),
            Self::Currency => json!({"type": "string", "pattern": "^[A-Z]{3}$", "description": description}),
            Self::Date => json!({"type": "string", "format": "date", "description": description}),
            Self::Link(_) => json!({"type": "string", "pattern": "^rec_", "description": description}),
        }
    }
}

/// A line of text.
fn line(text: &str, most: usize) -> Result<Option<Value>, String> {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(format!("must be at most {most} characters, without line breaks"));
    }
    Ok(Some(text.into()))
}

fn labels(value: &Value) -> Result<Option<Value>, String> {
    let wish =
        || format!("must be a list of at most {MOST_LABELS} texts of at most {LONGEST_LABEL} characters");
    let mut kept: Vec<&str> = Vec::new();
    for item in value.as_array().ok_or_else(wish)? {
        let label = item.as_str().map(str::trim).filter(|text| !text.is_empty()).ok_or_else(wish)?;
        if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            return Err(wish());
        }
        if !kept.contains(&label) {
            kept.push(label);
        }
    }
    if kept.len() > MOST_LABELS {
        return Err(wish());
    }
    Ok((!kept.is_empty()).then(|| json!(kept)))
}

/// Whether a text looks like an address that mail can go to. That it does, only a letter can prove.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |part: &str| !part.is_empty() && !part.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    text.len() <= LONGEST_EMAIL
        && plain(local)
        && plain(domain)
        && !local.contains(['@', '<', '>', ','])
        && domain.contains('.')
        && !domain.contains(['<', '>', ',', '@'])
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, given: Value, wanted: Option<Value>) {
        assert_eq!(kind.read(&given), Ok(wanted), "{kind:?} {given}");
    }

    #[test]
    fn values_are_kept_in_one_form() {
        check(Kind::Text(10), json!("  Ada "), Some(json!("Ada")));
        check(Kind::Text(10), json!(" "), None);
        check(Kind::Email, json!("Ada@example.com"), Some(json!("Ada@example.com")));
        check(Kind::Currency, json!("eur"), Some(json!("EUR")));
        check(Kind::Date, json!("2028-02-29"), Some(json!("2028-02-29")));
        check(Kind::Labels, json!(["vip", " vip", "new"]), Some(json!(["vip", "new"])));
        check(Kind::Labels, json!([]), None);
        check(Kind::Amount, json!("10.50"), Some(serde_json::from_str("10.50").unwrap()));
        check(Kind::Amount, json!(""), None);
        assert!(Kind::Ours.read(&json!(null)).is_err(), "nobody writes it, not even as nothing");
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (kind, given) in [
            (Kind::Text(3), json!("four")),
            (Kind::Text(9), json!("a\nb")),
            (Kind::Text(9), json!(7)),
            (Kind::Email, json!("ada")),
            (Kind::Email, json!("ada@example")),
            (Kind::Email, json!("a b@example.com")),
            (Kind::Email, json!("Ada <ada@example.com>")),
            (Kind::Currency, json!("EURO")),
            (Kind::Date, json!("2027-02-29")),
            (Kind::Date, json!("2027-2-9")),
            (Kind::Labels, json!("vip")),
            (Kind::Labels, json!([1])),
            (Kind::Labels, json!((0..21).map(|number| format!("l{number}")).collect::<Vec<_>>())),
            (Kind::Link("contact"), json!("c-1")),
        ] {
            assert!(kind.read(&given).is_err(), "{kind:?} {given}");
        }
    }
}
