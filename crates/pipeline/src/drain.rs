//! How is the queue worked off? Rounds of one transaction each: settle what came back, take back lost leases, claim what
//! is due, run the inside jobs at once; then send the outside jobs' parcels, many at a time, and go round again as soon
//! as the first is back.

use crate::{
    Books, Renderer,
    cancel::bury,
    chore,
    effect::{self, Errand, Maker, Report},
    late, left, letters, records, sources, tasks,
    webhooks::{self, Tokens},
};
use ::webhooks::{Attempted, Endpoint};
use db::{Db, DbError, Tx};
use futures::{
    future::{BoxFuture, Either, FutureExt as _, select},
    stream::{FuturesUnordered, StreamExt as _},
};
use jobs::{Courier, Job, Kind, Lease, Leased, Next, Outcome, Settlement};
use kernel::{Chance, Clock, Instant, Span, TenantId};
use notifications::{Means, NotificationError, Prepared};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// The most parcels under way at once.
const UNDER_WAY: usize = 256;
/// The most jobs claimed in one round.
const CLAIM: usize = 128;
/// After a round of inside jobs, so that the next finds more than one: each round takes the lock that ingest needs.
const GATHER: Duration = Duration::from_millis(4);
/// Where nothing may leave, it is tried again after so long.
const UNGUARDED: Span = Span::seconds(60);
/// While parcels are under way the queue is looked at this often.
const LOOK: Duration = Duration::from_millis(20);

/// What a worker works with.
pub struct Works<'a> {
    /// The database.
    pub db: &'a Db,
    /// Compiled rules, for jobs that raise events.
    pub books: &'a Books,
    /// What channels need of the operator.
    pub means: &'a Means,
    /// Where letters go, if the operator set a mail service.
    pub mail: Option<&'a auth::Mail>,
    /// Carries parcels.
    pub courier: &'a dyn Courier,
    /// Turns late jobs into jobs.
    pub renderer: &'a dyn Renderer,
    /// Access tokens that providers gave.
    pub tokens: &'a Tokens,
    /// Whether the runtime keeps us from private addresses, as it must: unless it does, or the operator allows them, nothing leaves.
    pub is_guarded: bool,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Chance.
    pub chance: Arc<dyn Chance>,
}

/// What a drain did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drained {
    /// Jobs claimed.
    pub claimed: usize,
    /// Attempts that did what they should.
    pub done: usize,
    /// Attempts that failed and are tried again.
    pub retried: usize,
    /// Jobs given up.
    pub dead: usize,
    /// Leases that had run out and were taken back.
    pub lost: usize,
}

struct Finished {
    leased: Leased,
    /// The delivery that it carried.
    delivery: Option<kernel::DeliveryId>,
    /// The webhook that it was.
    hook: Option<(Attempted, Endpoint)>,
    report: Report,
    ended: Instant,
}

