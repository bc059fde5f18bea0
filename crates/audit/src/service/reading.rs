//! How is the audit read? Searched, exported and verified, each in steps of bounded size.

use crate::{
    AuditError, Covers, Filter, Hash, Reason, Recorded, Verified, Verifier,
    store::{self, Chain},
};
use db::{DbError, Scope};
use kernel::{Cursor, FieldFault, Instant, Page, PageError, PageRequest};
use std::collections::BTreeSet;

/// How many rows a verification or an export reads at a time; between two pieces others get their turn.
const PIECE: i64 = 500;
/// The most rows that one page of a search looks at.
const LOOKED_AT: i64 = 20_000;
/// The most rows that one step of a verification looks at.
const STEP: i64 = 20_000;
/// An export's page ends once its texts are so long.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A place in a chain and the hash of the row there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The place; 0 before the first row.
    pub sequence: i64,
    /// The hash.
    pub hash: Hash,
}

/// The rows that `filter` lets through, newest first. A page looks at 20,000 rows at most, so it may be short, or empty,
/// and still say where it goes on.
///
/// # Errors
/// [`AuditError::Cursor`] if the page begins nowhere; [`AuditError::Db`].
pub async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Recorded>, AuditError> {
    let chain = store::chain(scope).await?;
    let below = match &page.after {
        // Rows of a slow transaction may stand beyond the length that was read: none is left out.
        None => i64::MAX,
        Some(cursor) => sequence(cursor)?,
    };
    let top = below.min(chain.length.saturating_add(1));
    let from = top.saturating_sub(LOOKED_AT).max(chain.first);
    let rows = store::list(scope, filter, (from, below), page.probe()).await?;
    let mut found = Page::cut(rows, page, |row| row.sequence.to_string());
    if found.next.is_none() && from > chain.first {
        found.next = Some(Cursor::after(&from.to_string()));
    }
    Ok(found)
}

fn sequence(cursor: &Cursor) -> Result<i64, AuditError> {
    cursor.key().parse().map_err(|_| AuditError::Cursor(vec![FieldFault::new("cursor", PageError::Cursor)]))
}

/// The places of the rows from `since` on and before `until`: the first, and the one after the last. Rows stand in the
/// order in which they were committed, so one of a slow request may stand a little out of the order of time.
///
/// # Errors
/// [`DbError`].
pub async fn range(
    scope: &mut Scope<'_>,
    since: Option<Instant>,
    until: Option<Instant>,
) -> Result<(i64, i64), DbError> {
    let chain = store::chain(scope).await?;
    let from = match since {
        None => chain.first,
        Some(since) => place_of(scope, &chain, since).await?,
    };
    let below = match until {
        None => chain.length.saturating_add(1),
        Some(until) => place_of(scope, &chain, until).await?,
    };
    Ok((from, below))
}

/// The place of the first row that was written at `at` or later: found by halves, in some twenty small looks.
pub(super) async fn place_of(scope: &mut Scope<'_>, chain: &Chain, at: Instant) -> Result<i64, DbError> {
    let (mut low, mut high) = (chain.first, chain.length.saturating_add(1));
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) / 2);
        // A row that is missing counts as old: the verification names it.
        if store::at(scope, middle).await?.is_some_and(|there| there >= at) {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    Ok(low)
}

/// A page of an export: rows from `from` on and before `below`, oldest first, and the hash of the row before the first.
/// A page ends after `limit` rows, or two mebibytes of text.
///
/// # Errors
/// [`DbError`].
pub async fn export(
    scope: &mut Scope<'_>,
    (from, below): (i64, i64),
    limit: i64,
) -> Result<(Hash, Vec<Recorded>), DbError> {
    let chain = store::chain(scope).await?;
    let from = from.max(chain.first);
    let before = before(scope, &chain, from).await?;
    let mut rows: Vec<Recorded> = Vec::new();
    let mut bytes = 0_usize;
    let mut after = from.saturating_sub(1);
    loop {
        let room = limit.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX)).min(PIECE);
        let piece = if room > 0 { store::walk(scope, after, below, room).await? } else { Vec::new() };
        let Some(last) = piece.last() else { return Ok((before, rows)) };
        after = last.sequence;
        for row in piece {
            let length = |text: Option<&str>| text.map_or(0, str::len);
            bytes = bytes
                .saturating_add(length(row.before.text()).saturating_add(length(row.after.text())))
                .saturating_add(1024);
            rows.push(row);
            if bytes > PAGE_BYTES {
                return Ok((before, rows));
            }
        }
    }
}

