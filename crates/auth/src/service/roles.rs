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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BuiltIn, NewApiKey, NewUser, UserPatch, UserState,
        service::{
            change_user, create_api_key, create_user, delete_user,
            stage::{PASSWORD, START, Stage},
            user,
        },
    };
    use futures::executor::block_on;
    use kernel::{Fault, Permissions};

    /// A tenant with one user of each role; what they are called is their role.
    struct Cast {
        stage: Stage,
        owner: Call,
        roles: Vec<Role>,
    }

    impl Cast {
        fn new() -> Self {
            let stage = Stage::new();
            let done = stage.set_up("acme-corp");
            let owner = stage.as_bearer(&done.api_key);
            let roles = block_on(roles(&stage.db, &owner, &PageRequest::default())).unwrap().items;
            Self { stage, owner, roles }
        }

        fn role(&self, wanted: BuiltIn) -> RoleId {
            self.roles.iter().find(|role| role.built_in == Some(wanted)).unwrap().id.clone()
        }

        /// A new user with a role, and a call of theirs.
        fn user(&self, role: BuiltIn) -> (UserId, Call) {
            let email = format!("{}@acme-corp.test", role.as_str());
            let email = if role == BuiltIn::Owner { "other@acme-corp.test".to_owned() } else { email };
            let new = NewUser::new(&email, role.as_str(), Some(PASSWORD)).unwrap();
            let id = block_on(create_user(&self.stage.db, &self.owner, new)).unwrap().user.id;
            block_on(bind_role(&self.stage.db, &self.owner, &id, &self.role(role))).unwrap();
            let token = self.stage.login(None, &email, PASSWORD).unwrap().access_token;
            (id, self.stage.as_bearer(&token))
        }

        fn first_owner(&self) -> UserId {
            let page = PageRequest::new(1, None).unwrap();
            block_on(super::super::users(&self.stage.db, &self.owner, &page)).unwrap().items[0]
                .user
                .id
                .clone()
        }
    }

    fn code<T>(outcome: Result<T, AuthError>) -> &'static str {
        outcome.map_or_else(|error| error.code(), |_| "")
    }

    #[test]
    fn a_tenant_has_the_built_in_roles() {
        let cast = Cast::new();
        let names: Vec<&str> = cast.roles.iter().map(|role| role.name.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["admin", "editor", "operator", "owner", "viewer"]);
        for role in &cast.roles {
            assert_eq!(role.permissions, role.built_in.unwrap().permissions());
        }
    }

    #[test]
    fn nobody_makes_themselves_or_others_mightier() {
        let cast = Cast::new();
        let (admin, call) = cast.user(BuiltIn::Admin);
        let (viewer, _) = cast.user(BuiltIn::Viewer);
        let bind = |call: &Call, user: &UserId, role: BuiltIn| {
            code(block_on(bind_role(&cast.stage.db, call, user, &cast.role(role))))
        };
        assert_eq!(bind(&call, &admin, BuiltIn::Owner), "BEYOND_OWN_PERMISSIONS");
        assert_eq!(bind(&call, &viewer, BuiltIn::Owner), "BEYOND_OWN_PERMISSIONS");
        assert_eq!(bind(&call, &viewer, BuiltIn::Admin), "");
        // Nor does a key that may only manage access.
        let new = NewApiKey::new("access", &["access:write".into()], None, None, START).unwrap();
        let (_, secret) = block_on(create_api_key(&cast.stage.db, &cast.owner, new)).unwrap();
        let key = cast.stage.as_bearer(secret.text());
        assert_eq!(bind(&key, &viewer, BuiltIn::Viewer), "BEYOND_OWN_PERMISSIONS");
        let new = NewApiKey::new("more", &["rules:write".into()], None, None, START).unwrap();
        assert_eq!(code(block_on(create_api_key(&cast.stage.db, &key, new))), "BEYOND_OWN_PERMISSIONS");
    }

    #[test]
    fn nobody_touches_somebody_mightier() {
        let cast = Cast::new();
        let (_, admin) = cast.user(BuiltIn::Admin);
        let (owner, _) = cast.user(BuiltIn::Owner);
        let db = &cast.stage.db;
        let disable = UserPatch { name: None, state: Some(UserState::Disabled) };
        assert_eq!(code(block_on(change_user(db, &admin, &owner, None, disable))), "BEYOND_OWN_PERMISSIONS");
        assert_eq!(code(block_on(delete_user(db, &admin, &owner))), "BEYOND_OWN_PERMISSIONS");
        let unbound = block_on(unbind_role(db, &admin, &owner, &cast.role(BuiltIn::Owner)));
        assert_eq!(code(unbound), "BEYOND_OWN_PERMISSIONS");
        // Not even by giving or taking a small role.
        let unbound = block_on(unbind_role(db, &admin, &owner, &cast.role(BuiltIn::Viewer)));
        assert_eq!(code(unbound), "BEYOND_OWN_PERMISSIONS");
    }

    #[test]
    fn the_last_owner_stays_by_every_way() {
        let cast = Cast::new();
        let (db, first) = (&cast.stage.db, cast.first_owner());
        let disable = || UserPatch { name: None, state: Some(UserState::Disabled) };
        let ways = |user: &UserId| {
            [
                code(block_on(unbind_role(db, &cast.owner, user, &cast.role(BuiltIn::Owner)))),
                code(block_on(change_user(db, &cast.owner, user, None, disable()))),
                code(block_on(delete_user(db, &cast.owner, user))),
            ]
        };
        assert_eq!(ways(&first), ["LAST_OWNER"; 3]);
        let (second, _) = cast.user(BuiltIn::Owner);
        assert_eq!(code(block_on(change_user(db, &cast.owner, &second, None, disable()))), "");
        // A disabled owner is none.
        assert_eq!(ways(&first), ["LAST_OWNER"; 3]);
        let enable = UserPatch { name: None, state: Some(UserState::Active) };
        assert_eq!(code(block_on(change_user(db, &cast.owner, &second, None, enable))), "");
        assert_eq!(code(block_on(delete_user(db, &cast.owner, &first))), "");
        assert_eq!(ways(&second), ["LAST_OWNER"; 3]);
    }

    #[test]
    fn a_binding_counts_at_once_and_twice_is_once() {
        let cast = Cast::new();
        let (viewer, call) = cast.user(BuiltIn::Viewer);
        assert_eq!(call.principal.permissions, BuiltIn::Viewer.permissions());
        let db = &cast.stage.db;
        for _ in 0..2 {
            block_on(bind_role(db, &cast.owner, &viewer, &cast.role(BuiltIn::Editor))).unwrap();
        }
        let member = block_on(user(db, &cast.owner, &viewer)).unwrap();
        assert_eq!((member.roles.len(), member.permissions), (2, BuiltIn::Editor.permissions()));
        let token = cast.stage.login(None, "viewer@acme-corp.test", PASSWORD).unwrap().access_token;
        assert_eq!(cast.stage.as_bearer(&token).principal.permissions, BuiltIn::Editor.permissions());
        for wanted in ["", "NOT_FOUND"] {
            let unbound = block_on(unbind_role(db, &cast.owner, &viewer, &cast.role(BuiltIn::Editor)));
            assert_eq!(code(unbound), wanted);
        }
        assert_eq!(cast.stage.as_bearer(&token).principal.permissions, BuiltIn::Viewer.permissions());
    }

    #[test]
    fn another_tenants_users_and_roles_are_not_there() {
        let cast = Cast::new();
        let (viewer, _) = cast.user(BuiltIn::Viewer);
        let done = cast.stage.set_up("globex");
        let globex = cast.stage.as_bearer(&done.api_key);
        let theirs = block_on(roles(&cast.stage.db, &globex, &PageRequest::default())).unwrap().items;
        let db = &cast.stage.db;
        assert_eq!(code(block_on(bind_role(db, &globex, &viewer, &theirs[0].id))), "NOT_FOUND");
        assert_eq!(code(block_on(bind_role(db, &cast.owner, &viewer, &theirs[0].id))), "NOT_FOUND");
        assert_eq!(code(block_on(delete_user(db, &globex, &viewer))), "NOT_FOUND");
        assert_eq!(code(block_on(user(db, &globex, &viewer))), "NOT_FOUND");
    }

    #[test]
    fn a_new_user_may_nothing() {
        let cast = Cast::new();
        let new = NewUser::new("eve@acme-corp.test", "Eve", Some(PASSWORD)).unwrap();
        let member = block_on(create_user(&cast.stage.db, &cast.owner, new)).unwrap();
        assert_eq!((member.permissions, member.roles.len()), (Permissions::NONE, 0));
    }
}
