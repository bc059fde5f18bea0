//! Which routes lead to events, and what does each ask of its caller?

use crate::wire::{BatchOut, EventFilter, EventIn, EventOut, ReceiptOut, TraceOut};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{
    Faults, Id, List, Paging, Problem, Query, RawJson, Reaching, Recognised, Shown, Unspecific, needs,
};
use events::{BATCH_LIMIT, BATCH_TYPE, Binary, EventError, NewEvent, Origin, STRUCTURED_TYPE};
use http::{HeaderMap, header};
use kernel::{Call, EventId, Fields};
use pipeline::{Books, Door, PublishError, Receipt};
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the instance keeps: compiled rules, and the way into the ledger.
pub(crate) struct App {
    pub(crate) books: Arc<Books>,
    pub(crate) door: Door,
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(publish, list_events))
        .routes(routes!(get_event))
        .routes(routes!(trace_event))
}

/// Send an event
///
/// As `{event, data}`, or as a CloudEvent 1.0 in structured, binary or batch mode (up to 1,000, each answered for
/// itself). 202 means that the event, its matches and its jobs are committed. An event counts once under its key: of a
/// CloudEvent its source and id, else the header `Idempotency-Key`. A batch takes as many from the limit as it has events.
/// Needs `events:write`.
#[utoipa::path(post, path = "/api/v1/events", tag = "events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a plain event count once.")),
    request_body(content((EventIn = "application/json"), (Object = "application/cloudevents+json"),
        (Vec<Object> = "application/cloudevents-batch+json"))),
    responses((status = 202, body = ReceiptOut), Faults), security(("bearer" = [])))]
async fn publish(
    State(app): State<Arc<App>>,
    caller: Recognised<needs::EventsWrite>,
    headers: HeaderMap,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let body = std::str::from_utf8(&body).map_err(|error| Unspecific::NotJson(error.to_string()))?;
    let kind = text(&headers, header::CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind == BATCH_TYPE {
        return batch(&app, &caller, body).await;
    }
    serde_json::from_str::<&RawValue>(body).map_err(|error| Unspecific::NotJson(error.to_string()))?;
    let event = if kind == STRUCTURED_TYPE {
        events::structured(body)?
    } else if headers.contains_key("ce-specversion") {
        events::binary(attributes(&headers, kind), body)?
    } else if kind == "application/json" {
        events::plain(body, edge::idempotency_key(&headers)?.as_deref())?
    } else {
        return Err(Unspecific::ContentType("application/json and application/cloudevents+json").into());
    };
    let receipt =
        store(&app, &caller, vec![Ok(event)]).await?.pop().unwrap_or(Err(PublishError::Restless))?;
    Ok(Shown::accepted("event", ReceiptOut::from(receipt)).into_response())
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn attributes(headers: &HeaderMap, kind: &str) -> Binary {
    let header = |name: &str| text(headers, name);
    Binary {
        specversion: header("ce-specversion"),
        id: header("ce-id"),
        source: header("ce-source"),
        kind: header("ce-type"),
        time: header("ce-time"),
        subject: header("ce-subject"),
        content_type: Some(kind.to_owned()),
    }
}

async fn batch(app: &App, caller: &Recognised<needs::EventsWrite>, body: &str) -> Result<Response, Problem> {
    let parts: Vec<&RawValue> = serde_json::from_str(body)
        .map_err(|error| Unspecific::NotJson(format!("{error} (a batch is a JSON list)")))?;
    if parts.is_empty() || parts.len() > BATCH_LIMIT {
        return Err(Problem::field("body", format!("must be a list of 1 to {BATCH_LIMIT} CloudEvents")));
    }
    // Each of them counts as one request.
    caller.visitor.spend_batch(&caller.world, parts.len()).await?;
    let events = parts.into_iter().map(|part| events::structured(part.get())).collect();
    let mut out = BatchOut { accepted: 0, refused: 0, results: Vec::new() };
    for outcome in store(app, caller, events).await? {
        let said = match outcome {
            Ok(receipt) => {
                out.accepted += 1;
                serde_json::to_value(ReceiptOut::from(receipt)).map_err(|_| Unspecific::Internal)?
            }
            Err(error) => {
                out.refused += 1;
                Problem::from(error).body(None)
            }
        };
        out.results.push(said);
    }
    let answer = if out.accepted > 0 { Shown::accepted("batch", out) } else { Shown::refused("batch", out) };
    Ok(answer.into_response())
}

/// Puts events through the door. When the sender's rights moved since they were looked up, the gate is asked again.
async fn store(
    app: &App,
    caller: &Recognised<needs::EventsWrite>,
    events: Vec<Result<NewEvent, EventError>>,
) -> Result<Vec<Result<Receipt, PublishError>>, Problem> {
    let kept: Vec<Option<NewEvent>> = events.iter().map(|event| event.as_ref().ok().cloned()).collect();
    let mut outcomes = app.door.publish_many(&caller.call, events, Origin::default()).await;
    // Of a suspended tenant the gate also says why.
    let moved = |outcome: &Result<Receipt, PublishError>| {
        matches!(outcome, Err(PublishError::AccessMoved | PublishError::Suspended))
    };
    if outcomes.iter().any(moved) {
        let call: Call = caller.again().await?;
        let left = outcomes
            .iter()
            .zip(kept)
            .filter(|(outcome, _)| moved(outcome))
            .filter_map(|(_, event)| event.map(Ok));
        let again = app.door.publish_many(&call, left.collect(), Origin::default()).await;
        for (slot, outcome) in outcomes.iter_mut().filter(|outcome| moved(outcome)).zip(again) {
            *slot = outcome;
        }
    }
    if outcomes.iter().flatten().any(|receipt| !receipt.duplicate && !receipt.jobs.is_empty()) {
        guest::nudge(&caller.world.settings.internal_token);
    }
    Ok(outcomes)
}

/// List events
///
/// Newest first. Needs `events:read`.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventFilter),
    responses((status = 200, body = List<EventOut>), Faults), security(("bearer" = [])))]
