//! What does a tenant say of itself, and what may it change?

use super::finish;
use crate::{AuthError, Tenant, TenantPatch, store};
use audit::Entry;
use db::Db;
use kernel::Call;
use serde_json::{Value, json};

fn seen(tenant: &Tenant) -> Value {
    json!({"name": tenant.name, "settings": store::settings::whole(&tenant.settings)})
}

/// The caller's tenant.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn tenant(db: &Db, call: &Call) -> Result<Tenant, AuthError> {
    let mut lease = db.read().await?;
    let found = store::tenant::get(&mut lease.scope(call.tenant())?).await?;
    found.ok_or(AuthError::NotFound("organization"))
}

/// Changes the caller's tenant; `version` is its `updated_at` in milliseconds, if the caller names one.
///
/// # Errors
/// [`AuthError::Fields`], [`AuthError::Stale`], [`AuthError::NotFound`]; the database's.
pub async fn change_tenant(
    db: &Db,
    call: &Call,
    version: Option<i64>,
    patch: TenantPatch,
) -> Result<Tenant, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = store::tenant::get(&mut scope).await?;
        let before = before.ok_or(AuthError::NotFound("organization"))?;
        if version.is_some_and(|version| version != before.updated_at.millis()) {
            return Err(AuthError::Stale);
        }
        let after = before.clone().change(patch, call.now)?;
        store::tenant::update(&mut scope, &after).await?;
        let entry = Entry {
            action: "tenant.changed",
            subject: after.id.as_str(),
            before: Some(seen(&before)),
            after: Some(seen(&after)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
