//! How are schedules set up over HTTP, and what came of them?

use super::events::App;
use crate::wire::schedules::{
    PageQuery, PreviewOut, PreviewQuery, RunOut, ScheduleIn, ScheduleLimitsOut, ScheduleOut, SchedulePatchIn,
    SchedulesQuery,
};
use axum::{extract::State, response::NoContent};
use edge::{
    Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Reaching, Shown, Unspecific, needs,
};
use kernel::{Bounded, ScheduleId};
use pipeline::schedules as desk;
use schedules::{Schedule, service};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(limits))
        .routes(routes!(preview))
        .routes(routes!(get, replace, change, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run))
        .routes(routes!(runs))
}

fn shown(who: &Bounded, schedule: Schedule) -> Shown<ScheduleOut> {
    let version = i64::from(schedule.version);
    Shown::as_is("schedule", ScheduleOut::of(who.tenant(), schedule)).version(version)
}

/// The version named in `If-Match`; one that no schedule can have is stale.
fn expected(IfMatch(version): IfMatch) -> Result<Option<u32>, Problem> {
    version.map(|version| version.try_into().map_err(|_| Unspecific::Stale.into())).transpose()
}

/// The schedules, oldest first
///
/// Needs `events:read`.
#[utoipa::path(
    get, path = "/api/v1/schedules", operation_id = "listSchedules", tag = "schedules", params(SchedulesQuery),
    responses((status = 200, description = "A page of schedules.", body = List<ScheduleOut>), Faults),
    security(("bearer" = []))
)]
async fn list(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    paging: Paging,
    Query(query): Query<SchedulesQuery>,
) -> Result<List<ScheduleOut>, Problem> {
    let page = service::list(&world.db, &who, &query.try_into()?, &paging.request).await?;
    Ok(paging.list(page, |schedule| ScheduleOut::of(who.tenant(), schedule)))
}

/// Make a schedule
///
/// It raises an event of its trigger at a cron expression in a time zone, or at one instant. The event's data are `data` with
/// `schedule_id`, `schedule_name` and `scheduled_at` added; its `occurred_at` is the time that was scheduled. Needs
/// `events:write` for the module of the trigger.
#[utoipa::path(
    post, path = "/api/v1/schedules", operation_id = "createSchedule", tag = "schedules", request_body = ScheduleIn,
    responses((status = 201, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn create(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Json(sent): Json<ScheduleIn>,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = desk::create(&world.db, &who, world.clock.now(), sent.into()).await?;
    let (location, version) = (format!("/api/v1/schedules/{}", schedule.id), i64::from(schedule.version));
    Ok(Shown::created("schedule", ScheduleOut::of(who.tenant(), schedule), location).version(version))
}

/// How many schedules there may be
///
/// And how many there are. Needs `events:read`.
#[utoipa::path(
    get, path = "/api/v1/schedules/limits", operation_id = "getScheduleLimits", tag = "schedules",
    responses((status = 200, description = "The limits.", body = ScheduleLimitsOut), Faults),
    security(("bearer" = []))
)]
async fn limits(
    Authorized { call, world, .. }: Authorized<needs::EventsRead>,
) -> Result<Shown<ScheduleLimitsOut>, Problem> {
    let count = service::count(&world.db, &call).await?;
    Ok(Shown::as_is("schedule_limits", ScheduleLimitsOut::of(count)))
}

/// When would it come?
///
/// The next times of an expression in a time zone, with words for what clock changes do to them. Needs `events:read`.
#[utoipa::path(
    get, path = "/api/v1/schedules/preview", operation_id = "previewSchedule", tag = "schedules", params(PreviewQuery),
    responses((status = 200, description = "The next times.", body = PreviewOut), Faults),
    security(("bearer" = []))
)]
async fn preview(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Query(query): Query<PreviewQuery>,
) -> Result<Shown<PreviewOut>, Problem> {
    let asked = query.read(world.clock.now())?;
    let (words, timing, times) =
        desk::preview(&world.db, &who, asked.from, &asked.cron, asked.time_zone.as_deref(), asked.count)
            .await?;
    Ok(Shown::as_is("schedule_preview", PreviewOut::of(words, &timing, times)))
}

