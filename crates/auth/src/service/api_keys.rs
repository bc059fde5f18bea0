//! How do programs get their keys, and lose them?

use super::{finish, setup::made};
use crate::{ApiKey, AuthError, KeySecret, NewApiKey, store};
use audit::Entry;
use db::Db;
use kernel::{ApiKeyId, Call, Page, PageRequest, Permission};
use serde_json::json;

/// What the audit says of a new key; never its secret.
pub(super) fn created(key: &ApiKey) -> Entry<'_> {
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::as_str).collect();
    Entry {
        action: "api_key.created",
        subject: key.id.as_str(),
        before: None,
        after: Some(json!({
            "name": key.name,
            "prefix": key.prefix,
            "permissions": permissions,
            "rate_per_minute": key.rate_per_minute,
            "expires_at": key.expires_at.map(|at| at.to_string()),
        })),
    }
}

/// Makes a key; its secret is given this once.
///
/// # Errors
/// [`AuthError::Beyond`] if it could do more than its maker; the database's.
pub async fn create_api_key(db: &Db, call: &Call, new: NewApiKey) -> Result<(ApiKey, KeySecret), AuthError> {
    if !new.permissions.within(call.principal.permissions) {
        return Err(AuthError::Beyond);
    }
    let secret = KeySecret::new(&*call.chance);
    let id = ApiKeyId::new(call.now, &*call.chance);
    let key = made(new, id, &secret, call.principal.actor.name(), call.now);
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        store::api_key::insert(&mut scope, &key, &secret.hash()).await?;
        audit::append(&mut scope, call, &created(&key)).await?;
        Ok((key, secret))
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The tenant's keys, newest first; only the one with `prefix` if that is given.
///
/// # Errors
/// The database's.
pub async fn api_keys(
    db: &Db,
    call: &Call,
    prefix: Option<&str>,
    page: &PageRequest,
) -> Result<Page<ApiKey>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::api_key::list(&mut lease.scope(call.tenant())?, prefix, page).await?;
    Ok(Page::cut(rows, page, |key| key.id.to_string()))
}

/// One key.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn api_key(db: &Db, call: &Call, id: &ApiKeyId) -> Result<ApiKey, AuthError> {
    let mut lease = db.read().await?;
    let found = store::api_key::get(&mut lease.scope(call.tenant())?, id).await?;
    found.ok_or(AuthError::NotFound("API key"))
}

/// Revokes a key: its next request is refused. Revoking twice is the same as once.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn revoke_api_key(db: &Db, call: &Call, id: &ApiKeyId) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let key = store::api_key::get(&mut scope, id).await?.ok_or(AuthError::NotFound("API key"))?;
        if !store::api_key::revoke(&mut scope, id, call.now).await? {
            return Ok(());
        }
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "api_key.revoked",
            subject: id.as_str(),
            before: Some(json!({"name": key.name, "prefix": key.prefix})),
            after: None,
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}
