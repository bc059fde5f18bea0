//! What did one of the two say to an event, as far as it is counted? Whether it fires, to whom it sends, and the words of an
//! example.

use crate::{ActionKind, PlannedAction, RenderFault, Standing};
use kernel::Instant;
use serde_json::{Map, Value, json};

/// The longest text in an example, in characters.
const LONGEST_TEXT: usize = 200;
/// The most that the actions of an example take, in bytes of JSON.
const LARGEST: usize = 4_000;

/// What one of the two said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Half {
    pub(super) standing: Standing,
    /// When it fires, while that may be called off.
    pub(super) due: Option<Instant>,
    /// The event that called it off.
    pub(super) called_off: Option<String>,
    /// Whether it still waited at the end.
    pub(super) is_waiting: bool,
    /// Why its actions cannot be carried out.
    pub(super) fault: Option<String>,
    /// To whom messages are sent.
    pub(super) sends: Vec<String>,
    /// What is done.
    pub(super) acts: Vec<ActionKind>,
    /// What an example shows of it.
    pub(super) told: Option<Value>,
    /// What an example shows of the actions.
    pub(super) shown: Option<Value>,
}

impl Half {
    pub(super) fn new(
        standing: Standing,
        plan: &Result<Vec<PlannedAction>, RenderFault>,
        due: Option<Instant>,
        told: Option<Value>,
    ) -> Self {
        let actions = plan.as_deref().unwrap_or_default();
        let sends = actions.iter().filter(|action| action.kind == ActionKind::SendNotification);
        let recipient = |action: &PlannedAction| {
            action.parameters.get("recipient").and_then(Value::as_str).map(|name| cut(name.trim()))
        };
        Self {
            standing,
            due,
            called_off: None,
            is_waiting: false,
            fault: plan.as_ref().err().map(|fault| cut(&fault.to_string())),
            sends: sends.filter_map(recipient).collect(),
            acts: actions.iter().map(|action| action.kind).collect(),
            shown: told.as_ref().map(|_| shown_all(actions)),
            told,
        }
    }

    /// Whether it fires.
    pub(super) fn fires(&self) -> bool {
        self.standing == Standing::Matched && self.called_off.is_none()
    }

    pub(super) fn call_off(&mut self, by: &str) {
        self.called_off = Some(by.to_owned());
        self.due = None;
    }

    /// As an example shows it.
    pub(super) fn words(&self) -> Value {
        let mut words = self.told.clone().unwrap_or_else(|| json!({"standing": self.standing.as_str()}));
        if let Some(object) = words.as_object_mut() {
            if let Some(by) = &self.called_off {
                object.insert("called_off_by".to_owned(), by.as_str().into());
            }
            if let Some(fault) = &self.fault {
                object.insert("fault".to_owned(), fault.as_str().into());
            }
        }
        words
    }
}

/// A text as an example shows it.
pub(crate) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_TEXT).collect();
    short.push('…');
    short
}

/// A value as an example shows it: its texts cut.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), shown(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Actions as an example shows them. Parameters are left out once they take too much.
pub(crate) fn shown_all(actions: &[PlannedAction]) -> Value {
    let mut room = LARGEST;
    let one = |action: &PlannedAction| {
        let parameters = shown(&action.parameters);
        let size = parameters.to_string().len();
        let mut said = Map::new();
        said.insert("index".to_owned(), action.index.into());
        said.insert("type".to_owned(), action.kind.as_str().into());
        match room.checked_sub(size) {
            Some(left) => {
                room = left;
                said.insert("parameters".to_owned(), parameters);
            }
            None => {
                said.insert("parameters_cut".to_owned(), true.into());
            }
        }
        Value::Object(said)
    };
    actions.iter().map(one).collect()
}
