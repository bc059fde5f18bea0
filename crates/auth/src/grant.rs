//! What does a program ask for at the token endpoint, and what may it have? (RFC 6749, sections 3.3, 4.4 and 5.2)

use crate::assertion;
use db::DbError;
use kernel::{ClientId, Fault, Kind, Permission, Permissions, Secret, Span};

/// Who asks, and by what it shows that it is itself.
#[derive(Debug, Clone)]
pub struct ClientProof {
    /// Who it says it is.
    pub client: ClientId,
    /// What it shows.
    pub shown: Shown,
}

/// What a client shows.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Its secret (`client_secret_basic`, `client_secret_post`).
    Secret(Secret<String>),
    /// A JWT that it signed (`private_key_jwt`).
    Assertion(Secret<String>),
}

impl ClientProof {
    /// The proof of who shows a JWT and may leave its id out, for the JWT names it (RFC 7521, section 4.2). Nothing of it
    /// is believed yet. `None` if it names nobody, or somebody else than `named`.
    #[must_use]
    pub fn by_assertion(named: Option<ClientId>, assertion: Secret<String>) -> Option<Self> {
        let client = assertion::claimed(&assertion)?;
        let same = named.is_none_or(|named| named == client);
        same.then_some(Self { client, shown: Shown::Assertion(assertion) })
    }
}

/// Why a program does not get what it asks for. Codes are those of RFC 6749, section 5.2, and RFC 7009, section 2.2.1, in
/// capitals.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Something is missing, double or malformed.
    #[error("{0}")]
    Request(&'static str),
    /// No such client, or it did not show that it is itself.
    #[error("The client is not known, or its secret or signature is not valid (any more).")]
    Client,
    /// It is itself, and may not come in all the same.
    #[error("The tenant of this client is suspended. Ask the operators of this installation.")]
    Suspended,
    /// Not the client's own.
    #[error("This token belongs to another client.")]
    Foreign,
    /// We give nothing for this.
    #[error("This server knows the grant type client_credentials only.")]
    Grant,
    /// More than the client may have, or nothing that we know.
    #[error("The scope names something that is no permission, or that this client does not have.")]
    Scope,
    /// A token of a kind that is revoked elsewhere.
    #[error("An API key is revoked at /api/v1/admin/api-keys.")]
    TokenKind,
    /// Too many wrong proofs.
    #[error("There were too many tries. Wait {} s, then try again.", .0.as_seconds_up())]
    Blocked(Span),
    /// A token could not be signed.
    #[error("a token could not be signed: {0}")]
    Signing(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for GrantError {
    fn kind(&self) -> Kind {
        match self {
            Self::Request(_)
            | Self::Suspended
            | Self::Foreign
            | Self::Grant
            | Self::Scope
            | Self::TokenKind => Kind::Invalid,
            Self::Client => Kind::Unauthenticated,
            Self::Blocked(_) => Kind::TooMany,
            Self::Signing(_) => Kind::Internal,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Request(_) => "INVALID_REQUEST",
            Self::Client => "INVALID_CLIENT",
            Self::Suspended | Self::Foreign => "UNAUTHORIZED_CLIENT",
            Self::Grant => "UNSUPPORTED_GRANT_TYPE",
            Self::Scope => "INVALID_SCOPE",
            Self::TokenKind => "UNSUPPORTED_TOKEN_TYPE",
            Self::Blocked(_) => "TEMPORARILY_UNAVAILABLE",
            Self::Signing(_) => "SERVER_ERROR",
            Self::Db(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Blocked(wait) => Some(*wait),
            Self::Db(error) => error.retry_after(),
            Self::Request(_)
            | Self::Client
            | Self::Suspended
            | Self::Foreign
            | Self::Grant
            | Self::Scope
            | Self::TokenKind
            | Self::Signing(_) => None,
        }
    }
}

/// What a token will be for: what was asked for, or all that the client may do if nothing was.
///
/// # Errors
/// [`GrantError::Scope`] if it names what is no permission, or what the client does not have.
pub(crate) fn narrowed(asked: Option<&str>, may: Permissions) -> Result<Permissions, GrantError> {
    let Some(asked) = asked else {
        return Ok(may);
    };
    let names = asked.split(' ').filter(|name| !name.is_empty());
    let wanted: Option<Permissions> = names.map(|name| name.parse::<Permission>().ok()).collect();
    match wanted {
        Some(wanted) if wanted != Permissions::NONE && wanted.within(may) => Ok(wanted),
        Some(_) | None => Err(GrantError::Scope),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let may = Permissions::NONE.with(Permission::RulesRead).with(Permission::EventsWrite);
        let one = Permissions::NONE.with(Permission::EventsWrite);
        for (asked, wanted) in [
            (None, Some(may)),
            (Some("events:write"), Some(one)),
            (Some("events:write events:write"), Some(one)),
            (Some("rules:read events:write"), Some(may)),
            (Some("events:write rules:write"), None),
            (Some("events:write openid"), None),
            (Some(" "), None),
            (Some("events:write\trules:read"), None),
        ] {
            assert_eq!(narrowed(asked, may).ok(), wanted, "{asked:?}");
        }
    }
}
