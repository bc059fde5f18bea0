//! What is to be done when a rule matches? Actions, read from JSON and checked when the rule is saved; and the plan that
//! they make of an event's data.

use crate::{
    Catalogue,
    parameter::{Filled, Parameter, Reading, Shape},
};
use kernel::{FieldFault, Fields, Span};
use language::{
    Fields as Named, Holds, Vocabulary, duration,
    template::{Context, Templates},
};
use serde_json::{Map, Value};

/// The most actions of a rule.
pub(crate) const MOST_ACTIONS: usize = 20;

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionKind {
    /// Tells somebody something.
    SendNotification,
    /// Raises another event.
    PublishEvent,
    /// Sends an HTTP request.
    HttpRequest,
    /// Lets time pass before the next action.
    Wait,
    /// Makes a task.
    CreateTask,
    /// Moves a record to another status, or stage.
    UpdateStatus,
    /// Sends something to a webhook endpoint of the tenant's, signed.
    SendWebhook,
}

/// What follows when an action is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The next action goes on.
    #[default]
    Continue,
    /// The next ones wait until it was tried again and is done.
    Stop,
}

impl OnError {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Stop => "stop",
        }
    }
}

const fn required(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, required: true, shape }
}

const fn optional(name: &'static str, shape: Shape) -> Parameter {
    Parameter { name, required: false, shape }
}

const SEND_NOTIFICATION: &[Parameter] = &[
    required("recipient", Shape::Text(320)),
    required("message", Shape::Text(10_000)),
    optional("channel", Shape::Text(200)),
    optional("title", Shape::Text(500)),
];

const PUBLISH_EVENT: &[Parameter] = &[required("trigger_id", Shape::Trigger), required("data", Shape::Data)];

const HTTP_REQUEST: &[Parameter] = &[
    required("url", Shape::Url),
    optional("method", Shape::Method),
    optional("headers", Shape::Headers),
    optional("body", Shape::Json),
];

const CREATE_TASK: &[Parameter] = &[
    required("title", Shape::Text(200)),
    optional("description", Shape::Text(10_000)),
    optional("due_date", Shape::When),
    optional("assignee", Shape::Text(320)),
    optional("priority", Shape::OneOf(&["low", "normal", "high", "urgent"])),
    optional("labels", Shape::Labels),
    optional("about", Shape::About),
];

const UPDATE_STATUS: &[Parameter] = &[
    required("entity_id", Shape::Text(200)),
    required("new_status", Shape::Text(50)),
    optional("entity_type", Shape::Text(40)),
];

const SEND_WEBHOOK: &[Parameter] = &[
    required("endpoint", Shape::Endpoint),
    optional("type", Shape::Text(200)),
    optional("data", Shape::Json),
];

const WAIT: &[Parameter] = &[optional("for", Shape::Span), optional("until", Shape::When)];

impl ActionKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::SendNotification,
        Self::PublishEvent,
        Self::HttpRequest,
        Self::Wait,
        Self::CreateTask,
        Self::UpdateStatus,
        Self::SendWebhook,
    ];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendNotification => "send_notification",
            Self::PublishEvent => "publish_event",
            Self::HttpRequest => "http_request",
            Self::Wait => "wait",
            Self::CreateTask => "create_task",
            Self::UpdateStatus => "update_status",
            Self::SendWebhook => "send_webhook",
        }
    }

    const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::SendNotification => SEND_NOTIFICATION,
            Self::PublishEvent => PUBLISH_EVENT,
            Self::HttpRequest => HTTP_REQUEST,
            Self::Wait => WAIT,
            Self::CreateTask => CREATE_TASK,
            Self::UpdateStatus => UPDATE_STATUS,
            Self::SendWebhook => SEND_WEBHOOK,
        }
    }

    /// What its result holds, for the actions after it.
    fn result(self) -> Option<Holds> {
        let named = |names: &[(&str, Holds)]| {
            let named = names.iter().map(|(name, holds)| ((*name).into(), holds.clone())).collect();
            Some(Holds::Object(Named { named, open: false }))
        };
        match self {
            Self::SendNotification => {
                named(&[("message_id", Holds::Text(None)), ("deliveries", Holds::Number)])
            }
            Self::PublishEvent => named(&[("event_id", Holds::Text(None)), ("duplicate", Holds::Truth)]),
            Self::HttpRequest | Self::SendWebhook => {
                named(&[("status", Holds::Number), ("headers", Holds::Anything), ("body", Holds::Anything)])
            }
            Self::CreateTask => named(&[("task_id", Holds::Text(None))]),
            Self::UpdateStatus => named(&[
                ("entity_id", Holds::Text(None)),
                ("new_status", Holds::Text(None)),
                ("changed", Holds::Truth),
            ]),
            Self::Wait => None,
        }
    }
}

