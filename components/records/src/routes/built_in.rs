//! Which routes lead to contacts, leads and opportunities? The same for each; what differs is the type.

use super::{App, Asked, Wanted, expected};
use crate::wire::{
    FieldsIn,
    built_in::{ContactIn, ContactOut, LeadIn, LeadOut, OpportunityIn, OpportunityOut, RecordsQuery},
    conversion::ConversionIn,
    sheets::{ExportQuery, ImportQuery, ImportedOut, PutQuery},
};
use axum::{
    Extension,
    extract::State,
    response::{NoContent, Response},
};
use edge::{Csv, Faults, Id, IfMatch, Json, List, Paging, Problem, Query, Reaching, Shown, Visitor, needs};
use kernel::RecordId;
use pipeline::records as desk;
use records::TypeName;
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(contacts::routes())
        .merge(leads::routes())
        .merge(opportunities::routes())
        .routes(routes!(convert))
}

/// The routes of one built-in type.
macro_rules! routes_of {
    ($room:ident: $kind:expr, $tag:tt, $list:tt, $one:tt, $body:ident, $out:ident,
        $import:tt, $export:tt, $ids:tt, $list_id:tt, $create_id:tt, $get_id:tt, $replace_id:tt, $change_id:tt, $delete_id:tt,
        $import_id:tt, $export_id:tt) => {
        mod $room {
            use super::*;

            /// The name of the type.
            fn kind() -> TypeName {
                $kind
            }

            pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
                OpenApiRouter::new()
                    .routes(routes!(list, create))
                    .routes(routes!(get, replace, change, delete))
                    .routes(routes!(import))
                    .routes(routes!(export))
            }

            #[utoipa::path(get, path = $list, operation_id = $list_id, tag = $tag, params(RecordsQuery),
                summary = concat!("List ", $ids),
                description = "The newest first, unless `sort` says otherwise. Needs `records:read`.",
                responses((status = 200, body = List<$out>), Faults), security(("bearer" = [])))]
            async fn list(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
                Extension(visitor): Extension<Arc<Visitor>>,
                wanted: Wanted,
                paging: Paging,
            ) -> Result<List<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.list(&visitor, &kind(), &wanted.0, paging).await
            }

            #[utoipa::path(post, path = $list, operation_id = $create_id, tag = $tag, request_body = $body,
                summary = concat!("Make one of the ", $ids), params(PutQuery),
                description = "Raises its events in the same commit. Needs `records:write`.",
                responses((status = 201, body = $out), (status = 200, description = "One that was there.", body = $out), Faults),
                security(("bearer" = [])))]
            async fn create(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Query(query): Query<PutQuery>,
                Json(sent): Json<FieldsIn>,
            ) -> Result<Shown<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.create(&kind(), &query, sent, $list).await
            }

            #[utoipa::path(get, path = $one, operation_id = $get_id, tag = $tag,
                summary = concat!("One of the ", $ids), description = "Needs `records:read`.",
                params(("id" = String, Path, description = "rec_…")),
                responses((status = 200, body = $out), Faults), security(("bearer" = [])))]
            async fn get(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
                Id(id): Id<RecordId>,
            ) -> Result<Shown<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.get(&kind(), &id).await
            }

            #[utoipa::path(put, path = $one, operation_id = $replace_id, tag = $tag, request_body = $body,
                summary = concat!("Write one of the ", $ids, " anew"),
                description = "What is left out is as for a new one. Needs `records:write`.",
                params(("id" = String, Path, description = "rec_…"),
                    ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
                responses((status = 200, body = $out), Faults), security(("bearer" = [])))]
            async fn replace(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Id(id): Id<RecordId>,
                seen: IfMatch,
                Json(sent): Json<FieldsIn>,
            ) -> Result<Shown<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.replace(&kind(), &id, seen, sent).await
            }

            #[utoipa::path(patch, path = $one, operation_id = $change_id, tag = $tag, request_body = $body,
                summary = concat!("Change one of the ", $ids),
                description = "What is left out stays; null takes a field away. Needs `records:write`.",
                params(("id" = String, Path, description = "rec_…"),
                    ("If-Match" = Option<String>, Header, description = "The version that is to be changed.")),
                responses((status = 200, body = $out), Faults), security(("bearer" = [])))]
            async fn change(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Id(id): Id<RecordId>,
                seen: IfMatch,
                Json(sent): Json<FieldsIn>,
            ) -> Result<Shown<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.change(&kind(), &id, seen, sent).await
            }

            #[utoipa::path(delete, path = $one, operation_id = $delete_id, tag = $tag,
                summary = concat!("Delete one of the ", $ids),
                description = "Events and the audit keep what was. Needs `records:write`.",
                params(("id" = String, Path, description = "rec_…"),
                    ("If-Match" = Option<String>, Header, description = "The version that is to be deleted.")),
                responses((status = 204, description = "It is gone."), Faults), security(("bearer" = [])))]
            async fn delete(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Id(id): Id<RecordId>,
                seen: IfMatch,
            ) -> Result<NoContent, Problem> {
                Asked { who: &who, world: &world, app: &app }.delete(&kind(), &id, seen).await
            }

            #[utoipa::path(post, path = $import, operation_id = $import_id, tag = $tag, params(ImportQuery),
                summary = concat!("Import ", $ids),
                description = "A file of comma-separated values (UTF-8, at most 8 MiB and 10,000 rows) whose first line names \
                    fields. Each row is kept for itself, and each faulty one is named with its line. Counts as a bulk \
                    operation. Needs `records:write` for the module.",
                request_body(content = String, content_type = "text/csv"),
                responses((status = 200, body = ImportedOut), Faults), security(("bearer" = [])))]
            async fn import(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Extension(visitor): Extension<Arc<Visitor>>,
                Query(meant): Query<ImportQuery>,
                Csv(file): Csv,
            ) -> Result<Shown<ImportedOut>, Problem> {
                Asked { who: &who, world: &world, app: &app }.import(&visitor, &kind(), &meant, &file).await
            }

            #[utoipa::path(get, path = $export, operation_id = $export_id, tag = $tag, params(ExportQuery, RecordsQuery),
                summary = concat!("Export ", $ids),
                description = "In pages of 1,000; the header `Link` with `rel=\"next\"` names the next page, and pages one after \
                    the other are one file. All filters of the list. Its first page counts as a bulk operation. Needs \
                    `records:read`.",
                responses((status = 200, description = "Records, one to a line.",
                    content((String = "text/csv"), (String = "application/jsonl"))), Faults),
                security(("bearer" = [])))]
            async fn export(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsRead>,
                Extension(visitor): Extension<Arc<Visitor>>,
                wanted: Wanted,
                paging: Paging,
            ) -> Result<Response, Problem> {
                Asked { who: &who, world: &world, app: &app }.export(&visitor, &kind(), wanted.0, paging).await
            }
        }
    };
}

