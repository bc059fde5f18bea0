//! What does a job do? Inside jobs write in the queue's own transaction; outside jobs carry one parcel.

use crate::{Books, Works, decide, left, loops, regard, webhooks::Hook, write};
use db::{DbError, Tx};
use events::{EventError, NewEvent, Origin};
use jobs::{Job, Kind, Leased, Lost, NewJob, Outcome, Parcel, Patience, Receipt, Terms};
use kernel::{
    Call, DeliveryId, EventId, Instant, JobId, Principal, RequestId, RuleId, Secret, Span, TenantId, Trace,
};
use notifications::{Answer, ChannelKind, Failure, Judgement, NewMessage, NotificationError, Outbound};
use serde_json::{Value, json};

/// How long a receiver may take.
pub(crate) const TIMEOUT: Span = Span::seconds(15);

/// What came of a job, in words for its record.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) words: String,
    /// What it leaves for those behind it.
    pub(crate) result: Option<Secret<String>>,
}

impl Report {
    pub(crate) fn done(words: impl Into<String>) -> Self {
        Self::of(Outcome::Done, words)
    }

    pub(crate) fn unfinished(words: impl Into<String>) -> Self {
        Self::of(Outcome::Unfinished, words)
    }

    pub(crate) fn early(until: Instant, words: impl Into<String>) -> Self {
        Self::of(Outcome::Early { until }, words)
    }

    pub(crate) fn hopeless(words: impl Into<String>) -> Self {
        Self::of(Outcome::Hopeless, words)
    }

    pub(crate) fn failed(words: impl Into<String>) -> Self {
        Self::of(Outcome::Failed { retry_after: None }, words)
    }

    fn of(outcome: Outcome, words: impl Into<String>) -> Self {
        Self { outcome, status: None, words: words.into(), result: None }
    }

    /// The same, leaving something for those behind it.
    pub(crate) fn leaving(self, result: &Value) -> Self {
        Self { result: Some(jobs::result_text(result)), ..self }
    }
}

/// Something that leaves the house.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) leased: Leased,
    pub(crate) parcel: Parcel,
    /// The delivery that it carries and how to read the answer; `None` for a rule's own request.
    pub(crate) delivery: Option<(DeliveryId, ChannelKind)>,
    /// What a webhook needs besides.
    pub(crate) hook: Option<Box<Hook>>,
}

/// The call in which a job runs: ours, in the job's tenant and trace.
pub(crate) fn call_of(works: &Works<'_>, job: &Job, now: Instant) -> Call {
    Call {
        principal: Principal::system(job.tenant.clone()),
        now,
        request: RequestId::given(job.id.as_str()).unwrap_or_else(|| RequestId::new(&*works.chance)),
        trace: Trace::given(&job.trace).unwrap_or_else(|| Trace::new(&*works.chance)),
        address: None,
        chance: std::sync::Arc::clone(&works.chance),
    }
}

/// The call in which we do something of our own in a tenant.
pub(crate) fn own_call(works: &Works<'_>, tenant: &TenantId, now: Instant) -> Call {
    Call {
        principal: Principal::system(tenant.clone()),
        now,
        request: RequestId::new(&*works.chance),
        trace: Trace::new(&*works.chance),
        address: None,
        chance: std::sync::Arc::clone(&works.chance),
    }
}

pub(crate) fn text(payload: &Value, name: &str) -> Option<String> {
    payload.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The message that a `send_notification` job is to make.
pub(crate) fn message_of(job: &Job) -> NewMessage {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    NewMessage {
        recipient: text(&payload, "recipient").unwrap_or_default(),
        title: text(&payload, "title"),
        body: text(&payload, "message").unwrap_or_default(),
        channel: text(&payload, "channel"),
        event_id: job.event.clone(),
        job_id: Some(job.id.clone()),
    }
}

/// What a fault of the notifications room means for its job: the operator's own are tried again, for they get mended.
pub(crate) fn fault(fault: &NotificationError) -> Report {
    match fault {
        NotificationError::Vault(_) => Report::failed(
            "the channel's secret cannot be opened with the present keys; the operator must restore the key",
        ),
        other => Report::hopeless(other.to_string()),
    }
}

/// The fault of the database behind one of the notifications room.
pub(crate) fn database(fault: NotificationError) -> DbError {
    match fault {
        NotificationError::Db(error) => error,
        other => DbError::Engine(other.to_string()),
    }
}

/// What the carriers of a message take from whoever made it.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    event: Option<EventId>,
    rule: Option<(RuleId, u32)>,
    job: Option<JobId>,
    patience: Patience,
    trace: String,
}

