//! Who is in the tenant, and who comes and goes?

use super::{finish, person};
use crate::{AuthError, Member, NewUser, UserPatch, UserState, password, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, Page, PageRequest, UserId};
use serde_json::{Value, json};

fn seen(member: &Member) -> Value {
    let roles: Vec<&str> = member.roles.iter().map(|(_, name)| name.as_str()).collect();
    json!({
        "email": member.user.email.as_str(),
        "name": member.user.name,
        "state": member.user.state.as_str(),
        "roles": roles,
    })
}

async fn load(scope: &mut Scope<'_>, id: &UserId) -> Result<Member, AuthError> {
    store::user::get(scope, id).await?.ok_or(AuthError::NotFound("user"))
}

/// Makes a user without any role: what they may do is bound apart.
///
/// # Errors
/// [`AuthError::EmailTaken`]; the database's.
pub async fn create_user(db: &Db, call: &Call, new: NewUser) -> Result<Member, AuthError> {
    let hash = new
        .password
        .as_ref()
        .map(|password| password::hash_password(password.secret(), &*call.chance))
        .transpose()?;
    let id = UserId::new(call.now, &*call.chance);
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if !store::user::insert(&mut scope, &id, &new.email, &new.name, hash, call.now).await? {
            return Err(AuthError::EmailTaken);
        }
        let member = load(&mut scope, &id).await?;
        let entry =
            Entry { action: "user.created", subject: id.as_str(), before: None, after: Some(seen(&member)) };
        audit::append(&mut scope, call, &entry).await?;
        Ok(member)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// The tenant's users, oldest first.
///
/// # Errors
/// The database's.
pub async fn users(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Member>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::user::list(&mut lease.scope(call.tenant())?, page).await?;
    Ok(Page::cut(rows, page, |member| member.user.id.to_string()))
}

/// One user.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn user(db: &Db, call: &Call, id: &UserId) -> Result<Member, AuthError> {
    let mut lease = db.read().await?;
    load(&mut lease.scope(call.tenant())?, id).await
}

/// The user behind the call.
///
/// # Errors
/// [`AuthError::NeedsSession`] for an API key; the database's.
pub async fn me(db: &Db, call: &Call) -> Result<Member, AuthError> {
    let (id, _) = person(call)?;
    user(db, call, id).await
}

