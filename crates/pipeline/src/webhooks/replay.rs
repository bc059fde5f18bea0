//! What was not delivered to an endpoint, and how is it sent there? Counted first; then a chore gives it to the queue, step by step.

use super::{bringing, end, goes_to};
use crate::{chore, privacy};
use ::webhooks::{
    Endpoint, Replay, ReplayWish, Subscription, WebhookError, Which,
    service::{self, replay as service_of},
};
use chrono_tz::Tz;
use db::{Db, DbError, Scope, Tx};
use events::past::{self, Past, Stretch};
use jobs::{Again, Batch, BatchCounts, Kind, NewJob};
use kernel::{Call, EndpointId, EventId, FieldFault, Instant, JobId, ReplayId, Span};
use language::{Facts, Moment, Occasion};
use serde_json::{Value, json};

/// The most that are counted before a replay begins, and how many events are looked at for that.
pub const COUNTED: u32 = 10_000;
const LOOKED_AT: usize = 100_000;
/// How many events are read at a time.
const PAGE: u32 = 500;
/// How many deliveries are taken back in one transaction, and in how many of them: what is left then the chore takes back.
const BACK: i64 = 5_000;
const BACK_TIMES: usize = 20;
/// What is said of deliveries that were taken back.
pub(crate) const CALLED_OFF: &str = "the replay that it belongs to was cancelled";

/// How many a replay would be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// So many …
    pub count: u32,
    /// … or more.
    pub is_more: bool,
}

/// A replay with how its deliveries stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaySeen {
    /// The replay.
    pub replay: Replay,
    /// Its deliveries.
    pub deliveries: BatchCounts,
}

/// Tells how many a replay would be about; changes nothing.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`], [`WebhookError::Invalid`].
pub async fn count(db: &Db, call: &Call, id: &EndpointId, wish: ReplayWish) -> Result<Counted, WebhookError> {
    let (search, after) = {
        let mut lease = db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        let (endpoint, _) = service::find(&mut scope, id).await?.ok_or(WebhookError::Unknown)?;
        endpoint.must_be_active()?;
        let after = start(&mut scope, call, &wish).await?;
        if wish.which == Which::Failed {
            let again = Again { endpoint: id, after: &after, until: wish.until };
            let count = again.count(&mut scope, i64::from(COUNTED) + 1).await?;
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            return Ok(Counted { count: count.min(COUNTED), is_more: count > COUNTED });
        }
        (Search::new(&mut scope, endpoint, wish).await?, after)
    };
    let (mut count, mut looked, mut after) = (0_u32, 0_usize, after);
    loop {
        let found = search.next(db, call, &after).await?;
        count = count.saturating_add(u32::try_from(found.jobs.len()).unwrap_or(u32::MAX));
        looked = looked.saturating_add(found.looked);
        let Some(last) = found.last else { return Ok(Counted { count, is_more: false }) };
        after = last;
        if count > COUNTED || looked >= LOOKED_AT {
            return Ok(Counted { count: count.min(COUNTED), is_more: true });
        }
    }
}

/// After which id a replay begins to look.
async fn start(scope: &mut Scope<'_>, call: &Call, wish: &ReplayWish) -> Result<String, WebhookError> {
    match wish.which {
        Which::Failed => {
            let mut first = JobId::first(wish.since).as_str().to_owned();
            first.pop();
            Ok(first)
        }
        Which::NeverSent => {
            // Of what the queue forgot nobody knows that it was sent. It gets a day, so that the replay can go through it in time.
            let (since, days) = chore::remembered(scope, call.now).await?;
            let since = since + Span::hours(i64::from(days).saturating_mul(12).min(24));
            if wish.since < since {
                let fault = format!(
                    "must not be before {since}: deliveries are kept for {days} days (retention.jobs_days), and what was sent \
                     before then nobody knows any more"
                );
                return Err(WebhookError::Invalid(vec![FieldFault::new("since", fault)]));
            }
            Ok(past::below(wish.since))
        }
    }
}

/// Begins a replay.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`], [`WebhookError::Invalid`], [`WebhookError::ReplaysUnderWay`].
pub async fn begin(
    db: &Db,
    call: &Call,
    id: &EndpointId,
    wish: ReplayWish,
) -> Result<ReplaySeen, WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = lay(&mut tx, call, id, wish).await;
    let replay = end(tx, outcome).await?;
    Ok(ReplaySeen { replay, deliveries: BatchCounts::default() })
}

async fn lay(tx: &mut Tx, call: &Call, id: &EndpointId, wish: ReplayWish) -> Result<Replay, WebhookError> {
    let mut scope = tx.scope(call.tenant());
    let job = JobId::new(call.now, &*call.chance);
    // Whether it is there comes before what is wrong with the request.
    service::find(&mut scope, id).await?.ok_or(WebhookError::Unknown)?;
    let after = start(&mut scope, call, &wish).await?;
    let replay = service_of::begin(&mut scope, call, id, wish, (&job, &after)).await?;
    let payload = json!({"replay_id": replay.id.as_str()}).to_string();
    let chore = privacy::chore(call, job, Kind::ReplayWebhooks, payload);
    jobs::enqueue(&mut tx.all_tenants(), &[chore], call.now).await?;
    Ok(replay)
}

