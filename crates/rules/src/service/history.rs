//! What was a rule, and what changed? Its versions, of which each change makes one and none ever changes, and the way back to one.

use super::{Checked, change, seen_by};
use crate::{Catalogue, Change, Definition, Difference, Draft, RuleError, Version, store};
use db::{Db, DbError, Scope};
use kernel::{Bounded, Cursor, FieldFault, Page, PageError, PageRequest, RuleId};

/// A rule's versions, the newest first.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::Invalid`] for a cursor of another list, or the database's.
pub async fn versions(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    page: &PageRequest,
) -> Result<Page<Version>, RuleError> {
    let before = before(page)?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    seen_by(&mut scope, who, id).await?;
    let rows = store::versions(&mut scope, id, before, page.probe()).await?;
    Ok(Page::cut(rows, page, |version| version.version.to_string()))
}

/// What a rule is called, and who changed it last: the id of a user, an API key or a client, or `system`.
///
/// # Errors
/// [`DbError`].
pub async fn editor(scope: &mut Scope<'_>, id: &RuleId) -> Result<Option<(String, String)>, DbError> {
    let last = store::versions(scope, id, i64::MAX, 1).await?.pop();
    Ok(last.map(|version| (version.definition.name, version.changed_by)))
}

/// The number before which a page of versions goes on.
pub(super) fn before(page: &PageRequest) -> Result<i64, RuleError> {
    match page.after.as_ref().map(Cursor::key) {
        None => Ok(i64::MAX),
        Some(key) => Ok(key.parse().map_err(|_| vec![FieldFault::new("cursor", PageError::Cursor)])?),
    }
}

/// One version of a rule.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::VersionUnknown`], or the database's.
pub async fn version(db: &Db, who: &Bounded, id: &RuleId, number: u32) -> Result<Version, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    seen_by(&mut scope, who, id).await?;
    store::version(&mut scope, id, number).await?.ok_or(RuleError::VersionUnknown(number))
}

/// Brings back what a rule said at an earlier version, as its next version. Its key stays.
///
/// # Errors
/// [`RuleError::VersionUnknown`]; as [`patch`].
pub async fn rollback(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    expected: Option<u32>,
    to: u32,
    note: Option<&str>,
) -> Result<Checked, RuleError> {
    let earlier = version(db, who, id, to).await?.definition;
    // It is checked anew: what was accepted then may no longer be.
    let redefine = |was: &Definition, catalogue: &Catalogue| {
        Definition::check(Draft { key: Some(was.key.clone()), ..earlier.draft() }, catalogue)
    };
    change(db, who, id, expected, Change::RolledBack, note, redefine).await
}

/// What is different between two versions of a rule, and their numbers. The later one is the present one unless it is named.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::VersionUnknown`], or the database's.
pub async fn diff(
    db: &Db,
    who: &Bounded,
    id: &RuleId,
    from: u32,
    to: Option<u32>,
) -> Result<(u32, Difference), RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let rule = seen_by(&mut scope, who, id).await?;
    let was = store::version(&mut scope, id, from).await?.ok_or(RuleError::VersionUnknown(from))?;
    let to = to.unwrap_or(rule.version);
    let is = store::version(&mut scope, id, to).await?.ok_or(RuleError::VersionUnknown(to))?;
    Ok((to, Difference::between(&was.definition, &is.definition)))
}
