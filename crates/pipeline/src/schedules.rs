//! How does a schedule meet the rest? Its trigger is looked at when it is saved; when its time comes, its events are raised.

mod fire;

pub use fire::fire;

use crate::{Books, announce::announce, zone};
use db::{Db, DbError};
use events::{NewEvent, Origin};
use kernel::{Bounded, Fault as _, FieldFault, Instant, RunId, ScheduleId, Zone};
use rules::Catalogue;
use schedules::{
    Definition, Draft, Occurrence, Outcome, Patch, Run, Schedule, ScheduleError, Timing, service,
};
use serde_json::json;

/// The most times that a preview shows.
const MOST_PREVIEWED: usize = 100;

/// Makes a schedule.
///
/// # Errors
/// [`ScheduleError`]; then nothing is made.
pub async fn create(db: &Db, who: &Bounded, now: Instant, draft: Draft) -> Result<Schedule, ScheduleError> {
    let (zone, triggers) = grounds(db, who).await?;
    let definition = checked(draft, &zone, &triggers, None, now)?;
    service::create(db, who, definition).await
}

/// Makes a schedule anew: what is left out is as for a new one.
///
/// # Errors
/// [`ScheduleError`]; then nothing is changed.
pub async fn replace(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
    draft: Draft,
) -> Result<Schedule, ScheduleError> {
    let (zone, triggers) = grounds(db, who).await?;
    let decide =
        |was: &Schedule, now| Ok(checked(draft, &zone, &triggers, Some(&was.definition.timing), now)?);
    service::change(db, who, id, expected, decide).await
}

/// Changes some fields of a schedule.
///
/// # Errors
/// [`ScheduleError`]; then nothing is changed.
pub async fn patch(
    db: &Db,
    who: &Bounded,
    id: &ScheduleId,
    expected: Option<u32>,
    patch: Patch,
) -> Result<Schedule, ScheduleError> {
    let (zone, triggers) = grounds(db, who).await?;
    let decide = |was: &Schedule, now| {
        let draft = patch.over(&was.definition);
        Ok(checked(draft, &zone, &triggers, Some(&was.definition.timing), now)?)
    };
    service::change(db, who, id, expected, decide).await
}

/// The next times of an expression in a zone, the tenant's unless named, and the expression in words.
///
/// # Errors
/// [`ScheduleError::Invalid`]; the database's.
pub async fn preview(
    db: &Db,
    who: &Bounded,
    now: Instant,
    cron: &str,
    time_zone: Option<&str>,
    count: usize,
) -> Result<(String, Timing, Vec<Occurrence>), ScheduleError> {
    let tenants = zone::of(&mut db.read().await?.scope(who.tenant())?).await?;
    let mut fields = kernel::Fields::new();
    let timetable = fields.take("cron", schedules::Timetable::read(cron));
    let zone = time_zone.map_or(Some(tenants), |text| fields.take("time_zone", text.parse()));
    if !(1..=MOST_PREVIEWED).contains(&count) {
        fields.fault("count", format!("must be a whole number from 1 to {MOST_PREVIEWED}"));
    }
    let (timetable, zone) = fields.give(timetable.zip(zone))?;
    let words = timetable.words();
    let timing = Timing { when: schedules::When::Cron(timetable), zone, starts: None, ends: None };
    let times = schedules::preview(&timing, now, count);
    Ok((words, timing, times))
}

