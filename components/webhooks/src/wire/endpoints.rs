//! Which JSON says what is wanted of webhook endpoints?

use super::{given, yes};
use edge::Problem;
use kernel::{Fields, Secret};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use webhooks::{AuthWish, EndpointFilter, EndpointPatch, NewEndpoint, PolicyPatch, Rate, Rotation};

/// How many requests there may be in a time.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateIo {
    /// How many; 1 to 100,000.
    limit: u32,
    /// In which time: a duration (ISO 8601, or seconds), from a second to a day.
    #[schema(value_type = String, example = "PT1S")]
    per: Value,
}

/// What lets us in besides the signature. Its secret is not shown again; left out, the one that is there stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthIn {
    /// `none`, `bearer` (token), `basic` (user, password), `header` (name, value) or `oauth2` (client credentials: token_url, client_id,
    /// client_secret, scopes).
    #[serde(rename = "type")]
    #[schema(example = "bearer")]
    kind: String,
    /// Of `bearer`.
    token: Option<String>,
    /// Of `basic`.
    user: Option<String>,
    /// Of `basic`.
    password: Option<String>,
    /// Of `header`: its name, such as `X-API-Key`.
    name: Option<String>,
    /// Of `header`.
    value: Option<String>,
    /// Of `oauth2`: where the provider gives tokens.
    token_url: Option<String>,
    /// Of `oauth2`.
    client_id: Option<String>,
    /// Of `oauth2`.
    client_secret: Option<String>,
    /// Of `oauth2`: at most 20.
    scopes: Option<Vec<String>>,
}

impl From<AuthIn> for AuthWish {
    fn from(sent: AuthIn) -> Self {
        let AuthIn { kind, token, user, password, name, value, token_url, client_id, client_secret, scopes } =
            sent;
        let all =
            [("token", token), ("password", password), ("value", value), ("client_secret", client_secret)];
        let credentials =
            all.into_iter().filter_map(|(name, text)| Some((name, Secret::new(text?)))).collect();
        Self { kind, user, name, token_url, client_id, scopes, credentials }
    }
}

/// An endpoint to be set up, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointIn {
    /// Of a new one: the key that signs. `whsec_` and the base64 of 24 to 64 bytes, or `whsk_` and that of an Ed25519 key. One is made unless
    /// it is given; that is better. Of one that is there it stays, and is replaced by `…/secret/rotate`.
    secret: Option<String>,
    /// Of a new one: how requests are signed. `v1` (HMAC-SHA256; this unless named) or `v1a` (Ed25519: receivers verify with `public_key`).
    signature: Option<String>,
    /// The address: a public host over https or http.
    #[schema(example = "https://example.com/webhooks")]
    url: String,
    /// What it is for; at most 500 characters.
    description: Option<String>,
    /// Whose it is, if it belongs to a customer of yours: your name for them; at most 200 characters.
    customer: Option<String>,
    /// The types of events that are sent there of themselves, `module.trigger`; a star stands for a part, at the end for all that follow. None
    /// unless named: then only what rules send arrives there.
    #[serde(default)]
    #[schema(example = json!(["sales.*", "crm.contact_created"]))]
    event_types: Vec<String>,
    /// Conditions that such an event must meet, as rules write them, over its data and `event.…`.
    #[schema(value_type = Option<Vec<Object>>)]
    filter: Option<Value>,
    /// What is sent instead of the usual body: JSON, with templates in its texts.
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// Headers that are sent along; at most 20. What lets us in belongs into `auth`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What lets us in besides the signature.
    auth: Option<AuthIn>,
    /// Words to find it by; at most 20.
    #[serde(default)]
    tags: Vec<String>,
    /// What your program keeps with it: names and texts, 4,096 bytes in all.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// The waits after the first failure, the second …: durations from a second to three days, at most 19. Unless named, those of Standard
    /// Webhooks: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    #[schema(value_type = Option<Vec<String>>, example = json!(["PT5S", "PT5M", "PT30M"]))]
    retry_schedule: Option<Vec<Value>>,
    /// How long it may take to answer: 5 to 30 seconds, 15 unless named.
    #[schema(value_type = Option<String>, example = "PT15S")]
    timeout: Option<Value>,
    /// How many requests it takes in a time; as many as there are unless named.
    rate: Option<RateIo>,
    /// How many requests are under way at a time: 1 to 100, 10 unless named.
    concurrency: Option<u32>,
    /// The field of an event's data by which things stay in order: what has the same there comes one after the other, also past failures.
    #[schema(example = "contact_id")]
    ordering_key: Option<String>,
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
    /// Whose it is; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    customer: Option<Option<String>>,
    /// The types of events that are sent there of themselves.
    #[serde(default, deserialize_with = "given")]
    event_types: Option<Vec<String>>,
    /// Conditions that such an event must meet; null takes them away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<Object>>)]
    filter: Option<Option<Value>>,
    /// What is sent instead of the usual body; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    body: Option<Option<Value>>,
    /// All headers, instead of those before.
    #[serde(default, deserialize_with = "given")]
    headers: Option<BTreeMap<String, String>>,
    /// What lets us in; its secret stays if it is left out and the type is the same.
    #[serde(default, deserialize_with = "given")]
    auth: Option<AuthIn>,
    /// All tags, instead of those before.
    #[serde(default, deserialize_with = "given")]
    tags: Option<Vec<String>>,
    /// All metadata, instead of that before.
    #[serde(default, deserialize_with = "given")]
    metadata: Option<BTreeMap<String, String>>,
    /// The waits between attempts; null: the usual ones.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    retry_schedule: Option<Option<Vec<Value>>>,
    /// How long it may take to answer; null: 15 seconds.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    timeout: Option<Option<Value>>,
    /// How many requests it takes in a time; null: as many as there are.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RateIo>)]
    rate: Option<Option<RateIo>>,
    /// How many requests are under way at a time; null: 10.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    concurrency: Option<Option<u32>>,
    /// The field by which things stay in order; null: they do not.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    ordering_key: Option<Option<String>>,
    /// Whether anything is sent to it; `true` also switches one on that was switched off because it is gone or failed.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
}

