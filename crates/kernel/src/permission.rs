//! What may somebody do? A published list of permissions, and sets of them.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// One thing that somebody may do in a tenant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Permission { $($(#[$doc])* $name,)+ }

        impl Permission {
            /// All permissions, in their published order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The published name: `rules:write`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

permissions! {
    /// See rules, their versions and what they would do.
    RulesRead = "rules:read";
    /// Make, change and delete rules.
    RulesWrite = "rules:write";
    /// See triggers.
    TriggersRead = "triggers:read";
    /// Define a tenant's own triggers.
    TriggersWrite = "triggers:write";
    /// See events and their traces.
    EventsRead = "events:read";
    /// Send events.
    EventsWrite = "events:write";
    /// See jobs.
    JobsRead = "jobs:read";
    /// Retry, cancel and redrive jobs.
    JobsRedrive = "jobs:redrive";
    /// See channels, templates and messages.
    NotificationsRead = "notifications:read";
    /// Set up channels and templates, send messages.
    NotificationsWrite = "notifications:write";
    /// Read an inbox of one's own.
    InboxRead = "inbox:read";
    /// See users, roles and API keys.
    AccessRead = "access:read";
    /// Invite, change and disable users, bind roles, make API keys.
    AccessWrite = "access:write";
    /// Read and verify the audit.
    AuditRead = "audit:read";
    /// Change a tenant's settings.
    SettingsWrite = "settings:write";
    /// See webhook endpoints, sources and deliveries.
    WebhooksRead = "webhooks:read";
    /// Set up webhook endpoints and sources, retry and replay deliveries.
    WebhooksWrite = "webhooks:write";
    /// See records and tasks.
    RecordsRead = "records:read";
    /// Change records and tasks.
    RecordsWrite = "records:write";
    /// Ask whether a token of the tenant is active, and what it says (RFC 7662).
    TokensIntrospect = "tokens:introspect";
}

/// The text names no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a permission; GET /api/v1/admin/permissions lists them")]
pub struct UnknownPermission;

impl std::str::FromStr for Permission {
    type Err = UnknownPermission;
    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(UnknownPermission)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u64);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// Every permission.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    fn bit(permission: Permission) -> u64 {
        Permission::ALL.iter().position(|known| *known == permission).map_or(0, |place| 1 << place)
    }

    /// Whether `permission` is in the set.
    #[must_use]
    pub fn has(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// The set with `permission` added.
    #[must_use]
    pub fn with(self, permission: Permission) -> Self {
        Self(self.0 | Self::bit(permission))
    }

    /// What is in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every permission of this set is in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The permissions in their published order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_read_back() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
        }
        assert_eq!("rules:own".parse::<Permission>(), Err(UnknownPermission));
    }

    #[test]
    fn sets() {
        let some: Permissions = [Permission::RulesRead, Permission::AuditRead].into_iter().collect();
        assert!(some.has(Permission::AuditRead) && !some.has(Permission::RulesWrite));
        assert!(some.within(Permissions::all()) && !Permissions::all().within(some));
        assert_eq!(format!("{some:?}"), r#"{"rules:read", "audit:read"}"#);
    }
}