/// Raises a schedule's event now, outside of its times; gives what came of it, and whether rules made jobs of it.
///
/// # Errors
/// [`ScheduleError`]; that no event could be raised is no error but what came of it.
pub async fn run_now(
    db: &Db,
    books: &Books,
    who: &Bounded,
    id: &ScheduleId,
) -> Result<(Run, bool), ScheduleError> {
    books.warm(db, who.tenant()).await?;
    let mut tx = db.begin().await?;
    let present = service::present(&mut tx.scope(who.tenant()), who, id, None).await;
    let (schedule, call) = match present {
        Ok(present) => present,
        Err(error) => {
            tx.rollback().await?;
            return Err(error);
        }
    };
    let event = NewEvent { dedupe: None, ..event(&schedule, call.now) };
    let run = Run { manual: true, ..run(&schedule, call.now, call.now, &*call.chance) };
    let raised = announce(&mut tx, books, call, &Origin::default(), vec![event]).await;
    let (run, made_jobs, tx) = match raised {
        Ok(receipts) => {
            let receipt = receipts.into_iter().next();
            let made_jobs = receipt.as_ref().is_some_and(|receipt| !receipt.jobs.is_empty());
            let id = receipt.map(|receipt| receipt.id);
            (
                Run {
                    outcome: Outcome::Raised,
                    event: id,
                    detail: "somebody asked for it".to_owned(),
                    ..run
                },
                made_jobs,
                tx,
            )
        }
        Err(crate::PublishError::Db(error)) => return Err(error.into()),
        Err(fault) => {
            // Nothing of the event may stay; that it could not be does.
            tx.rollback().await?;
            (Run { detail: said(&fault), ..run }, false, db.begin().await?)
        }
    };
    let mut tx = tx;
    service::note(&mut tx.all_tenants(), &[(call.tenant(), &run)], &[]).await?;
    let entry = audit::Entry {
        action: "schedule.run",
        subject: id.as_str(),
        before: None,
        after: Some(json!({"run_id": run.id.as_str(), "outcome": run.outcome.as_str()})),
    };
    audit::append(&mut tx.scope(call.tenant()), call, &entry).await?;
    tx.commit().await?;
    Ok((run, made_jobs))
}

/// The tenant's time zone and its triggers.
async fn grounds(db: &Db, who: &Bounded) -> Result<(Zone, Catalogue), DbError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    Ok((zone::of(&mut scope).await?, rules::service::triggers::load(&mut scope).await?))
}

/// Checks a schedule, its trigger and the data that it would carry.
fn checked(
    draft: Draft,
    zone: &Zone,
    triggers: &Catalogue,
    was: Option<&Timing>,
    now: Instant,
) -> Result<Definition, Vec<FieldFault>> {
    draft.check(zone, was, now, |trigger_id, data| {
        let trigger =
            triggers.find(trigger_id).map_err(|unknown| vec![FieldFault::new("trigger_id", unknown)])?;
        trigger.check(&schedules::event_data(data, now))?;
        Ok(trigger.module_type.to_string())
    })
}

/// The event of a schedule for a time. It counts once, however often the time is worked on.
fn event(schedule: &Schedule, at: Instant) -> NewEvent {
    let trigger = schedule.definition.raises.trigger_id.clone();
    let data = schedule.data(at).to_string();
    NewEvent {
        dedupe: Some(events::Dedupe {
            key: format!("schedule:{}:{at}", schedule.id),
            fingerprint: events::fingerprint(&trigger, &data),
        }),
        trigger,
        data,
        source: format!("schedule:{}", schedule.id),
        external_id: None,
        subject: Some(schedule.id.to_string()),
        occurred: Some(at),
    }
}

/// The record of a time, before anything has come of it.
fn run(schedule: &Schedule, at: Instant, now: Instant, chance: &dyn kernel::Chance) -> Run {
    Run {
        id: RunId::new(at, chance),
        schedule: schedule.id.clone(),
        outcome: Outcome::Failed,
        scheduled_at: at,
        until: None,
        count: 1,
        more: false,
        manual: false,
        fired_at: now,
        event: None,
        detail: String::new(),
    }
}

/// Why an event could not be raised, with every faulty field.
fn said(fault: &crate::PublishError) -> String {
    let fields: Vec<String> = fault.fields().iter().map(ToString::to_string).collect();
    if fields.is_empty() { fault.to_string() } else { format!("{fault} {}", fields.join("; ")) }
}
