//! Where do sealed secrets stand, in all areas? When the key that seals is turned, they are sealed anew, a step at a time.

use db::{Db, DbError};
use kernel::Chance;
use vault::{Column, Cursor, Resealed, Vault};

/// Every area's. An area that seals something names it here, or its old keys could never be dropped.
const SEALED: &[&[Column]] = &[auth::SEALED, notifications::SEALED, webhooks::SEALED];

fn columns() -> Vec<Column> {
    SEALED.concat()
}

/// Seals at most `limit` secrets anew that the first key did not seal, from `after` on, in one transaction.
///
/// # Errors
/// [`DbError`]; then nothing was changed.
pub async fn reseal(
    db: &Db,
    vault: &Vault,
    chance: &dyn Chance,
    after: Option<&Cursor>,
    limit: u16,
) -> Result<Resealed, DbError> {
    let mut tx = db.begin().await?;
    let resealed = vault::step(&mut tx.all_tenants(), vault, chance, &columns(), after, limit).await?;
    tx.commit().await?;
    Ok(resealed)
}

/// How many secrets of each table are sealed by another key than the first.
///
/// # Errors
/// [`DbError`].
pub async fn sealed_otherwise(db: &Db, vault: &Vault) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut lease = db.read().await?;
    vault::left(&mut lease.all_tenants()?, vault, &columns()).await
}
