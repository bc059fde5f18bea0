//! What may a role do, and who may give it to whom?

use crate::tenant::sound_name;
use kernel::{Fault, FieldFault, Fields, Instant, Kind, Permission, Permissions, RoleId, TenantId};
use std::str::FromStr;

/// A role that every tenant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// May do everything.
    Owner,
    /// May do everything but change the tenant's settings.
    Admin,
    /// Sets up rules, triggers, webhooks, notifications and records.
    Editor,
    /// Watches, retries and redrives.
    Operator,
    /// Looks.
    Viewer,
}

const LOOKS: &[Permission] = &[
    Permission::RulesRead,
    Permission::TriggersRead,
    Permission::EventsRead,
    Permission::JobsRead,
    Permission::NotificationsRead,
    Permission::InboxRead,
    Permission::WebhooksRead,
    Permission::RecordsRead,
];

const EDITS: &[Permission] = &[
    Permission::RulesWrite,
    Permission::TriggersWrite,
    Permission::EventsWrite,
    Permission::NotificationsWrite,
    Permission::WebhooksWrite,
    Permission::RecordsWrite,
];

impl BuiltIn {
    /// All of them, the mightiest first.
    pub const ALL: &'static [Self] = &[Self::Owner, Self::Admin, Self::Editor, Self::Operator, Self::Viewer];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        let looks: Permissions = LOOKS.iter().copied().collect();
        match self {
            Self::Owner => Permissions::all(),
            Self::Admin => Permission::ALL
                .iter()
                .copied()
                .filter(|permission| *permission != Permission::SettingsWrite)
                .collect(),
            Self::Editor => looks.or(EDITS.iter().copied().collect()).with(Permission::JobsRedrive),
            Self::Operator => looks.with(Permission::JobsRedrive),
            Self::Viewer => looks,
        }
    }

    /// What it may do in `tenant`: owners and admins of the platform's own also run the other tenants.
    #[must_use]
    pub fn permissions_in(self, tenant: &TenantId) -> Permissions {
        match self {
            Self::Owner | Self::Admin if tenant.is_platform() => {
                self.permissions().or(Permissions::platform())
            }
            Self::Owner | Self::Admin | Self::Editor | Self::Operator | Self::Viewer => self.permissions(),
        }
    }
}

impl FromStr for BuiltIn {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(())
    }
}

/// The most characters of a description.
const LONGEST_DESCRIPTION: usize = 1000;

/// A role of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name, one role each in a tenant.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which of ours it is, if it is not the tenant's own.
    pub built_in: Option<BuiltIn>,
    /// What it may do.
    pub permissions: Permissions,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// A role that a tenant makes for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Permissions,
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolePatch {
    /// Another name.
    pub name: Option<String>,
    /// Another description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// All its permissions by name, instead of those before.
    pub permissions: Option<Vec<String>>,
}

/// What can be wrong about a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// It is one of ours.
    #[error(
        "Built-in roles are the same in every tenant and cannot be changed. Make a role of your own instead."
    )]
    BuiltIn,
    /// Somebody has it.
    #[error(
        "The role is in use by {0} bindings. Unbind it everywhere first; GET /api/v1/admin/role-bindings lists them."
    )]
    InUse(i64),
    /// Another role has the name.
    #[error("A role of this name exists already in this tenant.")]
    NameTaken,
    /// The tenant has as many roles as it may have.
    #[error(
        "The tenant has {MOST_ROLES} roles, the most that it may have. Delete roles that are no longer needed."
    )]
    TooMany,
    /// The user has as many roles as somebody may have.
    #[error(
        "The user has {MOST_BINDINGS} role bindings, the most that somebody may have. Unbind some first."
    )]
    TooManyBindings,
}

/// The most roles of a tenant, its built-in ones too.
pub(crate) const MOST_ROLES: i64 = 200;
/// The most bindings of a user: all of them are read when the user comes in.
pub(crate) const MOST_BINDINGS: i64 = 100;

impl Fault for RoleError {
    fn kind(&self) -> Kind {
        match self {
            Self::BuiltIn | Self::InUse(_) | Self::NameTaken => Kind::Conflict,
            Self::TooMany | Self::TooManyBindings => Kind::Unprocessable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BuiltIn => "ROLE_BUILT_IN",
            Self::InUse(_) => "ROLE_IN_USE",
            Self::NameTaken => "ROLE_NAME_TAKEN",
            Self::TooMany => "ROLE_LIMIT",
            Self::TooManyBindings => "ROLE_BINDING_LIMIT",
        }
    }
}

