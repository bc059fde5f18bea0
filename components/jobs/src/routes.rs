//! Which routes lead to the queue, and what does each ask of its caller?

use crate::wire::{
    self, DeadFilter, JobDetailOut, JobFilter, JobOut, RedriveIn, RedriveOut, StatsOut, TickIn, TickOut,
};
use axum::{Extension, Router, extract::State};
use edge::{
    Authorized, Faults, Id, Internal, Json, List, Paging, Problem, Query, Shown, Visitor, World, needs,
};
use jobs::Filter;
use kernel::{Fields, Instant, JobId, Span};
use notifications::Means;
use pipeline::{Books, ByRules, Works, webhooks::Tokens};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use vault::{Vault, VaultError};

/// How long a tick works unless told otherwise, and at most.
const TICK_SECONDS: u16 = 20;
const TICK_SECONDS_MOST: u16 = 300;
/// How far apart two looks for old rows are.
const LOOK: Span = Span::seconds(10);
/// How far apart two looks at the clock are: what is due by the clock is due to the minute, and ticks come with every event.
const CLOCK: Span = Span::millis(500);

/// How long it is known whether the runtime keeps us from private addresses.
const GUARD: Span = Span::minutes(1);

/// What the instance keeps for its work.
struct App {
    books: Books,
    /// When old rows are looked for next, in milliseconds: not at every tick.
    next_look: AtomicI64,
    /// When schedules and overdue tasks are looked for next, in milliseconds.
    next_clock: AtomicI64,
    /// What channels need; or why there is none: then jobs are not run, and the tick says so.
    means: Result<Means, VaultError>,
    /// Access tokens that providers of webhook endpoints gave.
    tokens: Tokens,
    /// Until when it is known, in milliseconds, that the runtime keeps us from private addresses, or that it does not.
    guarded_until: AtomicI64,
    unguarded_until: AtomicI64,
}

/// The component's routes.
pub(crate) fn router(world: &Arc<World>) -> Router {
    let means = Vault::from_keys(world.settings.vault_keys.expose())
        .map(|vault| Means { vault: Arc::new(vault), allow_private: world.settings.allow_private_outbound });
    if let Err(fault) = &world.settings.mail {
        edge::log::warning(&format!("letters wait until this is mended: {fault}"));
    }
    let routes = OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(list_dead))
        .routes(routes!(redrive))
        .routes(routes!(stats))
        .routes(routes!(get_job))
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(tick))
        .merge(crate::reseal::routes())
        .with_state(Arc::new(App {
            books: Books::default(),
            next_look: AtomicI64::new(0),
            next_clock: AtomicI64::new(0),
            means,
            tokens: Tokens::default(),
            guarded_until: AtomicI64::new(0),
            unguarded_until: AtomicI64::new(0),
        }));
    edge::idempotent(edge::fragment(routes))
}

/// Whether the runtime keeps us from private addresses. Looked at before anything leaves, and now and then after that; where the operator
/// allows them there is nothing to look at.
async fn is_guarded(app: &App, world: &World, now: Instant) -> bool {
    if world.settings.allow_private_outbound || now.millis() < app.guarded_until.load(Ordering::Relaxed) {
        return true;
    }
    if now.millis() < app.unguarded_until.load(Ordering::Relaxed) {
        return false;
    }
    let is_guarded = guest::is_guarded().await;
    let until = if is_guarded { &app.guarded_until } else { &app.unguarded_until };
    until.store((now + GUARD).millis(), Ordering::Relaxed);
    if !is_guarded {
        edge::log::warning(
            "nothing is delivered: the runtime lets us reach 127.0.0.1, so anybody who names an address could reach what is private. \
             Start it with block_networks in its configuration (runtime-config/single-machine.toml), or allow it: \
             allow_private_outbound",
        );
    }
    is_guarded
}

fn named<T: std::str::FromStr<Err: std::fmt::Display>>(
    fields: &mut Fields,
    name: &str,
    text: Option<String>,
) -> Option<T> {
    text.and_then(|text| fields.take(name, text.parse()))
}

/// List jobs
///
/// Newest first. Needs `jobs:read`.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", params(JobFilter),
    responses((status = 200, body = List<JobOut>), Faults), security(("bearer" = [])))]
