//! What may a rule name? The fields of a trigger's data and of the record that it is about, with what they hold, read from
//! their JSON Schemas.
//!
//! A schema is read as far as it tells names and types: `type`, `properties`, `items`, `format`, `enum`, `const`, bounds of
//! length, `additionalProperties`, references within the document, and what all of `allOf` say. What it says otherwise
//! leaves a field open: whatever may stand there may be named.

use crate::path::{FieldPath, Root, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep a schema is read.
const DEEPEST: usize = 32;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Holds {
    /// Anything.
    #[default]
    Anything,
    /// True or false.
    Truth,
    /// A number, or a decimal as text.
    Number,
    /// A text of at most so many characters, if the schema says so.
    Text(Option<u32>),
    /// A text that says a time or a day.
    Time,
    /// A list of such items, at most so many, if the schema says so.
    List(Box<Holds>, Option<u32>),
    /// An object.
    Object(Fields),
}

/// The fields of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// Those that the schema names.
    pub named: BTreeMap<Box<str>, Holds>,
    /// Whether there may be others.
    pub open: bool,
}

/// What may be named, by root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    data: Holds,
    record: Option<Holds>,
    results: BTreeMap<Box<str>, Holds>,
    /// Whether any other result may be named, too.
    any_result: bool,
}

/// Whether a path may be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<'a> {
    /// It is a field, and holds this.
    Yes(&'a Holds),
    /// The schema does not name it, but lets it be there. Maybe a name that it knows was meant.
    Maybe(Option<Box<str>>),
    /// It cannot be there. Maybe a name that the schema knows was meant.
    No(Option<Box<str>>),
}

const ANYTHING: Holds = Holds::Anything;

impl Default for Vocabulary {
    fn default() -> Self {
        Self::open()
    }
}

impl Vocabulary {
    /// One in which anything may be named.
    #[must_use]
    pub fn open() -> Self {
        Self {
            data: Holds::Anything,
            record: Some(Holds::Anything),
            results: BTreeMap::new(),
            any_result: false,
        }
    }

    /// That of a trigger whose data has this schema, and of the record that its events are about, if they are.
    #[must_use]
    pub fn new(data: &Value, record: Option<&Value>) -> Self {
        let read = |schema: &Value| Reader { document: schema }.read(schema, 0);
        Self { data: read(data), record: record.map(read), results: BTreeMap::new(), any_result: false }
    }

    /// What the data holds.
    #[must_use]
    pub const fn data(&self) -> &Holds {
        &self.data
    }

    /// What the record holds; `None` where events are about none.
    #[must_use]
    pub const fn record(&self) -> Option<&Holds> {
        self.record.as_ref()
    }

    /// What the results of earlier actions hold, by their names.
    #[must_use]
    pub const fn results(&self) -> &BTreeMap<Box<str>, Holds> {
        &self.results
    }

    /// The same with the result of an action to be named.
    #[must_use]
    pub fn with_result(mut self, name: &str, holds: Holds) -> Self {
        self.results.insert(name.into(), holds);
        self
    }

    /// The same with any result to be named: for what was checked when it was said, and is rendered now.
    #[must_use]
    pub fn with_any_result(self) -> Self {
        Self { any_result: true, ..self }
    }

    pub(crate) fn root(&self, root: Root) -> Option<&Holds> {
        match root {
            Root::Data => Some(&self.data),
            Root::Record => self.record.as_ref(),
            // Its fields are few and known, but they are looked up by name like all others.
            Root::Event | Root::Item => Some(&ANYTHING),
        }
    }

    /// Whether a path of a rule may be named; `item` is what the items hold that are looked at.
    pub(crate) fn knows<'a>(&'a self, path: &FieldPath, item: Option<&'a Holds>) -> Known<'a> {
        let start = match path.root() {
            Root::Item => item,
            Root::Event => return known_of_event(path.steps()),
            Root::Data | Root::Record => self.root(path.root()),
        };
        let Some(start) = start else { return Known::No(None) };
        walk(start, path.steps())
    }

