//! How does somebody read the audit, and see that it holds?

use crate::wire::{AuditFilter, AuditOut, VerifiedOut};
use edge::{Authorized, Faults, List, Paging, Problem, Query, Shown, needs};
use kernel::Fields;

/// List the audit
///
/// Who did what, newest first. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "admin", params(AuditFilter),
    responses((status = 200, body = List<AuditOut>), Faults), security(("bearer" = [])))]
pub(super) async fn list_audit(
    caller: Authorized<needs::AuditRead>,
    Query(wanted): Query<AuditFilter>,
    paging: Paging,
) -> Result<List<AuditOut>, Problem> {
    let mut fields = Fields::new();
    let mut instant =
        |name: &str, text: Option<String>| text.and_then(|text| fields.take(name, text.parse()));
    let (since, until) = (instant("since", wanted.since), instant("until", wanted.until));
    fields.done().map_err(Problem::fields)?;
    let filter =
        audit::Filter { actor: wanted.actor, action: wanted.action, subject: wanted.subject, since, until };
    let mut lease = caller.world.db.read().await?;
    let page = audit::list(&mut lease.scope(caller.call.tenant())?, &filter, &paging.request).await?;
    Ok(paging.list(page, AuditOut::from))
}

/// Verify the audit
///
/// Walks the tenant's whole hash chain and names the first row that was edited, removed or moved. Needs `audit:read`.
#[utoipa::path(get, path = "/api/v1/admin/audit/verify", tag = "admin",
    responses((status = 200, body = VerifiedOut), Faults), security(("bearer" = [])))]
pub(super) async fn verify_audit(
    caller: Authorized<needs::AuditRead>,
) -> Result<Shown<VerifiedOut>, Problem> {
    let mut lease = caller.world.db.read().await?;
    let verified = audit::verify(&mut lease.scope(caller.call.tenant())?).await?;
    Ok(Shown::as_is("audit_verification", verified.into()))
}
