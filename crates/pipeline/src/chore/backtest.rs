//! How does a backtest get through its events? Step by step: each step takes up what the one before kept, looks at a bounded number
//! of events, and keeps where it stands in one small transaction. So a stop at any moment costs one step.

use super::Progress;
use crate::Works;
use db::{Db, DbError, Tx};
use events::past::{self, Past, Piece, Stretch};
use jobs::{Job, Kind};
use kernel::{BacktestId, Call, EventId, Instant, Span, TenantId};
use language::{Facts, Moment, Occasion};
use rules::{BacktestState, Needs, Replay, ReplayFault, UnderWay, payload, service};
use serde_json::Value;

/// How many events are read at a time: so few that the database still has their pages when their sizes are known.
const PAGE: u32 = 500;
/// How many events one step takes at most, and for how long it goes on.
const MOST: u32 = 20_000;
const STEP: Span = Span::millis(150);

/// What is known of the events of a backtest before they are read.
struct Range {
    needs: Needs,
    until: EventId,
}

/// What a step looked at.
struct Looked {
    count: u32,
    after: String,
    /// When the last event came.
    last: Instant,
    /// Whether there is nothing more to look at.
    is_end: bool,
}

pub(super) async fn step(works: &Works<'_>, call: &Call, job: &Job) -> Result<Progress, DbError> {
    let Some(id) = of(job) else {
        return Ok(Progress::Hopeless("the job names no backtest".to_owned()));
    };
    let (found, catalogue) = {
        let mut lease = works.db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        (service::backtest::under_way(&mut scope, &id).await?, service::triggers::load(&mut scope).await?)
    };
    let Some(was) = found else {
        return Ok(Progress::Done("the backtest has ended, or was taken away".to_owned()));
    };
    let kept: Option<Value> = was.kept.as_deref().map(|text| serde_json::from_str(text).unwrap_or_default());
    let replay = match Replay::new(&was.cast, &catalogue, kept.as_ref()) {
        Ok(replay) => replay,
        Err(fault) => return give_up(works.db, call, &was, &fault).await,
    };
    let range = Range { needs: replay.needs(), until: EventId::first(was.backtest.until) };
    if was.backtest.state == BacktestState::Counting {
        return count(works.db, call, &was, &range).await.map(|()| Progress::More);
    }
    look(works, call, was, &range, replay).await
}

impl Range {
    fn triggers(&self) -> Vec<&str> {
        self.needs.triggers.iter().map(String::as_str).collect()
    }

    fn stretch<'a>(&'a self, triggers: &'a [&'a str]) -> Stretch<'a> {
        Stretch { triggers, until: &self.until, circumstances: self.needs.occasion }
    }
}

/// Counts the events, with those before that fill windows and the like.
async fn count(db: &Db, call: &Call, was: &UnderWay, range: &Range) -> Result<(), DbError> {
    let backtest = &was.backtest;
    let after = past::below(backtest.since - range.needs.lead);
    let total = {
        let triggers = range.triggers();
        let mut lease = db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        past::count(&mut scope, &range.stretch(&triggers), &after, backtest.most.into()).await?
    };
    let total = u32::try_from(total).unwrap_or(backtest.most);
    let mut tx = db.begin().await?;
    service::backtest::counted(&mut tx.scope(call.tenant()), &backtest.id, total, &after).await?;
    tx.commit().await
}

async fn look(
    works: &Works<'_>,
    call: &Call,
    was: UnderWay,
    range: &Range,
    mut replay: Replay,
) -> Result<Progress, DbError> {
    let db = works.db;
    let looked = pages(works, call.tenant(), &was, range, &mut replay).await?;
    if !looked.is_end {
        let kept = match replay.keep(looked.last) {
            Ok(kept) => kept,
            Err(fault) => return give_up(db, call, &was, &fault).await,
        };
        let mut tx = db.begin().await?;
        let mut scope = tx.scope(call.tenant());
        service::backtest::looked(&mut scope, &was, looked.count, &looked.after, &kept).await?;
        return tx.commit().await.map(|()| Progress::More);
    }
    let is_complete = next(db, call.tenant(), range, &looked.after, 1).await?.events()?.is_empty();
    let mut report = replay.report();
    if let Some(report) = report.as_object_mut() {
        report.insert("is_complete".to_owned(), is_complete.into());
    }
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(call.tenant());
    service::backtest::done(&mut scope, &was, looked.count, &report, call.now).await?;
    tx.commit().await?;
    // The next step finds it ended, or, if a person was just taken out of it, goes on from there.
    Ok(Progress::More)
}

