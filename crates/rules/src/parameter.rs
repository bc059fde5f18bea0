//! What does an action take? Its parameters, which of them are templates, and what they must come to.

use crate::Catalogue;
use kernel::{FieldFault, Fields};
use language::{
    Vocabulary, When, duration,
    template::{Context, TemplateId, Templates, is_template},
};
use serde_json::{Map, Value, json};

/// What kind of thing a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A text, with templates; at most so many characters, and not empty once rendered.
    Text(usize),
    /// The name of a trigger, as it stands.
    Trigger,
    /// An object with templates in its texts: data of the trigger named beside it.
    Data,
    /// An http or https address; its path and query may have templates.
    Url,
    /// An HTTP method, as it stands.
    Method,
    /// An object of header names and texts, which may have templates.
    Headers,
    /// Any JSON, with templates in its texts.
    Json,
    /// A duration, as it stands.
    Span,
    /// A text, with templates, that comes to a time.
    When,
    /// One of these words, or a template that comes to one.
    OneOf(&'static [&'static str]),
    /// A list of labels, with templates.
    Labels,
    /// What something is about: an object of a type and an id, with templates.
    About,
}

/// An action being read: what may be named, and what was found.
pub(crate) struct Reading<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) templates: Templates,
    pub(crate) fields: Fields,
    pub(crate) warnings: Vec<FieldFault>,
    /// Whether a template of the present action names the results of earlier ones.
    pub(crate) wants_results: bool,
    /// Whether a template of any action names the record that the event is about.
    pub(crate) wants_record: bool,
}

impl Reading<'_> {
    fn template(&mut self, text: &str, path: &str, address: bool) -> Filled {
        match self.templates.add(text, address, &self.vocabulary) {
            Ok(Some(added)) => {
                self.wants_results |= added.wants_results;
                self.wants_record |= added.wants_record;
                self.warnings.extend(added.warnings.into_iter().map(|said| FieldFault::new(path, said)));
                Filled::Text(added.id)
            }
            Ok(None) => Filled::Fixed(text.into()),
            Err(message) => {
                self.fields.fault(path, message);
                Filled::Fixed(Value::Null)
            }
        }
    }
}

/// A parameter of an action.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

