//! What is an invitation? An address, the roles that wait for whoever has it, and a link that works once.
//!
//! `pending → accepted | revoked`; a pending one whose link has expired can be sent again. The CHECKs of migration 0011 repeat
//! the states.

use crate::{Email, tenant::sound_name};
use kernel::{Fault, FieldFault, Fields, Instant, InvitationId, Kind, RoleId, UserId};
use std::str::FromStr;

/// The most roles of one invitation.
const MOST_ROLES: usize = 20;

/// Where an invitation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// Nobody accepted it yet.
    Pending,
    /// Somebody accepted it.
    Accepted,
    /// Somebody took it back, or another one took its place.
    Revoked,
}

impl InvitationState {
    const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Revoked];

    /// As it stands in the table and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}

impl FromStr for InvitationState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// An invitation, without its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// What they are called, as far as the inviter knows.
    pub name: Option<String>,
    /// The roles that they get.
    pub roles: Vec<RoleId>,
    /// Where it is.
    pub state: InvitationState,
    /// The user that it became, or that it is for.
    pub user: Option<UserId>,
    /// How its newest link was sent.
    pub sent_by: By,
    /// Who invited: the id of a user or of an API key.
    pub invited_by: String,
    /// When it was made.
    pub created_at: Instant,
    /// When its link stops working.
    pub expires_at: Instant,
    /// When it was accepted or revoked.
    pub ended_at: Option<Instant>,
}

/// How the link of an invitation gets to whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// We send a letter, so whoever has the link has the address.
    Mail,
    /// The inviter is shown the link, once, and hands it over. That proves nothing of the address.
    Link,
}

impl By {
    const ALL: [Self; 2] = [Self::Mail, Self::Link];

    /// As it stands in the table and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Link => "link",
        }
    }
}

impl FromStr for By {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|by| by.as_str() == text).ok_or(())
    }
}

/// An invitation to be made.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    pub(crate) email: Email,
    pub(crate) name: Option<String>,
    pub(crate) roles: Vec<RoleId>,
}

impl NewInvitation {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Every faulty field.
    pub fn new(email: &str, name: Option<&str>, roles: &[String]) -> Result<Self, Vec<FieldFault>> {
        let mut fields = Fields::new();
        let email: Option<Email> = fields.take("email", email.parse());
        let name = name.map(sound_name).transpose();
        let name = fields.take("name", name);
        if roles.len() > MOST_ROLES {
            fields.fault("role_ids", format!("must be {MOST_ROLES} roles at most"));
        }
        let mut read: Vec<RoleId> = roles
            .iter()
            .enumerate()
            .filter_map(|(place, text)| fields.take(&format!("role_ids[{place}]"), text.parse()))
            .collect();
        read.sort();
        read.dedup();
        let (email, name) = fields.give(email.zip(name))?;
        Ok(Self { email, name, roles: read })
    }
}

/// What can be wrong about an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It was accepted or revoked.
    #[error("The invitation is {0}; only a pending one can be sent again or revoked. Make a new one.")]
    Ended(&'static str),
    /// A role of it was deleted.
    #[error("A role of this invitation does not exist any more. Ask for a new invitation.")]
    RoleGone,
    /// The user can log in already.
    #[error("This user has a password already. If it is forgotten, they can ask for a new one themselves.")]
    NotNeeded,
}

impl Fault for InvitationError {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Ended(_) => "INVITATION_ENDED",
            Self::RoleGone => "INVITATION_ROLE_GONE",
            Self::NotNeeded => "INVITATION_NOT_NEEDED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let faults = NewInvitation::new("nobody", Some(""), &["rol_x".to_owned()]).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(named, ["email", "name", "role_ids[0]"]);
        let many = vec!["rol_01hf7yat00zzzzzzzzzzzzzzzz".to_owned(); 21];
        assert_eq!(NewInvitation::new("a@b.c", None, &many).unwrap_err()[0].field, "role_ids");
        let twice = NewInvitation::new("a@b.c", None, &many[..2]).unwrap();
        assert_eq!((twice.roles.len(), twice.name), (1, None));
    }

    #[test]
    fn states_read_back() {
        assert!(InvitationState::ALL.iter().all(|state| state.as_str().parse() == Ok(*state)));
    }
}
