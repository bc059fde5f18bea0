//! How are endpoints set up over HTTP?

use crate::wire::{
    deliveries::instant,
    endpoints::{EndpointIn, EndpointPatchIn, EndpointsQuery, RotationIn, StatsQuery, TestIn},
    shown::{EndpointMadeOut, EndpointOut, StatsOut, TestOut},
};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Shown, World, needs};
use kernel::{Call, EndpointId, Fields, Span};
use pipeline::webhooks::{self as use_cases, Example};
use vault::Vault;
use webhooks::{
    Means, WebhookError,
    service::{self, Seen},
};

/// The longest time over which figures are counted, and the usual one.
const FIGURES_MOST: Span = Span::days(28);
const FIGURES: Span = Span::hours(24);

pub(super) fn vault(world: &World) -> Result<Vault, WebhookError> {
    Ok(Vault::from_keys(world.settings.vault_keys.expose())?)
}

pub(super) fn means<'a>(world: &World, vault: &'a Vault) -> Means<'a> {
    Means { vault, allow_private: world.settings.allow_private_outbound }
}

fn shown(call: &Call, seen: Seen) -> Shown<EndpointOut> {
    let version = seen.endpoint.version;
    Shown::as_is("webhook_endpoint", EndpointOut::of(call.tenant(), seen)).version(version)
}

/// An endpoint as it stands after a change.
async fn see(world: &World, call: &Call, id: &EndpointId) -> Result<Seen, WebhookError> {
    let vault = vault(world)?;
    service::get(&world.db, call, means(world, &vault), id).await
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
    Query(wanted): Query<EndpointsQuery>,
) -> Result<List<EndpointOut>, Problem> {
    let mut fields = Fields::new();
    let filter = wanted.filter(&mut fields);
    fields.done().map_err(Problem::fields)?;
    let vault = vault(&world)?;
    let page = service::list(&world.db, &call, means(&world, &vault), &filter, &paging.request).await?;
    Ok(paging.list(page, |seen| EndpointOut::of(call.tenant(), seen)))
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
    let (endpoint, key) = use_cases::create(&world.db, &call, means(&world, &vault), sent.into()).await?;
    let (location, version) = (format!("/api/v1/webhooks/endpoints/{}", endpoint.id), endpoint.version);
    let out = EndpointMadeOut::of(call.tenant(), see(&world, &call, &endpoint.id).await?, &key);
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
    Ok(shown(&call, see(&world, &call, &id).await?))
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
    request_body = EndpointIn,
    responses((status = 200, description = "The endpoint.", body = EndpointOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn replace(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<EndpointIn>,
) -> Result<Shown<EndpointOut>, Problem> {
    let vault = vault(&world)?;
    let means = means(&world, &vault);
    use_cases::change(&world.db, &call, means, &id, sent.anew()?, expected).await?;
    Ok(shown(&call, see(&world, &call, &id).await?))
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
    use_cases::change(&world.db, &call, means, &id, sent.into(), expected).await?;
    Ok(shown(&call, see(&world, &call, &id).await?))
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
    use_cases::delete(&world.db, &call, &id, expected).await?;
    Ok(NoContent)
}

/// Test an endpoint
///
/// Sends it an example of a type of events, once; the delivery tells what came of it. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id.")),
    request_body = TestIn,
    responses((status = 202, description = "The test is queued.", body = TestOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn test(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    Json(sent): Json<TestIn>,
) -> Result<Shown<TestOut>, Problem> {
    let job = use_cases::test(&world.db, &call, &id, Example { kind: sent.kind }).await?;
    guest::nudge(&world.settings.internal_token);
    let out = TestOut { id: job.to_string(), endpoint_id: id.to_string() };
    Ok(Shown::accepted("webhook_test", out))
}

/// Replace an endpoint's secret
///
/// The new one is shown this once. Both sign for a while, so that the receiver can change over in peace. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/endpoints/{id}/secret/rotate", operation_id = "rotateWebhookSecret", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The endpoint's id."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")
    ),
    request_body = RotationIn,
    responses((status = 200, description = "The endpoint and its new secret.", body = EndpointMadeOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn rotate(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<EndpointId>,
    IfMatch(expected): IfMatch,
    Json(sent): Json<RotationIn>,
) -> Result<Shown<EndpointMadeOut>, Problem> {
    let vault = vault(&world)?;
    let means = means(&world, &vault);
    let (endpoint, key) = use_cases::rotate(&world.db, &call, means, &id, sent.into(), expected).await?;
    let out = EndpointMadeOut::of(call.tenant(), see(&world, &call, &id).await?, &key);
    Ok(Shown::as_is("webhook_endpoint", out).version(endpoint.version).confidential())
}

/// How requests to an endpoint went
///
/// Attempts that began in a time of at most 28 days. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/endpoints/{id}/stats", operation_id = "getWebhookStats", tag = "webhooks",
    params(("id" = String, Path, description = "The endpoint's id."), StatsQuery),
    responses((status = 200, description = "Figures.", body = StatsOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn stats(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<EndpointId>,
    Query(wanted): Query<StatsQuery>,
) -> Result<Shown<StatsOut>, Problem> {
    let mut fields = Fields::new();
    let until = instant(&mut fields, "until", wanted.until).unwrap_or(call.now);
    let since = instant(&mut fields, "since", wanted.since).unwrap_or(until - FIGURES);
    if since > until || until.since(since) > FIGURES_MOST {
        fields.fault("since", "must be before until, by 28 days at most");
    }
    fields.done().map_err(Problem::fields)?;
    let figures = service::figures(&world.db, &call, &id, (since, until)).await?;
    Ok(Shown::as_is("webhook_stats", StatsOut::of(id.to_string(), (since, until), figures)))
}
