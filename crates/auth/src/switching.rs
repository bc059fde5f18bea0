//! May a session in one tenant open one in another for the same person? Only where nobody but that person can have begun it.
//!
//! A tenant's administrators make its users, with any address, and its identity provider says of anybody that they are there.
//! So an address alone proves nothing, and neither does a session that such means began. What proves it is a password that was
//! chosen by somebody who had a letter to the address in hand: whoever knows it has, or had, the mailbox.
//!
//! 1. In the tenant that is left, the user's address was proved so, and the session was begun with the password after that.
//!    Sessions of single sign-on, and passkeys alone, do not count: others may have set them up.
//! 2. In the tenant that is entered, there is an active user with the same address, which was proved so there: their owner has
//!    accepted to be there, and nobody else was made to look like them.
//! 3. The tenant that is entered lets people in by password. Its second factor is asked for as at a login: the other
//!    tenant's does not count.
//! 4. The new session is no fresher and lasts no longer than the one that it came from.
//!
//! What is missing is not told: the answer is the same whether or not there is such a tenant, or such a user in it.

use crate::{Method, Session};
use kernel::{Fault, Instant, Kind, TenantId};

/// Why somebody does not get over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// Something of the above does not hold.
    #[error(
        "This session does not open that tenant. Log in there; if that should not be needed, set a new password by a letter in both tenants, and log in with it."
    )]
    Refused,
}

impl Fault for SwitchError {
    fn kind(&self) -> Kind {
        Kind::Forbidden
    }

    fn code(&self) -> &'static str {
        "SWITCH_REFUSED"
    }
}

/// A tenant that somebody belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Its slug.
    pub tenant: TenantId,
    /// What people call it.
    pub name: String,
    /// The names of the roles that they have there.
    pub roles: Vec<String>,
}

/// Whether nobody but the owner of the user's address can have begun this session. `proved_at` is since when nobody else can
/// know the password.
#[must_use]
pub(crate) fn is_ones_own(session: &Session, proved_at: Option<Instant>) -> bool {
    session.methods.has(Method::Password)
        && !session.methods.has(Method::SingleSignOn)
        && proved_at.is_some_and(|proved_at| session.created_at >= proved_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Methods, service::stage::Noise};
    use kernel::{SessionId, UserId};

    #[test]
    fn only_what_its_owner_alone_can_have_begun_counts() {
        let (now, noise) = (Instant::from_millis(1000), Noise::new(1));
        let session = |methods: Methods| {
            let (id, user) = (SessionId::new(now, &noise), UserId::new(now, &noise));
            Session::begin(id, user, None, None, methods, now)
        };
        let password = Methods::only(Method::Password);
        for (methods, proved_at, wanted) in [
            (password, Some(1000), true),
            (password.with(Method::OneTimeCode), Some(1), true),
            (password.with(Method::Link), Some(1000), true),
            (password, Some(1001), false),
            (password, None, false),
            (password.with(Method::SingleSignOn), Some(1), false),
            (Methods::only(Method::SingleSignOn), Some(1), false),
            (Methods::only(Method::Passkey), Some(1), false),
            (Methods::default(), Some(1), false),
        ] {
            let proved = proved_at.map(Instant::from_millis);
            assert_eq!(is_ones_own(&session(methods), proved), wanted, "{methods} {proved_at:?}");
        }
    }
}