/// A parameter's value with its templates compiled.
#[derive(Debug, Clone)]
pub(crate) enum Filled {
    /// As it stands.
    Fixed(Value),
    /// A template.
    Text(TemplateId),
    /// A list with templates in it.
    List(Vec<Filled>),
    /// An object with templates in it.
    Object(Vec<(String, Filled)>),
}

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
/// Headers that the sender sets itself, or that would change what the request is.
const OWN_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Filled {
    /// Compiles the templates in a parameter, noting a fault for each that does not compile.
    pub(crate) fn compile(shape: Shape, value: &Value, path: &str, reading: &mut Reading<'_>) -> Self {
        match value {
            Value::String(text) => reading.template(text, path, shape == Shape::Url),
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Self::compile(shape, item, &format!("{path}[{index}]"), reading))
                    .collect(),
            ),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(name, item)| {
                        let filled = Self::compile(shape, item, &format!("{path}.{name}"), reading);
                        (name.clone(), filled)
                    })
                    .collect(),
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
        }
    }

    /// The value for this data. What is missing in the data is noted as a warning.
    ///
    /// # Errors
    /// The first template that cannot be rendered.
    pub(crate) fn render(
        &self,
        path: &str,
        templates: &Templates,
        context: &Context<'_>,
        warnings: &mut Vec<FieldFault>,
    ) -> Result<Value, FieldFault> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(id) => {
                let rendered =
                    templates.render(*id, context).map_err(|message| FieldFault::new(path, message))?;
                for name in rendered.missing {
                    warnings
                        .push(FieldFault::new(path, format!("{name} is not in the data; it stands empty")));
                }
                Ok(Value::String(rendered.text))
            }
            Self::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| item.render(&format!("{path}[{index}]"), templates, context, warnings))
                .collect(),
            Self::Object(items) => {
                let mut object = Map::new();
                for (name, item) in items {
                    let value = item.render(&format!("{path}.{name}"), templates, context, warnings)?;
                    object.insert(name.clone(), value);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

impl Shape {
    /// What is wrong with a parameter as it stands in the rule; `beside` are all parameters of the action.
    pub(crate) fn check(
        self,
        value: &Value,
        path: &str,
        beside: &Map<String, Value>,
        reading: &mut Reading<'_>,
    ) {
        let fields = &mut reading.fields;
        match self {
            Self::Text(most) => match value.as_str() {
                Some(text) if text.trim().is_empty() => fields.fault(path, "must not be empty"),
                Some(text) if text.chars().count() > most => {
                    fields.fault(path, format!("must be at most {most} characters"));
                }
                Some(_) => {}
                None => fields.fault(path, "must be text"),
            },
            Self::Trigger => match value.as_str() {
                Some(name) => {
                    fields.take(path, reading.catalogue.find(name).map(drop));
                }
                None => fields.fault(path, "must be the name of a trigger"),
            },
            Self::Data => check_data(value, path, beside, reading),
            Self::Url => match value.as_str() {
                Some(text) => {
                    fields.take(path, address(text));
                }
                None => fields.fault(path, "must be an address such as https://example.com/orders"),
            },
            Self::Method => {
                if !value.as_str().is_some_and(|method| METHODS.contains(&method)) {
                    fields.fault(path, format!("must be one of {}", METHODS.join(", ")));
                }
            }
            Self::Headers => check_headers(value, path, fields),
            Self::Json => {}
            Self::Span => {
                fields.take(path, duration::read(value));
            }
            Self::When => match value.as_str() {
                Some(text) if is_template(text) => {}
                Some(text) => {
                    fields.take(path, text.parse::<When>());
                }
                None => fields.fault(path, "must be a text that says a time"),
            },
            Self::OneOf(_) | Self::Labels | Self::About => {
                if let Err(message) = self.check_task(value, true) {
                    fields.fault(path, message);
                }
            }
        }
    }

    /// What is wrong with a parameter once it is rendered.
    pub(crate) fn check_rendered(self, value: &Value) -> Result<(), String> {
        match self {
            Self::Text(_) if value.as_str().is_none_or(|text| text.trim().is_empty()) => {
                Err("is empty, because the data has nothing to put there".to_owned())
            }
            Self::Url => {
                let text = value.as_str().unwrap_or_default();
                let path = text.split(['?', '#']).next().unwrap_or_default();
                if url::Url::parse(text).is_err() {
                    Err("is no address once the data is put in".to_owned())
                } else if path.split('/').any(|segment| [".", ".."].contains(&segment)) {
                    Err("has a path segment . or .. once the data is put in".to_owned())
                } else {
                    Ok(())
                }
            }
            Self::Headers => {
                match value.as_object().and_then(|headers| headers.iter().find(|(_, text)| !is_header(text)))
                {
                    Some((name, _)) => Err(format!(
                        "has a line break or control character in {name} once the data is put in"
                    )),
                    None => Ok(()),
                }
            }
            Self::When => match value.as_str().map(str::parse::<When>) {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(format!("is {value}, which is no time, once the data is put in")),
            },
            Self::OneOf(_) | Self::Labels | Self::About => self.check_task(value, false),
            Self::Text(_) | Self::Trigger | Self::Data | Self::Method | Self::Json | Self::Span => Ok(()),
        }
    }

    /// What is wrong with a parameter of a task: as it stands in the rule, where it may be a template, or rendered.
    fn check_task(self, value: &Value, may_be_template: bool) -> Result<(), String> {
        let sound = |value: &Value, most: usize| {
            value.as_str().is_some_and(|text| !text.trim().is_empty() && text.chars().count() <= most)
        };
        let open = |value: &Value| may_be_template && value.as_str().is_some_and(is_template);
        match self {
            Self::OneOf(words)
                if !open(value) && !value.as_str().is_some_and(|word| words.contains(&word)) =>
            {
                Err(format!("must be one of {}", words.join(", ")))
            }
            Self::Labels => {
                let labels = value.as_array().map(Vec::as_slice);
                let fit = |label: &Value| open(label) || sound(label, 50);
                if labels.is_some_and(|labels| labels.len() <= 20 && labels.iter().all(fit)) {
                    Ok(())
                } else {
                    Err("must be a list of at most 20 texts of 1 to 50 characters".to_owned())
                }
            }
            Self::About => {
                let fit = |name| value.get(name).is_some_and(|part| open(part) || sound(part, 200));
                if value.as_object().is_some_and(|about| about.len() == 2) && fit("type") && fit("id") {
                    Ok(())
                } else {
                    Err("must be an object of type and id, both texts: what the task is about".to_owned())
                }
            }
            _ => Ok(()),
        }
    }

    /// What stands in for a parameter that is left out.
    pub(crate) fn default(self) -> Option<Value> {
        (self == Self::Method).then(|| json!("POST"))
    }
}

/// What the data of an event that a rule raises lacks, or has too much, by the schema of its trigger. What templates come to is
/// known when they are rendered, and checked when the event is raised.
fn check_data(value: &Value, path: &str, beside: &Map<String, Value>, reading: &mut Reading<'_>) {
    let Some(object) = value.as_object() else {
        reading.fields.fault(path, "must be an object: the data of the event");
        return;
    };
    let named = beside.get("trigger_id").and_then(Value::as_str);
    let Some(Ok(trigger)) = named.map(|name| reading.catalogue.find(name)) else {
        return;
    };
    for name in trigger.required_data() {
        if object.get(name).is_none_or(Value::is_null) {
            let message = format!("is missing; {} needs it", trigger.trigger_id);
            reading.fields.fault(format!("{path}.{name}"), message);
        }
    }
    for name in object.keys() {
        if let Err(message) = trigger.vocabulary().path(&format!("data.{name}")) {
            reading.fields.fault(format!("{path}.{name}"), message);
        }
    }
}

/// Checks an address whose path and query may have templates: scheme and host must stand in the rule, so that data
/// cannot send a request elsewhere.
fn address(text: &str) -> Result<(), String> {
    let shape = || "must begin with http:// or https:// and a host".to_owned();
    if text.chars().count() > 2_000 {
        return Err("must be at most 2000 characters".to_owned());
    }
    let (_, behind) = text.split_once("://").ok_or_else(shape)?;
    let authority = behind.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(shape());
    }
    if authority.contains('{') {
        return Err("must name its host as it stands: data may fill the path and the query only".to_owned());
    }
    let fixed = text.split('{').next().unwrap_or_default();
    let parsed = url::Url::parse(fixed).map_err(|_| shape())?;
    if !["http", "https"].contains(&parsed.scheme()) || !parsed.has_host() {
        return Err(shape());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("must not carry a user name or password: put credentials into headers".to_owned());
    }
    Ok(())
}

fn check_headers(value: &Value, path: &str, fields: &mut Fields) {
    let Some(headers) = value.as_object() else {
        fields.fault(path, "must be an object of header names and texts");
        return;
    };
    if headers.len() > 30 {
        fields.fault(path, "must hold at most 30 headers");
    }
    for (name, text) in headers {
        let shown: String = name.chars().take(100).collect();
        let place = format!("{path}.{shown}");
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
            fields.fault(&place, "is not a header name");
        }
        if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            fields.fault(&place, "is a header that the sender sets itself");
        }
        if !is_header(text) {
            fields.fault(&place, "must be text of at most 4000 characters, without line breaks");
        }
    }
}

fn is_header(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() <= 4_000 && !text.chars().any(char::is_control))
}
