//! How does a tenant set up its own identity provider over HTTP?

use crate::wire::{ConnectionIn, ConnectionOut, ConnectionPatchIn, TestedOut};
use auth::{
    Connection, Providers,
    service::{self, Keeper, Outside},
};
use axum::{Extension, response::NoContent};
use edge::{Authorized, Confirmed, Faults, Id, IfMatch, Json, List, Paging, Problem, Shown, World, needs};
use guest::SpinFetch;
use kernel::{Call, ConnectionId};
use std::sync::Arc;
use vault::Vault;

/// What single sign-on needs of the world outside.
pub(super) fn outside<'a>(world: &'a World, providers: &'a Providers, vault: &'a Vault) -> Outside<'a> {
    Outside {
        fetch: &SpinFetch,
        vault,
        providers,
        public_url: &world.settings.public_url,
        allow_private: world.settings.allow_private_outbound,
    }
}

fn out(world: &World, call: &Call, connection: Connection) -> ConnectionOut {
    let place = service::callback(&world.settings.public_url, call.tenant(), &connection);
    ConnectionOut::new(connection, place)
}

fn shown(world: &World, call: &Call, connection: Connection) -> Shown<ConnectionOut> {
    let version = connection.version;
    Shown::as_is("connection", out(world, call, connection)).version(version)
}

/// List connections
///
/// The tenant's identity providers, oldest first. Needs `settings:write`.
#[utoipa::path(get, path = "/api/v1/admin/sso/connections", tag = "admin",
    responses((status = 200, body = List<ConnectionOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_connections(
    caller: Authorized<needs::SettingsWrite>,
    paging: Paging,
) -> Result<List<ConnectionOut>, Problem> {
    let page = service::connections(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, |connection| out(&caller.world, &caller.call, connection)))
}

/// Set up a connection
///
/// To an identity provider of the tenant's own, by which its people come in. Whoever holds that provider can come in as
/// anybody of its domains, so only who may do everything in the tenant sets one up. Needs `settings:write`.
#[utoipa::path(post, path = "/api/v1/admin/sso/connections", tag = "admin", request_body = ConnectionIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = ConnectionOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_connection(
    caller: Confirmed<needs::SettingsWrite>,
    Json(body): Json<ConnectionIn>,
) -> Result<Shown<ConnectionOut>, Problem> {
    let kind = body.kind.parse().map_err(|error| Problem::field("kind", error))?;
    let vault = caller.world.vault()?;
    let keeper = Keeper { vault: &vault, allow_private: caller.world.settings.allow_private_outbound };
    let made = service::create_connection(&caller.world.db, &caller.call, keeper, kind, body.into()).await?;
    let (location, version) = (format!("/api/v1/admin/sso/connections/{}", made.id), made.version);
    Ok(Shown::created("connection", out(&caller.world, &caller.call, made), location).version(version))
}

/// Get a connection
///
/// Needs `settings:write`.
#[utoipa::path(get, path = "/api/v1/admin/sso/connections/{id}", tag = "admin",
    params(("id" = String, Path, description = "con_…")),
    responses((status = 200, body = ConnectionOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_connection(
    caller: Authorized<needs::SettingsWrite>,
    Id(id): Id<ConnectionId>,
) -> Result<Shown<ConnectionOut>, Problem> {
    Ok(shown(&caller.world, &caller.call, service::connection(&caller.world.db, &caller.call, &id).await?))
}

/// Change a connection
///
/// What is left out stays. Sign-ons that are under way must begin again. Only for who may do everything in the tenant.
/// Needs `settings:write`.
#[utoipa::path(patch, path = "/api/v1/admin/sso/connections/{id}", tag = "admin",
    params(("id" = String, Path, description = "con_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = ConnectionPatchIn,
    responses((status = 200, body = ConnectionOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_connection(
    caller: Confirmed<needs::SettingsWrite>,
    Id(id): Id<ConnectionId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ConnectionPatchIn>,
) -> Result<Shown<ConnectionOut>, Problem> {
    let vault = caller.world.vault()?;
    let keeper = Keeper { vault: &vault, allow_private: caller.world.settings.allow_private_outbound };
    let changed =
        service::change_connection(&caller.world.db, &caller.call, keeper, &id, version, body.into()).await?;
    Ok(shown(&caller.world, &caller.call, changed))
}

/// Take a connection down
///
/// And with it what ties users to its provider; sessions go on. Needs `settings:write`.
#[utoipa::path(delete, path = "/api/v1/admin/sso/connections/{id}", tag = "admin",
    params(("id" = String, Path, description = "con_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    responses((status = 204, description = "The connection is gone."), Faults), security(("bearer" = [])))]
pub(super) async fn delete_connection(
    caller: Confirmed<needs::SettingsWrite>,
    Id(id): Id<ConnectionId>,
    IfMatch(version): IfMatch,
) -> Result<NoContent, Problem> {
    service::delete_connection(&caller.world.db, &caller.call, &id, version).await?;
    Ok(NoContent)
}

/// Test a connection
///
/// Asks the provider what it says of itself, and tells what is wrong with that. Needs `settings:write`.
#[utoipa::path(post, path = "/api/v1/admin/sso/connections/{id}/test", tag = "admin",
    params(("id" = String, Path, description = "con_…"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 200, body = TestedOut), Faults), security(("bearer" = [])))]
pub(super) async fn test_connection(
    caller: Authorized<needs::SettingsWrite>,
    Extension(providers): Extension<Arc<Providers>>,
    Id(id): Id<ConnectionId>,
) -> Result<Shown<TestedOut>, Problem> {
    let vault = caller.world.vault()?;
    let outside = outside(&caller.world, &providers, &vault);
    let tested = service::test_connection(&caller.world.db, &caller.call, outside, &id).await?;
    Ok(Shown::as_is("connection_test", tested.into()))
}
