//! How do programs get their keys, and lose them?

use crate::wire::{ApiKeyFilter, ApiKeyIn, ApiKeyMadeOut, ApiKeyOut, ApiKeyPatch, RotateIn};
use auth::{AuthError, NewApiKey, service};
use axum::{extract::Path, response::NoContent};
use edge::{Authorized, Confirmed, Faults, Json, List, Paging, Problem, Query, Shown, needs};
use kernel::{ApiKeyId, Fields, Instant, Reach};

fn read(id: &str) -> Result<ApiKeyId, AuthError> {
    id.parse().map_err(|_| AuthError::NotFound("API key"))
}

/// List API keys
///
/// Newest first, without their secrets; `prefix` is the part between the first two underscores of a key.
/// `expires_before` and `unused_since` find those that should be turned, or taken away. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/api-keys", tag = "admin", params(ApiKeyFilter),
    responses((status = 200, body = List<ApiKeyOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_api_keys(
    caller: Authorized<needs::AccessRead>,
    Query(filter): Query<ApiKeyFilter>,
    paging: Paging,
) -> Result<List<ApiKeyOut>, Problem> {
    let mut fields = Fields::new();
    let state = filter.state.map(|text| text.parse().map_err(|()| "must be active or revoked"));
    let wanted = auth::ApiKeyFilter {
        prefix: filter.prefix,
        state: state.and_then(|state| fields.take("state", state)),
        expires_before: filter.expires_before.and_then(|text| fields.take("expires_before", text.parse())),
        unused_since: filter.unused_since.and_then(|text| fields.take("unused_since", text.parse())),
    };
    fields.done().map_err(Problem::fields)?;
    let page = service::api_keys(&caller.world.db, &caller.call, &wanted, &paging.request).await?;
    Ok(paging.list(page, ApiKeyOut::from))
}

/// Create an API key
///
/// `key` is shown this once. Nobody makes a key with permissions that they lack. Needs `access:write`, and of a person a
/// fresh proof of who they are.
#[utoipa::path(post, path = "/api/v1/admin/api-keys", tag = "admin", request_body = ApiKeyIn,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = ApiKeyMadeOut), Faults), security(("bearer" = [])))]
pub(super) async fn create_api_key(
    caller: Confirmed<needs::AccessWrite>,
    Json(body): Json<ApiKeyIn>,
) -> Result<Shown<ApiKeyMadeOut>, Problem> {
    let mut fields = Fields::new();
    let expires_at: Option<Instant> =
        body.expires_at.and_then(|text| fields.take("expires_at", text.parse()));
    let rate = body.rate_per_minute;
    let reach = body.scope.map_or(Some(Reach::Everything), |text| fields.take("scope", text.parse()));
    let new = NewApiKey::new(&body.name, &body.permissions, expires_at, rate, caller.call.now);
    let new = new
        .and_then(|new| new.only_from(&body.networks))
        .map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message)))
        .ok();
    let (new, reach) = fields.give(new.zip(reach)).map_err(Problem::fields)?;
    let (key, secret) = service::create_api_key(&caller.world.db, &caller.call, new.reaching(reach)).await?;
    let location = format!("/api/v1/admin/api-keys/{}", key.id);
    Ok(Shown::created("api_key", ApiKeyMadeOut::new(key, &secret), location).confidential())
}

/// Get an API key
///
/// Without its secret. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/api-keys/{id}", tag = "admin",
    params(("id" = String, Path, description = "key_…")),
    responses((status = 200, body = ApiKeyOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_api_key(
    caller: Authorized<needs::AccessRead>,
    Path(id): Path<String>,
) -> Result<Shown<ApiKeyOut>, Problem> {
    let key = service::api_key(&caller.world.db, &caller.call, &read(&id)?).await?;
    Ok(Shown::as_is("api_key", key.into()))
}

/// Change an API key
///
/// Its name, end, pace or networks; it counts from the key's next request on. Needs `access:write`, and every permission
/// that the key has.
#[utoipa::path(patch, path = "/api/v1/admin/api-keys/{id}", tag = "admin", request_body = ApiKeyPatch,
    params(("id" = String, Path, description = "key_…")),
    responses((status = 200, body = ApiKeyOut), Faults), security(("bearer" = [])))]
pub(super) async fn change_api_key(
    caller: Authorized<needs::AccessWrite>,
    Path(id): Path<String>,
    Json(body): Json<ApiKeyPatch>,
) -> Result<Shown<ApiKeyOut>, Problem> {
    let mut fields = Fields::new();
    let patch = body.read(&mut fields);
    fields.done().map_err(Problem::fields)?;
    let key = service::change_api_key(&caller.world.db, &caller.call, &read(&id)?, patch).await?;
    Ok(Shown::as_is("api_key", key.into()))
}

/// Turn an API key
///
/// Makes another key of the same kind, shown this once. The old one opens for `overlap_hours` yet (24 unless given, 168 at
/// most), and names the new one as `replaced_by`. Needs `access:write`, and every permission that the key has.
#[utoipa::path(post, path = "/api/v1/admin/api-keys/{id}/rotate", tag = "admin", request_body = RotateIn,
    params(("id" = String, Path, description = "key_…"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request count once.")),
    responses((status = 201, body = ApiKeyMadeOut), Faults), security(("bearer" = [])))]
pub(super) async fn rotate_api_key(
    caller: Confirmed<needs::AccessWrite>,
    Path(id): Path<String>,
    Json(body): Json<RotateIn>,
) -> Result<Shown<ApiKeyMadeOut>, Problem> {
    let overlap = auth::overlap(body.overlap_hours).map_err(Problem::fields)?;
    let made = service::rotate_api_key(&caller.world.db, &caller.call, &read(&id)?, overlap).await?;
    let (key, secret) = made;
    let location = format!("/api/v1/admin/api-keys/{}", key.id);
    Ok(Shown::created("api_key", ApiKeyMadeOut::new(key, &secret), location).confidential())
}

/// Revoke an API key
///
/// Its next request is refused. It stays in the list as revoked. Needs `access:write`.
#[utoipa::path(delete, path = "/api/v1/admin/api-keys/{id}", tag = "admin",
    params(("id" = String, Path, description = "key_…")),
    responses((status = 204, description = "The key is revoked."), Faults), security(("bearer" = [])))]
pub(super) async fn revoke_api_key(
    caller: Authorized<needs::AccessWrite>,
    Path(id): Path<String>,
) -> Result<NoContent, Problem> {
    service::revoke_api_key(&caller.world.db, &caller.call, &read(&id)?).await?;
    Ok(NoContent)
}
