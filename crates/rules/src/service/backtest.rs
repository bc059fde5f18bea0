//! How does a backtest begin, go on and end? Who asks must be able to change the rule and to see the events; what takes part is
//! fixed when it begins.

use super::{grounds, triggers, within};
use crate::{
    Against, Backtest, BacktestState, Cast, Catalogue, Definition, Draft, MOST_EVENTS, Rule, RuleError,
    Tried, UnderWay, Wish,
    store::{self, backtest as rows, peer},
};
use audit::Entry;
use db::{Db, DbError, Scope};
use kernel::{BacktestId, Bounded, Call, FieldFault, Fields, Instant, Page, PageRequest, Permission, RuleId};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Begins a backtest within the caller's transaction; gives the call, too: whoever calls lays the job that carries it on.
///
/// # Errors
/// [`RuleError::Unknown`], [`RuleError::VersionUnknown`], [`RuleError::Invalid`], [`RuleError::OutOfReach`],
/// [`RuleError::BacktestsUnderWay`], or the database's.
pub async fn begin<'a>(
    scope: &mut Scope<'_>,
    who: &'a Bounded,
    wish: Wish,
) -> Result<(Backtest, &'a Call), RuleError> {
    let live = match &wish.rule_id {
        Some(id) => Some(store::get(scope, id).await?.ok_or(RuleError::Unknown)?),
        None => None,
    };
    if let Some(rule) = &live {
        within(who, rule)?;
    }
    let catalogue = triggers::catalogue(scope).await?;
    let against = wish.against.unwrap_or(match (&live, &wish.tried) {
        (None, _) | (_, Tried::Version(None)) => Against::Nothing,
        _ => Against::Live,
    });
    let definition = tried(scope, live.as_ref(), wish.tried, &catalogue).await?;
    let call = who.put_in(&definition.module_type, live.as_ref().map(|rule| rule.id.as_str()))?;
    sees_events(call, &definition.module_type)?;
    let baseline = baseline(scope, live.as_ref(), against, &catalogue).await?;
    if let Some(rule) = &baseline {
        sees_events(call, &rule.definition.module_type)?;
    }
    let candidate = match &live {
        Some(rule) => rule.clone().redefined(definition, call.now),
        None => Rule::new(RuleId::new(call.now, &*call.chance), definition, call.now),
    };
    let until = wish.until.unwrap_or(call.now).min(call.now);
    check(wish.since, until, wish.most)?;
    let backtest = Backtest {
        id: BacktestId::new(call.now, &*call.chance),
        rule_id: wish.rule_id,
        module_type: candidate.definition.module_type.clone(),
        state: BacktestState::Counting,
        against: baseline.as_ref().map(|rule| rule.version),
        since: wish.since,
        until,
        most: wish.most,
        total: None,
        looked: 0,
        report: None,
        reason: None,
        requested_by: call.principal.actor.name().to_owned(),
        created_at: call.now,
        ended_at: None,
    };
    let stoppers = stoppers(scope, &candidate, baseline.as_ref()).await?;
    let cast = Cast { candidate, baseline, stoppers, zone: grounds(scope).await?.zone };
    rows::insert(scope, &backtest, &cast).await?;
    let about = json!({"rule_id": backtest.rule_id.as_ref().map(RuleId::as_str), "since": backtest.since.to_string(),
        "until": backtest.until.to_string()});
    note(scope, call, "backtest.begun", &backtest.id, None, Some(about)).await?;
    Ok((backtest, call))
}

fn check(since: Instant, until: Instant, most: u32) -> Result<(), RuleError> {
    let mut fields = Fields::new();
    if since >= until {
        fields.fault("since", "must be before `until`, and in the past");
    }
    if !(1..=MOST_EVENTS).contains(&most) {
        fields.fault("limit", format!("must be a whole number from 1 to {MOST_EVENTS}"));
    }
    fields.done().map_err(RuleError::from)
}