impl From<Rate> for RateIo {
    fn from(rate: Rate) -> Self {
        Self { limit: rate.limit, per: webhooks::written(rate.per).into() }
    }
}

fn rate(sent: RateIo) -> (u32, Value) {
    (sent.limit, sent.per)
}

impl EndpointIn {
    /// The endpoint that is there, made anew: its keys stay.
    ///
    /// # Errors
    /// It names keys.
    pub(crate) fn anew(self) -> Result<EndpointPatch, Problem> {
        let mut fields = Fields::new();
        let stays = "stays as it is: POST …/secret/rotate replaces it";
        for (name, is_there) in [("secret", self.secret.is_some()), ("signature", self.signature.is_some())] {
            if is_there {
                fields.fault(name, stays);
            }
        }
        fields.done().map_err(Problem::fields)?;
        Ok(self.into())
    }
}

impl From<EndpointIn> for EndpointPatch {
    fn from(sent: EndpointIn) -> Self {
        let auth = sent.auth.unwrap_or_else(|| AuthIn { kind: "none".to_owned(), ..AuthIn::default() });
        Self {
            url: Some(sent.url),
            description: Some(sent.description),
            customer: Some(sent.customer),
            event_types: Some(sent.event_types),
            filter: Some(sent.filter),
            body: Some(sent.body),
            headers: Some(sent.headers),
            auth: Some(auth.into()),
            tags: Some(sent.tags),
            metadata: Some(sent.metadata),
            policy: PolicyPatch {
                schedule: Some(sent.retry_schedule),
                timeout: Some(sent.timeout),
                rate: Some(sent.rate.map(rate)),
                concurrency: Some(sent.concurrency),
                ordering_key: Some(sent.ordering_key),
            },
            is_active: Some(sent.is_active),
        }
    }
}

impl From<EndpointIn> for NewEndpoint {
    fn from(sent: EndpointIn) -> Self {
        let (url, signature) = (sent.url.clone(), sent.signature.clone());
        let secret = sent.secret.clone().map(Secret::new);
        Self { url, secret, signature, patch: sent.into() }
    }
}

impl From<EndpointPatchIn> for EndpointPatch {
    fn from(sent: EndpointPatchIn) -> Self {
        Self {
            url: sent.url,
            description: sent.description,
            customer: sent.customer,
            event_types: sent.event_types,
            filter: sent.filter,
            body: sent.body,
            headers: sent.headers,
            auth: sent.auth.map(AuthWish::from),
            tags: sent.tags,
            metadata: sent.metadata,
            policy: PolicyPatch {
                schedule: sent.retry_schedule,
                timeout: sent.timeout,
                rate: sent.rate.map(|sent| sent.map(rate)),
                concurrency: sent.concurrency,
                ordering_key: sent.ordering_key,
            },
            is_active: sent.is_active,
        }
    }
}

/// Another key for an endpoint.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationIn {
    /// The key; one is made unless it is given.
    secret: Option<String>,
    /// How requests are signed from now on; as before unless named.
    signature: Option<String>,
    /// How long the present key signs along: a duration of at most seven days; `PT24H` unless named.
    #[schema(value_type = Option<String>, example = "PT24H")]
    overlap: Option<Value>,
}

impl From<RotationIn> for Rotation {
    fn from(sent: RotationIn) -> Self {
        Self { secret: sent.secret.map(Secret::new), signature: sent.signature, overlap: sent.overlap }
    }
}

/// What an endpoint is tried with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestIn {
    /// The type of event of which an example is sent; `webhook.test` unless named.
    #[serde(rename = "type")]
    #[schema(example = "sales.deal_closed_won")]
    pub(crate) kind: Option<String>,
}

/// Which endpoints to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EndpointsQuery {
    /// Only this customer's.
    customer: Option<String>,
    /// Only those to which something is sent (`true`), or the others.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

impl EndpointsQuery {
    pub(crate) fn filter(self, fields: &mut Fields) -> EndpointFilter {
        let is_active = self.is_active.and_then(|text| {
            fields.take("is_active", text.parse::<bool>().map_err(|_| "must be true or false"))
        });
        EndpointFilter { customer: self.customer, is_active, tag: self.tag }
    }
}

/// Over which time figures are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    /// From when on (RFC 3339); 24 hours ago unless named.
    pub(crate) since: Option<String>,
    /// Until when; now unless named. At most 28 days after `since`.
    pub(crate) until: Option<String>,
}