    /// Reads a path that a rule names.
    ///
    /// # Errors
    /// Why it is refused, as the end of a sentence that begins with it: it is no path, or cannot be there.
    pub fn path(&self, text: &str) -> Result<FieldPath, String> {
        let path: FieldPath = text.parse().map_err(|error: crate::PathError| error.to_string())?;
        match self.knows(&path, None) {
            Known::Yes(_) | Known::Maybe(_) => Ok(path),
            Known::No(near) => {
                let meant = near.map(|near| format!(": is {near} meant?")).unwrap_or_default();
                Err(format!("cannot be there by the schema of the trigger{meant}"))
            }
        }
    }

    /// Whether a dotted name, as templates use them, may be named. The first part may be a root, `results` or `now`.
    #[must_use]
    pub fn knows_name(&self, name: &str) -> Known<'_> {
        if let Some(rest) = name.strip_prefix("results.") {
            let (result, rest) = rest.split_once('.').map_or((rest, ""), |(result, rest)| (result, rest));
            let Some(holds) = self.results.get(result) else {
                if self.any_result {
                    return Known::Yes(&ANYTHING);
                }
                return Known::No(nearest(result, self.results.keys()));
            };
            let steps: Vec<Step> =
                rest.split('.').filter(|part| !part.is_empty()).map(|part| Step::Name(part.into())).collect();
            return walk(holds, &steps);
        }
        if ["now", "results"].contains(&name) {
            return Known::Yes(&ANYTHING);
        }
        match name.parse::<FieldPath>() {
            Ok(path) => self.knows(&path, None),
            Err(_) => Known::Yes(&ANYTHING),
        }
    }
}

/// The names below `event.`, as [`crate::Facts::event`] makes them.
const EVENT: &[&str] = &["id", "trigger_id", "source", "subject", "actor", "occurred_at", "depth"];

/// The fields below `event.`, and what they hold.
pub(crate) fn event_fields() -> Fields {
    let holds = |name: &str| match name {
        "occurred_at" => Holds::Time,
        "depth" => Holds::Number,
        _ => Holds::Text(None),
    };
    Fields { named: EVENT.iter().map(|name| ((*name).into(), holds(name))).collect(), open: false }
}

fn known_of_event(steps: &[Step]) -> Known<'static> {
    match steps {
        [] => Known::Yes(&ANYTHING),
        [Step::Name(name)] if EVENT.contains(&&**name) => match &**name {
            "occurred_at" => Known::Yes(&Holds::Time),
            "depth" => Known::Yes(&Holds::Number),
            _ => Known::Yes(&Holds::Text(None)),
        },
        [Step::Name(name), ..] => {
            let names: Vec<Box<str>> = EVENT.iter().map(|name| (*name).into()).collect();
            Known::No(nearest(name, names.iter()))
        }
        [Step::Place(_), ..] => Known::No(None),
    }
}

fn walk<'a>(start: &'a Holds, steps: &[Step]) -> Known<'a> {
    let mut here = start;
    for step in steps {
        here = match (here, step) {
            (Holds::Anything, _) => return Known::Yes(here),
            (Holds::Object(fields), Step::Name(name)) => match fields.named.get(name) {
                Some(inner) => inner,
                None if fields.open => return Known::Maybe(nearest(name, fields.named.keys())),
                None => return Known::No(nearest(name, fields.named.keys())),
            },
            (Holds::List(item, _), Step::Place(_)) => item,
            (
                Holds::Object(_)
                | Holds::List(..)
                | Holds::Truth
                | Holds::Number
                | Holds::Text(_)
                | Holds::Time,
                _,
            ) => {
                return Known::No(None);
            }
        };
    }
    Known::Yes(here)
}