fn description(text: Option<String>) -> Result<Option<String>, String> {
    let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let strange = |letter: char| letter.is_control() && letter != '\n';
    match text {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(strange) => {
            Err(format!("must be at most {LONGEST_DESCRIPTION} characters without control characters"))
        }
        sound => Ok(sound),
    }
}

/// The permissions of these names, as far as a tenant with `known` ones can have them.
fn permissions(fields: &mut Fields, names: &[String], known: Permissions) -> Permissions {
    let places = names.iter().enumerate();
    let read = places.filter_map(|(place, name)| {
        fields.take(&format!("permissions[{place}]"), Permission::read(name, known))
    });
    read.collect()
}

impl NewRole {
    /// Checks what is asked for in `tenant`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(
        tenant: &TenantId,
        name: &str,
        about: Option<String>,
        names: &[String],
    ) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", sound_name(name));
        let description = fields.take("description", description(about));
        let permissions = permissions(&mut fields, names, Permissions::of(tenant));
        let (name, description) = fields.give(name.zip(description))?;
        Ok(Self { name, description, permissions })
    }

    /// The role that comes of it.
    pub(crate) fn made(self, id: RoleId, now: Instant) -> Role {
        Role {
            id,
            name: self.name,
            description: self.description,
            built_in: None,
            permissions: self.permissions,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

impl Role {
    /// Whether it can be changed at all.
    ///
    /// # Errors
    /// [`RoleError::BuiltIn`].
    pub fn changeable(&self) -> Result<(), RoleError> {
        if self.built_in.is_some() { Err(RoleError::BuiltIn) } else { Ok(()) }
    }

    /// The role of `tenant` with `patch` applied at `now`.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn change(self, tenant: &TenantId, patch: RolePatch, now: Instant) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = patch.name.map_or(Ok(self.name), |name| sound_name(&name));
        let name = fields.take("name", name);
        let about = patch.description.map_or(Ok(self.description), description);
        let about = fields.take("description", about);
        let permissions = match patch.permissions {
            Some(names) => permissions(&mut fields, &names, Permissions::of(tenant)),
            None => self.permissions,
        };
        let (name, description) = fields.give(name.zip(about))?;
        Ok(Self {
            name,
            description,
            permissions,
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_more_than_the_next() {
        for pair in BuiltIn::ALL.windows(2) {
            let (more, less) = (pair[0].permissions(), pair[1].permissions());
            assert!(less.within(more) && !more.within(less), "{pair:?}");
        }
    }

    #[test]
    fn only_owner_and_admin_decide_who_may_what() {
        for role in BuiltIn::ALL {
            let decides = role.permissions().has(Permission::AccessWrite);
            assert_eq!(decides, matches!(role, BuiltIn::Owner | BuiltIn::Admin), "{role:?}");
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
    }

    #[test]
    fn only_who_runs_the_platform_reaches_over_tenants() {
        let (acme, platform): (TenantId, _) = ("acme-corp".parse().unwrap(), TenantId::platform());
        for role in BuiltIn::ALL {
            assert!(role.permissions_in(&acme).within(Permissions::all()), "{role:?}");
            let runs = Permissions::platform().within(role.permissions_in(&platform));
            assert_eq!(runs, matches!(role, BuiltIn::Owner | BuiltIn::Admin), "{role:?}");
        }
    }

    #[test]
    fn all_faults_of_a_role_are_told_at_once() {
        let (acme, platform): (TenantId, _) = ("acme-corp".parse().unwrap(), TenantId::platform());
        let names = ["rules:read".to_owned(), "tenants:write".to_owned(), "rules:own".to_owned()];
        let long = Some("x".repeat(1001));
        let faults = NewRole::new(&acme, " ", long, &names).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["name", "description", "permissions[1]", "permissions[2]"]);
        assert!(NewRole::new(&platform, "Support", None, &names[..2]).is_ok());
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let acme = "acme-corp".parse().unwrap();
        let names = ["rules:read".to_owned()];
        let role = NewRole::new(&acme, "Support", Some(" Looks. ".to_owned()), &names).unwrap();
        let id = "rol_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap();
        let role = role.made(id, Instant::from_millis(1));
        let patch = RolePatch { description: Some(None), ..RolePatch::default() };
        let changed = role.clone().change(&acme, patch, Instant::from_millis(2)).unwrap();
        assert_eq!((changed.name.as_str(), changed.description, changed.version), ("Support", None, 2));
        assert_eq!(changed.permissions, role.permissions);
        assert_eq!(role.description.as_deref(), Some("Looks."));
    }
}
