//! How do many rules come, change and go at once? One statement for each kind of change, however many rules there are.

use crate::{Change, Rule, RuleFilter, document::document};
use db::{DbError, Scope, Value};
use kernel::{Bounds, RuleId};
use serde_json::json;

const BY_KEY: &str = "SELECT rule_id, document, version, created_at, updated_at FROM rules
    WHERE tenant_id = ?1 AND (?2 IS NULL OR module_type = ?2)
    AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(document, '$.labels') WHERE value = ?3))
    AND (?4 IS NULL OR rule_id IN (SELECT value FROM json_each(?4)))
    AND (?5 IS NULL OR module_type IN (SELECT value FROM json_each(?5)) OR rule_id IN (SELECT value FROM json_each(?6)))
    ORDER BY key LIMIT ?7";
const INSERT: &str = "INSERT INTO rules
    (tenant_id, rule_id, key, module_type, trigger_id, is_active, document, version, created_at, updated_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
    FROM json_each(?2)";
const UPDATE: &str = "UPDATE rules SET key = new.value ->> 1, module_type = new.value ->> 2, trigger_id = new.value ->> 3,
    is_active = new.value ->> 4, document = new.value ->> 5, version = new.value ->> 6, updated_at = new.value ->> 8
    FROM json_each(?2) AS new WHERE rules.tenant_id = ?1 AND rules.rule_id = new.value ->> 0";
const DELETE: &str =
    "DELETE FROM rules WHERE tenant_id = ?1 AND rule_id IN (SELECT value FROM json_each(?2))";
const NOTE_VERSIONS: &str = "INSERT INTO rule_versions
    (tenant_id, rule_id, version, change, document, note, changed_by, changed_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?3, ?4, value ->> 4 FROM json_each(?2)";

fn lines(lines: Vec<serde_json::Value>) -> Value {
    Value::Text(serde_json::Value::Array(lines).to_string())
}

/// Rules by their keys, so many at most: of a module, with a label, with one of these ids, where the filter says so. What else
/// a filter says is not looked at.
pub(crate) async fn by_key(
    scope: &mut Scope<'_>,
    bounds: &Bounds,
    filter: &RuleFilter,
    ids: Option<&[RuleId]>,
    most: i64,
) -> Result<Vec<Rule>, DbError> {
    let parts = bounds.parts();
    let ids = ids.map(|ids| json!(ids.iter().map(RuleId::as_str).collect::<Vec<_>>()).to_string());
    let parameters = [
        filter.module_type.clone().into(),
        filter.label.clone().into(),
        ids.into(),
        parts.map(|parts| json!(parts.modules).to_string()).into(),
        parts.map(|parts| json!(parts.resources).to_string()).into(),
        most.into(),
    ];
    scope.all(BY_KEY, parameters).await
}

fn line(rule: &Rule) -> serde_json::Value {
    let definition = &rule.definition;
    json!([
        rule.id.as_str(),
        definition.key,
        definition.module_type,
        definition.trigger_id,
        definition.is_active,
        // As text, so that its numbers are not read on the way.
        document(definition).to_string(),
        rule.version,
        rule.created_at.millis(),
        rule.updated_at.millis(),
    ])
}

/// Puts rules in, whose keys are free.
pub(crate) async fn insert(scope: &mut Scope<'_>, rules: &[Rule]) -> Result<(), DbError> {
    if rules.is_empty() {
        return Ok(());
    }
    scope.run_for_effect(INSERT, [lines(rules.iter().map(line).collect())]).await.map(drop)
}

pub(crate) async fn update(scope: &mut Scope<'_>, rules: &[Rule]) -> Result<(), DbError> {
    if rules.is_empty() {
        return Ok(());
    }
    scope.run_for_effect(UPDATE, [lines(rules.iter().map(line).collect())]).await.map(drop)
}

pub(crate) async fn delete(scope: &mut Scope<'_>, rules: &[&RuleId]) -> Result<(), DbError> {
    if rules.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = rules.iter().map(|id| id.as_str()).collect();
    scope.run_for_effect(DELETE, [Value::Text(json!(ids).to_string())]).await.map(drop)
}

pub(crate) async fn note_versions(
    scope: &mut Scope<'_>,
    versions: &[(&Rule, Change)],
    note: Option<&str>,
    changed_by: &str,
) -> Result<(), DbError> {
    if versions.is_empty() {
        return Ok(());
    }
    let line = |(rule, change): &(&Rule, Change)| {
        let document = document(&rule.definition).to_string();
        json!([rule.id.as_str(), rule.version, change.as_str(), document, rule.updated_at.millis()])
    };
    let parameters = [lines(versions.iter().map(line).collect()), note.into(), changed_by.into()];
    scope.run_for_effect(NOTE_VERSIONS, parameters).await.map(drop)
}
