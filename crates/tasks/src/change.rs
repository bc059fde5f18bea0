//! What was done to a task? The difference between two of its versions, and the word for it.

use crate::{Assignee, Task, TaskState};
use serde_json::{Value, json};

/// A task before and after somebody worked on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// As it was; `None` if it is new.
    pub before: Option<Task>,
    /// As it is.
    pub after: Task,
}

/// The word for what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// Something that it says is another.
    Edited,
    /// Somebody else has it, or nobody.
    Assigned,
    /// It was begun, or put back.
    Moved,
    /// It is done.
    Completed,
    /// It was given up.
    Cancelled,
    /// It is to be done after all.
    Reopened,
}

impl Change {
    /// As the audit says it.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Created => "task.created",
            Self::Edited => "task.changed",
            Self::Assigned => "task.assigned",
            Self::Moved => "task.moved",
            Self::Completed => "task.completed",
            Self::Cancelled => "task.cancelled",
            Self::Reopened => "task.reopened",
        }
    }
}

/// A field that is another than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its published name.
    pub field: &'static str,
    /// What stood there; null for nothing.
    pub old: Value,
    /// What stands there; null for nothing.
    pub new: Value,
}

impl Changed {
    /// The word for it: of several things that were done at once, the one that matters most. `None` if nothing is another.
    #[must_use]
    pub fn change(&self) -> Option<Change> {
        let Some(before) = &self.before else { return Some(Change::Created) };
        let after = &self.after;
        if before.state != after.state {
            return Some(match after.state {
                TaskState::Completed => Change::Completed,
                TaskState::Cancelled => Change::Cancelled,
                TaskState::Draft | TaskState::Assigned | TaskState::InProgress if !before.state.is_open() => {
                    Change::Reopened
                }
                TaskState::Draft | TaskState::Assigned if before.assignee != after.assignee => {
                    Change::Assigned
                }
                TaskState::Draft | TaskState::Assigned | TaskState::InProgress => Change::Moved,
            });
        }
        if before.assignee != after.assignee {
            return Some(Change::Assigned);
        }
        (before.definition != after.definition).then_some(Change::Edited)
    }

    /// Whether somebody has it now who had it not before.
    #[must_use]
    pub fn newly_assigned(&self) -> Option<&Assignee> {
        let had = self.before.as_ref().and_then(|before| before.assignee.as_ref());
        self.after.assignee.as_ref().filter(|has| had != Some(has))
    }

    /// The fields that are another than before, in their published order. Somebody who has it is said by `name`.
    pub fn differences(&self, name: impl Fn(&Assignee) -> Value) -> Vec<Difference> {
        let Some(before) = &self.before else { return Vec::new() };
        let said = |task: &Task| {
            let definition = &task.definition;
            let due = definition.due;
            [
                ("title", json!(definition.title)),
                ("description", json!(definition.description)),
                ("state", json!(task.state.as_str())),
                ("priority", json!(definition.priority.as_str())),
                ("assignee", task.assignee.as_ref().map_or(Value::Null, &name)),
                ("due_at", json!(due.map(|due| due.passes().to_string()))),
                ("due_date", json!(due.and_then(|due| due.as_day()).map(|day| day.to_string()))),
                ("labels", json!(definition.labels)),
                ("about_type", json!(definition.about.as_ref().map(|about| &about.kind))),
                ("about_id", json!(definition.about.as_ref().map(|about| &about.id))),
            ]
        };
        let pairs = said(before).into_iter().zip(said(&self.after));
        pairs
            .filter(|((_, old), (_, new))| old != new)
            .map(|((field, old), (_, new))| Difference { field, old, new })
            .collect()
    }
}
