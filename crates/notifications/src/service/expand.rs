//! How does a job become messages and deliveries, once?

use crate::{
    ChannelKind, Delivery, DeliveryChannel, DeliveryState, NewMessage, NotificationError,
    route::{Route, ways},
    store::{self, message::Fresh},
};
use db::{DbError, Scope};
use kernel::{Call, ChannelId, DeliveryId, JobId, MessageId};
use std::collections::{BTreeMap, BTreeSet};

/// What a job made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The message; it stands in its recipient's inbox.
    pub message_id: MessageId,
    /// The deliveries through channels, in the order in which they were laid; each wants a job.
    pub deliveries: Vec<(DeliveryId, ChannelId)>,
    /// Whether it was made now; `false` when the same job had made it before.
    pub is_new: bool,
}

/// A message with the channels that it leaves by.
struct Plan<'a> {
    fresh: Fresh,
    ways: Vec<&'a Route>,
}

/// [`expand_many`] for one message.
///
/// # Errors
/// Those of [`expand_many`], in one.
pub async fn expand(
    scope: &mut Scope<'_>,
    call: &Call,
    new: NewMessage,
) -> Result<Expanded, NotificationError> {
    let all = expand_many(scope, call, vec![new]).await?;
    all.into_iter().next().unwrap_or_else(|| Err(lost().into()))
}

/// Writes messages within the caller's transaction: each with its inbox entry and one queued delivery for each channel
/// that it leaves by. A job that made its message before makes nothing new and gets what it made.
///
/// However many messages there are, it takes four statements, and a fifth if some were made before. The answers stand
/// in the order of `new`; a faulty message leaves the others alone.
///
/// # Errors
/// Of one message: [`NotificationError::Invalid`], [`NotificationError::RouteUnknown`],
/// [`NotificationError::RouteInactive`], which end its job. Of all of them: [`DbError`]; give the transaction up then.
pub async fn expand_many(
    scope: &mut Scope<'_>,
    call: &Call,
    new: Vec<NewMessage>,
) -> Result<Vec<Result<Expanded, NotificationError>>, DbError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let routes = store::channel::routes(scope).await?;
    let jobs: Vec<Option<JobId>> = new.iter().map(|message| message.job_id.clone()).collect();
    let plans: Vec<Result<Plan<'_>, NotificationError>> =
        new.into_iter().map(|message| plan(call, &routes, message)).collect();
    let mut written = write(scope, call, plans.iter().flatten()).await?;

    let again: Vec<&JobId> = jobs
        .iter()
        .zip(&plans)
        .filter(|(_, plan)| !is_written(plan, &written))
        .filter_map(|(job, _)| job.as_ref())
        .collect();
    let before = made_before(scope, &again).await?;

    Ok(jobs
        .into_iter()
        .zip(plans)
        .map(|(job, plan)| {
            let now = plan.as_ref().ok().and_then(|plan| written.remove(&plan.fresh.id));
            let then = || job.and_then(|job| before.get(&job).cloned());
            match (now.or_else(then), plan) {
                (Some(expanded), _) => Ok(expanded),
                (None, Err(fault)) => Err(fault),
                (None, Ok(_)) => Err(lost().into()),
            }
        })
        .collect())
}

/// A message was neither written nor there before: no path leads here unless the database forgets a row.
fn lost() -> DbError {
    DbError::Engine("a message was not written".to_owned())
}

fn is_written(plan: &Result<Plan<'_>, NotificationError>, written: &BTreeMap<MessageId, Expanded>) -> bool {
    plan.as_ref().is_ok_and(|plan| written.contains_key(&plan.fresh.id))
}

fn plan<'a>(call: &Call, routes: &'a [Route], message: NewMessage) -> Result<Plan<'a>, NotificationError> {
    let draft = message.draft().map_err(NotificationError::Invalid)?;
    let ways = ways(routes, message.channel.as_deref())?;
    Ok(Plan {
        fresh: Fresh {
            id: MessageId::new(call.now, &*call.chance),
            draft,
            event_id: message.event_id,
            job_id: message.job_id,
        },
        ways,
    })
}

/// Writes what is planned, but for what its job made before; gives what was written.
async fn write<'a>(
    scope: &mut Scope<'_>,
    call: &Call,
    plans: impl Iterator<Item = &'a Plan<'a>> + Clone + Send,
) -> Result<BTreeMap<MessageId, Expanded>, DbError> {
    let fresh: Vec<&Fresh> = plans.clone().map(|plan| &plan.fresh).collect();
    if fresh.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: BTreeSet<String> = store::message::insert(scope, &fresh, call.now).await?.into_iter().collect();
    let plans: Vec<&Plan<'_>> = plans.filter(|plan| ids.contains(plan.fresh.id.as_str())).collect();
    if plans.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut written = BTreeMap::new();
    let mut deliveries = Vec::new();
    for plan in &plans {
        let laid = lay(call, plan);
        let through = |delivery: &Delivery| {
            let channel = delivery.channel.as_ref()?;
            Some((delivery.id.clone(), channel.id.clone()))
        };
        let expanded = Expanded {
            message_id: plan.fresh.id.clone(),
            deliveries: laid.iter().filter_map(through).collect(),
            is_new: true,
        };
        written.insert(plan.fresh.id.clone(), expanded);
        deliveries.extend(laid);
    }
    let entries: Vec<_> = plans.iter().map(|plan| (&plan.fresh.draft.recipient, &plan.fresh.id)).collect();
    store::inbox::insert(scope, &entries).await?;
    store::delivery::insert(scope, &deliveries, call.now).await?;
    Ok(written)
}

/// The ways of one message: in-app, where it is delivered at once, and its channels, where it is queued.
fn lay(call: &Call, plan: &Plan<'_>) -> Vec<Delivery> {
    let way = |kind, state, channel| Delivery {
        id: DeliveryId::new(call.now, &*call.chance),
        message_id: plan.fresh.id.clone(),
        kind,
        channel,
        state,
        attempts: 0,
        last_error: None,
        provider_status: None,
        created_at: call.now,
        updated_at: call.now,
    };
    let in_app = way(ChannelKind::InApp, DeliveryState::Delivered, None);
    let through = plan.ways.iter().map(|route| {
        let channel = DeliveryChannel { id: route.id.clone(), name: route.name.clone() };
        way(route.kind, DeliveryState::Queued, Some(channel))
    });
    std::iter::once(in_app).chain(through).collect()
}

/// What these jobs made before.
async fn made_before(scope: &mut Scope<'_>, jobs: &[&JobId]) -> Result<BTreeMap<JobId, Expanded>, DbError> {
    let mut before: BTreeMap<JobId, Expanded> = BTreeMap::new();
    if jobs.is_empty() {
        return Ok(before);
    }
    for made in store::message::of_jobs(scope, jobs).await? {
        let message_id = made.message_id;
        let expanded = before.entry(made.job_id).or_insert_with(|| Expanded {
            message_id,
            deliveries: Vec::new(),
            is_new: false,
        });
        expanded.deliveries.extend(made.delivery);
    }
    Ok(before)
}
