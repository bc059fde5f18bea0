//! How is what was not delivered sent (again) over HTTP, and called off?

use crate::wire::replays::{
    ReplayAnswerOut, ReplayCountOut, ReplayDetailOut, ReplayIn, ReplayOut, ReplaysQuery,
};
use axum::Extension;
use edge::{Authorized, Faults, Id, Json, List, Paging, Problem, Query, Shown, Visitor, needs};
use kernel::{EndpointId, ReplayId};
use pipeline::webhooks::replay as use_cases;
use std::sync::Arc;
use webhooks::{ReplayForm, service::replay as service};

/// Send what failed, or was never sent, to an endpoint
///
/// Counts first: nothing is changed unless `dry_run` is false. Then it is a bulk operation: 10 an hour for the tenant unless its settings say
/// otherwise, and three at a time. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/endpoints/{id}/replay", operation_id = "replayWebhooks", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = ReplayIn,
    responses(
        (status = 200, description = "How many it would be.", body = ReplayCountOut),
        (status = 202, description = "The replay has begun.", body = ReplayDetailOut),
        Faults
    ),
    security(("bearer" = []))
)]
pub(crate) async fn replay(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Id(id): Id<EndpointId>,
    Json(sent): Json<ReplayIn>,
) -> Result<Shown<ReplayAnswerOut>, Problem> {
    let dry_run = sent.dry_run;
    let wish = ReplayForm::from(sent).read(call.now).map_err(Problem::fields)?;
    if dry_run {
        let counted = use_cases::count(&world.db, &call, &id, wish).await?;
        let out = ReplayCountOut::of(id.to_string(), &wish, counted);
        return Ok(Shown::as_is("webhook_replay_count", ReplayAnswerOut::Counted(out)));
    }
    visitor.bulk(&world).await?;
    let begun = use_cases::begin(&world.db, &call, &id, wish).await?;
    guest::nudge(&world.settings.internal_token);
    Ok(Shown::accepted("webhook_replay", ReplayAnswerOut::Begun(Box::new(begun.into()))))
}

/// The replays, newest first
///
/// They are kept for 30 days after their end. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/replays", operation_id = "listWebhookReplays", tag = "webhooks",
    params(ReplaysQuery),
    responses((status = 200, description = "A page of replays.", body = List<ReplayOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    paging: Paging,
    Query(_): Query<ReplaysQuery>,
) -> Result<List<ReplayOut>, Problem> {
    let page = service::list(&world.db, &call, None, &paging.request).await?;
    Ok(paging.list(page, ReplayOut::from))
}

/// The replays to an endpoint, newest first
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/endpoints/{id}/replays", operation_id = "listWebhookReplaysOfEndpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id."), ReplaysQuery),
    responses((status = 200, description = "A page of replays.", body = List<ReplayOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn of_endpoint(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<EndpointId>,
    paging: Paging,
    Query(_): Query<ReplaysQuery>,
) -> Result<List<ReplayOut>, Problem> {
    let page = service::list(&world.db, &call, Some(&id), &paging.request).await?;
    Ok(paging.list(page, ReplayOut::from))
}

/// One replay, with how far it is
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/replays/{id}", operation_id = "getWebhookReplay", tag = "webhooks",
    params(("id" = String, Path, description = "The replay's id.")),
    responses((status = 200, description = "The replay.", body = ReplayDetailOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<ReplayId>,
) -> Result<Shown<ReplayDetailOut>, Problem> {
    Ok(Shown::as_is("webhook_replay", use_cases::see(&world.db, &call, &id).await?.into()))
}

/// Cancel a replay
///
/// It gives nothing more to the queue, and what it gave and has not begun is taken back: what failed before is a dead letter again, what
/// was never sent is cancelled, and another replay finds both. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/replays/{id}/cancel", operation_id = "cancelWebhookReplay", tag = "webhooks",
    params(("id" = String, Path, description = "The replay's id.")),
    responses((status = 200, description = "The replay.", body = ReplayDetailOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn cancel(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<ReplayId>,
) -> Result<Shown<ReplayDetailOut>, Problem> {
    Ok(Shown::as_is("webhook_replay", use_cases::cancel(&world.db, &call, &id).await?.into()))
}