/// A replay, with how its deliveries stand.
///
/// # Errors
/// [`WebhookError::ReplayUnknown`].
pub async fn see(db: &Db, call: &Call, id: &ReplayId) -> Result<ReplaySeen, WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let replay = service_of::get(&mut scope, id).await?;
    let deliveries = Batch(id.as_str()).counts(&mut scope).await?;
    Ok(ReplaySeen { replay, deliveries })
}

/// Calls a replay off: it gives nothing more to the queue, and what it gave and has not begun is taken back.
///
/// # Errors
/// [`WebhookError::ReplayUnknown`], [`WebhookError::ReplayEnded`].
pub async fn cancel(db: &Db, call: &Call, id: &ReplayId) -> Result<ReplaySeen, WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = service_of::cancel(&mut tx.scope(call.tenant()), call, id).await;
    end(tx, outcome).await?;
    for _ in 0..BACK_TIMES {
        if take_back(db, call, id).await? == 0 {
            break;
        }
    }
    see(db, call, id).await
}

/// Takes back some of what a replay that was called off gave to the queue; tells how many.
pub(crate) async fn take_back(db: &Db, call: &Call, id: &ReplayId) -> Result<usize, DbError> {
    let mut tx = db.begin().await?;
    let batch = Batch(id.as_str());
    let gone = batch.take_back(&mut tx.scope(call.tenant()), CALLED_OFF, call.now, BACK).await?;
    tx.commit().await?;
    Ok(gone)
}

/// Looks for events that an endpoint wants and never got.
pub(crate) struct Search {
    pub(crate) endpoint: Endpoint,
    subscription: Subscription,
    /// The triggers whose events it may want, and what their types are called.
    triggers: Vec<String>,
    kinds: Vec<String>,
    until: EventId,
    zone: Tz,
}

/// Some of what was looked for.
pub(crate) struct Found {
    /// So many events were looked at.
    pub(crate) looked: usize,
    /// The last of them; `None` at the end.
    pub(crate) last: Option<String>,
    /// What would bring to the endpoint those that it never got.
    pub(crate) jobs: Vec<NewJob>,
}

impl Search {
    pub(crate) async fn new(
        scope: &mut Scope<'_>,
        endpoint: Endpoint,
        wish: ReplayWish,
    ) -> Result<Self, DbError> {
        let subscription = Subscription::new(&endpoint);
        let (mut triggers, mut kinds) = (Vec::new(), Vec::new());
        for (trigger, module) in past::triggers(scope).await? {
            let kind = format!("{module}.{trigger}");
            if subscription.wants(&kind) {
                triggers.push(trigger);
                kinds.push(kind);
            }
        }
        let zone = rules::service::grounds(scope).await?.zone;
        Ok(Self { endpoint, subscription, triggers, kinds, until: EventId::first(wish.until), zone })
    }

    /// Looks at the next events after the id `after`.
    pub(crate) async fn next(&self, db: &Db, call: &Call, after: &str) -> Result<Found, DbError> {
        let triggers: Vec<&str> = self.triggers.iter().map(String::as_str).collect();
        let stretch = Stretch { triggers: &triggers, until: &self.until, circumstances: true };
        let mut lease = db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        let piece = past::next(&mut scope, &stretch, after, PAGE.into()).await?;
        let events = piece.events()?;
        let jobs: Vec<NewJob> = events.iter().filter_map(|event| self.job(call, event)).collect();
        let jobs = self.unsent(&mut scope, jobs).await?;
        Ok(Found { looked: events.len(), last: events.last().map(|event| event.id.to_owned()), jobs })
    }

    /// Those of these jobs whose events never went to the endpoint.
    pub(crate) async fn unsent(
        &self,
        scope: &mut Scope<'_>,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<NewJob>, DbError> {
        let events: Vec<&str> = jobs.iter().filter_map(|job| Some(job.event.as_ref()?.as_str())).collect();
        let sent = jobs::sent_to(scope, &self.endpoint.id, &events).await?;
        let is_unsent = |job: &NewJob| job.event.as_ref().is_some_and(|event| !sent.contains(event.as_str()));
        Ok(jobs.into_iter().filter(is_unsent).collect())
    }

    /// The job that would bring an event to the endpoint, if it wants that: with the facts of then.
    fn job(&self, call: &Call, event: &Past<'_>) -> Option<NewJob> {
        let kind = self.kinds.get(event.trigger)?;
        let data: Value = rules::payload::read(event.data).ok()?;
        let known = event.circumstances.as_ref()?;
        let occasion = Occasion {
            id: event.id,
            trigger: self.triggers.get(event.trigger)?,
            source: &known.source,
            subject: known.subject.as_deref(),
            actor: &known.actor,
            occurred: known.occurred,
            depth: known.depth,
        };
        let facts = Facts::new(&data, None, occasion, Moment { now: event.received, zone: self.zone });
        let id: EventId = event.id.parse().ok()?;
        goes_to(&self.subscription, kind, &facts)
            .then(|| bringing(call, &self.subscription, &id, (kind, &facts)))
    }
}

/// Since when of an event that was found it is known that it was never sent; `None` if it is too old for that.
pub(crate) fn is_known(job: &NewJob, since: Instant) -> bool {
    job.event.as_ref().is_some_and(|event| event.as_str() >= EventId::first(since).as_str())
}
