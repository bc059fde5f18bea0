//! How are endpoints set up over HTTP?

use crate::wire::{
    EndpointAnewIn, EndpointIn, EndpointMadeOut, EndpointOut, EndpointPatchIn, EndpointsQuery, TestOut,
};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Shown, World, needs};
use kernel::{Call, EndpointId};
use vault::Vault;
use webhooks::{Endpoint, Means, WebhookError, service};

fn vault(world: &World) -> Result<Vault, WebhookError> {
    Ok(Vault::from_keys(world.settings.vault_keys.expose())?)
}

fn means<'a>(world: &World, vault: &'a Vault) -> Means<'a> {
    Means { vault, allow_private: world.settings.allow_private_outbound }
}

fn shown(call: &Call, endpoint: Endpoint) -> Shown<EndpointOut> {
    let version = endpoint.version;
    Shown::as_is("webhook_endpoint", EndpointOut::of(call.tenant(), endpoint)).version(version)
}

/// The endpoints, oldest first
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/endpoints", operation_id = "listWebhookEndpoints", tag = "webhooks",
    params(EndpointsQuery),
    responses((status = 200, description = "A page of endpoints.", body = List<EndpointOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    paging: Paging,
    _: Query<EndpointsQuery>,
) -> Result<List<EndpointOut>, Problem> {
    let page = service::list(&world.db, &call, &paging.request).await?;
    Ok(paging.list(page, |endpoint| EndpointOut::of(call.tenant(), endpoint)))
}

/// Set up an endpoint
///
/// Needs `webhooks:write`. `secret` is shown this once: with it the receiver verifies what is sent, as Standard Webhooks 1.0 has it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/endpoints", operation_id = "createWebhookEndpoint", tag = "webhooks",
    request_body = EndpointIn,
    responses((status = 201, description = "The endpoint and its secret.", body = EndpointMadeOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Json(sent): Json<EndpointIn>,
) -> Result<Shown<EndpointMadeOut>, Problem> {
    let vault = vault(&world)?;
    let (endpoint, key) = service::create(&world.db, &call, means(&world, &vault), sent.into()).await?;
    let (location, version) = (format!("/api/v1/webhooks/endpoints/{}", endpoint.id), endpoint.version);
    let out = EndpointMadeOut::of(call.tenant(), endpoint, &key);
    Ok(Shown::created("webhook_endpoint", out, location).version(version).confidential())
}

/// One endpoint
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/endpoints/{id}", operation_id = "getWebhookEndpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint.", body = EndpointOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<EndpointId>,
) -> Result<Shown<EndpointOut>, Problem> {
    let endpoint = service::get(&world.db, &call, &id).await?;
    Ok(shown(&call, endpoint))
}

/// Make an endpoint anew
///
/// Needs `webhooks:write`. What is left out is as for a new endpoint; its secret stays.
#[utoipa::path(
    put, path = "/api/v1/webhooks/endpoints/{id}", operation_id = "replaceWebhookEndpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The endpoint's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = EndpointAnewIn,
    responses((status = 200, description = "The endpoint.", body = EndpointOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn replace(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<EndpointAnewIn>,
) -> Result<Shown<EndpointOut>, Problem> {
    let vault = vault(&world)?;
    let means = means(&world, &vault);
    let endpoint = service::change(&world.db, &call, means, &id, sent.into(), expected).await?;
    Ok(shown(&call, endpoint))
}

/// Change an endpoint
///
/// Needs `webhooks:write`. What is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/endpoints/{id}", operation_id = "changeWebhookEndpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The endpoint's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = EndpointPatchIn,
    responses((status = 200, description = "The endpoint.", body = EndpointOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn change(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<EndpointPatchIn>,
) -> Result<Shown<EndpointOut>, Problem> {
    let vault = vault(&world)?;
    let means = means(&world, &vault);
    let endpoint = service::change(&world.db, &call, means, &id, sent.into(), expected).await?;
    Ok(shown(&call, endpoint))
}

/// Take an endpoint down
///
/// Needs `webhooks:write`. What is queued for it will fail.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The endpoint's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")
    ),
    responses((status = 204, description = "It is gone."), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn delete(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    IfMatch(expected): IfMatch,
) -> Result<NoContent, Problem> {
    service::delete(&world.db, &call, &id, expected).await?;
    Ok(NoContent)
}

/// Test an endpoint
///
/// Sends it an event of the type `webhook.test`, once; the job tells what came of it. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id.")),
    responses((status = 202, description = "The test is queued.", body = TestOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn test(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
) -> Result<Shown<TestOut>, Problem> {
    let job = pipeline::webhooks::test(&world.db, &call, &id).await?;
    guest::nudge(&world.settings.internal_token);
    let out = TestOut { id: job.to_string(), endpoint_id: id.to_string() };
    Ok(Shown::accepted("webhook_test", out))
}
