//! What can happen? The built-in triggers of each module, and what each one's data must hold.

use kernel::{Fault, FieldFault, Kind};
use serde_json::{Map, Value, json};
use std::fmt;

/// How a field of a trigger's data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An id: text or a whole number.
    Id,
    /// Text.
    Text,
    /// An amount: a number, or a decimal as text, both exact.
    Amount,
    /// A list of texts.
    Texts,
    /// An object.
    Object,
}

impl Shape {
    const fn json_types(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["string", "integer"],
            Self::Text => &["string"],
            Self::Amount => &["number", "string"],
            Self::Texts => &["array"],
            Self::Object => &["object"],
        }
    }
}

/// A field of a trigger's data.
#[derive(Debug, PartialEq, Eq)]
struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
    description: &'static str,
    /// An example, as JSON text.
    sample: &'static str,
}

/// Something that can happen, to which rules can be bound.
#[derive(Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name in events and rules: `opportunity_created`.
    pub trigger_id: &'static str,
    /// The module that raises it: `crm`, `sales`, `tasks` or `schedules`.
    pub module_type: &'static str,
    /// When it is raised.
    pub description: &'static str,
    fields: &'static [Field],
}

const fn field(name: &'static str, shape: Shape, description: &'static str, sample: &'static str) -> Field {
    Field { name, shape, required: true, description, sample }
}

const fn optional(field: Field) -> Field {
    Field { required: false, ..field }
}

const CONTACT: Field = field("contact_id", Shape::Id, "The contact's id.", "\"c-1\"");
const CONTACT_NAME: Field = field("contact_name", Shape::Text, "The contact's name.", "\"Ada Lovelace\"");
const EMAIL: Field = field("email", Shape::Text, "The contact's e-mail address.", "\"ada@example.com\"");
const LEAD: Field = field("lead_id", Shape::Id, "The lead's id.", "\"l-1\"");
const SOURCE: Field = field("source", Shape::Text, "Where the lead came from.", "\"web\"");
const OPPORTUNITY: Field = field("opportunity_id", Shape::Id, "The opportunity's id.", "\"o-1\"");
const OPPORTUNITY_NAME: Field =
    field("opportunity_name", Shape::Text, "The opportunity's name.", "\"Big deal\"");
const VALUE: Field = field("value", Shape::Amount, "What it is worth, exact.", "12500");

const TASK: Field = field("task_id", Shape::Id, "The task's id.", "\"tsk_01hf7yat00zzzzzzzzzzzzzzzz\"");
const TITLE: Field = field("title", Shape::Text, "What is to be done, in a line.", "\"Call Ada back\"");
const STATE: Field = optional(field(
    "state",
    Shape::Text,
    "Where the task is: `draft`, `assigned` and so on.",
    "\"assigned\"",
));
const PRIORITY: Field =
    optional(field("priority", Shape::Text, "`low`, `normal`, `high` or `urgent`.", "\"high\""));
const ASSIGNEE: Field =
    optional(field("assignee", Shape::Text, "The address of whoever has the task.", "\"ana@example.com\""));
const DUE: Field =
    field("due_at", Shape::Text, "When the task becomes overdue (RFC 3339).", "\"2030-01-31T23:00:00.000Z\"");
const LABELS: Field = optional(field("labels", Shape::Texts, "The task's labels.", "[\"vip\"]"));
const ABOUT_TYPE: Field =
    optional(field("about_type", Shape::Text, "What kind of thing the task is about.", "\"opportunity\""));
const ABOUT_ID: Field =
    optional(field("about_id", Shape::Text, "The id of the thing that the task is about.", "\"o-1\""));
const CHANGED_BY: Field = optional(field(
    "changed_by",
    Shape::Text,
    "Who did it: the id of a user, a key, a client or a rule.",
    "\"usr_01hf7yat00zzzzzzzzzzzzzzzz\"",
));

