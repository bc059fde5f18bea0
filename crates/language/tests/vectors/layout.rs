//! How do vectors stand in their files, so that people read them? What fits stands on one line; names in the order in which one reads.

use serde_json::Value;

/// The widest line.
const WIDTH: usize = 140;

/// Names that stand before others, in this order.
const FIRST: &[&str] = &[
    "name",
    "schema",
    "rule",
    "type",
    "path",
    "conditions",
    "actions",
    "condition",
    "payload",
    "record",
    "event",
    "now",
    "zone",
    "verdict",
    "planned",
    "matched",
    "because",
    "decided_by",
    "clauses",
    "holds",
    "field",
    "wanted",
    "seen",
];

/// A file's text.
pub(crate) fn file(vectors: &Value) -> String {
    let mut text = String::new();
    put(vectors, 0, 0, &mut text);
    text.push('\n');
    text
}

/// An object's names in the order in which they are written.
fn ordered(object: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = object.iter().collect();
    let rank = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    pairs.sort_by_key(|(name, _)| rank(name));
    pairs
}

fn line(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let pairs: Vec<String> = ordered(object)
                .into_iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), line(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(line).collect();
            format!("[{}]", items.join(", "))
        }
        plain => plain.to_string(),
    }
}

/// Writes a value at a depth, with `before` characters already on its line.
fn put(value: &Value, depth: usize, before: usize, text: &mut String) {
    let whole = line(value);
    let fits = depth > 1 && depth * 2 + before + whole.chars().count() < WIDTH;
    let inner = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::Object(object) if !fits && !object.is_empty() => {
            text.push('{');
            for (place, (name, value)) in ordered(object).into_iter().enumerate() {
                let name = format!("{}: ", Value::from(name.as_str()));
                text.push_str(if place == 0 { "\n" } else { ",\n" });
                text.push_str(&inner);
                text.push_str(&name);
                put(value, depth + 1, name.chars().count(), text);
            }
            text.push('\n');
            text.push_str(&outer);
            text.push('}');
        }
        Value::Array(items) if !fits && !items.is_empty() => {
            text.push('[');
            for (place, value) in items.iter().enumerate() {
                text.push_str(if place == 0 { "\n" } else { ",\n" });
                text.push_str(&inner);
                put(value, depth + 1, 0, text);
            }
            text.push('\n');
            text.push_str(&outer);
            text.push(']');
        }
        _ => text.push_str(&whole),
    }
}
