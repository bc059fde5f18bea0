//! How are sources set up over HTTP?

use crate::wire::sources::{SourceIn, SourceMadeOut, SourceOut, SourcePatchIn, SourcesQuery};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Shown, World, needs};
use kernel::{Call, SourceId};
use pipeline::sources;
use webhooks::{Source, WebhookError, service};

fn out(world: &World, call: &Call, source: Source) -> SourceOut {
    SourceOut::of(call.tenant(), &world.settings.public_url, source)
}

fn shown(world: &World, call: &Call, source: Source) -> Shown<SourceOut> {
    let version = source.version;
    Shown::as_is("webhook_source", out(world, call, source)).version(version)
}

/// The sources, oldest first
///
/// Each says in `verified` whether its requests are. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/sources", operation_id = "listWebhookSources", tag = "webhooks",
    params(SourcesQuery),
    responses((status = 200, description = "A page of sources.", body = List<SourceOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    paging: Paging,
    _: Query<SourcesQuery>,
) -> Result<List<SourceOut>, Problem> {
    let page = service::sources::list(&world.db, &call, &paging.request).await?;
    Ok(paging.list(page, |source| out(&world, &call, source)))
}

/// Set up a source
///
/// An address of ours (`url`) that takes the requests of one provider, and what becomes of them. How they are verified must be said;
/// that they are not, by the word `unverified`. A secret that is made is shown this once. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/sources", operation_id = "createWebhookSource", tag = "webhooks",
    request_body = SourceIn,
    responses((status = 201, description = "The source, and the secret that was made for it.", body = SourceMadeOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Json(sent): Json<SourceIn>,
) -> Result<Shown<SourceMadeOut>, Problem> {
    let vault = world.vault().map_err(WebhookError::from)?;
    let (source, secret) = sources::create(&world.db, &call, &vault, sent.into()).await?;
    let (location, version) = (format!("/api/v1/webhooks/sources/{}", source.id), source.version);
    let made = SourceMadeOut::of(out(&world, &call, source), secret.as_ref());
    let shown = Shown::created("webhook_source", made, location).version(version);
    Ok(if secret.is_some() { shown.confidential() } else { shown })
}

/// One source
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/sources/{id}", operation_id = "getWebhookSource", tag = "webhooks",
    params(("id" = String, Path, description = "The source's id.")),
    responses((status = 200, description = "The source.", body = SourceOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<SourceId>,
) -> Result<Shown<SourceOut>, Problem> {
    let source = service::sources::get(&world.db, &call, &id).await?;
    Ok(shown(&world, &call, source))
}

/// Make a source anew
///
/// What is left out is as for a new source; its secrets stay unless others are given. Needs `webhooks:write`.
#[utoipa::path(
    put, path = "/api/v1/webhooks/sources/{id}", operation_id = "replaceWebhookSource", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The source's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = SourceIn,
    responses((status = 200, description = "The source.", body = SourceOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn replace(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<SourceId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<SourceIn>,
) -> Result<Shown<SourceOut>, Problem> {
    let vault = world.vault().map_err(WebhookError::from)?;
    let source = sources::change(&world.db, &call, &vault, (&id, expected), sent.into()).await?;
    Ok(shown(&world, &call, source))
}

/// Change a source
///
/// What is left out stays. Needs `webhooks:write`.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/sources/{id}", operation_id = "changeWebhookSource", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The source's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = SourcePatchIn,
    responses((status = 200, description = "The source.", body = SourceOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn change(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<SourceId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<SourcePatchIn>,
) -> Result<Shown<SourceOut>, Problem> {
    let vault = world.vault().map_err(WebhookError::from)?;
    let source = sources::change(&world.db, &call, &vault, (&id, expected), sent.into()).await?;
    Ok(shown(&world, &call, source))
}

/// Take a source down
///
/// Its address answers 404 from then on, and its requests are removed. Needs `webhooks:write`.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/sources/{id}", operation_id = "deleteWebhookSource", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The source's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn delete(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<SourceId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Problem> {
    sources::delete(&world.db, &call, &id, expected).await?;
    Ok(NoContent)
}
