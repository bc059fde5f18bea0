//! What of the ledger does a rule look at that is held against it? Few columns, many rows, in the order of the events.

use crate::past::{Circumstances, Past, Stretch};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

/// How much the data of a page may take, in bytes.
const MOST_BYTES: i64 = 8 << 20;

// What is not asked for comes as null: it need not be carried.
const PAST: &str = "SELECT event_id, received_at, data, record, iif(?6, source, NULL) AS source, iif(?6, subject, NULL) AS subject,
    iif(?6, actor, NULL) AS actor, iif(?6, occurred_at, NULL) AS occurred_at, iif(?6, depth, NULL) AS depth
    FROM events INDEXED BY events_by_trigger
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id <= ?4 ORDER BY event_id LIMIT ?5";
// How much each takes is told by the head of its row: nothing of it is read.
const SIZES: &str = "SELECT event_id AS id, octet_length(data) + coalesce(octet_length(record), 0) AS bytes
    FROM events INDEXED BY events_by_trigger
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 ORDER BY event_id LIMIT ?5";
const LAST_MATCHES: &str = "SELECT hit.rule_id, event.received_at FROM
    (SELECT wanted.value AS rule_id, (SELECT MAX(event_id) FROM event_matches
        WHERE tenant_id = ?1 AND rule_id = wanted.value) AS event_id FROM json_each(?2) AS wanted) AS hit
    JOIN events AS event ON event.tenant_id = ?1 AND event.event_id = hit.event_id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM events INDEXED BY events_by_trigger
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 LIMIT ?5)";

impl Decode for Past {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let actor: Option<String> = row.get("actor")?;
        let circumstances = match actor {
            Some(actor) => Some(Circumstances {
                source: row.get("source")?,
                subject: row.get("subject")?,
                actor,
                occurred: row.get("occurred_at")?,
                depth: row.get("depth")?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.get("event_id")?,
            trigger: 0,
            received: row.get("received_at")?,
            data: row.get("data")?,
            record: row.get("record")?,
            circumstances,
        })
    }
}

struct Size(String, i64);

impl Decode for Size {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("id")?, row.get("bytes")?))
    }
}

/// The last of the next events of a stretch that together are `most` at most and take no more than [`MOST_BYTES`]; one is
/// always taken.
async fn horizon(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Option<String>, DbError> {
    let mut all: Vec<Size> = Vec::new();
    // A trigger at a time, each in its index's order: together they would be sorted anew for every page.
    for trigger in stretch.triggers {
        let parameters = [(*trigger).into(), after.into(), stretch.until.into(), most.into()];
        all.extend(scope.all::<Size>(SIZES, parameters).await?);
    }
    if stretch.triggers.len() > 1 {
        all.sort_by(|Size(one, _), Size(other, _)| one.cmp(other));
        all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    let mut left = MOST_BYTES;
    let mut last = None;
    for Size(id, bytes) in all {
        left = left.saturating_sub(bytes);
        if left < 0 && last.is_some() {
            break;
        }
        last = Some(id);
    }
    Ok(last)
}

/// The next events of a stretch, all of its triggers together.
pub(crate) async fn next(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Vec<Past>, DbError> {
    let Some(last) = horizon(scope, stretch, after, most).await? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (number, trigger) in stretch.triggers.iter().enumerate() {
        let parameters = [
            (*trigger).into(),
            after.into(),
            last.as_str().into(),
            most.into(),
            stretch.circumstances.into(),
        ];
        let rows: Vec<Past> = scope.all(PAST, parameters).await?;
        all.extend(rows.into_iter().map(|row| Past { trigger: number, ..row }));
    }
    if stretch.triggers.len() > 1 {
        all.sort_by(|one, other| one.id.cmp(&other.id));
    }
    Ok(all)
}

/// How many events a stretch has after one of them, `most` at most.
pub(crate) async fn count(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<i64, DbError> {
    let mut count = 0_i64;
    for trigger in stretch.triggers {
        let parameters = [(*trigger).into(), after.into(), stretch.until.into(), most.into()];
        let more: Option<i64> = scope.one(COUNT, parameters).await?;
        count = count.saturating_add(more.unwrap_or_default());
    }
    Ok(count.min(most))
}

struct Match(String, Instant);

impl Decode for Match {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("rule_id")?, row.get("received_at")?))
    }
}

/// When rules matched last.
pub(crate) async fn last_matches(
    scope: &mut Scope<'_>,
    rules: &[&str],
) -> Result<Vec<(String, Instant)>, DbError> {
    let rows: Vec<Match> = scope.all(LAST_MATCHES, [Value::Text(json!(rules).to_string())]).await?;
    Ok(rows.into_iter().map(|Match(rule, at)| (rule, at)).collect())
}
