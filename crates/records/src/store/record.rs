//! Where do records stand? In `records`: the fields as JSON, and beside them what lists are filtered and sorted by, which is
//! made of the fields here and nowhere else.

use crate::{Record, RecordType, TypeName, words, words::Token};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::RecordId;
use serde_json::json;
use std::collections::HashMap;

pub(crate) const COLUMNS: &str = "r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by, r.created_at, r.updated_at";

const GET: &str = "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by, r.created_at,
    r.updated_at FROM records AS r WHERE r.tenant_id = ?1 AND r.record_id = ?2 AND r.type = ?3";
const BY_EXTERNAL_IDS: &str =
    "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by,
    r.created_at, r.updated_at FROM json_each(?3) AS wanted CROSS JOIN records AS r
    ON r.tenant_id = ?1 AND r.type = ?2 AND r.external_id = wanted.value";
const BY_EMAILS: &str =
    "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by,
    r.created_at, r.updated_at FROM json_each(?3) AS wanted CROSS JOIN records AS r
    ON r.tenant_id = ?1 AND r.type = ?2 AND r.email = wanted.value ORDER BY r.record_id";
const BY_IDS: &str =
    "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by,
    r.created_at, r.updated_at FROM json_each(?3) AS wanted CROSS JOIN records AS r
    ON r.tenant_id = ?1 AND r.record_id = wanted.value AND r.type = ?2";
// Whoever names no type means any; the types of which there are records stand in record_counts.
const FACTS: &str = "SELECT wanted.key AS place, r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version,
        r.created_by, r.created_at, r.updated_at
    FROM json_each(?2) AS wanted CROSS JOIN records AS r ON r.tenant_id = ?1 AND r.record_id = wanted.value ->> 1
        AND (wanted.value ->> 0 IS NULL OR r.type = wanted.value ->> 0)
    UNION ALL
    SELECT wanted.key AS place, r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by,
        r.created_at, r.updated_at
    FROM json_each(?2) AS wanted
        CROSS JOIN record_counts AS c ON c.tenant_id = ?1 AND (wanted.value ->> 0 IS NULL OR c.type = wanted.value ->> 0)
        CROSS JOIN records AS r ON r.tenant_id = ?1 AND r.type = c.type AND r.external_id = wanted.value ->> 1";
const INSERT: &str = "INSERT INTO records (tenant_id, record_id, type, external_id, status, owner, email, name_key, value_key,
    fields, words, high_value_at, version, created_by, created_at, updated_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14
    FROM json_each(?2) ORDER BY key";
const UPDATE: &str = "UPDATE records SET external_id = new.value ->> 2, status = new.value ->> 3, owner = new.value ->> 4,
    email = new.value ->> 5, name_key = new.value ->> 6, value_key = new.value ->> 7, fields = new.value ->> 8,
    words = new.value ->> 9, high_value_at = new.value ->> 10, version = new.value ->> 11, updated_at = new.value ->> 14
    FROM json_each(?2) AS new WHERE records.tenant_id = ?1 AND records.record_id = new.value ->> 0";
const DELETE: &str =
    "DELETE FROM records WHERE tenant_id = ?1 AND record_id IN (SELECT value FROM json_each(?2))";
const ANY: &str = "SELECT EXISTS (SELECT 1 FROM record_counts WHERE tenant_id = ?1 AND count > 0) AS n";
const ALL_IN_USE: &str = "SELECT COALESCE(SUM(count), 0) AS n FROM record_counts WHERE tenant_id = ?1";
const AFTER: &str = "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by, r.created_at,
    r.updated_at FROM records AS r WHERE r.tenant_id = ?1 AND r.type = ?2 AND r.record_id > ?3 ORDER BY r.record_id LIMIT ?4";
const WITH_STATUSES: &str = "SELECT record_id AS id FROM records WHERE tenant_id = ?1 AND type = ?2
    AND status IN (SELECT value FROM json_each(?3)) LIMIT ?4";
