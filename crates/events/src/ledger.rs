//! How does an event get into the ledger? With everything that came of it, in one transaction of the caller's.

use crate::{Dedupe, EventError, NewEvent, Origin, store};
use db::AllTenants;
use kernel::{EventId, Instant, RuleId, TenantId};
use std::collections::BTreeSet;

/// An event, decided and ready to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id, made when it came in.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What was sent.
    pub event: NewEvent,
    /// The module of its trigger.
    pub module: String,
    /// When it came in.
    pub received: Instant,
    /// Who sent it.
    pub actor: String,
    /// The request that brought it.
    pub request: String,
    /// The trace that it belongs to.
    pub trace: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rules that matched, and their versions.
    pub matched: Vec<(RuleId, i64)>,
    /// What every rule said to it, as JSON.
    pub verdicts: String,
    /// The record that it is about, as it stood then, as JSON.
    pub record: Option<String>,
}

/// What the ledger says to an entry.
#[derive(Debug)]
pub enum Accepted {
    /// It was written now.
    New,
    /// It stands there already, under this id with these matches: the first one's answer.
    Before {
        /// The first one's id.
        id: EventId,
        /// The rules that matched the first one, as a JSON list of ids.
        matched: String,
    },
    /// It cannot be.
    Refused(EventError),
}

/// Writes entries, in order: one statement for the events, one for their matches, and one more if some are there
/// already. Gives one answer per entry.
///
/// # Errors
/// [`db::DbError`]; then nothing may be committed.
pub async fn accept(all: &mut AllTenants<'_>, entries: &[Entry]) -> Result<Vec<Accepted>, db::DbError> {
    let written = store::insert(all, entries).await?;
    let mut answers = Vec::with_capacity(entries.len());
    if written.len() == entries.len() {
        store::insert_matches(all, entries.iter()).await?;
        answers.extend(entries.iter().map(|_| Accepted::New));
        return Ok(answers);
    }
    let is_new = |entry: &Entry| written.contains(entry.id.as_str());
    store::insert_matches(all, entries.iter().filter(|entry| is_new(entry))).await?;
    let before = store::before(all, entries.iter().filter(|entry| !is_new(entry))).await?;
    for entry in entries {
        if is_new(entry) {
            answers.push(Accepted::New);
            continue;
        }
        let found = before.iter().find(|old| {
            old.tenant == entry.tenant
                && (old.id == entry.id
                    || old.key.is_some() && old.key == entry.event.dedupe.as_ref().map(key))
        });
        answers.push(match found {
            Some(old) if same(old, entry) => {
                Accepted::Before { id: old.id.clone(), matched: old.matched.clone() }
            }
            Some(_) => Accepted::Refused(EventError::KeyMismatch),
            None => {
                return Err(db::DbError::Engine("an event clashed with one that is not there".to_owned()));
            }
        });
    }
    Ok(answers)
}

/// Which of these keys stand in the ledger already, each with its tenant.
///
/// # Errors
/// [`db::DbError`].
pub async fn known<'a>(
    all: &mut AllTenants<'_>,
    keys: impl Iterator<Item = (&'a TenantId, &'a str)>,
) -> Result<BTreeSet<(TenantId, String)>, db::DbError> {
    let keys: Vec<(&TenantId, &str)> = keys.collect();
    if keys.is_empty() { Ok(BTreeSet::new()) } else { store::known(all, &keys).await }
}

fn key(dedupe: &Dedupe) -> String {
    dedupe.key.clone()
}

fn same(old: &store::Before, entry: &Entry) -> bool {
    let new = entry.event.dedupe.as_ref().map(|dedupe| dedupe.fingerprint.as_slice());
    old.id == entry.id || old.fingerprint.as_deref() == new
}