/// The known name that is most like `name`, if one is like it: about a third of its letters off at most.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a Box<str>>) -> Option<Box<str>> {
    let most = name.chars().count().div_ceil(3).min(3);
    let near = known.map(|known| (distance(name, known), known)).min_by_key(|(distance, _)| *distance);
    near.filter(|(distance, _)| *distance <= most).map(|(_, known)| known.clone())
}

/// How many letters are to be added, taken away or changed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut before = place;
        let mut last = place.saturating_add(1);
        let mut next = vec![last];
        for (other, above) in right.iter().zip(row.iter().skip(1)) {
            let change = before.saturating_add(usize::from(*other != letter));
            last = change.min(above.saturating_add(1)).min(last.saturating_add(1));
            before = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

struct Reader<'a> {
    document: &'a Value,
}

impl Reader<'_> {
    fn read(&self, schema: &Value, depth: usize) -> Holds {
        let Some(object) = schema.as_object().filter(|_| depth < DEEPEST) else { return Holds::Anything };
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let there = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            return there.map_or(Holds::Anything, |schema| self.read(schema, depth + 1));
        }
        if let Some(parts) = object.get("allOf").and_then(Value::as_array) {
            let mut bare = object.clone();
            bare.remove("allOf");
            let own = if bare.contains_key("type") || bare.contains_key("properties") {
                self.read(&Value::Object(bare), depth + 1)
            } else {
                Holds::Anything
            };
            return parts.iter().map(|part| self.read(part, depth + 1)).fold(own, both);
        }
        if let Some(values) = object.get("enum").and_then(Value::as_array) {
            return of_values(values);
        }
        if let Some(value) = object.get("const") {
            return of_values(std::slice::from_ref(value));
        }
        match kinds(object.get("type")).as_slice() {
            ["boolean"] => Holds::Truth,
            ["integer" | "number"] | ["integer", "number"] | ["number", "string"] | ["string", "number"] => {
                Holds::Number
            }
            ["string"] => match object.get("format").and_then(Value::as_str) {
                Some("date-time" | "date") => Holds::Time,
                Some(_) | None => Holds::Text(bound(object.get("maxLength"))),
            },
            ["array"] => {
                let item = object.get("items").map_or(Holds::Anything, |items| self.read(items, depth + 1));
                Holds::List(Box::new(item), bound(object.get("maxItems")))
            }
            ["object"] => self.object(object, depth),
            [] if object.contains_key("properties") => self.object(object, depth),
            _ => Holds::Anything,
        }
    }

    fn object(&self, object: &serde_json::Map<String, Value>, depth: usize) -> Holds {
        let properties = object.get("properties").and_then(Value::as_object);
        let named = properties.into_iter().flatten().map(|(name, schema)| {
            let holds = self.read(schema, depth + 1);
            (name.as_str().into(), holds)
        });
        let others = ["additionalProperties", "unevaluatedProperties"];
        let closed = others.iter().any(|name| object.get(*name) == Some(&Value::Bool(false)));
        let open = !closed || object.contains_key("patternProperties");
        Holds::Object(Fields { named: named.collect(), open })
    }
}

fn bound(value: Option<&Value>) -> Option<u32> {
    value.and_then(Value::as_u64).map(|most| u32::try_from(most).unwrap_or(u32::MAX))
}

/// The types that a schema allows beside null.
fn kinds(kind: Option<&Value>) -> Vec<&str> {
    let one = kind.and_then(Value::as_str).into_iter();
    let many = kind.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.chain(many).filter(|kind| *kind != "null").collect()
}

fn of_values(values: &[Value]) -> Holds {
    let all = |is: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || is(value));
    if values.iter().all(Value::is_null) {
        Holds::Anything
    } else if all(Value::is_string) {
        let longest = values.iter().filter_map(Value::as_str).map(|text| text.chars().count()).max();
        Holds::Text(longest.map(|most| u32::try_from(most).unwrap_or(u32::MAX)))
    } else if all(Value::is_number) {
        Holds::Number
    } else if all(Value::is_boolean) {
        Holds::Truth
    } else {
        Holds::Anything
    }
}

