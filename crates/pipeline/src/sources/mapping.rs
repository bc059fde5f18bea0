//! What does a mapping make of a request? The trigger's name, the event's data and the provider's id, by templates that see the
//! body, the headers, and what the preset knows.
//!
//! A text that is nothing but one place (`{{ body.amount }}`) becomes what stands there, a number as a number and an object as an
//! object; what is not there is left out. All other texts stay texts, as in rules.

use crate::decide;
use ::webhooks::{Mapping, Source, inbound::body};
use kernel::{FieldFault, Fields, Instant};
use language::{
    Facts, Moment, Occasion, Vocabulary,
    template::{Context, TemplateId, Templates, is_template},
};
use rules::Catalogue;
use serde_json::{Map, Value, json};

/// What templates may name.
const ROOTS: [&str; 6] = ["body", "headers", "kind", "id", "source", "now"];
/// The longest name of a trigger, in characters, templates and all.
const TRIGGER_MAX: usize = 500;
/// The most that the data of a mapping may take, in bytes.
const DATA_MAX: usize = 64 * 1024;
/// The most that a mapping may come to, in bytes: as much as an event may bring. A short mapping could place a long body many times.
const OUTCOME_MAX: usize = 1024 * 1024;

/// A mapping that was read.
#[derive(Debug)]
pub(super) struct Read {
    templates: Templates,
    trigger: Filled,
    data: Option<Filled>,
    id: Option<Filled>,
}

/// A part of a mapping.
#[derive(Debug)]
enum Filled {
    /// As it stands.
    Fixed(Value),
    /// A template.
    Text(TemplateId),
    /// What stands at one place of the request.
    Place(Vec<Step>, String),
    /// A list with templates in it.
    List(Vec<Filled>),
    /// An object with templates in it.
    Object(Vec<(String, Filled)>),
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

/// What a mapping made of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The trigger's name.
    pub trigger: String,
    /// The event's data: an object.
    pub data: Value,
    /// The provider's id by the source's own template.
    pub id: Option<String>,
    /// What the templates name and is not there.
    pub warnings: Vec<FieldFault>,
}

/// A request, as templates see it.
pub(super) struct Seen<'a> {
    /// The source that it came to.
    pub(super) source: &'a Source,
    /// Its headers, as far as they are kept.
    pub(super) headers: &'a [(String, String)],
    /// Its body.
    pub(super) body: &'a [u8],
    /// The provider's id of it.
    pub(super) id: Option<&'a str>,
    /// What happened.
    pub(super) kind: Option<&'a str>,
    /// When it came.
    pub(super) at: Instant,
}

impl Seen<'_> {
    fn value(&self) -> Value {
        let mut headers: Map<String, Value> = Map::new();
        for (name, text) in self.headers {
            match headers.get_mut(name) {
                // As RFC 9110, section 5.3, joins them.
                Some(Value::String(known)) => {
                    known.push_str(", ");
                    known.push_str(text);
                }
                Some(_) | None => drop(headers.insert(name.clone(), text.as_str().into())),
            }
        }
        let kind = headers.get("content-type").and_then(Value::as_str);
        json!({
            "body": body::read(kind, self.body),
            "headers": headers,
            "kind": self.kind,
            "id": self.id,
            "source": {"id": self.source.id.as_str(), "name": self.source.name},
        })
    }
}

/// What is wrong with a mapping that somebody wants to save.
pub(super) fn faults(mapping: &Mapping, catalogue: &Catalogue) -> Vec<FieldFault> {
    let mut faults = read(mapping).err().unwrap_or_default();
    let literal = !is_template(&mapping.trigger) && !mapping.trigger.trim().is_empty();
    if literal && decide::find(catalogue, mapping.trigger.trim()).is_none() {
        let message = format!(
            "names {}, which is no trigger here; GET /api/v1/automation/triggers lists those that are",
            short(&mapping.trigger)
        );
        faults.push(FieldFault::new("mapping.trigger_id", message));
    }
    faults
}

/// A name that somebody wrote, as far as it is worth repeating.
fn short(text: &str) -> String {
    text.trim().chars().take(100).collect()
}

