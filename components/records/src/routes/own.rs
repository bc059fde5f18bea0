//! Which routes lead to records of any type? Those of a tenant's own types have no others; those of built-in types are found here
//! too.

use super::{App, Asked, Wanted};
use crate::wire::{
    FieldsIn,
    built_in::{RecordOut, RecordsQuery},
    sheets::{ExportQuery, ImportQuery, ImportedOut, PutQuery},
};
use axum::{
    Extension,
    extract::{FromRequestParts, Path, State},
    response::{NoContent, Response},
};
use edge::{
    Csv, Faults, IfMatch, Json, List, Paging, Problem, Query, Reaching, Shown, Unspecific, Visitor, needs,
};
use http::request::Parts;
use kernel::RecordId;
use records::TypeName;
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, change, delete))
        .routes(routes!(import))
        .routes(routes!(export))
}

/// The type in the path. A name that does not read names nothing.
pub(super) struct Named(pub(super) TypeName);

/// The type and the record in the path.
pub(super) struct Placed(TypeName, RecordId);

fn named(text: &str) -> Result<TypeName, Problem> {
    text.parse().map_err(|_| Unspecific::NotFound("type").into())
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|_| Problem::from(Unspecific::NotFound("type")))?;
        named(&text).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Placed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let missing = || Problem::from(Unspecific::NotFound("record"));
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((kind, id)) = path.map_err(|_| missing())?;
        Ok(Self(named(&kind)?, id.parse().map_err(|_| missing())?))
    }
}

/// List records of a type
///
/// The newest first, unless `sort` says otherwise. Needs `records:read`.
#[utoipa::path(get, path = "/api/v1/records/{type}", operation_id = "listRecords", tag = "records",
    params(("type" = String, Path, description = "The type's name."), RecordsQuery),
    responses((status = 200, body = List<RecordOut>), Faults), security(("bearer" = [])))]
async fn list(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Named(kind): Named,
    wanted: Wanted,
    paging: Paging,
) -> Result<List<Value>, Problem> {
    Asked { who: &who, world: &world, app: &app }.list(&visitor, &kind, &wanted.0, paging).await
}

/// Make a record of a type
///
/// Raises its events in the same commit. Needs `records:write`.
#[utoipa::path(post, path = "/api/v1/records/{type}", operation_id = "createRecord", tag = "records",
    params(("type" = String, Path, description = "The type's name."), PutQuery),
    request_body(content = Object, description = "The fields of the type, and `external_id`."),
    responses((status = 201, body = RecordOut), (status = 200, description = "One that was there.", body = RecordOut), Faults),
    security(("bearer" = [])))]
async fn create(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Named(kind): Named,
    Query(query): Query<PutQuery>,
    Json(sent): Json<FieldsIn>,
) -> Result<Shown<Value>, Problem> {
    let path = format!("/api/v1/records/{kind}");
    Asked { who: &who, world: &world, app: &app }.create(&kind, &query, sent, &path).await
}

/// One record of a type
///
/// Needs `records:read`.
#[utoipa::path(get, path = "/api/v1/records/{type}/{id}", operation_id = "getRecord", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ("id" = String, Path, description = "rec_…")),
    responses((status = 200, body = RecordOut), Faults), security(("bearer" = [])))]
async fn get(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
    Placed(kind, id): Placed,
) -> Result<Shown<Value>, Problem> {
    Asked { who: &who, world: &world, app: &app }.get(&kind, &id).await
}

/// Write a record of a type anew
///
/// What is left out is as for a new one. Needs `records:write`.
#[utoipa::path(put, path = "/api/v1/records/{type}/{id}", operation_id = "replaceRecord", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ("id" = String, Path, description = "rec_…"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
    request_body(content = Object, description = "The fields of the type, and `external_id`."),
    responses((status = 200, body = RecordOut), Faults), security(("bearer" = [])))]
async fn replace(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Placed(kind, id): Placed,
    seen: IfMatch,
    Json(sent): Json<FieldsIn>,
) -> Result<Shown<Value>, Problem> {
    Asked { who: &who, world: &world, app: &app }.replace(&kind, &id, seen, sent).await
}

/// Change a record of a type
///
/// What is left out stays; null takes a field away. Needs `records:write`.
#[utoipa::path(patch, path = "/api/v1/records/{type}/{id}", operation_id = "changeRecord", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ("id" = String, Path, description = "rec_…"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
    request_body(content = Object, description = "Some fields of the type."),
    responses((status = 200, body = RecordOut), Faults), security(("bearer" = [])))]
async fn change(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Placed(kind, id): Placed,
    seen: IfMatch,
    Json(sent): Json<FieldsIn>,
) -> Result<Shown<Value>, Problem> {
    Asked { who: &who, world: &world, app: &app }.change(&kind, &id, seen, sent).await
}

/// Delete a record of a type
///
/// Events and the audit keep what was. Needs `records:write`.
#[utoipa::path(delete, path = "/api/v1/records/{type}/{id}", operation_id = "deleteRecord", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ("id" = String, Path, description = "rec_…"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")),
    responses((status = 204, description = "It is gone."), Faults), security(("bearer" = [])))]
async fn delete(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Placed(kind, id): Placed,
    seen: IfMatch,
) -> Result<NoContent, Problem> {
    Asked { who: &who, world: &world, app: &app }.delete(&kind, &id, seen).await
}

/// Import records of a type
///
/// A file of comma-separated values (UTF-8, at most 8 MiB and 10,000 rows) whose first line names fields. Each row is kept for
/// itself, and each faulty one is named with its line. Counts as a bulk operation. Needs `records:write` for the module.
#[utoipa::path(post, path = "/api/v1/records/{type}/import", operation_id = "importRecords", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = ImportedOut), Faults), security(("bearer" = [])))]
async fn import(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Named(kind): Named,
    Query(meant): Query<ImportQuery>,
    Csv(file): Csv,
) -> Result<Shown<ImportedOut>, Problem> {
    Asked { who: &who, world: &world, app: &app }.import(&visitor, &kind, &meant, &file).await
}

/// Export records of a type
///
/// In pages of 1,000 records; the header `Link` with `rel="next"` names the next page, and pages one after the other are one
/// file. All filters of the list. Its first page counts as a bulk operation. Needs `records:read`.
#[utoipa::path(get, path = "/api/v1/records/{type}/export", operation_id = "exportRecords", tag = "records",
    params(("type" = String, Path, description = "The type's name."), ExportQuery, RecordsQuery),
    responses((status = 200, description = "Records, one to a line.",
        content((String = "text/csv"), (String = "application/jsonl"))), Faults),
    security(("bearer" = [])))]
async fn export(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Named(kind): Named,
    wanted: Wanted,
    paging: Paging,
) -> Result<Response, Problem> {
    Asked { who: &who, world: &world, app: &app }.export(&visitor, &kind, wanted.0, paging).await
}
