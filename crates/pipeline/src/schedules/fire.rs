//! Which schedules are due, and what is raised? A batch is one transaction: events, what came of them, and when each schedule
//! comes next. Two ticks at once do no harm: the second finds the schedules moved on, and an event counts once by its key.

use super::{event, run, said};
use crate::{
    Draft, PublishError, Works, decide, effect, regard,
    write::{Written, write},
};
use db::{DbError, Tx};
use events::{EventError, Origin};
use kernel::{Call, EventId, Instant, RunId, ScheduleId, Span, TenantId};
use schedules::{
    Outcome, Plan, Run, Schedule, Skipped,
    service::{self, Due},
};
use std::collections::BTreeMap;

/// The most schedules and the most events of one transaction.
const SCHEDULES: u16 = 50;
const EVENTS: usize = 200;
/// A tick goes on with further batches for so long; the next tick is soon.
const TURN: Span = Span::seconds(5);

/// Raises the events of all schedules whose time has come; one cheap look when there are none. Tells how many events.
///
/// # Errors
/// [`DbError`]; what was not committed is found by the next tick.
pub async fn fire(works: &Works<'_>) -> Result<usize, DbError> {
    let until = works.clock.now() + TURN;
    let mut raised = 0_usize;
    loop {
        let now = works.clock.now();
        let whose = {
            let mut lease = works.db.read().await?;
            service::due_tenants(&mut lease.all_tenants()?, now, SCHEDULES).await?
        };
        if now > until || whose.is_empty() {
            return Ok(raised);
        }
        for tenant in &whose {
            works.books.warm(works.db, tenant).await?;
        }
        raised = raised.saturating_add(batch(works).await?);
    }
}

/// What one batch writes down.
#[derive(Default)]
struct Notes {
    runs: Vec<(TenantId, Run)>,
    moved: Vec<(TenantId, ScheduleId, Option<Instant>)>,
    /// Events that are to be raised, each with its run.
    drafts: Vec<(TenantId, Run, Draft)>,
}

async fn batch(works: &Works<'_>) -> Result<usize, DbError> {
    let mut tx = works.db.begin().await?;
    let now = works.clock.now();
    let due = service::due(&mut tx.all_tenants(), now, SCHEDULES).await?;
    // Each gets its share of the events, so that one that makes up for much keeps no other waiting.
    let room = EVENTS.checked_div(due.len()).unwrap_or(EVENTS).max(1);
    let mut notes = Notes::default();
    let mut by_tenant: BTreeMap<TenantId, Vec<Schedule>> = BTreeMap::new();
    for Due { tenant, id, schedule } in due {
        match schedule {
            Ok(schedule) => by_tenant.entry(tenant).or_default().push(schedule),
            // It rests until somebody mends it.
            Err(error) => {
                let words = format!("the schedule cannot be read any more; save it anew: {error}");
                let run = unreadable(works, &id, now, words);
                notes.runs.push((tenant.clone(), run));
                notes.moved.push((tenant, id, None));
            }
        }
    }
    for (tenant, schedules) in by_tenant {
        plan(works, &mut tx, &tenant, schedules, now, room, &mut notes).await?;
    }
    let count = raise(&mut tx, &mut notes).await?;
    let runs: Vec<(&TenantId, &Run)> = notes.runs.iter().map(|(tenant, run)| (tenant, run)).collect();
    let moved: Vec<(&TenantId, &ScheduleId, Option<Instant>)> =
        notes.moved.iter().map(|(tenant, id, next)| (tenant, id, *next)).collect();
    service::note(&mut tx.all_tenants(), &runs, &moved).await?;
    tx.commit().await?;
    Ok(count)
}

/// Decides about the schedules of one tenant.
async fn plan(
    works: &Works<'_>,
    tx: &mut Tx,
    tenant: &TenantId,
    schedules: Vec<Schedule>,
    now: Instant,
    room: usize,
    notes: &mut Notes,
) -> Result<(), DbError> {
    let book = works.books.within(tx, tenant).await?;
    let call = effect::own_call(works, tenant, now);
    for schedule in schedules {
        let Some(Plan { skipped, raised, next }) = schedule.plan(now, room) else { continue };
        notes.moved.push((tenant.clone(), schedule.id.clone(), next));
        if let Some(skipped) = skipped {
            notes.runs.push((tenant.clone(), let_go(&schedule, &call, skipped, &raised)));
        }
        for at in raised {
            let run = run(&schedule, at, now, &*call.chance);
            let id = EventId::new(now, &*call.chance);
            let event = event(&schedule, at);
            let about = [regard::wanted(&book, &event)];
            let record = regard::records(&mut tx.scope(tenant), &about).await?.pop().flatten();
            match decide(&book, &call, id, event, Origin::default(), record) {
                Ok(draft) => notes.drafts.push((tenant.clone(), run, draft)),
                Err(EventError::Db(error)) => return Err(error),
                Err(fault) => {
                    let detail = said(&PublishError::Event(fault));
                    notes.runs.push((tenant.clone(), Run { detail, ..run }));
                }
            }
        }
    }
    Ok(())
}

/// Raises what was decided, of all tenants together; tells how many.
async fn raise(tx: &mut Tx, notes: &mut Notes) -> Result<usize, DbError> {
    let planned = std::mem::take(&mut notes.drafts);
    let drafts: Vec<&Draft> = planned.iter().map(|(_, _, draft)| draft).collect();
    if drafts.is_empty() {
        return Ok(0);
    }
    let written = write(tx, &drafts).await?;
    let mut count = 0_usize;
    for ((tenant, run, _), written) in planned.into_iter().zip(written) {
        let run = match written {
            Written::Stored(receipt) => {
                count = count.saturating_add(1);
                let late = run.fired_at.since(run.scheduled_at).as_millis() / 1000;
                let detail =
                    if late >= 60 { format!("made up for, {late} s late") } else { "in time".to_owned() };
                Run { outcome: Outcome::Raised, event: Some(receipt.id), detail, ..run }
            }
            Written::Refused(fault) => Run { detail: said(&fault), ..run },
            Written::RulesMoved => {
                return Err(DbError::Engine("a book was not of its transaction".to_owned()));
            }
        };
        notes.runs.push((tenant, run));
    }
    Ok(count)
}

/// The record of times that were missed and let go.
fn let_go(schedule: &Schedule, call: &Call, skipped: Skipped, raised: &[Instant]) -> Run {
    let Skipped { from, to, count, more } = skipped;
    let many = if more { format!("more than {count} times") } else { format!("{count} times") };
    let many = if count == 1 && !more { "a time".to_owned() } else { many };
    let instead = match raised {
        [] => "nothing is made up for",
        [_] => "the last one is made up for",
        [..] => "the last ones are made up for",
    };
    Run {
        id: RunId::new(from, &*call.chance),
        outcome: Outcome::Skipped,
        until: Some(to),
        count: u32::try_from(count.max(1)).unwrap_or(u32::MAX),
        more,
        detail: format!("missed {many}: {instead} ({})", schedule.definition.missed.as_str()),
        ..run(schedule, from, call.now, &*call.chance)
    }
}

fn unreadable(works: &Works<'_>, id: &ScheduleId, now: Instant, detail: String) -> Run {
    Run {
        id: RunId::new(now, &*works.chance),
        schedule: id.clone(),
        outcome: Outcome::Failed,
        scheduled_at: now,
        until: None,
        count: 1,
        more: false,
        manual: false,
        fired_at: now,
        event: None,
        detail,
    }
}