/// Works until nothing is due, or until `until`; then only what is under way is brought home.
///
/// # Errors
/// [`DbError`]; what was claimed comes back when its lease runs out.
pub async fn drain(works: &Works<'_>, until: Instant) -> Result<Drained, DbError> {
    let mut drained = Drained::default();
    let mut under_way: FuturesUnordered<BoxFuture<'_, Finished>> = FuturesUnordered::new();
    let mut finished = Vec::new();
    let mut chores = VecDeque::new();
    loop {
        let room = if works.clock.now() < until { UNDER_WAY.saturating_sub(under_way.len()) } else { 0 };
        let outcome = round(works, &mut finished, &mut chores, room, &mut drained).await;
        let (errands, busy) = match outcome {
            Ok(next) => next,
            // Another writer has the lock for long: what came back is kept, and recorded when the lock is free.
            Err(DbError::Locked)
                if !(finished.is_empty() && under_way.is_empty() && chores.is_empty())
                    && works.clock.now() < until + jobs::LEASE =>
            {
                works.db.nap(LOOK).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        for errand in errands {
            under_way.push(carry(works, errand).boxed());
        }
        if let Some(leased) = chores.pop_front() {
            finished.extend(do_chore(works, leased, until, &mut chores).await?);
            while let Some(Some(more)) = under_way.next().now_or_never() {
                finished.push(more);
            }
            works.db.nap(GATHER).await;
            continue;
        }
        if under_way.is_empty() {
            if busy && works.clock.now() < until {
                works.db.nap(GATHER).await;
                continue;
            }
            return Ok(drained);
        }
        if !busy || room == 0 {
            finished.extend(await_some(works, &mut under_way, until).await);
        }
        while let Some(Some(more)) = under_way.next().now_or_never() {
            finished.push(more);
        }
    }
}

/// Makes one step of a chore. It waits for its next turn, or is finished for now.
async fn do_chore(
    works: &Works<'_>,
    leased: Leased,
    until: Instant,
    chores: &mut VecDeque<Leased>,
) -> Result<Option<Finished>, DbError> {
    match chore::step(works, &leased, until).await {
        Ok(Some(report)) => {
            Ok(Some(Finished { leased, delivery: None, hook: None, report, ended: works.clock.now() }))
        }
        Ok(None) | Err(DbError::Locked) => {
            chores.push_back(leased);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Waits until a parcel is back, or until something else is due.
async fn await_some(
    works: &Works<'_>,
    under_way: &mut FuturesUnordered<BoxFuture<'_, Finished>>,
    until: Instant,
) -> Option<Finished> {
    loop {
        let nap = works.db.nap(LOOK).boxed();
        match select(under_way.next(), nap).await {
            Either::Left((finished, _)) => return finished,
            Either::Right(_) => {
                let now = works.clock.now();
                if now < until && under_way.len() < UNDER_WAY && anything(works, now).await.unwrap_or(false) {
                    return None;
                }
            }
        }
    }
}

async fn carry(works: &Works<'_>, errand: Errand) -> Finished {
    if let Some(hook) = &errand.hook {
        let (report, attempted, ended) = webhooks::carry(works, &errand, hook).await;
        let hook = Some((attempted, hook.endpoint.clone()));
        return Finished { leased: errand.leased, delivery: None, hook, report, ended };
    }
    let outcome = works.courier.send(errand.parcel.clone()).await;
    let ended = works.clock.now();
    let mut report = effect::judge(&errand, outcome, ended);
    if errand.leased.job.kind == Kind::SendLetter {
        report = letters::judge(report);
    }
    let delivery = errand.delivery.map(|(delivery, _)| delivery);
    Finished { leased: errand.leased, delivery, hook: None, report, ended }
}

/// One transaction. Gives the parcels to send, and whether there may be more to do at once: inside jobs were run, or jobs ended
/// that others waited for.
async fn round(
    works: &Works<'_>,
    finished: &mut Vec<Finished>,
    chores: &mut VecDeque<Leased>,
    room: usize,
    drained: &mut Drained,
) -> Result<(Vec<Errand>, bool), DbError> {
    if finished.is_empty() && (room == 0 || !anything(works, works.clock.now()).await?) {
        return Ok((Vec::new(), false));
    }
    let mut tx = works.db.begin().await?;
    // Leases begin when the lock is there, however long it took.
    let now = works.clock.now();
    settle_finished(works, &mut tx, finished, drained).await?;
    let mut errands = Vec::new();
    let mut busy = false;
    if room > 0 {
        let lost = jobs::expire(&mut tx.all_tenants(), now).await?;
        drained.lost += lost.len();
        bury(works, &mut tx, &lost, now).await?;
        jobs::resume(&mut tx.all_tenants(), now).await?;
        let most = u16::try_from(room.min(CLAIM)).unwrap_or(u16::MAX);
        let leased = jobs::claim(&mut tx.all_tenants(), now, &Lease::new(&*works.chance), most).await?;
        drained.claimed += leased.len();
        let (leased, failed) = late::render(works, &mut tx, leased, now).await?;
        busy = settle_at_once(works, &mut tx, failed, now, drained).await?;
        let (inside, outside): (Vec<_>, Vec<_>) =
            leased.into_iter().partition(|one| one.job.kind.is_inside());
        let (ours, outside): (Vec<_>, Vec<_>) = outside.into_iter().partition(|one| one.job.kind.is_chore());
        chores.extend(ours);
        busy |= !inside.is_empty();
        run_inside(works, &mut tx, inside, now, drained).await?;
        let (parcels, freed) = prepare(works, &mut tx, outside, now, drained).await?;
        busy |= freed;
        errands = parcels;
    }
    tx.commit().await?;
    finished.clear();
    Ok((errands, busy))
}

/// Settles jobs that came to nothing before they ran; whether others may run because of that.
async fn settle_at_once(
    works: &Works<'_>,
    tx: &mut Tx,
    ended: Vec<(Leased, Report)>,
    now: Instant,
    drained: &mut Drained,
) -> Result<bool, DbError> {
    let settlements: Vec<Settlement> =
        ended.into_iter().map(|(one, report)| settlement(works, one, &report, now, drained)).collect();
    Ok(jobs::settle(&mut tx.all_tenants(), &settlements).await?.freed > 0)
}

/// Whether anything is due or lost: looked at without the lock.
async fn anything(works: &Works<'_>, now: Instant) -> Result<bool, DbError> {
    let mut lease = works.db.read().await?;
    jobs::anything(&mut lease.all_tenants()?, now).await
}

/// Decides what follows a report, and counts it.
fn settlement(
    works: &Works<'_>,
    leased: Leased,
    report: &Report,
    ended: Instant,
    drained: &mut Drained,
) -> Settlement {
    let mut jitter = [0_u8];
    works.chance.fill(&mut jitter);
    let job = &leased.job;
    let [jitter] = jitter;
    let next = jobs::next(&job.patience, job.failures, &report.outcome, ended, jitter);
    match next {
        Next::Done => drained.done += 1,
        // A chore that goes on is neither.
        Next::Later(_) => {}
        Next::Again(_) => drained.retried += 1,
        Next::Dead => drained.dead += 1,
    }
    Settlement {
        leased,
        next,
        ended,
        status: report.status.map(u32::from),
        detail: report.words.clone(),
        result: report.result.clone(),
    }
}

/// Records what came back: first the jobs; then, of those whose outcome counted, the deliveries.
async fn settle_finished(
    works: &Works<'_>,
    tx: &mut Tx,
    finished: &[Finished],
    drained: &mut Drained,
) -> Result<(), DbError> {
    if finished.is_empty() {
        return Ok(());
    }
    let mut settlements = Vec::with_capacity(finished.len());
    let mut deliveries = Vec::new();
    let mut carried = Vec::new();
    for one in finished {
        let mut settlement = settlement(works, one.leased.clone(), &one.report, one.ended, drained);
        // Where things stay in order it keeps its place, and its line rests until it is tried again.
        let keeps_place =
            one.hook.as_ref().is_some_and(|(_, endpoint)| endpoint.policy.ordering_key.is_some());
        if let (Next::Again(_), true, Some(due)) = (settlement.next, keeps_place, one.leased.job.due) {
            settlement.next = Next::Again(due);
        }
        if let Some(delivery) = &one.delivery {
            deliveries.push((settlement.leased.job.clone(), delivery.clone(), &one.report, settlement.next));
        }
        if one.leased.job.kind == Kind::SendLetter {
            carried.push((settlement.leased.job.clone(), &one.report, settlement.next));
        }
        settlements.push(settlement);
    }
    let counted = jobs::settle(&mut tx.all_tenants(), &settlements).await?.counted;
    let counts = |job: &Job| counted.contains(&(job.tenant.clone(), job.id.clone()));
    for (job, report, next) in carried.into_iter().filter(|(job, ..)| counts(job)) {
        letters::settle(tx, &job, &report.words, next, works.clock.now()).await?;
    }
    let hooks: Vec<webhooks::Settled<'_>> = finished
        .iter()
        .zip(&settlements)
        .filter(|(one, _)| counts(&one.leased.job))
        .filter_map(|(one, settlement)| {
            let (attempted, endpoint) = one.hook.as_ref()?;
            let again = if let Outcome::Again { at } = one.report.outcome { Some(at) } else { None };
            Some(webhooks::Settled { leased: &one.leased, attempted, endpoint, next: settlement.next, again })
        })
        .collect();
    webhooks::settle(works, tx, &hooks).await?;
    for one in settlements.iter().filter(|one| one.next == Next::Dead && counts(&one.leased.job)) {
        chore::bury(tx, &one.leased.job, &one.detail, works.clock.now()).await?;
    }
    let mut by_tenant: BTreeMap<TenantId, Vec<(Job, notifications::Settlement)>> = BTreeMap::new();
    for (job, delivery, report, next) in deliveries.into_iter().filter(|(job, ..)| counts(job)) {
        let outcome = effect::delivery_outcome(report, next);
        let settlement = notifications::Settlement { delivery, outcome, provider_status: report.status };
        by_tenant.entry(job.tenant.clone()).or_default().push((job, settlement));
    }
    for (tenant, settled) in by_tenant {
        let Some((job, _)) = settled.first() else { continue };
        let call = effect::call_of(works, job, works.clock.now());
        let list: Vec<notifications::Settlement> =
            settled.into_iter().map(|(_, settlement)| settlement).collect();
        // A delivery that was deleted or ended by hand meanwhile stays as it is.
        notifications::settle(&mut tx.scope(&tenant), &call, &list).await?;
    }
    Ok(())
}

/// Runs jobs that touch nothing but the database, and settles them, all in the queue's transaction.
async fn run_inside(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
    drained: &mut Drained,
) -> Result<(), DbError> {
    let mut settlements = Vec::new();
    let mut messages: BTreeMap<TenantId, Vec<Leased>> = BTreeMap::new();
    for one in leased {
        if one.job.kind == Kind::SendNotification {
            messages.entry(one.job.tenant.clone()).or_default().push(one);
            continue;
        }
        let call = effect::call_of(works, &one.job, now);
        let report = match one.job.kind {
            Kind::Wait => effect::wait(&one.job, now),
            Kind::CreateTask => tasks::run(tx, works.books, &call, &one.job).await?,
            Kind::ReceiveWebhook => sources::run(tx, works.books, &call, &one.job).await?,
            Kind::UpdateStatus => records::move_on(tx, works.books, &call, &one.job).await?,
            _ => effect::raise(tx, works.books, &call, &one.job).await?,
        };
        settlements.push(settlement(works, one, &report, now, drained));
    }
    for (tenant, group) in messages {
        let Some(first) = group.first() else { continue };
        let call = effect::call_of(works, &first.job, now);
        let new = group.iter().map(|one| effect::message_of(&one.job)).collect();
        let made = notifications::expand_many(&mut tx.scope(&tenant), &call, new).await?;
        let mut carriers = Vec::new();
        for (one, made) in group.into_iter().zip(made) {
            let report = match made {
                Ok(expanded) => {
                    carriers.extend(effect::carriers(&call, &Maker::job(&one.job), &expanded));
                    Report::done(format!(
                        "made {} with {} deliveries",
                        expanded.message_id,
                        expanded.deliveries.len()
                    ))
                    .leaving(&left::of_message(&expanded))
                }
                Err(NotificationError::Db(error)) => return Err(error),
                Err(fault) => effect::fault(&fault),
            };
            settlements.push(settlement(works, one, &report, now, drained));
        }
        jobs::enqueue(&mut tx.all_tenants(), &carriers, now).await?;
    }
    jobs::settle(&mut tx.all_tenants(), &settlements).await.map(drop)
}

/// What may leave. Where nothing keeps us from private addresses only our own letters do, whose address is the operator's; all else
/// comes again in a while.
async fn guarded(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
) -> Result<Vec<Leased>, DbError> {
    if works.is_guarded || works.means.allow_private {
        return Ok(leased);
    }
    let (letters, rest): (Vec<_>, Vec<_>) =
        leased.into_iter().partition(|one| one.job.kind == Kind::SendLetter);
    let rest: Vec<(Leased, Option<Instant>)> =
        rest.into_iter().map(|one| (one, Some(now + UNGUARDED))).collect();
    jobs::put_back(&mut tx.all_tenants(), &rest).await?;
    Ok(letters)
}

/// Makes the parcels of outside jobs; settles at once those that have none, and tells whether others may run because of that.
async fn prepare(
    works: &Works<'_>,
    tx: &mut Tx,
    leased: Vec<Leased>,
    now: Instant,
    drained: &mut Drained,
) -> Result<(Vec<Errand>, bool), DbError> {
    let leased = guarded(works, tx, leased, now).await?;
    let mut settlements = Vec::new();
    let mut by_tenant: BTreeMap<TenantId, Vec<(Leased, kernel::DeliveryId)>> = BTreeMap::new();
    let (post, leased): (Vec<_>, Vec<_>) =
        leased.into_iter().partition(|one| one.job.kind == Kind::SendLetter);
    let (mut errands, ended) = letters::prepare(works, tx, post, now).await?;
    for (one, report) in ended {
        let settlement = settlement(works, one, &report, now, drained);
        if settlement.next != Next::Done {
            letters::settle(tx, &settlement.leased.job, &report.words, settlement.next, now).await?;
        }
        settlements.push(settlement);
    }
    let (hooks, leased): (Vec<_>, Vec<_>) =
        leased.into_iter().partition(|one| one.job.kind == Kind::SendWebhook);
    let made = webhooks::prepare(works, tx, hooks, now).await?;
    errands.extend(made.errands);
    let ended = made.ended.into_iter();
    settlements.extend(ended.map(|(one, report)| settlement(works, one, &report, now, drained)));
    for one in leased {
        if one.job.kind == Kind::HttpRequest {
            match effect::request_of(&one.job, works.means.allow_private) {
                Ok(parcel) => errands.push(Errand { leased: one, parcel, delivery: None, hook: None }),
                Err(report) => settlements.push(settlement(works, one, &report, now, drained)),
            }
            continue;
        }
        match effect::delivery_of(&one.job) {
            Some(delivery) => by_tenant.entry(one.job.tenant.clone()).or_default().push((one, delivery)),
            None => {
                let report = Report::hopeless("the job names no delivery");
                settlements.push(settlement(works, one, &report, now, drained));
            }
        }
    }
    for (tenant, group) in by_tenant {
        let Some((first, _)) = group.first() else { continue };
        let call = effect::call_of(works, &first.job, now);
        let ids: Vec<kernel::DeliveryId> = group.iter().map(|(_, delivery)| delivery.clone()).collect();
        let prepared = notifications::prepare(&mut tx.scope(&tenant), &call, works.means, &ids).await?;
        let mut ended = Vec::new();
        for ((one, delivery), prepared) in group.into_iter().zip(prepared) {
            let report = match prepared {
                Ok(Prepared::Send(outbound)) => {
                    let delivery = Some((delivery, outbound.kind));
                    let parcel = effect::parcel_of(outbound, &one.job);
                    errands.push(Errand { leased: one, parcel, delivery, hook: None });
                    continue;
                }
                Ok(Prepared::Done) => Report::done("it had arrived already"),
                Err(NotificationError::Db(error)) => return Err(error),
                Err(fault) => effect::fault(&fault),
            };
            let settlement = settlement(works, one, &report, now, drained);
            if settlement.next == Next::Dead {
                let outcome = effect::delivery_outcome(&report, settlement.next);
                ended.push(notifications::Settlement { delivery, outcome, provider_status: None });
            }
            settlements.push(settlement);
        }
        notifications::settle(&mut tx.scope(&tenant), &call, &ended).await?;
    }
    let settled = jobs::settle(&mut tx.all_tenants(), &settlements).await?;
    Ok((errands, settled.freed > 0))
}