/// Renames, disables or enables a user. Who is disabled loses all sessions at once.
///
/// # Errors
/// [`AuthError::Beyond`], [`AuthError::LastOwner`], [`AuthError::Stale`] if `version` is given and not the present one,
/// [`AuthError::Fields`], [`AuthError::NotFound`]; the database's.
pub async fn change_user(
    db: &Db,
    call: &Call,
    id: &UserId,
    version: Option<i64>,
    patch: UserPatch,
) -> Result<Member, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = load(&mut scope, id).await?;
        before.changeable_by(&call.principal)?;
        if version.is_some_and(|version| version != before.user.version) {
            return Err(AuthError::Stale);
        }
        let user = before.user.clone().change(patch, call.now)?;
        let goes = user.state == UserState::Disabled && before.user.state == UserState::Active;
        if goes {
            before.dispensable(store::role::other_owners(&mut scope, id).await?)?;
            store::session::revoke_all(&mut scope, id, None, call.now).await?;
        }
        if user.state != before.user.state {
            store::tenant::bump_access(&mut scope).await?;
        }
        store::user::update(&mut scope, &user).await?;
        let after = Member { user, ..before.clone() };
        let entry = Entry {
            action: "user.changed",
            subject: id.as_str(),
            before: Some(seen(&before)),
            after: Some(seen(&after)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Removes a user with their sessions and role bindings.
///
/// # Errors
/// [`AuthError::Beyond`], [`AuthError::LastOwner`], [`AuthError::NotFound`]; the database's.
pub async fn delete_user(db: &Db, call: &Call, id: &UserId) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = load(&mut scope, id).await?;
        before.changeable_by(&call.principal)?;
        before.dispensable(store::role::other_owners(&mut scope, id).await?)?;
        store::user::delete(&mut scope, id).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry =
            Entry { action: "user.deleted", subject: id.as_str(), before: Some(seen(&before)), after: None };
        audit::append(&mut scope, call, &entry).await?;
        Ok(())
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::{PASSWORD, START, Stage};
    use futures::executor::block_on;
    use kernel::{Fault, Span};

    fn made(stage: &Stage, owner: &Call, email: &str) -> Result<Member, AuthError> {
        let new = NewUser::new(email, "Ana", Some(PASSWORD)).unwrap();
        block_on(create_user(&stage.db, owner, new))
    }

    fn staged() -> (Stage, Call) {
        let stage = Stage::new();
        let done = stage.set_up("acme-corp");
        let owner = stage.as_bearer(&done.api_key);
        (stage, owner)
    }

    #[test]
    fn an_address_is_one_user_in_a_tenant_and_may_be_another_elsewhere() {
        let (stage, owner) = staged();
        made(&stage, &owner, "ana@example.com").unwrap();
        assert!(matches!(made(&stage, &owner, "ANA@example.com"), Err(AuthError::EmailTaken)));
        let other = stage.as_bearer(&stage.set_up("globex").api_key);
        assert!(made(&stage, &other, "ana@example.com").is_ok());
    }

    #[test]
    fn who_is_disabled_is_out_at_once_and_enabled_must_log_in_anew() {
        let (stage, owner) = staged();
        let id = made(&stage, &owner, "ana@example.com").unwrap().user.id;
        let token = stage.login(None, "ana@example.com", PASSWORD).unwrap().access_token;
        let bearer = crate::Credential::Bearer(token);
        assert!(stage.check(&bearer).is_ok());
        for state in [UserState::Disabled, UserState::Active] {
            let patch = UserPatch { name: None, state: Some(state) };
            block_on(change_user(&stage.db, &owner, &id, None, patch)).unwrap();
            assert!(matches!(stage.check(&bearer), Err(AuthError::CredentialInvalid)), "{state:?}");
        }
        assert!(stage.login(None, "ana@example.com", PASSWORD).is_ok());
    }

    #[test]
    fn who_is_deleted_is_out_and_leaves_a_trace() {
        let (stage, owner) = staged();
        let id = made(&stage, &owner, "ana@example.com").unwrap().user.id;
        let logged_in = stage.login(None, "ana@example.com", PASSWORD).unwrap();
        block_on(delete_user(&stage.db, &owner, &id)).unwrap();
        let bearer = crate::Credential::Bearer(logged_in.access_token);
        assert!(matches!(stage.check(&bearer), Err(AuthError::CredentialInvalid)));
        assert!(matches!(block_on(user(&stage.db, &owner, &id)), Err(AuthError::NotFound(_))));
        let audited = stage.audited("acme-corp");
        assert_eq!(&audited[3..], ["user.created", "session.created", "user.deleted"]);
    }

    #[test]
    fn a_stale_version_changes_nothing() {
        let (mut stage, owner) = staged();
        let ana = made(&stage, &owner, "ana@example.com").unwrap().user;
        stage.now = START + Span::seconds(1);
        let patch = |name: &str| UserPatch { name: Some(name.to_owned()), state: None };
        let change =
            |version, name: &str| block_on(change_user(&stage.db, &owner, &ana.id, version, patch(name)));
        assert_eq!(change(Some(1), "Ana Li").unwrap().user.version, 2);
        assert_eq!(change(Some(1), "Ana X").unwrap_err().code(), "PRECONDITION_FAILED");
        assert_eq!(change(None, "\n").unwrap_err().code(), "VALIDATION_ERROR");
        assert_eq!(change(Some(2), "Ana Y").unwrap().user.name, "Ana Y");
    }

    #[test]
    fn a_list_goes_on() {
        let (mut stage, owner) = staged();
        for number in 0..5 {
            stage.now = START + Span::millis(number);
            let new = NewUser::new(&format!("u{number}@example.com"), "U", None).unwrap();
            block_on(create_user(&stage.db, &stage.call(owner.principal.clone()), new)).unwrap();
        }
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = block_on(users(&stage.db, &owner, &PageRequest::new(2, after).unwrap())).unwrap();
            seen.extend(page.items.into_iter().map(|member| member.user.email.to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }
}
