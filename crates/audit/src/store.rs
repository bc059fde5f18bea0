//! Where does the audit stand? Two tables: the rows, and each tenant's length.

pub(crate) mod forget;

use crate::{Content, Filter, Format, GENESIS, Hash, Part, Recorded, Salt};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

/// Takes the next ?2 places of the chain; gives the last place taken before and its hash.
const TAKE: &str = "INSERT INTO audit_chains (tenant_id, length) VALUES (?1, ?2)
    ON CONFLICT (tenant_id) DO UPDATE SET length = length + ?2
    RETURNING length - ?2 AS sequence, (SELECT hash FROM audit_entries AS last
        WHERE last.tenant_id = ?1 AND last.sequence = audit_chains.length - ?2) AS hash";
const INSERT: &str = "INSERT INTO audit_entries
    (tenant_id, format, sequence, audit_id, at, actor, action, subject, request_id, hash,
     address, address_salt, before, before_salt, after, after_salt)
    SELECT ?1, 2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        unhex(value ->> 7), value ->> 8, unhex(value ->> 9), value ->> 10, unhex(value ->> 11), value ->> 12,
        unhex(value ->> 13) FROM json_each(?2)";
const LIST: &str =
    "SELECT tenant_id, format, sequence, audit_id, at, actor, action, subject, request_id, hash, erased_by,
    address, address_salt, address_erased, before, before_salt, before_erased, after, after_salt, after_erased
    FROM audit_entries WHERE tenant_id = ?1 AND sequence >= ?2 AND sequence < ?3
    AND (?4 IS NULL OR actor = ?4)
    AND (?5 IS NULL OR action = ?5) AND (?6 IS NULL OR substr(action, 1, length(?6)) = ?6)
    AND (?7 IS NULL OR subject = ?7) AND (?8 IS NULL OR address = ?8) AND (?9 IS NULL OR request_id = ?9)
    AND (?10 IS NULL OR instr(lower(before), ?10) OR instr(lower(after), ?10))
    AND (?11 IS NULL OR at >= ?11) AND (?12 IS NULL OR at < ?12)
    ORDER BY sequence DESC LIMIT ?13";
const WALK: &str =
    "SELECT tenant_id, format, sequence, audit_id, at, actor, action, subject, request_id, hash, erased_by,
    address, address_salt, address_erased, before, before_salt, before_erased, after, after_salt, after_erased
    FROM audit_entries WHERE tenant_id = ?1 AND sequence > ?2 AND sequence < ?3 ORDER BY sequence LIMIT ?4";
const NAMED: &str = "SELECT tenant_id, format, sequence, audit_id, at, actor, action, subject, request_id, hash, erased_by,
    address, address_salt, address_erased, before, before_salt, before_erased, after, after_salt, after_erased
    FROM audit_entries WHERE tenant_id = ?1 AND sequence IN (SELECT value FROM json_each(?2)) ORDER BY sequence";
const CHAIN: &str = "SELECT length, first, cut_hash, cut_by FROM audit_chains WHERE tenant_id = ?1";
const AT: &str = "SELECT at FROM audit_entries WHERE tenant_id = ?1 AND sequence = ?2";
const HASH: &str = "SELECT sequence, hash FROM audit_entries WHERE tenant_id = ?1 AND sequence = ?2";

/// The end of a chain: the last place taken, and its hash.
pub(crate) struct Head {
    pub(crate) sequence: i64,
    pub(crate) hash: Hash,
}

pub(crate) fn hash(row: &mut Row<'_>, column: &str) -> Result<Option<Hash>, DbError> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    let hash = bytes.map(|bytes| bytes.try_into().map(Hash)).transpose();
    hash.map_err(|_| row.surprise(column, "32 bytes"))
}

impl Decode for Head {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        // Nothing there although places were taken: somebody removed the last row. The chain begins anew, and its
        // verification names the gap; to refuse would let the same somebody stop the tenant's work.
        Ok(Self { sequence: row.get("sequence")?, hash: hash(row, "hash")?.unwrap_or(GENESIS) })
    }
}

/// What is known of a chain beside its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) length: i64,
    pub(crate) first: i64,
    /// The hash of the row before the first, and the place of the row that says so.
    pub(crate) cut: Option<(Hash, i64)>,
}

impl Chain {
    /// The hash after which the first row stands.
    pub(crate) fn beginning(&self) -> Hash {
        self.cut.map_or(GENESIS, |(hash, _)| hash)
    }
}

impl Decode for Chain {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let by: Option<i64> = row.get("cut_by")?;
        Ok(Self { length: row.get("length")?, first: row.get("first")?, cut: hash(row, "cut_hash")?.zip(by) })
    }
}

