//! How does a tenant begin? With the built-in roles, an owner and an API key, all in one transaction.

use super::{
    Post,
    addresses::ask_to_confirm,
    api_keys::created,
    finish,
    logins::{Entrance, LoggedIn, start},
};
use crate::{
    ApiKey, ApiKeyState, AuthError, BuiltIn, Hashing, KeySecret, Method, Methods, NewApiKey, NewPassword,
    NewUser, PasswordPolicy, Tokens, Visit, hashing, password, store, tenant::sound_name,
};
use audit::Entry;
use db::{Db, Scope};
use kernel::{ApiKeyId, Call, Chance, FieldFault, Fields, Principal, RoleId, Secret, TenantId, UserId};
use serde_json::json;

/// A tenant to be set up.
#[derive(Debug, Clone)]
pub struct SetUp {
    tenant: TenantId,
    name: String,
    owner: NewUser,
}

impl SetUp {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(tenant: &str, name: &str, email: &str, password: &str) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let tenant: Option<TenantId> = fields.take("tenant", TenantId::claim(tenant));
        let name = fields.take("name", sound_name(name));
        let owner = NewUser::new(email, "Owner", Some(password));
        let owner = owner
            .map_err(|faults| faults.into_iter().for_each(|fault| fields.fault(fault.field, fault.message)))
            .ok();
        // Now that the names are known, too, that the password is not one of them.
        let words = [tenant.as_ref().map_or("", TenantId::as_str), name.as_deref().unwrap_or_default()];
        if let Some(owner) = &owner {
            let policy = PasswordPolicy::usual(Some(&owner.email), &words);
            fields.take("password", NewPassword::new(password, &policy));
        }
        let ((tenant, name), owner) = fields.give(tenant.zip(name).zip(owner))?;
        Ok(Self { tenant, name, owner })
    }
}

/// What was made.
#[derive(Debug, Clone)]
pub struct SetUpDone {
    /// The tenant.
    pub tenant: TenantId,
    /// Its owner.
    pub user: UserId,
    /// An API key with all permissions, shown once.
    pub api_key: Secret<String>,
}

/// Makes a tenant with its roles, its owner and an API key with all permissions.
///
/// # Errors
/// [`AuthError::TenantExists`], and then nothing was changed; the database's.
pub async fn setup(db: &Db, visit: &Visit, asked: SetUp) -> Result<SetUpDone, AuthError> {
    let (now, chance) = (visit.now, &*visit.chance);
    let hash = hash(&asked.owner, chance)?;
    let call = visit.call(Principal::system(asked.tenant.clone()));
    let secret = KeySecret::new(chance);
    let key = made(NewApiKey::first(), ApiKeyId::new(now, chance), &secret, "system", now);

    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&asked.tenant);
        let user = found(&mut scope, &call, &asked.name, &asked.owner, hash).await?;
        store::api_key::insert(&mut scope, &key, &secret.hash()).await?;
        audit::append(&mut scope, &call, &created(&key)).await?;
        Ok(user)
    };
    let outcome = work.await;
    let user = finish(tx, outcome).await?;
    Ok(SetUpDone { tenant: asked.tenant, user, api_key: secret.text().clone() })
}

