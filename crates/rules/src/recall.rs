//! What do rules remember from one event to the next? When their conditions held, when they fired, and what waits: by rule and
//! key. Deciding takes what is remembered as an argument and says what is to be remembered; so a backtest remembers in memory
//! what the engine keeps in rows.

use crate::key::Key;
use kernel::{EventId, Instant, RuleId, Span};
use std::collections::BTreeMap;

/// What is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// The conditions of a rule that counts held.
    Held,
    /// A rule that is throttled fired.
    Fired,
}

impl Mark {
    /// The name under which it is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Fired => "fired",
        }
    }
}

/// The text names no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a mark")]
pub struct UnknownMark;

impl std::str::FromStr for Mark {
    type Err = UnknownMark;
    fn from_str(text: &str) -> Result<Self, UnknownMark> {
        [Self::Held, Self::Fired].into_iter().find(|mark| mark.as_str() == text).ok_or(UnknownMark)
    }
}

/// A firing that waits: for events to stop coming, or for one that must not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The event for which the rule will fire.
    pub event: EventId,
    /// When the first event came for which it waits.
    pub first: Instant,
    /// When it fires.
    pub due: Instant,
}

/// What must be known before an event can be decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// The marks of a rule under a key, of this span before now.
    Marks(RuleId, Mark, Key, Span),
    /// What waits of a rule under a key.
    Waiting(RuleId, Key),
}

/// What an event leaves to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memo {
    /// A mark, which counts for this span.
    Mark(RuleId, Mark, Key, Span),
    /// A window begins again: its marks go.
    Restart(RuleId, Key),
    /// The rule waits under this key, in place of what waited before.
    Wait(RuleId, Key, Waiting),
    /// The rule no longer waits under this key: what had to stay away has come.
    Over(RuleId, Key),
}

/// What is remembered of some rules and keys.
#[derive(Debug, Clone, Default)]
pub struct Recall {
    marks: BTreeMap<(RuleId, Mark, Key), Vec<Instant>>,
    waiting: BTreeMap<(RuleId, Key), Waiting>,
}

impl Recall {
    /// Puts in a mark that was kept.
    pub fn mark(&mut self, rule: RuleId, mark: Mark, key: Key, at: Instant) {
        self.marks.entry((rule, mark, key)).or_default().push(at);
    }

    /// Puts in something that was kept waiting.
    pub fn wait(&mut self, rule: RuleId, key: Key, waiting: Waiting) {
        self.waiting.insert((rule, key), waiting);
    }

    /// All marks, by rule, kind and key.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (&(RuleId, Mark, Key), &Vec<Instant>)> {
        self.marks.iter()
    }

    /// All that waits, by rule and key.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (&(RuleId, Key), &Waiting)> {
        self.waiting.iter()
    }

    /// How much is remembered.
    pub(crate) fn len(&self) -> usize {
        self.marks.values().fold(self.waiting.len(), |sum, marks| sum.saturating_add(marks.len()))
    }

    /// Forgets marks that are older than any span for which they count, and what no longer waits.
    pub(crate) fn forget(&mut self, now: Instant, longest: Span) {
        self.marks.retain(|_, marks| {
            marks.retain(|at| *at > now - longest);
            !marks.is_empty()
        });
        self.waiting.retain(|_, waiting| waiting.due > now);
    }

    /// How many marks there are of the span before `now`.
    pub(crate) fn count(&self, rule: &RuleId, mark: Mark, key: &Key, now: Instant, within: Span) -> usize {
        let marks = self.marks.get(&(rule.clone(), mark, key.clone()));
        marks.map_or(0, |marks| marks.iter().filter(|at| **at > now - within).count())
    }

    /// What waits still at `now`.
    pub(crate) fn waiting(&self, rule: &RuleId, key: &Key, now: Instant) -> Option<&Waiting> {
        self.waiting.get(&(rule.clone(), key.clone())).filter(|waiting| waiting.due > now)
    }

    /// Remembers what an event left at `now`. Marks that no longer count are dropped.
    pub fn remember(&mut self, memos: &[Memo], now: Instant) {
        for memo in memos {
            match memo {
                Memo::Mark(rule, mark, key, within) => {
                    let marks = self.marks.entry((rule.clone(), *mark, key.clone())).or_default();
                    marks.retain(|at| *at > now - *within);
                    marks.push(now);
                }
                Memo::Restart(rule, key) => {
                    self.marks.remove(&(rule.clone(), Mark::Held, key.clone()));
                }
                Memo::Wait(rule, key, waiting) => {
                    self.waiting.insert((rule.clone(), key.clone()), waiting.clone());
                }
                Memo::Over(rule, key) => {
                    self.waiting.remove(&(rule.clone(), key.clone()));
                }
            }
        }
    }
}