async fn list_events(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Query(wanted): Query<EventFilter>,
    paging: Paging,
) -> Result<List<EventOut>, Problem> {
    let mut fields = Fields::new();
    let mut instant =
        |name: &str, text: Option<String>| text.and_then(|text| fields.take(name, text.parse()));
    let (since, until) = (instant("since", wanted.since), instant("until", wanted.until));
    let rule = wanted.rule_id.and_then(|text| fields.take("rule_id", text.parse()));
    fields.done().map_err(Problem::fields)?;
    let filter = events::Filter { trigger: wanted.trigger_id, rule, since, until };
    let page = events::list(&world.db, &who, &filter, &paging.request).await?;
    Ok(paging.list(page, EventOut::from))
}

/// Get an event
///
/// Exactly as it was sent. Needs `events:read`.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "events", params(("id" = String, Path, description = "evt_…")),
    responses((status = 200, body = EventOut), Faults), security(("bearer" = [])))]
async fn get_event(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Id(id): Id<EventId>,
) -> Result<Shown<EventOut>, Problem> {
    let (event, _) = events::seen(&world.db, &who, &id).await?;
    Ok(Shown::as_is("event", event.into()))
}

/// Trace an event
///
/// Everything that came of it: what every rule said, clause by clause, with the value that it saw; every job, attempt,
/// message and delivery. Needs `events:read`.
#[utoipa::path(get, path = "/api/v1/events/{id}/trace", tag = "events",
    params(("id" = String, Path, description = "evt_…")),
    responses((status = 200, body = TraceOut), Faults), security(("bearer" = [])))]
async fn trace_event(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Id(id): Id<EventId>,
) -> Result<Shown<TraceOut>, Problem> {
    let (_, call) = events::seen(&world.db, &who, &id).await?;
    let trail = pipeline::trace(&world.db, call, &id).await?;
    Ok(Shown::as_is("trace", trail.into()))
}