/// No action has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownAction;

impl std::fmt::Display for UnknownAction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = ActionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        write!(out, "is not an action type; the types are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownAction {}

impl std::str::FromStr for ActionKind {
    type Err = UnknownAction;
    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(UnknownAction)
    }
}

/// How often and when a failed action is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often it is tried in all: 1 to 20.
    pub max_attempts: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait: Span,
    /// The longest wait.
    pub max_wait: Span,
}

impl Default for Retry {
    /// What stands in for the parts of a `retry` that are left out.
    fn default() -> Self {
        Self { max_attempts: 8, first_wait: Span::seconds(5), max_wait: Span::hours(1) }
    }
}

/// One action of a rule, checked.
#[derive(Debug, Clone)]
struct Action {
    id: Option<String>,
    kind: ActionKind,
    parameters: Vec<(&'static Parameter, Filled)>,
    delay: Span,
    retry: Option<Retry>,
    on_error: OnError,
    /// As it stands in the rule, if its templates name the results of earlier actions: then it is rendered once they are there.
    late: Option<Value>,
}

/// A rule's actions, checked, their templates compiled.
#[derive(Debug, Clone)]
pub struct Actions {
    actions: Vec<Action>,
    templates: Templates,
    warnings: Vec<FieldFault>,
    places_record: bool,
}

/// One action, ready to be run as a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedAction {
    /// Its place among the rule's actions.
    pub index: usize,
    /// Its name, by which later actions use its result.
    pub id: Option<String>,
    /// What it does.
    pub kind: ActionKind,
    /// Its parameters with the data put in: a JSON object. Of a late action, the parameters as they stand in the rule.
    pub parameters: Value,
    /// Whether the data can be put in only when earlier actions are done.
    pub is_late: bool,
    /// How long to wait, once it is its turn, before it is run.
    pub delay: Span,
    /// How to retry; `None` leaves it to the queue.
    pub retry: Option<Retry>,
    /// What follows when it is given up.
    pub on_error: OnError,
    /// What the templates named and the data did not hold.
    pub warnings: Vec<FieldFault>,
}

/// A matched rule's actions cannot be carried out with this data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct RenderFault {
    /// The place of the action that cannot be carried out.
    pub index: usize,
    /// What it would have done.
    pub kind: ActionKind,
    /// What is wrong, by the path of the parameter.
    pub fault: FieldFault,
}

