//! Which routes lead to types of records, and to what is left of their limits?

use super::{App, expected, own::Named};
use crate::wire::kinds::{LimitsOut, TypeIn, TypeOut, TypePatchIn, TypesQuery};
use axum::{extract::State, response::NoContent};
use edge::{Faults, IfMatch, Json, List, Paging, Problem, Query, Reaching, Shown, Unspecific, needs};
use kernel::Page;
use pipeline::records::{self as desk, Desk};
use records::{RecordType, service};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(limits))
}

fn shown(kind: RecordType) -> Shown<TypeOut> {
    let version = i64::from(kind.version);
    Shown::as_is("record_type", kind.into()).version(version)
}

/// List types of records
///
/// The built-in ones (contact, lead, opportunity) with what the tenant says of them, and the tenant's own; by name. Needs
/// `records:read`.
#[utoipa::path(get, path = "/api/v1/records/types", operation_id = "listRecordTypes", tag = "records", params(TypesQuery),
    responses((status = 200, body = List<TypeOut>), Faults), security(("bearer" = [])))]
async fn list(
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
    Query(wanted): Query<TypesQuery>,
    paging: Paging,
) -> Result<List<TypeOut>, Problem> {
    let mut lease = world.db.read().await?;
    let mut all = service::kinds::all(&mut lease.scope(who.tenant())?).await?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let after = paging.request.after_or("").to_owned();
    let fits = |kind: &RecordType| {
        kind.name.as_str() > after.as_str()
            && wanted.module_type.as_ref().is_none_or(|module| *module == kind.module)
            && who.at(&kind.module, kind.name.as_str()).is_ok()
    };
    let probe = usize::from(paging.request.limit()).saturating_add(1);
    let rows = all.into_iter().filter(fits).take(probe).collect();
    let page = Page::cut(rows, &paging.request, |kind: &RecordType| kind.name.to_string());
    Ok(paging.list(page, TypeOut::from))
}

/// Make a type of one's own
///
/// Its records have the routes below `/api/v1/records/{type}`, and raise `<type>_created`, `<type>_updated`, `<type>_deleted` and,
/// where it has a status, `<type>_status_changed`. Needs `records:write` for its module.
#[utoipa::path(post, path = "/api/v1/records/types", operation_id = "createRecordType", tag = "records", request_body = TypeIn,
    responses((status = 201, body = TypeOut), Faults), security(("bearer" = [])))]
async fn create(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Json(sent): Json<TypeIn>,
) -> Result<Shown<TypeOut>, Problem> {
    let desk = Desk { db: &world.db, books: &app.books };
    let kind = desk::create_type(desk, &who, sent.into()).await?;
    let (location, version) = (format!("/api/v1/records/types/{}", kind.name), i64::from(kind.version));
    Ok(Shown::created("record_type", kind.into(), location).version(version))
}

/// One type of records
///
/// Needs `records:read`.
#[utoipa::path(get, path = "/api/v1/records/types/{type}", operation_id = "getRecordType", tag = "records",
    params(("type" = String, Path, description = "Its name: `contact`, or one of the tenant's own.")),
    responses((status = 200, body = TypeOut), Faults), security(("bearer" = [])))]
async fn get(
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
    Named(name): Named,
) -> Result<Shown<TypeOut>, Problem> {
    let mut lease = world.db.read().await?;
    let kind = service::kinds::get(&mut lease.scope(who.tenant())?, &name).await?;
    who.at(&kind.module, name.as_str()).map_err(|_| Unspecific::NotFound("type"))?;
    Ok(shown(kind))
}

/// Change a type of records
///
/// Gives a built-in type fields of the tenant's own, other statuses or another threshold; or changes a type of the tenant's
/// own. Fields can be added at any time; a change that stored records do not fit is refused with their number and the first ids.
/// Needs `records:write` for its module.
#[utoipa::path(patch, path = "/api/v1/records/types/{type}", operation_id = "changeRecordType", tag = "records",
    params(("type" = String, Path, description = "Its name: `contact`, or one of the tenant's own."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
    request_body = TypePatchIn,
    responses((status = 200, body = TypeOut), Faults), security(("bearer" = [])))]
async fn change(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Named(name): Named,
    seen: IfMatch,
    Json(sent): Json<TypePatchIn>,
) -> Result<Shown<TypeOut>, Problem> {
    let desk = Desk { db: &world.db, books: &app.books };
    let kind = desk::change_type(desk, &who, &name, expected(seen)?, sent.into()).await?;
    Ok(shown(kind))
}

/// Delete a type of one's own
///
/// Only one of which there are no records. Needs `records:write` for its module.
#[utoipa::path(delete, path = "/api/v1/records/types/{type}", operation_id = "deleteRecordType", tag = "records",
    params(("type" = String, Path, description = "Its name."),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")),
    responses((status = 204, description = "It is gone."), Faults), security(("bearer" = [])))]
async fn delete(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Named(name): Named,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    let desk = Desk { db: &world.db, books: &app.books };
    desk::delete_type(desk, &who, &name, expected(seen)?).await?;
    Ok(NoContent)
}

/// How much room is left for records
///
/// Every limit with how much of it is used. Needs `records:read`.
#[utoipa::path(get, path = "/api/v1/records/limits", operation_id = "getRecordLimits", tag = "records",
    responses((status = 200, body = LimitsOut), Faults), security(("bearer" = [])))]
async fn limits(
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
) -> Result<Shown<LimitsOut>, Problem> {
    let mut lease = world.db.read().await?;
    let limits = service::limits(&mut lease.scope(who.tenant())?).await?;
    Ok(Shown::as_is("record_limits", limits.into()))
}
