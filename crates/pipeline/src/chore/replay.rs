//! How does a replay get on? Step by step: each gives some deliveries to the queue, each at its time, and keeps where it stands, in one small
//! transaction. So a stop at any moment neither loses nor doubles one. It stays no more than a minute ahead of what leaves.

use super::{Progress, remembered};
use crate::{
    Works,
    webhooks::replay::{Search, is_known, take_back},
};
use ::webhooks::{
    Carried, Endpoint, Replay, ReplayState, WebhookError, Which,
    service::{self, replay as service_of},
};
use db::{DbError, Tx};
use jobs::{Again, Batch, Job, Kind, NewJob};
use kernel::{Call, Instant, JobId, ReplayId, Span};
use serde_json::Value;

/// The most dead letters that are counted.
const COUNTED: i64 = 1_000_000;
/// How long one step looks.
const STEP: Span = Span::millis(150);

pub(super) async fn step(works: &Works<'_>, call: &Call, job: &Job) -> Result<Progress, DbError> {
    let Some(id) = of(job) else { return Ok(Progress::Hopeless("the job names no replay".to_owned())) };
    let (was, endpoint, waiting) = {
        let mut lease = works.db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        let Some(was) = service_of::under_way(&mut scope, &id).await? else {
            drop(lease);
            return clear(works, call, &id).await;
        };
        let endpoint = service::find(&mut scope, &was.replay.endpoint).await?;
        let waiting = Batch(id.as_str()).waiting(&mut scope, was.replay.enough().into()).await?;
        (was, endpoint.map(|(endpoint, _)| endpoint), u32::try_from(waiting).unwrap_or(u32::MAX))
    };
    let active = endpoint.ok_or(WebhookError::Unknown).and_then(|one| one.must_be_active().map(|()| one));
    let endpoint = match active {
        Ok(endpoint) => endpoint,
        Err(fault) => return give_up(works, call, &id, &fault.to_string()).await,
    };
    let room = match was.replay.state {
        ReplayState::Counting => 0,
        _ => match was.replay.room(waiting) {
            Some(room) => room,
            None => return Ok(Progress::Later(was.goes_on(call.now))),
        },
    };
    let step = Step { works, call, was, room, waiting };
    match (step.was.replay.wish.which, step.was.replay.state) {
        (Which::Failed, ReplayState::Counting) => step.count_failed().await,
        (Which::Failed, _) => step.redrive().await,
        (Which::NeverSent, ReplayState::Counting) => step.count_unsent(endpoint).await,
        (Which::NeverSent, _) => step.bring(endpoint).await,
    }
}

/// One step of a replay.
struct Step<'a> {
    works: &'a Works<'a>,
    call: &'a Call,
    was: Carried,
    /// So many may be given to the queue.
    room: u32,
    /// So many wait there.
    waiting: u32,
}

