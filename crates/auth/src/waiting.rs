//! What holds a login between the password and the second factor? A token `sbm_<tenant>_<256 bits>`, good for five minutes,
//! five tries and one login. Only its SHA-256 is kept.

use crate::{
    Methods,
    digest::{self, Digest},
};
use kernel::{Chance, Instant, Secret, Span, TenantId, UserId};

/// How long a login waits.
pub(crate) const LIFE: Span = Span::minutes(5);
/// How many wrong factors end it.
pub(crate) const TRIES: u32 = 5;

const PREFIX: &str = "sbm";

/// The token of a login that waits.
#[derive(Debug, Clone)]
pub(crate) struct WaitingToken {
    pub(crate) tenant: TenantId,
    text: Secret<String>,
}

impl WaitingToken {
    pub(crate) fn new(tenant: &TenantId, chance: &dyn Chance) -> Self {
        let text = format!("{PREFIX}_{tenant}_{}", digest::noise::<32>(chance));
        Self { tenant: tenant.clone(), text: Secret::new(text) }
    }

    /// Reads a text that somebody showed; `None` if it cannot be one of ours.
    pub(crate) fn read(text: &Secret<String>) -> Option<Self> {
        let parts: Vec<&str> = text.expose().split('_').collect();
        let [PREFIX, tenant, noise] = parts.as_slice() else {
            return None;
        };
        if !digest::is_hex(noise, 64) {
            return None;
        }
        Some(Self { tenant: tenant.parse().ok()?, text: text.clone() })
    }

    pub(crate) const fn text(&self) -> &Secret<String> {
        &self.text
    }

    pub(crate) fn hash(&self) -> Digest {
        digest::of(&[self.text.expose()])
    }
}

/// A login that waits for its second factor.
#[derive(Debug, Clone)]
pub(crate) struct WaitingLogin {
    pub(crate) user: UserId,
    /// What was shown already.
    pub(crate) methods: Methods,
    /// Whether a cookie is wanted in the end.
    pub(crate) cookie: bool,
    /// What the password's hash was: [`binding`].
    pub(crate) bound: Digest,
    pub(crate) tries: u32,
    pub(crate) expires_at: Instant,
}

impl WaitingLogin {
    /// Whether it can be finished at `now`, by a user whose password is `stored` now.
    pub(crate) fn goes_on(&self, stored: Option<&str>, now: Instant) -> bool {
        now < self.expires_at && self.tries < TRIES && self.bound == binding(stored)
    }
}

/// What ties a login to the password that it began with.
pub(crate) fn binding(stored: Option<&str>) -> Digest {
    digest::of(&["waiting login", stored.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Method, service::stage::Noise};

    #[test]
    fn a_token_reads_back() {
        let token = WaitingToken::new(&"acme-corp".parse().unwrap(), &Noise::new(1));
        let read = WaitingToken::read(token.text()).unwrap();
        assert_eq!((read.tenant.as_str(), read.hash()), ("acme-corp", token.hash()));
        for text in ["", "sbm_acme-corp", "sbr_acme-corp_00", "sbm_acme-corp_00"] {
            assert!(WaitingToken::read(&Secret::new(text.to_owned())).is_none(), "{text}");
        }
    }

    #[test]
    fn it_ends_by_time_by_tries_and_with_the_password() {
        let start = Instant::from_millis(0);
        let login = WaitingLogin {
            user: UserId::new(start, &Noise::new(1)),
            methods: Methods::only(Method::Password),
            cookie: false,
            bound: binding(Some("hash")),
            tries: 0,
            expires_at: start + LIFE,
        };
        assert!(login.goes_on(Some("hash"), start + Span::minutes(4)));
        assert!(!login.goes_on(Some("hash"), start + LIFE));
        assert!(!login.goes_on(Some("other"), start) && !login.goes_on(None, start));
        assert!(!WaitingLogin { tries: TRIES, ..login }.goes_on(Some("hash"), start));
    }
}
