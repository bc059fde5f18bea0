//! Which tasks does a list show, and in what order? A place in it is the sort key and the id of the last one seen.

use crate::{Priority, Task, TaskState, UnknownState};
use kernel::{Cursor, FieldFault, Instant, PageError, TaskId};

/// Which states a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateFilter {
    /// Those that have not ended.
    Open,
    /// Those that have.
    Ended,
    /// These.
    OneOf(Vec<TaskState>),
}

impl std::str::FromStr for StateFilter {
    type Err = UnknownState;
    /// `open`, `ended`, or states with commas between.
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        match text {
            "open" => Ok(Self::Open),
            "ended" => Ok(Self::Ended),
            states => {
                states.split(',').map(|state| state.trim().parse()).collect::<Result<_, _>>().map(Self::OneOf)
            }
        }
    }
}

/// Whose tasks a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssigneeFilter {
    /// Those of one person, who may be known by several keys: an id and an address.
    Somebody(Vec<String>),
    /// Those that nobody has.
    Nobody,
}

/// Which tasks a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whose.
    pub assignee: Option<AssigneeFilter>,
    /// In which states.
    pub states: Option<StateFilter>,
    /// Of which priority.
    pub priority: Option<Priority>,
    /// Only those that are to be done before this instant.
    pub due_before: Option<Instant>,
    /// Only those that were to be done before this instant and have not ended.
    pub overdue_at: Option<Instant>,
    /// Only those about the thing of this id.
    pub about: Option<String>,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those in whose title this stands, in any case of ASCII letters.
    pub text: Option<String>,
}

/// In which order a list shows them; ties by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// What is to be done first; last what has no time.
    #[default]
    Due,
    /// What is to be done last; then what has no time.
    DueLast,
    /// What matters least; among equals what is to be done first.
    Priority,
    /// What matters most; among equals what is to be done first.
    PriorityMost,
    /// The oldest.
    Created,
    /// The newest.
    CreatedLast,
    /// What was changed longest ago.
    Updated,
    /// What was changed last.
    UpdatedLast,
}

/// The text names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of due, -due, priority, -priority, created_at, -created_at, updated_at, -updated_at; a minus begins with the last or most"
)]
pub struct UnknownSort;

impl Sort {
    const ALL: &'static [(&'static str, Self)] = &[
        ("due", Self::Due),
        ("-due", Self::DueLast),
        ("priority", Self::Priority),
        ("-priority", Self::PriorityMost),
        ("created_at", Self::Created),
        ("-created_at", Self::CreatedLast),
        ("updated_at", Self::Updated),
        ("-updated_at", Self::UpdatedLast),
    ];

    /// The key of a task in this order; rows are asked for it by the same expression.
    #[must_use]
    pub(crate) fn key(self, task: &Task) -> i64 {
        let due = task.definition.due.map(|due| due.passes().millis());
        let soon = due.unwrap_or(NEVER);
        match self {
            Self::Due => soon,
            Self::DueLast => due.unwrap_or(-1),
            Self::Priority => task.definition.priority.rank().saturating_mul(RANK).saturating_add(soon),
            Self::PriorityMost => {
                (4 - task.definition.priority.rank()).saturating_mul(RANK).saturating_add(soon)
            }
            Self::Created | Self::CreatedLast => task.created_at.millis(),
            Self::Updated | Self::UpdatedLast => task.updated_at.millis(),
        }
    }
}

/// In keys: when that is due which has no time, and what one step of priority weighs beside a time.
pub(crate) const NEVER: i64 = 9_007_199_254_740_991;
pub(crate) const RANK: i64 = 18_014_398_509_481_984;

impl std::str::FromStr for Sort {
    type Err = UnknownSort;
    fn from_str(text: &str) -> Result<Self, UnknownSort> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, sort)| *sort).ok_or(UnknownSort)
    }
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: i64,
    pub(crate) id: TaskId,
}

impl Place {
    /// As a cursor has it.
    pub(crate) fn text(key: i64, id: &TaskId) -> String {
        format!("{key} {id}")
    }

    /// Reads what a cursor has.
    pub(crate) fn read(cursor: &Cursor) -> Result<Self, Vec<FieldFault>> {
        let fault = || vec![FieldFault::new("cursor", PageError::Cursor)];
        let (key, id) = cursor.key().split_once(' ').ok_or_else(fault)?;
        match (key.parse(), id.parse()) {
            (Ok(key), Ok(id)) => Ok(Self { key, id }),
            (Err(_), _) | (_, Err(_)) => Err(fault()),
        }
    }
}
