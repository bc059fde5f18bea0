//! How often may somebody try a password? A brake that slows and never locks for good.
//!
//! Tries are counted twice: for an account from one address, and for an account from everywhere. The first is strict; the
//! second is lenient, so that a stranger who keeps trying slows the owner down by a minute at most. They are counted by
//! what was *named*, whether it exists or not. A third count is for all accounts that are tried from one address, against
//! whoever tries one password on many; a right password takes only its own try out of it.

use crate::{Email, digest};
use kernel::{ClientId, Instant, Span, TenantId, UserId};
use std::net::IpAddr;

/// After this long without a try, the count begins anew.
pub(crate) const MEMORY: Span = Span::hours(24);

/// What is counted: SHA-256 of what was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) hash: [u8; 32],
    free: u32,
    longest: Span,
}

/// The account as named, seen from one address and from everywhere.
pub(crate) fn subjects(tenant: Option<&TenantId>, email: &Email, address: Option<&str>) -> [Subject; 2] {
    let tenant = tenant.map_or("", TenantId::as_str);
    let hash = |texts: &[&str]| *digest::of(texts).expose();
    [
        Subject {
            hash: hash(&["near", tenant, email.as_str(), &address.map(network).unwrap_or_default()]),
            free: 10,
            longest: Span::minutes(15),
        },
        Subject { hash: hash(&["far", tenant, email.as_str()]), free: 50, longest: Span::minutes(1) },
    ]
}

/// All accounts that are tried from one address.
pub(crate) fn spraying(address: Option<&str>) -> Subject {
    let hash = *digest::of(&["spraying", &address.map(network).unwrap_or_default()]).expose();
    Subject { hash, free: 50, longest: Span::minutes(15) }
}

/// Where an address is: the address itself, or of IPv6 the first 64 bits, for whoever has one of those has them all.
#[must_use]
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [one, two, three, four, ..] = address.segments();
            format!("{one:x}:{two:x}:{three:x}:{four:x}::/64")
        }
        Ok(IpAddr::V4(_) | IpAddr::V6(_)) | Err(_) => address.to_owned(),
    }
}

/// Letters to somebody who forgot their password, for an account as named.
pub(crate) fn forgotten(tenant: Option<&TenantId>, email: &Email) -> Subject {
    let tenant = tenant.map_or("", TenantId::as_str);
    let hash = *digest::of(&["forgotten", tenant, email.as_str()]).expose();
    Subject { hash, free: 4, longest: Span::hours(1) }
}

/// Letters to confirm an address, for a user who asks for them.
pub(crate) fn confirmation(tenant: &TenantId, user: &UserId) -> Subject {
    let hash = *digest::of(&["confirmation", tenant.as_str(), user.as_str()]).expose();
    Subject { hash, free: 5, longest: Span::hours(1) }
}

/// The codes of a user's second factor, tried from one address and from everywhere. Stricter than passwords, for a code
/// has six digits: who tries them knew the password, or stole a session, so nobody can slow somebody down at will.
pub(crate) fn code_subjects(tenant: &TenantId, user: &UserId, address: Option<&str>) -> [Subject; 2] {
    let hash = |texts: &[&str]| *digest::of(texts).expose();
    [
        Subject {
            hash: hash(&["code near", tenant.as_str(), user.as_str(), address.unwrap_or_default()]),
            free: 5,
            longest: Span::hours(1),
        },
        Subject {
            hash: hash(&["code far", tenant.as_str(), user.as_str()]),
            free: 20,
            longest: Span::minutes(15),
        },
    ]
}

/// A client as named, seen from one address and from everywhere. Its secret cannot be guessed: this keeps whoever tries
/// from costing much, and shows in the audit.
pub(crate) fn client_subjects(client: &ClientId, address: Option<&str>) -> [Subject; 2] {
    let hash = |texts: &[&str]| *digest::of(texts).expose();
    [
        Subject {
            hash: hash(&["client near", client.as_str(), address.unwrap_or_default()]),
            free: 10,
            longest: Span::minutes(15),
        },
        Subject { hash: hash(&["client far", client.as_str()]), free: 100, longest: Span::minutes(1) },
    ]
}