const UNREAD: &str = "SELECT r.record_id, r.type, r.external_id, r.fields, r.high_value_at, r.version, r.created_by, r.created_at,
    r.updated_at FROM records AS r WHERE r.tenant_id = ?1 AND r.words = '' LIMIT ?2";
const SAY: &str =
    "UPDATE records SET words = new.value ->> 1, name_key = new.value ->> 2 FROM json_each(?2) AS new
    WHERE records.tenant_id = ?1 AND records.record_id = new.value ->> 0";

impl Decode for Record {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let fields: String = row.get("fields")?;
        Ok(Self {
            id: row.parse("record_id")?,
            kind: row.parse("type")?,
            external_id: row.get("external_id")?,
            fields: serde_json::from_str(&fields).map_err(|_| row.surprise("fields", "a JSON object"))?,
            high_value_at: row.get("high_value_at")?,
            version: row.get("version")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// A record, and the place of the question that it answers.
struct Found(i64, Record);

impl Decode for Found {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("place")?, Record::decode(row)?))
    }
}

fn list(lines: Vec<serde_json::Value>) -> Value {
    Value::Text(serde_json::Value::Array(lines).to_string())
}

/// How addresses, owners and the like are compared: in any case.
pub(crate) fn lower(text: &str) -> String {
    text.trim().to_lowercase()
}

/// The key that names sort by.
pub(crate) fn name_key(name: &str) -> String {
    words::folded(name).trim().to_owned()
}

/// What the index of words is told of a record.
fn words_of(token: &Token, record: &Record) -> String {
    let fields = record.fields.iter().map(|(name, value)| (name.as_str(), value));
    token.all(fields, &[record.external_id.as_deref().unwrap_or_default()])
}

/// A record as a row, from the fields that its type has a use for.
fn line(token: &Token, kind: &RecordType, record: &Record) -> serde_json::Value {
    json!([
        record.id.as_str(),
        record.kind.as_str(),
        record.external_id,
        record.status(kind),
        record.text("owner").map(lower),
        record.text("email").map(lower),
        name_key(record.name(kind)),
        record.value().map(crate::Amount::key).unwrap_or_default(),
        serde_json::Value::Object(record.fields.clone()).to_string(),
        words_of(token, record),
        record.high_value_at.map(kernel::Instant::millis),
        record.version,
        record.created_by,
        record.created_at.millis(),
        record.updated_at.millis(),
    ])
}

pub(crate) async fn get(
    scope: &mut Scope<'_>,
    kind: &TypeName,
    id: &RecordId,
) -> Result<Option<Record>, DbError> {
    scope.one(GET, [id.into(), kind.as_str().into()]).await
}

/// By what a row of an import, or a lead, finds a record that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Id,
    ExternalId,
    Email,
}

impl Key {
    /// How a row of an import, and what is said of it, names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::ExternalId => "external_id",
            Self::Email => "email",
        }
    }

    /// What of a record is compared.
    pub(crate) fn of(self, record: &Record) -> Option<String> {
        match self {
            Self::Id => Some(record.id.to_string()),
            Self::ExternalId => record.external_id.clone(),
            Self::Email => record.text("email").map(lower),
        }
    }

    /// The text as it is compared.
    pub(crate) fn read(self, text: &str) -> String {
        match self {
            Self::Id | Self::ExternalId => text.trim().to_owned(),
            Self::Email => lower(text),
        }
    }
}

/// The records of a type that have one of these keys, by key; of several with the same the oldest.
pub(crate) async fn by_keys(
    scope: &mut Scope<'_>,
    kind: &TypeName,
    key: Key,
    wanted: &[&str],
) -> Result<HashMap<String, Record>, DbError> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = match key {
        Key::Id => BY_IDS,
        Key::ExternalId => BY_EXTERNAL_IDS,
        Key::Email => BY_EMAILS,
    };
    let records: Vec<Record> =
        scope.all(sql, [kind.as_str().into(), Value::Text(json!(wanted).to_string())]).await?;
    let mut found = HashMap::with_capacity(records.len());
    for record in records {
        if let Some(text) = key.of(&record) {
            found.entry(text).or_insert(record);
        }
    }
    Ok(found)
}

