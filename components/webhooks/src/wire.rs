//! Which JSON stands for webhook endpoints? And, in rooms of their own, for sources and what came to them?

pub(crate) mod requests;
pub(crate) mod sources;

use kernel::TenantId;
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use utoipa::{IntoParams, ToSchema};
use webhooks::{Endpoint, EndpointPatch, NewEndpoint, SigningKey};

/// A field of a patch that is there: null is no value of it, unless it may be null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

const fn yes() -> bool {
    true
}

/// An endpoint to be set up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointIn {
    /// The address: a public host over https or http.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// What it is for; at most 500 characters.
    description: Option<String>,
    /// The key that signs: `whsec_` and the base64 of 24 to 64 bytes. One is made unless it is given; that is better.
    secret: Option<String>,
    /// Whether anything is sent to it.
    #[serde(default = "yes")]
    is_active: bool,
}

/// An endpoint to be made anew; its secret stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointAnewIn {
    /// The address: a public host over https or http.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// What it is for; at most 500 characters.
    description: Option<String>,
    /// Whether anything is sent to it.
    #[serde(default = "yes")]
    is_active: bool,
}

/// What is to be changed of an endpoint; what is left out stays, and so does its secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointPatchIn {
    /// The address.
    #[serde(default, deserialize_with = "given")]
    url: Option<String>,
    /// What it is for; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// Whether anything is sent to it; `true` also switches one on that answered 410.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
}

impl From<EndpointIn> for NewEndpoint {
    fn from(sent: EndpointIn) -> Self {
        let EndpointIn { url, description, secret, is_active } = sent;
        Self { url, description, secret, is_active }
    }
}

impl From<EndpointAnewIn> for EndpointPatch {
    fn from(sent: EndpointAnewIn) -> Self {
        Self { url: Some(sent.url), description: Some(sent.description), is_active: Some(sent.is_active) }
    }
}

impl From<EndpointPatchIn> for EndpointPatch {
    fn from(sent: EndpointPatchIn) -> Self {
        Self { url: sent.url, description: sent.description, is_active: sent.is_active }
    }
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointOut {
    /// Its id, by which rules name it.
    #[schema(example = "end_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// The address.
    url: String,
    /// What it is for.
    description: Option<String>,
    /// Whether anything is sent to it.
    is_active: bool,
    /// Since when nothing is sent to it.
    disabled_at: Option<String>,
    /// Why nothing is sent to it: `asked` (somebody switched it off) or `gone` (it answered 410).
    disabled_reason: Option<&'static str>,
    /// Grows with each change; also the `ETag`.
    version: i64,
    /// When it was set up.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl EndpointOut {
    pub(crate) fn of(tenant: &TenantId, endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            tenant_id: tenant.to_string(),
            url: endpoint.url,
            description: endpoint.description,
            is_active: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|disabled| disabled.at.to_string()),
            disabled_reason: endpoint.disabled.map(|disabled| disabled.reason.as_str()),
            version: endpoint.version,
            created_at: endpoint.created_at.to_string(),
            updated_at: endpoint.updated_at.to_string(),
        }
    }
}

/// An endpoint that was set up just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndpointMadeOut {
    /// The endpoint.
    #[serde(flatten)]
    endpoint: EndpointOut,
    /// The key that signs what is sent to it, shown this once.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

impl EndpointMadeOut {
    pub(crate) fn of(tenant: &TenantId, endpoint: Endpoint, key: &SigningKey) -> Self {
        Self { endpoint: EndpointOut::of(tenant, endpoint), secret: key.text().expose().clone() }
    }
}

/// What tests an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestOut {
    /// The job that sends it; `GET /api/v1/jobs/{id}` tells what came of it.
    #[schema(example = "job_01hf7yat00zzzzzzzzzzzzzzzz")]
    pub(crate) id: String,
    /// Where it goes.
    pub(crate) endpoint_id: String,
}

/// Which endpoints to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndpointsQuery {
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}
