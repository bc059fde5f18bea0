//! Who gets which role, where, and from whom?
//!
//! Nobody gives away, or takes, what they do not have themselves over the same part of the tenant; nobody touches somebody
//! mightier; nobody gives anything to themselves; the last owner stays.

use super::finish;
use crate::{AuthError, Binding, BuiltIn, Member, Role, RoleError, store};
use audit::Entry;
use db::{Db, Scope};
use kernel::{Actor, Call, Cursor, FieldFault, Page, PageError, PageRequest, Reach, RoleId, UserId};
use serde_json::json;

/// Which bindings are wanted.
#[derive(Debug, Clone, Default)]
pub struct BindingFilter {
    /// Only those of this user.
    pub user: Option<UserId>,
    /// Only those of this role.
    pub role: Option<RoleId>,
}

/// The tenant's bindings.
///
/// # Errors
/// [`AuthError::Fields`] for a cursor of another list; the database's.
pub async fn bindings(
    db: &Db,
    call: &Call,
    filter: &BindingFilter,
    page: &PageRequest,
) -> Result<Page<Binding>, AuthError> {
    let key = page.after.as_ref().map_or("  ", Cursor::key);
    let mut parts = key.splitn(3, ' ');
    let (Some(user), Some(role), Some(reach)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(vec![FieldFault::new("cursor", PageError::Cursor)].into());
    };
    let mut lease = db.read().await?;
    let mut scope = lease.scope(call.tenant())?;
    let (of_user, of_role) = (filter.user.as_ref(), filter.role.as_ref());
    let rows = store::binding::list(&mut scope, of_user, of_role, [user, role, reach], page).await?;
    Ok(Page::cut(rows, page, |one| format!("{} {} {}", one.user, one.role, one.reach)))
}

/// The user and the role of a binding, if the caller may touch both.
async fn touchable(
    scope: &mut Scope<'_>,
    call: &Call,
    user: &UserId,
    role: &RoleId,
    reach: &Reach,
) -> Result<(Member, Role), AuthError> {
    let member = store::user::get(scope, user).await?.ok_or(AuthError::NotFound("user"))?;
    let role = store::role::get(scope, role).await?.ok_or(AuthError::NotFound("role"))?;
    if !call.principal.covers(role.permissions, reach) {
        return Err(AuthError::Beyond);
    }
    member.changeable_by(&call.principal)?;
    Ok((member, role))
}

/// Gives a user a role for the whole tenant.
///
/// # Errors
/// As [`bind_role_at`].
pub async fn bind_role(db: &Db, call: &Call, user: &UserId, role: &RoleId) -> Result<Member, AuthError> {
    bind_role_at(db, call, user, role, &Reach::Everything).await
}

/// Gives a user a role for a part of the tenant. Giving it twice is the same as once.
///
/// # Errors
/// [`AuthError::Beyond`] if the role, or the user, may do more than the caller; [`AuthError::OwnAccess`];
/// [`RoleError::TooManyBindings`]; [`AuthError::NotFound`]; the database's.
pub async fn bind_role_at(
    db: &Db,
    call: &Call,
    user: &UserId,
    role: &RoleId,
    reach: &Reach,
) -> Result<Member, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let (before, role) = touchable(&mut scope, call, user, role, reach).await?;
        if matches!(&call.principal.actor, Actor::User(own, _) if own == user) {
            return Err(AuthError::OwnAccess);
        }
        if !store::binding::has_room(&mut scope, user).await? {
            return Err(RoleError::TooManyBindings.into());
        }
        if !store::binding::bind(&mut scope, user, &role.id, reach, call.now).await? {
            return Ok(before);
        }
        note(&mut scope, call, "role.bound", user, &role, reach).await?;
        let after = store::user::get(&mut scope, user).await?.ok_or(AuthError::NotFound("user"))?;
        Ok(after)
    };
    let outcome = work.await;
    finish(tx, outcome).await
}

/// Takes a role from a user that they have for the whole tenant.
///
/// # Errors
/// As [`unbind_role_at`].
pub async fn unbind_role(db: &Db, call: &Call, user: &UserId, role: &RoleId) -> Result<Member, AuthError> {
    unbind_role_at(db, call, user, role, &Reach::Everything).await
}