impl Actions {
    /// Reads the JSON list of a rule's actions. Templates may name what `vocabulary` knows, and the results of the actions before.
    ///
    /// # Errors
    /// Every faulty part with its path: `actions[0].parameters.message`.
    pub fn read(
        list: &Value,
        vocabulary: &Vocabulary,
        catalogue: &Catalogue,
    ) -> Result<Self, Vec<FieldFault>> {
        let mut reading = Reading {
            catalogue,
            vocabulary: vocabulary.clone(),
            templates: Templates::new(),
            fields: Fields::new(),
            warnings: Vec::new(),
            wants_results: false,
            wants_record: false,
        };
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() || items.len() > MOST_ACTIONS {
            reading.fields.fault("actions", format!("must be a list of 1 to {MOST_ACTIONS} actions"));
        }
        let mut actions: Vec<Action> = Vec::new();
        for (index, item) in items.iter().take(MOST_ACTIONS).enumerate() {
            let path = format!("actions[{index}]");
            let Some(action) = action(item, &path, &mut reading) else { continue };
            if let Some(id) = &action.id {
                if actions.iter().any(|before| before.id.as_ref() == Some(id)) {
                    reading
                        .fields
                        .fault(format!("{path}.id"), "is the name of an action before it; give each its own");
                }
                if let Some(holds) = action.kind.result() {
                    reading.vocabulary = reading.vocabulary.with_result(id, holds);
                }
            }
            actions.push(action);
        }
        let (templates, warnings, places_record) =
            (reading.templates, reading.warnings, reading.wants_record);
        reading.fields.done().map(|()| Self { actions, templates, warnings, places_record })
    }

    /// Whether they place something of the record that the event is about.
    pub(crate) const fn place_record(&self) -> bool {
        self.places_record
    }

    /// What may be a mistake and is no fault: names that the schema does not know.
    #[must_use]
    pub fn warnings(&self) -> &[FieldFault] {
        &self.warnings
    }

    /// The triggers whose events the actions raise.
    pub(crate) fn raises(&self) -> impl Iterator<Item = &str> {
        let raising = self.actions.iter().filter(|action| action.kind == ActionKind::PublishEvent);
        raising.flat_map(|action| &action.parameters).filter_map(|(parameter, filled)| match filled {
            Filled::Fixed(Value::String(name)) if parameter.name == "trigger_id" => Some(name.as_str()),
            _ => None,
        })
    }

    /// What is to be done for the facts in `context`.
    ///
    /// # Errors
    /// The first parameter that comes to nothing usable: then none of the actions is carried out.
    pub(crate) fn plan(&self, context: &Context<'_>) -> Result<Vec<PlannedAction>, RenderFault> {
        self.actions
            .iter()
            .enumerate()
            .map(|(index, action)| action.plan(index, &self.templates, context))
            .collect()
    }
}

impl Action {
    fn plan(
        &self,
        index: usize,
        templates: &Templates,
        context: &Context<'_>,
    ) -> Result<PlannedAction, RenderFault> {
        let mut warnings = Vec::new();
        let parameters = match &self.late {
            Some(said) if !context.has_results() => said.clone(),
            Some(_) | None => self
                .render(index, templates, context, &mut warnings)
                .map_err(|fault| RenderFault { index, kind: self.kind, fault })?,
        };
        Ok(PlannedAction {
            index,
            id: self.id.clone(),
            kind: self.kind,
            parameters,
            is_late: self.late.is_some() && !context.has_results(),
            delay: self.delay,
            retry: self.retry,
            on_error: self.on_error,
            warnings,
        })
    }

    fn render(
        &self,
        index: usize,
        templates: &Templates,
        context: &Context<'_>,
        warnings: &mut Vec<FieldFault>,
    ) -> Result<Value, FieldFault> {
        let mut parameters = Map::new();
        for (parameter, filled) in &self.parameters {
            let path = format!("actions[{index}].parameters.{}", parameter.name);
            let value = filled.render(&path, templates, context, warnings)?;
            parameter.shape.check_rendered(&value).map_err(|message| FieldFault::new(path, message))?;
            parameters.insert(parameter.name.to_owned(), value);
        }
        Ok(Value::Object(parameters))
    }
}

