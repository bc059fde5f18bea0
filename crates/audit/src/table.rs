//! How is a row said to a spreadsheet? As comma-separated values (RFC 4180), none of which a spreadsheet takes for a
//! formula. For reading only: a chain is verified from the lines of JSON.

use crate::{Content, Part, Recorded};

/// The headings, as the first line.
pub const HEADINGS: &str = "sequence,at,actor,action,subject,request_id,address,before,after,hash\r\n";

/// A row as one line, with its end. What was erased is empty but for the word `(erased)`.
#[must_use]
pub fn table_row(row: &Recorded) -> String {
    let (sequence, at, hash) = (row.sequence.to_string(), row.at.to_string(), row.hash.to_string());
    let part = |part: Part| match row.part(part) {
        Content::Nothing => "",
        Content::Kept { text, .. } => text,
        Content::Erased(_) => "(erased)",
    };
    let fields = [
        sequence.as_str(),
        &at,
        &row.actor,
        &row.action,
        &row.subject,
        &row.request,
        part(Part::Address),
        part(Part::Before),
        part(Part::After),
        &hash,
    ];
    let fields: Vec<String> = fields.iter().map(|field| safe(field)).collect();
    fields.join(",") + "\r\n"
}

/// A field in quotes where it needs them. One that a spreadsheet would calculate (OWASP: CSV injection) gets an
/// apostrophe before it, which spreadsheets take for "this is text".
fn safe(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let plain = !formula && !field.contains([',', '"', '\r', '\n', ';']);
    if plain {
        return field.to_owned();
    }
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", field.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GENESIS, verifier::stage::row};

    #[test]
    fn no_field_is_a_formula() {
        for (field, wanted) in [
            ("rule.created", "rule.created"),
            (r#"{"a":1}"#, r#""{""a"":1}""#),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+2", "\"'+2\""),
            ("\t=1", "\"'\t=1\""),
            ("a,b", "\"a,b\""),
            ("", ""),
        ] {
            assert_eq!(safe(field), wanted);
        }
    }

    #[test]
    fn a_row_has_as_many_fields_as_there_are_headings() {
        let mut row = row(1, GENESIS);
        row.after = Content::Erased(GENESIS);
        let line = table_row(&row);
        assert_eq!(line.matches(',').count(), HEADINGS.matches(',').count());
        assert!(line.contains("(erased)") && line.ends_with("\r\n"), "{line}");
    }
}
