//! What does a tenant decide for itself?

use crate::wire::{SettingsIn, SettingsShown};
use auth::service;
use edge::{Authorized, Confirmed, Faults, IfMatch, Json, Problem, Shown, needs};

/// Get the settings
///
/// Passwords, sessions, second factors, limits and retention; what was not set is as it is unless set. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/settings", tag = "admin",
    responses((status = 200, body = SettingsShown), Faults), security(("bearer" = [])))]
pub(super) async fn get_settings(
    caller: Authorized<needs::AccessRead>,
) -> Result<Shown<SettingsShown>, Problem> {
    let (settings, version) = service::settings(&caller.world.db, &caller.call).await?;
    Ok(Shown::as_is("settings", settings.into()).version(version))
}

/// Change the settings
///
/// What is left out stays. The new settings hold from the next request on, for sessions that are there too. Needs
/// `settings:write`, and a proof of who you are within the last 15 minutes.
#[utoipa::path(patch, path = "/api/v1/admin/settings", tag = "admin",
    params(("If-Match" = Option<String>, Header, description = "The ETag that the change is based on.")),
    request_body = SettingsIn,
    responses((status = 200, body = SettingsShown), Faults), security(("bearer" = [])))]
pub(super) async fn change_settings(
    caller: Confirmed<needs::SettingsWrite>,
    IfMatch(version): IfMatch,
    Json(body): Json<SettingsIn>,
) -> Result<Shown<SettingsShown>, Problem> {
    let (settings, version) =
        service::change_settings(&caller.world.db, &caller.call, version, body.try_into()?).await?;
    Ok(Shown::as_is("settings", settings.into()).version(version))
}
