//! Who is in the tenant, and who comes and goes?

use super::finish;
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
        before.changeable_by(call.principal.permissions)?;
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
        before.changeable_by(call.principal.permissions)?;
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
