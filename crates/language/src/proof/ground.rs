//! What is known of every event before it comes? What its trigger's schema makes sure of, field by field.
//!
//! A schema is read as far as it makes sure of something: types, `enum`, `const`, bounds of numbers, `required`, closed objects,
//! `allOf` and references within the document. What it says otherwise is taken to allow everything.

use super::line::Line;
use crate::{
    number::Decimal,
    path::{FieldPath, Root, Step},
};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use std::{borrow::Cow, cmp::Ordering};

/// How deep a schema is followed.
const DEEPEST: usize = 32;
/// What an event's chain is no deeper than: far more than events may be.
const DEEPEST_CHAIN: &str = "1000";

/// A number, by the text that it is written in.
#[derive(Debug, Clone)]
pub(super) struct Number(Box<str>);

impl Number {
    /// The number that a value is, or is the text of.
    pub(super) fn of(value: &Value) -> Option<Self> {
        Decimal::of(value)?;
        let text = match value {
            Value::Number(number) => number.as_str(),
            Value::String(text) => text,
            _ => return None,
        };
        Some(Self(text.into()))
    }

    fn amount(&self) -> Option<rust_decimal::Decimal> {
        let text: &str = &self.0;
        rust_decimal::Decimal::from_str_exact(text)
            .ok()
            .or_else(|| rust_decimal::Decimal::from_scientific(text).ok())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (Decimal::read(&self.0), Decimal::read(&other.0)) {
            (Some(left), Some(right)) => left.compare(&right),
            // It was read when it was made.
            _ => Ordering::Equal,
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

/// Whether a whole number may be in it; where that would take more than 28 digits, it is taken to be.
pub(super) fn has_whole(line: &Line<Number>) -> bool {
    line.stretches().any(|stretch| {
        let (Some((low, low_out)), Some((high, high_out))) = stretch else { return true };
        let (Some(low), Some(high)) = (low.amount(), high.amount()) else { return true };
        let first = if low_out && low.fract().is_zero() {
            low.checked_add(rust_decimal::Decimal::ONE)
        } else {
            Some(low.ceil())
        };
        first.is_none_or(|first| if high_out { first < high } else { first <= high })
    })
}

/// The kinds of things that may stand at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing at all.
    Absent,
    Null,
    True,
    False,
    /// A number.
    Number,
    /// A text.
    Text,
    List,
    Object,
}

/// All of them.
pub(super) const KINDS: [Kind; 8] =
    [Kind::Absent, Kind::Null, Kind::True, Kind::False, Kind::Number, Kind::Text, Kind::List, Kind::Object];

impl Kind {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(true) => Self::True,
            Value::Bool(false) => Self::False,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
        }
    }

    fn is_of(self, name: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Null => name == "null",
            Self::True | Self::False => name == "boolean",
            Self::Number => name == "number" || name == "integer",
            Self::Text => name == "string",
            Self::List => name == "array",
            Self::Object => name == "object",
        }
    }
}

/// What may stand at a place.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    /// Which kinds of things.
    kinds: [bool; KINDS.len()],
    /// Which numbers.
    pub(super) numbers: Line<Number>,
    /// Whether only whole ones.
    pub(super) is_whole: bool,
    /// The only values, if they are told.
    pub(super) values: Option<Vec<&'a Value>>,
}

impl<'a> Field<'a> {
    /// Anything, or nothing.
    pub(super) fn open() -> Self {
        Self { kinds: [true; KINDS.len()], numbers: Line::all(true), is_whole: false, values: None }
    }

    /// Nothing.
    pub(super) fn absent() -> Self {
        let mut field = Self::open();
        field.keep(|kind| kind == Kind::Absent);
        field
    }

    pub(super) fn may_be(&self, kind: Kind) -> bool {
        KINDS.iter().zip(self.kinds).any(|(known, may)| *known == kind && may)
    }

