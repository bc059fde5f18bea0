//! Where do a tenant's own triggers and modules stand? In `triggers`, `trigger_versions` and `modules`.

use super::json_column;
use crate::{
    Trigger,
    catalogue::{About, Parts},
    own::{Module, TriggerChange, TriggerVersion},
};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

const ALL: &str =
    "SELECT trigger_id, module_type, origin, description, schema, sample, record_type, record_field,
    record_schema, version FROM triggers WHERE tenant_id = ?1 ORDER BY trigger_id";
const PUT: &str = "INSERT INTO triggers (tenant_id, trigger_id, module_type, origin, description, schema, sample, record_type,
    record_field, record_schema, version, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
    ON CONFLICT (tenant_id, trigger_id) DO UPDATE SET module_type = excluded.module_type, description = excluded.description,
        schema = excluded.schema, sample = excluded.sample, record_type = excluded.record_type,
        record_field = excluded.record_field, record_schema = excluded.record_schema, version = excluded.version,
        updated_at = excluded.updated_at";
const DELETE: &str = "DELETE FROM triggers WHERE tenant_id = ?1 AND trigger_id = ?2";
// A trigger that was deleted and is made again goes on where it stopped.
const LAST_VERSION: &str =
    "SELECT COALESCE(MAX(version), 0) AS n FROM trigger_versions WHERE tenant_id = ?1 AND trigger_id = ?2";
const NOTE_VERSION: &str = "INSERT INTO trigger_versions
    (tenant_id, trigger_id, version, change, document, note, changed_by, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const VERSIONS: &str = "SELECT version, change, document, note, changed_by, changed_at FROM trigger_versions
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4";
const MODULES: &str =
    "SELECT module_type, name, created_at FROM modules WHERE tenant_id = ?1 ORDER BY module_type";
const ADD_MODULE: &str =
    "INSERT INTO modules (tenant_id, module_type, name, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING RETURNING module_type AS id";
const DELETE_MODULE: &str =
    "DELETE FROM modules WHERE tenant_id = ?1 AND module_type = ?2 RETURNING module_type AS id";

impl Decode for Trigger {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let record_type: Option<String> = row.get("record_type")?;
        let record_field: Option<String> = row.get("record_field")?;
        let text = |row: &mut Row<'_>, column: &str| row.get::<String>(column).map(String::into_boxed_str);
        let record_schema: Option<String> = row.get("record_schema")?;
        let record_schema = record_schema
            .map(|text| serde_json::from_str(&text).map_err(|_| row.surprise("record_schema", "JSON")))
            .transpose()?;
        let parts = Parts {
            trigger_id: text(row, "trigger_id")?,
            module_type: text(row, "module_type")?,
            description: row.get("description")?,
            schema: json_column(row, "schema")?,
            sample: json_column(row, "sample")?,
            about: record_type
                .zip(record_field)
                .map(|(record_type, field)| About { record_type: record_type.into(), field: field.into() }),
            record_schema,
        };
        Ok(Self::new(parts, row.parse("origin")?, row.get("version")?))
    }
}

impl Decode for Module {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            module_type: row.get("module_type")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl Decode for TriggerVersion {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            version: row.get("version")?,
            change: row.parse("change")?,
            said: json_column(row, "document")?,
            note: row.get("note")?,
            changed_by: row.get("changed_by")?,
            changed_at: row.get("changed_at")?,
        })
    }
}

/// What a version keeps of a trigger.
pub(crate) fn document(trigger: &Trigger) -> serde_json::Value {
    json!({
        "trigger_id": trigger.trigger_id,
        "module_type": trigger.module_type,
        "description": trigger.description,
        "schema": trigger.schema,
        "sample": trigger.sample,
        "record_type": trigger.about.as_ref().map(|about| &about.record_type),
        "record_field": trigger.about.as_ref().map(|about| &about.field),
    })
}

pub(crate) async fn all(scope: &mut Scope<'_>) -> Result<Vec<Trigger>, DbError> {
    scope.all(ALL, []).await
}

pub(crate) async fn put(scope: &mut Scope<'_>, trigger: &Trigger, now: Instant) -> Result<(), DbError> {
    let about = trigger.about.as_ref();
    let parameters: [Value; 11] = [
        (*trigger.trigger_id).into(),
        (*trigger.module_type).into(),
        trigger.origin.as_str().into(),
        (&trigger.description).into(),
        trigger.schema.to_string().into(),
        trigger.sample.to_string().into(),
        about.map(|about| about.record_type.to_string()).into(),
        about.map(|about| about.field.to_string()).into(),
        trigger.record_schema.as_ref().map(ToString::to_string).into(),
        trigger.version.into(),
        now.into(),
    ];
    scope.run_for_effect(PUT, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, trigger_id: &str) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [trigger_id.into()]).await.map(drop)
}

pub(crate) async fn last_version(scope: &mut Scope<'_>, trigger_id: &str) -> Result<u32, DbError> {
    let last: i64 = scope.one(LAST_VERSION, [trigger_id.into()]).await?.unwrap_or_default();
    Ok(u32::try_from(last).unwrap_or(u32::MAX))
}

pub(crate) async fn note_version(
    scope: &mut Scope<'_>,
    trigger: &Trigger,
    change: TriggerChange,
    note: Option<&str>,
    changed_by: &str,
    now: Instant,
) -> Result<(), DbError> {
    let parameters = [
        (*trigger.trigger_id).into(),
        trigger.version.into(),
        change.as_str().into(),
        document(trigger).to_string().into(),
        note.into(),
        changed_by.into(),
        now.into(),
    ];
    scope.run_for_effect(NOTE_VERSION, parameters).await.map(drop)
}

/// The newest versions before number `before`.
pub(crate) async fn versions(
    scope: &mut Scope<'_>,
    trigger_id: &str,
    before: i64,
    count: i64,
) -> Result<Vec<TriggerVersion>, DbError> {
    scope.all(VERSIONS, [trigger_id.into(), before.into(), count.into()]).await
}

pub(crate) async fn modules(scope: &mut Scope<'_>) -> Result<Vec<Module>, DbError> {
    scope.all(MODULES, []).await
}

/// Whether the module was put in: not if there is one of that name.
pub(crate) async fn add_module(scope: &mut Scope<'_>, module: &Module) -> Result<bool, DbError> {
    let parameters = [(&module.module_type).into(), (&module.name).into(), module.created_at.into()];
    Ok(scope.run_for_effect(ADD_MODULE, parameters).await? == 1)
}

pub(crate) async fn delete_module(scope: &mut Scope<'_>, module_type: &str) -> Result<bool, DbError> {
    Ok(scope.run_for_effect(DELETE_MODULE, [module_type.into()]).await? == 1)
}
