//! How are passkeys said in JSON?

use auth::Passkey;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What a browser's `navigator.credentials` wants, good for five minutes and one answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyOptionsOut {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[schema(value_type = Object)]
    options: Box<RawValue>,
}

impl PasskeyOptionsOut {
    /// `None` if the text is no JSON.
    pub(crate) fn new(options: String) -> Option<Self> {
        RawValue::from_string(options).ok().map(|options| Self { options })
    }
}

/// A new passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyIn {
    /// What you call it.
    #[schema(example = "Ana's phone")]
    pub(crate) name: String,
    /// The browser's answer: `credential.toJSON()`.
    #[schema(value_type = Object)]
    pub(crate) credential: Box<RawValue>,
}

/// Another name for a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyPatch {
    pub(crate) name: String,
}

/// Somebody who comes by passkey.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasskeyLoginIn {
    /// The browser's answer: `credential.toJSON()`.
    #[schema(value_type = Object)]
    pub(crate) credential: Box<RawValue>,
    /// Whether a session cookie is wanted too, for a browser.
    #[serde(default)]
    pub(crate) cookie: bool,
}

/// A login that waits for its second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitingIn {
    /// From the answer that asked for the factor.
    pub(crate) mfa_token: String,
}

/// A passkey.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyOut {
    id: String,
    name: String,
    created_at: String,
    last_used_at: Option<String>,
}

impl From<Passkey> for PasskeyOut {
    fn from(passkey: Passkey) -> Self {
        Self {
            id: passkey.id.to_string(),
            name: passkey.name,
            created_at: passkey.created_at.to_string(),
            last_used_at: passkey.last_used_at.map(|at| at.to_string()),
        }
    }
}

/// A passkey that was registered just now.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasskeyMadeOut {
    id: String,
    name: String,
    created_at: String,
    /// Shown this once, if it is the first factor.
    recovery_codes: Vec<String>,
}

impl PasskeyMadeOut {
    pub(crate) fn new(passkey: Passkey, codes: &[Secret<String>]) -> Self {
        Self {
            id: passkey.id.to_string(),
            name: passkey.name,
            created_at: passkey.created_at.to_string(),
            recovery_codes: codes.iter().map(|code| code.expose().clone()).collect(),
        }
    }
}
