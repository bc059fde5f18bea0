//! Which routes lead to contacts, leads and opportunities? The same for each; what differs is the type.

use super::{App, Asked, Wanted};
use crate::wire::{
    FieldsIn,
    built_in::{ContactIn, ContactOut, LeadIn, LeadOut, OpportunityIn, OpportunityOut, RecordsQuery},
};
use axum::{Extension, extract::State, response::NoContent};
use edge::{Faults, Id, IfMatch, Json, List, Paging, Problem, Reaching, Shown, Visitor, needs};
use kernel::RecordId;
use records::TypeName;
use serde_json::Value;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().merge(contacts::routes()).merge(leads::routes()).merge(opportunities::routes())
}

/// The routes of one built-in type.
macro_rules! routes_of {
    ($room:ident: $kind:expr, $tag:tt, $list:tt, $one:tt, $body:ident, $out:ident,
        $ids:tt, $list_id:tt, $create_id:tt, $get_id:tt, $replace_id:tt, $change_id:tt, $delete_id:tt) => {
        mod $room {
            use super::*;

            /// The name of the type.
            fn kind() -> TypeName {
                $kind
            }

            pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
                OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, replace, change, delete))
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
                summary = concat!("Make one of the ", $ids),
                description = "Raises its events in the same commit. Needs `records:write`.",
                responses((status = 201, body = $out), Faults), security(("bearer" = [])))]
            async fn create(
                State(app): State<Arc<App>>,
                Reaching { who, world, .. }: Reaching<needs::RecordsWrite>,
                Json(sent): Json<FieldsIn>,
            ) -> Result<Shown<Value>, Problem> {
                Asked { who: &who, world: &world, app: &app }.create(&kind(), sent, $list).await
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
        }
    };
}

routes_of!(contacts: TypeName::contact(), "crm", "/api/v1/crm/contacts", "/api/v1/crm/contacts/{id}", ContactIn, ContactOut,
    "contacts", "listContacts", "createContact", "getContact", "replaceContact", "changeContact", "deleteContact");
routes_of!(leads: TypeName::lead(), "crm", "/api/v1/crm/leads", "/api/v1/crm/leads/{id}", LeadIn, LeadOut,
    "leads", "listLeads", "createLead", "getLead", "replaceLead", "changeLead", "deleteLead");
routes_of!(opportunities: TypeName::opportunity(), "sales", "/api/v1/sales/opportunities", "/api/v1/sales/opportunities/{id}",
    OpportunityIn, OpportunityOut, "opportunities", "listOpportunities", "createOpportunity", "getOpportunity",
    "replaceOpportunity", "changeOpportunity", "deleteOpportunity");
