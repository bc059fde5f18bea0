//! How do requests stand in the table `webhook_requests`?

use crate::{Capture, Kept, KeptHeader, Outcome, capture::Landed};
use db::{DbError, Decode, Redaction, Row, Scope, Value};
use kernel::{EventId, Instant, PageRequest, ReceiptId, SourceId};
use serde_json::json;

const INSERT: &str = "INSERT INTO webhook_requests (tenant_id, request_id, source_id, received_at, outcome, reason, words, address,
    headers, body, is_text, provider_id, kind, seen, first_id, job_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    ON CONFLICT DO NOTHING RETURNING request_id AS id";
const FIRST: &str = "SELECT request_id AS id FROM webhook_requests WHERE tenant_id = ?1 AND source_id = ?2 AND outcome = 'taken'
    AND ((provider_id = ?3 AND ifnull(kind, '') = ifnull(?4, '')) OR seen = ?5) ORDER BY request_id LIMIT 1";
const TRIM: &str = "DELETE FROM webhook_requests WHERE tenant_id = ?1 AND request_id IN
    (SELECT request_id FROM webhook_requests WHERE tenant_id = ?1 AND source_id = ?2 AND outcome = ?3
    ORDER BY request_id DESC LIMIT 100 OFFSET ?4) RETURNING request_id AS id";
const GET: &str = "SELECT request_id, source_id, received_at, outcome, reason, words, address, headers, provider_id, kind, first_id,
    job_id, event_id, is_altered, body FROM webhook_requests WHERE tenant_id = ?1 AND request_id = ?2";
const LIST: &str = "SELECT request_id, source_id, received_at, outcome, reason, words, address, headers, provider_id, kind, first_id,
    job_id, event_id, is_altered FROM webhook_requests WHERE tenant_id = ?1 AND source_id = ?2
    AND request_id < ?3 ORDER BY request_id DESC LIMIT ?4";
const LIST_OF: &str = "SELECT request_id, source_id, received_at, outcome, reason, words, address, headers, provider_id, kind,
    first_id, job_id, event_id, is_altered FROM webhook_requests WHERE tenant_id = ?1 AND source_id = ?2 AND outcome = ?5
    AND request_id < ?3 ORDER BY request_id DESC LIMIT ?4";
const NEWEST: &str =
    "SELECT request_id, source_id, received_at, outcome, reason, words, address, headers, provider_id, kind,
    first_id, job_id, event_id, is_altered, body FROM webhook_requests WHERE tenant_id = ?1 AND source_id = ?2
    AND outcome = 'taken' ORDER BY request_id DESC LIMIT ?3";
const NOTE: &str = "UPDATE webhook_requests SET event_id = ?3 WHERE tenant_id = ?1 AND request_id = ?2 RETURNING request_id AS id";
const FORGET: &str = "DELETE FROM webhook_requests WHERE tenant_id = ?1 AND request_id IN
    (SELECT request_id FROM webhook_requests AS r LEFT JOIN webhook_sources AS s USING (tenant_id, source_id)
    WHERE tenant_id = ?1 AND (s.source_id IS NULL OR received_at < ?2 OR received_at < ?3 - s.keep_days * 86400000) LIMIT ?4)
    RETURNING request_id AS id";

/// After all ids of this kind.
const LAST: &str = "rcv_~";

struct Line(Capture);

impl Decode for Line {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let (id, source, received) =
            (row.parse("request_id")?, row.parse("source_id")?, row.get("received_at")?);
        let (outcome, reason, words) = (row.parse("outcome")?, row.get("reason")?, row.get("words")?);
        let address = row.get("address")?;
        let headers: Vec<KeptHeader> = serde_json::from_str(&row.get::<String>("headers")?)
            .map_err(|_| row.surprise("headers", "a list of names and values"))?;
        let capture = Capture {
            id,
            source,
            received,
            outcome,
            reason,
            words,
            address,
            headers,
            provider_id: row.get("provider_id")?,
            kind: row.get("kind")?,
            first: row.parse_opt("first_id")?,
            job: row.parse_opt("job_id")?,
            event: row.parse_opt("event_id")?,
            is_altered: row.get("is_altered")?,
        };
        Ok(Self(capture))
    }
}