/// Makes a tenant for somebody who signs up, and logs its owner in. Whether sign-up is open is the caller's to know.
///
/// # Errors
/// [`AuthError::TenantExists`], and then nothing was changed; [`AuthError::Busy`]; the database's.
pub async fn register(
    db: &Db,
    tokens: &Tokens,
    hashing: &dyn Hashing,
    post: Post<'_>,
    visit: &Visit,
    asked: SetUp,
) -> Result<LoggedIn, AuthError> {
    let hash = match &asked.owner.password {
        Some(new) => Some(hashing::hash(hashing, new.secret(), &*visit.chance).await?),
        None => None,
    };
    let call = visit.call(Principal::system(asked.tenant.clone()));
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(&asked.tenant);
        let user = found(&mut scope, &call, &asked.name, &asked.owner, hash).await?;
        ask_to_confirm(&mut scope, &call, post, &user, &asked.owner.email).await?;
        let member = store::user::get(&mut scope, &user).await?.ok_or(AuthError::NotFound("user"))?;
        let entrance = Entrance { cookie: false, methods: Methods::only(Method::Password) };
        start(&mut scope, tokens, visit, member, entrance).await
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Makes the tenant of those who run the installation, with its first administrator. It has no API key: who runs the platform
/// comes in as a person.
///
/// # Errors
/// [`AuthError::Fields`]; [`AuthError::TenantExists`], and then nothing was changed; the database's.
pub async fn setup_platform(
    db: &Db,
    visit: &Visit,
    email: &str,
    password: &str,
) -> Result<UserId, AuthError> {
    let owner = NewUser::new(email, "Administrator", Some(password))?;
    let tenant = TenantId::platform();
    let hash = hash(&owner, &*visit.chance)?;
    let call = visit.call(Principal::system(tenant.clone()));
    let mut tx = db.begin().await?;
    let outcome = found(&mut tx.scope(&tenant), &call, "Platform", &owner, hash).await;
    finish(tx, outcome).await
}

/// The hash of a new user's password, if there is one.
pub(super) fn hash(owner: &NewUser, chance: &dyn Chance) -> Result<Option<String>, AuthError> {
    let password = owner.password.as_ref();
    password.map(|new| password::hash_password(new.secret(), chance)).transpose()
}

/// Makes the tenant, its roles and its owner.
pub(super) async fn found(
    scope: &mut Scope<'_>,
    call: &Call,
    name: &str,
    owner: &NewUser,
    hash: Option<String>,
) -> Result<UserId, AuthError> {
    let (now, chance) = (call.now, &*call.chance);
    let user = UserId::new(now, chance);
    let roles: Vec<(RoleId, BuiltIn)> =
        BuiltIn::ALL.iter().map(|role| (RoleId::new(now, chance), *role)).collect();
    if !store::tenant::insert(scope, name, now).await? {
        return Err(AuthError::TenantExists);
    }
    store::role::insert_built_in(scope, &roles, now).await?;
    store::user::insert(scope, &user, &owner.email, &owner.name, hash, now).await?;
    for (id, _) in roles.iter().filter(|(_, role)| *role == BuiltIn::Owner) {
        store::role::bind(scope, &user, id, now).await?;
    }
    let tenant = scope.tenant().clone();
    audit::append_many(scope, call, &told(&tenant, name, owner, &user)).await?;
    Ok(user)
}

/// What the audit says of it.
fn told<'a>(tenant: &'a TenantId, name: &str, owner: &NewUser, user: &'a UserId) -> [Entry<'a>; 2] {
    [
        Entry {
            action: "tenant.created",
            subject: tenant.as_str(),
            before: None,
            after: Some(json!({"name": name})),
        },
        Entry {
            action: "user.created",
            subject: user.as_str(),
            before: None,
            after: Some(json!({"email": owner.email.as_str(), "roles": ["owner"]})),
        },
    ]
}

/// The key that comes of what was asked for.
pub(crate) fn made(
    new: NewApiKey,
    id: ApiKeyId,
    secret: &KeySecret,
    by: &str,
    now: kernel::Instant,
) -> ApiKey {
    ApiKey {
        id,
        prefix: secret.prefix.clone(),
        name: new.name,
        permissions: new.permissions,
        reach: new.reach,
        state: ApiKeyState::Active,
        rate_per_minute: new.rate_per_minute,
        networks: new.networks,
        replaced_by: None,
        created_by: by.to_owned(),
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Unbounded,
        service::stage::{PASSWORD, Stage},
    };
    use futures::executor::block_on;
    use kernel::Permissions;

    #[test]
    fn a_tenant_is_set_up_once() {
        let stage = Stage::new();
        let done = stage.set_up("acme-corp");
        let key = stage.as_bearer(&done.api_key);
        assert_eq!(key.principal.permissions, Permissions::all());
        let asked = SetUp::new("acme-corp", "Other", "eve@example.com", "another password").unwrap();
        let again = block_on(setup(&stage.db, &stage.visit(), asked));
        assert!(matches!(again, Err(AuthError::TenantExists)));
        // Nothing of the second stayed, and the first goes on.
        assert!(matches!(
            stage.login(None, "eve@example.com", "another password"),
            Err(AuthError::LoginFailed)
        ));
        assert!(stage.login(None, "owner@acme-corp.test", PASSWORD).is_ok());
        let audited = stage.audited("acme-corp");
        assert_eq!(audited[..3], ["tenant.created", "user.created", "api_key.created"]);
    }

    #[test]
    fn who_signs_up_owns_a_tenant_and_is_logged_in() {
        let stage = Stage::new();
        let asked = SetUp::new("acme-corp", "Acme", "ana@example.com", PASSWORD).unwrap();
        let (tokens, post) = (stage.gate.tokens(), stage.post());
        let ana =
            block_on(register(&stage.db, tokens, &Unbounded, post, &stage.visit(), asked.clone())).unwrap();
        assert_eq!(stage.as_bearer(&ana.access_token).principal.permissions, Permissions::all());
        assert_eq!(stage.audited("acme-corp"), ["tenant.created", "user.created", "session.created"]);
        let again = block_on(register(&stage.db, tokens, &Unbounded, post, &stage.visit(), asked));
        assert!(matches!(again, Err(AuthError::TenantExists)));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = SetUp::new("api", "", "x", "short").unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["tenant", "name", "email", "password"]);
    }
}
