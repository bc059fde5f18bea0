//! Which roles does a tenant have, and who makes its own?
//!
//! Nobody makes a role with permissions that they lack, nor touches one that has such permissions: else whoever has the role
//! would become mightier by somebody who may not do as much.

use super::finish;
use crate::{AuthError, NewRole, Role, RoleError, RolePatch, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Call, Page, PageRequest, Permission, Permissions, Reach, RoleId};
use serde_json::{Value, json};

fn seen(role: &Role) -> Value {
    let permissions: Vec<&str> = role.permissions.iter().map(Permission::as_str).collect();
    json!({"name": role.name, "description": role.description, "permissions": permissions})
}

fn within_own(call: &Call, permissions: Permissions) -> Result<(), AuthError> {
    if call.principal.covers(permissions, &Reach::Everything) { Ok(()) } else { Err(AuthError::Beyond) }
}

async fn load(scope: &mut Scope<'_>, id: &RoleId) -> Result<Role, AuthError> {
    store::role::get(scope, id).await?.ok_or(AuthError::NotFound("role"))
}

/// A role of the tenant's own, if the caller may touch it.
async fn own(scope: &mut Scope<'_>, call: &Call, id: &RoleId) -> Result<Role, AuthError> {
    let role = load(scope, id).await?;
    role.changeable()?;
    within_own(call, role.permissions)?;
    Ok(role)
}

/// The tenant's roles.
///
/// # Errors
/// The database's.
pub async fn roles(db: &Db, call: &Call, page: &PageRequest) -> Result<Page<Role>, AuthError> {
    let mut lease = db.read().await?;
    let rows = store::role::list(&mut lease.scope(call.tenant())?, page).await?;
    Ok(Page::cut(rows, page, |role| role.id.to_string()))
}

/// One role.
///
/// # Errors
/// [`AuthError::NotFound`]; the database's.
pub async fn role(db: &Db, call: &Call, id: &RoleId) -> Result<Role, AuthError> {
    let mut lease = db.read().await?;
    load(&mut lease.scope(call.tenant())?, id).await
}

