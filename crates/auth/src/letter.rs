//! What do we write to people, and what may be in a letter? Invitations, links that open something once, and notices of what
//! happened to an account.

pub(crate) mod writing;

use crate::Email;
use db::DbError;
use kernel::{Fault, Instant, Kind, LetterId, Secret, Span, TenantId, UserId};
use std::{fmt, str::FromStr};
use vault::VaultError;

/// How long a notice is worth sending.
const NOTICE_LIFE: Span = Span::days(7);

/// What can go wrong with a letter.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// Its content cannot be sealed or opened.
    #[error("a letter's content cannot be sealed or opened: {0}")]
    Vault(#[from] VaultError),
    /// What was sealed is not what a letter says.
    #[error("a letter's content does not read")]
    Content,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for LetterError {
    fn kind(&self) -> Kind {
        match self {
            Self::Vault(_) | Self::Content => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Vault(_) | Self::Content => "INTERNAL",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Vault(_) | Self::Content => None,
            Self::Db(error) => error.retry_after(),
        }
    }
}

/// A text that names none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of {0}")]
pub struct UnknownLetterName(&'static str);

macro_rules! names {
    ($(#[$doc:meta])* $enum:ident, $all:literal { $($(#[$vdoc:meta])* $name:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $enum { $($(#[$vdoc])* $name,)+ }

        impl $enum {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the database and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl FromStr for $enum {
            type Err = UnknownLetterName;
            fn from_str(text: &str) -> Result<Self, UnknownLetterName> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(UnknownLetterName($all))
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// What a letter is for.
    Purpose, "invitation, password_reset, email_verification, security_notice" {
        /// Asks somebody to join a tenant.
        Invitation = "invitation",
        /// Lets somebody set a new password.
        PasswordReset = "password_reset",
        /// Lets somebody show that an address is theirs.
        EmailVerification = "email_verification",
        /// Tells what happened to an account.
        SecurityNotice = "security_notice",
    }
}

names! {
    /// Where a letter is. `waiting → queued → sent | failed | expired`; a failed one may be queued again.
    LetterState, "waiting, queued, sent, failed, expired" {
        /// Written; no job carries it yet.
        Waiting = "waiting",
        /// A job carries it.
        Queued = "queued",
        /// The mail service took it; its content is erased.
        Sent = "sent",
        /// Its job was given up; the job can be tried again until the letter expires.
        Failed = "failed",
        /// It was not sent while what it says held; its content is erased.
        Expired = "expired",
    }
}

names! {
    /// What happened to an account, of which its owner is told.
    Notice, "a kind of notice" {
        /// The password was changed by somebody who knew it.
        PasswordChanged = "password_changed",
        /// The password was set anew by a link.
        PasswordReset = "password_reset",
        /// The address was changed; goes to the old one.
        EmailChanged = "email_changed",
        /// A refresh token came a second time: a session was ended.
        SessionReused = "session_reused",
        /// A second factor was added.
        TwoFactorAdded = "two_factor_added",
        /// A second factor was removed.
        TwoFactorRemoved = "two_factor_removed",
        /// A recovery code was used in place of a second factor.
        RecoveryCodeUsed = "recovery_code_used",
        /// New recovery codes were made.
        RecoveryCodesMade = "recovery_codes_made",
        /// A passkey was added.
        PasskeyAdded = "passkey_added",
        /// A passkey was removed.
        PasskeyRemoved = "passkey_removed",
        /// An identity at the tenant's identity provider was linked to the account.
        SignOnLinked = "sign_on_linked",
        /// Roles were given or taken.
        RolesChanged = "roles_changed",
        /// The account was disabled.
        AccountDisabled = "account_disabled",
    }
}

/// What a letter says.
#[derive(Debug, Clone)]
pub enum Content {
    /// Come and join.
    Invitation {
        /// Who asks, in words; nobody in particular if it is not a person.
        inviter: Option<String>,
        /// Where to accept.
        link: Secret<String>,
        /// Until when.
        until: Instant,
    },
    /// Set a new password.
    PasswordReset {
        /// Where.
        link: Secret<String>,
        /// Until when.
        until: Instant,
    },
    /// Show that this address is yours.
    EmailVerification {
        /// Where.
        link: Secret<String>,
        /// Until when.
        until: Instant,
    },
    /// This happened to your account.
    SecurityNotice(Notice),
}

impl Content {
    /// What a letter with this content is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Invitation { .. } => Purpose::Invitation,
            Self::PasswordReset { .. } => Purpose::PasswordReset,
            Self::EmailVerification { .. } => Purpose::EmailVerification,
            Self::SecurityNotice(_) => Purpose::SecurityNotice,
        }
    }

    /// The kind of notice, if it is one.
    #[must_use]
    pub const fn notice(&self) -> Option<Notice> {
        match self {
            Self::SecurityNotice(notice) => Some(*notice),
            Self::Invitation { .. } | Self::PasswordReset { .. } | Self::EmailVerification { .. } => None,
        }
    }

    /// Until when a letter that is written at `now` is worth sending: as long as its link opens something.
    #[must_use]
    pub fn until(&self, now: Instant) -> Instant {
        match self {
            Self::Invitation { until, .. }
            | Self::PasswordReset { until, .. }
            | Self::EmailVerification { until, .. } => *until,
            Self::SecurityNotice(_) => now + NOTICE_LIFE,
        }
    }
}

/// A letter to be written.
#[derive(Debug, Clone)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// The user that it is about, if there is one already.
    pub user: Option<UserId>,
    /// What it says.
    pub content: Content,
}

/// A letter as it is kept, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: LetterId,
    /// What it is for.
    pub purpose: Purpose,
    /// Of what it tells, if it is a notice.
    pub notice: Option<Notice>,
    /// To whom it goes.
    pub recipient: Email,
    /// Where it is.
    pub state: LetterState,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
    /// The trace that it belongs to.
    pub trace: String,
    /// When it was written.
    pub created_at: Instant,
    /// Until when it is worth sending.
    pub expires_at: Instant,
    /// When it was sent, given up or expired.
    pub ended_at: Option<Instant>,
}

impl Posted {
    /// Whether its job should still send it at `now`.
    #[must_use]
    pub fn goes(&self, now: Instant) -> bool {
        match self.state {
            LetterState::Waiting | LetterState::Queued | LetterState::Failed => now < self.expires_at,
            LetterState::Sent | LetterState::Expired => false,
        }
    }
}

/// What stands in a letter, ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Writing {
    /// The subject: one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
}

impl fmt::Debug for Writing {
    /// Blank: it may hold a link that opens something.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Writing(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        assert!(Purpose::ALL.iter().all(|one| one.as_str().parse() == Ok(*one)));
        assert!(LetterState::ALL.iter().all(|one| one.as_str().parse() == Ok(*one)));
        assert!(Notice::ALL.iter().all(|one| one.as_str().parse() == Ok(*one)));
        assert!("spam".parse::<Purpose>().is_err());
    }

    #[test]
    fn what_was_sent_or_has_expired_does_not_go() {
        let now = Instant::from_millis(5);
        let mut letter = Posted {
            tenant: "acme-corp".parse().unwrap(),
            id: "ltr_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap(),
            purpose: Purpose::Invitation,
            notice: None,
            recipient: "ana@example.com".parse().unwrap(),
            state: LetterState::Queued,
            last_error: None,
            trace: String::new(),
            created_at: now,
            expires_at: Instant::from_millis(6),
            ended_at: None,
        };
        assert!(letter.goes(now) && !letter.goes(Instant::from_millis(6)));
        for (state, goes) in [
            (LetterState::Waiting, true),
            (LetterState::Failed, true),
            (LetterState::Sent, false),
            (LetterState::Expired, false),
        ] {
            letter.state = state;
            assert_eq!(letter.goes(now), goes, "{state}");
        }
    }
}