/// Reads a mapping.
///
/// # Errors
/// Every faulty field.
pub(super) fn read(mapping: &Mapping) -> Result<Read, Vec<FieldFault>> {
    let mut reading = Reading { templates: Templates::new(), fields: Fields::new() };
    if mapping.trigger.chars().count() > TRIGGER_MAX {
        reading.fields.fault("mapping.trigger_id", format!("must be at most {TRIGGER_MAX} characters"));
    }
    let trigger = reading.text(&mapping.trigger, "mapping.trigger_id");
    let data = mapping.data.as_ref().map(|data| {
        let is_text = data.as_str().is_some_and(is_template);
        if !(data.is_object() || is_text) {
            reading.fields.fault("mapping.data", "must be an object, or a template that names one");
        }
        if data.to_string().len() > DATA_MAX {
            reading.fields.fault("mapping.data", format!("must be at most {DATA_MAX} bytes"));
            return Filled::Fixed(Value::Null);
        }
        reading.any(data, "mapping.data")
    });
    let id = mapping.id.as_ref().map(|id| reading.text(id, "mapping.id"));
    let Reading { templates, fields } = reading;
    fields.done().map(|()| Read { templates, trigger, data, id })
}

struct Reading {
    templates: Templates,
    fields: Fields,
}

impl Reading {
    fn any(&mut self, value: &Value, path: &str) -> Filled {
        match value {
            Value::String(text) => self.text(text, path),
            Value::Array(items) => Filled::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(place, item)| self.any(item, &format!("{path}[{place}]")))
                    .collect(),
            ),
            Value::Object(object) => {
                let all = object.iter();
                Filled::Object(
                    all.map(|(name, item)| (name.clone(), self.any(item, &format!("{path}.{name}"))))
                        .collect(),
                )
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Filled::Fixed(value.clone()),
        }
    }

    fn text(&mut self, text: &str, path: &str) -> Filled {
        let added = match self.templates.add(text, false, &Vocabulary::open()) {
            Ok(Some(added)) => added,
            Ok(None) => return Filled::Fixed(text.into()),
            Err(message) => {
                self.fields.fault(path, message);
                return Filled::Fixed(Value::Null);
            }
        };
        let unknown =
            added.names.iter().find(|name| !ROOTS.contains(&name.split('.').next().unwrap_or_default()));
        if let Some(name) = unknown {
            self.fields.fault(path, format!("names {name}; of a request there are {}", ROOTS.join(", ")));
        }
        match place(text) {
            Some((steps, name)) => Filled::Place(steps, name),
            None => Filled::Text(added.id),
        }
    }
}

/// The place that a text names, if it is nothing else: `{{ body.lines[0].name }}`, `{{ headers["x-topic"] }}`.
fn place(text: &str) -> Option<(Vec<Step>, String)> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let ends = inner.find(['.', '[']).unwrap_or(inner.len());
    let (root, mut rest) = inner.split_at_checked(ends)?;
    // The time has no place in the request.
    if !ROOTS.contains(&root) || root == "now" {
        return None;
    }
    let mut steps = vec![Step::Field(root.to_owned())];
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let ends = after.find(['.', '[']).unwrap_or(after.len());
            let (name, behind) = after.split_at_checked(ends)?;
            let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            steps.push(is_name.then(|| Step::Field(name.to_owned()))?);
            rest = behind;
        } else {
            let (index, behind) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = ['"', '\''].iter().find_map(|mark| index.strip_prefix(*mark)?.strip_suffix(*mark));
            let plain = quoted.filter(|text| !text.contains(['"', '\'', '\\']));
            steps.push(match plain {
                Some(name) => Step::Field(name.to_owned()),
                None => Step::Item(index.parse().ok()?),
            });
            rest = behind;
        }
    }
    Some((steps, inner.to_owned()))
}

fn follow<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Item(place) => value.get(place),
    })
}

/// How many bytes a value takes at least.
fn size(value: &Value) -> usize {
    let within = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| name.len().saturating_add(size(value))).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    within.saturating_add(1)
}