    fn keep(&mut self, keeps: impl Fn(Kind) -> bool) {
        for (kind, may) in KINDS.iter().zip(&mut self.kinds) {
            *may = *may && keeps(*kind);
        }
    }

    /// Leaves only what a schema allows, if anything stands there.
    fn within(&mut self, schema: &'a Value) {
        let object = match schema {
            Value::Bool(false) => return self.keep(|kind| kind == Kind::Absent),
            Value::Object(object) => object,
            _ => return,
        };
        let names: Option<Vec<&str>> = match object.get("type") {
            Some(Value::String(name)) => Some(vec![name.as_str()]),
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect()),
            _ => None,
        };
        if let Some(names) = names {
            self.keep(|kind| kind == Kind::Absent || names.iter().any(|name| kind.is_of(name)));
            self.is_whole |= names.contains(&"integer") && !names.contains(&"number");
        }
        let listed = object.get("enum").and_then(Value::as_array).map(|values| values.iter().collect());
        let only = object.get("const").map(|value| vec![value]);
        for values in [listed, only].into_iter().flatten() {
            self.one_of(values);
        }
        let bound = |name: &str| object.get(name).filter(|value| value.is_number()).and_then(Number::of);
        let ends = [
            bound("minimum").map(|least| Line::from(least, false)),
            bound("exclusiveMinimum").map(|least| Line::from(least, true)),
            bound("maximum").map(|most| Line::up_to(most, false)),
            bound("exclusiveMaximum").map(|most| Line::up_to(most, true)),
        ];
        for end in ends.into_iter().flatten() {
            self.numbers = self.numbers.and(&end);
        }
    }

    /// Leaves only these values, if anything stands there.
    fn one_of(&mut self, values: Vec<&'a Value>) {
        self.keep(|kind| kind == Kind::Absent || values.iter().any(|value| Kind::of(value) == kind));
        let numbers = values.iter().filter(|value| value.is_number());
        // A number that cannot be read is none of those that can.
        self.numbers =
            self.numbers.and(&Line::points(numbers.filter_map(|value| Number::of(value)).collect()));
        if self.values.as_ref().is_none_or(|known| known.len() > values.len()) {
            self.values = Some(values);
        }
    }
}

/// What is known of every event that rules of a trigger are asked about.
#[derive(Debug, Clone, Default)]
pub struct Ground<'a> {
    /// The trigger's name.
    trigger: Option<Value>,
    /// Fields of the data that are there and not null.
    required: Vec<&'a str>,
    /// The schema that the data fits.
    schema: Option<Cow<'a, Value>>,
    /// The tenant's time zone.
    pub(super) zone: Tz,
}

impl<'a> Ground<'a> {
    /// Nothing is known, but that times without an offset are in this zone.
    #[must_use]
    pub fn open(zone: Tz) -> Self {
        Self { zone, ..Self::default() }
    }

    /// The events of a trigger.
    #[must_use]
    pub fn of_trigger(self, trigger_id: &str) -> Self {
        Self { trigger: Some(trigger_id.into()), ..self }
    }

    /// Their data has these fields, and none of them is null.
    #[must_use]
    pub fn with_required(self, required: impl Iterator<Item = &'a str>) -> Self {
        Self { required: required.collect(), ..self }
    }

    /// Their data was checked against this schema.
    #[must_use]
    pub fn with_schema(self, schema: &'a Value) -> Self {
        Self { schema: Some(Cow::Borrowed(schema)), ..self }
    }

    /// Their data was made of this object, in whose texts templates may place something.
    #[must_use]
    pub fn made_of(self, said: &Map<String, Value>) -> Self {
        Self { schema: Some(Cow::Owned(schema_of(said))), ..self }
    }

