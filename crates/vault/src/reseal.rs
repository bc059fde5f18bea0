//! How does everything that an older key sealed come under the first one? In small steps, each a transaction of its own,
//! that can be broken off and taken up at any time: what is done is done, and what is not still opens.
//!
//! An area names its sealed columns as [`Column`]s in its store; whoever brings the areas together walks through them.

use crate::{Vault, VaultError};
use db::{AllTenants, DbError, Decode, Row, Value};
use kernel::Chance;
use std::{fmt, str::FromStr};

/// A column of sealed secrets, and the statements that walk through it. All work over all tenants.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its table, for people and for where to go on.
    pub table: &'static str,
    /// At most `?4` rows after tenant `?1` and id `?2`, in their order, whose secret does not begin with `?3`: as
    /// `tenant_id`, `id`, `place` (the context that it was sealed for) and `sealed`.
    pub pick: &'static str,
    /// Puts `?3` in the row of tenant `?1` and id `?2`, if `?4` still stands there; returns the id.
    pub put: &'static str,
    /// How many secrets do not begin with `?1`, as `n`.
    pub count: &'static str,
}

/// Where to go on: after this row of this table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    table: String,
    tenant: String,
    id: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.table, self.tenant, self.id)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(table), Some(tenant), Some(id)) => Ok(Self { table, tenant, id }),
            _ => Err("is not where a step ended; leave it out to begin again"),
        }
    }
}

/// A secret that could not be opened, and so was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Where it stands: table, tenant, id.
    pub place: Cursor,
    /// Why.
    pub why: VaultError,
}

/// What a step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resealed {
    /// How many secrets were sealed anew.
    pub done: usize,
    /// Those that could not be opened.
    pub stuck: Vec<Stuck>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

struct Picked {
    tenant: String,
    id: String,
    place: String,
    sealed: Vec<u8>,
}

impl Decode for Picked {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            tenant: row.get("tenant_id")?,
            id: row.get("id")?,
            place: row.get("place")?,
            sealed: row.get("sealed")?,
        })
    }
}

/// Seals at most `limit` secrets anew, from `after` on.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn step(
    all: &mut AllTenants<'_>,
    vault: &Vault,
    chance: &dyn Chance,
    columns: &[Column],
    after: Option<&Cursor>,
    limit: u16,
) -> Result<Resealed, DbError> {
    let mut resealed = Resealed::default();
    let begin = after.and_then(|after| columns.iter().position(|column| column.table == after.table));
    for (place, column) in columns.iter().enumerate().skip(begin.unwrap_or_default()) {
        let room = usize::from(limit).saturating_sub(resealed.done.saturating_add(resealed.stuck.len()));
        if room == 0 {
            break;
        }
        let after = after.filter(|_| begin == Some(place));
        let rows = pick(all, vault, column, after, room).await?;
        let full = rows.len() >= room;
        for row in rows {
            let here =
                Cursor { table: column.table.to_owned(), tenant: row.tenant.clone(), id: row.id.clone() };
            match again(vault, chance, &row) {
                Ok(sealed) => {
                    let parameters = [
                        Value::Text(row.tenant),
                        Value::Text(row.id),
                        Value::Blob(sealed),
                        Value::Blob(row.sealed),
                    ];
                    // Changed by somebody meanwhile: then it was sealed by what seals now.
                    resealed.done += all.run_for_effect(column.put, parameters).await?;
                }
                Err(why) => resealed.stuck.push(Stuck { place: here.clone(), why }),
            }
            resealed.next = Some(here);
        }
        if !full {
            let following = columns.get(place.saturating_add(1));
            resealed.next = following.map(|column| Cursor {
                table: column.table.to_owned(),
                tenant: String::new(),
                id: String::new(),
            });
        }
    }
    Ok(resealed)
}

async fn pick(
    all: &mut AllTenants<'_>,
    vault: &Vault,
    column: &Column,
    after: Option<&Cursor>,
    room: usize,
) -> Result<Vec<Picked>, DbError> {
    let (tenant, id) = after.map_or_else(Default::default, |after| (after.tenant.clone(), after.id.clone()));
    let room = i64::try_from(room).unwrap_or(i64::MAX);
    let parameters = [Value::Text(tenant), Value::Text(id), Value::Blob(vault.head()), Value::Integer(room)];
    all.all(column.pick, parameters).await
}

fn again(vault: &Vault, chance: &dyn Chance, row: &Picked) -> Result<Vec<u8>, VaultError> {
    let plain = vault.open(&row.place, &row.sealed)?;
    vault.seal(&row.place, plain.expose(), chance)
}

/// How many secrets of each column are sealed by another key than the first.
///
/// # Errors
/// [`DbError`].
pub async fn left(
    all: &mut AllTenants<'_>,
    vault: &Vault,
    columns: &[Column],
) -> Result<Vec<(&'static str, i64)>, DbError> {
    let mut counts = Vec::with_capacity(columns.len());
    for column in columns {
        let count = all.one::<i64>(column.count, [Value::Blob(vault.head())]).await?;
        counts.push((column.table, count.unwrap_or_default()));
    }
    Ok(counts)
}