/// What holds both.
fn both(left: Holds, right: Holds) -> Holds {
    match (left, right) {
        (Holds::Anything, other) | (other, Holds::Anything) => other,
        (Holds::Object(mut left), Holds::Object(right)) => {
            left.named.extend(right.named);
            left.open = left.open && right.open;
            Holds::Object(left)
        }
        (left, _) => left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vocabulary() -> Vocabulary {
        let data = json!({
            "type": "object",
            "properties": {
                "opportunity_id": {"type": ["string", "integer"]},
                "value": {"type": ["number", "string"]},
                "stage": {"enum": ["open", "won", null]},
                "closes": {"type": ["string", "null"], "format": "date"},
                "contact": {"$ref": "#/$defs/contact"},
                "items": {"type": "array", "maxItems": 20, "items": {"type": "object", "properties": {"price": {"type": "number"}},
                    "additionalProperties": false}},
            },
            "additionalProperties": true,
            "$defs": {"contact": {"type": "object", "properties": {"email": {"type": "string", "maxLength": 320}}, "additionalProperties": false}},
        });
        Vocabulary::new(&data, None)
    }

    fn knows(path: &str) -> String {
        let vocabulary = vocabulary();
        match vocabulary.knows_name(path) {
            Known::Yes(holds) => {
                format!("{holds:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_owned()
            }
            Known::Maybe(near) => format!("maybe {}", near.as_deref().unwrap_or("-")),
            Known::No(near) => format!("no {}", near.as_deref().unwrap_or("-")),
        }
    }

    #[test]
    fn names_are_known_by_the_schema() {
        for (path, wanted) in [
            ("value", "Number"),
            ("data.value", "Number"),
            ("opportunity_id", "Anything"),
            ("stage", "Text"),
            ("closes", "Time"),
            ("contact.email", "Text"),
            ("contact.emial", "no email"),
            ("contact.phone", "no -"),
            ("items[3].price", "Number"),
            ("items[3].cost", "no -"),
            ("items.price", "no -"),
            ("value.more", "no -"),
            ("oportunity_id", "maybe opportunity_id"),
            ("country", "maybe -"),
            ("event.occurred_at", "Time"),
            ("event.ocurred_at", "no occurred_at"),
            ("record.status", "no -"),
            ("results.lookup", "no -"),
            ("now", "Anything"),
        ] {
            assert_eq!(knows(path), wanted, "{path}");
        }
    }

    #[test]
    fn results_of_earlier_actions_can_be_named() {
        let holds = Holds::Object(Fields { named: [("status".into(), Holds::Number)].into(), open: false });
        let vocabulary = vocabulary().with_result("lookup", holds);
        assert_eq!(vocabulary.knows_name("results.lookup.status"), Known::Yes(&Holds::Number));
        assert_eq!(vocabulary.knows_name("results.lookup.state"), Known::No(Some("status".into())));
        assert_eq!(vocabulary.knows_name("results.lokup.status"), Known::No(Some("lookup".into())));
        let late = Vocabulary::open().with_any_result();
        assert_eq!(late.knows_name("results.lookup.status"), Known::Yes(&Holds::Anything));
    }

    #[test]
    fn all_of_several_schemas_hold_together() {
        let schema = json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "boolean"}}},
            {"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": false},
        ]});
        let Holds::Object(fields) = Vocabulary::new(&schema, None).data.clone() else { panic!("an object") };
        assert_eq!(fields.named.len(), 2);
        assert!(!fields.open);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"type": "object", "properties": {"inner": {"$ref": "#"}}});
        assert!(matches!(Vocabulary::new(&schema, None).data, Holds::Object(_)));
    }

    #[test]
    fn distances() {
        for (left, right, wanted) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ä", "a", 1)]
        {
            assert_eq!(distance(left, right), wanted);
        }
    }
}
