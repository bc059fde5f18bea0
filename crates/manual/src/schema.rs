//! What does a body look like? A schema as a tree of names, kinds and notes that can be printed.

use crate::outline::{is, list, object, text};
use serde_json::Value;

/// How deep a tree goes before it says that there is more.
const DEPTH: usize = 8;

/// One line of the tree, and what stands below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// The field's name; nothing for the whole, and for alternatives.
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) deprecated: bool,
    pub(crate) description: String,
    /// Limits, defaults, allowed values.
    pub(crate) notes: Vec<String>,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// Forgets what must be there, here and below.
    pub(crate) fn unmark(&mut self) {
        self.required = false;
        self.children.iter_mut().for_each(Self::unmark);
    }
}

/// The tree of a schema.
pub(crate) fn tree(document: &Value, schema: &Value) -> Node {
    Reader { document, trail: Vec::new() }.node("", schema, false)
}

struct Reader<'a> {
    document: &'a Value,
    /// The references that led here: a schema that holds itself is not unfolded again.
    trail: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn node(&mut self, name: &str, schema: &'a Value, required: bool) -> Node {
        let mut node = match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.referenced(reference),
            None => self.plain(schema),
        };
        name.clone_into(&mut node.name);
        node.required = required;
        node.deprecated |= is(schema, "deprecated");
        // What stands beside a reference is about this place.
        let said = text(schema, "description");
        if !said.is_empty() {
            said.clone_into(&mut node.description);
        }
        node
    }

    fn referenced(&mut self, reference: &'a str) -> Node {
        let short = reference.rsplit('/').next().unwrap_or(reference);
        let target = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
        let Some(target) = target else {
            return Node { kind: short.to_owned(), ..Node::default() };
        };
        if self.trail.contains(&reference) || self.trail.len() >= DEPTH {
            return Node { kind: format!("{short}, as above"), ..Node::default() };
        }
        self.trail.push(reference);
        let node = self.node("", target, false);
        self.trail.pop();
        node
    }

    fn plain(&mut self, schema: &'a Value) -> Node {
        for key in ["oneOf", "anyOf"] {
            let all: Vec<&'a Value> = list(schema, key).collect();
            if !all.is_empty() {
                return self.alternatives(&all);
            }
        }
        let parts: Vec<&'a Value> = list(schema, "allOf").collect();
        if !parts.is_empty() {
            return self.together(&parts, schema);
        }
        let (names, nullable) = kinds(schema);
        let mut node = Node { notes: notes(schema), ..Node::default() };
        if names.contains(&"array") {
            let item = schema.get("items").map(|items| self.node("", items, false)).unwrap_or_default();
            node.kind = match item.kind.as_str() {
                "" => "array of anything".to_owned(),
                "one of" => "array, each one of".to_owned(),
                kind => format!("array of {kind}"),
            };
            node.notes.extend(item.notes);
            node.children = item.children;
        } else if names.contains(&"object") || schema.get("properties").is_some() {
            node.children = self.fields(schema);
            node.kind = "object".to_owned();
        } else {
            node.kind = scalar(schema, &names);
        }
        if nullable {
            node.kind.push_str(" or null");
        }
        node
    }

    fn fields(&mut self, schema: &'a Value) -> Vec<Node> {
        let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
        let mut fields: Vec<Node> = object(schema, "properties")
            .map(|(name, field)| self.node(name, field, required.contains(&name)))
            .collect();
        // Sorting is stable: within each half the fields stay in the order of the document.
        fields.sort_by_key(|field| !field.required);
        if let Some(any) = schema.get("additionalProperties").filter(|any| any.is_object()) {
            fields.push(self.node("any other name", any, false));
        }
        fields
    }

    fn alternatives(&mut self, all: &[&'a Value]) -> Node {
        let (nulls, others): (Vec<&'a Value>, Vec<&'a Value>) =
            all.iter().partition(|one| one.get("type").and_then(Value::as_str) == Some("null"));
        let mut node = match others.as_slice() {
            [only] => self.node("", only, false),
            several => {
                let children = several.iter().map(|one| self.alternative(one)).collect();
                Node { kind: "one of".to_owned(), children, ..Node::default() }
            }
        };
        if !nulls.is_empty() {
            node.kind.push_str(" or null");
        }
        node
    }

    fn alternative(&mut self, schema: &'a Value) -> Node {
        let mut node = self.node("", schema, false);
        let title = text(schema, "title");
        if !title.is_empty() {
            node.kind = format!("{title}: {}", node.kind);
        }
        node
    }

    /// Everything that all parts say, as one.
    fn together(&mut self, parts: &[&'a Value], schema: &'a Value) -> Node {
        let mut whole = Node { kind: "object".to_owned(), ..Node::default() };
        for part in parts {
            let part = self.node("", part, false);
            if !part.kind.is_empty() {
                whole.kind = part.kind;
            }
            if whole.description.is_empty() {
                whole.description = part.description;
            }
            whole.notes.extend(part.notes);
            whole.children.extend(part.children);
        }
        whole.children.extend(self.fields(schema));
        whole
    }
}

/// The kinds that a schema allows besides null, and whether null is one.
pub(crate) fn kinds(schema: &Value) -> (Vec<&str>, bool) {
    let mut names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    let all = names.len();
    names.retain(|name| *name != "null");
    let nullable = names.len() < all;
    (names, nullable)
}

fn scalar(schema: &Value, names: &[&str]) -> String {
    let mut kind = if names.is_empty() { "anything".to_owned() } else { names.join(" or ") };
    if schema.get("enum").is_some() || schema.get("const").is_some() {
        if names.is_empty() {
            "string".clone_into(&mut kind);
        }
    } else if let Some(format) = schema.get("format").and_then(Value::as_str) {
        kind = format!("{kind} ({format})");
    }
    kind
}

fn notes(schema: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(constant) = schema.get("const") {
        notes.push(format!("always `{}`", said(constant)));
    }
    let allowed: Vec<String> = list(schema, "enum").map(|value| format!("`{}`", said(value))).collect();
    if !allowed.is_empty() {
        notes.push(format!("one of {}", allowed.join(", ")));
    }
    for (key, words) in [
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "a multiple of"),
        ("pattern", "matches"),
        ("default", "default"),
    ] {
        if let Some(value) = schema.get(key).filter(|value| !value.is_null()) {
            notes.push(format!("{words} `{}`", said(value)));
        }
    }
    for (low, high, unit) in [("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")] {
        match (schema.get(low), schema.get(high)) {
            (Some(low), Some(high)) => notes.push(format!("{low} to {high} {unit}")),
            (Some(low), None) => notes.push(format!("at least {low} {unit}")),
            (None, Some(high)) => notes.push(format!("at most {high} {unit}")),
            (None, None) => {}
        }
    }
    notes
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printed(node: &Node, indent: usize, out: &mut String) {
        let must = if node.required { "!" } else { "" };
        out.push_str(&format!(
            "{}{}{must} {} {}\n",
            "  ".repeat(indent),
            node.name,
            node.kind,
            node.notes.join("; ")
        ));
        node.children.iter().for_each(|child| printed(child, indent + 1, out));
    }

    fn check(schema: &Value, wanted: &str) {
        let document = json!({"components": {"schemas": {
            "Rule": {"type": "object", "required": ["name"], "properties": {
                "conditions": {"type": "array", "items": {"$ref": "#/components/schemas/Condition"}},
                "name": {"type": "string", "maxLength": 200},
            }},
            "Condition": {"oneOf": [
                {"title": "all", "type": "object", "required": ["all"],
                    "properties": {"all": {"type": "array", "items": {"$ref": "#/components/schemas/Condition"}}}},
                {"type": "string", "enum": ["always"]},
            ]},
        }}});
        let mut seen = String::new();
        printed(&tree(&document, schema), 0, &mut seen);
        assert_eq!(seen, wanted);
    }

    #[test]
    fn scalars() {
        check(&json!({"type": "string", "format": "date-time"}), " string (date-time) \n");
        check(
            &json!({"type": ["integer", "null"], "minimum": 1, "default": 5}),
            " integer or null at least `1`; default `5`\n",
        );
        check(&json!({}), " anything \n");
        check(&json!(true), " anything \n");
        check(&json!({"const": "x"}), " string always `x`\n");
    }

    #[test]
    fn a_schema_that_holds_itself_is_unfolded_once() {
        check(
            &json!({"$ref": "#/components/schemas/Rule"}),
            " object \n  name! string at most 200 characters\n  conditions array, each one of \n     all: object \n      \
             all! array of Condition, as above \n     string one of `always`\n",
        );
    }

    #[test]
    fn null_is_an_alternative_that_needs_no_line() {
        check(
            &json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Rule"}]}),
            " object or null \n  name! string at most 200 characters\n  conditions array, each one of \n     all: object \n      \
             all! array of Condition, as above \n     string one of `always`\n",
        );
    }

    #[test]
    fn parts_are_one_and_a_dangling_reference_keeps_its_name() {
        check(
            &json!({"allOf": [{"$ref": "#/components/schemas/Gone"}, {"type": "object", "properties": {"a": {"type": "null"}}}]}),
            " object \n  a anything or null \n",
        );
    }
}