/// One schedule
///
/// Needs `events:read`.
#[utoipa::path(
    get, path = "/api/v1/schedules/{id}", operation_id = "getSchedule", tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses((status = 200, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Id(id): Id<ScheduleId>,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = service::get(&world.db, &who, &id).await?;
    Ok(shown(&who, schedule))
}

/// Make a schedule anew
///
/// What is left out is as for a new one. If its times are others, it misses nothing of those before. Needs `events:write`.
#[utoipa::path(
    put, path = "/api/v1/schedules/{id}", operation_id = "replaceSchedule", tag = "schedules",
    params(
        ("id" = String, Path, description = "The schedule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = ScheduleIn,
    responses((status = 200, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn replace(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
    seen: IfMatch,
    Json(sent): Json<ScheduleIn>,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = desk::replace(&world.db, &who, &id, expected(seen)?, sent.into()).await?;
    Ok(shown(&who, schedule))
}

/// Change a schedule
///
/// What is left out stays; `cron` takes the place of `at`, and the other way round. Needs `events:write`.
#[utoipa::path(
    patch, path = "/api/v1/schedules/{id}", operation_id = "changeSchedule", tag = "schedules",
    params(
        ("id" = String, Path, description = "The schedule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = SchedulePatchIn,
    responses((status = 200, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn change(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
    seen: IfMatch,
    Json(sent): Json<SchedulePatchIn>,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = desk::patch(&world.db, &who, &id, expected(seen)?, sent.into()).await?;
    Ok(shown(&who, schedule))
}

/// Delete a schedule
///
/// With the record of its runs; the events that it raised stay. Needs `events:write`.
#[utoipa::path(
    delete, path = "/api/v1/schedules/{id}", operation_id = "deleteSchedule", tag = "schedules",
    params(
        ("id" = String, Path, description = "The schedule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
async fn delete(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    service::delete(&world.db, &who, &id, expected(seen)?).await?;
    Ok(NoContent)
}

/// Let a schedule rest
///
/// What passes meanwhile is not missed. One that rests already stays as it is. Needs `events:write`.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/pause", operation_id = "pauseSchedule", tag = "schedules",
    params(
        ("id" = String, Path, description = "The schedule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn pause(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
    seen: IfMatch,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = service::switch(&world.db, &who, &id, expected(seen)?, false).await?;
    Ok(shown(&who, schedule))
}

/// Let a schedule go on
///
/// From its next time on. Needs `events:write`.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/resume", operation_id = "resumeSchedule", tag = "schedules",
    params(
        ("id" = String, Path, description = "The schedule's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    responses((status = 200, description = "The schedule.", body = ScheduleOut), Faults),
    security(("bearer" = []))
)]
async fn resume(
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
    seen: IfMatch,
) -> Result<Shown<ScheduleOut>, Problem> {
    let schedule = service::switch(&world.db, &who, &id, expected(seen)?, true).await?;
    Ok(shown(&who, schedule))
}

/// Run a schedule now
///
/// Raises its event at once, outside of its times, also of one that rests. Needs `events:write`.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/run", operation_id = "runSchedule", tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id.")),
    responses((status = 200, description = "What came of it.", body = RunOut), Faults),
    security(("bearer" = []))
)]
async fn run(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::EventsWrite>,
    Id(id): Id<ScheduleId>,
) -> Result<Shown<RunOut>, Problem> {
    let (run, made_jobs) = desk::run_now(&world.db, &app.books, &who, &id).await?;
    if made_jobs {
        guest::nudge(&world.settings.internal_token);
    }
    Ok(Shown::as_is("schedule_run", run.into()))
}

/// What came of a schedule's times, the latest first
///
/// Events that were raised, and how late; times that failed, and why; times that were missed and let go. Kept as long as
/// events. Needs `events:read`.
#[utoipa::path(
    get, path = "/api/v1/schedules/{id}/runs", operation_id = "listScheduleRuns", tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id."), PageQuery),
    responses((status = 200, description = "A page of runs.", body = List<RunOut>), Faults),
    security(("bearer" = []))
)]
async fn runs(
    Reaching { who, world, .. }: Reaching<needs::EventsRead>,
    Id(id): Id<ScheduleId>,
    paging: Paging,
    _: Query<PageQuery>,
) -> Result<List<RunOut>, Problem> {
    let page = service::runs(&world.db, &who, &id, &paging.request).await?;
    Ok(paging.list(page, RunOut::from))
}
