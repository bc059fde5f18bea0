//! What is done about times that nobody was there for?

/// What is done about times that were missed: because the system was down, or the tenant suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Missed {
    /// They are let go.
    Skip,
    /// The last of them is made up for.
    #[default]
    Once,
    /// Each is made up for, the last 1,000 at most.
    All,
}

impl Missed {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Skip, Self::Once, Self::All];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

/// The text names no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of skip, once, all")]
pub struct UnknownMissed;

impl std::str::FromStr for Missed {
    type Err = UnknownMissed;
    fn from_str(text: &str) -> Result<Self, UnknownMissed> {
        Self::ALL.iter().copied().find(|missed| missed.as_str() == text).ok_or(UnknownMissed)
    }
}
