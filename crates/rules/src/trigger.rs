//! What can happen of itself? The triggers that every tenant has, and what each one's data must hold.

mod webhook;

pub(crate) use webhook::WEBHOOK;

use serde_json::{Map, Value, json};

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

/// A trigger that every tenant has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BuiltIn {
    /// Its name in events and rules: `opportunity_created`.
    pub(crate) trigger_id: &'static str,
    /// The module that raises it: `crm`, `sales`, `tasks`, `schedules` or `webhook`.
    pub(crate) module_type: &'static str,
    /// When it is raised.
    pub(crate) description: &'static str,
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
const EMAIL: Field = field("email", Shape::Text, "The e-mail address.", "\"ada@example.com\"");
const PHONE: Field = field("phone", Shape::Text, "The telephone number.", "\"+44 20 7946 0000\"");
const COMPANY: Field = field("company", Shape::Text, "The company.", "\"Analytical Engines\"");
const OWNER: Field = field("owner", Shape::Text, "Who takes care of it.", "\"sales@example.com\"");
const STATUS: Field = field("status", Shape::Text, "The status now.", "\"customer\"");
const LEAD: Field = field("lead_id", Shape::Id, "The lead's id.", "\"l-1\"");
const SOURCE: Field = field("source", Shape::Text, "Where the lead came from.", "\"web\"");
const OPPORTUNITY: Field = field("opportunity_id", Shape::Id, "The opportunity's id.", "\"o-1\"");
const OPPORTUNITY_NAME: Field =
    field("opportunity_name", Shape::Text, "The opportunity's name.", "\"Big deal\"");
const VALUE: Field = field("value", Shape::Amount, "What it is worth, exact.", "12500");
const CURRENCY: Field = field("currency", Shape::Text, "The currency of the value.", "\"EUR\"");
const STAGE: Field = field("stage", Shape::Text, "The stage now.", "\"negotiation\"");
const OLD_STATUS: Field = field("old_status", Shape::Text, "The status before.", "\"new\"");
const NEW_STATUS: Field = field("new_status", Shape::Text, "The status now.", "\"customer\"");
const CHANGES: Field = field(
    "changes",
    Shape::Object,
    "Every field that changed, with what it was and is.",
    r#"{"owner": {"old": null, "new": "sales@example.com"}}"#,
);

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

