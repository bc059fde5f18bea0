//! Which routes lead to files of rules?

use crate::wire::{ExportQuery, ImportOut, ImportQuery};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::rejection::BytesRejection,
    response::Response,
};
use edge::{Faults, Problem, Query, Reaching, Shown, Unspecific, Visitor, needs};
use http::{HeaderMap, HeaderValue, header};
use kernel::Permission;
use rules::{FileFault, Format, RuleFile, service::files};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(import))
}

/// Export rules to a file
///
/// In the order of their keys, without ids and times, with the tenant's own triggers and modules that they stand on: the
/// same rules always give the same file, byte by byte. At most 1,000 rules and 1 MiB. Needs `rules:read`.
#[utoipa::path(
    get, path = "/api/v1/automation/rules/export", operation_id = "exportRules", tag = "rules",
    params(ExportQuery),
    responses(
        (status = 200, description = "The file.", content((String = "application/yaml"), (Object = "application/json"))),
        Faults
    ),
    security(("bearer" = []))
)]
async fn export(
    Reaching { who, world, .. }: Reaching<needs::RulesRead>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let wanted = query.wanted()?;
    let text = files::export(&world.db, &who, &wanted.filter, wanted.ids.as_deref(), wanted.format).await?;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wanted.format.media_type()));
    let name = format!("attachment; filename=\"rules.{}\"", wanted.format.as_str());
    let name = HeaderValue::from_str(&name).map_err(|_| Unspecific::Internal)?;
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// Import rules from a file
///
/// Takes what the export gives. Rules are found by their keys; those that are as the file says stay without a new version. All
/// of the file or nothing, in one transaction; every faulty field of every rule is told at once with its place,
/// `rules[3].conditions[0].value`. At most 1,000 rules and 1 MiB. `dry_run=true` tells what would be done and changes
/// nothing. Either counts as one bulk operation: 10 an hour for the tenant unless its settings say otherwise.
/// Needs `rules:write`, and `triggers:write` if triggers or modules change.
#[utoipa::path(
    post, path = "/api/v1/automation/rules/import", operation_id = "importRules", tag = "rules",
    params(ImportQuery),
    request_body(content((String = "application/yaml"), (Object = "application/json"))),
    responses((status = 200, description = "What was done, or would be done.", body = ImportOut), Faults),
    security(("bearer" = []))
)]
async fn import(
    Reaching { who, world, .. }: Reaching<needs::RulesWrite>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Shown<ImportOut>, Problem> {
    let format = format_of(&headers)?;
    let how = query.wanted()?;
    // A whole body is refused only for its length.
    let body = body.map_err(|_| FileFault::TooLarge)?;
    let file = RuleFile::read(&body, format)?;
    // To try it out costs as much as to do it.
    visitor.bulk(&world).await?;
    let over_triggers = who.reaching(Permission::TriggersWrite);
    let imported = files::import(&world.db, &who, &over_triggers, file, &how).await?;
    Ok(Shown::as_is("rule_import", ImportOut::of(imported, &how)))
}

/// How a body is written: YAML by its name in RFC 9512 or one that it had before, or JSON.
fn format_of(headers: &HeaderMap) -> Result<Format, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Ok(Format::Yaml),
        "application/json" => Ok(Format::Json),
        _ => Err(Unspecific::ContentType("application/yaml and application/json").into()),
    }
}