fn content(row: &mut Row<'_>, part: Part) -> Result<Content, DbError> {
    let name = part.as_str();
    let text: Option<String> = row.get(name)?;
    if let Some(text) = text {
        let column = format!("{name}_salt");
        let bytes: Option<Vec<u8>> = row.get(&column)?;
        let salt = bytes.map(|bytes| bytes.try_into().map(Salt)).transpose();
        return Ok(Content::Kept { text, salt: salt.map_err(|_| row.surprise(&column, "16 bytes"))? });
    }
    Ok(hash(row, &format!("{name}_erased"))?.map_or(Content::Nothing, Content::Erased))
}

impl Decode for Recorded {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let format = Format::of(row.get("format")?);
        Ok(Self {
            format: format.ok_or_else(|| row.surprise("format", "the number of a format"))?,
            tenant: row.parse("tenant_id")?,
            sequence: row.get("sequence")?,
            id: row.parse("audit_id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            request: row.get("request_id")?,
            address: content(row, Part::Address)?,
            before: content(row, Part::Before)?,
            after: content(row, Part::After)?,
            erased_by: row.get("erased_by")?,
            hash: hash(row, "hash")?.ok_or_else(|| row.surprise("hash", "32 bytes"))?,
        })
    }
}

pub(crate) async fn take(scope: &mut Scope<'_>, places: i64) -> Result<Head, DbError> {
    let head = scope.one(TAKE, [places.into()]).await?;
    head.ok_or_else(|| DbError::Engine("an upsert of the audit's length returned no row".to_owned()))
}

pub(crate) async fn insert(scope: &mut Scope<'_>, rows: &[Recorded]) -> Result<(), DbError> {
    let salt = |content: &Content| match content {
        Content::Kept { salt, .. } => salt.map(|salt| salt.to_string()),
        Content::Nothing | Content::Erased(_) => None,
    };
    let lines: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!([
                row.sequence,
                row.id.as_str(),
                row.at.millis(),
                row.actor,
                row.action,
                row.subject,
                row.request,
                row.hash.to_string(),
                row.address.text(),
                salt(&row.address),
                row.before.text(),
                salt(&row.before),
                row.after.text(),
                salt(&row.after),
            ])
        })
        .collect();
    let text = serde_json::Value::Array(lines).to_string();
    scope.run_for_effect(INSERT, [Value::Text(text)]).await.map(drop)
}

/// Rows from `from` on and below `below` that `filter` lets through, newest first; its times are not looked at but as
/// `filter` says.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    filter: &Filter,
    (from, below): (i64, i64),
    limit: i64,
) -> Result<Vec<Recorded>, DbError> {
    let action = filter.action.as_deref();
    let prefix = action.and_then(|action| action.strip_suffix('*'));
    let parameters = [
        from.into(),
        below.into(),
        filter.actor.as_deref().into(),
        action.filter(|_| prefix.is_none()).into(),
        prefix.into(),
        filter.subject.as_deref().into(),
        filter.address.as_deref().into(),
        filter.request.as_deref().into(),
        filter.text.as_ref().map(|text| text.to_ascii_lowercase()).into(),
        filter.since.into(),
        filter.until.into(),
        limit.into(),
    ];
    scope.all(LIST, parameters).await
}

/// Rows after `after` and before `below`, oldest first.
pub(crate) async fn walk(
    scope: &mut Scope<'_>,
    after: i64,
    below: i64,
    limit: i64,
) -> Result<Vec<Recorded>, DbError> {
    scope.all(WALK, [after.into(), below.into(), limit.into()]).await
}

/// The rows at these places, oldest first.
pub(crate) async fn named(scope: &mut Scope<'_>, places: &[i64]) -> Result<Vec<Recorded>, DbError> {
    scope.all(NAMED, [Value::Text(json!(places).to_string())]).await
}

pub(crate) async fn chain(scope: &mut Scope<'_>) -> Result<Chain, DbError> {
    Ok(scope.one(CHAIN, []).await?.unwrap_or(Chain { length: 0, first: 1, cut: None }))
}

/// When the row at this place was written.
pub(crate) async fn at(scope: &mut Scope<'_>, place: i64) -> Result<Option<Instant>, DbError> {
    scope.one::<At>(AT, [place.into()]).await.map(|found| found.map(|at| at.0))
}

struct At(Instant);

impl Decode for At {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        row.get("at").map(Self)
    }
}

/// The hash of the row at this place.
pub(crate) async fn hash_at(scope: &mut Scope<'_>, place: i64) -> Result<Option<Hash>, DbError> {
    scope.one::<Head>(HASH, [place.into()]).await.map(|found| found.map(|head| head.hash))
}
