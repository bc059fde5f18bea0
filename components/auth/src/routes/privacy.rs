//! How does a person get what is held of them, and how do they go?

use crate::wire::{EraseIn, ErasureOut, HoldingsOut, HoldingsQuery};
use axum::Extension;
use edge::{Authorized, Confirmed, Faults, Id, Json, Problem, Query, Shown, Visitor, needs};
use kernel::UserId;
use pipeline::privacy::{self, Whose};
use std::sync::Arc;

/// Export what is held of me
///
/// Everything over all areas, without secrets, in pages of 500: `next` names the next one. Needs a session.
#[utoipa::path(get, path = "/api/v1/auth/export", tag = "auth", params(HoldingsQuery),
    responses((status = 200, body = HoldingsOut), Faults), security(("bearer" = [])))]
pub(super) async fn export_me(
    caller: Authorized<needs::Anybody>,
    Query(wanted): Query<HoldingsQuery>,
) -> Result<Shown<HoldingsOut>, Problem> {
    let (db, call) = (&caller.world.db, &caller.call);
    let held = privacy::holdings(db, call, Whose::Own, wanted.cursor.as_deref()).await?;
    Ok(Shown::as_is("personal_data", held.into()).confidential())
}

/// Export what is held of a user
///
/// Everything over all areas, without secrets, in pages of 500: `next` names the next one. The first page counts as a bulk
/// operation: 10 an hour for the tenant unless its settings say otherwise. Needs `access:write`.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/export", tag = "admin",
    params(("id" = String, Path, description = "usr_…"), HoldingsQuery),
    responses((status = 200, body = HoldingsOut), Faults), security(("bearer" = [])))]
pub(super) async fn export_user(
    caller: Authorized<needs::AccessWrite>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Id(id): Id<UserId>,
    Query(wanted): Query<HoldingsQuery>,
) -> Result<Shown<HoldingsOut>, Problem> {
    if wanted.cursor.is_none() {
        visitor.bulk(&caller.world).await?;
    }
    let (db, call) = (&caller.world.db, &caller.call);
    let held = privacy::holdings(db, call, Whose::User(&id), wanted.cursor.as_deref()).await?;
    // No idempotency key keeps it.
    Ok(Shown::as_is("personal_data", held.into()).confidential())
}

/// Erase a person
///
/// The user is out at once; a job then removes messages to them, their sessions, and their address wherever it stands, and
/// at last the user. Their id stays as a pseudonym in the audit, whose chain still holds. It cannot be taken back. Asked for
/// again, it tells how far it is. Needs `access:write`; nobody erases themselves or the last owner.
#[utoipa::path(post, path = "/api/v1/admin/users/{id}/erase", tag = "admin", request_body = EraseIn,
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 202, body = ErasureOut), Faults), security(("bearer" = [])))]
pub(super) async fn erase_user(
    caller: Confirmed<needs::AccessWrite>,
    Id(id): Id<UserId>,
    Json(body): Json<EraseIn>,
) -> Result<Shown<ErasureOut>, Problem> {
    let erasure = privacy::erase(&caller.world.db, &caller.call, &id, &body.confirm).await?;
    Ok(Shown::accepted("erasure", erasure.into()))
}

/// How far an erasure is
///
/// Known for as long as ended sessions are kept. Needs `access:read`.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}/erasure", tag = "admin",
    params(("id" = String, Path, description = "usr_…")),
    responses((status = 200, body = ErasureOut), Faults), security(("bearer" = [])))]
pub(super) async fn get_erasure(
    caller: Authorized<needs::AccessRead>,
    Id(id): Id<UserId>,
) -> Result<Shown<ErasureOut>, Problem> {
    let erasure = privacy::erasure(&caller.world.db, &caller.call, &id).await?;
    Ok(Shown::as_is("erasure", erasure.into()))
}