impl Decode for Kept {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let Line(capture) = Line::decode(row)?;
        Ok(Self { capture, body: row.get("body")? })
    }
}

/// Writes it down; not if it was taken before.
pub(crate) async fn insert(scope: &mut Scope<'_>, landed: &Landed) -> Result<bool, DbError> {
    let Kept { capture, body } = &landed.kept;
    // SQLite's text ends at a zero for some of its functions.
    let is_text = body.as_ref().is_some_and(|body| std::str::from_utf8(body).is_ok() && !body.contains(&0));
    let parameters: [Value; 15] = [
        Value::from(&capture.id),
        Value::from(&capture.source),
        capture.received.into(),
        capture.outcome.as_str().into(),
        capture.reason.as_deref().into(),
        capture.words.as_deref().into(),
        capture.address.as_deref().into(),
        json!(capture.headers).to_string().into(),
        body.as_deref().into(),
        is_text.into(),
        capture.provider_id.as_deref().into(),
        capture.kind.as_deref().into(),
        landed.seen.as_ref().map(<[u8; 32]>::as_slice).into(),
        capture.first.as_ref().map(ReceiptId::as_str).into(),
        capture.job.as_ref().map(kernel::JobId::as_str).into(),
    ];
    Ok(scope.run_for_effect(INSERT, parameters).await? == 1)
}

/// The one that was taken and is the same as this.
pub(crate) async fn first(scope: &mut Scope<'_>, landed: &Landed) -> Result<Option<ReceiptId>, DbError> {
    let Capture { source, provider_id, kind, .. } = &landed.kept.capture;
    let seen = landed.seen.as_ref().map(<[u8; 32]>::as_slice);
    let parameters: [Value; 4] =
        [Value::from(source), provider_id.as_deref().into(), kind.as_deref().into(), seen.into()];
    let found: Option<String> = scope.one(FIRST, parameters).await?;
    let surprise = || DbError::Decode { column: "request_id".to_owned(), wanted: "an id" };
    found.map(|id| id.parse().map_err(|_| surprise())).transpose()
}

/// Keeps the newest `most` of an outcome, and drops some of those before them.
pub(crate) async fn trim(
    scope: &mut Scope<'_>,
    source: &SourceId,
    outcome: Outcome,
    most: i64,
) -> Result<(), DbError> {
    scope.run_for_effect(TRIM, [source.into(), outcome.as_str().into(), most.into()]).await.map(drop)
}

pub(crate) async fn get(scope: &mut Scope<'_>, id: &ReceiptId) -> Result<Option<Kept>, DbError> {
    scope.one(GET, [id.into()]).await
}

/// The newest first.
pub(crate) async fn list(
    scope: &mut Scope<'_>,
    source: &SourceId,
    outcome: Option<Outcome>,
    page: &PageRequest,
) -> Result<Vec<Capture>, DbError> {
    let mut parameters: Vec<Value> = vec![source.into(), page.after_or(LAST).into(), page.probe().into()];
    let sql = match outcome {
        None => LIST,
        Some(outcome) => {
            parameters.push(outcome.as_str().into());
            LIST_OF
        }
    };
    let lines: Vec<Line> = scope.all(sql, parameters).await?;
    Ok(lines.into_iter().map(|line| line.0).collect())
}

/// The newest that were taken.
pub(crate) async fn newest(
    scope: &mut Scope<'_>,
    source: &SourceId,
    most: u16,
) -> Result<Vec<Kept>, DbError> {
    scope.all(NEWEST, [source.into(), most.into()]).await
}