/// The parameters of a late action, once the results of those before it are there.
///
/// # Errors
/// The first parameter that comes to nothing usable.
pub fn render_late(kind: ActionKind, parameters: &Value, context: &Context<'_>) -> Result<Value, FieldFault> {
    let said = serde_json::json!([{"type": kind.as_str(), "parameters": parameters}]);
    let mut reading = Reading {
        catalogue: &Catalogue::default(),
        vocabulary: Vocabulary::open().with_any_result(),
        templates: Templates::new(),
        fields: Fields::new(),
        warnings: Vec::new(),
        wants_results: false,
        wants_record: false,
    };
    let first = said.as_array().and_then(|list| list.first()).unwrap_or(&Value::Null);
    // It was checked when the rule was saved: what is wrong now was right then, and the rendering tells.
    let Some(action) = action(first, "action", &mut reading) else {
        return Err(FieldFault::new("action", "can no longer be read"));
    };
    action.render(0, &reading.templates, context, &mut Vec::new())
}

fn action(value: &Value, path: &str, reading: &mut Reading<'_>) -> Option<Action> {
    let Some(object) = value.as_object() else {
        reading.fields.fault(path, "must be an object with a type and parameters");
        return None;
    };
    only(object, path, &["id", "type", "parameters", "delay", "retry", "on_error"], &mut reading.fields);
    let kind = match object.get("type").and_then(Value::as_str) {
        Some(name) => reading.fields.take(&format!("{path}.type"), name.parse::<ActionKind>()),
        None => {
            reading
                .fields
                .fault(format!("{path}.type"), "must name an action type, such as send_notification");
            None
        }
    };
    let id = object.get("id").and_then(|id| reading.fields.take(&format!("{path}.id"), name(id)));
    let delay = object.get("delay").map_or(Some(Span::default()), |delay| {
        reading.fields.take(&format!("{path}.delay"), duration::read(delay))
    });
    let retry =
        object.get("retry").map(|retry| read_retry(retry, &format!("{path}.retry"), &mut reading.fields));
    let on_error = match object.get("on_error").map(Value::as_str) {
        None | Some(Some("continue")) => OnError::Continue,
        Some(Some("stop")) => OnError::Stop,
        Some(_) => {
            reading.fields.fault(format!("{path}.on_error"), "must be continue or stop");
            OnError::Continue
        }
    };
    let kind = kind?;
    reading.wants_results = false;
    let parameters = parameters(kind, object.get("parameters"), path, reading);
    let said = || object.get("parameters").cloned().unwrap_or_default();
    let late = reading.wants_results.then(said);
    Some(Action { id, kind, parameters, delay: delay?, retry, on_error, late })
}

/// A name by which later actions use the result.
fn name(value: &Value) -> Result<String, &'static str> {
    let sound = |name: &str| {
        (1..=40).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    value
        .as_str()
        .filter(|name| sound(name))
        .map(str::to_owned)
        .ok_or("must be 1 to 40 of a-z, 0-9 and _, beginning with a letter")
}

fn parameters(
    kind: ActionKind,
    given: Option<&Value>,
    path: &str,
    reading: &mut Reading<'_>,
) -> Vec<(&'static Parameter, Filled)> {
    let path = format!("{path}.parameters");
    let empty = Map::new();
    let given = match given {
        Some(Value::Object(object)) => object,
        Some(_) => {
            reading.fields.fault(path, "must be an object");
            return Vec::new();
        }
        None => &empty,
    };
    let names: Vec<&str> = kind.parameters().iter().map(|parameter| parameter.name).collect();
    only(given, &path, &names, &mut reading.fields);
    if kind == ActionKind::Wait && given.contains_key("for") == given.contains_key("until") {
        reading.fields.fault(&path, "must name either for, how long to wait, or until, when to go on");
    }
    let mut filled = Vec::new();
    for parameter in kind.parameters() {
        let place = format!("{path}.{}", parameter.name);
        match given.get(parameter.name) {
            Some(value) => {
                parameter.shape.check(value, &place, given, reading);
                filled.push((parameter, Filled::compile(parameter.shape, value, &place, reading)));
            }
            None if parameter.required => {
                reading.fields.fault(place, format!("is missing; {} needs it", kind.as_str()));
            }
            None => filled.extend(parameter.shape.default().map(|value| (parameter, Filled::Fixed(value)))),
        }
    }
    filled
}

