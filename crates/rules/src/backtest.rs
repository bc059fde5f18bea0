//! What is a backtest? A rule held against stored events: what is tried, against what, over which time, and how far it is.

use crate::{
    Cast, Draft, Rule, RulePatch,
    document::{definition, document},
};
use kernel::{BacktestId, Instant, RuleId};
use serde_json::{Value, json};

/// The most events that one backtest looks at.
pub const MOST_EVENTS: u32 = 1_000_000;
/// The most backtests of a tenant under way at a time.
pub const MOST_UNDER_WAY: u32 = 3;
/// For how many days a report is kept.
pub const KEPT_DAYS: i64 = 30;

/// What is tried.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// A rule that is not saved; of an existing rule, what it may become.
    Draft(Box<Draft>),
    /// An existing rule with some fields changed.
    Changes(Box<RulePatch>),
    /// A version of an existing rule; the present one unless it is named.
    Version(Option<u32>),
}

/// What it is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The rule as it stands now, on or off.
    Live,
    /// A version of it.
    Version(u32),
    /// Nothing: it is only told what would have been done.
    Nothing,
}

/// A backtest that somebody asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// The existing rule that it is about.
    pub rule_id: Option<RuleId>,
    /// What is tried.
    pub tried: Tried,
    /// What it is held against; unless it says so, the rule as it stands if there is another to be tried.
    pub against: Option<Against>,
    /// From when on events count.
    pub since: Instant,
    /// Until when; now unless it says so.
    pub until: Option<Instant>,
    /// How many events are looked at, at most.
    pub most: u32,
}

/// Where a backtest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BacktestState {
    /// It waits, or its events are being counted.
    Counting,
    /// Its events are being looked at.
    Running,
    /// Its report is there.
    Done,
    /// It could not be carried through.
    Failed,
}

impl BacktestState {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Counting, Self::Running, Self::Done, Self::Failed];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counting => "counting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether there is nothing more to come.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a state of a backtest")]
pub struct UnknownBacktestState;

impl std::str::FromStr for BacktestState {
    type Err = UnknownBacktestState;
    fn from_str(text: &str) -> Result<Self, UnknownBacktestState> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text).ok_or(UnknownBacktestState)
    }
}

/// A backtest.
#[derive(Debug, Clone, PartialEq)]
pub struct Backtest {
    /// Its id.
    pub id: BacktestId,
    /// The existing rule that it is about.
    pub rule_id: Option<RuleId>,
    /// The module of what is tried.
    pub module_type: String,
    /// Where it is.
    pub state: BacktestState,
    /// The version that it is held against.
    pub against: Option<u32>,
    /// From when on events count.
    pub since: Instant,
    /// Until when.
    pub until: Instant,
    /// How many events are looked at, at most.
    pub most: u32,
    /// How many there are to look at, once they are counted.
    pub total: Option<u32>,
    /// How many were looked at.
    pub looked: u32,
    /// What came of it.
    pub report: Option<Value>,
    /// Why it could not be carried through.
    pub reason: Option<String>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub created_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
}

/// A backtest that is to be carried on.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderWay {
    /// It.
    pub backtest: Backtest,
    /// Who takes part.
    pub cast: Cast,
    /// The event after which it goes on; empty before the first.
    pub after: String,
    /// What is kept of the replay, as text: what is written next takes its place only if it still stands.
    pub kept: Option<String>,
}

fn said(rule: &Rule) -> Value {
    json!({
        "rule_id": rule.id.as_str(),
        "version": rule.version,
        "created_at": rule.created_at.millis(),
        "updated_at": rule.updated_at.millis(),
        "document": document(&rule.definition),
    })
}

fn rule(said: &Value) -> Option<Rule> {
    let time = |name: &str| Some(Instant::from_millis(said.get(name)?.as_i64()?));
    Some(Rule {
        id: said.get("rule_id")?.as_str()?.parse().ok()?,
        version: said.get("version")?.as_u64()?.try_into().ok()?,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
        definition: definition(said.get("document")?.clone())?,
    })
}

impl Cast {
    /// As it is kept.
    pub(crate) fn document(&self) -> Value {
        json!({
            "candidate": said(&self.candidate),
            "baseline": self.baseline.as_ref().map(said),
            "stoppers": self.stoppers.iter().map(said).collect::<Vec<_>>(),
            "time_zone": self.zone.name(),
        })
    }

    /// As it was kept; `None` if that is no such thing.
    pub(crate) fn of(kept: &Value) -> Option<Self> {
        let baseline = match kept.get("baseline")? {
            Value::Null => None,
            baseline => Some(rule(baseline)?),
        };
        Some(Self {
            candidate: rule(kept.get("candidate")?)?,
            baseline,
            stoppers: kept.get("stoppers")?.as_array()?.iter().map(rule).collect::<Option<_>>()?,
            zone: kept.get("time_zone")?.as_str()?.parse().ok()?,
        })
    }
}
