//! How does somebody whom a provider vouches for become one of the tenant's users, with the roles that follow?

use crate::{
    AuthError, BuiltIn, Connection, Email, Member, Role, SignOnError, Visit,
    claim::{self, Asserted},
    sign_on::{Admission, admit},
    store::{self, sign_on as rows},
};
use audit::Entry;
use db::Scope;
use kernel::{Call, Principal, Reach, RoleId, UserId};
use serde_json::json;

fn as_system(scope: &Scope<'_>, visit: &Visit) -> Call {
    visit.call(Principal::system(scope.tenant().clone()))
}

/// The user that the person is, linked or made if need be.
pub(super) async fn admitted(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
) -> Result<UserId, AuthError> {
    let (id, subject, now) = (&connection.id, asserted.subject.as_str(), visit.now);
    let acquainted = rows::acquainted(scope, id, subject, asserted.email.as_ref()).await?;
    let user = match admit(connection, asserted, &acquainted)? {
        Admission::Known(user) => {
            rows::used(scope, id, subject, now).await?;
            return Ok(user);
        }
        Admission::Link(user) => user,
        Admission::Create(email) => create(scope, visit, connection, asserted, &email).await?,
    };
    rows::link(scope, id, subject, &user, now).await?;
    let entry = Entry {
        action: "user.linked",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"connection_id": id.as_str()})),
    };
    audit::append(scope, &as_system(scope, visit), &entry).await?;
    Ok(user)
}

async fn create(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
    email: &Email,
) -> Result<UserId, AuthError> {
    let user = UserId::new(visit.now, &*visit.chance);
    if !store::user::insert(scope, &user, email, &asserted.display_name(), None, visit.now).await? {
        return Err(SignOnError::NoAccount.into());
    }
    let entry = Entry {
        action: "user.created",
        subject: user.as_str(),
        before: None,
        after: Some(json!({"email": email.as_str(), "connection_id": connection.id.as_str()})),
    };
    audit::append(scope, &as_system(scope, visit), &entry).await?;
    for role in &connection.default_roles {
        give(scope, visit, &user, role).await?;
    }
    store::tenant::bump_access(scope).await?;
    Ok(user)
}

/// The user with the roles that follow from what the provider said.
pub(super) async fn turned(
    scope: &mut Scope<'_>,
    visit: &Visit,
    connection: &Connection,
    asserted: &Asserted,
    user: &UserId,
) -> Result<Member, AuthError> {
    let member = store::user::get(scope, user).await?.ok_or(SignOnError::NoAccount)?;
    let present: Vec<RoleId> = member.roles.iter().map(|(id, _)| id.clone()).collect();
    let turn = claim::turn(&connection.mapping, asserted, &present);
    if turn.give.is_empty() && turn.take.is_empty() {
        return Ok(member);
    }
    for role in &turn.give {
        give(scope, visit, user, role).await?;
    }
    for role in &turn.take {
        take_away(scope, visit, user, role).await?;
    }
    store::tenant::bump_access(scope).await?;
    Ok(store::user::get(scope, user).await?.ok_or(SignOnError::NoAccount)?)
}

/// Gives a role that is still there. The owner's is never given, however it came into the mapping.
async fn give(scope: &mut Scope<'_>, visit: &Visit, user: &UserId, role: &RoleId) -> Result<(), AuthError> {
    let role = store::role::get(scope, role).await?;
    let Some(role) = role.filter(|role| role.built_in != Some(BuiltIn::Owner)) else {
        return Ok(());
    };
    // Who has as many bindings as anybody may have keeps those; the provider's claims are no reason to turn them away.
    if !store::binding::has_room(scope, user).await? {
        return Ok(());
    }
    if store::role::bind(scope, user, &role.id, visit.now).await? {
        note_role(scope, visit, "role.bound", user, &role).await?;
    }
    Ok(())
}

/// Takes a role away. The owner's is never taken, so the last owner stays.
async fn take_away(
    scope: &mut Scope<'_>,
    visit: &Visit,
    user: &UserId,
    role: &RoleId,
) -> Result<(), AuthError> {
    let role = store::role::get(scope, role).await?;
    let Some(role) = role.filter(|role| role.built_in != Some(BuiltIn::Owner)) else {
        return Ok(());
    };
    if store::binding::unbind(scope, user, &role.id, &Reach::Everything).await? {
        note_role(scope, visit, "role.unbound", user, &role).await?;
    }
    Ok(())
}

async fn note_role(
    scope: &mut Scope<'_>,
    visit: &Visit,
    action: &str,
    user: &UserId,
    role: &Role,
) -> Result<(), AuthError> {
    let after = Some(json!({"role": role.name, "role_id": role.id.as_str()}));
    let entry = Entry { action, subject: user.as_str(), before: None, after };
    Ok(audit::append(scope, &as_system(scope, visit), &entry).await?)
}
