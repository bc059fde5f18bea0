//! How are forgotten passwords and new addresses said in JSON?

use serde::Deserialize;
use utoipa::ToSchema;

/// Who forgot their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForgotIn {
    #[schema(example = "ana@example.com")]
    pub(crate) email: String,
    /// Without it, a letter goes for each of the last three tenants in which the address is somebody's.
    #[schema(example = "acme-corp")]
    pub(crate) tenant: Option<String>,
}

/// A new password, by a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetIn {
    /// What stands in the link behind `#token=`.
    pub(crate) token: String,
    /// As the organization's policy wants it; 256 characters at most.
    #[schema(format = Password, max_length = 256)]
    pub(crate) new_password: String,
}

/// A link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkIn {
    /// What stands in the link behind `#token=`.
    pub(crate) token: String,
}

/// Another address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailIn {
    #[schema(example = "ana.li@example.com")]
    pub(crate) email: String,
    #[schema(format = Password)]
    pub(crate) current_password: String,
}