/// All built-in triggers, by module.
pub const TRIGGERS: &[Trigger] = &[
    Trigger {
        trigger_id: "contact_created",
        module_type: "crm",
        description: "When a new contact is created",
        fields: &[optional(CONTACT), optional(CONTACT_NAME), optional(EMAIL)],
    },
    Trigger {
        trigger_id: "contact_updated",
        module_type: "crm",
        description: "When a contact is updated",
        fields: &[CONTACT, optional(CONTACT_NAME), optional(EMAIL)],
    },
    Trigger {
        trigger_id: "contact_status_changed",
        module_type: "crm",
        description: "When a contact's status changes",
        fields: &[
            CONTACT,
            field("old_status", Shape::Text, "The status before.", "\"new\""),
            field("new_status", Shape::Text, "The status now.", "\"customer\""),
            optional(CONTACT_NAME),
        ],
    },
    Trigger {
        trigger_id: "lead_created",
        module_type: "crm",
        description: "When a new lead is created",
        fields: &[LEAD, optional(CONTACT_NAME), optional(EMAIL), optional(SOURCE)],
    },
    Trigger {
        trigger_id: "opportunity_created",
        module_type: "sales",
        description: "When a new opportunity is created",
        fields: &[OPPORTUNITY, OPPORTUNITY_NAME, optional(VALUE)],
    },
    Trigger {
        trigger_id: "opportunity_stage_changed",
        module_type: "sales",
        description: "When an opportunity moves to a different stage",
        fields: &[
            OPPORTUNITY,
            field("old_stage", Shape::Text, "The stage before.", "\"qualification\""),
            field("new_stage", Shape::Text, "The stage now.", "\"negotiation\""),
            optional(OPPORTUNITY_NAME),
            optional(VALUE),
        ],
    },
    Trigger {
        trigger_id: "deal_closed_won",
        module_type: "sales",
        description: "When a deal is successfully closed",
        fields: &[OPPORTUNITY, VALUE, optional(OPPORTUNITY_NAME)],
    },
    Trigger {
        trigger_id: "deal_closed_lost",
        module_type: "sales",
        description: "When a deal is lost",
        fields: &[
            OPPORTUNITY,
            field("reason", Shape::Text, "Why it was lost.", "\"price\""),
            optional(OPPORTUNITY_NAME),
            optional(VALUE),
        ],
    },
    Trigger {
        trigger_id: "high_value_opportunity",
        module_type: "sales",
        description: "When an opportunity exceeds a value threshold",
        fields: &[OPPORTUNITY, VALUE, optional(OPPORTUNITY_NAME)],
    },
    Trigger {
        trigger_id: "task_created",
        module_type: "tasks",
        description: "When a task is made, by a person, a program or a rule",
        fields: &[
            TASK,
            TITLE,
            STATE,
            PRIORITY,
            ASSIGNEE,
            optional(DUE),
            LABELS,
            ABOUT_TYPE,
            ABOUT_ID,
            CHANGED_BY,
        ],
    },
    Trigger {
        trigger_id: "task_updated",
        module_type: "tasks",
        description: "When a task is changed in any way; `old_…` and `new_…` say what is another",
        fields: &[
            TASK,
            field(
                "changes",
                Shape::Object,
                "Every field that is another, with `old` and `new`.",
                "{\"priority\": {\"old\": \"normal\", \"new\": \"high\"}}",
            ),
            optional(TITLE),
            STATE,
            PRIORITY,
            ASSIGNEE,
            optional(DUE),
            LABELS,
            ABOUT_TYPE,
            ABOUT_ID,
            CHANGED_BY,
        ],
    },
    Trigger {
        trigger_id: "task_assigned",
        module_type: "tasks",
        description: "When somebody gets a task, new or from somebody else",
        fields: &[
            TASK,
            field("new_assignee", Shape::Text, "The address of whoever has it now.", "\"ana@example.com\""),
            optional(field(
                "old_assignee",
                Shape::Text,
                "The address of whoever had it.",
                "\"ben@example.com\"",
            )),
            optional(TITLE),
            STATE,
            PRIORITY,
            optional(DUE),
            LABELS,
            ABOUT_TYPE,
            ABOUT_ID,
            CHANGED_BY,
        ],
    },
    Trigger {
        trigger_id: "task_completed",
        module_type: "tasks",
        description: "When a task is completed",
        fields: &[
            TASK,
            optional(TITLE),
            PRIORITY,
            ASSIGNEE,
            optional(DUE),
            LABELS,
            ABOUT_TYPE,
            ABOUT_ID,
            CHANGED_BY,
        ],
    },
    Trigger {
        trigger_id: "task_overdue",
        module_type: "tasks",
        description: "When the time has passed until which a task was to be done; once for each time",
        fields: &[TASK, DUE, optional(TITLE), STATE, PRIORITY, ASSIGNEE, LABELS, ABOUT_TYPE, ABOUT_ID],
    },
    Trigger {
        trigger_id: "task_commented",
        module_type: "tasks",
        description: "When somebody says something about a task",
        fields: &[
            TASK,
            field("comment_id", Shape::Id, "The comment's id.", "\"cmt_01hf7yat00zzzzzzzzzzzzzzzz\""),
            field("comment", Shape::Text, "What was said.", "\"Done by Friday.\""),
            optional(TITLE),
            STATE,
            ASSIGNEE,
            ABOUT_TYPE,
            ABOUT_ID,
            CHANGED_BY,
        ],
    },
    Trigger {
        trigger_id: "schedule_due",
        module_type: "schedules",
        description: "When a schedule comes that names no other trigger",
        fields: &[
            field("schedule_id", Shape::Id, "The schedule's id.", "\"sch_01hf7yat00zzzzzzzzzzzzzzzz\""),
            field(
                "scheduled_at",
                Shape::Text,
                "The time that was scheduled (RFC 3339).",
                "\"2030-01-31T08:00:00.000Z\"",
            ),
            optional(field("schedule_name", Shape::Text, "The schedule's name.", "\"Every Monday\"")),
        ],
    },
];

/// No trigger has that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTrigger(String);

