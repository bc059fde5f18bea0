//! What of the ledger does a rule look at that is held against it? Few columns, many rows, in the order of the events.

use crate::past::{Circumstances, Past, Piece, Stretch};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

/// How much the data of a page may take, in bytes.
const MOST_BYTES: i64 = 8 << 20;

/// Between two events, and between the parts of one: neither can stand in JSON (RFC 8259), where control characters are escaped.
const EVENTS: char = '\u{1e}';
const PARTS: char = '\u{1f}';

// A page comes as one text: thousands of rows of many columns each would take longer to hand over than to look at.
const PAST: &str = "SELECT group_concat(event_id || char(31) || received_at || char(31) || circumstances || char(31) || data || char(31) ||
        coalesce(record, ''), char(30)) AS page FROM
    (SELECT event_id, received_at, data, record,
            CASE WHEN ?6 THEN json_array(source, subject, actor, occurred_at, depth) ELSE '' END AS circumstances
        FROM events INDEXED BY events_by_trigger
        WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id <= ?4 ORDER BY event_id LIMIT ?5)";
// How much each takes is told by the head of its row: nothing of it is read.
const SIZES: &str = "SELECT group_concat(event_id || char(31) || bytes, char(30)) AS page FROM
    (SELECT event_id, octet_length(data) + coalesce(octet_length(record), 0) AS bytes
        FROM events INDEXED BY events_by_trigger
        WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 ORDER BY event_id LIMIT ?5)";
const LAST_MATCHES: &str = "SELECT hit.rule_id, event.received_at FROM
    (SELECT wanted.value AS rule_id, (SELECT MAX(event_id) FROM event_matches
        WHERE tenant_id = ?1 AND rule_id = wanted.value) AS event_id FROM json_each(?2) AS wanted) AS hit
    JOIN events AS event ON event.tenant_id = ?1 AND event.event_id = hit.event_id";
const COUNT: &str = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM events INDEXED BY events_by_trigger
    WHERE tenant_id = ?1 AND trigger_id = ?2 AND event_id > ?3 AND event_id < ?4 LIMIT ?5)";

/// The events of one trigger, one after the other; empty if there are none.
struct Listed(String);

impl Decode for Listed {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self(row.get::<Option<String>>("page")?.unwrap_or_default()))
    }
}

/// Takes apart what [`Listed`] holds.
fn pieces<'a, T>(page: &'a str, read: impl Fn(&'a str) -> Option<T>) -> Result<Vec<T>, DbError> {
    if page.is_empty() {
        return Ok(Vec::new());
    }
    page.split(EVENTS)
        .map(read)
        .collect::<Option<_>>()
        .ok_or_else(|| DbError::Decode { column: "page".to_owned(), wanted: "events, one after the other" })
}

/// Reads the events of the trigger that is the `trigger`th of its stretch.
pub(crate) fn read(trigger: usize, page: &str) -> Result<Vec<Past<'_>>, DbError> {
    pieces(page, |text| one(trigger, text))
}

fn one(trigger: usize, text: &str) -> Option<Past<'_>> {
    let mut parts = text.split(PARTS);
    let (id, received, circumstances) = (parts.next()?, parts.next()?, parts.next()?);
    let (data, record) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let circumstances = if circumstances.is_empty() {
        None
    } else {
        let (source, subject, actor, occurred, depth) =
            serde_json::from_str::<(String, Option<String>, String, i64, u32)>(circumstances).ok()?;
        Some(Circumstances { source, subject, actor, occurred: Instant::from_millis(occurred), depth })
    };
    Some(Past {
        id,
        trigger,
        received: Instant::from_millis(received.parse().ok()?),
        data,
        record: (!record.is_empty()).then_some(record),
        circumstances,
    })
}

/// An event and how many bytes its data takes.
fn size(text: &str) -> Option<(String, i64)> {
    let (id, bytes) = text.split_once(PARTS)?;
    Some((id.to_owned(), bytes.parse().ok()?))
}

async fn listed<const N: usize>(
    scope: &mut Scope<'_>,
    sql: &'static str,
    parameters: [Value; N],
) -> Result<String, DbError> {
    let page: Option<Listed> = scope.one(sql, parameters).await?;
    Ok(page.map(|Listed(text)| text).unwrap_or_default())
}

/// The last of the next events of a stretch that together are `most` at most and take no more than [`MOST_BYTES`]; one is
/// always taken.
async fn horizon(
    scope: &mut Scope<'_>,
    stretch: &Stretch<'_>,
    after: &str,
    most: i64,
) -> Result<Option<String>, DbError> {
    let mut all: Vec<(String, i64)> = Vec::new();
    // A trigger at a time, each in its index's order: together they would be sorted anew for every page.
    for trigger in stretch.triggers {
        let parameters = [(*trigger).into(), after.into(), stretch.until.into(), most.into()];
        all.extend(pieces(&listed(scope, SIZES, parameters).await?, size)?);
    }
    if stretch.triggers.len() > 1 {
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    }
    let mut left = MOST_BYTES;
    let mut last = None;
    for (id, bytes) in all {
        left = left.saturating_sub(bytes);
        if left < 0 && last.is_some() {
            break;
        }
        last = Some(id);
    }
    Ok(last)
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
