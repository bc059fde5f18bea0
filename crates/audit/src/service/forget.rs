//! How is a person's content taken out of the audit, so that the chain still holds?

use crate::{
    Content, Entry, Forgotten, Part, Recorded, Salt, chain, cover,
    service::{reading, write},
    store::{self, forget as rows},
};
use db::{DbError, Scope};
use kernel::{Call, Person};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many rows one look for a person's traces reads.
const WINDOW: i64 = 5_000;

/// A row that holds something of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Its place.
    pub sequence: i64,
    /// The parts that are the person's.
    pub parts: Vec<Part>,
}

/// Looks for a person's traces in the next 5,000 rows after `after`: the addresses of what they did, and the content of
/// rows about them, their sessions, or in which their address or name stands. Gives where to go on, if there is more.
///
/// # Errors
/// [`DbError`].
pub async fn traces(
    scope: &mut Scope<'_>,
    person: &Person,
    after: i64,
) -> Result<(Vec<Trace>, Option<i64>), DbError> {
    let chain = store::chain(scope).await?;
    let after = after.max(chain.first.saturating_sub(1));
    let to = after.saturating_add(WINDOW);
    let found = rows::traces(scope, (after, to), person).await?;
    let traces = found.iter().filter_map(|row| trace(row, person)).collect();
    Ok((traces, (to < chain.length).then_some(to)))
}

/// What of a row is the person's; `None` if nothing is.
fn trace(row: &Recorded, person: &Person) -> Option<Trace> {
    let id = person.id.as_str();
    let texts = || [&row.before, &row.after].into_iter().filter_map(Content::text);
    let by_them = row.actor == id;
    let about_them = row.subject == id || (by_them && row.subject.starts_with("ses_"));
    let named = texts().any(|text| person.is_named_in(text));
    // Where we acted ourselves, on behalf of somebody who was not logged in yet, the address is theirs.
    let for_them = row.actor == "system" && (about_them || named || texts().any(|text| text.contains(id)));
    let address = (by_them || for_them).then_some(Part::Address);
    let content = if about_them || named { [Part::Before, Part::After].as_slice() } else { &[] };
    let parts: Vec<Part> = address
        .into_iter()
        .chain(content.iter().copied())
        .filter(|part| row.part(*part).text().is_some())
        .collect();
    let says_so = matches!(row.action.as_str(), cover::ERASED | cover::CUT | cover::PERSON);
    (!parts.is_empty() && !says_so).then_some(Trace { sequence: row.sequence, parts })
}

/// Erases parts of rows within the caller's transaction: their commitments stay, and a row `audit.erased` says what was
/// erased, on whose account. What is not there, and rows that say such things themselves, are left alone. Tells how many
/// rows lost something.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn erase(
    scope: &mut Scope<'_>,
    call: &Call,
    about: &str,
    traces: &[Trace],
) -> Result<usize, DbError> {
    let wanted: BTreeMap<i64, &[Part]> =
        traces.iter().map(|trace| (trace.sequence, trace.parts.as_slice())).collect();
    let places: Vec<i64> = wanted.keys().copied().collect();
    let found = store::named(scope, &places).await?;
    let mut forgotten = Vec::new();
    let mut left = Vec::new();
    for row in found {
        let parts = wanted.get(&row.sequence).copied().unwrap_or_default();
        let parts: Vec<Part> =
            parts.iter().copied().filter(|part| row.part(*part).text().is_some()).collect();
        if parts.is_empty() || matches!(row.action.as_str(), cover::ERASED | cover::CUT | cover::PERSON) {
            continue;
        }
        let row = without(row, &parts, Salt::three(&*call.chance));
        let committed = match row.format {
            crate::Format::One => Some(committed(scope, &row).await?),
            crate::Format::Two => None,
        };
        // All that the row lacks by now: it points at one row that says so.
        forgotten.push(Forgotten { sequence: row.sequence, parts: row.erased().collect(), committed });
        left.push(row);
    }
    if left.is_empty() {
        return Ok(0);
    }
    let said: Vec<Value> = forgotten.iter().map(Forgotten::to_json).collect();
    let entry = Entry {
        action: cover::ERASED,
        subject: about,
        before: None,
        after: Some(json!({"person": about, "rows": said})),
    };
    let by = write(scope, &[(call, &entry)]).await?;
    rows::forget(scope, &left, by).await?;
    Ok(left.len())
}

/// The row as it is without these parts. A row of format 1 gets salts at its first erasure, so that what is erased of it
/// cannot be guessed from its commitment.
fn without(mut row: Recorded, parts: &[Part], salts: [Salt; 3]) -> Recorded {
    for (part, salt) in Part::ALL.into_iter().zip(salts) {
        let place = match part {
            Part::Address => &mut row.address,
            Part::Before => &mut row.before,
            Part::After => &mut row.after,
        };
        let content = std::mem::take(place);
        let salted = match content {
            Content::Kept { text, salt: None } => Content::Kept { text, salt: Some(salt) },
            Content::Nothing | Content::Kept { .. } | Content::Erased(_) => content,
        };
        *place = match salted.commitment(part) {
            Some(commitment) if parts.contains(&part) => Content::Erased(commitment),
            Some(_) | None => salted,
        };
    }
    row
}

/// The hash of format 2 of a row at its place.
async fn committed(scope: &mut Scope<'_>, row: &Recorded) -> Result<crate::Hash, DbError> {
    let chain = store::chain(scope).await?;
    let before = reading::before(scope, &chain, row.sequence).await?;
    Ok(chain::committed(before, row))
}

/// What the audit holds of a person, from `after` on: up to `limit` rows by or about them, and where to go on.
///
/// # Errors
/// [`DbError`].
pub async fn personal_data(
    scope: &mut Scope<'_>,
    person: &Person,
    after: i64,
    limit: usize,
) -> Result<(Vec<Recorded>, Option<i64>), DbError> {
    let chain = store::chain(scope).await?;
    let from = after.max(chain.first.saturating_sub(1));
    let to = from.saturating_add(WINDOW);
    let mut found = rows::traces(scope, (from, to), person).await?;
    found.retain(|row| {
        row.actor == person.id.as_str() || row.subject == person.id.as_str() || trace(row, person).is_some()
    });
    let mut next = (to < chain.length).then_some(to);
    if found.len() > limit {
        found.truncate(limit);
        next = found.last().map(|row| row.sequence);
    }
    Ok((found, next))
}
