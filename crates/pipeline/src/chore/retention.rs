//! What is too old to be kept? Once a day each tenant's rows are looked at, kind by kind, and those whose time is over go,
//! at most 500 in a transaction.

use super::Progress;
use crate::{Works, effect, privacy::chore};
use auth::{RetentionSettings, service::privacy as identity};
use db::{Db, DbError, Scope, Tx};
use jobs::Kind;
use kernel::{Call, Chance, Instant, JobId, Principal, RequestId, Span, TenantId, Trace};
use std::sync::Arc;

/// How many rows go in one step.
const STEP: i64 = 500;
/// How many tenants get their job in one go; the next go is soon.
const TENANTS: i64 = 50;
/// How far apart two looks at a tenant are.
const DAILY: Span = Span::hours(24);

/// Lays the day's job for each tenant whose turn it is, and forgets what has expired over all tenants; tells how many jobs
/// were laid. One look into an index, nearly always.
///
/// # Errors
/// [`DbError`].
pub async fn lay(db: &Db, now: Instant, chance: &Arc<dyn Chance>) -> Result<usize, DbError> {
    let due = identity::retention_due(&mut db.read().await?.all_tenants()?, now, TENANTS).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let mut tx = db.begin().await?;
    // Another instance may have been faster.
    let due = identity::retention_due(&mut tx.all_tenants(), now, TENANTS).await?;
    let mut jobs = Vec::with_capacity(due.len());
    for tenant in &due {
        identity::retention_due_again(&mut tx.scope(tenant), now + DAILY).await?;
        let call = call(tenant, now, chance);
        jobs.push(chore(&call, JobId::new(now, &**chance), Kind::Retention, "{}".to_owned()));
    }
    jobs::enqueue(&mut tx.all_tenants(), &jobs, now).await?;
    identity::forget(&mut tx.all_tenants(), now).await?;
    tx.commit().await?;
    Ok(jobs.len())
}

fn call(tenant: &TenantId, now: Instant, chance: &Arc<dyn Chance>) -> Call {
    Call {
        principal: Principal::system(tenant.clone()),
        now,
        request: RequestId::new(&**chance),
        trace: Trace::new(&**chance),
        address: None,
        chance: Arc::clone(chance),
    }
}

/// Since when the queue knows all that it ever did: jobs that ended before are forgotten.
///
/// # Errors
/// [`DbError`].
pub(crate) async fn remembered(scope: &mut Scope<'_>, now: Instant) -> Result<(Instant, u32), DbError> {
    let days = identity::retention(scope).await?.jobs_days;
    Ok((now - Span::days(days.into()), days))
}

pub(super) async fn step(works: &Works<'_>, call: &Call) -> Result<Progress, DbError> {
    let (keep, cut) = {
        let mut lease = works.db.read().await?;
        let mut scope = lease.scope(call.tenant())?;
        let keep = identity::retention(&mut scope).await?;
        let limit = before(call, keep.audit_days);
        (keep, audit::due(&mut scope, limit).await?.map(|to| (to, limit)))
    };
    let mut tx = works.db.begin().await?;
    let cut = match cut {
        Some((to, limit)) => audit::cut(&mut tx.scope(call.tenant()), call, to, limit).await?,
        None => false,
    };
    let gone = remove(&mut tx, call, &keep).await?;
    tx.commit().await?;
    Ok(if gone > 0 || cut { Progress::More } else { Progress::Done("nothing old is left".to_owned()) })
}

fn before(call: &Call, days: u32) -> Instant {
    call.now - Span::days(days.into())
}

/// Removes rows of the first kind of which some are too old; how many.
async fn remove(tx: &mut Tx, call: &Call, keep: &RetentionSettings) -> Result<usize, DbError> {
    let mut scope = tx.scope(call.tenant());
    let gone = audit::sweep(&mut scope, STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = events::forget(&mut scope, before(call, keep.events_days), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = schedules::service::forget(&mut scope, before(call, keep.events_days), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone =
        webhooks::service::requests::forget(&mut scope, call.now, before(call, keep.events_days), STEP)
            .await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = rules::service::recall::forget(&mut scope, call.now, STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone =
        rules::service::backtest::forget(&mut scope, call.now - Span::days(rules::KEPT_DAYS), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = webhooks::service::replay::forget(&mut scope, call.now, STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = jobs::forget(&mut scope, before(call, keep.jobs_days), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let old = notifications::privacy::forget(&mut scope, before(call, keep.messages_days), STEP).await;
    let old = old.map_err(effect::database)?;
    if !old.is_empty() {
        jobs::take_back_carriers(&mut scope, &old, call.now).await?;
        return Ok(old.len());
    }
    let gone = identity::forget_letters(&mut scope, before(call, keep.messages_days), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = webhooks::service::portal::forget_links(&mut scope, call.now, STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    let gone = tasks::service::privacy::forget(&mut scope, before(call, keep.tasks_days), STEP).await?;
    if gone > 0 {
        return Ok(gone);
    }
    identity::forget_sessions(&mut scope, before(call, keep.sessions_days), STEP).await
}
