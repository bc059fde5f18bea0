//! Which JSON stands for webhook sources?

use super::given;
use kernel::{Secret, TenantId};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use webhooks::{
    Mapping, Source, SourceDraft, SourcePatch,
    inbound::{Scheme, SchemeDraft},
};

/// How a provider signs that no preset knows. What is left out is as with most: HMAC-SHA256 over the body, in hexadecimal digits.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemeBody {
    /// The header that holds the signature; `X-Signature` unless named.
    header: Option<String>,
    /// What stands before the signature in that header: `sha256=`.
    prefix: Option<String>,
    /// How the signature is written: `hex`, `base64` or `base64url`; `hex` unless named.
    encoding: Option<String>,
    /// `sha1`, `sha256` or `sha512`; `sha256` unless named.
    algorithm: Option<String>,
    /// What is signed: a text with `{body}` in it, and `{timestamp}` and `{id}` where a header says them; `{body}` unless named.
    signed: Option<String>,
    /// The header that says when it was sent, in seconds since 1970. Only with one is a request refused that is sent again later.
    timestamp_header: Option<String>,
    /// The header that says the provider's id of what is sent.
    id_header: Option<String>,
}

impl From<SchemeBody> for SchemeDraft {
    fn from(sent: SchemeBody) -> Self {
        let SchemeBody { header, prefix, encoding, algorithm, signed, timestamp_header, id_header } = sent;
        Self { header, prefix, encoding, algorithm, signed, timestamp_header, id_header }
    }
}

impl From<&Scheme> for SchemeBody {
    fn from(scheme: &Scheme) -> Self {
        let SchemeDraft { header, prefix, encoding, algorithm, signed, timestamp_header, id_header } =
            scheme.into();
        Self { header, prefix, encoding, algorithm, signed, timestamp_header, id_header }
    }
}

/// What becomes of a request. Templates see `body`, `headers` (names in small letters), `kind`, `id`, `source` and `now`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingIn {
    /// The trigger of the event: its name, or a template that comes to one.
    #[schema(example = "contact_created")]
    trigger_id: String,
    /// The event's data: an object with templates in its texts. One that is nothing but a place, such as `{{ body.amount }}`, becomes
    /// what stands there. Without it the data is the body.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// The provider's id of what is sent, as a template, where the preset knows none: what has the same id counts once.
    id: Option<String>,
}

impl From<MappingIn> for Mapping {
    fn from(sent: MappingIn) -> Self {
        let MappingIn { trigger_id, data, id } = sent;
        Self { trigger: trigger_id, data, id }
    }
}

/// A source to be set up, or made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceIn {
    /// What people call it; 1 to 100 characters.
    #[schema(example = "Billing")]
    name: String,
    /// What it is for; at most 500 characters.
    description: Option<String>,
    /// How requests are verified: `standard-webhooks`, `github`, `stripe`, `slack`, `shopify`, `hmac`, `bearer`, `basic`; or in so
    /// many words `unverified`: then anybody who knows the address may send.
    #[schema(example = "standard-webhooks")]
    preset: String,
    /// How the provider signs; for `hmac` alone.
    scheme: Option<SchemeBody>,
    /// 1 to 5 secrets, any of which holds; for `basic` as `user:password`. Never shown. For `standard-webhooks` one is made unless
    /// any is given: `whsec_…`, or `whpk_…` for the public key of the sender.
    secrets: Option<Vec<String>>,
    /// What Meta shows in its challenge (`hub.verify_token`). Never shown.
    verify_token: Option<String>,
    /// The addresses and networks that may send, such as `192.0.2.0/24`; up to 50, all unless any is named.
    networks: Option<Vec<String>>,
    /// What becomes of a request.
    mapping: MappingIn,
    /// How many requests it takes in a minute; 60,000 unless named.
    rate_per_minute: Option<u32>,
    /// How many days its requests are kept, body and all, 1 to 365; 30 unless named, and no longer than events are.
    keep_days: Option<u32>,
    /// Whether it takes requests; it does unless said otherwise.
    is_active: Option<bool>,
}

fn secret(text: String) -> Secret<String> {
    Secret::new(text)
}

impl From<SourceIn> for SourceDraft {
    fn from(sent: SourceIn) -> Self {
        let mapping = Mapping::from(sent.mapping);
        Self {
            name: Some(sent.name),
            description: sent.description,
            preset: Some(sent.preset),
            scheme: sent.scheme.map(Into::into),
            secrets: sent.secrets.map(|all| all.into_iter().map(secret).collect()),
            verify_token: sent.verify_token.map(secret),
            networks: sent.networks,
            trigger: Some(mapping.trigger),
            data: mapping.data,
            id: mapping.id,
            rate_per_minute: sent.rate_per_minute,
            keep_days: sent.keep_days,
            is_active: sent.is_active,
        }
    }
}

/// All as it stands in the request, and what is left out as for a new source; but secrets stay unless others are given.
impl From<SourceIn> for SourcePatch {
    fn from(sent: SourceIn) -> Self {
        let draft = SourceDraft::from(sent);
        Self {
            name: draft.name,
            description: Some(draft.description),
            preset: draft.preset,
            scheme: Some(draft.scheme),
            secrets: draft.secrets,
            verify_token: draft.verify_token.map(Some),
            networks: Some(draft.networks.unwrap_or_default()),
            trigger: draft.trigger,
            data: Some(draft.data),
            id: Some(draft.id),
            rate_per_minute: Some(draft.rate_per_minute.unwrap_or(webhooks::SENDER_RATE)),
            keep_days: Some(draft.keep_days.unwrap_or(webhooks::KEEP_DAYS)),
            is_active: Some(draft.is_active.unwrap_or(true)),
        }
    }
}