    /// What may stand at a path; of items and of what is between two events, anything.
    pub(super) fn at(&self, path: &FieldPath) -> Field<'_> {
        match path.root() {
            Root::Event => self.of_event(path.steps()),
            Root::Record | Root::Item => Field::open(),
            Root::Data => self.of_data(path.steps()),
        }
    }

    fn of_event(&self, steps: &[Step]) -> Field<'_> {
        let mut field = Field::open();
        let [Step::Name(name)] = steps else { return field };
        match &**name {
            "id" | "source" | "actor" | "occurred_at" => field.keep(|kind| kind == Kind::Text),
            "trigger_id" => {
                field.keep(|kind| kind == Kind::Text);
                if let Some(name) = &self.trigger {
                    field.one_of(vec![name]);
                }
            }
            "subject" => field.keep(|kind| matches!(kind, Kind::Text | Kind::Absent)),
            "depth" => {
                field.keep(|kind| kind == Kind::Number);
                field.is_whole = true;
                let end = |text: &str| Number(text.into());
                field.numbers = Line::from(end("0"), false).and(&Line::up_to(end(DEEPEST_CHAIN), false));
            }
            _ => {}
        }
        field
    }

    fn of_data(&self, steps: &[Step]) -> Field<'_> {
        let mut field = Field::open();
        let Some(document) = self.schema.as_deref() else {
            match steps {
                [] => field.keep(|kind| kind == Kind::Object),
                [Step::Name(name)] if self.required.contains(&&**name) => {
                    field.keep(|kind| !matches!(kind, Kind::Absent | Kind::Null));
                }
                _ => {}
            }
            return field;
        };
        let mut here = parts(document, document, 0);
        // The data itself is there and is an object.
        let (mut is_there, mut is_parent) = (true, true);
        for step in steps {
            let (next, is_required, is_closed) = match step {
                Step::Name(name) => (
                    here.iter().filter_map(|part| part.get("properties")?.get(&**name)).collect(),
                    requires(&here, name),
                    is_closed(&here, name),
                ),
                Step::Place(_) => (items(&here), false, false),
            };
            let next: Vec<&Value> = next;
            if is_closed || next.iter().any(|schema| **schema == Value::Bool(false)) {
                field.keep(|kind| kind == Kind::Absent);
                return field;
            }
            is_there = is_there && is_parent && is_required;
            here = next.into_iter().flat_map(|schema| parts(schema, document, 0)).collect();
            is_parent = here.iter().any(|part| part.get("type").and_then(Value::as_str) == Some("object"));
        }
        for part in here {
            field.within(part);
        }
        if is_there {
            field.keep(|kind| kind != Kind::Absent);
        }
        if steps.is_empty() {
            field.keep(|kind| kind == Kind::Object);
        }
        // What is required of events of built-in triggers is not null.
        if let [Step::Name(name)] = steps
            && self.required.contains(&&**name)
        {
            field.keep(|kind| !matches!(kind, Kind::Absent | Kind::Null));
        }
        field
    }
}

/// A schema and all that must hold beside it: what it refers to, and all of `allOf`.
fn parts<'a>(schema: &'a Value, document: &'a Value, depth: usize) -> Vec<&'a Value> {
    let mut all = vec![schema];
    if depth < DEEPEST {
        let referred = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
        let target = referred.and_then(|pointer| document.pointer(pointer));
        let beside = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        for part in target.into_iter().chain(beside) {
            all.extend(parts(part, document, depth + 1));
            if all.len() > DEEPEST {
                break;
            }
        }
    }
    all
}

fn requires(here: &[&Value], name: &str) -> bool {
    here.iter().any(|part| {
        let required = part.get("required").and_then(Value::as_array).into_iter().flatten();
        required.into_iter().any(|known| known.as_str() == Some(name))
    })
}

/// Whether an object of this schema can have no field but those that are named beside it.
fn is_closed(here: &[&Value], name: &str) -> bool {
    here.iter().any(|part| {
        part.get("additionalProperties") == Some(&Value::Bool(false))
            && part.get("patternProperties").is_none()
            && part.get("properties").is_none_or(|named| named.get(name).is_none())
    })
}

