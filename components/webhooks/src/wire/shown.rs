//! Which JSON shows webhook endpoints, and how they fare?

use super::endpoints::RateIo;
use kernel::{Instant, TenantId};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use webhooks::{Figures, Policy, SigningKey, service::Seen};

/// How an endpoint fares.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthOut {
    /// Whether requests go through: `closed` (they do), `open` (none does, until `until`), `half_open` (one does, and decides).
    circuit: &'static str,
    /// Until when it stands so.
    until: Option<String>,
    /// Failures in a row that say that it is not well; after five the circuit opens.
    failures: u32,
    /// The first failure after the last success: after five days of that it is switched off.
    failing_since: Option<String>,
    /// When something arrived last, to the minute.
    last_success_at: Option<String>,
    /// When something failed last, to the minute.
    last_failure_at: Option<String>,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointOut {
    /// Its id, by which rules name it.
    #[schema(example = "end_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// The address.
    url: String,
    /// What it is for.
    description: Option<String>,
    /// Whose it is, if a customer's.
    customer: Option<String>,
    /// The types of events that are sent there of themselves.
    event_types: Vec<String>,
    /// Conditions that such an event must meet.
    #[schema(value_type = Option<Vec<Object>>)]
    filter: Option<Value>,
    /// What is sent instead of the usual body.
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// Headers that are sent along.
    headers: BTreeMap<String, String>,
    /// What lets us in, without its secret.
    #[schema(value_type = Object)]
    auth: Value,
    /// How requests are signed: `v1` or `v1a`.
    signature: &'static str,
    /// What receivers verify `v1a` with: `whpk_` and the base64 of an Ed25519 key.
    public_key: Option<String>,
    /// Until when a replaced key signs along.
    secret_overlaps_until: Option<String>,
    /// Words to find it by.
    tags: Vec<String>,
    /// What your program keeps with it.
    metadata: BTreeMap<String, String>,
    /// The waits between attempts.
    retry_schedule: Vec<String>,
    /// How long it may take to answer.
    timeout: String,
    /// How many requests it takes in a time.
    rate: Option<RateIo>,
    /// How many requests are under way at a time; of an endpoint with an ordering key, ten, and one for each key.
    concurrency: u32,
    /// The field by which things stay in order.
    ordering_key: Option<String>,
    /// Whether anything is sent to it.
    is_active: bool,
    /// Since when nothing is sent to it.
    disabled_at: Option<String>,
    /// Why nothing is sent to it: `asked` (somebody switched it off), `gone` (it answered 410) or `failing` (for five days).
    disabled_reason: Option<&'static str>,
    /// How it fares.
    health: HealthOut,
    /// Grows with each change; also the `ETag`.
    version: i64,
    /// When it was set up.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

fn said(at: Option<Instant>) -> Option<String> {
    at.map(|at| at.to_string())
}

impl EndpointOut {
    pub(crate) fn of(tenant: &TenantId, seen: Seen) -> Self {
        let Seen { endpoint, health, public_key, overlaps_until } = seen;
        let Policy { schedule, timeout, rate, concurrency, ordering_key } = endpoint.policy;
        Self {
            id: endpoint.id.to_string(),
            tenant_id: tenant.to_string(),
            url: endpoint.url,
            description: endpoint.description,
            customer: endpoint.customer,
            event_types: endpoint.event_types.iter().map(ToString::to_string).collect(),
            filter: endpoint.filter,
            body: endpoint.body,
            headers: endpoint.headers,
            auth: endpoint.auth.shown(),
            signature: endpoint.signature.as_str(),
            public_key,
            secret_overlaps_until: said(overlaps_until),
            tags: endpoint.tags,
            metadata: endpoint.metadata,
            retry_schedule: schedule.into_iter().map(webhooks::written).collect(),
            timeout: webhooks::written(timeout),
            rate: rate.map(RateIo::from),
            concurrency,
            ordering_key,
            is_active: endpoint.disabled.is_none(),
            disabled_at: said(endpoint.disabled.map(|disabled| disabled.at)),
            disabled_reason: endpoint.disabled.map(|disabled| disabled.reason.as_str()),
            health: HealthOut {
                circuit: health.circuit.as_str(),
                until: said(health.circuit.until()),
                failures: health.failures,
                failing_since: said(health.failing_since),
                last_success_at: said(health.last_success),
                last_failure_at: said(health.last_failure),
            },
            version: endpoint.version,
            created_at: endpoint.created_at.to_string(),
            updated_at: endpoint.updated_at.to_string(),
        }
    }
}

/// An endpoint whose key was made just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointMadeOut {
    /// The endpoint.
    #[serde(flatten)]
    endpoint: EndpointOut,
    /// The key that signs what is sent to it, shown this once. Of `v1a` receivers need `public_key` alone.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl EndpointMadeOut {
    pub(crate) fn of(tenant: &TenantId, seen: Seen, key: &SigningKey) -> Self {
        Self { endpoint: EndpointOut::of(tenant, seen), secret: key.text().expose().clone() }
    }
}

/// What tests an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestOut {
    /// The delivery; `GET /api/v1/webhooks/deliveries/{id}` tells what came of it.
    #[schema(example = "job_01hf7yat00zzzzzzzzzzzzzzzz")]
    pub(crate) id: String,
    /// Where it goes.
    pub(crate) endpoint_id: String,
}

/// How requests to an endpoint went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatsOut {
    id: String,
    /// From when on.
    since: String,
    /// Until when.
    until: String,
    /// How many attempts there were. Of more than 100,000 the latest count.
    attempts: usize,
    /// Whether there were more.
    is_cut: bool,
    /// How many were taken.
    succeeded: usize,
    /// Which part of them, from 0 to 1; null without attempts.
    success_rate: Option<f64>,
    /// How long the middle one took, in milliseconds.
    p50_ms: Option<i64>,
    /// How long the one took that is slower than 95 of 100.
    p95_ms: Option<i64>,
    /// How many answered with each status.
    by_status: BTreeMap<String, usize>,
    /// How many failed in each way: `http_500`, `timeout`, `connection`, `forbidden_address`, `token`.
    by_failure: BTreeMap<String, usize>,
}

impl StatsOut {
    pub(crate) fn of(id: String, (since, until): (Instant, Instant), figures: Figures) -> Self {
        Self {
            id,
            since: since.to_string(),
            until: until.to_string(),
            success_rate: figures.success_rate(),
            attempts: figures.attempts,
            is_cut: figures.is_cut,
            succeeded: figures.succeeded,
            p50_ms: figures.p50.map(kernel::Span::as_millis),
            p95_ms: figures.p95.map(kernel::Span::as_millis),
            by_status: figures
                .by_status
                .into_iter()
                .map(|(status, count)| (status.to_string(), count))
                .collect(),
            by_failure: figures.by_failure,
        }
    }
}
