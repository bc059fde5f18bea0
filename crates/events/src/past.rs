//! What happened before, in order, for whoever holds a rule against it?

use crate::store::past as store;
use db::{DbError, Scope};
use kernel::{EventId, Instant};

/// A stretch of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// Events of these triggers.
    pub triggers: &'a [&'a str],
    /// Before this id.
    pub until: &'a EventId,
    /// Whether the circumstances are wanted: who sent it, from where, when.
    pub circumstances: bool,
}

/// Some events of a stretch, as the ledger gives them: a text for each trigger.
#[derive(Debug)]
pub struct Piece(pub(crate) Vec<String>);

impl Piece {
    /// The events, oldest first, all triggers together.
    ///
    /// # Errors
    /// [`DbError::Decode`].
    pub fn events(&self) -> Result<Vec<Past<'_>>, DbError> {
        let mut all = Vec::new();
        for (trigger, page) in self.0.iter().enumerate() {
            all.append(&mut store::read(trigger, page)?);
        }
        if self.0.len() > 1 {
            all.sort_by(|one, other| one.id.cmp(other.id));
        }
        Ok(all)
    }
}

/// An event, as far as a rule looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past<'a> {
    /// Its id.
    pub id: &'a str,
    /// The place of its trigger among those of the stretch.
    pub trigger: usize,
    /// When it was stored.
    pub received: Instant,
    /// Its data, exactly as sent.
    pub data: &'a str,
    /// The record that it was about, as it stood then, as JSON.
    pub record: Option<&'a str>,
    /// The rest, if it is wanted.
    pub circumstances: Option<Circumstances>,
}

/// The circumstances of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// Where it happened.
    pub source: String,
    /// What it is about.
    pub subject: Option<String>,
    /// Who sent it.
    pub actor: String,
    /// When it happened.
    pub occurred: Instant,
    /// How many events are before it in its chain.
    pub depth: u32,
}

/// What sorts before the ids of all events that came in at `at` or later, and after those from before.
#[must_use]
pub fn below(at: Instant) -> String {
    let mut first = EventId::first(at).as_str().to_owned();
    first.pop();
    first
}

/// The triggers of which the ledger has events, also those that are no more, each with the module of its latest event.
///
/// # Errors
/// [`DbError`].
pub async fn triggers(scope: &mut Scope<'_>) -> Result<Vec<(String, String)>, DbError> {
    store::triggers(scope).await
}

/// The next events of a stretch after the id `after`, oldest first, `most` at most, and no more than take some megabytes; none
/// at the end.
///
/// # Errors
/// [`DbError`].
pub async fn next(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Piece, DbError> {
    store::next(scope, stretch, after, most).await
}

/// When these rules matched last, as far as the ledger reaches back: a rule that is not told matched nothing.
///
/// # Errors
/// [`DbError`].
pub async fn last_matches(scope: &mut Scope<'_>, rules: &[&str]) -> Result<Vec<(String, Instant)>, DbError> {
    store::last_matches(scope, rules).await
}

/// How many events a stretch has after the id `after`; `most` if there are more.
///
/// # Errors
/// [`DbError`].
pub async fn count(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<i64, DbError> {
    store::count(scope, stretch, after, most).await
}