/// Makes a role.
///
/// # Errors
/// [`AuthError::Beyond`]; [`RoleError::NameTaken`], [`RoleError::TooMany`]; the database's.
pub async fn create_role(db: &Db, call: &Call, new: NewRole) -> Result<Role, AuthError> {
    within_own(call, new.permissions)?;
    let role = new.made(RoleId::new(call.now, &*call.chance), call.now);
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        if store::role::is_named(&mut scope, &role.name, &role.id).await? {
            return Err(RoleError::NameTaken.into());
        }
        if !store::role::insert(&mut scope, &role).await? {
            return Err(RoleError::TooMany.into());
        }
        let entry = Entry {
            action: "role.created",
            subject: role.id.as_str(),
            before: None,
            after: Some(seen(&role)),
        };
        audit::append(&mut scope, call, &entry).await?;
        Ok(role)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Changes a role of the tenant's own: whoever has it may do from the next request on what it says then.
///
/// # Errors
/// [`AuthError::Beyond`] if the role could do more than the caller, before or afterwards; [`RoleError::BuiltIn`],
/// [`RoleError::NameTaken`]; [`AuthError::Stale`] if `version` is given and not the present one; [`AuthError::Fields`],
/// [`AuthError::NotFound`]; the database's.
pub async fn change_role(
    db: &Db,
    call: &Call,
    id: &RoleId,
    version: Option<i64>,
    patch: RolePatch,
) -> Result<Role, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = own(&mut scope, call, id).await?;
        if version.is_some_and(|version| version != before.version) {
            return Err(AuthError::Stale);
        }
        let after = before.clone().change(call.tenant(), patch, call.now)?;
        within_own(call, after.permissions)?;
        if store::role::is_named(&mut scope, &after.name, id).await? {
            return Err(RoleError::NameTaken.into());
        }
        store::role::update(&mut scope, &after).await?;
        store::tenant::bump_access(&mut scope).await?;
        let entry = Entry {
            action: "role.changed",
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

/// Deletes a role that nobody has.
///
/// # Errors
/// [`RoleError::InUse`], [`RoleError::BuiltIn`]; [`AuthError::Beyond`], [`AuthError::Stale`], [`AuthError::NotFound`]; the
/// database's.
pub async fn delete_role(db: &Db, call: &Call, id: &RoleId, version: Option<i64>) -> Result<(), AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let before = own(&mut scope, call, id).await?;
        if version.is_some_and(|version| version != before.version) {
            return Err(AuthError::Stale);
        }
        match store::binding::of_role(&mut scope, id).await? {
            0 => store::role::delete(&mut scope, id).await?,
            bindings => return Err(RoleError::InUse(bindings).into()),
        }
        let entry =
            Entry { action: "role.deleted", subject: id.as_str(), before: Some(seen(&before)), after: None };
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
        BuiltIn, NewUser,
        service::{
            bind_role, create_user,
            stage::{PASSWORD, START, Stage},
            unbind_role,
        },
    };
    use futures::executor::block_on;
    use kernel::{Fault, Span, UserId};

    fn staged() -> (Stage, Call) {
        let stage = Stage::new();
        let owner = stage.as_bearer(&stage.set_up("acme-corp").api_key);
        (stage, owner)
    }

    fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
        outcome.map_or_else(|error| error.code(), |_| "")
    }

    fn made(stage: &Stage, call: &Call, name: &str, permissions: &[&str]) -> Result<Role, AuthError> {
        let names: Vec<String> = permissions.iter().map(|name| (*name).to_owned()).collect();
        let new = NewRole::new(call.tenant(), name, None, &names).unwrap();
        block_on(create_role(&stage.db, call, new))
    }

    fn permissions(names: &[&str]) -> RolePatch {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        RolePatch { permissions: Some(names), ..RolePatch::default() }
    }

    /// A user with these roles, and a call of theirs.
    fn user(stage: &Stage, owner: &Call, name: &str, roles: &[&RoleId]) -> (UserId, Call) {
        let email = format!("{name}@acme-corp.test");
        let new = NewUser::new(&email, name, Some(PASSWORD)).unwrap();
        let id = block_on(create_user(&stage.db, owner, new)).unwrap().user.id;
        for role in roles {
            block_on(bind_role(&stage.db, owner, &id, role)).unwrap();
        }
        let token = stage.login(None, &email, PASSWORD).unwrap().access_token;
        (id, stage.as_bearer(&token))
    }

    fn built_in(stage: &Stage, owner: &Call, wanted: BuiltIn) -> RoleId {
        let all = block_on(roles(&stage.db, owner, &PageRequest::default())).unwrap().items;
        all.into_iter().find(|role| role.built_in == Some(wanted)).unwrap().id
    }

    #[test]
    fn a_change_counts_from_the_next_request_on() {
        let (mut stage, owner) = staged();
        let role = made(&stage, &owner, "Support", &["rules:read"]).unwrap();
        let (_, call) = user(&stage, &owner, "ana", &[&role.id]);
        assert_eq!(call.principal.permissions, role.permissions);
        stage.now = START + Span::seconds(1);
        let patch = permissions(&["rules:read", "jobs:redrive"]);
        let changed = block_on(change_role(&stage.db, &owner, &role.id, Some(1), patch)).unwrap();
        assert_eq!(changed.version, 2);
        let token = stage.login(None, "ana@acme-corp.test", PASSWORD).unwrap().access_token;
        assert!(stage.as_bearer(&token).principal.may(Permission::JobsRedrive));
        let patch = permissions(&["rules:read"]);
        block_on(change_role(&stage.db, &owner, &role.id, Some(2), patch)).unwrap();
        assert!(!stage.as_bearer(&token).principal.may(Permission::JobsRedrive));
        let stale = block_on(change_role(&stage.db, &owner, &role.id, Some(2), RolePatch::default()));
        assert_eq!(code(stale), "PRECONDITION_FAILED");
        let audited = stage.audited("acme-corp");
        assert!(audited.contains(&"role.created".to_owned()) && audited.contains(&"role.changed".to_owned()));
    }

    #[test]
    fn what_is_built_in_stays() {
        let (stage, owner) = staged();
        for role in BuiltIn::ALL {
            let id = built_in(&stage, &owner, *role);
            let changed = block_on(change_role(&stage.db, &owner, &id, None, permissions(&[])));
            assert_eq!(code(changed), "ROLE_BUILT_IN", "{role:?}");
            assert_eq!(
                code(block_on(delete_role(&stage.db, &owner, &id, None))),
                "ROLE_BUILT_IN",
                "{role:?}"
            );
        }
    }

    #[test]
    fn a_role_in_use_stays_and_says_how_often() {
        let (stage, owner) = staged();
        let role = made(&stage, &owner, "Support", &["rules:read"]).unwrap().id;
        let (ana, _) = user(&stage, &owner, "ana", &[&role]);
        let (bob, _) = user(&stage, &owner, "bob", &[&role]);
        let refused = block_on(delete_role(&stage.db, &owner, &role, None)).unwrap_err();
        assert_eq!(refused.code(), "ROLE_IN_USE");
        assert!(refused.to_string().contains("2 bindings"), "{refused}");
        for user in [ana, bob] {
            block_on(unbind_role(&stage.db, &owner, &user, &role)).unwrap();
        }
        assert_eq!(code(block_on(delete_role(&stage.db, &owner, &role, Some(9)))), "PRECONDITION_FAILED");
        assert_eq!(code(block_on(delete_role(&stage.db, &owner, &role, None))), "");
        assert_eq!(code(block_on(super::role(&stage.db, &owner, &role))), "NOT_FOUND");
    }

    #[test]
    fn a_name_is_taken_in_any_mix_of_cases() {
        let (stage, owner) = staged();
        let one = made(&stage, &owner, "Support", &[]).unwrap();
        for name in ["support", "SUPPORT", "Owner"] {
            assert_eq!(code(made(&stage, &owner, name, &[])), "ROLE_NAME_TAKEN", "{name}");
        }
        made(&stage, &owner, "Sales", &[]).unwrap();
        let rename = |name: &str| RolePatch { name: Some(name.to_owned()), ..RolePatch::default() };
        let taken = block_on(change_role(&stage.db, &owner, &one.id, None, rename("sales")));
        assert_eq!(code(taken), "ROLE_NAME_TAKEN");
        assert_eq!(code(block_on(change_role(&stage.db, &owner, &one.id, None, rename("SUPPORT")))), "");
        // Another tenant has names of its own.
        let globex = stage.as_bearer(&stage.set_up("globex").api_key);
        assert_eq!(code(made(&stage, &globex, "Support", &[])), "");
        assert_eq!(code(block_on(delete_role(&stage.db, &globex, &one.id, None))), "NOT_FOUND");
    }

    #[test]
    fn nobody_makes_or_touches_a_role_that_may_more_than_they() {
        let (stage, owner) = staged();
        let admin = built_in(&stage, &owner, BuiltIn::Admin);
        let (_, call) = user(&stage, &owner, "ana", &[&admin]);
        let beyond = "BEYOND_OWN_PERMISSIONS";
        assert_eq!(code(made(&stage, &call, "Boss", &["settings:write"])), beyond);
        let mighty = made(&stage, &owner, "Boss", &["settings:write"]).unwrap().id;
        let small = made(&stage, &call, "Small", &["rules:read"]).unwrap().id;
        let change = |id: &RoleId, names: &[&str]| {
            code(block_on(change_role(&stage.db, &call, id, None, permissions(names))))
        };
        assert_eq!(change(&small, &["settings:write"]), beyond);
        assert_eq!(change(&mighty, &["rules:read"]), beyond);
        assert_eq!(code(block_on(delete_role(&stage.db, &call, &mighty, None))), beyond);
        assert_eq!(change(&small, &["rules:write"]), "");
    }

    #[test]
    fn the_platforms_permissions_count_in_no_other_tenant() {
        let (stage, owner) = staged();
        let role = made(&stage, &owner, "Support", &["rules:read"]).unwrap();
        let (_, _) = user(&stage, &owner, "ana", &[&role.id]);
        // Not even if somebody wrote them into the table.
        stage.meddle(
            r#"UPDATE roles SET permissions = '["rules:read","tenants:write"]' WHERE built_in IS NULL"#,
        );
        stage.meddle("UPDATE tenants SET access_revision = access_revision + 1");
        let token = stage.login(None, "ana@acme-corp.test", PASSWORD).unwrap().access_token;
        assert_eq!(stage.as_bearer(&token).principal.permissions, role.permissions);
        let shown = block_on(super::role(&stage.db, &owner, &role.id)).unwrap();
        assert_eq!(shown.permissions, role.permissions);
    }
}