impl Maker {
    /// A job made it: carriers are as patient as the job.
    pub(crate) fn job(job: &Job) -> Self {
        Self {
            event: job.event.clone(),
            rule: job.rule.clone().map(|rule| (rule, job.action.unwrap_or_default())),
            job: Some(job.id.clone()),
            patience: job.patience,
            trace: job.trace.clone(),
        }
    }

    /// Somebody made it directly.
    pub(crate) fn call(call: &Call) -> Self {
        let trace = call.trace.as_str().to_owned();
        Self { event: None, rule: None, job: None, patience: Patience::default(), trace }
    }
}

/// The jobs that carry a message's deliveries.
pub(crate) fn carriers(call: &Call, maker: &Maker, expanded: &notifications::Expanded) -> Vec<NewJob> {
    let carrier = |delivery: &DeliveryId| NewJob {
        id: JobId::new(call.now, &*call.chance),
        tenant: call.tenant().clone(),
        kind: Kind::DeliverMessage,
        payload: json!({"delivery_id": delivery.as_str(), "message_id": expanded.message_id.as_str()})
            .to_string(),
        event: maker.event.clone(),
        rule: maker.rule.clone(),
        parent: maker.job.clone(),
        start: call.now.into(),
        patience: maker.patience,
        trace: maker.trace.clone(),
        stillborn: None,
        terms: Terms::default(),
    };
    // A job that runs a second time finds its message and its carriers made.
    let fresh = expanded.deliveries.iter().filter(|_| expanded.is_new);
    fresh.map(|(delivery, _)| carrier(delivery)).collect()
}

/// The delivery that a `deliver_message` job carries.
pub(crate) fn delivery_of(job: &Job) -> Option<DeliveryId> {
    let payload: Value = serde_json::from_str(&job.payload).ok()?;
    text(&payload, "delivery_id")?.parse().ok()
}

/// The parcel of a prepared delivery.
pub(crate) fn parcel_of(outbound: Outbound, job: &Job) -> Parcel {
    // Deliveries are prepared together; each goes under the trace of its own job.
    let header = |(name, value): (String, kernel::Secret<String>)| {
        let value =
            if name.eq_ignore_ascii_case("traceparent") { job.trace.clone() } else { value.expose().clone() };
        (name, value)
    };
    Parcel {
        method: outbound.method.as_str().to_owned(),
        url: outbound.url.expose().clone(),
        headers: outbound.headers.into_iter().map(header).collect(),
        body: outbound.body.into_bytes(),
        timeout: TIMEOUT,
    }
}

/// The parcel of an `http_request` action.
pub(crate) fn request_of(job: &Job, allow_private: bool) -> Result<Parcel, Report> {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let url = text(&payload, "url").unwrap_or_default();
    if let Err(fault) = notifications::permitted(&url, allow_private) {
        return Err(Report::hopeless(format!("the URL {fault}")));
    }
    let body = match payload.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let mut headers: Vec<(String, String)> = payload
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect();
    let mut default = |name: &str, value: &str| {
        if !headers.iter().any(|(known, _)| known == name) {
            headers.push((name.to_owned(), value.to_owned()));
        }
    };
    default("content-type", "application/json");
    default("user-agent", concat!("Signalbox/", env!("CARGO_PKG_VERSION")));
    default("idempotency-key", job.id.as_str());
    default("traceparent", &job.trace);
    let method = text(&payload, "method").unwrap_or_else(|| "POST".to_owned());
    Ok(Parcel { method, url, headers, body: body.into_bytes(), timeout: TIMEOUT })
}

/// What an errand's outcome means, for the queue and, if it carried one, for its delivery.
pub(crate) fn judge(errand: &Errand, outcome: Result<Receipt, Lost>, now: Instant) -> Report {
    let kind = errand.delivery.as_ref().map_or(ChannelKind::Webhook, |(_, kind)| *kind);
    let answer = outcome.as_ref().ok().filter(|_| errand.leased.job.kind == Kind::HttpRequest);
    let result = answer.map(|receipt| jobs::result_text(&left::of_answer(receipt)));
    let (status, judgement) = match outcome {
        Ok(receipt) => {
            let retry_after = receipt.headers.iter().find(|(name, _)| name == "retry-after");
            let body = String::from_utf8_lossy(&receipt.body);
            let answer = Answer {
                status: receipt.status,
                retry_after: retry_after.map(|(_, value)| value.as_str()),
                body: &body,
            };
            (Some(receipt.status), notifications::judge(kind, &answer, now))
        }
        Err(lost) => (None, failure(lost).judge()),
    };
    match judgement {
        Judgement::Delivered => Report { status, result, ..Report::done("the receiver took it") },
        Judgement::Refused { words } => Report { status, result, ..Report::hopeless(words) },
        Judgement::Later { words, retry_after } => {
            Report { outcome: Outcome::Failed { retry_after }, status, words, result }
        }
    }
}

