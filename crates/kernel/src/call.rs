//! Who asks, when, and by what chance? A [`Call`] is all that a use case may know of the world outside.

use crate::{
    ApiKeyId, Bounds, ClientId, Grant, Instant, Permission, Permissions, PortalLinkId, Reach, SessionId,
    Span, TenantId, UserId, reach,
};
use std::{fmt, sync::Arc};

/// Where random bytes come from. The only one in production is the system's CSPRNG.
pub trait Chance: Send + Sync {
    /// Fills `bytes` with chance.
    fn fill(&self, bytes: &mut [u8]);
}

/// Where the time comes from. Each use case reads it once.
pub trait Clock: Send + Sync {
    /// This instant.
    fn now(&self) -> Instant;
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person, in a session.
    User(UserId, SessionId),
    /// A program, by an API key.
    ApiKey(ApiKeyId),
    /// A program, by an access token that it got as an OAuth 2.0 client.
    Client(ClientId),
    /// A customer of the tenant's, by a link that the tenant gave them: no account of ours.
    Customer(PortalLinkId),
    /// We ourselves: the queue, the set-up.
    System,
}

impl Actor {
    /// How the audit names the actor: the id of a user, a key, a client or a customer's link, or `system`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User(id, _) => id.as_str(),
            Self::ApiKey(id) => id.as_str(),
            Self::Client(id) => id.as_str(),
            Self::Customer(id) => id.as_str(),
            Self::System => "system",
        }
    }
}

/// How long somebody who proved who they are may do what needs a fresh proof.
pub const CONFIRMED_FOR: Span = Span::minutes(15);

/// How sure it is that the person acts, and not somebody who holds their session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assurance {
    /// When the person last proved who they are; `None` for programs.
    pub confirmed_at: Option<Instant>,
    /// Whether the tenant wants a second factor that the session lacks: it may do nothing then but enrol or show one.
    pub lacks_factor: bool,
}

/// Somebody whose credential was checked: of one tenant, with some permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant that the credential belongs to.
    pub tenant: TenantId,
    /// Who acts.
    pub actor: Actor,
    /// What the actor may do in the whole tenant.
    pub permissions: Permissions,
    /// How sure it is that this is the actor.
    pub assurance: Assurance,
    /// What the actor may do beside that in parts of it.
    pub grants: Arc<[Grant]>,
    /// The tenant's access revision under which this was found out; stale once the tenant's moved on.
    pub access_revision: i64,
}

impl Principal {
    /// Ourselves, acting in a tenant.
    #[must_use]
    pub fn system(tenant: TenantId) -> Self {
        Self {
            tenant,
            actor: Actor::System,
            permissions: Permissions::all(),
            assurance: Assurance::default(),
            grants: Arc::default(),
            access_revision: i64::MAX,
        }
    }

    /// A customer of the tenant's. They have no permission at all: what they may do is what the use cases of their pages do.
    #[must_use]
    pub fn customer(tenant: TenantId, link: PortalLinkId) -> Self {
        Self { actor: Actor::Customer(link), permissions: Permissions::NONE, ..Self::system(tenant) }
    }

    /// Whether the actor may do it in the whole tenant.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }

    /// Where the actor may do it.
    #[must_use]
    pub fn bounds(&self, permission: Permission) -> Bounds {
        Bounds::of(permission, self.permissions, &self.grants)
    }

    /// Whether the actor has all of `wanted` over the whole of `reach`. Which module a resource belongs to is not known
    /// here, so a module's permissions do not count for a resource.
    #[must_use]
    pub fn covers(&self, wanted: Permissions, reach: &Reach) -> bool {
        reach::covers(self.permissions, &self.grants, wanted, reach)
    }
}

/// The id of a request: the sender's `X-Request-Id` if it is sound, else one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The sender's, if it is 1 to 128 characters of `A-Z a-z 0-9 . _ - : /` (what a log line can carry).
    #[must_use]
    pub fn given(text: &str) -> Option<Self> {
        let sound = (1..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte));
        sound.then(|| Self(text.into()))
    }

    /// A new one: `req_` and 24 hexadecimal digits.
    #[must_use]
    pub fn new(chance: &dyn Chance) -> Self {
        let mut noise = [0_u8; 12];
        chance.fill(&mut noise);
        Self(format!("req_{}", hex(&noise)).into_boxed_str())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A W3C trace context (<https://www.w3.org/TR/trace-context/>), passed on to jobs and outbound calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace(Box<str>);

impl Trace {
    /// The sender's `traceparent`, if it is one of version 00.
    #[must_use]
    pub fn given(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let hexadecimal = |part: &str, length: usize| {
            part.len() == length
                && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        match parts.as_slice() {
            ["00", trace, parent, flags]
                if hexadecimal(trace, 32)
                    && hexadecimal(parent, 16)
                    && hexadecimal(flags, 2)
                    && trace.bytes().any(|byte| byte != b'0')
                    && parent.bytes().any(|byte| byte != b'0') =>
            {
                Some(Self(text.into()))
            }
            _ => None,
        }
    }

    /// A new, sampled trace.
    #[must_use]
    pub fn new(chance: &dyn Chance) -> Self {
        let mut noise = [0_u8; 24];
        chance.fill(&mut noise);
        let digits = hex(&noise);
        let (trace, parent) = digits.split_at(32);
        Self(format!("00-{trace}-{parent}-01").into_boxed_str())
    }

    /// The header's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a use case may know of the world outside: who asks, when, why, and where chance comes from.
#[derive(Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The one `now` of this call.
    pub now: Instant,
    /// The request that it is part of.
    pub request: RequestId,
    /// The trace that it is part of.
    pub trace: Trace,
    /// Where the caller sits: an IP address, if known.
    pub address: Option<String>,
    /// Where chance comes from.
    pub chance: Arc<dyn Chance>,
}

impl Call {
    /// The tenant that this call is about.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.principal.tenant
    }

    /// Whether the caller may do now what needs a fresh proof of who they are. Programs may: whoever gave them their key
    /// proved it, and they have nothing to prove it with.
    #[must_use]
    pub fn recently_confirmed(&self) -> bool {
        match &self.principal.actor {
            Actor::User(..) => {
                let confirmed = self.principal.assurance.confirmed_at;
                confirmed.is_some_and(|at| self.now < at + CONFIRMED_FOR)
            }
            Actor::ApiKey(_) | Actor::Client(_) | Actor::System => true,
            // Whoever holds the link proved nothing of themselves.
            Actor::Customer(_) => false,
        }
    }

    /// The same call by ourselves in `tenant`: what the queue does on somebody's behalf.
    #[must_use]
    pub fn as_system(&self, tenant: TenantId) -> Self {
        Self { principal: Principal::system(tenant), ..self.clone() }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Call")
            .field("principal", &self.principal)
            .field("now", &self.now)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_kept_only_if_a_log_can_carry_it() {
        assert!(RequestId::given("req_1:a/b").is_some());
        for text in ["", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert_eq!(RequestId::given(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_trace_must_be_of_version_00() {
        assert!(Trace::given("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").is_some());
        for text in [
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(Trace::given(text), None, "{text}");
        }
    }
}
