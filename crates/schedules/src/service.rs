//! What can be done with schedules? People make and change them; the clock asks which are due. The caller's permission may reach one
//! module or one schedule only: the call is had by naming the schedule's trigger's.

#[cfg(test)]
mod tests;

use crate::{
    Definition, Run, Schedule, ScheduleError, Timing, When,
    store::{run as runs_store, schedule as store},
};
use audit::Entry;
use db::{AllTenants, Db, DbError, Scope, Tx};
use kernel::{Bounded, Call, Instant, Page, PageRequest, ScheduleId, TenantId};
use serde_json::{Value, json};

pub use crate::store::schedule::{Due, Filter};

/// What was done to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Created,
    Changed,
    Paused,
    Resumed,
    Deleted,
}

/// Makes a schedule.
///
/// # Errors
/// [`ScheduleError::Full`], [`ScheduleError::OutOfReach`]; the database's.
pub async fn create(db: &Db, who: &Bounded, definition: Definition) -> Result<Schedule, ScheduleError> {
    let call = who.put_in(&definition.raises.module_type, None)?;
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let id = ScheduleId::new(call.now, &*call.chance);
        let schedule = Schedule::new(id, definition, call.principal.actor.name().to_owned(), call.now);
        if !store::insert(&mut scope, &schedule).await? {
            return Err(ScheduleError::Full);
        }
        record(&mut scope, call, None, &schedule, Change::Created).await?;
        Ok(schedule)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// One schedule.
///
/// # Errors
/// [`ScheduleError::Unknown`]; the database's.
pub async fn get(db: &Db, who: &Bounded, id: &ScheduleId) -> Result<Schedule, ScheduleError> {
    let mut lease = db.read().await?;
    let schedule = store::get(&mut lease.scope(who.tenant())?, id).await?.ok_or(ScheduleError::Unknown)?;
    within(who, &schedule)?;
    Ok(schedule)
}

/// The call, for a schedule that is there.
fn within<'a>(who: &'a Bounded, schedule: &Schedule) -> Result<&'a Call, ScheduleError> {
    Ok(who.at(&schedule.definition.raises.module_type, schedule.id.as_str())?)
}

/// Schedules in the order in which they were made.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &Db,
    who: &Bounded,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Page<Schedule>, ScheduleError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(who.tenant())?, who.bounds(), filter, page).await?;
    Ok(Page::cut(rows, page, |schedule| schedule.id.to_string()))
}

/// Changes a schedule by `decide`, which gets it and the time. `expected` is the version that the caller saw, if it says so. One
/// that moves to a trigger of another module must be the caller's to change there too.
///
/// # Errors
/// [`ScheduleError::Unknown`], [`ScheduleError::Stale`], [`ScheduleError::OutOfReach`]; those of `decide`; the database's.
pub async fn change(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
    decide: impl FnOnce(&Schedule, Instant) -> Result<Definition, ScheduleError>,
) -> Result<Schedule, ScheduleError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (was, call) = present(&mut scope, who, id, expected).await?;
        let definition = decide(&was, call.now)?;
        let call = who.put_in(&definition.raises.module_type, Some(id.as_str()))?;
        if definition == was.definition {
            return Ok(was);
        }
        let schedule = was.clone().redefined(definition, call.now);
        store::update(&mut scope, &schedule).await?;
        record(&mut scope, call, Some(&was), &schedule, Change::Changed).await?;
        Ok(schedule)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Switches a schedule on or off. One that is so already stays as it is. What passes while it rests is not missed.
///
/// # Errors
/// [`ScheduleError::Over`] for one that comes no more; as [`change`].
pub async fn switch(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
    active: bool,
) -> Result<Schedule, ScheduleError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (was, call) = present(&mut scope, who, id, expected).await?;
        let Some(schedule) = was.clone().switched(active, call.now) else {
            return Ok(was);
        };
        if active && schedule.next_at.is_none() {
            return Err(ScheduleError::Over);
        }
        store::update(&mut scope, &schedule).await?;
        let change = if active { Change::Resumed } else { Change::Paused };
        record(&mut scope, call, Some(&was), &schedule, change).await?;
        Ok(schedule)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Deletes a schedule with the record of its runs. The events that it raised stay.
///
/// # Errors
/// As [`change`].
pub async fn delete(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
) -> Result<(), ScheduleError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(who.tenant());
        let (was, call) = present(&mut scope, who, id, expected).await?;
        store::delete(&mut scope, id).await?;
        record(&mut scope, call, Some(&was), &was, Change::Deleted).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// A schedule and the call for it, within the caller's transaction: for whoever runs it now.