fn failure(lost: Lost) -> Failure {
    match lost {
        Lost::Refused => Failure::Forbidden,
        Lost::TimedOut(_) => Failure::Slow,
        Lost::Unreadable => Failure::Broken("the URL does not read".to_owned()),
        Lost::Broken(words) => Failure::Broken(words),
    }
}

/// Raises the event of a `publish_event` job, inside the queue's transaction. The job's id is the event's key, so that a
/// second run raises nothing.
pub(crate) async fn raise(tx: &mut Tx, books: &Books, call: &Call, job: &Job) -> Result<Report, DbError> {
    let Some(origin) = origin(tx, &job.tenant, job).await? else {
        return Ok(Report::hopeless("the event that this one follows is no longer in the ledger"));
    };
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let trigger = text(&payload, "trigger_id").unwrap_or_default();
    let data = payload.get("data").cloned().unwrap_or_else(|| json!({})).to_string();
    let event = NewEvent {
        dedupe: Some(events::Dedupe {
            key: format!("job:{}", job.id),
            fingerprint: events::fingerprint(&trigger, &data),
        }),
        trigger,
        data,
        source: format!("rule:{}", job.rule.as_ref().map_or("", |rule| rule.as_str())),
        external_id: None,
        subject: None,
        occurred: None,
    };
    raised(tx, books, call, job, event, origin).await.map(|raised| raised.0)
}

/// Decides an event and writes it with all that comes of it, inside the queue's transaction: what came of the job, and which event
/// it was.
pub(crate) async fn raised(
    tx: &mut Tx,
    books: &Books,
    call: &Call,
    job: &Job,
    event: NewEvent,
    origin: Origin,
) -> Result<(Report, Option<EventId>), DbError> {
    let book = books.within(tx, &job.tenant).await?;
    let about = [regard::wanted(&book, &event)];
    let record = regard::records(&mut tx.scope(&job.tenant), &about).await?.pop().flatten();
    let draft = match decide(&book, call, EventId::new(call.now, &*call.chance), event, origin, record) {
        Ok(draft) => draft,
        Err(EventError::Db(error)) => return Err(error),
        Err(EventError::TooDeep(depth)) => return Ok((loops::cut(tx, call, job, depth).await?, None)),
        Err(fault) => return Ok((Report::hopeless(said(&fault)), None)),
    };
    let written = write::write(tx, &[&draft]).await?.into_iter().next();
    Ok(match written {
        Some(write::Written::Stored(receipt)) => {
            let report = Report::done(format!("raised {}", receipt.id)).leaving(&left::of_event(&receipt));
            (report, Some(receipt.id))
        }
        Some(write::Written::Refused(error)) => (Report::hopeless(error.to_string()), None),
        Some(write::Written::RulesMoved) | None => (Report::failed("the rules changed meanwhile"), None),
    })
}

/// A fault in words, with the fields that it names.
fn said(fault: &EventError) -> String {
    let fields: Vec<String> = kernel::Fault::fields(fault).iter().map(ToString::to_string).collect();
    if fields.is_empty() { fault.to_string() } else { format!("{fault} {}", fields.join("; ")) }
}

/// What comes of a `wait` job: it is done, for its time has come; unless its payload names a later one.
pub(crate) fn wait(job: &Job, now: Instant) -> Report {
    let payload: Value = serde_json::from_str(&job.payload).unwrap_or_default();
    let until = match payload.get("until") {
        None | Some(Value::Null) => return Report::done("its time has come"),
        Some(until) => until.as_str().and_then(|text| text.parse::<Instant>().ok()),
    };
    match until {
        Some(until) if until > now => Report::early(until, format!("it waits until {until}")),
        Some(_) => Report::done("its time has come"),
        None => Report::hopeless("until is no instant of RFC 3339, such as 2026-01-31T09:30:00Z"),
    }
}

/// Where the raised event comes from; `None` if its parent is gone.
pub(crate) async fn origin(tx: &mut Tx, tenant: &TenantId, job: &Job) -> Result<Option<Origin>, DbError> {
    let Some(parent) = &job.event else { return Ok(Some(Origin::default())) };
    match events::get(&mut tx.scope(tenant), parent).await {
        Ok(event) => Ok(Some(Origin { depth: event.origin.depth.saturating_add(1), parent: Some(event.id) })),
        Err(EventError::Db(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// A delivery's outcome, said for the notifications room.
pub(crate) fn delivery_outcome(report: &Report, next: jobs::Next) -> notifications::Outcome {
    match next {
        jobs::Next::Done => notifications::Outcome::Delivered,
        jobs::Next::Later(_) | jobs::Next::Again(_) => {
            notifications::Outcome::Retrying { words: report.words.clone() }
        }
        jobs::Next::Dead => notifications::Outcome::Failed { words: report.words.clone() },
    }
}
