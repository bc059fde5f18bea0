//! What is to be done when a rule matches? Actions, read from JSON and checked when the rule is saved; and the plan that
//! they make of an event's data.

use crate::{
    duration,
    parameter::{Filled, Parameter, Shape},
    template::{Context, Templates},
};
use kernel::{FieldFault, Fields, Span};
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
    /// Makes a task.
    CreateTask,
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
    optional("due_date", Shape::Due),
    optional("assignee", Shape::Text(320)),
    optional("priority", Shape::OneOf(&["low", "normal", "high", "urgent"])),
    optional("labels", Shape::Labels),
    optional("about", Shape::About),
];

impl ActionKind {
    /// All kinds.
    pub const ALL: &'static [Self] =
        &[Self::SendNotification, Self::PublishEvent, Self::HttpRequest, Self::CreateTask];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendNotification => "send_notification",
            Self::PublishEvent => "publish_event",
            Self::HttpRequest => "http_request",
            Self::CreateTask => "create_task",
        }
    }

    const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::SendNotification => SEND_NOTIFICATION,
            Self::PublishEvent => PUBLISH_EVENT,
            Self::HttpRequest => HTTP_REQUEST,
            Self::CreateTask => CREATE_TASK,
        }
    }
}

/// No action has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an action type; the types are send_notification, publish_event, http_request, create_task")]
pub struct UnknownAction;

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
    kind: ActionKind,
    parameters: Vec<(&'static Parameter, Filled)>,
    delay: Span,
    retry: Option<Retry>,
}

/// A rule's actions, checked, their templates compiled.
#[derive(Debug, Clone)]
pub struct Actions {
    actions: Vec<Action>,
    templates: Templates,
}

/// One action, ready to be run as a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedAction {
    /// Its place among the rule's actions.
    pub index: usize,
    /// What it does.
    pub kind: ActionKind,
    /// Its parameters with the data put in: a JSON object.
    pub parameters: Value,
    /// How long to wait before it is run.
    pub delay: Span,
    /// How to retry; `None` leaves it to the queue.
    pub retry: Option<Retry>,
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
    /// Reads the JSON list of a rule's actions.
    ///
    /// # Errors
    /// Every faulty part with its path: `actions[0].parameters.message`.
    pub fn read(list: &Value) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let mut templates = Templates::new();
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() || items.len() > MOST_ACTIONS {
            fields.fault("actions", format!("must be a list of 1 to {MOST_ACTIONS} actions"));
        }
        let mut actions = Vec::new();
        for (index, item) in items.iter().take(MOST_ACTIONS).enumerate() {
            actions.extend(action(item, &format!("actions[{index}]"), &mut templates, &mut fields));
        }
        fields.done().map(|()| Self { actions, templates })
    }

    /// What is to be done for the data in `context`.
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
        let failed = |fault| RenderFault { index, kind: self.kind, fault };
        let mut warnings = Vec::new();
        let mut parameters = Map::new();
        for (parameter, filled) in &self.parameters {
            let path = format!("actions[{index}].parameters.{}", parameter.name);
            let value = filled.render(&path, templates, context, &mut warnings).map_err(failed)?;
            parameter
                .shape
                .check_rendered(&value)
                .map_err(|message| failed(FieldFault::new(path, message)))?;
            parameters.insert(parameter.name.to_owned(), value);
        }
        Ok(PlannedAction {
            index,
            kind: self.kind,
            parameters: Value::Object(parameters),
            delay: self.delay,
            retry: self.retry,
            warnings,
        })
    }
}

fn action(value: &Value, path: &str, templates: &mut Templates, fields: &mut Fields) -> Option<Action> {
    let Some(object) = value.as_object() else {
        fields.fault(path, "must be an object with a type and parameters");
        return None;
    };
    only(object, path, &["type", "parameters", "delay", "retry"], fields);
    let kind = match object.get("type").and_then(Value::as_str) {
        Some(name) => fields.take(&format!("{path}.type"), name.parse::<ActionKind>()),
        None => {
            fields.fault(format!("{path}.type"), "must name an action type, such as send_notification");
            None
        }
    };
    let delay = object
        .get("delay")
        .map_or(Some(Span::default()), |delay| fields.take(&format!("{path}.delay"), duration::read(delay)));
    let retry = object.get("retry").map(|retry| read_retry(retry, &format!("{path}.retry"), fields));
    let kind = kind?;
    let parameters = parameters(kind, object.get("parameters"), path, templates, fields);
    Some(Action { kind, parameters, delay: delay?, retry })
}

fn parameters(
    kind: ActionKind,
    given: Option<&Value>,
    path: &str,
    templates: &mut Templates,
    fields: &mut Fields,
) -> Vec<(&'static Parameter, Filled)> {
    let path = format!("{path}.parameters");
    let empty = Map::new();
    let given = match given {
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault(path, "must be an object");
            return Vec::new();
        }
        None => &empty,
    };
    let names: Vec<&str> = kind.parameters().iter().map(|parameter| parameter.name).collect();
    only(given, &path, &names, fields);
    let mut filled = Vec::new();
    for parameter in kind.parameters() {
        let place = format!("{path}.{}", parameter.name);
        match given.get(parameter.name) {
            Some(value) => {
                parameter.shape.check(value, &place, given, fields);
                filled.push((parameter, Filled::new(parameter.shape, value, &place, templates, fields)));
            }
            None if parameter.required => {
                fields.fault(place, format!("is missing; {} needs it", kind.as_str()));
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
        let faults = Actions::read(actions).expect_err("a fault");
        faults.iter().map(ToString::to_string).collect()
    }

    fn request(parameters: &Value) -> Vec<String> {
        let read = Actions::read(&json!([{"type": "http_request", "parameters": parameters}]));
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
                "actions[0].when: is not a field here; it takes type, parameters, delay, retry",
                "actions[0].parameters.colour: is not a field here; it takes recipient, message, channel, title",
                "actions[0].parameters.recipient: is missing; send_notification needs it",
                "actions[0].parameters.message: is not a template: syntax error: unexpected end of input, expected end of variable block",
                "actions[1].type: is not an action type; the types are send_notification, publish_event, http_request, create_task",
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
    fn a_task_is_checked_as_far_as_it_stands_in_the_rule() {
        let read = |parameters: &Value| {
            let read = Actions::read(&json!([{"type": "create_task", "parameters": parameters}]));
            let faults = read.err().unwrap_or_default();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        for sound in [
            json!({"title": "Call {{contact_name}}"}),
            json!({"title": "x", "due_date": "2030-01-31", "assignee": "{{owner}}", "priority": "{{p}}"}),
            json!({"title": "x", "due_date": "2030-01-31T09:00:00+02:00", "priority": "urgent"}),
            json!({"title": "x", "due_date": "{{close_date}}", "labels": ["{{region}}", "vip"],
                "about": {"type": "opportunity", "id": "{{opportunity_id}}"}}),
        ] {
            assert_eq!(read(&sound), [""; 0], "{sound}");
        }
        assert_eq!(
            read(
                &json!({"due_date": "soon", "priority": "huge", "labels": ["", 1], "about": {"kind": "x", "id": " "}})
            ),
            [
                "actions[0].parameters.title: is missing; create_task needs it",
                "actions[0].parameters.due_date: must be a day such as 2030-01-31 or a time of RFC 3339",
                "actions[0].parameters.priority: must be one of low, normal, high, urgent",
                "actions[0].parameters.labels: must be a list of at most 20 texts of 1 to 50 characters",
                "actions[0].parameters.about: must be an object of type and id, both texts: what the task is about",
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
