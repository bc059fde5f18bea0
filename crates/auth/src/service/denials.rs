//! How does a denied attempt get into the audit? As one row in the tenant of whoever made it.

use super::finish;
use crate::{AuthError, Denial, store};
use audit::Entry;
use db::Db;
use kernel::{Call, Permission};
use serde_json::json;

/// Writes that something was denied to the caller. A tenant that is gone, or on its way out, keeps no more records.
///
/// # Errors
/// The database's.
pub async fn note_denial(db: &Db, call: &Call, denial: &Denial<'_>) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let tenant = store::tenant::get(&mut scope).await?;
        if tenant.is_none_or(|tenant| tenant.deleting_at.is_some()) {
            return Ok(());
        }
        let entry = Entry {
            action: "access.denied",
            subject: call.principal.actor.name(),
            before: None,
            after: Some(json!({
                "method": denial.method,
                "route": denial.route,
                "code": denial.code,
                "permission": denial.permission.map(Permission::as_str),
                "repeated": denial.repeated,
            })),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
