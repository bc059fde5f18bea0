//! Where do types stand? What a tenant says of the built-in ones, and its own, in `record_types`.

use crate::{Amount, RecordType, TypeName, built_in};
use db::{DbError, Decode, Row, Scope, Value};
use serde_json::json;

const GET: &str = "SELECT type, is_own, module_type, title, schema, name_field, status_field, statuses, high_value, version,
    created_at, updated_at FROM record_types WHERE tenant_id = ?1 AND type = ?2";
const ALL: &str = "SELECT type, is_own, module_type, title, schema, name_field, status_field, statuses, high_value, version,
    created_at, updated_at FROM record_types WHERE tenant_id = ?1 ORDER BY type";
const PUT: &str =
    "INSERT INTO record_types (tenant_id, type, is_own, module_type, title, schema, name_field, status_field,
    statuses, high_value, version, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
    ON CONFLICT (tenant_id, type) DO UPDATE SET title = excluded.title, schema = excluded.schema,
        statuses = excluded.statuses, high_value = excluded.high_value, version = excluded.version,
        updated_at = excluded.updated_at";
const DELETE: &str = "DELETE FROM record_types WHERE tenant_id = ?1 AND type = ?2 AND is_own = 1";
const COUNTS: &str = "SELECT type, count FROM record_counts WHERE tenant_id = ?1 ORDER BY type";
const OWN: &str = "SELECT COUNT(*) AS n FROM record_types WHERE tenant_id = ?1 AND is_own = 1";

impl Decode for RecordType {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let name: TypeName = row.parse("type")?;
        let is_own: bool = row.get("is_own")?;
        let built_in = built_in::find(name.as_str());
        if is_own == built_in.is_some() {
            return Err(row.surprise("is_own", "0 for a built-in type, 1 for any other"));
        }
        let schema: String = row.get("schema")?;
        let statuses: String = row.get("statuses")?;
        Ok(Self {
            name,
            module: row.get("module_type")?,
            title: row.get("title")?,
            schema: serde_json::from_str(&schema).map_err(|_| row.surprise("schema", "JSON"))?,
            name_field: row.get("name_field")?,
            status_field: row.get("status_field")?,
            statuses: serde_json::from_str(&statuses)
                .map_err(|_| row.surprise("statuses", "a list of texts"))?,
            high_value: row.parse_opt::<Amount>("high_value")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            built_in,
        })
    }
}

/// A type and how many records of it there are.
struct Count(TypeName, i64);

impl Decode for Count {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.parse("type")?, row.get("count")?))
    }
}

/// What the tenant says of a type.
pub(crate) async fn get(scope: &mut Scope<'_>, name: &TypeName) -> Result<Option<RecordType>, DbError> {
    scope.one(GET, [name.as_str().into()]).await
}

/// Everything that the tenant says of types.
pub(crate) async fn all(scope: &mut Scope<'_>) -> Result<Vec<RecordType>, DbError> {
    scope.all(ALL, []).await
}

pub(crate) async fn put(scope: &mut Scope<'_>, kind: &RecordType) -> Result<(), DbError> {
    let parameters: Vec<Value> = vec![
        kind.name.as_str().into(),
        kind.is_own().into(),
        (&kind.module).into(),
        (&kind.title).into(),
        kind.schema.to_string().into(),
        (&kind.name_field).into(),
        kind.status_field.clone().into(),
        json!(kind.statuses).to_string().into(),
        kind.high_value.map(|amount| amount.to_string()).into(),
        kind.version.into(),
        kind.created_at.into(),
        kind.updated_at.into(),
    ];
    scope.run_for_effect(PUT, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, name: &TypeName) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [name.as_str().into()]).await.map(drop)
}

/// How many records there are of each type.
pub(crate) async fn counts(scope: &mut Scope<'_>) -> Result<Vec<(TypeName, i64)>, DbError> {
    let counts: Vec<Count> = scope.all(COUNTS, []).await?;
    Ok(counts.into_iter().map(|Count(name, count)| (name, count)).collect())
}

/// How many types of its own the tenant has.
pub(crate) async fn own(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(OWN, []).await?.unwrap_or_default())
}