/// Looks at the next events.
async fn pages(
    works: &Works<'_>,
    tenant: &TenantId,
    was: &UnderWay,
    range: &Range,
    replay: &mut Replay,
) -> Result<Looked, DbError> {
    let backtest = &was.backtest;
    let mut looked = Looked {
        count: backtest.looked,
        after: was.after.clone(),
        last: backtest.since - range.needs.lead,
        is_end: false,
    };
    let begun = works.clock.now();
    // What else is under way in this instance waits meanwhile.
    while works.clock.now() < begun + STEP && looked.count.saturating_sub(backtest.looked) < MOST {
        let room = backtest.most.saturating_sub(looked.count).min(PAGE);
        if room == 0 {
            looked.is_end = true;
            break;
        }
        let page = next(works.db, tenant, range, &looked.after, room).await?;
        let events = page.events()?;
        let Some(last) = events.last() else {
            looked.is_end = true;
            break;
        };
        let (id, received) = (last.id.to_owned(), last.received);
        let triggers = range.triggers();
        for event in &events {
            let trigger = triggers.get(event.trigger).copied().unwrap_or_default();
            play(replay, was, &range.needs, trigger, event);
        }
        looked.count = looked.count.saturating_add(u32::try_from(events.len()).unwrap_or(room));
        (looked.after, looked.last) = (id, received);
    }
    Ok(looked)
}

async fn next(db: &Db, tenant: &TenantId, range: &Range, after: &str, most: u32) -> Result<Piece, DbError> {
    let triggers = range.triggers();
    let mut lease = db.read().await?;
    let mut scope = lease.scope(tenant)?;
    past::next(&mut scope, &range.stretch(&triggers), after, most.into()).await
}

/// Gives the replay an event, with the facts of then.
fn play(replay: &mut Replay, was: &UnderWay, needs: &Needs, trigger: &str, event: &Past<'_>) {
    let data = payload::read_needed(event.data, &needs.data).unwrap_or_default();
    let record = event.record.filter(|_| needs.record);
    let record = record.map(|text| payload::read(text).unwrap_or_default());
    let occasion = match &event.circumstances {
        Some(known) => Occasion {
            id: event.id,
            trigger,
            source: &known.source,
            subject: known.subject.as_deref(),
            actor: &known.actor,
            occurred: known.occurred,
            depth: known.depth,
        },
        None => Occasion { id: event.id, trigger, occurred: event.received, ..Occasion::default() },
    };
    let moment = Moment { now: event.received, zone: was.cast.zone };
    let counts = event.received >= was.backtest.since;
    let facts = Facts::new(&data, record.as_ref(), occasion, moment).with_text(event.data);
    replay.take(trigger, &facts, counts);
}

/// Ends the backtest of a job that nobody runs any more: else it would count as under way for ever.
///
/// # Errors
/// [`DbError`].
pub(super) async fn bury(tx: &mut Tx, job: &Job, words: &str, now: Instant) -> Result<(), DbError> {
    let Some(id) = of(job) else { return Ok(()) };
    service::backtest::failed(&mut tx.scope(&job.tenant), &id, words, now).await
}

/// The backtest that a job carries through.
fn of(job: &Job) -> Option<BacktestId> {
    if job.kind != Kind::Backtest {
        return None;
    }
    let payload: Value = serde_json::from_str(&job.payload).ok()?;
    payload.get("backtest_id")?.as_str()?.parse().ok()
}

/// Ends a backtest that cannot be carried through.
async fn give_up(db: &Db, call: &Call, was: &UnderWay, fault: &ReplayFault) -> Result<Progress, DbError> {
    let words = fault.to_string();
    let mut tx = db.begin().await?;
    service::backtest::failed(&mut tx.scope(call.tenant()), &was.backtest.id, &words, call.now).await?;
    tx.commit().await?;
    Ok(Progress::Done(format!("the backtest failed: {words}")))
}
