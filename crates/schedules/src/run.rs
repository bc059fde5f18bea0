//! What came of a time of a schedule? An event, a reason why not, or that it was let go.

use kernel::{EventId, Instant, RunId, ScheduleId};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An event was raised.
    Raised,
    /// No event could be raised.
    Failed,
    /// It was missed and let go, with others.
    Skipped,
}

impl Outcome {
    const ALL: &'static [Self] = &[Self::Raised, Self::Failed, Self::Skipped];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The text names no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of raised, failed, skipped")]
pub struct UnknownOutcome;

impl std::str::FromStr for Outcome {
    type Err = UnknownOutcome;
    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL.iter().copied().find(|outcome| outcome.as_str() == text).ok_or(UnknownOutcome)
    }
}

/// A time of a schedule, or several that were let go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id; ids sort by the time that was scheduled.
    pub id: RunId,
    /// The schedule.
    pub schedule: ScheduleId,
    /// What came of it.
    pub outcome: Outcome,
    /// The time that was scheduled; the first of those that were let go.
    pub scheduled_at: Instant,
    /// The last of those that were let go.
    pub until: Option<Instant>,
    /// How many times it stands for.
    pub count: u32,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Whether somebody asked for it, outside of the schedule's times.
    pub manual: bool,
    /// When it was worked on.
    pub fired_at: Instant,
    /// The event that was raised.
    pub event: Option<EventId>,
    /// What happened, in words.
    pub detail: String,
}
