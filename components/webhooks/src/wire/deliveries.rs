//! Which JSON stands for deliveries?

use kernel::{Fields, Instant};
use pipeline::webhooks::{Delivery, DeliveryAttempt, DeliveryFilter, DeliverySeen};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// Only those to this endpoint.
    endpoint_id: Option<String>,
    /// Only those of this event.
    event_id: Option<String>,
    /// Only those in this state: `queued`, `leased`, `done`, `dead`, `cancelled`.
    state: Option<String>,
    /// Only those whose last attempt was answered with this status.
    #[param(value_type = Option<u16>)]
    status: Option<String>,
    /// Only those made since then (RFC 3339).
    since: Option<String>,
    /// Only those made before then.
    until: Option<String>,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

/// An instant that somebody wrote.
pub(crate) fn instant(fields: &mut Fields, name: &str, text: Option<String>) -> Option<Instant> {
    let fault = "must be an instant of RFC 3339, such as 2026-01-31T09:30:00Z";
    text.and_then(|text| fields.take(name, text.parse::<Instant>().map_err(|_| fault)))
}

impl DeliveriesQuery {
    pub(crate) fn filter(self, fields: &mut Fields) -> DeliveryFilter {
        let status = self.status.and_then(|text| {
            let status = text.parse::<u32>().ok().filter(|status| (100..=599).contains(status));
            fields.take("status", status.ok_or("must be a status of HTTP: 100 to 599"))
        });
        DeliveryFilter {
            endpoint: self.endpoint_id.and_then(|text| fields.take("endpoint_id", text.parse())),
            event: self.event_id.and_then(|text| fields.take("event_id", text.parse())),
            state: self.state.and_then(|text| fields.take("state", text.parse())),
            status,
            since: instant(fields, "since", self.since),
            until: instant(fields, "until", self.until),
        }
    }
}

/// Something that goes to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryOut {
    /// Its id: that of its job, and the `webhook-id` of each of its requests.
    #[schema(example = "job_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    endpoint_id: Option<String>,
    event_id: Option<String>,
    rule_id: Option<String>,
    /// What kind of event it tells of.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `queued`, `leased` (it is under way), `done`, `dead`, `cancelled`.
    state: &'static str,
    /// Attempts begun, for ever.
    attempts: u32,
    /// It is given up after so many failures.
    max_attempts: u32,
    /// When it is tried next, unless its line rests longer.
    next_at: Option<String>,
    /// What it waits for besides its time: `lane`, others of its line, or for its endpoint to be well; `job`, an action before it.
    waits_for: Option<&'static str>,
    /// What failed at last, in words.
    last_error: Option<String>,
    created_at: String,
    ended_at: Option<String>,
}

impl From<Delivery> for DeliveryOut {
    fn from(one: Delivery) -> Self {
        Self {
            id: one.id.to_string(),
            endpoint_id: one.endpoint.map(|id| id.to_string()),
            event_id: one.event.map(|id| id.to_string()),
            rule_id: one.rule.map(|id| id.to_string()),
            kind: one.kind,
            state: one.state.as_str(),
            attempts: one.attempts,
            max_attempts: one.max_attempts,
            next_at: one.next.map(|at| at.to_string()),
            waits_for: one.waits_for,
            last_error: one.last_error,
            created_at: one.created.to_string(),
            ended_at: one.ended.map(|at| at.to_string()),
        }
    }
}

/// An attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryAttemptOut {
    number: u32,
    started_at: String,
    ended_at: String,
    duration_ms: i64,
    /// `done`, `retry`, `dead`, `lost` (the worker stopped: it may have arrived).
    ending: &'static str,
    /// What the endpoint answered.
    status: Option<u32>,
    /// What went wrong, in a word: `http_500`, `timeout`, `connection`, `forbidden_address`, `token`.
    failure: Option<String>,
    /// What happened, in words.
    detail: String,
    /// The beginning of the answer, at most 8 KiB, secrets masked.
    response_body: Option<String>,
    /// What its `Content-Type` said.
    response_content_type: Option<String>,
    /// Whether there was more.
    response_is_cut: bool,
}

impl From<DeliveryAttempt> for DeliveryAttemptOut {
    fn from(one: DeliveryAttempt) -> Self {
        let (failure, answer) = one.kept.map_or((None, None), |kept| (kept.failure, kept.answer));
        let is_cut = answer.as_ref().is_some_and(|answer| answer.is_cut);
        let (content_type, body) =
            answer.map_or((None, None), |answer| (answer.content_type, Some(answer.body)));
        Self {
            number: one.number,
            started_at: one.started.to_string(),
            ended_at: one.ended.to_string(),
            duration_ms: one.ended.since(one.started).as_millis(),
            ending: one.ending,
            status: one.status,
            failure,
            detail: one.detail,
            response_body: body,
            response_content_type: content_type,
            response_is_cut: is_cut,
        }
    }
}

/// A delivery with its attempts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryDetailOut {
    #[serde(flatten)]
    delivery: DeliveryOut,
    tries: Vec<DeliveryAttemptOut>,
}

impl From<DeliverySeen> for DeliveryDetailOut {
    fn from(seen: DeliverySeen) -> Self {
        Self {
            delivery: seen.delivery.into(),
            tries: seen.attempts.into_iter().map(DeliveryAttemptOut::from).collect(),
        }
    }
}
