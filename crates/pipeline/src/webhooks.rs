//! How does a `send_webhook` job reach its endpoint, and what follows from the answer? What it does not say itself (type, data) is the
//! event's, read from the ledger when it runs.

use crate::{
    Works,
    effect::{self, Errand, Report, TIMEOUT},
    left,
};
use ::webhooks::{Dispatch, Judgement, Means, WebhookError, service};
use db::{Db, DbError, Tx};
use events::EventError;
use jobs::{Job, Kind, Lane, Leased, Lost, NewJob, Outcome, Parcel, Patience, Receipt, Terms};
use kernel::{Call, EndpointId, Instant, JobId, TenantId};
use rules::{ActionKind, PlannedAction};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many requests to one endpoint are under way at a time.
const AT_ONCE: u32 = 10;
/// The type of what tests an endpoint.
const TEST: &str = "webhook.test";

fn lane_of(endpoint: &str) -> Lane {
    Lane::new(format!("endpoint:{endpoint}"), AT_ONCE)
}

/// The lane of an action that sends to an endpoint: one that is slow holds up only what goes there.
pub(crate) fn lane(action: &PlannedAction) -> Option<Lane> {
    let endpoint = effect::text(&action.parameters, "endpoint")?;
    (action.kind == ActionKind::SendWebhook).then(|| lane_of(&endpoint))
}

/// Sends an endpoint something to try it with: once. The job tells what came of it.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`]; the database's.
pub async fn test(db: &Db, call: &Call, id: &EndpointId) -> Result<JobId, WebhookError> {
    let mut tx = db.begin().await?;
    if let Err(fault) = service::tested(&mut tx.scope(call.tenant()), call, id).await {
        tx.rollback().await?;
        return Err(fault);
    }
    let data = json!({"endpoint_id": id.as_str(), "message": "This is a test. If its signature verifies, the endpoint works."});
    let job = NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind: Kind::SendWebhook,
        payload: json!({"endpoint": id.as_str(), "type": TEST, "data": data}).to_string(),
        event: None,
        rule: None,
        parent: None,
        start: call.now.into(),
        patience: Patience { attempts: 1, ..Patience::default() },
        trace: call.trace.as_str().to_owned(),
        stillborn: None,
        terms: Terms { lane: Some(lane_of(id.as_str())), ..Terms::default() },
    };
    let id = job.id.clone();
    jobs::enqueue(&mut tx.all_tenants(), &[job], call.now).await?;
    tx.commit().await?;
    Ok(id)
}

/// Makes the parcels of jobs that send webhooks; gives apart those that have none, with why.
pub(crate) async fn prepare(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
) -> Result<(Vec<Errand>, Vec<(Leased, Report)>), DbError> {
    let means = Means { vault: &works.means.vault, allow_private: works.means.allow_private };
    let (mut errands, mut ended) = (Vec::new(), Vec::new());
    let mut by_tenant: BTreeMap<TenantId, Vec<(Leased, Dispatch)>> = BTreeMap::new();
    for one in leased {
        match dispatch(tx, &one.job).await? {
            Ok(dispatch) => by_tenant.entry(one.job.tenant.clone()).or_default().push((one, dispatch)),
            Err(words) => ended.push((one, Report::hopeless(words))),
        }
    }
    for (tenant, group) in by_tenant {
        let Some((first, _)) = group.first() else { continue };
        let call = effect::call_of(works, &first.job, now);
        let (leased, dispatches): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let requests = service::prepare(&mut tx.scope(&tenant), &call, means, &dispatches).await?;
        for (leased, request) in leased.into_iter().zip(requests) {
            match request {
                Ok(outbound) => {
                    let parcel = Parcel {
                        method: "POST".to_owned(),
                        url: outbound.url.expose().clone(),
                        headers: outbound.headers,
                        body: outbound.body.into_bytes(),
                        timeout: TIMEOUT,
                    };
                    errands.push(Errand { leased, parcel, delivery: None });
                }
                Err(WebhookError::Db(error)) => return Err(error),
                // The operator's to mend, so it is tried again.
                Err(WebhookError::Vault(_)) => ended.push((
                    leased,
                    Report::failed(
                        "the endpoint's secret cannot be opened with the present keys; the operator must restore the key",
                    ),
                )),
                Err(fault) => ended.push((leased, Report::hopeless(fault.to_string()))),
            }
        }
    }
    Ok((errands, ended))
}

/// What a job is to send; or why it cannot.
async fn dispatch(tx: &mut Tx, job: &Job) -> Result<Result<Dispatch, &'static str>, DbError> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let Some(endpoint) = endpoint_of(&payload) else {
        return Ok(Err("the job names no webhook endpoint"));
    };
    let event = match &job.event {
        None => None,
        Some(id) => match events::get(&mut tx.scope(&job.tenant), id).await {
            Ok(event) => Some(event),
            Err(EventError::Db(error)) => return Err(error),
            Err(_) => return Ok(Err("its event is no longer in the ledger")),
        },
    };
    let of_event = event.as_ref().map(|event| format!("{}.{}", event.module, event.trigger));
    let said = payload.get("data").map(Value::to_string);
    Ok(Ok(Dispatch {
        endpoint,
        job: job.id.clone(),
        kind: effect::text(&payload, "type").or(of_event).unwrap_or_default(),
        happened: event.as_ref().map_or(job.created, |event| event.occurred),
        data: said.or_else(|| event.map(|event| event.data)).unwrap_or_else(|| "{}".to_owned()),
        trace: job.trace.clone(),
    }))
}

fn endpoint_of(payload: &Value) -> Option<EndpointId> {
    effect::text(payload, "endpoint")?.parse().ok()
}

/// What came of a request, for the queue.
pub(crate) fn judge(outcome: Result<Receipt, Lost>, now: Instant) -> Report {
    let receipt = match outcome {
        Ok(receipt) => receipt,
        Err(Lost::Refused) => {
            return Report::hopeless(
                "The endpoint's address leads to a network that the operator forbids. Use a public address.",
            );
        }
        Err(lost) => return Report::failed(format!("The endpoint gave no answer: {lost}.")),
    };
    let asked = receipt.headers.iter().find(|(name, _)| name == "retry-after");
    let retry_after = asked.and_then(|(_, value)| notifications::retry_after(value, now));
    let report = match ::webhooks::judge(receipt.status, retry_after) {
        Judgement::Taken => Report::done("the endpoint took it"),
        Judgement::Gone { words } => Report::hopeless(words),
        Judgement::Later { words, retry_after } => {
            Report { outcome: Outcome::Failed { retry_after }, ..Report::failed(words) }
        }
    };
    Report { status: Some(receipt.status), ..report }.leaving(&left::of_answer(&receipt))
}

/// Switches an endpoint off that says it is gone.
pub(crate) async fn settle(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: &Leased,
    report: &Report,
) -> Result<(), DbError> {
    let job = &leased.job;
    if job.kind != Kind::SendWebhook || report.status != Some(410) {
        return Ok(());
    }
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let Some(endpoint) = endpoint_of(&payload) else { return Ok(()) };
    let call = effect::call_of(works, job, works.clock.now());
    service::gone(&mut tx.scope(&job.tenant), &call, &endpoint, leased.started).await.map(drop)
}
