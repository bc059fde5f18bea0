//! What may somebody do? A published list of permissions, and sets of them.

use crate::TenantId;
use std::fmt;

macro_rules! published {
    (tenant { $($name:ident = $text:literal, $words:literal;)+ }
     platform { $($high:ident = $high_text:literal, $high_words:literal;)+ }) => {
        /// One thing that somebody may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Permission {
            $(#[doc = $words] $name,)+
            $(#[doc = $high_words] $high,)+
        }

        impl Permission {
            /// All permissions that a tenant's roles can hold, in their published order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Those of the people who run the installation. Only roles of the tenant `platform` can hold them.
            pub const PLATFORM: &'static [Self] = &[$(Self::$high,)+];

            /// The published name: `rules:write`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ $(Self::$high => $high_text,)+ }
            }

            /// What it lets somebody do, for people.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => $words,)+ $(Self::$high => $high_words,)+ }
            }
        }
    };
}

published! {
    tenant {
        RulesRead = "rules:read", "See rules, their versions and what they would do.";
        RulesWrite = "rules:write", "Make, change and delete rules.";
        TriggersRead = "triggers:read", "See triggers.";
        TriggersWrite = "triggers:write", "Define a tenant's own triggers.";
        EventsRead = "events:read", "See events and their traces.";
        EventsWrite = "events:write", "Send events.";
        JobsRead = "jobs:read", "See jobs.";
        JobsRedrive = "jobs:redrive", "Retry, cancel and redrive jobs.";
        NotificationsRead = "notifications:read", "See channels, templates and messages.";
        NotificationsWrite = "notifications:write", "Set up channels and templates, send messages.";
        InboxRead = "inbox:read", "Read an inbox of one's own.";
        AccessRead = "access:read", "See users, roles and API keys.";
        AccessWrite = "access:write", "Invite, change and disable users, bind roles, make API keys.";
        AuditRead = "audit:read", "Read and verify the audit.";
        SettingsWrite = "settings:write", "Change a tenant's settings.";
        WebhooksRead = "webhooks:read", "See webhook endpoints, sources and deliveries.";
        WebhooksWrite = "webhooks:write", "Set up webhook endpoints and sources, retry and replay deliveries.";
        RecordsRead = "records:read", "See records and tasks.";
        RecordsWrite = "records:write", "Change records and tasks.";
        TokensIntrospect = "tokens:introspect", "Ask whether a token of the tenant is active, and what it says (RFC 7662).";
    }
    platform {
        TenantsRead = "tenants:read", "See all tenants of the installation.";
        TenantsWrite = "tenants:write", "Make, change, suspend and delete tenants.";
    }
}

/// The text names no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a permission; GET /api/v1/admin/permissions lists them")]
pub struct UnknownPermission;

impl Permission {
    /// The permission of this name, if `known` holds it: what somebody cannot have is not there for them.
    ///
    /// # Errors
    /// [`UnknownPermission`].
    pub fn read(text: &str, known: Permissions) -> Result<Self, UnknownPermission> {
        known.iter().find(|permission| permission.as_str() == text).ok_or(UnknownPermission)
    }

    /// The permission that shows what this one changes; of those that only show, itself.
    #[must_use]
    pub const fn shows(self) -> Self {
        match self {
            Self::RulesRead | Self::RulesWrite => Self::RulesRead,
            Self::TriggersRead | Self::TriggersWrite => Self::TriggersRead,
            Self::EventsRead | Self::EventsWrite => Self::EventsRead,
            Self::JobsRead | Self::JobsRedrive => Self::JobsRead,
            Self::NotificationsRead | Self::NotificationsWrite => Self::NotificationsRead,
            Self::AccessRead | Self::AccessWrite | Self::SettingsWrite => Self::AccessRead,
            Self::WebhooksRead | Self::WebhooksWrite => Self::WebhooksRead,
            Self::RecordsRead | Self::RecordsWrite => Self::RecordsRead,
            Self::TenantsRead | Self::TenantsWrite => Self::TenantsRead,
            Self::InboxRead => Self::InboxRead,
            Self::AuditRead => Self::AuditRead,
            Self::TokensIntrospect => Self::TokensIntrospect,
        }
    }
}

/// Reads what a tenant's roles can hold; the platform's are not there.
impl std::str::FromStr for Permission {
    type Err = UnknownPermission;
    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::read(text, Permissions::all())
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

    /// Every permission that a tenant's roles can hold.
    #[must_use]
    pub fn all() -> Self {
        Permission::ALL.iter().copied().collect()
    }

    /// Those that only roles of the tenant `platform` can hold.
    #[must_use]
    pub fn platform() -> Self {
        Permission::PLATFORM.iter().copied().collect()
    }

    /// All that anybody in `tenant` can hold, whatever a row of it says.
    #[must_use]
    pub fn of(tenant: &TenantId) -> Self {
        if tenant.is_platform() { Self::all().or(Self::platform()) } else { Self::all() }
    }

    fn bit(permission: Permission) -> u64 {
        let place = Permission::ALL.iter().chain(Permission::PLATFORM).position(|known| *known == permission);
        place.map_or(0, |place| 1 << place)
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

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every permission of this set is in `other`.
    #[must_use]
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The permissions in their published order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let known = Permission::ALL.iter().chain(Permission::PLATFORM).copied();
        known.filter(move |permission| self.has(*permission))
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
    fn the_platforms_permissions_are_not_there_for_a_tenant() {
        let (acme, platform): (TenantId, _) = ("acme-corp".parse().unwrap(), TenantId::platform());
        for permission in Permission::PLATFORM {
            assert!(!Permission::ALL.contains(permission) && !Permissions::all().has(*permission));
            assert_eq!(permission.as_str().parse::<Permission>(), Err(UnknownPermission));
            assert_eq!(Permission::read(permission.as_str(), Permissions::of(&acme)), Err(UnknownPermission));
            assert_eq!(Permission::read(permission.as_str(), Permissions::of(&platform)), Ok(*permission));
        }
        assert_eq!(Permissions::of(&acme), Permissions::all());
        assert_eq!(Permissions::of(&platform).without(Permissions::all()), Permissions::platform());
    }

    #[test]
    fn sets() {
        let some: Permissions = [Permission::RulesRead, Permission::AuditRead].into_iter().collect();
        assert!(some.has(Permission::AuditRead) && !some.has(Permission::RulesWrite));
        assert!(some.within(Permissions::all()) && !Permissions::all().within(some));
        assert_eq!(format!("{some:?}"), r#"{"rules:read", "audit:read"}"#);
    }
}
