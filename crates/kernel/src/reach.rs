//! How far does a permission reach? Over the whole tenant, over one module, or over one resource.
//!
//! A role can be bound with such a scope. Whoever asks for a permission without naming what it is for gets only those that
//! reach over the whole tenant; a use case that knows modules and resources takes a [`Bounded`] call, whose [`Call`] it gets
//! by naming both.

use crate::{Actor, Call, Instant, Permission, Permissions, TenantId, UserId};
use std::{fmt, str::FromStr, sync::Arc};

/// The most characters of a module's name or a resource's id.
const LONGEST: usize = 100;

/// The text is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `*`, `module:` and a module's name, or `resource:` and a resource's id")]
pub struct ReachError;

/// What a binding reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Everything of the tenant: `*`.
    Everything,
    /// What belongs to one module: `module:crm`.
    Module(Box<str>),
    /// One resource: `resource:rul_01j…`.
    Resource(Box<str>),
}

impl fmt::Display for Reach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => out.write_str("*"),
            Self::Module(name) => write!(out, "module:{name}"),
            Self::Resource(id) => write!(out, "resource:{id}"),
        }
    }
}

impl FromStr for Reach {
    type Err = ReachError;
    fn from_str(text: &str) -> Result<Self, ReachError> {
        let sound = |name: &str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
            (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain)
        };
        match text.split_once(':') {
            None if text == "*" => Ok(Self::Everything),
            Some(("module", name)) if sound(name) => Ok(Self::Module(name.into())),
            Some(("resource", id)) if sound(id) => Ok(Self::Resource(id.into())),
            None | Some(_) => Err(ReachError),
        }
    }
}

/// Permissions that hold for a part of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The part.
    pub reach: Reach,
    /// What may be done there.
    pub permissions: Permissions,
}

/// The parts of a tenant where a permission holds: a thing of one of these modules, or one of these things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Names of modules.
    pub modules: &'a [Box<str>],
    /// Ids of resources.
    pub resources: &'a [Box<str>],
}

/// Where a permission holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Whether it holds everywhere; then the rest says nothing.
    everywhere: bool,
    modules: Vec<Box<str>>,
    resources: Vec<Box<str>>,
}

impl Bounds {
    /// Where `permission` holds for somebody with these.
    #[must_use]
    pub fn of(permission: Permission, unscoped: Permissions, grants: &[Grant]) -> Self {
        let mut bounds = Self { everywhere: unscoped.has(permission), ..Self::default() };
        for grant in grants.iter().filter(|grant| grant.permissions.has(permission)) {
            match &grant.reach {
                Reach::Everything => bounds.everywhere = true,
                Reach::Module(name) => bounds.modules.push(name.clone()),
                Reach::Resource(id) => bounds.resources.push(id.clone()),
            }
        }
        bounds
    }

    /// Whether it holds nowhere at all.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        !self.everywhere && self.modules.is_empty() && self.resources.is_empty()
    }

    /// Whether it holds for the resource `id` of `module`; without an id, for the module as a whole.
    #[must_use]
    pub fn hold(&self, module: &str, id: Option<&str>) -> bool {
        self.everywhere
            || self.modules.iter().any(|known| **known == *module)
            || id.is_some_and(|id| self.resources.iter().any(|known| **known == *id))
    }

    /// The modules and the resources that a list may show, for a statement to filter by; `None` where it may show all.
    #[must_use]
    pub fn parts(&self) -> Option<Parts<'_>> {
        (!self.everywhere).then_some(Parts { modules: &self.modules, resources: &self.resources })
    }
}

/// The thing lies beyond what the caller's permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfReach {
    /// The caller cannot even see it: for them it is not there.
    Unseen,
    /// The caller sees it, but this permission does not hold there.
    Lacks(Permission),
}

/// A call by somebody who has a permission somewhere. The [`Call`] inside is had only by naming what it is for.
#[derive(Debug, Clone)]
pub struct Bounded {
    call: Call,
    permission: Permission,
    held: Bounds,
    seen: Bounds,
}

impl Bounded {
    /// The caller's call, as far as `permission` reaches.
    #[must_use]
    pub fn new(call: Call, permission: Permission) -> Self {
        let bounds = |permission| call.principal.bounds(permission);
        Self { permission, held: bounds(permission), seen: bounds(permission.shows()), call }
    }

    /// The tenant that it is about.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        self.call.tenant()
    }

    /// When they ask: the one `now` of the call.
    #[must_use]
    pub const fn asked_at(&self) -> Instant {
        self.call.now
    }

    /// The permission that is asked for.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.permission
    }

    /// The same caller, as far as another permission reaches: for what changes things of two kinds.
    #[must_use]
    pub fn reaching(&self, permission: Permission) -> Self {
        Self::new(self.call.clone(), permission)
    }

    /// The call, for something that belongs to no module: only where the permission holds everywhere.
    ///
    /// # Errors
    /// [`OutOfReach::Lacks`].
    pub fn everywhere(&self) -> Result<&Call, OutOfReach> {
        if self.held.everywhere { Ok(&self.call) } else { Err(OutOfReach::Lacks(self.permission)) }
    }

    /// Where the permission holds: a list must show no more.
    #[must_use]
    pub const fn bounds(&self) -> &Bounds {
        &self.held
    }

    /// The call, for the existing resource `id` of `module`.
    ///
    /// # Errors
    /// [`OutOfReach`].
    pub fn at(&self, module: &str, id: &str) -> Result<&Call, OutOfReach> {
        if self.held.hold(module, Some(id)) {
            Ok(&self.call)
        } else if self.seen.hold(module, Some(id)) {
            Err(OutOfReach::Lacks(self.permission))
        } else {
            Err(OutOfReach::Unseen)
        }
    }

    /// The call and who makes it, for what is a person's own however far the permission reaches; `None` for programs. That
    /// the thing is theirs, the use case has to see.
    #[must_use]
    pub const fn own(&self) -> Option<(&Call, &UserId)> {
        match &self.call.principal.actor {
            Actor::User(id, _) => Some((&self.call, id)),
            Actor::ApiKey(_) | Actor::Client(_) | Actor::Customer(_) | Actor::System => None,
        }
    }

    /// The call, for something that will belong to `module`; `id` if it exists already and moves there.
    ///
    /// # Errors
    /// [`OutOfReach::Lacks`].
    pub fn put_in(&self, module: &str, id: Option<&str>) -> Result<&Call, OutOfReach> {
        if self.held.hold(module, id) { Ok(&self.call) } else { Err(OutOfReach::Lacks(self.permission)) }
    }
}