/// Faults of a part of the request, with the part's name before their paths.
pub(super) fn of_part(part: &str, faults: Vec<FieldFault>) -> RuleError {
    let whole = |fault: FieldFault| FieldFault::new(format!("{part}.{}", fault.field), fault.message);
    RuleError::Invalid(faults.into_iter().map(whole).collect())
}

/// What is tried says.
async fn tried(
    scope: &mut Scope<'_>,
    live: Option<&Rule>,
    tried: Tried,
    catalogue: &Catalogue,
) -> Result<Definition, RuleError> {
    let none = || {
        let message = "is missing: name the rule that is to be tried, or send one as `rule`";
        RuleError::Invalid(vec![FieldFault::new("rule_id", message)])
    };
    match (tried, live) {
        (Tried::Draft(draft), live) => {
            let key = draft.key.clone().or_else(|| live.map(|rule| rule.definition.key.clone()));
            Definition::check(Draft { key, ..*draft }, catalogue).map_err(|faults| of_part("rule", faults))
        }
        (Tried::Changes(patch), Some(live)) => {
            patch.over(&live.definition, catalogue).map_err(|faults| of_part("changes", faults))
        }
        (Tried::Version(number), Some(live)) => {
            let definition = match number {
                Some(number) => of_version(scope, live, number).await?,
                None => live.definition.clone(),
            };
            definition.compile(catalogue).map_err(|faults| of_part("rule", faults))?;
            Ok(definition)
        }
        (Tried::Changes(_) | Tried::Version(_), None) => Err(none()),
    }
}

async fn of_version(scope: &mut Scope<'_>, live: &Rule, number: u32) -> Result<Definition, RuleError> {
    let version = store::version(scope, &live.id, number).await?;
    Ok(version.ok_or(RuleError::VersionUnknown(number))?.definition)
}

/// What the rule is held against.
async fn baseline(
    scope: &mut Scope<'_>,
    live: Option<&Rule>,
    against: Against,
    catalogue: &Catalogue,
) -> Result<Option<Rule>, RuleError> {
    let fault = |message: &str| RuleError::Invalid(vec![FieldFault::new("compare_to", message)]);
    let rule = match (against, live) {
        (Against::Nothing, _) => return Ok(None),
        (Against::Live | Against::Version(_), None) => {
            return Err(fault("takes a rule that exists: name it as `rule_id`"));
        }
        (Against::Live, Some(live)) => live.clone(),
        (Against::Version(number), Some(live)) => {
            let definition = of_version(scope, live, number).await?;
            Rule { definition, version: number, ..live.clone() }
        }
    };
    if rule.definition.compile(catalogue).is_err() {
        return Err(fault("names a version that cannot be read any more: take another, or `nothing`"));
    }
    Ok(Some(rule))
}

/// The other active rules that stop the matching of the events that are looked at.
async fn stoppers(
    scope: &mut Scope<'_>,
    candidate: &Rule,
    baseline: Option<&Rule>,
) -> Result<Vec<Rule>, DbError> {
    let players = || baseline.into_iter().chain([candidate]);
    let names: BTreeSet<&str> = players().map(|rule| rule.definition.trigger_id.as_str()).collect();
    let mut stoppers = Vec::new();
    for name in names {
        let all = peer::of_trigger(scope, name).await?;
        stoppers
            .extend(all.into_iter().filter(|rule| rule.definition.stop_on_match && rule.id != candidate.id));
    }
    Ok(stoppers)
}

/// A report tells of events: who may not see those of the module may not see it.
pub(super) fn sees_events(call: &Call, module: &str) -> Result<(), RuleError> {
    let permission = Permission::EventsRead;
    if call.principal.bounds(permission).hold(module, None) {
        Ok(())
    } else {
        Err(RuleError::OutOfReach(permission))
    }
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &'static str,
    id: &BacktestId,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), DbError> {
    audit::append(scope, call, &Entry { action, subject: id.as_str(), before, after }).await
}

