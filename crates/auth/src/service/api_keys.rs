//! How do programs get their keys, and lose them?

use super::{finish, must_be_confirmed, setup::made};
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
            "scope": key.reach.to_string(),
            "rate_per_minute": key.rate_per_minute,
            "expires_at": key.expires_at.map(|at| at.to_string()),
        })),
    }
}

/// Makes a key; its secret is given this once.
///
/// # Errors
/// [`AuthError::Beyond`] if it could do more than its maker; [`crate::FactorError::Unconfirmed`] if it could change who may do
/// what, and its maker did not prove lately who they are; the database's.
pub async fn create_api_key(db: &Db, call: &Call, new: NewApiKey) -> Result<(ApiKey, KeySecret), AuthError> {
    if !call.principal.covers(new.permissions, &new.reach) {
        return Err(AuthError::Beyond);
    }
    // Such a key can make keys and change policies: whoever holds a stolen session must not get one.
    let powerful = [Permission::AccessWrite, Permission::SettingsWrite];
    if powerful.into_iter().any(|permission| new.permissions.has(permission)) {
        must_be_confirmed(call)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Credential,
        service::stage::{START, Stage},
    };
    use futures::executor::block_on;

    fn staged() -> (Stage, Call) {
        let stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        (stage, owner)
    }

    fn made(stage: &Stage, owner: &Call) -> (ApiKey, KeySecret) {
        let new = NewApiKey::new("CI", &["rules:read".into()], None, None, START).unwrap();
        block_on(create_api_key(&stage.db, owner, new)).unwrap()
    }

    #[test]
    fn a_key_is_found_by_its_prefix_and_never_shows_its_secret() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let all = block_on(api_keys(&stage.db, &owner, None, &PageRequest::default())).unwrap().items;
        assert_eq!(all.len(), 2);
        let found =
            block_on(api_keys(&stage.db, &owner, Some(&key.prefix), &PageRequest::default())).unwrap();
        assert_eq!(found.items, std::slice::from_ref(&key));
        assert!(secret.text().expose().starts_with(&format!("sbx_{}_", key.prefix)));
        let (_, hidden) = secret.text().expose().rsplit_once('_').unwrap();
        assert!(!format!("{key:?} {secret:?}").contains(hidden));
    }

    #[test]
    fn the_secret_stands_nowhere_in_the_database() {
        let (stage, owner) = staged();
        let (_, secret) = made(&stage, &owner);
        let (_, hidden) = secret.text().expose().rsplit_once('_').unwrap();
        let sql = "SELECT COUNT(*) AS n FROM audit_entries, api_keys
            WHERE instr(after, ?1) OR instr(prefix, ?1) OR instr(hex(api_keys.hash), upper(?1))";
        let found = block_on(async {
            let mut lease = stage.db.read().await.unwrap();
            lease.all_tenants().unwrap().one::<i64>(sql, [hidden.into()]).await.unwrap()
        });
        assert_eq!(found, Some(0));
    }

    #[test]
    fn a_revoked_key_is_refused_at_once_and_revoking_twice_is_once() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let bearer = Credential::Bearer(secret.text().clone());
        assert!(stage.check(&bearer).is_ok());
        for _ in 0..2 {
            block_on(revoke_api_key(&stage.db, &owner, &key.id)).unwrap();
            assert!(matches!(stage.check(&bearer), Err(AuthError::CredentialInvalid)));
        }
        let audited = stage.audited("acme-corp");
        assert_eq!(audited.iter().filter(|action| *action == "api_key.revoked").count(), 1);
    }

    #[test]
    fn another_tenants_key_is_not_there() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let other = stage.as_bearer(&stage.set_up("globex").api_key);
        assert!(matches!(block_on(api_key(&stage.db, &other, &key.id)), Err(AuthError::NotFound(_))));
        assert!(matches!(block_on(revoke_api_key(&stage.db, &other, &key.id)), Err(AuthError::NotFound(_))));
        let found =
            block_on(api_keys(&stage.db, &other, Some(&key.prefix), &PageRequest::default())).unwrap();
        assert_eq!(found.items, []);
        assert!(stage.check(&Credential::Bearer(secret.text().clone())).is_ok());
    }
}