impl fmt::Display for UnknownTrigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = TRIGGERS.iter().map(|trigger| trigger.trigger_id).collect();
        write!(out, "no trigger is called {:?}; there are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownTrigger {}

impl Fault for UnknownTrigger {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        "TRIGGER_UNKNOWN"
    }
}

/// The trigger of that name.
///
/// # Errors
/// [`UnknownTrigger`], which names those that exist.
pub fn find(trigger_id: &str) -> Result<&'static Trigger, UnknownTrigger> {
    TRIGGERS
        .iter()
        .find(|trigger| trigger.trigger_id == trigger_id)
        .ok_or_else(|| UnknownTrigger(trigger_id.chars().take(100).collect()))
}

/// The names of all modules, each once, in the catalogue's order.
#[must_use]
pub fn modules() -> Vec<&'static str> {
    let mut names: Vec<&str> = TRIGGERS.iter().map(|trigger| trigger.module_type).collect();
    names.dedup();
    names
}

impl Trigger {
    /// The names of the data that an event must carry.
    pub fn required_data(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|field| field.required).map(|field| field.name)
    }

    /// The JSON Schema (2020-12) of its data. Further fields are welcome, and rules can look at them.
    #[must_use]
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| {
                let said = json!({"type": field.shape.json_types(), "description": field.description});
                (field.name.to_owned(), said)
            })
            .collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.trigger_id,
            "description": self.description,
            "type": "object",
            "properties": properties,
            "required": self.required_data().collect::<Vec<_>>(),
            "additionalProperties": true,
        })
    }

    /// Data such as it carries.
    #[must_use]
    pub fn sample(&self) -> Value {
        let pair = |field: &Field| {
            let sample = serde_json::from_str(field.sample).unwrap_or_default();
            (field.name.to_owned(), sample)
        };
        Value::Object(self.fields.iter().map(pair).collect())
    }
}

/// Whether an event's data holds what its trigger needs.
///
/// # Errors
/// Every faulty field: `data` if it is no object, `data.<name>` for what is missing or null.
pub fn check_payload(trigger: &Trigger, data: &Value) -> Result<(), Vec<FieldFault>> {
    let Some(object) = data.as_object() else {
        return Err(vec![FieldFault::new("data", "must be a JSON object")]);
    };
    let faults: Vec<FieldFault> = trigger
        .required_data()
        .filter_map(|name| {
            let fault = |message: &str| Some(FieldFault::new(format!("data.{name}"), message));
            match object.get(name) {
                None => fault(&format!("is missing; {} needs it", trigger.trigger_id)),
                Some(Value::Null) => fault(&format!("must not be null; {} needs it", trigger.trigger_id)),
                Some(_) => None,
            }
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_that_of_the_seeds() {
        let said: Vec<String> = TRIGGERS
            .iter()
            .map(|trigger| {
                let required: Vec<_> = trigger.required_data().collect();
                format!("{} {} ({})", trigger.module_type, trigger.trigger_id, required.join(", "))
            })
            .collect();
        assert_eq!(
            said,
            [
                "crm contact_created ()",
                "crm contact_updated (contact_id)",
                "crm contact_status_changed (contact_id, old_status, new_status)",
                "crm lead_created (lead_id)",
                "sales opportunity_created (opportunity_id, opportunity_name)",
                "sales opportunity_stage_changed (opportunity_id, old_stage, new_stage)",
                "sales deal_closed_won (opportunity_id, value)",
                "sales deal_closed_lost (opportunity_id, reason)",
                "sales high_value_opportunity (opportunity_id, value)",
                "tasks task_created (task_id, title)",
                "tasks task_updated (task_id, changes)",
                "tasks task_assigned (task_id, new_assignee)",
                "tasks task_completed (task_id)",
                "tasks task_overdue (task_id, due_at)",
                "tasks task_commented (task_id, comment_id, comment)",
                "schedules schedule_due (schedule_id, scheduled_at)",
            ]
        );
        assert_eq!(modules(), ["crm", "sales", "tasks", "schedules"]);
    }

    #[test]
    fn each_sample_passes_its_own_check_and_names_every_property() {
        for trigger in TRIGGERS {
            let sample = trigger.sample();
            assert_eq!(check_payload(trigger, &sample), Ok(()), "{}", trigger.trigger_id);
            let schema = trigger.schema();
            for (name, value) in sample.as_object().unwrap() {
                assert!(!value.is_null(), "{name}");
                assert!(schema["properties"].get(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let trigger = find("opportunity_stage_changed").unwrap();
        let faults =
            check_payload(trigger, &json!({"opportunity_id": "o-1", "old_stage": null})).unwrap_err();
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "data.old_stage: must not be null; opportunity_stage_changed needs it",
                "data.new_stage: is missing; opportunity_stage_changed needs it",
            ]
        );
        for data in [json!(null), json!([]), json!("x")] {
            assert_eq!(check_payload(trigger, &data).unwrap_err()[0].field, "data");
        }
        let unknown = find("nothing").unwrap_err().to_string();
        assert!(unknown.starts_with("no trigger is called \"nothing\"; there are contact_created,"));
    }
}
