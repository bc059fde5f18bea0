//! Where do shadows stand? In `rule_shadows`, and how they stood to their rules in `rule_shadow_counts`.

use super::json_column;
use crate::{
    MOST_DIVERGENCES, MOST_SHADOWS, Rule, Shadow, ShadowCounts, Shadowed,
    document::{definition, document},
};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{RuleId, TenantId};
use serde_json::json;
use std::collections::BTreeMap;

const ALL: &str = "SELECT shadow.rule_id, shadow.shadow_id, shadow.document, shadow.note, shadow.requested_by,
    shadow.created_at AS since, shadow.version, rule.created_at, rule.updated_at
    FROM rule_shadows AS shadow JOIN rules AS rule ON rule.tenant_id = shadow.tenant_id AND rule.rule_id = shadow.rule_id
    WHERE shadow.tenant_id = ?1 AND (?2 IS NULL OR shadow.rule_id = ?2) ORDER BY shadow.rule_id";
const COUNTS: &str =
    "SELECT events, both, only_live, only_shadow, differ, failed, latest FROM rule_shadow_counts
    WHERE tenant_id = ?1 AND rule_id = ?2";
const DELETE_COUNTS: &str = "DELETE FROM rule_shadow_counts WHERE tenant_id = ?1 AND rule_id = ?2";
const DELETE: &str = "DELETE FROM rule_shadows WHERE tenant_id = ?1 AND rule_id = ?2 RETURNING rule_id AS id";
const INSERT: &str =
    "INSERT INTO rule_shadows (tenant_id, rule_id, shadow_id, document, version, note, requested_by, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE (SELECT COUNT(*) FROM rule_shadows WHERE tenant_id = ?1) < ?9
    RETURNING rule_id AS id";
const INSERT_COUNTS: &str = "INSERT INTO rule_shadow_counts (tenant_id, rule_id, since) VALUES (?1, ?2, ?3)";
// The newest divergences come first; the list is written anew only where there is a new one.
const COUNT: &str = "UPDATE rule_shadow_counts SET
    events = events + (new.value ->> 2), both = both + (new.value ->> 3), only_live = only_live + (new.value ->> 4),
    only_shadow = only_shadow + (new.value ->> 5), differ = differ + (new.value ->> 6), failed = failed + (new.value ->> 7),
    latest = CASE json_array_length(new.value -> 8) WHEN 0 THEN latest ELSE (SELECT json_group_array(json(one.value)) FROM
        (SELECT value FROM json_each(new.value -> 8) UNION ALL SELECT value FROM json_each(latest) LIMIT ?2) AS one) END
    FROM json_each(?1) AS new
    WHERE rule_shadow_counts.tenant_id = new.value ->> 0 AND rule_shadow_counts.rule_id = new.value ->> 1";

impl Decode for Shadow {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let document = json_column(row, "document")?;
        Ok(Self {
            rule: Rule {
                id: row.parse("rule_id")?,
                definition: definition(document).ok_or_else(|| row.surprise("document", "a rule"))?,
                version: row.get("version")?,
                created_at: row.get("created_at")?,
                updated_at: row.get("updated_at")?,
            },
            shadow_id: row.parse("shadow_id")?,
            note: row.get("note")?,
            requested_by: row.get("requested_by")?,
            since: row.get("since")?,
        })
    }
}

impl Decode for ShadowCounts {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let latest = json_column(row, "latest")?;
        let mut count = |name: &str| row.get::<i64>(name).map(i64::unsigned_abs);
        Ok(Self {
            events: count("events")?,
            both: count("both")?,
            only_live: count("only_live")?,
            only_shadow: count("only_shadow")?,
            differ: count("differ")?,
            failed: count("failed")?,
            latest,
        })
    }
}

/// The tenant's shadows.
pub(crate) async fn all(scope: &mut Scope<'_>) -> Result<Vec<Shadow>, DbError> {
    scope.all(ALL, [Value::Null]).await
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &RuleId) -> Result<Option<Shadow>, DbError> {
    scope.one(ALL, [id.into()]).await
}

pub(crate) async fn counts(scope: &mut Scope<'_>, id: &RuleId) -> Result<ShadowCounts, DbError> {
    Ok(scope.one(COUNTS, [id.into()]).await?.unwrap_or_default())
}

/// Whether there was one to be taken away.
pub(crate) async fn delete(scope: &mut Scope<'_>, id: &RuleId) -> Result<bool, DbError> {
    scope.run_for_effect(DELETE_COUNTS, [id.into()]).await?;
    Ok(scope.run_for_effect(DELETE, [id.into()]).await? > 0)
}

/// Whether the shadow was put in: not if the tenant has [`MOST_SHADOWS`] already.
pub(crate) async fn insert(scope: &mut Scope<'_>, shadow: &Shadow) -> Result<bool, DbError> {
    let id = &shadow.rule.id;
    let parameters = [
        id.into(),
        (&shadow.shadow_id).into(),
        document(&shadow.rule.definition).to_string().into(),
        shadow.rule.version.into(),
        shadow.note.as_deref().into(),
        (&shadow.requested_by).into(),
        shadow.since.into(),
        MOST_SHADOWS.into(),
    ];
    if scope.run_for_effect(INSERT, parameters).await? == 0 {
        return Ok(false);
    }
    scope.run_for_effect(INSERT_COUNTS, [id.into(), shadow.since.into()]).await?;
    Ok(true)
}

/// The counts of one shadow, in the order of the statement, and what differed.
type Sum<'a> = ([u64; 6], Vec<&'a serde_json::Value>);

/// Counts what shadows said to events, the oldest first.
pub(crate) async fn count(all: &mut AllTenants<'_>, said: &[(&TenantId, &Shadowed)]) -> Result<(), DbError> {
    let mut sums: BTreeMap<(&TenantId, &RuleId), Sum<'_>> = BTreeMap::new();
    for (tenant, shadow) in said {
        let (counts, latest) = sums.entry((*tenant, &shadow.rule_id)).or_default();
        let both = shadow.live && shadow.shadow;
        let differ = both && shadow.divergence.is_some();
        let what =
            [true, both, shadow.live && !shadow.shadow, shadow.shadow && !shadow.live, differ, shadow.failed];
        for (count, counts) in counts.iter_mut().zip(what) {
            *count = count.saturating_add(u64::from(counts));
        }
        latest.extend(shadow.divergence.as_ref());
    }
    let lines: Vec<serde_json::Value> = sums
        .into_iter()
        .map(|((tenant, rule), ([events, both, live, shadow, differ, failed], latest))| {
            let latest: Vec<_> = latest.into_iter().rev().collect();
            json!([tenant.as_str(), rule.as_str(), events, both, live, shadow, differ, failed, latest])
        })
        .collect();
    let lines = serde_json::Value::Array(lines).to_string();
    all.run_for_effect(COUNT, [lines.into(), MOST_DIVERGENCES.into()]).await.map(drop)
}