/// For each (type, id or external id) the records that it may mean; one statement.
pub(crate) async fn facts(
    scope: &mut Scope<'_>,
    wanted: &[(Option<&str>, &str)],
) -> Result<Vec<Vec<Record>>, DbError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let lines = wanted.iter().map(|(kind, id)| json!([kind, id])).collect();
    let found: Vec<Found> = scope.all(FACTS, [list(lines)]).await?;
    let mut answers: Vec<Vec<Record>> = wanted.iter().map(|_| Vec::new()).collect();
    for Found(place, record) in found {
        if let Some(answer) = usize::try_from(place).ok().and_then(|place| answers.get_mut(place)) {
            answer.push(record);
        }
    }
    Ok(answers)
}

/// Puts records in, all of one type.
pub(crate) async fn insert(
    scope: &mut Scope<'_>,
    kind: &RecordType,
    records: &[&Record],
) -> Result<(), DbError> {
    write(scope, kind, records, INSERT).await
}

/// Writes records that are there, all of one type.
pub(crate) async fn update(
    scope: &mut Scope<'_>,
    kind: &RecordType,
    records: &[&Record],
) -> Result<(), DbError> {
    write(scope, kind, records, UPDATE).await
}

async fn write(
    scope: &mut Scope<'_>,
    kind: &RecordType,
    records: &[&Record],
    sql: &'static str,
) -> Result<(), DbError> {
    if records.is_empty() {
        return Ok(());
    }
    let token = Token::new(scope.tenant(), &kind.name);
    let lines = records.iter().map(|record| line(&token, kind, record)).collect();
    scope.run_for_effect(sql, [list(lines)]).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, ids: &[&RecordId]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    scope.run_for_effect(DELETE, [Value::Text(json!(ids).to_string())]).await.map(drop)
}

/// Whether the tenant has any record.
pub(crate) async fn any(scope: &mut Scope<'_>) -> Result<bool, DbError> {
    Ok(scope.one::<i64>(ANY, []).await? == Some(1))
}

/// How many records the tenant has.
pub(crate) async fn in_use(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(ALL_IN_USE, []).await?.unwrap_or_default())
}

/// Records of a type after an id, in the order in which they were made.
pub(crate) async fn after(
    scope: &mut Scope<'_>,
    kind: &TypeName,
    after: &str,
    most: i64,
) -> Result<Vec<Record>, DbError> {
    scope.all(AFTER, [kind.as_str().into(), after.into(), most.into()]).await
}

/// The ids of records that stand at one of these statuses.
pub(crate) async fn with_statuses(
    scope: &mut Scope<'_>,
    kind: &TypeName,
    statuses: &[&str],
    most: i64,
) -> Result<Vec<RecordId>, DbError> {
    let parameters = [kind.as_str().into(), Value::Text(json!(statuses).to_string()), most.into()];
    let ids: Vec<String> = scope.all(WITH_STATUSES, parameters).await?;
    let surprise = || DbError::Decode { column: "record_id".to_owned(), wanted: "a record's id" };
    ids.iter().map(|id| id.parse().map_err(|_| surprise())).collect()
}

/// Records whose words are to be said anew.
pub(crate) async fn unread(scope: &mut Scope<'_>, most: i64) -> Result<Vec<Record>, DbError> {
    scope.all(UNREAD, [most.into()]).await
}

/// Says the words of records anew; `kinds` knows the types of all of them.
pub(crate) async fn say(
    scope: &mut Scope<'_>,
    kinds: &[RecordType],
    records: &[Record],
) -> Result<(), DbError> {
    let mut lines = Vec::with_capacity(records.len());
    for record in records {
        let Some(kind) = kinds.iter().find(|kind| kind.name == record.kind) else { continue };
        let token = Token::new(scope.tenant(), &kind.name);
        lines.push(json!([record.id.as_str(), words_of(&token, record), name_key(record.name(kind))]));
    }
    scope.run_for_effect(SAY, [list(lines)]).await.map(drop)
}
