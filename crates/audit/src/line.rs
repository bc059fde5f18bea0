//! How does a row leave the house, so that it can be verified elsewhere? As one line of JSON with all that its hash covers
//! (docs/identity/audit.md describes it for those who write a verifier of their own).

use crate::{Content, Format, Hash, Part, Recorded, Salt, chain};
use serde_json::Value;

/// A row on a line of an export, with the hash of the row before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The hash of the row before this one.
    pub previous: Hash,
    /// The row.
    pub row: Recorded,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It is no JSON object.
    #[error("it is not a JSON object")]
    Shape,
    /// A field does not read.
    #[error("its field {0:?} is missing or does not read")]
    Field(&'static str),
    /// It says the same as a line of ours, but not as we write it: a field too many, or one twice.
    #[error("it holds something beside what an export writes")]
    Surplus,
}

fn quoted(text: &str) -> Value {
    Value::from(text)
}

impl std::fmt::Display for Line {
    /// The line, without its end. The order of the fields is fixed, so that a line has one form.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let row = &self.row;
        write!(
            out,
            r#"{{"format":{},"tenant_id":{},"sequence":{},"id":{},"at":{},"actor":{},"action":{},"subject":{},"request_id":{}"#,
            row.format.number(),
            quoted(row.tenant.as_str()),
            row.sequence,
            quoted(row.id.as_str()),
            quoted(&row.at.to_string()),
            quoted(&row.actor),
            quoted(&row.action),
            quoted(&row.subject),
            quoted(&row.request),
        )?;
        for part in Part::ALL {
            write!(out, r#","{}":"#, part.as_str())?;
            match row.part(part) {
                Content::Nothing => write!(out, "null")?,
                Content::Kept { text, salt: None } => write!(out, r#"{{"text":{}}}"#, quoted(text))?,
                Content::Kept { text, salt: Some(salt) } => {
                    write!(out, r#"{{"text":{},"salt":"{salt}"}}"#, quoted(text))?;
                }
                Content::Erased(hash) => write!(out, r#"{{"erased":"{hash}"}}"#)?,
            }
        }
        match row.erased_by {
            None => write!(out, r#","erased_by":null"#)?,
            Some(by) => write!(out, r#","erased_by":{by}"#)?,
        }
        write!(out, r#","previous":"{}","hash":"{}"}}"#, self.previous, row.hash)
    }
}

fn text<'a>(value: &'a Value, name: &'static str) -> Result<&'a str, LineFault> {
    value.get(name).and_then(Value::as_str).ok_or(LineFault::Field(name))
}

fn parsed<T: std::str::FromStr>(value: &Value, name: &'static str) -> Result<T, LineFault> {
    text(value, name)?.parse().map_err(|_| LineFault::Field(name))
}

fn content(value: &Value, part: Part) -> Result<Content, LineFault> {
    let fault = LineFault::Field(part.as_str());
    let value = value.get(part.as_str()).ok_or_else(|| fault.clone())?;
    if value.is_null() {
        return Ok(Content::Nothing);
    }
    if let Some(erased) = value.get("erased") {
        let hash = erased.as_str().and_then(|text| text.parse().ok());
        return hash.map(Content::Erased).ok_or(fault);
    }
    let text = value.get("text").and_then(Value::as_str).ok_or_else(|| fault.clone())?.to_owned();
    let salt = match value.get("salt") {
        None => None,
        Some(salt) => Some(salt.as_str().and_then(chain::bytes).map(Salt).ok_or(fault)?),
    };
    Ok(Content::Kept { text, salt })
}

impl std::str::FromStr for Line {
    type Err = LineFault;

    fn from_str(line: &str) -> Result<Self, LineFault> {
        let value: Value = serde_json::from_str(line).map_err(|_| LineFault::Shape)?;
        if !value.is_object() {
            return Err(LineFault::Shape);
        }
        let number =
            |name: &'static str| value.get(name).and_then(Value::as_i64).ok_or(LineFault::Field(name));
        let erased_by = match value.get("erased_by") {
            None => return Err(LineFault::Field("erased_by")),
            Some(Value::Null) => None,
            Some(_) => Some(number("erased_by")?),
        };
        let read = Self {
            previous: parsed(&value, "previous")?,
            row: Recorded {
                format: Format::of(number("format")?).ok_or(LineFault::Field("format"))?,
                tenant: parsed(&value, "tenant_id")?,
                sequence: number("sequence")?,
                id: parsed(&value, "id")?,
                at: parsed(&value, "at")?,
                actor: text(&value, "actor")?.to_owned(),
                action: text(&value, "action")?.to_owned(),
                subject: text(&value, "subject")?.to_owned(),
                request: text(&value, "request_id")?.to_owned(),
                address: content(&value, Part::Address)?,
                before: content(&value, Part::Before)?,
                after: content(&value, Part::After)?,
                erased_by,
                hash: parsed(&value, "hash")?,
            },
        };
        if read.to_string() == line { Ok(read) } else { Err(LineFault::Surplus) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GENESIS, verifier::stage::row};

    fn lines() -> Vec<Line> {
        let plain = row(1, GENESIS);
        let mut old = plain.clone();
        old.format = Format::One;
        old.after = Content::Kept { text: "\"Zoë \\u0000\n\"".to_owned(), salt: None };
        let mut gone = plain.clone();
        gone.after = Content::Erased(GENESIS);
        gone.erased_by = Some(7);
        [plain, old, gone].into_iter().map(|row| Line { previous: GENESIS, row }).collect()
    }

    #[test]
    fn a_line_reads_back() {
        for line in lines() {
            let text = line.to_string();
            assert!(!text.contains('\n') && serde_json::from_str::<Value>(&text).is_ok(), "{text}");
            assert_eq!(text.parse(), Ok(line));
        }
    }

    #[test]
    fn a_line_has_one_form() {
        let text = lines()[0].to_string();
        for (from, to, fault) in [
            ("{\"format\"", "[{\"format\"", LineFault::Shape),
            ("\"sequence\":1", "\"sequence\":\"1\"", LineFault::Field("sequence")),
            ("\"actor\":", "\"actor\":\"usr_1\",\"actor\":", LineFault::Surplus),
            ("{\"format\"", "{ \"format\"", LineFault::Surplus),
            ("{\"format\"", "{\"note\":\"x\",\"format\"", LineFault::Surplus),
            (".000Z", ".000+00:00", LineFault::Surplus),
        ] {
            assert_eq!(text.replacen(from, to, 1).parse::<Line>(), Err(fault), "{to}");
        }
    }
}
