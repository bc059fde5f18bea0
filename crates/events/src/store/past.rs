//! What of the ledger does a rule look at that is held against it? Few columns, many rows, in the order of the events.

use crate::past::{Circumstances, Past, Stretch};
use db::{DbError, Decode, Row, Scope, Value};
use kernel::Instant;
use serde_json::json;

/// How much the data of a page may take, in bytes.
const MOST_BYTES: i64 = 8 << 20;

/// Between two events, and between the parts of one: neither can stand in JSON (RFC 8259), where control characters are escaped.
const EVENTS: char = '\u{1e}';
const PARTS: char = '\u{1f}';

// A page comes as one text: thousands of rows of many columns each would take longer to hand over than to look at.
const PAST: &str = "SELECT group_concat(head || char(31) || data || char(31) || coalesce(record, ''), char(30)) AS page FROM
    (SELECT data, record, CASE WHEN ?6 THEN json_array(event_id, received_at, source, subject, actor, occurred_at, depth)
            ELSE json_array(event_id, received_at) END AS head
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

/// What a page holds, one after the other.
struct Listed<T>(Vec<T>);

/// Something of which a page holds many.
trait Piece: Sized {
    fn read(text: &str) -> Option<Self>;
}

impl<T: Piece> Decode for Listed<T> {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let page: Option<String> = row.get("page")?;
        let pieces = page.iter().flat_map(|page| page.split(EVENTS)).map(T::read);
        pieces
            .collect::<Option<Vec<T>>>()
            .map(Self)
            .ok_or_else(|| row.surprise("page", "events, one after the other"))
    }
}

/// The head of an event: id and time, source, subject, actor, when it happened, and depth.
type Head = (String, i64, String, Option<String>, String, i64, u32);

impl Piece for Past {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(PARTS);
        let (head, data, record) = (parts.next()?, parts.next()?, parts.next()?);
        let (id, received, circumstances) = match serde_json::from_str::<(String, i64)>(head) {
            Ok((id, received)) => (id, received, None),
            Err(_) => {
                let (id, received, source, subject, actor, occurred, depth) =
                    serde_json::from_str::<Head>(head).ok()?;
                let occurred = Instant::from_millis(occurred);
                (id, received, Some(Circumstances { source, subject, actor, occurred, depth }))
            }
        };
        Some(Self {
            id,
            trigger: 0,
            received: Instant::from_millis(received),
            data: data.to_owned(),
            record: (!record.is_empty()).then(|| record.to_owned()),
            circumstances,
        })
    }
}

struct Size(String, i64);

impl Piece for Size {
    fn read(text: &str) -> Option<Self> {
        let (id, bytes) = text.split_once(PARTS)?;
        Some(Self(id.to_owned(), bytes.parse().ok()?))
    }
}

async fn listed<T: Piece, const N: usize>(
    scope: &mut Scope<'_>,
    sql: &'static str,
    parameters: [Value; N],
) -> Result<Vec<T>, DbError> {
    let page: Option<Listed<T>> = scope.one(sql, parameters).await?;
    Ok(page.map(|Listed(all)| all).unwrap_or_default())
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
        all.extend(listed::<Size, _>(scope, SIZES, parameters).await?);
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
        let events: Vec<Past> = listed(scope, PAST, parameters).await?;
        all.extend(events.into_iter().map(|event| Past { trigger: number, ..event }));
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
