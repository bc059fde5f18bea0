//! What can an action do, what does each kind take, and what does it leave for those after it?

use crate::parameter::{Parameter, Shape};
use language::{Fields as Named, Holds};

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

    pub(super) const fn parameters(self) -> &'static [Parameter] {
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
    pub(super) fn result(self) -> Option<Holds> {
        let named = |names: &[(&str, Holds)]| {
            let named = names.iter().map(|(name, holds)| ((*name).into(), holds.clone())).collect();
            Some(Holds::Object(Named { named, open: false }))
        };
        match self {
            Self::SendNotification => named(&[
                ("message_id", Holds::Text(None)),
                ("deliveries", Holds::List(Box::new(Holds::Text(None)), None)),
            ]),
            Self::PublishEvent => named(&[("event_id", Holds::Text(None)), ("duplicate", Holds::Truth)]),
            Self::HttpRequest | Self::SendWebhook => named(&[
                ("status", Holds::Number),
                ("headers", Holds::Anything),
                ("body", Holds::Anything),
                ("body_cut", Holds::Truth),
            ]),
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
