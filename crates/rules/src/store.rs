//! Where do rules stand? In two tables: the rules as they are, and every version that they had.

pub(crate) mod backtest;
pub(crate) mod many;
pub(crate) mod peer;
pub(crate) mod privacy;
pub(crate) mod recall;
pub(crate) mod shadow;
pub(crate) mod trigger;

use crate::{
    Change, MOST_RULES, Rule, Version,
    document::{definition, document},
    service::Grounds,
};
use chrono_tz::Tz;
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{Bounds, PageRequest, RuleId};
use serde_json::json;

const GROUNDS: &str =
    "SELECT rules_revision, settings ->> '$.time_zone' AS time_zone FROM tenants WHERE tenant_id = ?1";
const BUMP: &str = "UPDATE tenants SET rules_revision = rules_revision + 1 WHERE tenant_id = ?1";
const GET: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND rule_id = ?2";
const BY_KEYS: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND key IN (SELECT value FROM json_each(?2))";
const LIST: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND rule_id > ?2
    AND (?3 IS NULL OR module_type = ?3) AND (?4 IS NULL OR trigger_id = ?4) AND (?5 IS NULL OR is_active = ?5)
    AND (?7 IS NULL OR module_type IN (SELECT value FROM json_each(?7)) OR rule_id IN (SELECT value FROM json_each(?8)))
    AND (?9 IS NULL OR EXISTS (SELECT 1 FROM json_each(document, '$.labels') WHERE value = ?9))
    AND (?10 IS NULL OR instr(lower(document ->> 'name'), ?10) OR instr(lower(document ->> 'description'), ?10)
        OR instr(key, ?10))
    ORDER BY rule_id LIMIT ?6";