fn read_retry(value: &Value, path: &str, fields: &mut Fields) -> Retry {
    let plain = Retry::default();
    let Some(object) = value.as_object() else {
        fields.fault(path, "must be an object of max_attempts, first_wait and max_wait");
        return plain;
    };
    only(object, path, &["max_attempts", "first_wait", "max_wait"], fields);
    let attempts = object.get("max_attempts").map(|value| {
        value
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| (1..=20).contains(count))
            .ok_or("must be a whole number from 1 to 20")
    });
    let wait = |name: &str, fields: &mut Fields| {
        object.get(name).and_then(|value| fields.take(&format!("{path}.{name}"), duration::read(value)))
    };
    let first_wait = wait("first_wait", fields);
    let max_wait = wait("max_wait", fields);
    let retry = Retry {
        max_attempts: attempts
            .and_then(|attempts| fields.take(&format!("{path}.max_attempts"), attempts))
            .unwrap_or(plain.max_attempts),
        first_wait: first_wait.unwrap_or_else(|| plain.first_wait.min(max_wait.unwrap_or(plain.first_wait))),
        max_wait: max_wait.unwrap_or_else(|| plain.max_wait.max(first_wait.unwrap_or(plain.max_wait))),
    };
    if retry.first_wait > retry.max_wait {
        fields.fault(format!("{path}.max_wait"), "must not be shorter than first_wait");
    }
    retry
}

