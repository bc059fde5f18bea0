//! How is a document written? The same document always as the same text, in JSON or in YAML; what says most comes first.
//!
//! The emitters are by hand because numbers must keep the text that they were written in, and what needs quotes must not
//! depend on the version of a library: a file in a repository should change only where a rule did.

use super::scalar::{is_printable, stands_as_block, stands_bare};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Fields in the order in which people read them; what is not named here follows, by name.
const ORDER: &[&str] = &[
    "signalbox",
    "modules",
    "triggers",
    "rules",
    "key",
    "id",
    "trigger_id",
    "type",
    "name",
    "description",
    "labels",
    "module_type",
    "is_active",
    "priority",
    "stop_on_match",
    "active_hours",
    "window",
    "absence",
    "throttle",
    "debounce",
    "concurrency",
    "field",
    "value",
    "conditions",
    "actions",
];

/// From this length a key stands behind a question mark, as YAML wants it.
const LONG_KEY: usize = 1_000;

fn in_order(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut pairs: Vec<(&String, &Value)> = fields.iter().collect();
    pairs.sort_by(|(one, _), (other, _)| rank(one).cmp(&rank(other)).then_with(|| one.cmp(other)));
    pairs
}

/// The document in JSON, two spaces to a level, with a line break at its end.
pub(super) fn json(document: &Value) -> String {
    let mut out = String::new();
    json_value(document, 0, &mut out);
    out.push('\n');
    out
}

fn json_value(value: &Value, indent: usize, out: &mut String) {
    let inner = indent.saturating_add(2);
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                json_line(index, inner, out);
                json_value(item, inner, out);
            }
            json_line(0, indent, out);
            out.push(']');
        }
        Value::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (index, (name, item)) in in_order(fields).into_iter().enumerate() {
                json_line(index, inner, out);
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push_str(": ");
                json_value(item, inner, out);
            }
            json_line(0, indent, out);
            out.push('}');
        }
        // On one line; numbers as they were written.
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            out.push_str(&value.to_string());
        }
    }
}

/// A new line, after a comma unless it is the first.
fn json_line(index: usize, indent: usize, out: &mut String) {
    out.push_str(if index == 0 { "\n" } else { ",\n" });
    spaces(indent, out);
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// The document in YAML: blocks, texts of several lines as they are, quotes where a reader could take a text for something else.
pub(super) fn yaml(document: &Value) -> String {
    let mut out = String::new();
    match document {
        Value::Object(fields) if !fields.is_empty() => object(fields, 0, &mut out),
        other => {
            out.push_str(&line(other));
            out.push('\n');
        }
    }
    out
}

/// The fields of an object, each on its line; the first goes where the text ends.
fn object(fields: &Map<String, Value>, indent: usize, out: &mut String) {
    for (index, (name, value)) in in_order(fields).into_iter().enumerate() {
        if index > 0 {
            spaces(indent, out);
        }
        let name = if stands_bare(name) { name.clone() } else { quoted(name) };
        if name.len() < LONG_KEY {
            out.push_str(&name);
        } else {
            out.push_str("? ");
            out.push_str(&name);
            out.push('\n');
            spaces(indent, out);
        }
        out.push(':');
        behind_colon(value, indent, out);
    }
}

fn behind_colon(value: &Value, indent: usize, out: &mut String) {
    let inner = indent.saturating_add(2);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            spaces(inner, out);
            object(fields, inner, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            spaces(inner, out);
            list(items, inner, out);
        }
        Value::String(text) if stands_as_block(text) => block(text, inner, out),
        other => {
            out.push(' ');
            out.push_str(&line(other));
            out.push('\n');
        }
    }
}

/// The items of a list, each on its line; the first goes where the text ends.
fn list(items: &[Value], indent: usize, out: &mut String) {
    let inner = indent.saturating_add(2);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            spaces(indent, out);
        }
        out.push('-');
        match item {
            Value::Object(fields) if !fields.is_empty() => {
                out.push(' ');
                object(fields, inner, out);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push(' ');
                list(items, inner, out);
            }
            Value::String(text) if stands_as_block(text) => block(text, inner, out),
            other => {
                out.push(' ');
                out.push_str(&line(other));
                out.push('\n');
            }
        }
    }
}

