//! Which routes tell how the system is and what it offers? None asks for a credential, none tells of a tenant.

use crate::{
    error::PlatformError,
    gauges, health, interface,
    wire::{LiveOut, ReadyOut},
};
use axum::{
    Extension, Router,
    response::{IntoResponse, NoContent, Response},
};
use edge::{Faults, Internal, Problem, Shown, World};
use http::header;
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// For so long a browser or a proxy may keep the document and the page.
const KEEP: &str = "public, max-age=60";

/// The component's routes.
pub(crate) fn router(_: &Arc<World>) -> Router {
    edge::fragment(own())
}

fn own() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(startup))
        .routes(routes!(ready))
        .routes(routes!(health))
        .routes(routes!(metrics))
        .routes(routes!(contract))
        .routes(routes!(openapi))
        .routes(routes!(docs))
}

async fn checked(world: &World) -> Result<Shown<ReadyOut>, Problem> {
    Ok(Shown::as_is("health", health::ready(world).await?))
}

/// Is it alive?
///
/// Says only that the program answers. Restart it when this fails.
#[utoipa::path(get, path = "/health/live", tag = "platform",
    responses((status = 200, description = "It answers.", body = LiveOut)))]
async fn live() -> Shown<LiveOut> {
    Shown::as_is("health", LiveOut { status: "live" })
}

/// Has it started?
///
/// The database answers and has the schema of this version, and the keys read.
#[utoipa::path(get, path = "/health/startup", tag = "platform",
    responses((status = 200, description = "It has.", body = ReadyOut), Faults))]
async fn startup(Extension(world): Extension<Arc<World>>) -> Result<Shown<ReadyOut>, Problem> {
    checked(&world).await
}

/// May requests come in?
///
/// The same checks as at the start, made anew. 503 `NOT_READY` names in `details` those that fail; send no requests
/// until it is 200 again.
#[utoipa::path(get, path = "/health/ready", tag = "platform",
    responses((status = 200, description = "They may.", body = ReadyOut), Faults))]
async fn ready(Extension(world): Extension<Arc<World>>) -> Result<Shown<ReadyOut>, Problem> {
    checked(&world).await
}

/// How is it?
///
/// The same as `/health/ready`.
#[utoipa::path(get, path = "/health", tag = "platform",
    responses((status = 200, description = "Well.", body = ReadyOut), Faults))]
async fn health(Extension(world): Extension<Arc<World>>) -> Result<Shown<ReadyOut>, Problem> {
    checked(&world).await
}

/// Check the database
///
/// For operators of a new runtime: holds its SQLite to what Signalbox relies on, on the database of the counters, and says
/// what is broken. The bearer is the variable `internal_token`.
#[utoipa::path(post, path = "/internal/database/contract", tag = "internal",
    responses((status = 204, description = "All promises hold."), Faults), security(("bearer" = [])))]
async fn contract(_: Internal, Extension(world): Extension<Arc<World>>) -> Result<NoContent, Problem> {
    world.limits.counters().check_contract().await.map_err(PlatformError::Contract)?;
    Ok(NoContent)
}

/// Figures for Prometheus
///
/// Of all tenants together: jobs that wait, run or were given up, how far the queue lags, events stored. Cheap, and taken
/// anew at most once a second.
#[utoipa::path(get, path = "/metrics", tag = "platform",
    responses((status = 200, description = "Text format 0.0.4.", body = String,
        content_type = "text/plain; version=0.0.4; charset=utf-8"), Faults))]
async fn metrics(Extension(world): Extension<Arc<World>>) -> Result<Response, Problem> {
    let text = gauges::gauges(&world).await?;
    Ok(([(header::CONTENT_TYPE, gauges::MEDIA_TYPE)], text).into_response())
}

/// This document
///
/// OpenAPI 3.1, with every route of every component. 503 `INTERFACE_INCOMPLETE` while one of them cannot be asked.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "platform",
    responses((status = 200, description = "The document.", body = Object), Faults))]
async fn openapi(Extension(world): Extension<Arc<World>>) -> Result<Response, Problem> {
    let interface = interface::interface(&world, part()).await?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, KEEP)];
    Ok((headers, interface.document.clone()).into_response())
}

/// This document as a page
///
/// Works without a network, without scripts and on a phone.
#[utoipa::path(get, path = "/docs", tag = "platform",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"), Faults))]
async fn docs(Extension(world): Extension<Arc<World>>) -> Result<Response, Problem> {
    let interface = interface::interface(&world, part()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, KEEP),
        (header::CONTENT_SECURITY_POLICY, interface.policy.as_str()),
    ];
    Ok((headers, interface.page.clone()).into_response())
}

/// What this component says of itself.
fn part() -> Value {
    serde_json::to_value(own().into_openapi()).unwrap_or_default()
}