const ACTIVE: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND is_active = 1";
// Those bound to a trigger, and those whose actions or absence may name it.
const NAMING: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND (trigger_id = ?2 OR instr(document, '\"' || ?2 || '\"')) ORDER BY rule_id";
const INSERT: &str = "INSERT INTO rules
    (tenant_id, rule_id, key, module_type, trigger_id, is_active, document, version, created_at, updated_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
    WHERE (SELECT COUNT(*) FROM rules INDEXED BY rules_by_trigger WHERE tenant_id = ?1) < ?11
    RETURNING rule_id AS id";
const UPDATE: &str = "UPDATE rules SET key = ?3, module_type = ?4, trigger_id = ?5, is_active = ?6, document = ?7, version = ?8,
    updated_at = ?9 WHERE tenant_id = ?1 AND rule_id = ?2";
const DELETE: &str = "DELETE FROM rules WHERE tenant_id = ?1 AND rule_id = ?2";
const COUNT: &str = "SELECT COUNT(*) AS n FROM rules INDEXED BY rules_by_trigger WHERE tenant_id = ?1";
// The keys that are taken among those that begin like this one.
const KEYS_LIKE: &str =
    "SELECT key AS id FROM rules WHERE tenant_id = ?1 AND key >= ?2 AND key < ?2 || '.' AND rule_id <> ?3";
const NOTE_VERSION: &str = "INSERT INTO rule_versions
    (tenant_id, rule_id, version, change, document, note, changed_by, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const VERSIONS: &str = "SELECT version, change, document, note, changed_by, changed_at FROM rule_versions
    WHERE tenant_id = ?1 AND rule_id = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4";
const VERSION: &str = "SELECT version, change, document, note, changed_by, changed_at FROM rule_versions
    WHERE tenant_id = ?1 AND rule_id = ?2 AND version = ?3";

/// Which rules a list shows; an empty filter shows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFilter {
    /// Only those of this module.
    pub module_type: Option<String>,
    /// Only those of this trigger.
    pub trigger_id: Option<String>,
    /// Only those that are switched on, or off.
    pub is_active: Option<bool>,
    /// Only those with this label.
    pub label: Option<String>,
    /// Only those whose name, description or key has this in it, in any case.
    pub text: Option<String>,
}

pub(crate) fn json_column(row: &mut Row<'_>, column: &str) -> Result<serde_json::Value, DbError> {
    let text: String = row.get(column)?;
    // Numbers keep the text that they were written in.
    language::payload::read(&text).map_err(|_| row.surprise(column, "JSON"))
}

impl Decode for Rule {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let document = json_column(row, "document")?;
        Ok(Self {
            id: row.parse("rule_id")?,
            definition: definition(document).ok_or_else(|| row.surprise("document", "a rule"))?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl Decode for Version {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let document = json_column(row, "document")?;
        Ok(Self {
            version: row.get("version")?,
            change: row.parse("change")?,
            definition: definition(document).ok_or_else(|| row.surprise("document", "a rule"))?,
            changed_by: row.get("changed_by")?,
            changed_at: row.get("changed_at")?,
            note: row.get("note")?,
        })
    }
}

impl Decode for Grounds {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let zone: Option<Tz> = row.parse_opt("time_zone")?;
        Ok(Self { revision: row.get("rules_revision")?, zone: zone.unwrap_or(Tz::UTC) })
    }
}

/// What the tenant's rules stand on; of a tenant that is not there, nothing that changes.
pub(crate) async fn grounds(scope: &mut Scope<'_>) -> Result<Grounds, DbError> {
    let nothing = Grounds { revision: 0, zone: Tz::UTC };
    Ok(scope.one(GROUNDS, []).await?.unwrap_or(nothing))
}

pub(crate) async fn bump(scope: &mut Scope<'_>) -> Result<(), DbError> {
    scope.run_for_effect(BUMP, []).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &RuleId) -> Result<Option<Rule>, DbError> {
    scope.one(GET, [id.into()]).await
}

pub(crate) async fn list(
    scope: &mut Scope<'_>,
    bounds: &Bounds,
    filter: &RuleFilter,
    page: &PageRequest,
) -> Result<Vec<Rule>, DbError> {
    let parts = bounds.parts();
    let parameters = [
        page.after_or("").into(),
        filter.module_type.clone().into(),
        filter.trigger_id.clone().into(),
        filter.is_active.into(),
        page.probe().into(),
        parts.map(|parts| json!(parts.modules).to_string()).into(),
        parts.map(|parts| json!(parts.resources).to_string()).into(),
        filter.label.clone().into(),
        filter.text.as_deref().map(str::to_lowercase).into(),
    ];
    scope.all(LIST, parameters).await
}

/// Rules bound to the trigger, or with its name somewhere in them.
pub(crate) async fn naming(scope: &mut Scope<'_>, trigger_id: &str) -> Result<Vec<Rule>, DbError> {
    scope.all(NAMING, [trigger_id.into()]).await
}

pub(crate) async fn by_keys(scope: &mut Scope<'_>, keys: &[&str]) -> Result<Vec<Rule>, DbError> {
    scope.all(BY_KEYS, [Value::Text(json!(keys).to_string())]).await
}

pub(crate) async fn count(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(COUNT, []).await?.unwrap_or_default())
}

/// The taken keys that begin with `key`, but for that of the rule `id`.
pub(crate) async fn keys_like(scope: &mut Scope<'_>, key: &str, id: &RuleId) -> Result<Vec<String>, DbError> {
    scope.all(KEYS_LIKE, [key.into(), id.into()]).await
}

pub(crate) async fn active(scope: &mut Scope<'_>) -> Result<Vec<Rule>, DbError> {
    scope.all(ACTIVE, []).await
}

/// The columns of a rule that both INSERT and UPDATE set, from `?2` on.
fn columns(rule: &Rule) -> Vec<Value> {
    let definition = &rule.definition;
    vec![
        (&rule.id).into(),
        (&definition.key).into(),
        (&definition.module_type).into(),
        (&definition.trigger_id).into(),
        definition.is_active.into(),
        document(definition).to_string().into(),
        rule.version.into(),
    ]
}

/// Whether the rule was put in: not if the tenant has [`MOST_RULES`] already.
pub(crate) async fn insert(scope: &mut Scope<'_>, rule: &Rule) -> Result<bool, DbError> {
    let mut parameters = columns(rule);
    parameters.extend([rule.created_at.into(), rule.updated_at.into(), MOST_RULES.into()]);
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

pub(crate) async fn update(scope: &mut Scope<'_>, rule: &Rule) -> Result<(), DbError> {
    let mut parameters = columns(rule);
    parameters.push(rule.updated_at.into());
    scope.run_for_effect(UPDATE, parameters).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, id: &RuleId) -> Result<(), DbError> {
    scope.run_for_effect(DELETE, [id.into()]).await.map(drop)
}

pub(crate) async fn note_version(
    scope: &mut Scope<'_>,
    rule: &Rule,
    change: Change,
    note: Option<&str>,
    changed_by: &str,
) -> Result<(), DbError> {
    let parameters = [
        (&rule.id).into(),
        rule.version.into(),
        change.as_str().into(),
        document(&rule.definition).to_string().into(),
        note.into(),
        changed_by.into(),
        rule.updated_at.into(),
    ];
    scope.run_for_effect(NOTE_VERSION, parameters).await.map(drop)
}

/// The newest versions before number `before`.
pub(crate) async fn versions(
    scope: &mut Scope<'_>,
    id: &RuleId,
    before: i64,
    count: i64,
) -> Result<Vec<Version>, DbError> {
    scope.all(VERSIONS, [id.into(), before.into(), count.into()]).await
}

pub(crate) async fn version(
    scope: &mut Scope<'_>,
    id: &RuleId,
    version: u32,
) -> Result<Option<Version>, DbError> {
    scope.one(VERSION, [id.into(), version.into()]).await
}