pub(crate) async fn note_event(
    scope: &mut Scope<'_>,
    id: &ReceiptId,
    event: &EventId,
) -> Result<(), DbError> {
    scope.run_for_effect(NOTE, [id.into(), event.into()]).await.map(drop)
}

/// Removes requests that came before `limit` or are older than their source wants, and those whose source is gone; tells how many.
pub(crate) async fn forget(
    scope: &mut Scope<'_>,
    now: Instant,
    limit: Instant,
    most: i64,
) -> Result<usize, DbError> {
    scope.run_for_effect(FORGET, [limit.into(), now.into(), most.into()]).await
}

/// Where sources and their requests may name somebody. A body that is not plain text, or in which an address is written otherwise
/// (in a form, in JSON with escapes), goes as a whole: what is left of it would be no body any more.
pub const SOURCE_REDACTIONS: [Redaction; 3] = [
    Redaction {
        name: "webhook_sources",
        window: "SELECT source_id AS id FROM webhook_sources WHERE tenant_id = ?1 AND source_id > ?2 ORDER BY source_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(source_id, name, description, mapping) AS id FROM webhook_sources
            WHERE tenant_id = ?1 AND source_id > ?2 AND source_id <= coalesce(?3, 'src_~')
            AND instr(lower(name || ' ' || ifnull(description, '') || ' ' || mapping), ?4)",
        write: "UPDATE webhook_sources SET name = new.value ->> 1, description = new.value ->> 2, mapping = new.value ->> 3
            FROM json_each(?2) AS new
            WHERE webhook_sources.tenant_id = ?1 AND webhook_sources.source_id = new.value ->> 0",
    },
    Redaction {
        name: "webhook_requests",
        window: "SELECT request_id AS id FROM webhook_requests WHERE tenant_id = ?1 AND request_id > ?2 ORDER BY request_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(request_id, headers, provider_id, kind, CASE WHEN is_text THEN CAST(body AS TEXT) END) AS id
            FROM webhook_requests
            WHERE tenant_id = ?1 AND request_id > ?2 AND request_id <= coalesce(?3, 'rcv_~')
            AND (instr(lower(headers || ' ' || ifnull(provider_id, '') || ' ' || ifnull(kind, '')), ?4)
                OR (is_text AND instr(lower(CAST(body AS TEXT)), ?4)))",
        // An id that named somebody is no longer what the provider sends, so nothing is compared with it.
        write: "UPDATE webhook_requests SET headers = new.value ->> 1,
            provider_id = CASE WHEN provider_id = new.value ->> 2 THEN provider_id END,
            kind = new.value ->> 3, body = iif(is_text, CAST(new.value ->> 4 AS BLOB), body),
            is_altered = 1 FROM json_each(?2) AS new
            WHERE webhook_requests.tenant_id = ?1 AND webhook_requests.request_id = new.value ->> 0",
    },
    Redaction {
        name: "webhook_bodies",
        window: "SELECT request_id AS id FROM webhook_requests WHERE tenant_id = ?1 AND request_id > ?2 ORDER BY request_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(request_id, ?4) AS id FROM webhook_requests
            WHERE tenant_id = ?1 AND request_id > ?2 AND request_id <= coalesce(?3, 'rcv_~') AND body IS NOT NULL
            AND ((NOT is_text AND instr(CAST(lower(CAST(body AS TEXT)) AS BLOB), CAST(?4 AS BLOB)))
                OR instr(CAST(lower(CAST(body AS TEXT)) AS BLOB),
                    CAST(replace(replace(?4, '@', '%40'), '+', '%2b') AS BLOB))
                OR instr(CAST(lower(CAST(body AS TEXT)) AS BLOB), CAST(replace(?4, '@', '\\u0040') AS BLOB)))",
        write: "UPDATE webhook_requests SET body = zeroblob(0), is_text = 1, is_altered = 1 FROM json_each(?2) AS new
            WHERE webhook_requests.tenant_id = ?1 AND webhook_requests.request_id = new.value ->> 0",
    },
];