///
/// # Errors
/// [`ScheduleError::Unknown`], [`ScheduleError::OutOfReach`]; the database's.
pub async fn present<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
) -> Result<(Schedule, &'a Call), ScheduleError> {
    let schedule = store::get(scope, id).await?.ok_or(ScheduleError::Unknown)?;
    let call = within(who, &schedule)?;
    match expected {
        Some(version) if version != schedule.version => Err(ScheduleError::Stale(schedule.version)),
        Some(_) | None => Ok((schedule, call)),
    }
}

/// What came of a schedule's times, the latest first.
///
/// # Errors
/// [`ScheduleError::Unknown`]; the database's.
pub async fn runs(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    page: &PageRequest,
) -> Result<Page<Run>, ScheduleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let schedule = store::get(&mut scope, id).await?.ok_or(ScheduleError::Unknown)?;
    within(who, &schedule)?;
    let rows = runs_store::list(&mut scope, id, page).await?;
    Ok(Page::cut(rows, page, |run| run.id.to_string()))
}

/// How many schedules the tenant has.
///
/// # Errors
/// The database's.
pub async fn count(db: &Db, call: &Call) -> Result<i64, ScheduleError> {
    let mut lease = db.read().await?;
    Ok(store::count(&mut lease.scope(call.tenant())?).await?)
}

/// Whose schedules are due, of the `most` that are due longest: a look that takes no lock. Nobody's, nearly always.
///
/// # Errors
/// [`DbError`].
pub async fn due_tenants(
    all: &mut AllTenants<'_>,
    now: Instant,
    most: u16,
) -> Result<Vec<TenantId>, DbError> {
    store::due_tenants(all, now, most).await
}

/// Up to `most` schedules of any tenants that are due, round the tenants, within the caller's transaction.
///
/// # Errors
/// [`DbError`].
pub async fn due(all: &mut AllTenants<'_>, now: Instant, most: u16) -> Result<Vec<Due>, DbError> {
    store::due(all, now, most).await
}

/// Writes down what came of schedules, and when they come next, within the caller's transaction; two statements for all.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn note(
    all: &mut AllTenants<'_>,
    runs: &[(&TenantId, &Run)],
    moved: &[(&TenantId, &ScheduleId, Option<Instant>)],
) -> Result<(), DbError> {
    runs_store::insert(all, runs).await?;
    if moved.is_empty() { Ok(()) } else { store::move_on(all, moved).await }
}

/// When the schedule of all tenants comes that comes first: in the past, if it is late. For the operator's gauges.
///
/// # Errors
/// [`DbError`].
pub async fn soonest(all: &mut AllTenants<'_>) -> Result<Option<Instant>, DbError> {
    store::oldest_due(all).await
}

/// Removes the record of runs of before `limit`, so many at most, within the caller's transaction; tells how many.
///
/// # Errors
/// [`DbError`]; give the transaction up then.
pub async fn forget(scope: &mut Scope<'_>, limit: Instant, most: i64) -> Result<usize, DbError> {
    runs_store::forget(scope, limit, most).await
}

/// Makes what was done stay, or takes it back; either way the connection is kept for the next.
async fn finish<T>(tx: Tx, outcome: Result<T, ScheduleError>) -> Result<T, ScheduleError> {
    match outcome {
        Ok(value) => tx.commit().await.map(|()| value).map_err(ScheduleError::from),
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    was: Option<&Schedule>,
    schedule: &Schedule,
    change: Change,
) -> Result<(), DbError> {
    let entry = Entry {
        action: match change {
            Change::Created => "schedule.created",
            Change::Changed => "schedule.changed",
            Change::Paused => "schedule.paused",
            Change::Resumed => "schedule.resumed",
            Change::Deleted => "schedule.deleted",
        },
        subject: schedule.id.as_str(),
        before: was.map(seen),
        after: (change != Change::Deleted).then(|| seen(schedule)),
    };
    audit::append(scope, call, &entry).await
}

/// The schedule as the audit shows it.
fn seen(schedule: &Schedule) -> Value {
    let definition = &schedule.definition;
    let Timing { when, zone, starts, ends } = &definition.timing;
    let (cron, at) = match when {
        When::Cron(timetable) => (Some(timetable.as_str()), None),
        When::At(at) => (None, Some(at.to_string())),
    };
    json!({
        "version": schedule.version,
        "name": definition.name,
        "description": definition.description,
        "trigger_id": definition.raises.trigger_id,
        "data": definition.raises.data,
        "cron": cron,
        "at": at,
        "time_zone": zone.name(),
        "missed": definition.missed.as_str(),
        "starts_at": starts.map(|at| at.to_string()),
        "ends_at": ends.map(|at| at.to_string()),
        "is_active": definition.is_active,
    })
}
