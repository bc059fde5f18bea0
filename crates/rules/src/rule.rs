//! What is a rule? A definition that was checked whole, under an id, at a version that grows with each change.

use crate::Definition;
use kernel::{Instant, RuleId};

/// The most rules of a tenant.
pub const MOST_RULES: u32 = 20_000;

/// A rule of a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it says.
    pub definition: Definition,
    /// 1 when it is made; one more with each change.
    pub version: u32,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

/// What was done to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// Its fields were changed.
    Changed,
    /// It was switched on.
    Enabled,
    /// It was switched off.
    Disabled,
    /// An earlier version was brought back.
    RolledBack,
    /// A version that ran beside it became the one that counts.
    Promoted,
    /// It was changed by a file.
    Imported,
    /// It was deleted; the version keeps what it said last.
    Deleted,
}

impl Change {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Created,
        Self::Changed,
        Self::Enabled,
        Self::Disabled,
        Self::RolledBack,
        Self::Promoted,
        Self::Imported,
        Self::Deleted,
    ];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::RolledBack => "rolled_back",
            Self::Promoted => "promoted",
            Self::Imported => "imported",
            Self::Deleted => "deleted",
        }
    }
}

/// The text names no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not something that is done to a rule")]
pub struct UnknownChange;

impl std::str::FromStr for Change {
    type Err = UnknownChange;
    fn from_str(text: &str) -> Result<Self, UnknownChange> {
        Self::ALL.iter().copied().find(|change| change.as_str() == text).ok_or(UnknownChange)
    }
}

/// A version of a rule: what it said after a change. It never changes itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// The change that made it.
    pub change: Change,
    /// What the rule said.
    pub definition: Definition,
    /// Who made the change: the id of a user or an API key, or `system`.
    pub changed_by: String,
    /// When.
    pub changed_at: Instant,
    /// Why, if they said so.
    pub note: Option<String>,
}

impl Rule {
    /// A rule that is new at `now`.
    #[must_use]
    pub fn new(id: RuleId, definition: Definition, now: Instant) -> Self {
        Self { id, definition, version: 1, created_at: now, updated_at: now }
    }

    /// The rule with another definition: its next version.
    #[must_use]
    pub fn redefined(self, definition: Definition, now: Instant) -> Self {
        Self { definition, version: self.version.saturating_add(1), updated_at: now, ..self }
    }

    /// The rule switched on or off: its next version, or `None` if it is so already.
    #[must_use]
    pub fn switched(self, active: bool, now: Instant) -> Option<Self> {
        if self.definition.is_active == active {
            return None;
        }
        let definition = Definition { is_active: active, ..self.definition.clone() };
        Some(self.redefined(definition, now))
    }
}
