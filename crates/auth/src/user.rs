//! What is a user, and who may change one?

use crate::{AuthError, Email, NewPassword, PasswordPolicy, tenant::sound_name};
use kernel::{FieldFault, Fields, Grant, Instant, Permissions, Principal, Reach, RoleId, UserId};
use std::str::FromStr;

/// Whether a user may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// The user may.
    Active,
    /// The user may not, until somebody enables them again.
    Disabled,
}

impl UserState {
    /// As it stands in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

impl FromStr for UserState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Active, Self::Disabled].into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A person in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The address to log in with, one user each in a tenant.
    pub email: Email,
    /// What people call them.
    pub name: String,
    /// Whether they may come in.
    pub state: UserState,
    /// Whether they can log in by password.
    pub has_password: bool,
    /// When they showed that the address is theirs.
    pub email_verified_at: Option<Instant>,
    /// Grows with each change.
    pub version: i64,
    /// When the user was made.
    pub created_at: Instant,
    /// When the user was changed last.
    pub updated_at: Instant,
}

/// A user and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user.
    pub user: User,
    /// The ids and names of their roles.
    pub roles: Vec<(RoleId, String)>,
    /// Further roles, each for a part of the tenant.
    pub scoped_roles: Vec<(RoleId, String, Reach)>,
    /// What their roles allow together.
    pub permissions: Permissions,
    /// What their further roles allow, part by part.
    pub grants: Vec<Grant>,
    /// Whether one of the roles is the owner's.
    pub is_owner: bool,
}

/// A user to be made. Roles are bound apart, so that nobody gets one by the way.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub(crate) email: Email,
    pub(crate) name: String,
    pub(crate) password: Option<NewPassword>,
}

impl NewUser {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(email: &str, name: &str, password: Option<&str>) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let email: Option<Email> = fields.take("email", email.parse());
        let name = fields.take("name", sound_name(name));
        let policy = PasswordPolicy::usual(email.as_ref(), &[]);
        let password = password.and_then(|text| fields.take("password", NewPassword::new(text, &policy)));
        let (email, name) = fields.give(email.zip(name))?;
        Ok(Self { email, name, password })
    }
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another state.
    pub state: Option<UserState>,
}

impl User {
    /// The user with `patch` applied at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(self, patch: UserPatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = patch.name.map_or(Ok(self.name), |name| sound_name(&name));
        let name = fields.take("name", name);
        Ok(Self {
            name: fields.give(name)?,
            state: patch.state.unwrap_or(self.state),
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self
        })
    }
}

impl Member {
    /// Whether `who` may change this user: only who may do as much as the user may, everywhere where the user may.
    ///
    /// # Errors
    /// [`AuthError::Beyond`].
    pub fn changeable_by(&self, who: &Principal) -> Result<(), AuthError> {
        let covered = who.covers(self.permissions, &Reach::Everything)
            && self.grants.iter().all(|grant| who.covers(grant.permissions, &grant.reach));
        if covered { Ok(()) } else { Err(AuthError::Beyond) }
    }

    /// Whether the tenant can do without this user as an owner; `others` is the number of its other active owners.
    ///
    /// # Errors
    /// [`AuthError::LastOwner`].
    pub fn dispensable(&self, others: i64) -> Result<(), AuthError> {
        if self.is_owner && self.user.state == UserState::Active && others == 0 {
            Err(AuthError::LastOwner)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BuiltIn;

    fn member(role: BuiltIn, state: UserState) -> Member {
        Member {
            user: User {
                id: "usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
                email: "ana@example.com".parse().unwrap(),
                name: "Ana".to_owned(),
                state,
                has_password: true,
                email_verified_at: None,
                version: 1,
                created_at: Instant::from_millis(0),
                updated_at: Instant::from_millis(0),
            },
            roles: Vec::new(),
            scoped_roles: Vec::new(),
            permissions: role.permissions(),
            grants: Vec::new(),
            is_owner: role == BuiltIn::Owner,
        }
    }

    /// Somebody with these permissions, and with an editor's in one module.
    fn somebody(permissions: Permissions, module: Option<&str>) -> Principal {
        let grant = |name: &str| Grant {
            reach: Reach::Module(name.into()),
            permissions: BuiltIn::Editor.permissions(),
        };
        let tenant = "acme-corp".parse().unwrap();
        Principal {
            permissions,
            grants: module.map(grant).into_iter().collect(),
            ..Principal::system(tenant)
        }
    }

    #[test]
    fn nobody_changes_somebody_mightier() {
        let admin_call = somebody(BuiltIn::Admin.permissions(), None);
        let owner = member(BuiltIn::Owner, UserState::Active);
        assert!(matches!(owner.changeable_by(&admin_call), Err(AuthError::Beyond)));
        assert!(owner.changeable_by(&somebody(BuiltIn::Owner.permissions(), None)).is_ok());
        let admin = member(BuiltIn::Admin, UserState::Active);
        assert!(admin.changeable_by(&admin_call).is_ok());
    }

    #[test]
    fn what_somebody_may_in_a_module_counts_too() {
        let viewer = BuiltIn::Viewer.permissions();
        let mut crm = member(BuiltIn::Viewer, UserState::Active);
        crm.grants =
            vec![Grant { reach: Reach::Module("crm".into()), permissions: BuiltIn::Editor.permissions() }];
        for (who, may) in [
            (somebody(viewer, None), false),
            (somebody(viewer, Some("sales")), false),
            (somebody(viewer, Some("crm")), true),
            (somebody(BuiltIn::Editor.permissions(), None), true),
        ] {
            assert_eq!(crm.changeable_by(&who).is_ok(), may, "{who:?}");
        }
    }

    #[test]
    fn the_last_active_owner_stays() {
        for (role, state, others, stays) in [
            (BuiltIn::Owner, UserState::Active, 0, true),
            (BuiltIn::Owner, UserState::Active, 1, false),
            (BuiltIn::Owner, UserState::Disabled, 0, false),
            (BuiltIn::Admin, UserState::Active, 0, false),
        ] {
            assert_eq!(
                member(role, state).dispensable(others).is_err(),
                stays,
                "{role:?} {state:?} {others}"
            );
        }
    }

    #[test]
    fn all_faults_of_a_new_user_are_told_at_once() {
        let faults = NewUser::new("nobody", "", Some("short")).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["email", "name", "password"]);
    }
}
