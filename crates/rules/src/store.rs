//! Where do rules stand? In two tables: the rules as they are, and every version that they had.

pub(crate) mod privacy;

use crate::{Change, Definition, MOST_RULES, Rule, Version};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{Bounds, PageRequest, RuleId};
use serde_json::json;

const REVISION: &str = "SELECT rules_revision AS n FROM tenants WHERE tenant_id = ?1";
const BUMP: &str = "UPDATE tenants SET rules_revision = rules_revision + 1 WHERE tenant_id = ?1";
const GET: &str =
    "SELECT rule_id, name, description, module_type, trigger_id, conditions, actions, is_active, priority,
    stop_on_match, version, created_at, updated_at FROM rules WHERE tenant_id = ?1 AND rule_id = ?2";
const LIST: &str = "SELECT rule_id, name, description, module_type, trigger_id, conditions, actions, is_active, priority,
    stop_on_match, version, created_at, updated_at FROM rules WHERE tenant_id = ?1 AND rule_id > ?2
    AND (?3 IS NULL OR module_type = ?3) AND (?4 IS NULL OR trigger_id = ?4) AND (?5 IS NULL OR is_active = ?5)
    AND (?7 IS NULL OR module_type IN (SELECT value FROM json_each(?7)) OR rule_id IN (SELECT value FROM json_each(?8)))
    ORDER BY rule_id LIMIT ?6";
const ACTIVE: &str =
    "SELECT rule_id, name, description, module_type, trigger_id, conditions, actions, is_active, priority,
    stop_on_match, version, created_at, updated_at FROM rules WHERE tenant_id = ?1 AND is_active = 1";
const INSERT: &str =
    "INSERT INTO rules (tenant_id, rule_id, name, description, module_type, trigger_id, conditions, actions,
    is_active, priority, stop_on_match, version, created_at, updated_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
    WHERE (SELECT COUNT(*) FROM rules INDEXED BY rules_by_trigger WHERE tenant_id = ?1) < ?15
    RETURNING rule_id AS id";
const UPDATE: &str =
    "UPDATE rules SET name = ?3, description = ?4, module_type = ?5, trigger_id = ?6, conditions = ?7,
    actions = ?8, is_active = ?9, priority = ?10, stop_on_match = ?11, version = ?12, updated_at = ?13
    WHERE tenant_id = ?1 AND rule_id = ?2";
const DELETE: &str = "DELETE FROM rules WHERE tenant_id = ?1 AND rule_id = ?2";
const NOTE_VERSION: &str =
    "INSERT INTO rule_versions (tenant_id, rule_id, version, change, document, changed_by, changed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const VERSIONS: &str = "SELECT version, change, document, changed_by, changed_at FROM rule_versions
    WHERE tenant_id = ?1 AND rule_id = ?2 AND version < ?3 ORDER BY version DESC LIMIT ?4";
const VERSION: &str = "SELECT version, change, document, changed_by, changed_at FROM rule_versions
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
}

fn json_column(row: &mut Row<'_>, column: &str) -> Result<serde_json::Value, DbError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| row.surprise(column, "JSON"))
}

impl Decode for Rule {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("rule_id")?,
            definition: Definition {
                name: row.get("name")?,
                description: row.get("description")?,
                module_type: row.get("module_type")?,
                trigger_id: row.get("trigger_id")?,
                conditions: json_column(row, "conditions")?,
                actions: json_column(row, "actions")?,
                is_active: row.get("is_active")?,
                priority: row.get("priority")?,
                stop_on_match: row.get("stop_on_match")?,
            },
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
        })
    }
}

/// A definition as a version keeps it.
fn document(definition: &Definition) -> serde_json::Value {
    json!({
        "name": definition.name,
        "description": definition.description,
        "module_type": definition.module_type,
        "trigger_id": definition.trigger_id,
        "conditions": definition.conditions,
        "actions": definition.actions,
        "is_active": definition.is_active,
        "priority": definition.priority,
        "stop_on_match": definition.stop_on_match,
    })
}

/// The definition that a version keeps; `None` if it is not one.
fn definition(mut document: serde_json::Value) -> Option<Definition> {
    let text = |document: &serde_json::Value, name: &str| document.get(name)?.as_str().map(str::to_owned);
    Some(Definition {
        name: text(&document, "name")?,
        description: text(&document, "description"),
        module_type: text(&document, "module_type")?,
        trigger_id: text(&document, "trigger_id")?,
        is_active: document.get("is_active")?.as_bool()?,
        priority: document.get("priority")?.as_i64()?,
        stop_on_match: document.get("stop_on_match")?.as_bool()?,
        conditions: document.get_mut("conditions")?.take(),
        actions: document.get_mut("actions")?.take(),
    })
}

pub(crate) async fn revision(scope: &mut Scope<'_>) -> Result<i64, DbError> {
    Ok(scope.one(REVISION, []).await?.unwrap_or_default())
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
    ];
    scope.all(LIST, parameters).await
}

pub(crate) async fn active(scope: &mut Scope<'_>) -> Result<Vec<Rule>, DbError> {
    scope.all(ACTIVE, []).await
}

/// The columns of a rule that both INSERT and UPDATE set, from `?2` on.
fn columns(rule: &Rule) -> Vec<Value> {
    let definition = &rule.definition;
    vec![
        (&rule.id).into(),
        (&definition.name).into(),
        definition.description.clone().into(),
        (&definition.module_type).into(),
        (&definition.trigger_id).into(),
        definition.conditions.to_string().into(),
        definition.actions.to_string().into(),
        definition.is_active.into(),
        definition.priority.into(),
        definition.stop_on_match.into(),
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
    changed_by: &str,
) -> Result<(), DbError> {
    let parameters = [
        (&rule.id).into(),
        rule.version.into(),
        change.as_str().into(),
        document(&rule.definition).to_string().into(),
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