async fn list_jobs(
    caller: Authorized<needs::JobsRead>,
    Query(wanted): Query<JobFilter>,
    paging: Paging,
) -> Result<List<JobOut>, Problem> {
    let mut fields = Fields::new();
    let filter = Filter {
        state: named(&mut fields, "state", wanted.state),
        kind: named(&mut fields, "kind", wanted.kind),
        event: named(&mut fields, "event_id", wanted.event_id),
        rule: named(&mut fields, "rule_id", wanted.rule_id),
        held: wanted
            .held
            .and_then(|text| fields.take("held", text.parse::<bool>().map_err(|_| "must be true or false"))),
        ..Filter::default()
    };
    fields.done().map_err(Problem::fields)?;
    let page = jobs::list(&caller.world.db, &caller.call, &filter, &paging.request).await?;
    Ok(paging.list(page, JobOut::from))
}

/// List dead jobs
///
/// Those that were given up, newest first; they stay until they are redriven or their retention ends. Needs `jobs:read`.
#[utoipa::path(get, path = "/api/v1/jobs/dead", tag = "jobs", params(DeadFilter),
    responses((status = 200, body = List<JobOut>), Faults), security(("bearer" = [])))]
async fn list_dead(
    caller: Authorized<needs::JobsRead>,
    Query(wanted): Query<DeadFilter>,
    paging: Paging,
) -> Result<List<JobOut>, Problem> {
    let mut fields = Fields::new();
    let kind = named(&mut fields, "kind", wanted.kind);
    fields.done().map_err(Problem::fields)?;
    let filter = Filter { state: Some(jobs::State::Dead), kind, ..Filter::default() };
    let page = jobs::list(&caller.world.db, &caller.call, &filter, &paging.request).await?;
    Ok(paging.list(page, JobOut::from))
}

/// Redrive dead jobs
///
/// Counts first: nothing is changed unless `dry_run` is false. Oldest first, 10,000 at a time; that counts as a bulk
/// operation: 10 an hour for the tenant unless its settings say otherwise. Needs `jobs:redrive`.
#[utoipa::path(post, path = "/api/v1/jobs/dead/redrive", tag = "jobs", request_body = RedriveIn,
    responses((status = 200, body = RedriveOut), Faults), security(("bearer" = [])))]
async fn redrive(
    caller: Authorized<needs::JobsRedrive>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Json(wanted): Json<RedriveIn>,
) -> Result<Shown<RedriveOut>, Problem> {
    let mut fields = Fields::new();
    let kind = named(&mut fields, "kind", wanted.kind);
    fields.done().map_err(Problem::fields)?;
    let (db, call) = (&caller.world.db, &caller.call);
    if !wanted.dry_run {
        visitor.bulk(&caller.world).await?;
    }
    let count = if wanted.dry_run {
        jobs::dead_count(db, call, kind).await?
    } else {
        let count = jobs::redrive(db, call, kind).await?;
        guest::nudge(&caller.world.settings.internal_token);
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    Ok(Shown::as_is("redrive", RedriveOut { dry_run: wanted.dry_run, count }))
}

/// Count jobs
///
/// By kind and state, with when the oldest is due. Needs `jobs:read`.
#[utoipa::path(get, path = "/api/v1/jobs/stats", tag = "jobs",
    responses((status = 200, body = StatsOut), Faults), security(("bearer" = [])))]
async fn stats(caller: Authorized<needs::JobsRead>) -> Result<Shown<StatsOut>, Problem> {
    let stats = jobs::stats(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("stats", StatsOut { stats: stats.into_iter().map(Into::into).collect() }))
}

/// Get a job
///
/// With its attempts, what it left when it ended and, while it is queued, its place, why it waits and when it may start.
/// Needs `jobs:read`.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "job_…")),
    responses((status = 200, body = JobDetailOut), Faults), security(("bearer" = [])))]
async fn get_job(
    caller: Authorized<needs::JobsRead>,
    Id(id): Id<JobId>,
) -> Result<Shown<JobDetailOut>, Problem> {
    let (db, call) = (&caller.world.db, &caller.call);
    let job = jobs::get(db, call, &id).await?;
    let place = jobs::place(db, call, &job).await?;
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let tries = jobs::attempts(&mut scope, std::slice::from_ref(&id)).await?;
    let result = jobs::result(&mut scope, &id).await?;
    let out = JobDetailOut {
        id: id.to_string(),
        job: job.into(),
        tries: tries.into_iter().map(Into::into).collect(),
        result: result.as_ref().and_then(wire::left),
        place: place.map(Into::into),
    };
    Ok(Shown::as_is("job", out))
}

