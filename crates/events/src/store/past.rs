//! What of the ledger does a rule look at that is held against it? Few columns, many rows, in the order of the events.

use crate::past::{Circumstances, Past, Piece, Stretch};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

/// How much the data of a piece may take, in bytes.
const MOST_BYTES: i64 = 8 << 20;

// A piece comes as one text: thousands of rows of many columns each would take longer to hand over than to look at. Each event says how
// long its parts are, so that no sign in them can be taken for an end.
const PAST: &str = "SELECT group_concat(event_id || ' ' || received_at || ' ' || octet_length(circumstances) || ' ' || octet_length(data)
        || ' ' || octet_length(record) || ' ' || circumstances || data || record, '') AS piece FROM
    (SELECT event_id, received_at, data, coalesce(record, '') AS record,
            CASE WHEN ?6 THEN json_array(source, subject, actor, occurred_at, depth) ELSE '' END AS circumstances
        FROM events INDEXED BY events_by_trigger
        WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id <= ?4 ORDER BY event_id LIMIT ?5)";
// How much each takes is told by the head of its row: nothing of it is read.
const SIZES: &str = "SELECT group_concat(event_id || ' ' || bytes || ' ', '') AS piece FROM
    (SELECT event_id, octet_length(data) + coalesce(octet_length(record), 0) AS bytes
        FROM events INDEXED BY events_by_trigger
        WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 ORDER BY event_id LIMIT ?5)";
const LAST_MATCHES: &str = "SELECT hit.rule_id, event.received_at FROM
    (SELECT wanted.value AS rule_id, (SELECT MAX(event_id) FROM event_matches
        WHERE tenant_id = ?1 AND rule_id = wanted.value) AS event_id FROM json_each(?2) AS wanted) AS hit
    JOIN events AS event ON event.tenant_id = ?1 AND event.event_id = hit.event_id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM events INDEXED BY events_by_trigger
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 LIMIT ?5)";
// From each trigger to the next, by hops through the index.
const TRIGGERS: &str = "WITH RECURSIVE hop(id) AS (
        SELECT (SELECT trigger_id FROM events INDEXED BY events_by_trigger WHERE tenant_id = ?1 ORDER BY trigger_id LIMIT 1)
        UNION ALL
        SELECT (SELECT trigger_id FROM events INDEXED BY events_by_trigger WHERE tenant_id = ?1 AND trigger_id > hop.id
            ORDER BY trigger_id LIMIT 1) FROM hop WHERE hop.id IS NOT NULL
    )
    SELECT hop.id AS trigger_id, (SELECT module_type FROM events INDEXED BY events_by_trigger
        WHERE tenant_id = ?1 AND trigger_id = hop.id ORDER BY event_id DESC LIMIT 1) AS module_type
    FROM hop WHERE hop.id IS NOT NULL";

/// The events of one trigger, one after the other; empty if there are none.
struct Listed(String);

impl Decode for Listed {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get::<Option<String>>("piece")?.unwrap_or_default()))
    }
}

/// Takes apart what [`Listed`] holds: `one` gives what stands first, and the rest.
fn all<'a, T>(mut piece: &'a str, one: impl Fn(&'a str) -> Option<(T, &'a str)>) -> Result<Vec<T>, DbError> {
    let mut found = Vec::new();
    while !piece.is_empty() {
        let surprise =
            || DbError::Decode { column: "piece".to_owned(), wanted: "events, one after the other" };
        let (event, rest) = one(piece).ok_or_else(surprise)?;
        found.push(event);
        piece = rest;
    }
    Ok(found)
}

/// Reads the events of the trigger that is the `trigger`th of its stretch.
pub(crate) fn read(trigger: usize, piece: &str) -> Result<Vec<Past<'_>>, DbError> {
    all(piece, |text| event(trigger, text))
}

fn event(trigger: usize, text: &str) -> Option<(Past<'_>, &str)> {
    let (id, rest) = text.split_once(' ')?;
    let (received, rest) = number(rest)?;
    let (of_circumstances, rest) = number(rest)?;
    let (of_data, rest) = number(rest)?;
    let (of_record, rest) = number(rest)?;
    let (circumstances, rest) = part(rest, of_circumstances)?;
    let (data, rest) = part(rest, of_data)?;
    let (record, rest) = part(rest, of_record)?;
    let circumstances = if circumstances.is_empty() {
        None
    } else {
        let (source, subject, actor, occurred, depth) =
            serde_json::from_str::<(String, Option<String>, String, i64, u32)>(circumstances).ok()?;
        Some(Circumstances { source, subject, actor, occurred: Instant::from_millis(occurred), depth })
    };
    let record = (!record.is_empty()).then_some(record);
    let received = Instant::from_millis(received);
    Some((Past { id, trigger, received, data, record, circumstances }, rest))
}

/// So many bytes, and the rest.
fn part(text: &str, bytes: i64) -> Option<(&str, &str)> {
    text.split_at_checked(usize::try_from(bytes).ok()?)
}

fn number(text: &str) -> Option<(i64, &str)> {
    let (number, rest) = text.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

/// An event and how many bytes its data takes.
fn size(text: &str) -> Option<((&str, i64), &str)> {
    let (id, rest) = text.split_once(' ')?;
    let (bytes, rest) = number(rest)?;
    Some(((id, bytes), rest))
}

async fn listed<const N: usize>(
    scope: &mut Scope<'_>,
    sql: &'static str,
    parameters: [Value; N],
) -> Result<String, DbError> {
    let piece: Option<Listed> = scope.one(sql, parameters).await?;
    Ok(piece.map(|Listed(text)| text).unwrap_or_default())
}

/// The last of the next events of a stretch that together are `most` at most and take no more than [`MOST_BYTES`]; one is
/// always taken.
async fn horizon(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Option<String>, DbError> {
    let mut pieces = Vec::new();
    // A trigger at a time, each in its index's order: together they would be sorted anew for every piece.
    for trigger in stretch.triggers {
        let parameters = [(*trigger).into(), after.into(), stretch.until.into(), most.into()];
        pieces.push(listed(scope, SIZES, parameters).await?);
    }
    let mut sizes: Vec<(&str, i64)> = Vec::new();
    for piece in &pieces {
        sizes.append(&mut all(piece, size)?);
    }
    if stretch.triggers.len() > 1 {
        sizes.sort_by_key(|(id, _)| *id);
        sizes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    let mut left = MOST_BYTES;
    let mut last = None;
    for (id, bytes) in sizes {
        left = left.saturating_sub(bytes);
        if left < 0 && last.is_some() {
            break;
        }
        last = Some(id);
    }
    Ok(last.map(str::to_owned))
}

/// The next events of a stretch, of each trigger for itself.
pub(crate) async fn next(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Piece, DbError> {
    let mut pages = Vec::new();
    if let Some(last) = horizon(scope, stretch, after, most).await? {
        for trigger in stretch.triggers {
            let parameters = [
                (*trigger).into(),
                after.into(),
                last.as_str().into(),
                most.into(),
                stretch.circumstances.into(),
            ];
            pages.push(listed(scope, PAST, parameters).await?);
        }
    }
    Ok(Piece(pages))
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

struct Trigger(String, String);

impl Decode for Trigger {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get("trigger_id")?, row.get("module_type")?))
    }
}

/// The triggers of which there are events, each with its module.
pub(crate) async fn triggers(scope: &mut Scope<'_>) -> Result<Vec<(String, String)>, DbError> {
    let rows: Vec<Trigger> = scope.all(TRIGGERS, []).await?;
    Ok(rows.into_iter().map(|Trigger(trigger, module)| (trigger, module)).collect())
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
