//! What does a `send_webhook` job send? What it does not say itself (type, data) is the event's, read from the ledger when it runs.

use super::Hook;
use crate::{
    Works,
    effect::{self, Errand, Report},
};
use ::webhooks::{
    Dispatch, Endpoint, Means, WebhookError,
    service::{self, Prepared},
};
use db::{DbError, Scope, Tx};
use events::{Event, EventError};
use jobs::{Gate, Gated, Job, Leased, Parcel};
use kernel::{EndpointId, Instant, JobId, TenantId};
use language::{
    Facts, Moment, Occasion, Vocabulary,
    template::{Context, Tree},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What becomes of jobs that send webhooks.
#[derive(Default)]
pub(crate) struct Outcome {
    /// These leave.
    pub(crate) errands: Vec<Errand>,
    /// These have nothing to send, with why.
    pub(crate) ended: Vec<(Leased, Report)>,
}

/// A dispatch, with the event that it is of.
struct Due {
    leased: Leased,
    dispatch: Dispatch,
    event: Option<Event>,
}

/// Makes the parcels of jobs that send webhooks; gives apart those that have none, with why. Those whose endpoint rests are put back.
pub(crate) async fn prepare(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
) -> Result<Outcome, DbError> {
    let mut outcome = Outcome::default();
    let mut by_tenant: BTreeMap<TenantId, Vec<Due>> = BTreeMap::new();
    for one in leased {
        match dispatch(&mut tx.scope(&one.job.tenant), &one.job).await? {
            Ok((dispatch, event)) => {
                by_tenant.entry(one.job.tenant.clone()).or_default().push(Due {
                    leased: one,
                    dispatch,
                    event,
                });
            }
            Err(words) => outcome.ended.push((one, Report::hopeless(words))),
        }
    }
    let mut resting = Vec::new();
    for (tenant, group) in by_tenant {
        of_tenant(works, tx, (&tenant, now), group, &mut outcome, &mut resting).await?;
    }
    rest(tx, resting).await?;
    Ok(outcome)
}

async fn of_tenant(
    works: &Works<'_>,
    tx: &mut Tx,
    (tenant, now): (&TenantId, Instant),
    group: Vec<Due>,
    outcome: &mut Outcome,
    resting: &mut Vec<(Leased, Instant)>,
) -> Result<(), DbError> {
    let Some(first) = group.first() else { return Ok(()) };
    let call = effect::call_of(works, &first.leased.job, now);
    let means = Means { vault: &works.means.vault, allow_private: works.means.allow_private };
    let zone = if group.iter().any(|due| due.event.is_some()) {
        rules::service::grounds(&mut tx.scope(tenant)).await?.zone
    } else {
        chrono_tz::Tz::UTC
    };
    let events: BTreeMap<JobId, &Event> =
        group.iter().filter_map(|due| Some((due.dispatch.job.clone(), due.event.as_ref()?))).collect();
    let body = |endpoint: &Endpoint, dispatch: &Dispatch| {
        own_body(endpoint, dispatch, events.get(&dispatch.job).copied(), Moment { now, zone })
    };
    let dispatches: Vec<Dispatch> = group.iter().map(|due| due.dispatch.clone()).collect();
    let prepared = service::prepare(tx, &call, means, &dispatches, &body).await?;
    drop(events);
    for (Due { leased, .. }, prepared) in group.into_iter().zip(prepared) {
        match prepared {
            Ok(Prepared::Send(outbound, endpoint)) => {
                let parcel = Parcel {
                    method: "POST".to_owned(),
                    url: outbound.url.expose().clone(),
                    headers: outbound.headers.clone(),
                    body: outbound.body.clone().into_bytes(),
                    timeout: outbound.timeout,
                };
                let hook = Hook { endpoint: *endpoint, secrets: outbound.secrets, token: outbound.token };
                outcome.errands.push(Errand { leased, parcel, delivery: None, hook: Some(Box::new(hook)) });
            }
            Ok(Prepared::Wait(until, _)) => resting.push((leased, until)),
            Err(WebhookError::Db(error)) => return Err(error),
            // The operator's to mend, so it is tried again.
            Err(WebhookError::Vault(_)) => outcome.ended.push((
                leased,
                Report::failed(
                    "the endpoint's secret cannot be opened with the present keys; the operator must restore the key",
                ),
            )),
            Err(fault) => outcome.ended.push((leased, Report::hopeless(fault.to_string()))),
        }
    }
    Ok(())
}

/// Puts back what waits for its endpoint. The endpoint's own lines rest so long; in a rule's lane the job itself comes later.
async fn rest(tx: &mut Tx, resting: Vec<(Leased, Instant)>) -> Result<(), DbError> {
    let mut gates: BTreeMap<(TenantId, String), Instant> = BTreeMap::new();
    let mut back = Vec::new();
    for (leased, until) in resting {
        let lane = leased.job.lane.as_ref().map(jobs::Lane::name);
        let own = lane.filter(|lane| ::webhooks::endpoint_of(lane).is_some());
        match own {
            Some(lane) => {
                let latest = gates.entry((leased.job.tenant.clone(), lane.to_owned())).or_insert(until);
                *latest = until.max(*latest);
                back.push((leased, None));
            }
            None => back.push((leased, Some(until))),
        }
    }
    let gates: Vec<Gated> = gates
        .into_iter()
        .map(|((tenant, lane), until)| Gated { tenant, lane, gate: Gate::Shut { until, then: None } })
        .collect();
    jobs::gate(&mut tx.all_tenants(), &gates).await?;
    jobs::put_back(&mut tx.all_tenants(), &back).await
}

/// What a job is to send; or why it cannot.
pub(super) async fn dispatch(
    scope: &mut Scope<'_>,
    job: &Job,
) -> Result<Result<(Dispatch, Option<Event>), &'static str>, DbError> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let Some(endpoint) = endpoint_of(&payload) else {
        return Ok(Err("the job names no webhook endpoint"));
    };
    let event = match &job.event {
        None => None,
        Some(id) => match events::get(scope, id).await {
            Ok(event) => Some(event),
            Err(EventError::Db(error)) => return Err(error),
            Err(_) => return Ok(Err("its event is no longer in the ledger")),
        },
    };
    let of_event = event.as_ref().map(|event| format!("{}.{}", event.module, event.trigger));
    let said = payload.get("data").map(Value::to_string);
    let dispatch = Dispatch {
        endpoint,
        job: job.id.clone(),
        kind: effect::text(&payload, "type").or(of_event).unwrap_or_default(),
        happened: event.as_ref().map_or(job.created, |event| event.occurred),
        data: said
            .or_else(|| event.as_ref().map(|event| event.data.clone()))
            .unwrap_or_else(|| "{}".to_owned()),
        trace: job.trace.clone(),
    };
    Ok(Ok((dispatch, event)))
}

