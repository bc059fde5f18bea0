//! Where does stand what rules remember? In `rule_marks` and `rule_waits`, under a digest of the key.

use crate::{
    key::Key,
    recall::{Memo, Recall, Waiting, Wanted},
};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::{EventId, Instant, RuleId};
use serde_json::json;

const MARKS: &str = "SELECT kept.rule_id, kept.mark, kept.key, kept.at
    FROM json_each(?2) AS wanted CROSS JOIN rule_marks AS kept
    WHERE kept.tenant_id = ?1 AND kept.rule_id = wanted.value ->> 0 AND kept.mark = wanted.value ->> 1
        AND kept.key = wanted.value ->> 2 AND kept.at > wanted.value ->> 3";
const WAITS: &str = "SELECT kept.rule_id, kept.key, kept.event_id, kept.first_at, kept.due_at
    FROM json_each(?2) AS wanted CROSS JOIN rule_waits AS kept
    WHERE kept.tenant_id = ?1 AND kept.rule_id = wanted.value ->> 0 AND kept.key = wanted.value ->> 1";
const MARK: &str = "INSERT INTO rule_marks (tenant_id, rule_id, mark, key, at, event_id, until)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?2) WHERE true
    ON CONFLICT DO NOTHING";
// Marks that no longer count go with the marks that take their place, so that a key keeps no more than its window.
const UNMARK: &str = "DELETE FROM rule_marks WHERE tenant_id = ?1 AND EXISTS (SELECT 1 FROM json_each(?2)
    WHERE rule_marks.rule_id = value ->> 0 AND rule_marks.mark = value ->> 1 AND rule_marks.key = value ->> 2
        AND rule_marks.at <= value ->> 3)";
const WAIT: &str = "INSERT INTO rule_waits (tenant_id, rule_id, key, event_id, first_at, due_at)
    SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(?2) WHERE true
    ON CONFLICT (tenant_id, rule_id, key) DO UPDATE SET event_id = excluded.event_id, first_at = excluded.first_at,
        due_at = excluded.due_at";
const OVER: &str = "DELETE FROM rule_waits WHERE tenant_id = ?1 AND (rule_id, key) IN
    (SELECT value ->> 0, value ->> 1 FROM json_each(?2))";
const OLD_MARKS: &str = "DELETE FROM rule_marks WHERE (tenant_id, rule_id, mark, key, at, event_id) IN
    (SELECT tenant_id, rule_id, mark, key, at, event_id FROM rule_marks WHERE tenant_id = ?1 AND until < ?2 LIMIT ?3)
    RETURNING rule_id AS id";
const OLD_WAITS: &str = "DELETE FROM rule_waits WHERE (tenant_id, rule_id, key) IN
    (SELECT tenant_id, rule_id, key FROM rule_waits WHERE tenant_id = ?1 AND due_at < ?2 LIMIT ?3) RETURNING rule_id AS id";

struct MarkRow(RuleId, crate::recall::Mark, Key, Instant);

impl Decode for MarkRow {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let key: String = row.get("key")?;
        Ok(Self(row.parse("rule_id")?, row.parse("mark")?, Key::kept(&key), row.get("at")?))
    }
}

struct WaitRow(RuleId, Key, Waiting);

impl Decode for WaitRow {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let key: String = row.get("key")?;
        let waiting =
            Waiting { event: row.parse("event_id")?, first: row.get("first_at")?, due: row.get("due_at")? };
        Ok(Self(row.parse("rule_id")?, Key::kept(&key), waiting))
    }
}

fn lines(lines: Vec<serde_json::Value>) -> [Value; 1] {
    [Value::Text(serde_json::Value::Array(lines).to_string())]
}