routes_of!(contacts: TypeName::contact(), "crm", "/api/v1/crm/contacts", "/api/v1/crm/contacts/{id}", ContactIn, ContactOut,
    "/api/v1/crm/contacts/import", "/api/v1/crm/contacts/export", "contacts", "listContacts", "createContact", "getContact",
    "replaceContact", "changeContact", "deleteContact", "importContacts", "exportContacts");
routes_of!(leads: TypeName::lead(), "crm", "/api/v1/crm/leads", "/api/v1/crm/leads/{id}", LeadIn, LeadOut,
    "/api/v1/crm/leads/import", "/api/v1/crm/leads/export", "leads", "listLeads", "createLead", "getLead", "replaceLead",
    "changeLead", "deleteLead", "importLeads", "exportLeads");
routes_of!(opportunities: TypeName::opportunity(), "sales", "/api/v1/sales/opportunities", "/api/v1/sales/opportunities/{id}",
    OpportunityIn, OpportunityOut, "/api/v1/sales/opportunities/import", "/api/v1/sales/opportunities/export", "opportunities",
    "listOpportunities", "createOpportunity", "getOpportunity", "replaceOpportunity", "changeOpportunity",
    "deleteOpportunity", "importOpportunities", "exportOpportunities");

/// Make a contact of a lead
///
/// And an opportunity, unless `opportunity` is null; all in one commit. The lead keeps their ids, and its status is `converted`.
/// Raises `lead_converted` beside what the others raise. Needs `records:write`.
#[utoipa::path(post, path = "/api/v1/crm/leads/{id}/convert", operation_id = "convertLead", tag = "crm",
    params(("id" = String, Path, description = "rec_…"),
        ("If-Match" = Option<String>, Header, description = "The version that is to be converted.")),
    request_body = ConversionIn,
    responses((status = 200, description = "The lead, with the ids of what it became.", body = LeadOut), Faults),
    security(("bearer" = [])))]
async fn convert(
    State(app): State<Arc<App>>,
    Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
    Id(id): Id<RecordId>,
    seen: IfMatch,
    Json(sent): Json<ConversionIn>,
) -> Result<Shown<Value>, Problem> {
    let asked = Asked { who: &who, world: &world, app: &app };
    let kept = desk::convert(asked.desk(), &who, &id, expected(seen)?, sent.try_into()?).await?;
    Ok(asked.answer(&kept))
}