/// Takes a role from a user that they have for a part of the tenant. One's own may be given up.
///
/// # Errors
/// [`AuthError::LastOwner`]; [`AuthError::Beyond`]; [`AuthError::NotFound`], also if the user did not have the role there;
/// the database's.
pub async fn unbind_role_at(
    db: &Db,
    call: &Call,
    user: &UserId,
    role: &RoleId,
    reach: &Reach,
) -> Result<Member, AuthError> {
    let mut tx = db.begin().await?;
    let work = async {
        let mut scope = tx.scope(call.tenant());
        let (before, role) = touchable(&mut scope, call, user, role, reach).await?;
        if role.built_in == Some(BuiltIn::Owner) && *reach == Reach::Everything {
            before.dispensable(store::binding::other_owners(&mut scope, user).await?)?;
        }
        if !store::binding::unbind(&mut scope, user, &role.id, reach).await? {
            return Err(AuthError::NotFound("role binding"));
        }
        note(&mut scope, call, "role.unbound", user, &role, reach).await?;
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
    reach: &Reach,
) -> Result<(), AuthError> {
    store::tenant::bump_access(scope).await?;
    let entry = Entry {
        action,
        subject: user.as_str(),
        before: None,
        after: Some(json!({"role": role.name, "role_id": role.id.as_str(), "scope": reach.to_string()})),
    };
    Ok(audit::append(scope, call, &entry).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BuiltIn, NewApiKey, NewRole, NewUser, UserPatch, UserState,
        service::{
            change_user, create_api_key, create_role, create_user, delete_user, roles,
            stage::{PASSWORD, START, Stage},
            user, users,
        },
    };
    use futures::executor::block_on;
    use kernel::{Fault, Permission, Permissions};

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
            block_on(users(&self.stage.db, &self.owner, &page)).unwrap().items[0].user.id.clone()
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

    impl Cast {
        /// A role of the tenant's own.
        fn own_role(&self, name: &str, permissions: &[&str]) -> Role {
            let names: Vec<String> = permissions.iter().map(|name| (*name).to_owned()).collect();
            let new = NewRole::new(self.owner.tenant(), name, None, &names).unwrap();
            block_on(create_role(&self.stage.db, &self.owner, new)).unwrap()
        }

        /// A new user who has one of our roles in a part of the tenant, and a call of theirs.
        fn user_at(&self, name: &str, role: BuiltIn, reach: &str) -> (UserId, Call) {
            let email = format!("{name}@acme-corp.test");
            let new = NewUser::new(&email, name, Some(PASSWORD)).unwrap();
            let id = block_on(create_user(&self.stage.db, &self.owner, new)).unwrap().user.id;
            let reach = reach.parse().unwrap();
            block_on(bind_role_at(&self.stage.db, &self.owner, &id, &self.role(role), &reach)).unwrap();
            let token = self.stage.login(None, &email, PASSWORD).unwrap().access_token;
            (id, self.stage.as_bearer(&token))
        }
    }

    #[test]
    fn a_scoped_role_counts_only_there() {
        let cast = Cast::new();
        let (id, call) = cast.user_at("ana", BuiltIn::Editor, "module:crm");
        assert_eq!(call.principal.permissions, Permissions::NONE);
        assert!(!call.principal.may(Permission::RulesRead));
        let bounds = call.principal.bounds(Permission::RulesWrite);
        assert!(bounds.hold("crm", None) && !bounds.hold("sales", None));
        assert!(call.principal.bounds(Permission::AccessWrite).is_nowhere());
        // A second role in the same part adds to the first; it goes with its binding.
        let (db, reach) = (&cast.stage.db, "module:crm".parse().unwrap());
        let member =
            block_on(bind_role_at(db, &cast.owner, &id, &cast.role(BuiltIn::Admin), &reach)).unwrap();
        assert_eq!((member.scoped_roles.len(), member.roles.len(), member.grants.len()), (2, 0, 1));
        assert!(!member.is_owner && member.permissions == Permissions::NONE);
        let unbound = block_on(unbind_role(db, &cast.owner, &id, &cast.role(BuiltIn::Admin)));
        assert_eq!(code(unbound), "NOT_FOUND", "it is not bound for the whole tenant");
        let unbound = block_on(unbind_role_at(db, &cast.owner, &id, &cast.role(BuiltIn::Admin), &reach));
        assert_eq!(unbound.unwrap().scoped_roles.len(), 1);
    }

    #[test]
    fn nobody_gives_a_role_farther_than_they_reach_themselves() {
        let cast = Cast::new();
        // Somebody who manages access everywhere, but edits in one module only.
        let manager = cast.own_role("access manager", &["access:read", "access:write"]);
        let (id, _) = cast.user_at("ana", BuiltIn::Editor, "module:crm");
        block_on(bind_role(&cast.stage.db, &cast.owner, &id, &manager.id)).unwrap();
        let token = cast.stage.login(None, "ana@acme-corp.test", PASSWORD).unwrap().access_token;
        let ana = cast.stage.as_bearer(&token);
        let new = NewUser::new("bob@acme-corp.test", "Bob", None).unwrap();
        let bob = block_on(create_user(&cast.stage.db, &cast.owner, new)).unwrap().user.id;
        let bind = |role: BuiltIn, reach: &str| {
            let reach = reach.parse().unwrap();
            code(block_on(bind_role_at(&cast.stage.db, &ana, &bob, &cast.role(role), &reach)))
        };
        for (role, reach, wanted) in [
            (BuiltIn::Editor, "*", "BEYOND_OWN_PERMISSIONS"),
            (BuiltIn::Editor, "module:sales", "BEYOND_OWN_PERMISSIONS"),
            (BuiltIn::Editor, "resource:rul_1", "BEYOND_OWN_PERMISSIONS"),
            (BuiltIn::Admin, "module:crm", "BEYOND_OWN_PERMISSIONS"),
            (BuiltIn::Editor, "module:crm", ""),
            (BuiltIn::Viewer, "module:crm", ""),
        ] {
            assert_eq!(bind(role, reach), wanted, "{role:?} {reach}");
        }
        // Nor do they touch somebody who reaches farther.
        let (eve, _) = cast.user_at("eve", BuiltIn::Viewer, "module:sales");
        assert_eq!(code(block_on(delete_user(&cast.stage.db, &ana, &eve))), "BEYOND_OWN_PERMISSIONS");
        // Nor does a key of theirs.
        let key = |reach: &str| {
            let new = NewApiKey::new("CI", &["rules:write".into()], None, None, START).unwrap();
            code(block_on(create_api_key(&cast.stage.db, &ana, new.reaching(reach.parse().unwrap()))))
        };
        assert_eq!(
            [key("*"), key("module:sales"), key("module:crm")],
            ["BEYOND_OWN_PERMISSIONS", "BEYOND_OWN_PERMISSIONS", ""]
        );
    }

    #[test]
    fn a_key_may_reach_one_module_only() {
        let cast = Cast::new();
        let new = NewApiKey::new("CI", &["rules:write".into()], None, None, START).unwrap();
        let new = new.reaching("module:crm".parse().unwrap());
        let (key, secret) = block_on(create_api_key(&cast.stage.db, &cast.owner, new)).unwrap();
        assert_eq!(key.reach.to_string(), "module:crm");
        let principal = cast.stage.as_bearer(secret.text()).principal;
        assert!(!principal.may(Permission::RulesWrite));
        assert!(principal.bounds(Permission::RulesWrite).hold("crm", None));
    }

    #[test]
    fn nobody_gives_themselves_anything() {
        let cast = Cast::new();
        let (admin, call) = cast.user(BuiltIn::Admin);
        let db = &cast.stage.db;
        let viewer = cast.role(BuiltIn::Viewer);
        assert_eq!(code(block_on(bind_role(db, &call, &admin, &viewer))), "OWN_ACCESS");
        // To give up one's own is no gain.
        assert_eq!(code(block_on(unbind_role(db, &call, &admin, &cast.role(BuiltIn::Admin)))), "");
    }

    #[test]
    fn a_scoped_owner_is_none() {
        let cast = Cast::new();
        let (id, _) = cast.user_at("ana", BuiltIn::Owner, "module:crm");
        let first = cast.first_owner();
        let deleted = block_on(delete_user(&cast.stage.db, &cast.owner, &first));
        assert_eq!(code(deleted), "LAST_OWNER");
        assert_eq!(code(block_on(delete_user(&cast.stage.db, &cast.owner, &id))), "");
    }

    #[test]
    fn bindings_are_listed_and_filtered() {
        let cast = Cast::new();
        let (viewer, _) = cast.user(BuiltIn::Viewer);
        let (ana, _) = cast.user_at("ana", BuiltIn::Viewer, "module:crm");
        let list = |filter: &BindingFilter, limit: u16, after: Option<Cursor>| {
            let page = PageRequest::new(limit, after).unwrap();
            block_on(bindings(&cast.stage.db, &cast.owner, filter, &page)).unwrap()
        };
        let all = list(&BindingFilter::default(), 50, None).items;
        assert_eq!(all.len(), 3);
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = list(&BindingFilter::default(), 1, after);
            paged.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all);
        let of_role = BindingFilter { role: Some(cast.role(BuiltIn::Viewer)), ..BindingFilter::default() };
        let mut users: Vec<UserId> = list(&of_role, 50, None).items.into_iter().map(|one| one.user).collect();
        let mut wanted = vec![viewer, ana.clone()];
        users.sort();
        wanted.sort();
        assert_eq!(users, wanted);
        let of_user = BindingFilter { user: Some(ana), ..BindingFilter::default() };
        let found = list(&of_user, 50, None).items;
        assert_eq!((found.len(), found[0].reach.to_string().as_str()), (1, "module:crm"));
        let foreign = PageRequest::new(5, Some(Cursor::after("x"))).unwrap();
        let outcome = block_on(bindings(&cast.stage.db, &cast.owner, &of_user, &foreign));
        assert_eq!(code(outcome), "VALIDATION_ERROR");
    }

    #[test]
    fn somebody_has_a_hundred_bindings_at_most() {
        let cast = Cast::new();
        let (ana, _) = cast.user_at("ana", BuiltIn::Viewer, "module:m0");
        let bind = |number: u32| {
            let reach = format!("module:m{number}").parse().unwrap();
            let role = cast.role(BuiltIn::Viewer);
            code(block_on(bind_role_at(&cast.stage.db, &cast.owner, &ana, &role, &reach)))
        };
        assert!((1..100).all(|number| bind(number).is_empty()));
        assert_eq!(bind(100), "ROLE_BINDING_LIMIT");
    }
}
