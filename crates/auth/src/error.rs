//! What can go wrong when somebody shows who they are, or changes who may do what?

use crate::{
    Busy, FactorError, InvitationError, LetterError, OrganizationError, PasskeyError, RoleError, TicketError,
};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, Secret, Span};

/// A fault of identity.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Some fields are faulty.
    #[error("Some fields are not as they must be; details names each.")]
    Fields(Vec<FieldFault>),
    /// No such user, or another password; which of them is not told.
    #[error(
        "The e-mail address or the password is wrong. If the address belongs to several tenants, name the one that is meant."
    )]
    LoginFailed,
    /// Too many tries at a password.
    #[error("There were too many tries. Wait {} s, then try again.", .0.as_seconds_up())]
    LoginBlocked(Span),
    /// A credential that opens nothing: unknown, damaged, revoked or of somebody who may not come in.
    #[error("This credential is not valid (any more). Log in again, or use another API key.")]
    CredentialInvalid,
    /// An access token that was sound until a moment ago.
    #[error("The access token has expired. Get a new one with the refresh token.")]
    TokenExpired,
    /// A refresh token that opens nothing.
    #[error("The refresh token is not valid (any more). Log in again.")]
    RefreshInvalid,
    /// A refresh token that was used before.
    #[error(
        "The refresh token was used before, so somebody may have copied it. The session was ended; log in again."
    )]
    RefreshReused,
    /// The tenant is suspended, for this reason.
    #[error("This tenant is suspended: {0}. Ask the operators of this installation.")]
    TenantSuspended(String),
    /// The user is disabled.
    #[error("This user is disabled. Ask somebody who manages the tenant's users.")]
    UserDisabled,
    /// An API key asked for something that only a person in a session can do.
    #[error("Only a user can do this, in a session of their own; an API key cannot.")]
    NeedsSession,
    /// Somebody would give away, or touch, more than they may do themselves.
    #[error("This would reach beyond your own permissions. Ask somebody who has them.")]
    Beyond,
    /// Somebody would change what they may do themselves.
    #[error("Nobody gives themselves a role. Ask somebody else who manages access.")]
    OwnAccess,
    /// The tenant would be left without an owner.
    #[error("This is the tenant's last active owner. Make somebody else an owner first.")]
    LastOwner,
    /// A user with this address is there already.
    #[error("A user with this e-mail address exists already in this tenant.")]
    EmailTaken,
    /// Nobody may make a tenant for themselves here.
    #[error("Sign-up is closed here. Ask the operators of this installation for a tenant.")]
    SignUpClosed,
    /// The tenant is there already.
    #[error("A tenant of this name exists already; nothing was changed.")]
    TenantExists,
    /// The resource changed since the caller looked.
    #[error("The resource is at another version than the one that was named; fetch it again.")]
    Stale,
    /// A key or a client that opens nothing any more, and so cannot be changed.
    #[error("This {0} is revoked or has expired. Make another one.")]
    Revoked(&'static str),
    /// There is no such thing in this tenant.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// Something about a role.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Somebody does not get over into another tenant.
    #[error(transparent)]
    Switch(#[from] crate::SwitchError),
    /// Something about a tenant's standing.
    #[error(transparent)]
    Organization(#[from] OrganizationError),
    /// Argon2 failed.
    #[error("a password could not be hashed or compared: {0}")]
    Password(String),
    /// A token could not be signed.
    #[error("a token could not be signed: {0}")]
    Signing(String),
    /// A link.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// An invitation.
    #[error(transparent)]
    Invitation(#[from] InvitationError),
    /// Too many passwords are hashed at this moment.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// A letter could not be written.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// The erasure of a person cannot begin.
    #[error(transparent)]
    Erasure(#[from] crate::ErasureError),
    /// Something about second factors.
    #[error(transparent)]
    Factor(#[from] FactorError),
    /// Something about passkeys.
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    /// Single sign-on did not let somebody in.
    #[error(transparent)]
    SignOn(#[from] crate::SignOnError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl AuthError {
    /// The tenant is suspended; not every suspension says why.
    #[must_use]
    pub fn suspended(reason: Option<String>) -> Self {
        Self::TenantSuspended(reason.unwrap_or_else(|| "no reason was given".to_owned()))
    }
}

impl From<Vec<FieldFault>> for AuthError {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Fields(faults)
    }
}

impl AuthError {
    /// Whether what was written on the way to this fault stays: it is an answer, not a failure.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            Self::Factor(error) => error.is_answer(),
            Self::Passkey(error) => error.is_answer(),
            // The rest is a failure.
            _ => false,
        }
    }
}

impl Fault for AuthError {
    fn kind(&self) -> Kind {
        match self {
            Self::Fields(_) => Kind::Invalid,
            Self::LoginFailed
            | Self::CredentialInvalid
            | Self::TokenExpired
            | Self::RefreshInvalid
            | Self::RefreshReused => Kind::Unauthenticated,
            Self::LoginBlocked(_) => Kind::TooMany,
            Self::TenantSuspended(_)
            | Self::UserDisabled
            | Self::NeedsSession
            | Self::Beyond
            | Self::OwnAccess
            | Self::SignUpClosed => Kind::Forbidden,
            Self::LastOwner | Self::EmailTaken | Self::TenantExists | Self::Revoked(_) => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::NotFound(_) => Kind::NotFound,
            Self::Role(error) => error.kind(),
            Self::Organization(error) => error.kind(),
            Self::Switch(error) => error.kind(),
            Self::Password(_) | Self::Signing(_) => Kind::Internal,
            Self::Ticket(error) => error.kind(),
            Self::Invitation(error) => error.kind(),
            Self::Busy(error) => error.kind(),
            Self::Letter(error) => error.kind(),
            Self::Erasure(error) => error.kind(),
            Self::Factor(error) => error.kind(),
            Self::Passkey(error) => error.kind(),
            Self::SignOn(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "VALIDATION_ERROR",
            Self::LoginFailed => "LOGIN_FAILED",
            Self::LoginBlocked(_) => "LOGIN_BLOCKED",
            Self::CredentialInvalid => "CREDENTIAL_INVALID",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::RefreshInvalid => "REFRESH_TOKEN_INVALID",
            Self::RefreshReused => "REFRESH_TOKEN_REUSED",
            Self::TenantSuspended(_) => "TENANT_SUSPENDED",
            Self::UserDisabled => "USER_DISABLED",
            Self::NeedsSession => "SESSION_REQUIRED",
            Self::Beyond => "BEYOND_OWN_PERMISSIONS",
            Self::OwnAccess => "OWN_ACCESS",
            Self::LastOwner => "LAST_OWNER",
            Self::EmailTaken => "EMAIL_TAKEN",
            Self::SignUpClosed => "SIGN_UP_CLOSED",
            Self::TenantExists => "TENANT_EXISTS",
            Self::Revoked(_) => "REVOKED",
            Self::Stale => "PRECONDITION_FAILED",
            Self::NotFound(_) => "NOT_FOUND",
            Self::Role(error) => error.code(),
            Self::Organization(error) => error.code(),
            Self::Switch(error) => error.code(),
            Self::Password(_) | Self::Signing(_) => "INTERNAL",
            Self::Ticket(error) => error.code(),
            Self::Invitation(error) => error.code(),
            Self::Busy(error) => error.code(),
            Self::Letter(error) => error.code(),
            Self::Erasure(error) => error.code(),
            Self::Factor(error) => error.code(),
            Self::Passkey(error) => error.code(),
            Self::SignOn(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Fields(faults) => faults,
            Self::Factor(error) => error.fields(),
            Self::Passkey(error) => error.fields(),
            // The rest is about no field.
            _ => &[],
        }
    }

    fn handed(&self) -> Option<(&'static str, &Secret<String>)> {
        if let Self::Factor(error) = self { error.handed() } else { None }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::LoginBlocked(wait) => Some(*wait),
            Self::Ticket(error) => error.retry_after(),
            Self::Busy(error) => error.retry_after(),
            Self::Letter(error) => error.retry_after(),
            Self::Db(error) => error.retry_after(),
            // The rest is not mended by waiting.
            _ => None,
        }
    }
}
