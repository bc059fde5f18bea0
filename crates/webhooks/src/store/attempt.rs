//! What came of each attempt to reach an endpoint, in the table `webhook_attempts`?

use crate::{Answered, Attempted};
use db::{AllTenants, DbError, Decode, Row, Scope, Value};
use kernel::{EndpointId, Instant, JobId, Span};
use serde_json::json;

const NOTE: &str = "INSERT INTO webhook_attempts
    (tenant_id, job_id, number, endpoint_id, started_at, duration, status, failure, answer_type, answer, is_cut)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
        value ->> 9, value ->> 10 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING";
const OF_JOB: &str =
    "SELECT number, started_at, duration, status, failure, answer_type, answer, is_cut FROM webhook_attempts
    WHERE tenant_id = ?1 AND job_id = ?2 ORDER BY number";
const LATEST: &str = "SELECT duration, status, failure FROM webhook_attempts
    WHERE tenant_id = ?1 AND endpoint_id = ?2 AND started_at >= ?3 AND started_at < ?4
    ORDER BY started_at DESC LIMIT ?5";

/// Keeps attempts, of any tenants, by one statement.
pub(crate) async fn note(all: &mut AllTenants<'_>, attempts: &[&Attempted]) -> Result<(), DbError> {
    if attempts.is_empty() {
        return Ok(());
    }
    let line = |one: &&Attempted| {
        let answer = one.answer.as_ref();
        json!([
            one.tenant.as_str(),
            one.job.as_str(),
            one.number,
            one.endpoint.as_str(),
            one.started.millis(),
            one.ended.since(one.started).max(Span::default()).as_millis(),
            answer.map(|answer| answer.status),
            one.judgement.failure,
            answer.and_then(|answer| answer.content_type.as_deref()),
            answer.map(|answer| answer.body.as_str()),
            answer.is_some_and(|answer| answer.is_cut),
        ])
    };
    let lines: Vec<_> = attempts.iter().map(line).collect();
    all.run_for_effect(NOTE, [Value::Text(json!(lines).to_string())]).await.map(drop)
}

/// An attempt that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAttempt {
    /// 1, 2, 3 … as the job counts.
    pub number: u32,
    /// When it began.
    pub started: Instant,
    /// How long it took.
    pub duration: Span,
    /// What went wrong, in a word.
    pub failure: Option<String>,
    /// What the endpoint answered.
    pub answer: Option<Answered>,
}

impl Decode for KeptAttempt {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        let answer = match status(row)? {
            Some(status) => Some(Answered {
                status,
                content_type: row.get("answer_type")?,
                body: row.get::<Option<String>>("answer")?.unwrap_or_default(),
                is_cut: row.get("is_cut")?,
            }),
            None => None,
        };
        Ok(Self {
            number: row.get("number")?,
            started: row.get("started_at")?,
            duration: Span::millis(row.get("duration")?),
            failure: row.get("failure")?,
            answer,
        })
    }
}

/// The attempts of a job.
pub(crate) async fn of_job(scope: &mut Scope<'_>, job: &JobId) -> Result<Vec<KeptAttempt>, DbError> {
    scope.all(OF_JOB, [job.into()]).await
}

/// An attempt, as figures know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    /// How long it took.
    pub duration: Span,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What went wrong, in a word.
    pub failure: Option<String>,
}

impl Decode for Figure {
    fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            duration: Span::millis(row.get("duration")?),
            status: status(row)?,
            failure: row.get("failure")?,
        })
    }
}

fn status(row: &mut Row<'_>) -> Result<Option<u16>, DbError> {
    let status: Option<u32> = row.get("status")?;
    let status = status.map(u16::try_from).transpose();
    status.map_err(|_| row.surprise("status", "the status of an answer"))
}

/// The latest attempts to reach an endpoint in a time, the last first.
pub(crate) async fn latest(
    scope: &mut Scope<'_>,
    endpoint: &EndpointId,
    (since, until): (Instant, Instant),
    most: u32,
) -> Result<Vec<Figure>, DbError> {
    scope.all(LATEST, [endpoint.into(), since.into(), until.into(), most.into()]).await
}