/// The built-in triggers of all modules but `webhook`.
pub(crate) const TRIGGERS: &[BuiltIn] = &[
    BuiltIn {
        trigger_id: "contact_created",
        module_type: "crm",
        description: "When a new contact is created",
        fields: &[
            optional(CONTACT),
            optional(CONTACT_NAME),
            optional(EMAIL),
            optional(PHONE),
            optional(COMPANY),
            optional(STATUS),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "contact_updated",
        module_type: "crm",
        description: "When a contact is updated",
        fields: &[
            CONTACT,
            optional(CONTACT_NAME),
            optional(EMAIL),
            optional(PHONE),
            optional(COMPANY),
            optional(STATUS),
            optional(OWNER),
            optional(CHANGES),
        ],
    },
    BuiltIn {
        trigger_id: "contact_status_changed",
        module_type: "crm",
        description: "When a contact's status changes",
        fields: &[CONTACT, OLD_STATUS, NEW_STATUS, optional(CONTACT_NAME), optional(EMAIL), optional(OWNER)],
    },
    BuiltIn {
        trigger_id: "contact_deleted",
        module_type: "crm",
        description: "When a contact is deleted",
        fields: &[CONTACT, optional(CONTACT_NAME), optional(EMAIL)],
    },
    BuiltIn {
        trigger_id: "lead_created",
        module_type: "crm",
        description: "When a new lead is created",
        fields: &[
            LEAD,
            optional(CONTACT_NAME),
            optional(EMAIL),
            optional(COMPANY),
            optional(SOURCE),
            optional(VALUE),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "lead_updated",
        module_type: "crm",
        description: "When a lead is updated",
        fields: &[
            LEAD,
            optional(CONTACT_NAME),
            optional(EMAIL),
            optional(SOURCE),
            optional(STATUS),
            optional(VALUE),
            optional(OWNER),
            optional(CHANGES),
        ],
    },
    BuiltIn {
        trigger_id: "lead_status_changed",
        module_type: "crm",
        description: "When a lead's status changes",
        fields: &[LEAD, OLD_STATUS, NEW_STATUS, optional(CONTACT_NAME), optional(EMAIL), optional(OWNER)],
    },
    BuiltIn {
        trigger_id: "lead_converted",
        module_type: "crm",
        description: "When a lead becomes a contact",
        fields: &[
            LEAD,
            CONTACT,
            optional(OPPORTUNITY),
            optional(CONTACT_NAME),
            optional(EMAIL),
            optional(SOURCE),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "lead_deleted",
        module_type: "crm",
        description: "When a lead is deleted",
        fields: &[LEAD, optional(CONTACT_NAME), optional(EMAIL)],
    },
    BuiltIn {
        trigger_id: "opportunity_created",
        module_type: "sales",
        description: "When a new opportunity is created",
        fields: &[
            OPPORTUNITY,
            OPPORTUNITY_NAME,
            optional(VALUE),
            optional(CURRENCY),
            optional(STAGE),
            optional(CONTACT),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "opportunity_updated",
        module_type: "sales",
        description: "When an opportunity is updated",
        fields: &[
            OPPORTUNITY,
            optional(OPPORTUNITY_NAME),
            optional(VALUE),
            optional(CURRENCY),
            optional(STAGE),
            optional(OWNER),
            optional(CHANGES),
        ],
    },
    BuiltIn {
        trigger_id: "opportunity_stage_changed",
        module_type: "sales",
        description: "When an opportunity moves to a different stage",
        fields: &[
            OPPORTUNITY,
            field("old_stage", Shape::Text, "The stage before.", "\"qualification\""),
            field("new_stage", Shape::Text, "The stage now.", "\"negotiation\""),
            optional(OPPORTUNITY_NAME),
            optional(VALUE),
            optional(CURRENCY),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "opportunity_deleted",
        module_type: "sales",
        description: "When an opportunity is deleted",
        fields: &[OPPORTUNITY, optional(OPPORTUNITY_NAME), optional(VALUE)],
    },
    BuiltIn {
        trigger_id: "deal_closed_won",
        module_type: "sales",
        description: "When a deal is successfully closed",
        fields: &[OPPORTUNITY, VALUE, optional(OPPORTUNITY_NAME), optional(CURRENCY), optional(OWNER)],
    },
    BuiltIn {
        trigger_id: "deal_closed_lost",
        module_type: "sales",
        description: "When a deal is lost",
        fields: &[
            OPPORTUNITY,
            field("reason", Shape::Text, "Why it was lost.", "\"price\""),
            optional(OPPORTUNITY_NAME),
            optional(VALUE),
            optional(CURRENCY),
            optional(OWNER),
        ],
    },
    BuiltIn {
        trigger_id: "high_value_opportunity",
        module_type: "sales",
        description: "When an opportunity exceeds a value threshold",
        fields: &[
            OPPORTUNITY,
            VALUE,
            optional(OPPORTUNITY_NAME),
            optional(CURRENCY),
            optional(STAGE),
            optional(OWNER),
        ],
    },
    BuiltIn {
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
    BuiltIn {
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
    BuiltIn {
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
    BuiltIn {
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
    BuiltIn {
        trigger_id: "task_overdue",
        module_type: "tasks",
        description: "When the time has passed until which a task was to be done; once for each time",
        fields: &[TASK, DUE, optional(TITLE), STATE, PRIORITY, ASSIGNEE, LABELS, ABOUT_TYPE, ABOUT_ID],
    },
    BuiltIn {
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
    BuiltIn {
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

/// The types of records, by the field that holds their id.
const RECORDS: &[(&str, &str)] =
    &[("contact_id", "contact"), ("lead_id", "lead"), ("opportunity_id", "opportunity")];

impl BuiltIn {
    /// The type of the record that its events are about, and the field that holds its id: the first one.
    pub(crate) fn about(&self) -> Option<(&'static str, &'static str)> {
        let first = self.fields.first()?.name;
        RECORDS.iter().find(|(field, _)| *field == first).map(|(field, record_type)| (*record_type, *field))
    }

    /// The names of the data that an event must carry.
    pub(crate) fn required_data(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|field| field.required).map(|field| field.name)
    }

    /// The JSON Schema (2020-12) of its data. Further fields are welcome, and rules can look at them.
    #[must_use]
    pub(crate) fn schema(&self) -> Value {
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
    pub(crate) fn sample(&self) -> Value {
        let pair = |field: &Field| {
            let sample = serde_json::from_str(field.sample).unwrap_or_default();
            (field.name.to_owned(), sample)
        };
        Value::Object(self.fields.iter().map(pair).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_begins_with_that_of_the_seeds() {
        let said = |name: &str| {
            let trigger = TRIGGERS.iter().find(|trigger| trigger.trigger_id == name).unwrap();
            let required: Vec<_> = trigger.required_data().collect();
            format!("{} {} ({})", trigger.module_type, trigger.trigger_id, required.join(", "))
        };
        for wanted in [
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
        ] {
            let name = wanted.split(' ').nth(1).unwrap();
            assert_eq!(said(name), wanted);
        }
    }

    #[test]
    fn each_sample_names_every_property() {
        for trigger in TRIGGERS {
            let schema = trigger.schema();
            for (name, value) in trigger.sample().as_object().unwrap() {
                assert!(!value.is_null(), "{name}");
                assert!(schema["properties"].get(name).is_some(), "{name}");
            }
        }
    }
}