fn items<'a>(here: &[&'a Value]) -> Vec<&'a Value> {
    here.iter()
        .filter(|part| part.get("prefixItems").is_none())
        .filter_map(|part| part.get("items"))
        .filter(|items| items.is_object())
        .collect()
}

/// The schema of data that is made of an object with templates.
fn schema_of(said: &Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for (name, value) in said {
        let schema = match value {
            Value::String(text) if crate::template::is_template(text) => {
                serde_json::json!({"type": "string"})
            }
            Value::Object(inner) => schema_of(inner),
            Value::Array(_) => serde_json::json!({"type": "array"}),
            fixed => Value::Object(Map::from_iter([("const".to_owned(), fixed.clone())])),
        };
        properties.insert(name.clone(), schema);
    }
    let names: Vec<Value> = properties.keys().map(|name| Value::String(name.clone())).collect();
    Value::Object(Map::from_iter([
        ("type".to_owned(), Value::from("object")),
        ("required".to_owned(), Value::Array(names)),
        ("properties".to_owned(), Value::Object(properties)),
        ("additionalProperties".to_owned(), Value::Bool(false)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(ground: &Ground<'_>, path: &str) -> Vec<Kind> {
        let path: FieldPath = path.parse().unwrap();
        let field = ground.at(&path);
        KINDS.into_iter().filter(|kind| field.may_be(*kind)).collect()
    }

    #[test]
    fn a_schema_says_what_may_stand_where() {
        use Kind::{Absent, Null, Number, Object, Text};
        let schema = json!({"type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": {
            "a": {"type": "object", "required": ["x"], "properties": {"x": {"type": ["number", "null"]}, "y": {"type": "string"}}},
            "b": {"$ref": "#/$defs/b"}, "c": {"enum": ["one", 2]}}, "$defs": {"b": {"required": ["z"], "properties": {"z": {"const": "v"}}}}});
        let ground = Ground::open(Tz::UTC).with_schema(&schema);
        assert_eq!(kinds(&ground, "a"), [Object]);
        assert_eq!(kinds(&ground, "a.x"), [Null, Number]);
        assert_eq!(kinds(&ground, "a.y"), [Absent, Text]);
        // Of b it is not said that it is an object.
        assert_eq!(kinds(&ground, "b.z"), [Absent, Text]);
        assert_eq!(kinds(&ground, "c"), [Absent, Number, Text]);
        assert_eq!(kinds(&ground, "d"), [Absent]);
        assert_eq!(kinds(&ground, "record.d").len(), KINDS.len());
        let built_in = Ground::open(Tz::UTC).with_required(["id"].into_iter());
        assert_eq!(kinds(&built_in, "id").len(), KINDS.len() - 2);
        assert_eq!(kinds(&built_in, "other").len(), KINDS.len());
        let said = json!({"stage": "won", "name": "{{name}}"});
        let made = Ground::open(Tz::UTC).made_of(said.as_object().unwrap());
        assert_eq!((kinds(&made, "stage"), kinds(&made, "name")), (vec![Text], vec![Text]));
        assert_eq!(kinds(&made, "else"), [Absent]);
    }

    #[test]
    fn whole_numbers_are_found_between_ends() {
        let number = |text: &str| Number(text.into());
        let between = |low: &str, low_out, high: &str, high_out| {
            Line::from(number(low), low_out).and(&Line::up_to(number(high), high_out))
        };
        assert!(!has_whole(&between("1", true, "2", true)));
        assert!(has_whole(&between("1", true, "2", false)));
        assert!(has_whole(&between("0.5", false, "1.5", false)));
        assert!(!has_whole(&between("0.1", false, "0.9", false)));
        assert!(has_whole(&Line::from(number("0.1"), false)));
        assert!(has_whole(&between("1e400", true, "2e400", true)));
    }
}
