//! How are OAuth clients made, changed, given another secret, and revoked?

use crate::wire::{ClientIn, ClientMadeOut, ClientOut, ClientPatch, RotateIn};
use auth::{NewClient, Wish, service};
use axum::response::NoContent;
use edge::{Authorized, Confirmed, Faults, Id, IfMatch, Json, List, Paging, Problem, Shown, needs};
use kernel::{ClientId, Fields, Instant};

/// List OAuth clients
///
/// Newest first, without their secrets. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/clients", tag = "admin",
    responses((status = 200, body = List<ClientOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_clients(
    caller: Authorized<needs::AccessRead>,
    paging: Paging,
) -> Result<List<ClientOut>, Problem> {
    let page = service::clients(&caller.world.db, &caller.call, &paging.request).await?;
    Ok(paging.list(page, ClientOut::from))
}

/// Create an OAuth client
///
/// `client_secret` is shown this once; a client with a `public_key` gets none. Nobody makes a client with permissions that
/// they lack. Needs `access:write`, and of a person a fresh proof of who they are.
#[utoipa::path(post, path = "/api/v1/admin/clients", tag = "admin", request_body = ClientIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = ClientMadeOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_client(
    caller: Confirmed<needs::AccessWrite>,
    Json(body): Json<ClientIn>,
) -> Result<Shown<ClientMadeOut>, Problem> {
    let mut fields = Fields::new();
    let expires_at: Option<Instant> =
        body.expires_at.and_then(|text| fields.take("expires_at", text.parse()));
    let public_key = body.public_key.map(|key| key.to_string());
    let wish = Wish {
        name: &body.name,
        permissions: &body.permissions,
        rate_per_minute: body.rate_per_minute,
        networks: &body.networks,
        public_key: public_key.as_deref(),
        expires_at,
    };
    let new = NewClient::new(&wish, caller.call.now)
        .map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message)))
        .ok();
    let new = fields.give(new).map_err(Problem::fields)?;
    let (client, secret) = service::create_client(&caller.world.db, &caller.call, new).await?;
    let location = format!("/api/v1/admin/clients/{}", client.id);
    Ok(Shown::created("client", ClientMadeOut::new(client, secret.as_ref()), location).confidential())
}

/// Get an OAuth client
///
/// Without its secret. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/clients/{id}", tag = "admin",
    params(("id" = String, Path, description = "cli_…")),
    responses((status = 200, body = ClientOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_client(
    caller: Authorized<needs::AccessRead>,
    Id(id): Id<ClientId>,
) -> Result<Shown<ClientOut>, Problem> {
    let client = service::client(&caller.world.db, &caller.call, &id).await?;
    let version = client.version;
    Ok(Shown::as_is("client", client.into()).version(version))
}

/// Change an OAuth client
///
/// Counts from the next request on, also for tokens that are out. Needs `access:write`.
#[utoipa::path(patch, path = "/api/v1/admin/clients/{id}", tag = "admin", request_body = ClientPatch,
    params(("id" = String, Path, description = "cli_…"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is made to.")),
    responses((status = 200, body = ClientOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_client(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<ClientId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<ClientPatch>,
) -> Result<Shown<ClientOut>, Problem> {
    let mut fields = Fields::new();
    let patch = body.read(&mut fields);
    fields.done().map_err(Problem::fields)?;
    let client = service::change_client(&caller.world.db, &caller.call, &id, patch, expected).await?;
    let version = client.version;
    Ok(Shown::as_is("client", client.into()).version(version))
}

/// Give an OAuth client another secret
///
/// It is shown this once. The present one holds for `overlap_hours` yet (24 unless given, 168 at most), so that programs
/// can be changed one after another; a secret that was old already ends. Needs `access:write`, and of a
/// person a fresh proof of who they are.
#[utoipa::path(post, path = "/api/v1/admin/clients/{id}/secret/rotate", tag = "admin", request_body = RotateIn,
    params(("id" = String, Path, description = "cli_…"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 200, body = ClientMadeOut), Faults), security(("bearer" = [])))]
pub(super) async fn rotate_secret(
    caller: Confirmed<needs::AccessWrite>,
    Id(id): Id<ClientId>,
    Json(body): Json<RotateIn>,
) -> Result<Shown<ClientMadeOut>, Problem> {
    let overlap = auth::overlap(body.overlap_hours).map_err(Problem::fields)?;
    let made = service::rotate_client_secret(&caller.world.db, &caller.call, &id, overlap).await?;
    let (client, secret) = made;
    Ok(Shown::as_is("client", ClientMadeOut::new(client, Some(&secret))).confidential())
}

/// Revoke an OAuth client
///
/// It gets no more tokens, and those that are out are refused from the next request on. It stays in the list as revoked.
/// Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/clients/{id}", tag = "admin",
    params(("id" = String, Path, description = "cli_…")),
    responses((status = 204, description = "The client is revoked."), Faults), security(("bearer" = [])))]
pub(super) async fn revoke_client(
    caller: Authorized<needs::AccessWrite>,
    Id(id): Id<ClientId>,
) -> Result<NoContent, Problem> {
    service::revoke_client(&caller.world.db, &caller.call, &id).await?;
    Ok(NoContent)
}
