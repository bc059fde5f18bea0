//! What is a link that opens something once? A ticket: 256 bits of chance in a letter, of which only the SHA-256 is kept.
//!
//! The text is `sbl_<tenant>_<ticket>_<secret>`: it says where it belongs, so that one look at a primary key finds it. It
//! stands behind the `#` of a link: browsers do not send that part, so it is in no log and no `Referer`.
//!
//! `open → used | superseded | revoked`. The CHECKs of migration 0011 repeat the states.

use crate::{Email, digest};
use db::DbError;
use kernel::{Chance, Fault, Instant, InvitationId, Kind, Secret, Span, TenantId, TicketId, UserId};
use std::str::FromStr;

/// What a ticket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketPurpose {
    /// A tenant, to somebody who is asked to join.
    Invitation,
    /// The way to a new password.
    PasswordReset,
    /// Nothing: it shows that an address is somebody's.
    EmailVerification,
}

impl TicketPurpose {
    const ALL: [Self; 3] = [Self::Invitation, Self::PasswordReset, Self::EmailVerification];

    /// As it stands in the table.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
        }
    }

    /// How long it is good for.
    #[must_use]
    pub const fn life(self) -> Span {
        match self {
            Self::Invitation => Span::days(7),
            Self::PasswordReset => Span::minutes(30),
            Self::EmailVerification => Span::hours(24),
        }
    }

    /// The page that its link leads to, below the address of the links.
    const fn page(self) -> &'static str {
        match self {
            Self::Invitation => "/auth/invitation",
            Self::PasswordReset => "/auth/reset",
            Self::EmailVerification => "/auth/verify",
        }
    }
}

impl FromStr for TicketPurpose {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(())
    }
}

/// Where a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TicketState {
    Open,
    Used,
    Superseded,
    Revoked,
}

impl TicketState {
    const ALL: [Self; 4] = [Self::Open, Self::Used, Self::Superseded, Self::Revoked];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for TicketState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// Whom a ticket is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bearer {
    User(UserId),
    Invited(InvitationId),
}

/// A ticket as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) id: TicketId,
    pub(crate) purpose: TicketPurpose,
    pub(crate) state: TicketState,
    pub(crate) hash: digest::Digest,
    pub(crate) bearer: Bearer,
    /// The address that the letter went to.
    pub(crate) email: Email,
    pub(crate) expires_at: Instant,
}

impl Ticket {
    /// Whether `shown` opens what `purpose` says at `now`. Whatever is wrong, the answer is the same.
    pub(crate) fn opens(
        &self,
        shown: &TicketSecret,
        purpose: TicketPurpose,
        now: Instant,
    ) -> Result<(), TicketError> {
        // Compared first, and in constant time: who guesses learns nothing of the rest.
        let known = self.hash == shown.hash();
        let open = self.state == TicketState::Open && self.purpose == purpose && now < self.expires_at;
        if known && open { Ok(()) } else { Err(TicketError::Invalid) }
    }
}

/// What can go wrong with a link.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// It opens nothing: unknown, used, too old, or a newer one was made.
    #[error(
        "This link is not valid (any more): links work once and for a limited time, and a newer link ends the older. Ask \
         for a new one."
    )]
    Invalid,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for TicketError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid => Kind::Invalid,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "LINK_INVALID",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Invalid => None,
            Self::Db(error) => error.retry_after(),
        }
    }
}

/// The text of a ticket.
#[derive(Debug, Clone)]
pub struct TicketSecret {
    pub(crate) tenant: TenantId,
    pub(crate) ticket: TicketId,
    text: Secret<String>,
}

impl TicketSecret {
    pub(crate) fn new(tenant: &TenantId, ticket: &TicketId, chance: &dyn Chance) -> Self {
        let place = ticket.as_str().trim_start_matches("tkt_");
        let text = format!("sbl_{tenant}_{place}_{}", digest::noise::<32>(chance));
        Self { tenant: tenant.clone(), ticket: ticket.clone(), text: Secret::new(text) }
    }

    /// Reads a text that somebody showed.
    ///
    /// # Errors
    /// [`TicketError::Invalid`] if it cannot be one of ours.
    pub fn read(text: &Secret<String>) -> Result<Self, TicketError> {
        let parts: Vec<&str> = text.expose().trim().split('_').collect();
        let ["sbl", tenant, place, noise] = parts.as_slice() else {
            return Err(TicketError::Invalid);
        };
        if !digest::is_hex(noise, 64) {
            return Err(TicketError::Invalid);
        }
        Ok(Self {
            tenant: tenant.parse().map_err(|_| TicketError::Invalid)?,
            ticket: format!("tkt_{place}").parse().map_err(|_| TicketError::Invalid)?,
            text: Secret::new(text.expose().trim().to_owned()),
        })
    }

    /// The tenant that it says it is of.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn hash(&self) -> digest::Digest {
        digest::of(&[self.text.expose()])
    }

    /// The link with it, below `links_url`.
    #[must_use]
    pub(crate) fn link(&self, purpose: TicketPurpose, links_url: &str) -> Secret<String> {
        Secret::new(format!("{links_url}{}#token={}", purpose.page(), self.text.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::stage::Noise;

    fn ticket(shown: &TicketSecret) -> Ticket {
        Ticket {
            id: shown.ticket.clone(),
            purpose: TicketPurpose::PasswordReset,
            state: TicketState::Open,
            hash: shown.hash(),
            bearer: Bearer::User("usr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()),
            email: "ana@example.com".parse().unwrap(),
            expires_at: Instant::from_millis(10),
        }
    }

    fn secret(seed: u64) -> TicketSecret {
        let noise = Noise::new(seed);
        let id = TicketId::new(Instant::from_millis(1), &noise);
        TicketSecret::new(&"acme-corp".parse().unwrap(), &id, &noise)
    }

    #[test]
    fn a_link_reads_back() {
        let shown = secret(1);
        let link = shown.link(TicketPurpose::Invitation, "https://signalbox.test");
        let (page, token) = link.expose().split_once("#token=").unwrap();
        assert_eq!(page, "https://signalbox.test/auth/invitation");
        let read = TicketSecret::read(&Secret::new(token.to_owned())).unwrap();
        assert_eq!((read.ticket.clone(), read.hash()), (shown.ticket.clone(), shown.hash()));
        let cut = token[..token.len() - 1].to_owned();
        for text in ["", "sbl", "sbl_acme-corp_x_y", &cut, &format!("{token}_x"), &token.to_uppercase()] {
            assert!(TicketSecret::read(&Secret::new(text.to_owned())).is_err(), "{text}");
        }
    }

    #[test]
    fn a_ticket_opens_once_in_time_for_its_purpose() {
        let shown = secret(1);
        let good = ticket(&shown);
        let now = Instant::from_millis(9);
        let opens =
            |ticket: &Ticket, shown: &TicketSecret, purpose, now| ticket.opens(shown, purpose, now).is_ok();
        assert!(opens(&good, &shown, TicketPurpose::PasswordReset, now));
        assert!(!opens(&good, &shown, TicketPurpose::EmailVerification, now));
        assert!(!opens(&good, &shown, TicketPurpose::PasswordReset, Instant::from_millis(10)));
        assert!(!opens(&good, &secret(2), TicketPurpose::PasswordReset, now));
        for state in [TicketState::Used, TicketState::Superseded, TicketState::Revoked] {
            let other = Ticket { state, ..good.clone() };
            assert!(!opens(&other, &shown, TicketPurpose::PasswordReset, now), "{state:?}");
        }
    }
}