/// The call for a backtest: as for the rule that it is about.
fn of<'a>(who: &'a Bounded, backtest: &Backtest) -> Result<&'a Call, RuleError> {
    let id = backtest.rule_id.as_ref().map_or(backtest.id.as_str(), RuleId::as_str);
    who.at(&backtest.module_type, id).map_err(|fault| match RuleError::from(fault) {
        RuleError::Unknown => RuleError::BacktestUnknown,
        other => other,
    })
}

/// The backtest with that id, with its report if that is there.
///
/// # Errors
/// [`RuleError::BacktestUnknown`], [`RuleError::OutOfReach`], or the database's.
pub async fn get(db: &Db, who: &Bounded, id: &BacktestId) -> Result<Backtest, RuleError> {
    let mut lease = db.read().await?;
    let backtest = rows::get(&mut lease.scope(who.tenant())?, id).await?.ok_or(RuleError::BacktestUnknown)?;
    sees_events(of(who, &backtest)?, &backtest.module_type)?;
    Ok(backtest)
}

/// Backtests, the newest first, without their reports.
///
/// # Errors
/// The database's.
pub async fn list(
    db: &Db,
    who: &Bounded,
    rule_id: Option<&RuleId>,
    page: &PageRequest,
) -> Result<Page<Backtest>, RuleError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(who.tenant())?;
    let all = rows::list(&mut scope, who.bounds(), rule_id.map(RuleId::as_str), page).await?;
    Ok(Page::cut(all, page, |backtest| backtest.id.to_string()))
}

/// Takes a backtest away: it goes on no longer, and its report is gone.
///
/// # Errors
/// As [`get`].
pub async fn delete(db: &Db, who: &Bounded, id: &BacktestId) -> Result<(), RuleError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.tenant());
    let work = async {
        let backtest = rows::get(&mut scope, id).await?.ok_or(RuleError::BacktestUnknown)?;
        let call = of(who, &backtest)?;
        rows::delete(&mut scope, id).await?;
        let was = json!({"state": backtest.state.as_str()});
        Ok(note(&mut scope, call, "backtest.deleted", id, Some(was), None).await?)
    };
    let outcome = work.await;
    super::finish(tx, outcome).await
}

/// A backtest that is to be carried on; `None` if it has ended or was taken away.
///
/// # Errors
/// [`DbError`].
pub async fn under_way(scope: &mut Scope<'_>, id: &BacktestId) -> Result<Option<UnderWay>, DbError> {
    rows::under_way(scope, id).await
}

/// Notes how many events there are to look at, and after which it begins.
///
/// # Errors
/// [`DbError`].
pub async fn counted(scope: &mut Scope<'_>, id: &BacktestId, total: u32, after: &str) -> Result<(), DbError> {
    rows::counted(scope, id, total, after).await
}

/// Keeps how far it is. If somebody rewrote what `was` kept, nothing is done: the step is to be made again.
///
/// # Errors
/// [`DbError`].
pub async fn looked(
    scope: &mut Scope<'_>,
    was: &UnderWay,
    looked: u32,
    after: &str,
    kept: &Value,
) -> Result<(), DbError> {
    rows::looked(scope, was, looked, after, kept).await
}

/// Keeps the report. If somebody rewrote what `was` kept, nothing is done: the step is to be made again.
///
/// # Errors
/// [`DbError`].
pub async fn done(
    scope: &mut Scope<'_>,
    was: &UnderWay,
    looked: u32,
    report: &Value,
    now: Instant,
) -> Result<(), DbError> {
    rows::done(scope, was, looked, report, now).await
}

/// Ends a backtest that cannot be carried through.
///
/// # Errors
/// [`DbError`].
pub async fn failed(
    scope: &mut Scope<'_>,
    id: &BacktestId,
    reason: &str,
    now: Instant,
) -> Result<(), DbError> {
    rows::failed(scope, id, reason, now).await
}

/// Forgets at most so many reports of backtests that ended before; tells how many went.
///
/// # Errors
/// [`DbError`].
pub async fn forget(scope: &mut Scope<'_>, before: Instant, most: i64) -> Result<usize, DbError> {
    rows::forget(scope, before, most).await
}