impl Read {
    /// What it makes of a request.
    ///
    /// # Errors
    /// The first part that comes to nothing usable.
    pub(super) fn map(&self, seen: &Seen<'_>, zone: chrono_tz::Tz) -> Result<Mapped, FieldFault> {
        self.within(seen, zone, |rendering| {
            let trigger = rendering.text(&self.trigger, "mapping.trigger_id")?;
            let trigger = trigger.filter(|name| name.chars().count() <= TRIGGER_MAX);
            let nothing = || FieldFault::new("mapping.trigger_id", "comes to no name of a trigger");
            let data = match &self.data {
                None => rendering.value.get("body").map(body::as_data),
                Some(data) => rendering.any(data, "mapping.data")?,
            };
            let none = || FieldFault::new("mapping.data", "must come to an object");
            let data = data.filter(Value::is_object).ok_or_else(none)?;
            let id = match &self.id {
                Some(id) => rendering.text(id, "mapping.id")?,
                None => None,
            };
            Ok(Mapped { trigger: trigger.ok_or_else(nothing)?, data, id, warnings: Vec::new() })
        })
    }

    fn within(
        &self,
        seen: &Seen<'_>,
        zone: chrono_tz::Tz,
        map: impl FnOnce(&mut Rendering<'_, '_>) -> Result<Mapped, FieldFault>,
    ) -> Result<Mapped, FieldFault> {
        let value = seen.value();
        let facts = Facts::new(&value, None, Occasion::default(), Moment { now: seen.at, zone });
        let context = Context::new(&facts);
        let mut rendering = Rendering {
            templates: &self.templates,
            context: &context,
            value: &value,
            warnings: Vec::new(),
            room: OUTCOME_MAX,
        };
        let mapped = map(&mut rendering)?;
        Ok(Mapped { warnings: rendering.warnings, ..mapped })
    }
}

/// The provider's id by the source's own template; none if it comes to nothing: a request is not lost for that.
pub(super) fn own_id(mapping: &Mapping, seen: &Seen<'_>) -> Option<String> {
    let wanted = Mapping { trigger: "none".to_owned(), data: None, id: Some(mapping.id.clone()?) };
    read(&wanted).ok()?.map(seen, chrono_tz::Tz::UTC).ok()?.id
}

struct Rendering<'a, 'b> {
    templates: &'a Templates,
    context: &'a Context<'b>,
    value: &'a Value,
    warnings: Vec<FieldFault>,
    /// How many bytes it may still come to.
    room: usize,
}

impl Rendering<'_, '_> {
    fn missing(&mut self, path: &str, name: &str, what: &str) {
        self.warnings.push(FieldFault::new(path, format!("{name} is not in the request; it {what}")));
    }

    /// Takes what something comes to from the room that is left.
    fn take(&mut self, path: &str, size: usize) -> Result<(), FieldFault> {
        let fault = || FieldFault::new(path, "is too much: a mapping may come to 1 MiB in all");
        self.room = self.room.checked_sub(size).ok_or_else(fault)?;
        Ok(())
    }

    /// `None` for what is not there.
    fn any(&mut self, filled: &Filled, path: &str) -> Result<Option<Value>, FieldFault> {
        Ok(match filled {
            Filled::Fixed(value) => Some(value.clone()),
            Filled::Place(steps, name) => {
                let found = follow(self.value, steps);
                match found {
                    Some(value) => self.take(path, size(value))?,
                    None => self.missing(path, name, "is left out"),
                }
                found.cloned()
            }
            Filled::Text(id) => {
                let failed = |message: String| FieldFault::new(path, message);
                let rendered = self.templates.render(*id, self.context).map_err(failed)?;
                self.take(path, rendered.text.len())?;
                rendered.missing.iter().for_each(|name| self.missing(path, name, "stands empty"));
                Some(Value::String(rendered.text))
            }
            Filled::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (place, item) in items.iter().enumerate() {
                    list.push(self.any(item, &format!("{path}[{place}]"))?.unwrap_or_default());
                }
                Some(Value::Array(list))
            }
            Filled::Object(items) => {
                let mut object = Map::new();
                for (name, item) in items {
                    if let Some(value) = self.any(item, &format!("{path}.{name}"))? {
                        object.insert(name.clone(), value);
                    }
                }
                Some(Value::Object(object))
            }
        })
    }

    /// A text that is not empty.
    fn text(&mut self, filled: &Filled, path: &str) -> Result<Option<String>, FieldFault> {
        let text = match self.any(filled, path)? {
            Some(Value::String(text)) => text,
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            Some(Value::Null) | None => String::new(),
            Some(Value::Array(_) | Value::Object(_)) => {
                return Err(FieldFault::new(path, "must come to a text"));
            }
        };
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}

#[cfg(test)]
mod tests;
