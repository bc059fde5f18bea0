//! How does somebody read the audit, take it along, and see that it holds?

use crate::wire::{AnchorOut, AuditFilter, AuditOut, ExportFormat, ExportQuery, VerifiedOut, VerifyQuery};
use audit::{Entry, Line};
use axum::{Extension, body::Body, response::Response};
use edge::{Authorized, Faults, List, Paging, Problem, Query, Shown, Unspecific, Visitor, needs};
use http::{HeaderValue, header};
use kernel::{Fields, Instant};
use serde_json::json;
use std::sync::Arc;

/// The most rows of a page of an export.
const EXPORT_ROWS: i64 = 1000;

/// Search the audit
///
/// Who did what, newest first. All filters that are given must fit. A page looks at 20,000 rows at most: where few fit, it
/// may be short or even empty and still have a `next` link. With `text` it counts as a search: 30 a minute for the tenant
/// unless its settings say otherwise. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "admin", params(AuditFilter),
    responses((status = 200, body = List<AuditOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_audit(
    caller: Authorized<needs::AuditRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(wanted): Query<AuditFilter>,
    paging: Paging,
) -> Result<List<AuditOut>, Problem> {
    if wanted.text.is_some() {
        visitor.search(&caller.world).await?;
    }
    let filter = wanted.try_into().map_err(Problem::fields)?;
    let mut lease = caller.world.db.read().await?;
    let page = audit::list(&mut lease.scope(caller.call.tenant())?, &filter, &paging.request).await?;
    Ok(paging.list(page, AuditOut::from))
}

/// Verify the audit
///
/// Walks along the tenant's hash chain, 20,000 rows at a time, and names the first row that was edited, removed or moved.
/// Where `next` is not null the walk goes on there. With `sequence` and `hash` of a row that was kept elsewhere, the chain
/// must still hold that row, and the walk begins after it. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit/verify", tag = "admin", params(VerifyQuery),
    responses((status = 200, body = VerifiedOut), Faults), security(("bearer" = [])))]
pub(super) async fn verify_audit(
    caller: Authorized<needs::AuditRead>,
    Query(wanted): Query<VerifyQuery>,
) -> Result<Shown<VerifiedOut>, Problem> {
    let anchor = wanted.anchor().map_err(Problem::fields)?;
    let mut lease = caller.world.db.read().await?;
    let (verified, next) = audit::verify_from(&mut lease.scope(caller.call.tenant())?, anchor).await?;
    Ok(Shown::as_is("audit_verification", VerifiedOut::new(verified, next)))
}

/// The head of the audit
///
/// The place and the hash of the last row. Kept elsewhere, they prove another time that nothing before them was changed or
/// removed. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit/head", tag = "admin",
    responses((status = 200, body = AnchorOut), Faults), security(("bearer" = [])))]
pub(super) async fn audit_head(caller: Authorized<needs::AuditRead>) -> Result<Shown<AnchorOut>, Problem> {
    let mut lease = caller.world.db.read().await?;
    let head = audit::head(&mut lease.scope(caller.call.tenant())?).await?;
    Ok(Shown::as_is("audit_head", head.into()))
}

/// Export the audit
///
/// Oldest first, in pages of 1,000 rows or about two mebibytes; the header `Link` with `rel="next"` names the next page.
/// Pages one after the other are one file. `signalbox audit export` fetches all of them, `signalbox audit verify` proves
/// a file of `jsonl`. That somebody exports is a row of the audit itself. Its first page counts as a bulk operation: 10 an
/// hour for the tenant unless its settings say otherwise. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit/export", tag = "admin", params(ExportQuery),
    responses((status = 200, description = "Rows, one to a line.",
        content((String = "application/jsonl"), (String = "text/csv"))), Faults),
    security(("bearer" = [])))]
pub(super) async fn export_audit(
    caller: Authorized<needs::AuditRead>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(wanted): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let mut fields = Fields::new();
    let mut instant = |name: &str, text: &Option<String>| -> Option<Instant> {
        text.as_ref().and_then(|text| fields.take(name, text.parse()))
    };
    let (since, until) = (instant("since", &wanted.since), instant("until", &wanted.until));
    fields.done().map_err(Problem::fields)?;
    if wanted.cursor.is_none() {
        visitor.bulk(&caller.world).await?;
        note(&caller, &wanted).await?;
    }
    let mut lease = caller.world.db.read().await?;
    let mut scope = lease.scope(caller.call.tenant())?;
    let (from, below) = audit::range(&mut scope, since, until).await?;
    let from = wanted.cursor.unwrap_or(from).max(from);
    let (mut previous, rows) = audit::export(&mut scope, (from, below), EXPORT_ROWS).await?;
    let next = rows.last().map(|row| row.sequence.saturating_add(1)).filter(|next| *next < below);

    let mut text = match wanted.format {
        ExportFormat::Csv if wanted.cursor.is_none() => audit::HEADINGS.to_owned(),
        ExportFormat::Csv | ExportFormat::Jsonl => String::new(),
    };
    for row in rows {
        match wanted.format {
            ExportFormat::Csv => text.push_str(&audit::table_row(&row)),
            ExportFormat::Jsonl => {
                let line = Line { previous, row };
                previous = line.row.hash;
                text.push_str(&line.to_string());
                text.push('\n');
            }
        }
    }
    page(text, &wanted, next)
}

async fn note(caller: &Authorized<needs::AuditRead>, wanted: &ExportQuery) -> Result<(), Problem> {
    let after = json!({"format": wanted.format.as_str(), "since": wanted.since, "until": wanted.until});
    let entry = Entry { action: "audit.exported", subject: "audit", before: None, after: Some(after) };
    let mut tx = caller.world.db.begin().await?;
    audit::append(&mut tx.scope(caller.call.tenant()), &caller.call, &entry).await?;
    Ok(tx.commit().await?)
}

fn page(text: String, wanted: &ExportQuery, next: Option<i64>) -> Result<Response, Problem> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wanted.format.media_type()));
    let name = format!("attachment; filename=\"audit.{}\"", wanted.format.as_str());
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Unspecific::Internal);
    headers.insert(header::CONTENT_DISPOSITION, value(&name)?);
    if let Some(next) = next {
        let mut link = format!("</api/v1/admin/audit/export?format={}", wanted.format.as_str());
        for (name, instant) in [("since", &wanted.since), ("until", &wanted.until)] {
            // It was read as a time, so nothing in it but a `+` means anything in a query.
            if let Some(instant) = instant {
                link.push_str(&format!("&{name}={}", instant.replace('+', "%2B")));
            }
        }
        link.push_str(&format!("&cursor={next}>; rel=\"next\""));
        headers.insert(header::LINK, value(&link)?);
    }
    Ok(response)
}