/// The hash of the row before the one at `place`.
pub(super) async fn before(scope: &mut Scope<'_>, chain: &Chain, place: i64) -> Result<Hash, DbError> {
    if place <= chain.first {
        return Ok(chain.beginning());
    }
    // A missing row has no hash; what stands after it does not hold then, as it should not.
    let hash = store::hash_at(scope, place.saturating_sub(1)).await?;
    Ok(hash.unwrap_or(crate::GENESIS))
}

/// The end of the chain, to be kept elsewhere.
///
/// # Errors
/// [`DbError`].
pub async fn head(scope: &mut Scope<'_>) -> Result<Anchor, DbError> {
    let chain = store::chain(scope).await?;
    let hash = before(scope, &chain, chain.length.saturating_add(1)).await?;
    Ok(Anchor { sequence: chain.length, hash })
}

/// Walks the tenant's whole chain and names the first place where it does not hold.
///
/// # Errors
/// [`DbError`].
pub async fn verify(scope: &mut Scope<'_>) -> Result<Verified, DbError> {
    let mut from = None;
    let mut rows = 0_i64;
    loop {
        let (found, next) = verify_from(scope, from).await?;
        rows = rows.saturating_add(found.rows);
        match next {
            Some(next) => from = Some(next),
            None => return Ok(Verified { rows, ..found }),
        }
    }
}

/// Walks a step along the chain, 20,000 rows at most, from its beginning or from an anchor, which the chain must still
/// hold; gives where to go on, if it has not come to the end.
///
/// # Errors
/// [`DbError`].
pub async fn verify_from(
    scope: &mut Scope<'_>,
    from: Option<Anchor>,
) -> Result<(Verified, Option<Anchor>), DbError> {
    let mut chain = store::chain(scope).await?;
    let mut verifier = start(scope, &chain, from).await?;
    let (begun, _) = verifier.place();
    loop {
        let (last, hash) = verifier.place();
        if last.saturating_sub(begun) >= STEP {
            return Ok((verifier.so_far(), Some(Anchor { sequence: last, hash })));
        }
        // The length is read before the rows: when no row follows, everything that it counted was seen, also while
        // others append.
        chain.length = store::chain(scope).await?.length;
        let rows = store::walk(scope, last, i64::MAX, PIECE).await?;
        if rows.is_empty() {
            return Ok((verifier.done(chain.length), None));
        }
        let covers = covers(scope, &rows).await?;
        if !rows.iter().all(|row| verifier.row(row, &covers)) {
            return Ok((verifier.done(chain.length), None));
        }
    }
}

/// A walk that begins at the anchor, or at the chain's beginning; one that is broken already if that does not hold.
async fn start(scope: &mut Scope<'_>, chain: &Chain, from: Option<Anchor>) -> Result<Verifier, DbError> {
    let place_before = chain.first.saturating_sub(1);
    let anchor = from.filter(|anchor| anchor.sequence >= chain.first && anchor.sequence <= chain.length);
    if let Some(anchor) = anchor {
        let mut verifier = Verifier::after(anchor.sequence, anchor.hash);
        if store::hash_at(scope, anchor.sequence).await? != Some(anchor.hash) {
            verifier.fail(anchor.sequence, Reason::Changed);
        }
        return Ok(verifier);
    }
    let mut verifier = Verifier::after(place_before, chain.beginning());
    // An anchor beyond the end: rows that were there are gone.
    if from.is_some_and(|anchor| anchor.sequence > chain.length) {
        verifier.fail(chain.length.saturating_add(1), Reason::Missing);
    }
    if let Some((hash, by)) = chain.cut {
        let mut covers = Covers::default();
        store::named(scope, &[by]).await?.iter().for_each(|row| covers.note(row));
        if !covers.cut(place_before, hash) {
            verifier.fail(place_before, Reason::Missing);
        }
    }
    Ok(verifier)
}

/// What the rows say that these rows were erased by.
async fn covers(scope: &mut Scope<'_>, rows: &[Recorded]) -> Result<Covers, DbError> {
    let places: BTreeSet<i64> = rows.iter().filter_map(|row| row.erased_by).collect();
    let mut covers = Covers::default();
    if !places.is_empty() {
        let places: Vec<i64> = places.into_iter().collect();
        store::named(scope, &places).await?.iter().for_each(|row| covers.note(row));
    }
    Ok(covers)
}