/// Retry a job
///
/// A dead, cancelled or waiting job runs again now, with all its attempts before it. Those that a dead job holds follow it when it
/// has done what it should; one of these that is retried itself goes on without it. Needs `jobs:redrive`.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", tag = "jobs",
    params(("id" = String, Path, description = "job_…")),
    responses((status = 200, body = JobOut), Faults), security(("bearer" = [])))]
async fn retry(caller: Authorized<needs::JobsRedrive>, Id(id): Id<JobId>) -> Result<Shown<JobOut>, Problem> {
    let job = jobs::retry(&caller.world.db, &caller.call, &id).await?;
    guest::nudge(&caller.world.settings.internal_token);
    Ok(Shown::as_is("job", job.into()))
}

/// Cancel a job
///
/// A job that has not ended is taken back, and so are those that it holds; an attempt that is under way may still reach its
/// receiver. Needs `jobs:redrive`.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "job_…")),
    responses((status = 200, body = JobOut), Faults), security(("bearer" = [])))]
async fn cancel(caller: Authorized<needs::JobsRedrive>, Id(id): Id<JobId>) -> Result<Shown<JobOut>, Problem> {
    let job = pipeline::cancel(&caller.world.db, &caller.call, &id).await?;
    Ok(Shown::as_is("job", job.into()))
}

/// Work off the queue
///
/// For the operator's clock: raises what schedules have due, takes back lost leases, then runs due jobs until nothing is due or
/// the time is spent. Two at
/// once do no harm. The bearer is the variable `internal_token`.
#[utoipa::path(post, path = "/internal/jobs/tick", tag = "internal", params(TickIn),
    responses((status = 200, body = TickOut), Faults), security(("bearer" = [])))]
async fn tick(
    _: Internal,
    State(app): State<Arc<App>>,
    Extension(world): Extension<Arc<World>>,
    Query(wanted): Query<TickIn>,
) -> Result<Shown<TickOut>, Problem> {
    let seconds = wanted.seconds.unwrap_or(TICK_SECONDS);
    if !(1..=TICK_SECONDS_MOST).contains(&seconds) {
        return Err(Problem::field("seconds", format!("must be 1 to {TICK_SECONDS_MOST}")));
    }
    let means = app.means.as_ref().map_err(Clone::clone)?;
    let is_guarded = is_guarded(&app, &world, world.clock.now()).await;
    let works = Works {
        db: &world.db,
        books: &app.books,
        means,
        mail: world.settings.mail.as_ref().ok().and_then(Option::as_ref),
        courier: &guest::SpinCourier,
        renderer: &ByRules,
        tokens: &app.tokens,
        is_guarded,
        clock: &*world.clock,
        chance: Arc::clone(&world.chance),
    };
    let now = world.clock.now();
    // About once a minute: the clock ticks every second.
    if now.seconds() % 60 == 0
        && let Err(error) = sweep(&world, now).await
    {
        edge::log::warning(&format!("what has expired was not swept, the next minute tries again: {error}"));
    }
    // The chores of the day, for the tenants whose turn it is.
    if now.millis() >= app.next_look.load(Ordering::Relaxed) {
        app.next_look.store((now + LOOK).millis(), Ordering::Relaxed);
        if let Err(error) = pipeline::lay(&world.db, now, &world.chance).await {
            edge::log::warning(&format!("old rows were not looked for, the next look tries again: {error}"));
        }
    }
    let until = now + Span::seconds(seconds.into());
    // What fails here is tried again with the next tick: it keeps no job of anybody from running.
    let told = |what: &str, error: &db::DbError| edge::log::warning(&format!("{what}: {error}"));
    if let Err(error) = pipeline::post_letters(&works).await {
        told("letters were not given to the queue", &error);
    }
    if now.millis() >= app.next_clock.load(Ordering::Relaxed) {
        app.next_clock.store((now + CLOCK).millis(), Ordering::Relaxed);
        if let Err(error) = pipeline::schedules::fire(&works).await {
            told("schedules that are due were not fired", &error);
        }
        if let Err(error) = pipeline::tasks::tell_overdue(&works).await {
            told("overdue tasks were not told", &error);
        }
    }
    let drained = pipeline::drain(&works, until).await?;
    Ok(Shown::as_is("tick", drained.into()))
}

/// Drops what the doors need not remember any more, and what letters say that are not worth sending.
async fn sweep(world: &World, now: kernel::Instant) -> Result<(), db::DbError> {
    world.sweep().await?;
    pipeline::expire_letters(&world.db, now).await.map(drop)
}
