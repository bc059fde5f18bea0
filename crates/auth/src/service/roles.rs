//! Who gets which role, from whom?

use super::finish;
use crate::{AuthError, Member, Role, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, Page, PageRequest, RoleId, UserId};
use serde_json::json;

/// The tenant's roles.
///
/// # Errors
/// The database's.
pub async fn roles(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Role>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::role::list(&mut lease.scope(call.tenant())?, page).await?;
    Ok(Page::cut(rows, page, |role| role.id.to_string()))
}

/// The user and the role of a binding, if the caller may touch both: nobody gives away, or takes, what they do not have.
async fn touchable(
    scope: &mut Scope<'_>,
    call: &Call,
    user: &UserId,
    role: &RoleId,
) -> Result<(Member, Role), AuthError> {
    let member = store::user::get(scope, user).await?.ok_or(AuthError::NotFound("user"))?;
    let role = store::role::get(scope, role).await?.ok_or(AuthError::NotFound("role"))?;
    if !role.permissions.within(call.principal.permissions) {
        return Err(AuthError::Beyond);
    }
    member.changeable_by(call.principal.permissions)?;
    Ok((member, role))
}

/// Gives a user a role. Giving it twice is the same as once.
///
/// # Errors
/// [`AuthError::Beyond`] if the role, or the user, may do more than the caller; [`AuthError::NotFound`]; the database's.
pub async fn bind_role(db: &Db, call: &Call, user: &UserId, role: &RoleId) -> Result<Member, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let (before, role) = touchable(&mut scope, call, user, role).await?;
        if !store::role::bind(&mut scope, user, &role.id, call.now).await? {
            return Ok(before);
        }
        note(&mut scope, call, "role.bound", user, &role).await?;
        let after = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Takes a role from a user.
///
/// # Errors
/// [`AuthError::LastOwner`]; [`AuthError::Beyond`]; [`AuthError::NotFound`], also if the user did not have the role; the
/// database's.
pub async fn unbind_role(db: &Db, call: &Call, user: &UserId, role: &RoleId) -> Result<Member, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let (before, role) = touchable(&mut scope, call, user, role).await?;
        if role.built_in == Some(crate::BuiltIn::Owner) {
            before.dispensable(store::role::other_owners(&mut scope, user).await?)?;
        }
        if !store::role::unbind(&mut scope, user, &role.id).await? {
            return Err(AuthError::NotFound("role binding"));
        }
        note(&mut scope, call, "role.unbound", user, &role).await?;
        let after = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

async fn note(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    user: &UserId,
    role: &Role,
) -> Result<(), AuthError> {
    store::tenant::bump_access(scope).await?;
    let entry = Entry {
        action,
        subject: user.as_str(),
        before: None,
        after: Some(json!({"role": role.name, "role_id": role.id.as_str()})),
    };
    Ok(audit::append(scope, call, &entry).await?)
}