/// Whether permissions at some reach are all had by somebody with these.
#[must_use]
pub(crate) fn covers(
    unscoped: Permissions,
    grants: &Arc<[Grant]>,
    wanted: Permissions,
    reach: &Reach,
) -> bool {
    let there = grants.iter().filter(|grant| grant.reach == *reach);
    wanted.within(there.fold(unscoped, |all, grant| all.or(grant.permissions)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chance, Principal, RequestId, Trace};

    struct Zero;
    impl Chance for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(1);
        }
    }

    fn bounded(unscoped: &[Permission], grants: &[(&str, &[Permission])], wanted: Permission) -> Bounded {
        let grants = grants.iter().map(|(reach, permissions)| Grant {
            reach: reach.parse().unwrap(),
            permissions: permissions.iter().copied().collect(),
        });
        let tenant = "acme-corp".parse().unwrap();
        let principal = Principal {
            actor: Actor::System,
            permissions: unscoped.iter().copied().collect(),
            grants: grants.collect(),
            ..Principal::system(tenant)
        };
        let call = Call {
            principal,
            now: Instant::from_millis(0),
            request: RequestId::new(&Zero),
            trace: Trace::new(&Zero),
            address: None,
            chance: Arc::new(Zero),
        };
        Bounded::new(call, wanted)
    }

    #[test]
    fn scopes_read_back() {
        for text in ["*", "module:crm", "resource:rul_01hf7yat00zzzzzzzzzzzzzzzz"] {
            assert_eq!(text.parse::<Reach>().unwrap().to_string(), text);
        }
        let long = format!("module:{}", "a".repeat(101));
        for text in
            ["", "**", "crm", "module:", "module:*", "module:CRM", "resource:a b", "tenant:acme", &long]
        {
            assert_eq!(text.parse::<Reach>(), Err(ReachError), "{text}");
        }
    }

    #[test]
    fn a_call_is_had_only_where_the_permission_reaches() {
        use Permission::{RulesRead, RulesWrite};
        let crm = ("module:crm", [RulesRead, RulesWrite].as_slice());
        let one = ("resource:rul_1", [RulesRead, RulesWrite].as_slice());
        for (unscoped, grants, module, id, wanted) in [
            (&[RulesRead, RulesWrite][..], &[][..], "sales", "rul_9", Ok(())),
            (&[], &[crm], "crm", "rul_9", Ok(())),
            (&[], &[crm], "sales", "rul_9", Err(OutOfReach::Unseen)),
            (&[RulesRead], &[crm], "sales", "rul_9", Err(OutOfReach::Lacks(RulesWrite))),
            (&[], &[one], "sales", "rul_1", Ok(())),
            (&[], &[one], "sales", "rul_9", Err(OutOfReach::Unseen)),
            (&[RulesWrite], &[], "sales", "rul_9", Ok(())),
            (&[RulesRead], &[], "sales", "rul_9", Err(OutOfReach::Lacks(RulesWrite))),
        ] {
            let who = bounded(unscoped, grants, RulesWrite);
            assert_eq!(who.at(module, id).map(drop), wanted, "{unscoped:?} {grants:?} {module} {id}");
        }
        // What is to be made needs the module; what moves is still itself.
        let who = bounded(&[], &[one], RulesWrite);
        assert_eq!(who.put_in("crm", None).map(drop), Err(OutOfReach::Lacks(RulesWrite)));
        assert!(who.put_in("crm", Some("rul_1")).is_ok());
    }

    #[test]
    fn another_permission_has_a_reach_of_its_own() {
        use Permission::{RulesWrite, TriggersWrite};
        let who = bounded(&[TriggersWrite], &[("module:crm", &[RulesWrite])], RulesWrite);
        assert_eq!(who.everywhere().map(drop), Err(OutOfReach::Lacks(RulesWrite)));
        let over_triggers = who.reaching(TriggersWrite);
        assert!(over_triggers.everywhere().is_ok() && over_triggers.put_in("sales", None).is_ok());
    }

    #[test]
    fn a_list_knows_what_it_may_show() {
        use Permission::RulesRead;
        assert_eq!(bounded(&[RulesRead], &[], RulesRead).bounds().parts(), None);
        let who = bounded(&[], &[("module:crm", &[RulesRead]), ("resource:rul_1", &[RulesRead])], RulesRead);
        let parts = who.bounds().parts().unwrap();
        assert_eq!((parts.modules, parts.resources), (&["crm".into()][..], &["rul_1".into()][..]));
        assert!(bounded(&[], &[], RulesRead).bounds().is_nowhere());
    }
}