/// What is known of earlier tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tries {
    pub(crate) count: u32,
    pub(crate) blocked_until: Instant,
    pub(crate) last_at: Instant,
}

impl Tries {
    /// How long to wait yet, if it is too early for another try.
    pub(crate) fn wait(&self, now: Instant) -> Option<Span> {
        (self.blocked_until > now).then(|| self.blocked_until.since(now))
    }
}

impl Subject {
    /// Counts one more try, before its outcome is known, so that many at once do not slip by.
    ///
    /// # Errors
    /// How long to wait, if it is too early for another.
    pub(crate) fn try_again(&self, before: Option<Tries>, now: Instant) -> Result<Tries, Span> {
        let count = match before {
            Some(tries) if tries.blocked_until > now => return Err(tries.blocked_until.since(now)),
            Some(tries) if tries.last_at + MEMORY > now => tries.count.saturating_add(1),
            Some(_) | None => 1,
        };
        // 5 s, 10 s, 20 s … after the free ones.
        let beyond = count.checked_sub(self.free);
        let wait = beyond.map_or(Span::default(), |beyond| {
            let doubled = 5_i64.saturating_mul(1_i64.checked_shl(beyond.min(32)).unwrap_or(i64::MAX));
            Span::seconds(doubled).min(self.longest)
        });
        Ok(Tries { count, blocked_until: now + wait, last_at: now })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near() -> Subject {
        let [near, _] = subjects(None, &"ana@example.com".parse().unwrap(), Some("192.0.2.1"));
        near
    }

    #[test]
    fn the_brake_slows_and_does_not_lock() {
        let subject = near();
        let mut now = Instant::from_millis(0);
        let mut tries = None;
        let mut waits = Vec::new();
        for _ in 0..20 {
            let next = subject.try_again(tries, now).unwrap();
            waits.push(next.blocked_until.since(now).as_millis() / 1000);
            now = next.blocked_until;
            tries = Some(next);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]);
    }

    #[test]
    fn a_day_of_guessing_codes_gets_few_tries() {
        let start = Instant::from_millis(0);
        let (tenant, user) =
            ("acme-corp".parse().unwrap(), UserId::new(start, &crate::service::stage::Noise::new(1)));
        // From one address, and from a new one each time.
        for (subject, most) in code_subjects(&tenant, &user, None).into_iter().zip([40, 130]) {
            let (mut now, mut tries, mut count) = (start, None, 0);
            while now < start + Span::days(1) {
                let next = subject.try_again(tries, now).unwrap();
                (now, tries, count) = (next.blocked_until, Some(next), count + 1);
            }
            assert!(count < most, "{count}");
        }
    }

    #[test]
    fn too_early_is_refused_and_not_counted() {
        let subject = near();
        let now = Instant::from_millis(1000);
        let tries = Tries { count: 9, blocked_until: now + Span::seconds(3), last_at: now };
        assert_eq!(subject.try_again(Some(tries), now), Err(Span::seconds(3)));
    }

    #[test]
    fn a_day_later_the_count_begins_anew() {
        let subject = near();
        let then = Instant::from_millis(0);
        let tries = Tries { count: 9, blocked_until: then, last_at: then };
        assert_eq!(subject.try_again(Some(tries), then + MEMORY).unwrap().count, 1);
        assert_eq!(subject.try_again(Some(tries), then + Span::hours(23)).unwrap().count, 10);
    }

    #[test]
    fn addresses_count_apart_and_together() {
        let email: Email = "ana@example.com".parse().unwrap();
        let [one, everywhere] = subjects(None, &email, Some("192.0.2.1"));
        let [other, as_well] = subjects(None, &email, Some("192.0.2.2"));
        assert_ne!(one.hash, other.hash);
        assert_eq!(everywhere, as_well);
        assert_ne!(spraying(Some("192.0.2.1")), spraying(Some("192.0.2.2")));
    }

    #[test]
    fn who_has_an_address_of_ipv6_has_its_network() {
        for (address, wanted) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(network(address), wanted);
        }
    }
}
