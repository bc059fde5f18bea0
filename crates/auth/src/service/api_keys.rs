//! How do programs get their keys, and lose them?

use super::{finish, must_be_confirmed, setup::made};
use crate::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeyState, AuthError, KeySecret, NewApiKey, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{ApiKeyId, Call, Page, PageRequest, Permission, Span};
use serde_json::{Value, json};

/// What the audit says of a new key; never its secret.
pub(super) fn created(key: &ApiKey) -> Entry<'_> {
    Entry { action: "api_key.created", subject: key.id.as_str(), before: None, after: Some(told(key)) }
}

fn told(key: &ApiKey) -> Value {
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::as_str).collect();
    json!({
        "name": key.name,
        "prefix": key.prefix,
        "permissions": permissions,
        "scope": key.reach.to_string(),
        "rate_per_minute": key.rate_per_minute,
        "networks": key.networks.texts().collect::<Vec<_>>(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "replaced_by": key.replaced_by.as_ref().map(ApiKeyId::as_str),
    })
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

/// The tenant's keys that the filter lets through, newest first.
///
/// # Errors
/// The database's.
pub async fn api_keys(
    db: &Db,
    call: &Call,
    filter: &ApiKeyFilter,
    page: &PageRequest,
) -> Result<Page<ApiKey>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::api_key::list(&mut lease.scope(call.tenant())?, filter, page).await?;
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

/// A key that the caller may change: it is there, is not revoked, and cannot do more than they can.
async fn changeable(scope: &mut Scope<'_>, call: &Call, id: &ApiKeyId) -> Result<ApiKey, AuthError> {
    let key = store::api_key::get(scope, id).await?.ok_or(AuthError::NotFound("API key"))?;
    if !call.principal.covers(key.permissions, &key.reach) {
        return Err(AuthError::Beyond);
    }
    match key.state {
        ApiKeyState::Active => Ok(key),
        ApiKeyState::Revoked => Err(AuthError::Revoked("API key")),
    }
}

/// Changes a key's name, end, pace or networks; it counts from its next request on.
///
/// # Errors
/// [`AuthError::Fields`]; [`AuthError::Beyond`] if the key may do more than the caller; [`AuthError::Revoked`];
/// [`AuthError::NotFound`]; the database's.
pub async fn change_api_key(
    db: &Db,
    call: &Call,
    id: &ApiKeyId,
    patch: ApiKeyPatch,
) -> Result<ApiKey, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = changeable(&mut scope, call, id).await?;
        let old = told(&before);
        let after = before.change(patch, call.now)?;
        save(&mut scope, call, "api_key.changed", old, &after).await?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn save(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    before: Value,
    key: &ApiKey,
) -> Result<(), AuthError> {
    store::api_key::update(scope, key).await?;
    store::tenant::bump_access(scope).await?;
    let entry = Entry { action, subject: key.id.as_str(), before: Some(before), after: Some(told(key)) };
    Ok(audit::append(scope, call, &entry).await?)
}

/// Turns a key: another of the same kind takes its place, and the old one opens for `overlap` yet. The new secret is given
/// this once.
///
/// # Errors
/// [`AuthError::Beyond`] if the key may do more than the caller; [`AuthError::Revoked`]; [`AuthError::NotFound`]; the
/// database's.
pub async fn rotate_api_key(
    db: &Db,
    call: &Call,
    id: &ApiKeyId,
    overlap: Span,
) -> Result<(ApiKey, KeySecret), AuthError> {
    let secret = KeySecret::new(&*call.chance);
    let next = ApiKeyId::new(call.now, &*call.chance);
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let old = changeable(&mut scope, call, id).await?;
        if !old.opens(call.now) {
            return Err(AuthError::Revoked("API key"));
        }
        let new = made(old.successor(), next, &secret, call.principal.actor.name(), call.now);
        store::api_key::insert(&mut scope, &new, &secret.hash()).await?;
        audit::append(&mut scope, call, &created(&new)).await?;
        let before = told(&old);
        let old = old.replaced(&new.id, overlap, call.now);
        save(&mut scope, call, "api_key.rotated", before, &old).await?;
        Ok((new, secret))
    };
    let outcome = work.await;
    finish(tx, outcome).await
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

    fn by_prefix(key: &ApiKey) -> ApiKeyFilter {
        ApiKeyFilter { prefix: Some(key.prefix.clone()), ..ApiKeyFilter::default() }
    }

    #[test]
    fn a_key_is_turned_with_an_overlap() {
        let (mut stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let (next, new) = block_on(rotate_api_key(&stage.db, &owner, &key.id, Span::hours(24))).unwrap();
        assert_eq!((next.name.as_str(), next.permissions, next.expires_at), ("CI", key.permissions, None));
        let (old, new) = (Credential::Bearer(secret.text().clone()), Credential::Bearer(new.text().clone()));
        assert!(stage.check(&old).is_ok() && stage.check(&new).is_ok());
        stage.now = START + Span::hours(24);
        assert!(matches!(stage.check(&old), Err(AuthError::CredentialInvalid)));
        assert!(stage.check(&new).is_ok());
        let replaced = block_on(api_key(&stage.db, &owner, &key.id)).unwrap();
        assert_eq!(replaced.replaced_by, Some(next.id));
        let call = Call { now: stage.now, ..owner };
        let again = block_on(rotate_api_key(&stage.db, &call, &key.id, Span::hours(24)));
        assert!(matches!(again, Err(AuthError::Revoked(_))));
        assert!(stage.audited("acme-corp").contains(&"api_key.rotated".to_owned()));
    }

    #[test]
    fn nobody_turns_or_changes_a_key_that_may_do_more() {
        let (stage, owner) = staged();
        let (key, _) = made(&stage, &owner);
        let new = NewApiKey::new("Small", &["access:write".into()], None, None, START).unwrap();
        let (_, small) = block_on(create_api_key(&stage.db, &owner, new)).unwrap();
        let small = stage.as_bearer(small.text());
        let turned = block_on(rotate_api_key(&stage.db, &small, &key.id, Span::hours(1)));
        assert!(matches!(turned, Err(AuthError::Beyond)));
        let changed = block_on(change_api_key(&stage.db, &small, &key.id, ApiKeyPatch::default()));
        assert!(matches!(changed, Err(AuthError::Beyond)));
    }

    #[test]
    fn a_change_counts_from_the_next_request_on() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let bearer = Credential::Bearer(secret.text().clone());
        assert!(stage.check(&bearer).unwrap().networks.is_anywhere());
        let patch = ApiKeyPatch {
            networks: Some(vec!["192.0.2.0/24".to_owned()]),
            rate_per_minute: Some(9),
            ..ApiKeyPatch::default()
        };
        block_on(change_api_key(&stage.db, &owner, &key.id, patch)).unwrap();
        let checked = stage.check(&bearer).unwrap();
        assert!(checked.networks.admit(Some("192.0.2.1")) && !checked.networks.admit(Some("192.0.3.1")));
        assert_eq!(checked.rate_per_minute, 9);
    }

    #[test]
    fn keys_that_end_or_lie_idle_are_found() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let patch = ApiKeyPatch { expires_at: Some(Some(START + Span::days(3))), ..ApiKeyPatch::default() };
        block_on(change_api_key(&stage.db, &owner, &key.id, patch)).unwrap();
        let found = |filter: ApiKeyFilter| {
            let page = block_on(api_keys(&stage.db, &owner, &filter, &PageRequest::default())).unwrap();
            // Both were made in one millisecond: which comes first is chance.
            let mut names: Vec<String> = page.items.into_iter().map(|key| key.name).collect();
            names.sort();
            names
        };
        let ending =
            |days| ApiKeyFilter { expires_before: Some(START + Span::days(days)), ..ApiKeyFilter::default() };
        assert_eq!((found(ending(4)), found(ending(3))), (vec!["CI".to_owned()], Vec::new()));
        let idle = ApiKeyFilter { unused_since: Some(START + Span::millis(1)), ..ApiKeyFilter::default() };
        // The owner's own key is in use: this very call showed it.
        assert_eq!(found(idle.clone()), ["CI", "Set-up"]);
        assert!(stage.check(&Credential::Bearer(secret.text().clone())).is_ok());
        let revoked = ApiKeyFilter { state: Some(ApiKeyState::Revoked), ..ApiKeyFilter::default() };
        assert_eq!(found(revoked), Vec::<String>::new());
    }

    #[test]
    fn a_key_is_found_by_its_prefix_and_never_shows_its_secret() {
        let (stage, owner) = staged();
        let (key, secret) = made(&stage, &owner);
        let all = block_on(api_keys(&stage.db, &owner, &ApiKeyFilter::default(), &PageRequest::default()))
            .unwrap()
            .items;
        assert_eq!(all.len(), 2);
        let found = block_on(api_keys(&stage.db, &owner, &by_prefix(&key), &PageRequest::default())).unwrap();
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
        let found = block_on(api_keys(&stage.db, &other, &by_prefix(&key), &PageRequest::default())).unwrap();
        assert_eq!(found.items, []);
        assert!(stage.check(&Credential::Bearer(secret.text().clone())).is_ok());
    }
}
