//! What may a role do, and who may give it to whom?

use kernel::{Permission, Permissions, RoleId};
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
}

impl FromStr for BuiltIn {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(())
    }
}

/// A role of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// Which of ours it is, if it is not the tenant's own.
    pub built_in: Option<BuiltIn>,
    /// What it may do.
    pub permissions: Permissions,
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
}
