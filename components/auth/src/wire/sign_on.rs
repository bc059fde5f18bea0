//! What do browsers and frontends say who sign on by an identity provider?

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// Who wants to sign on, and how the outcome is wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignOnQuery {
    /// The tenant's slug, unless the path names it.
    pub(crate) tenant: Option<String>,
    /// `con_…`; needed only where the tenant has several connections.
    pub(crate) connection: Option<String>,
    /// The person's e-mail address, whose domain may choose the connection.
    pub(crate) email: Option<String>,
    /// Where the browser goes afterwards: a path here, or a page of an origin in `cors_origins`.
    pub(crate) redirect_to: Option<String>,
    /// `cookie`, which holds with `redirect_to`: a session cookie; `code`: a code for the frontend; `json`, which holds
    /// without: tokens as the answer itself.
    pub(crate) response: Option<String>,
    /// With `response=code`: SHA-256 of a verifier that the frontend makes up, in base64url (RFC 7636, S256).
    pub(crate) code_challenge: Option<String>,
}

/// What a provider sends a browser back with. Providers may add more.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// What we sent.
    pub(crate) state: Option<String>,
    /// The code.
    pub(crate) code: Option<String>,
    /// Who says so (RFC 9207).
    pub(crate) iss: Option<String>,
    /// Why there is no code.
    pub(crate) error: Option<String>,
    /// The same in words.
    pub(crate) error_description: Option<String>,
}

/// A code that a frontend was sent back with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandoffIn {
    /// `sign_on_code` of the address that the browser was sent to.
    pub(crate) code: String,
    /// The verifier whose SHA-256 was shown as `code_challenge`.
    pub(crate) code_verifier: String,
}
