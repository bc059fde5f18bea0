//! How may a rule stand to an event?

/// How a rule stands to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It fires: now, or when its time has come.
    Matched,
    /// Its conditions do not hold.
    NotMatched,
    /// Its conditions hold, but not often enough yet within its window.
    Counting,
    /// Its conditions hold, but it fired as often as it may.
    Throttled,
    /// Its conditions hold, but it waits already for an earlier event.
    Waiting,
    /// Its conditions hold, but not within its hours.
    OutsideHours,
    /// Looking at its conditions cost more than a rule may spend.
    OverBudget,
    /// Its conditions were not looked at: a rule before it stopped the matching.
    NotAsked,
    /// It cannot be read any more.
    Broken,
}

impl Standing {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::NotMatched => "not_matched",
            Self::Counting => "counting",
            Self::Throttled => "throttled",
            Self::Waiting => "waiting",
            Self::OutsideHours => "outside_hours",
            Self::OverBudget => "over_budget",
            Self::NotAsked => "not_asked",
            Self::Broken => "broken",
        }
    }

    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Matched,
        Self::NotMatched,
        Self::Counting,
        Self::Throttled,
        Self::Waiting,
        Self::OutsideHours,
        Self::OverBudget,
        Self::NotAsked,
        Self::Broken,
    ];

    /// Whether a rule that stands so, and stops on match, stops the matching: also if it fires later, or fired before.
    pub(crate) const fn stops(self) -> bool {
        matches!(self, Self::Matched | Self::Throttled | Self::Waiting)
    }
}

/// The text names no standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not how a rule may stand to an event")]
pub struct UnknownStanding;

impl std::str::FromStr for Standing {
    type Err = UnknownStanding;
    fn from_str(text: &str) -> Result<Self, UnknownStanding> {
        Self::ALL.iter().copied().find(|standing| standing.as_str() == text).ok_or(UnknownStanding)
    }
}