/// A text of several lines as it is: `|` ends it with one line break, `|-` with none, `|+` with as many as there are.
fn block(text: &str, indent: usize, out: &mut String) {
    let bare = text.trim_end_matches('\n');
    out.push_str(match text.len().saturating_sub(bare.len()) {
        0 => " |-\n",
        1 => " |\n",
        _ => " |+\n",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        // What is not there has no indentation either.
        if !line.is_empty() {
            spaces(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A value on one line.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) if stands_bare(text) => text.clone(),
        Value::String(text) => quoted(text),
        // Empty lists and objects only: others stand on lines of their own.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// A text in double quotes, with the escapes that JSON has, too.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(letter) => out.push(letter),
            _ => {
                // Writing to a String cannot fail.
                let _ = match u32::from(letter) {
                    code @ 0..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Unreadable, json as strict, yaml as reader};
    use proptest::prelude::*;
    use serde_json::{Number, json};

    type Reader = fn(&str) -> Result<Value, Unreadable>;

    #[test]
    fn a_document_reads_well() {
        let document = json!({
            "rules": [{
                "key": "alert", "name": "Alert: large", "labels": ["vip", "no"], "priority": 5, "description": "One\n\nTwo\n",
                "conditions": [{"type": "all", "conditions": [{"value": 10000, "field": "value", "type": "at_least"}]}],
                "actions": [{"parameters": {"message": "Hello {{name}},\n- one", "headers": {}, "body": [[1, [2]], []]}, "type": "tell"}],
            }],
            "signalbox": {"version": 1},
        });
        assert_eq!(
            yaml(&document),
            r#"signalbox:
  version: 1
rules:
  - key: alert
    name: "Alert: large"
    description: |
      One

      Two
    labels:
      - vip
      - "no"
    priority: 5
    conditions:
      - type: all
        conditions:
          - type: at_least
            field: value
            value: 10000
    actions:
      - type: tell
        parameters:
          body:
            - - 1
              - - 2
            - []
          headers: {}
          message: |-
            Hello {{name}},
            - one
"#
        );
        assert_eq!(
            json(&json!({"b": [], "a": {"c": [1]}})),
            "{\n  \"a\": {\n    \"c\": [\n      1\n    ]\n  },\n  \"b\": []\n}\n"
        );
    }

    /// Texts that are likely to go wrong.
    fn text() -> impl Strategy<Value = String> {
        let crooked = prop::sample::select(vec![
            "",
            " ",
            "\n",
            "\n\n",
            "a\n",
            "a\n\n",
            "a\nb",
            " a\nb",
            "a \nb",
            "a\n b",
            "a\n\tb",
            "\ta",
            "a\r\nb",
            "yes",
            "null",
            "~",
            "007",
            "1e400",
            "10000.50",
            "2026-01-31",
            "12:30",
            ".inf",
            "0x1F",
            "- a",
            "? a",
            "a: b",
            "a:",
            "a #b",
            "#",
            "{{ x }}",
            "{% if a %}",
            "[",
            "]",
            "{",
            "}",
            ",",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "%",
            "@",
            "`",
            "<<",
            "---",
            "...",
            "--- a",
            "a\n---\nb",
            "a\n...\nb",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "\u{0}",
            "\u{7f}",
            "🎉",
            "日本\n語",
            "\u{1ffff}",
            "a\n#b",
            "key: |\n  x",
            "=",
        ]);
        prop_oneof![
            3 => crooked.prop_map(str::to_owned),
            2 => "[ -~\n\t]{0,30}",
            1 => any::<String>(),
            1 => prop::collection::vec(prop::sample::select(vec!["a", " ", "\n", ":", "#", "-", "\t", "\"", "'", "é", "{"]), 0..12).prop_map(|parts| parts.concat()),
        ]
    }

    fn number() -> impl Strategy<Value = Value> {
        "-?(0|[1-9][0-9]{0,30})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
            .prop_map(|text| Value::Number(Number::from_string_unchecked(text)))
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number(),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_and_written_the_same(value in value()) {
            let document = json!({"rules": value});
            let readers: [(String, Reader); 2] = [(yaml(&document), reader::read), (json(&document), strict::read)];
            for (text, read) in readers {
                let read = read(&text).map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
                prop_assert_eq!(&read, &document, "{}", text);
            }
            // What is JSON is YAML, too, but for signs that YAML wants to have escaped.
            let text = json(&document);
            if text.chars().all(|letter| letter == '\n' || is_printable(letter)) && !text.contains("\\u") {
                prop_assert_eq!(reader::read(&text).ok(), Some(document));
            }
        }

        #[test]
        fn no_text_makes_a_reader_stumble(text in "[ -~\n\t]{0,200}") {
            let _ = (reader::read(&text), strict::read(&text));
        }
    }

    #[test]
    fn long_names_and_deep_documents_hold() {
        let deep =
            (0..50).fold(
                json!("a\nb"),
                |inner, depth| if depth % 2 == 0 { json!([inner]) } else { json!({"x": inner}) },
            );
        for document in [json!({"x".repeat(5_000): {"y: z".repeat(1_000): 1}}), json!({"rules": deep})] {
            assert_eq!(reader::read(&yaml(&document)).unwrap(), document);
        }
    }
}