/// Notes a fault for every key that is not allowed.
fn only(object: &Map<String, Value>, path: &str, allowed: &[&str], fields: &mut Fields) {
    for key in object.keys().filter(|key| !allowed.contains(&key.as_str())) {
        let shown: String = key.chars().take(100).collect();
        fields.fault(
            format!("{path}.{shown}"),
            format!("is not a field here; it takes {}", allowed.join(", ")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(actions: &Value) -> Vec<String> {
        let faults = Actions::read(actions, &Vocabulary::open(), &Catalogue::default()).expect_err("a fault");
        faults.iter().map(ToString::to_string).collect()
    }

    fn request(parameters: &Value) -> Vec<String> {
        let said = json!([{"type": "http_request", "parameters": parameters}]);
        let read = Actions::read(&said, &Vocabulary::open(), &Catalogue::default());
        let faults = read.err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faulty_parts_are_told_at_once() {
        let said = faults(&json!([
            {"type": "send_notification", "parameters": {"message": "Hello {{name", "colour": "red"}, "when": 1},
            {"type": "send_pigeon", "parameters": {}},
            {"type": "publish_event", "parameters": {"trigger_id": "deal_closed_won", "data": {"value": 1}}, "delay": "soon"},
            {"type": "send_notification", "parameters": {"recipient": " ", "message": 5},
             "retry": {"max_attempts": 21, "first_wait": "PT2H", "max_wait": "PT1H", "jitter": true}},
            {"parameters": []},
        ]));
        assert_eq!(
            said,
            [
                "actions[0].when: is not a field here; it takes id, type, parameters, delay, retry, on_error",
                "actions[0].parameters.colour: is not a field here; it takes recipient, message, channel, title",
                "actions[0].parameters.recipient: is missing; send_notification needs it",
                "actions[0].parameters.message: is not a template: syntax error: unexpected end of input, expected end of variable block",
                "actions[1].type: is not an action type; the types are send_notification, publish_event, http_request, wait, create_task, update_status, send_webhook",
                "actions[2].delay: must be an ISO 8601 duration such as \"PT5M\" or \"P1DT12H\", or seconds as a whole number",
                "actions[2].parameters.data.opportunity_id: is missing; deal_closed_won needs it",
                "actions[3].retry.jitter: is not a field here; it takes max_attempts, first_wait, max_wait",
                "actions[3].retry.max_attempts: must be a whole number from 1 to 20",
                "actions[3].retry.max_wait: must not be shorter than first_wait",
                "actions[3].parameters.recipient: must not be empty",
                "actions[3].parameters.message: must be text",
                "actions[4].type: must name an action type, such as send_notification",
            ]
        );
        assert_eq!(faults(&json!([])), ["actions: must be a list of 1 to 20 actions"]);
        assert_eq!(faults(&json!(null)), ["actions: must be a list of 1 to 20 actions"]);
        assert_eq!(faults(&Value::from(vec![json!(1); 21]))[0], "actions: must be a list of 1 to 20 actions");
    }

    #[test]
    fn an_endpoint_is_named_as_it_stands() {
        let webhook = |parameters: Value| {
            let said = json!([{"type": "send_webhook", "parameters": parameters}]);
            let read = Actions::read(&said, &Vocabulary::open(), &Catalogue::default());
            let faults = read.err().unwrap_or_default();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let id = "end_01hf7yat00zzzzzzzzzzzzzzzz";
        assert_eq!(webhook(json!({"endpoint": id})), [""; 0]);
        assert_eq!(
            webhook(json!({"endpoint": id, "type": "deal.{{a}}", "data": {"a": "{{b}}", "c": 1}})),
            [""; 0]
        );
        let said = "actions[0].parameters.endpoint: must be the id of a webhook endpoint as it stands, end_ and 26 letters and digits";
        for wrong in [json!("{{endpoint}}"), json!("https://example.com/"), json!(1)] {
            assert_eq!(webhook(json!({"endpoint": wrong})), [said]);
        }
        assert_eq!(webhook(json!({})), ["actions[0].parameters.endpoint: is missing; send_webhook needs it"]);
    }

    #[test]
    fn an_address_names_its_host_itself() {
        for url in ["https://example.com/{{a}}?b={{b}}", "http://10.0.0.1:8080", "https://example.com?{{a}}"]
        {
            assert_eq!(request(&json!({"url": url})), [""; 0], "{url}");
        }
        for url in [
            "{{url}}",
            "https://{{host}}/",
            "https://example.com{{more}}/",
            "https:///example.com{{more}}/",
            "https://example.com\\{{more}}@evil/",
            "ftp://example.com/",
            "https://user:word@example.com/",
            "example.com",
            "https://",
        ] {
            let said = request(&json!({"url": url}));
            if url != "https://example.com\\{{more}}@evil/" {
                assert!(
                    said.len() == 1 && said[0].starts_with("actions[0].parameters.url: must "),
                    "{url}: {said:?}"
                );
            }
        }
    }

    #[test]
    fn headers_and_methods_are_checked() {
        let said = request(&json!({
            "url": "https://example.com/",
            "method": "TRACE",
            "headers": {"Host": "x", "X Y": "z", "X-A": "a\r\nb", "X-B": 1, "X-C": "{{ok}}"},
        }));
        assert_eq!(
            said,
            [
                "actions[0].parameters.method: must be one of GET, POST, PUT, PATCH, DELETE, HEAD",
                "actions[0].parameters.headers.Host: is a header that the sender sets itself",
                "actions[0].parameters.headers.X Y: is not a header name",
                "actions[0].parameters.headers.X-A: must be text of at most 4000 characters, without line breaks",
                "actions[0].parameters.headers.X-B: must be text of at most 4000 characters, without line breaks",
            ]
        );
    }

    #[test]
    fn what_is_left_out_of_retry_fits_the_rest() {
        let retry = |said: Value| {
            let mut fields = Fields::new();
            let retry = read_retry(&said, "retry", &mut fields);
            assert!(fields.is_sound(), "{said}");
            (retry.max_attempts, retry.first_wait.as_millis(), retry.max_wait.as_millis())
        };
        assert_eq!(retry(json!({})), (8, 5_000, 3_600_000));
        assert_eq!(retry(json!({"max_wait": 1})), (8, 1_000, 1_000));
        assert_eq!(retry(json!({"first_wait": "PT2H", "max_attempts": 1})), (1, 7_200_000, 7_200_000));
    }
}