impl Step<'_> {
    fn again(&self) -> Again<'_> {
        let Replay { endpoint, wish, .. } = &self.was.replay;
        Again { endpoint, after: &self.was.after, until: wish.until }
    }

    /// The replay once it has counted so many; it begins anew then, at what it was to begin after.
    fn counted(&self, total: u32, after: String) -> Carried {
        let replay = Replay { state: ReplayState::Running, total, ..self.was.replay.clone() };
        Carried { replay, after, next_at: self.was.next_at }
    }

    async fn count_failed(&self) -> Result<Progress, DbError> {
        let total = {
            let mut lease = self.works.db.read().await?;
            self.again().count(&mut lease.scope(self.call.tenant())?, COUNTED).await?
        };
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        self.keep(&self.counted(total, self.was.after.clone())).await
    }

    async fn count_unsent(&self, endpoint: Endpoint) -> Result<Progress, DbError> {
        let (works, wish) = (self.works, self.was.replay.wish);
        let search = self.search(endpoint).await?;
        let mut is = self.was.clone();
        let begun = works.clock.now();
        while works.clock.now() < begun + STEP {
            let found = search.next(works.db, self.call, &is.after).await?;
            let count = u32::try_from(found.jobs.len()).unwrap_or(u32::MAX);
            is.replay.total = is.replay.total.saturating_add(count);
            match found.last {
                Some(last) => is.after = last,
                None => {
                    let first = events::past::below(wish.since);
                    return self.keep(&self.counted(is.replay.total, first)).await;
                }
            }
        }
        self.keep(&is).await
    }

    async fn search(&self, endpoint: Endpoint) -> Result<Search, DbError> {
        let mut lease = self.works.db.read().await?;
        Search::new(&mut lease.scope(self.call.tenant())?, endpoint, self.was.replay.wish).await
    }

    /// Keeps where the replay stands. If somebody else moved it on, the next step finds it there.
    async fn keep(&self, is: &Carried) -> Result<Progress, DbError> {
        let mut tx = self.works.db.begin().await?;
        service_of::advance(&mut tx.scope(self.call.tenant()), &self.was, is).await?;
        tx.commit().await.map(|()| Progress::More)
    }

    /// The replay after so many more were given to the queue, and when each of them may leave.
    fn given(&self, count: usize, after: &str) -> (Carried, Vec<Instant>) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let first = self.was.next_at.max(self.call.now);
        let (slots, next) = self.was.replay.slots(first, count);
        let replay = &self.was.replay;
        let replay = Replay { queued: replay.queued.saturating_add(count), ..replay.clone() };
        let next_at = if count > 0 { next } else { self.was.next_at };
        (Carried { replay, after: after.to_owned(), next_at }, slots)
    }

    /// Tries deliveries again that were given up.
    async fn redrive(&self) -> Result<Progress, DbError> {
        let mut tx = self.works.db.begin().await?;
        let mut scope = tx.scope(self.call.tenant());
        let dead = self.again().first(&mut scope, self.room.into()).await?;
        let Some(last) = dead.last() else {
            tx.rollback().await?;
            return self.finish().await;
        };
        let (is, slots) = self.given(dead.len(), last.as_str());
        if !service_of::advance(&mut scope, &self.was, &is).await? {
            tx.rollback().await?;
            return Ok(Progress::More);
        }
        let due: Vec<(JobId, Instant)> = dead.into_iter().zip(slots).collect();
        Batch(self.was.replay.id.as_str()).redrive(&mut scope, &due).await?;
        tx.commit().await.map(|()| Progress::More)
    }

    /// Lays deliveries that never were.
    async fn bring(&self, endpoint: Endpoint) -> Result<Progress, DbError> {
        let works = self.works;
        let search = self.search(endpoint).await?;
        let room = usize::try_from(self.room).unwrap_or(usize::MAX);
        let (mut jobs, mut after) = (Vec::new(), self.was.after.clone());
        let begun = works.clock.now();
        let mut is_end = false;
        while jobs.len() < room && works.clock.now() < begun + STEP {
            let mut found = search.next(works.db, self.call, &after).await?;
            jobs.append(&mut found.jobs);
            match found.last {
                Some(last) => after = last,
                None => {
                    is_end = true;
                    break;
                }
            }
        }
        if is_end && jobs.is_empty() && after == self.was.after {
            return self.finish().await;
        }
        if jobs.len() > room {
            jobs.truncate(room);
            after = jobs.last().and_then(|job| job.event.as_ref()).map_or(after, ToString::to_string);
        }
        self.lay(&search, jobs, &after).await
    }

    /// Lays these jobs, if all is still as it was when they were found.
    async fn lay(&self, search: &Search, jobs: Vec<NewJob>, after: &str) -> Result<Progress, DbError> {
        let (works, call, id) = (self.works, self.call, &self.was.replay.id);
        let mut tx = works.db.begin().await?;
        let mut scope = tx.scope(call.tenant());
        let found = service::find(&mut scope, &search.endpoint.id).await?;
        let is_same = found.is_some_and(|(endpoint, _)| endpoint.version == search.endpoint.version);
        let (since, days) = remembered(&mut scope, call.now).await?;
        if is_same && jobs.iter().any(|job| !is_known(job, since)) {
            tx.rollback().await?;
            let words = format!(
                "Deliveries are kept for {days} days (retention.jobs_days), and what was sent before {since} nobody knows any \
                 more. Begin another replay, with a later `since` or more per minute."
            );
            return give_up(works, call, id, &words).await;
        }
        // Another replay may have been faster.
        let jobs = search.unsent(&mut scope, jobs).await?;
        let (is, slots) = self.given(jobs.len(), after);
        if !is_same || !service_of::advance(&mut scope, &self.was, &is).await? {
            tx.rollback().await?;
            return Ok(Progress::More);
        }
        let job = &self.was.replay.job;
        let jobs: Vec<NewJob> = jobs
            .into_iter()
            .zip(slots)
            .map(|(one, at)| NewJob { start: at.into(), parent: Some(job.clone()), ..one })
            .collect();
        Batch(id.as_str()).lay(&mut tx, &jobs, call.now).await?;
        tx.commit().await.map(|()| Progress::More)
    }

    /// All is in the queue: the replay is done once the last of it has begun.
    async fn finish(&self) -> Result<Progress, DbError> {
        if self.waiting > 0 {
            return Ok(Progress::Later(self.was.is_over(self.call.now)));
        }
        let Replay { id, queued, .. } = &self.was.replay;
        let mut tx = self.works.db.begin().await?;
        service_of::done(&mut tx.scope(self.call.tenant()), id, self.call.now).await?;
        tx.commit().await?;
        Ok(Progress::Done(format!("{queued} deliveries were given to the queue")))
    }
}

/// Takes back what is left of a replay that was called off.
async fn clear(works: &Works<'_>, call: &Call, id: &ReplayId) -> Result<Progress, DbError> {
    let replay = {
        let mut lease = works.db.read().await?;
        service_of::get(&mut lease.scope(call.tenant())?, id).await
    };
    match replay {
        Ok(replay) if replay.state == ReplayState::Cancelled => {
            if take_back(works.db, call, id).await? > 0 {
                return Ok(Progress::More);
            }
            Ok(Progress::Done("the replay was cancelled".to_owned()))
        }
        Ok(_) => Ok(Progress::Done("the replay has ended".to_owned())),
        Err(WebhookError::Db(error)) => Err(error),
        Err(_) => Ok(Progress::Done("the replay is gone, with its endpoint".to_owned())),
    }
}

/// Ends a replay that cannot go on.
async fn give_up(works: &Works<'_>, call: &Call, id: &ReplayId, words: &str) -> Result<Progress, DbError> {
    let mut tx = works.db.begin().await?;
    service_of::failed(&mut tx.scope(call.tenant()), id, words, call.now).await?;
    tx.commit().await?;
    Ok(Progress::Done(format!("the replay failed: {words}")))
}

/// Ends the replay of a job that nobody runs any more: else it would count as under way for ever.
///
/// # Errors
/// [`DbError`].
pub(super) async fn bury(tx: &mut Tx, job: &Job, words: &str, now: Instant) -> Result<(), DbError> {
    let Some(id) = of(job) else { return Ok(()) };
    service_of::failed(&mut tx.scope(&job.tenant), &id, words, now).await
}

/// The replay that a job carries on.
fn of(job: &Job) -> Option<ReplayId> {
    if job.kind != Kind::ReplayWebhooks {
        return None;
    }
    let payload: Value = serde_json::from_str(&job.payload).ok()?;
    payload.get("replay_id")?.as_str()?.parse().ok()
}