/// The endpoint that a job's payload names.
pub(super) fn endpoint_of(payload: &Value) -> Option<EndpointId> {
    effect::text(payload, "endpoint")?.parse().ok()
}

/// The body that an endpoint wants instead of the usual one. It is rendered as of when the event came in: the same at every attempt.
pub(super) fn own_body(
    endpoint: &Endpoint,
    dispatch: &Dispatch,
    event: Option<&Event>,
    moment: Moment,
) -> Result<Option<Value>, String> {
    let Some(body) = &endpoint.body else { return Ok(None) };
    let data = rules::payload::read(&dispatch.data).map_err(|fault| fault.to_string())?;
    let (occasion, moment) = match event {
        Some(event) => {
            let occasion = Occasion {
                id: event.id.as_str(),
                trigger: &dispatch.kind,
                source: &event.source,
                subject: event.subject.as_deref(),
                actor: &event.actor,
                occurred: event.occurred,
                depth: event.origin.depth,
            };
            (occasion, Moment { now: event.received, ..moment })
        }
        None => {
            let occasion =
                Occasion { trigger: &dispatch.kind, occurred: dispatch.happened, ..Occasion::default() };
            (occasion, Moment { now: dispatch.happened, ..moment })
        }
    };
    let facts = Facts::new(&data, None, occasion, moment);
    let said = |fault: &kernel::FieldFault| format!("{} {}", fault.field, fault.message);
    let tree = Tree::read(body, "body", &Vocabulary::open())
        .map_err(|faults| faults.iter().map(said).collect::<Vec<_>>().join("; "))?;
    tree.render("body", &Context::new(&facts)).map(Some).map_err(|fault| said(&fault))
}