/// What is to be changed of a source; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourcePatchIn {
    /// What people call it.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// What it is for; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// How requests are verified.
    #[serde(default, deserialize_with = "given")]
    preset: Option<String>,
    /// How the provider signs; it replaces the scheme as a whole.
    #[serde(default, deserialize_with = "given")]
    scheme: Option<SchemeBody>,
    /// The secrets that hold from now on: to turn one, name the old and the new.
    #[serde(default, deserialize_with = "given")]
    secrets: Option<Vec<String>>,
    /// What Meta shows in its challenge; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    verify_token: Option<Option<String>>,
    /// The networks that may send; an empty list opens it to all.
    #[serde(default, deserialize_with = "given")]
    networks: Option<Vec<String>>,
    /// What becomes of a request; it replaces the mapping as a whole.
    #[serde(default, deserialize_with = "given")]
    mapping: Option<MappingIn>,
    /// How many requests it takes in a minute.
    #[serde(default, deserialize_with = "given")]
    rate_per_minute: Option<u32>,
    /// How many days its requests are kept.
    #[serde(default, deserialize_with = "given")]
    keep_days: Option<u32>,
    /// Whether it takes requests.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
}

impl From<SourcePatchIn> for SourcePatch {
    fn from(sent: SourcePatchIn) -> Self {
        let mapping = sent.mapping.map(Mapping::from);
        Self {
            name: sent.name,
            description: sent.description,
            preset: sent.preset,
            scheme: sent.scheme.map(|scheme| Some(scheme.into())),
            secrets: sent.secrets.map(|all| all.into_iter().map(secret).collect()),
            verify_token: sent.verify_token.map(|token| token.map(secret)),
            networks: sent.networks,
            trigger: mapping.as_ref().map(|mapping| mapping.trigger.clone()),
            data: mapping.as_ref().map(|mapping| mapping.data.clone()),
            id: mapping.map(|mapping| mapping.id),
            rate_per_minute: sent.rate_per_minute,
            keep_days: sent.keep_days,
            is_active: sent.is_active,
        }
    }
}

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceOut {
    /// Its id.
    #[schema(example = "src_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// What people call it.
    name: String,
    /// What it is for.
    description: Option<String>,
    /// Where the provider sends to.
    #[schema(example = "https://signalbox.example.com/hooks/acme-corp/src_01hf7yat00zzzzzzzzzzzzzzzz")]
    url: String,
    /// How requests are verified.
    preset: &'static str,
    /// Whether requests are verified. If not, anybody who knows the address may send.
    verified: bool,
    /// How the provider signs; for `hmac` alone.
    #[schema(value_type = Option<SchemeBody>)]
    scheme: Value,
    /// How many secrets hold.
    secret_count: u32,
    /// Whether there is a token for Meta's challenge.
    has_verify_token: bool,
    /// The networks that may send; none: all.
    networks: Vec<String>,
    /// What becomes of a request: `trigger_id`, `data`, `id`.
    #[schema(value_type = MappingIn)]
    mapping: Value,
    /// How many requests it takes in a minute.
    rate_per_minute: u32,
    /// How many days its requests are kept.
    keep_days: u32,
    /// Whether it takes requests.
    is_active: bool,
    /// Grows with each change; also the `ETag`.
    version: i64,
    /// When it was set up.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl SourceOut {
    /// `public_url` is where we are reached, without a slash at its end.
    pub(crate) fn of(tenant: &TenantId, public_url: &str, source: Source) -> Self {
        let scheme = source.preset.scheme().map(SchemeBody::from);
        Self {
            url: format!("{public_url}/hooks/{tenant}/{}", source.id),
            id: source.id.to_string(),
            tenant_id: tenant.to_string(),
            name: source.name,
            description: source.description,
            preset: source.preset.as_str(),
            verified: source.preset.verifies(),
            scheme: json!(scheme),
            secret_count: source.secret_count,
            has_verify_token: source.has_verify_token,
            networks: source.networks.iter().map(ToString::to_string).collect(),
            mapping: json!({
                "trigger_id": source.mapping.trigger,
                "data": source.mapping.data,
                "id": source.mapping.id,
            }),
            rate_per_minute: source.rate_per_minute,
            keep_days: source.keep_days,
            is_active: source.is_active,
            version: source.version,
            created_at: source.created_at.to_string(),
            updated_at: source.updated_at.to_string(),
        }
    }
}

/// A source that was set up just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceMadeOut {
    /// The source.
    #[serde(flatten)]
    source: SourceOut,
    /// The secret that was made for it, shown this once; null if it has those that were given.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

impl SourceMadeOut {
    pub(crate) fn of(source: SourceOut, secret: Option<&Secret<String>>) -> Self {
        Self { source, secret: secret.map(|secret| secret.expose().clone()) }
    }
}

/// Which sources to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SourcesQuery {
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}