/// What is remembered of what is wanted at `now`: a statement for marks, and one for what waits.
pub(crate) async fn load(scope: &mut Scope<'_>, wanted: &[Wanted], now: Instant) -> Result<Recall, DbError> {
    let (mut marks, mut waits) = (Vec::new(), Vec::new());
    for one in wanted {
        match one {
            Wanted::Marks(rule, mark, key, within) => {
                marks.push(json!([rule.as_str(), mark.as_str(), key.as_str(), (now - *within).millis()]));
            }
            Wanted::Waiting(rule, key) => waits.push(json!([rule.as_str(), key.as_str()])),
        }
    }
    // The same key is wanted by each event that has it, and its marks count once.
    for wanted in [&mut marks, &mut waits] {
        wanted.sort_by_key(ToString::to_string);
        wanted.dedup();
    }
    let mut recall = Recall::default();
    if !marks.is_empty() {
        for MarkRow(rule, mark, key, at) in scope.all(MARKS, lines(marks)).await? {
            recall.mark(rule, mark, key, at);
        }
    }
    if !waits.is_empty() {
        for WaitRow(rule, key, waiting) in scope.all(WAITS, lines(waits)).await? {
            recall.wait(rule, key, waiting);
        }
    }
    Ok(recall)
}

/// Keeps what events left to be remembered, in their order: a statement for each kind of thing.
pub(crate) async fn keep(
    scope: &mut Scope<'_>,
    events: &[(&EventId, Instant, &[Memo])],
) -> Result<(), DbError> {
    let (mut marks, mut unmarks) = (Vec::new(), Vec::new());
    let mut waits: Vec<(String, Option<serde_json::Value>)> = Vec::new();
    for (event, now, memos) in events {
        for memo in *memos {
            match memo {
                Memo::Mark(rule, mark, key, within) => {
                    let name = (rule.as_str(), mark.as_str(), key.as_str());
                    unmarks.push(json!([name.0, name.1, name.2, (*now - *within).millis()]));
                    marks.push(json!([
                        name.0,
                        name.1,
                        name.2,
                        now.millis(),
                        event.as_str(),
                        (*now + *within).millis()
                    ]));
                }
                Memo::Restart(rule, key) => {
                    let held = crate::recall::Mark::Held.as_str();
                    unmarks.push(json!([rule.as_str(), held, key.as_str(), now.millis()]));
                    marks.retain(|line: &serde_json::Value| {
                        let part = |place: usize| line.get(place).and_then(serde_json::Value::as_str);
                        (part(0), part(1), part(2)) != (Some(rule.as_str()), Some(held), Some(key.as_str()))
                    });
                }
                Memo::Wait(rule, key, waiting) => {
                    let line = json!([
                        rule.as_str(),
                        key.as_str(),
                        waiting.event.as_str(),
                        waiting.first.millis(),
                        waiting.due.millis()
                    ]);
                    waits.push((json!([rule.as_str(), key.as_str()]).to_string(), Some(line)));
                }
                Memo::Over(rule, key) => waits.push((json!([rule.as_str(), key.as_str()]).to_string(), None)),
            }
        }
    }
    if !unmarks.is_empty() {
        scope.run_for_effect(UNMARK, lines(unmarks)).await?;
    }
    if !marks.is_empty() {
        scope.run_for_effect(MARK, lines(marks)).await?;
    }
    keep_waits(scope, waits).await
}

/// Of each key only what came last counts.
async fn keep_waits(
    scope: &mut Scope<'_>,
    waits: Vec<(String, Option<serde_json::Value>)>,
) -> Result<(), DbError> {
    let last: std::collections::BTreeMap<String, Option<serde_json::Value>> = waits.into_iter().collect();
    let over: Vec<serde_json::Value> = last
        .iter()
        .filter(|(_, line)| line.is_none())
        .filter_map(|(name, _)| serde_json::from_str(name).ok())
        .collect();
    let kept: Vec<serde_json::Value> = last.into_values().flatten().collect();
    if !over.is_empty() {
        scope.run_for_effect(OVER, lines(over)).await?;
    }
    if !kept.is_empty() {
        scope.run_for_effect(WAIT, lines(kept)).await?;
    }
    Ok(())
}

/// Forgets what no longer counts at `now`, at most so many rows of each; how many went.
pub(crate) async fn forget(scope: &mut Scope<'_>, now: Instant, most: i64) -> Result<usize, DbError> {
    let marks = scope.run_for_effect(OLD_MARKS, [now.into(), most.into()]).await?;
    let waits = scope.run_for_effect(OLD_WAITS, [now.into(), most.into()]).await?;
    Ok(marks.saturating_add(waits))
}
