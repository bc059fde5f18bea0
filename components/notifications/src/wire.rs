//! Which JSON stands for channels, messages and inbox entries?

use edge::Problem;
use kernel::{Fields, TenantId};
use notifications::{
    Channel, ChannelPatch, Delivery, InboxEntry, Message, NewChannel, NewMessage, Setup, messages::Filter,
};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A field of a patch that is there: null is no value of it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}

const fn yes() -> bool {
    true
}

/// A channel to be set up, or to be made anew.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelIn {
    /// By it rules ask for the channel; 1 to 80 characters, taken in any mix of cases.
    #[schema(example = "Sales alerts")]
    name: String,
    /// `slack` or `webhook`; stays as it is.
    #[schema(example = "webhook")]
    kind: String,
    /// The address: a public host over http or https. Slack: the incoming webhook's URL. Never shown again in full.
    #[schema(example = "https://example.com/hooks/signalbox?token=…")]
    url: String,
    /// Webhooks only: `POST` (unless named) or `PUT`.
    #[serde(default, deserialize_with = "given")]
    method: Option<String>,
    /// Webhooks only: at most 16 headers to send. Their values are never shown again.
    #[serde(default, deserialize_with = "given")]
    headers: Option<BTreeMap<String, String>>,
    /// Whether messages leave by it.
    #[serde(default = "yes")]
    is_active: bool,
    /// Whether messages that ask for no channel leave by it.
    #[serde(default)]
    is_default: bool,
}

/// What is to be changed of a channel; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelPatchIn {
    /// By it rules ask for the channel.
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// Must stay as it is.
    #[serde(default, deserialize_with = "given")]
    kind: Option<String>,
    /// The address.
    #[serde(default, deserialize_with = "given")]
    url: Option<String>,
    /// Webhooks only: `POST` or `PUT`.
    #[serde(default, deserialize_with = "given")]
    method: Option<String>,
    /// Webhooks only: all headers to send, instead of those before.
    #[serde(default, deserialize_with = "given")]
    headers: Option<BTreeMap<String, String>>,
    /// Whether messages leave by it.
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
    /// Whether messages that ask for no channel leave by it.
    #[serde(default, deserialize_with = "given")]
    is_default: Option<bool>,
}

impl From<ChannelIn> for NewChannel {
    fn from(sent: ChannelIn) -> Self {
        Self {
            name: sent.name,
            kind: sent.kind,
            url: sent.url,
            method: sent.method,
            headers: sent.headers.map(|headers| headers.into_iter().collect()),
            is_active: sent.is_active,
            is_default: sent.is_default,
        }
    }
}

impl From<ChannelPatchIn> for ChannelPatch {
    fn from(sent: ChannelPatchIn) -> Self {
        Self {
            kind: sent.kind,
            name: sent.name,
            url: sent.url,
            method: sent.method,
            headers: sent.headers.map(|headers| headers.into_iter().collect()),
            is_active: sent.is_active,
            is_default: sent.is_default,
        }
    }
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelOut {
    /// Its id.
    #[schema(example = "chn_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// By it rules ask for the channel.
    name: String,
    /// `slack` or `webhook`.
    kind: &'static str,
    /// The address, masked.
    #[schema(example = "https://hooks.slack.com/…")]
    url: String,
    /// Webhooks only: `POST` or `PUT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    /// Webhooks only: the names of the headers that are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    header_names: Option<Vec<String>>,
    /// Whether messages leave by it.
    is_active: bool,
    /// Whether messages that ask for no channel leave by it.
    is_default: bool,
    /// Grows with each change; also the `ETag`.
    version: i64,
    /// When it was set up.
    created_at: String,
    /// When it was changed last.
    updated_at: String,
}

impl ChannelOut {
    pub(crate) fn of(tenant: &TenantId, channel: Channel) -> Self {
        let kind = channel.setup.kind().as_str();
        let (method, header_names) = match channel.setup {
            Setup::Slack => (None, None),
            Setup::Webhook { method, header_names } => (Some(method.as_str()), Some(header_names)),
        };
        Self {
            id: channel.id.to_string(),
            tenant_id: tenant.to_string(),
            name: channel.name,
            kind,
            url: channel.address,
            method,
            header_names,
            is_active: channel.is_active,
            is_default: channel.is_default,
            version: channel.version,
            created_at: channel.created_at.to_string(),
            updated_at: channel.updated_at.to_string(),
        }
    }
}

/// Something that somebody is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageOut {
    /// Its id.
    #[schema(example = "msg_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// Who is told.
    recipient: String,
    /// What about, in a line.
    title: Option<String>,
    /// What.
    body: String,
    /// The event that it came of.
    event_id: Option<String>,
    /// The job that made it.
    job_id: Option<String>,
    /// When it was written.
    created_at: String,
    /// The ways that it takes.
    deliveries: Vec<DeliveryOut>,
}

/// One way that a message takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryOut {
    /// Its id; webhooks see it as `Idempotency-Key`.
    #[schema(example = "dlv_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// `in_app`, `slack` or `webhook`.
    kind: &'static str,
    /// The channel, unless it is in-app; it may be gone.
    channel_id: Option<String>,
    /// The channel's name when the message was written.
    channel_name: Option<String>,
    /// `queued`, `deferred` (to be tried again), `sent`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// What went wrong at the last attempt, if it did.
    last_error: Option<String>,
    /// The HTTP status of the last answer, if there was one.
    provider_status: Option<u16>,
    /// When it was queued.
    created_at: String,
    /// When its state changed last.
    updated_at: String,
}

impl MessageOut {
    pub(crate) fn of(tenant: &TenantId, message: Message) -> Self {
        Self {
            id: message.id.to_string(),
            tenant_id: tenant.to_string(),
            recipient: message.recipient.to_string(),
            title: message.title,
            body: message.body,
            event_id: message.event_id.map(|id| id.to_string()),
            job_id: message.job_id.map(|id| id.to_string()),
            created_at: message.created_at.to_string(),
            deliveries: message.deliveries.into_iter().map(DeliveryOut::from).collect(),
        }
    }
}

impl From<Delivery> for DeliveryOut {
    fn from(delivery: Delivery) -> Self {
        let (channel_id, channel_name) =
            delivery.channel.map(|channel| (channel.id.to_string(), channel.name)).unzip();
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind.as_str(),
            channel_id,
            channel_name,
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_error: delivery.last_error,
            provider_status: delivery.provider_status,
            created_at: delivery.created_at.to_string(),
            updated_at: delivery.updated_at.to_string(),
        }
    }
}

/// A message as its reader finds it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxEntryOut {
    /// The message's id.
    #[schema(example = "msg_01hf7yat00zzzzzzzzzzzzzzzz")]
    id: String,
    /// What about, in a line.
    title: Option<String>,
    /// What.
    body: String,
    /// The event that it came of.
    event_id: Option<String>,
    /// When it came.
    created_at: String,
    /// Since when it is read; null while it is not.
    read_at: Option<String>,
}

impl From<InboxEntry> for InboxEntryOut {
    fn from(entry: InboxEntry) -> Self {
        Self {
            id: entry.message_id.to_string(),
            title: entry.title,
            body: entry.body,
            event_id: entry.event_id.map(|id| id.to_string()),
            created_at: entry.created_at.to_string(),
            read_at: entry.read_at.map(|at| at.to_string()),
        }
    }
}

/// How much of an inbox is not read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadOut {
    /// Messages that are not read.
    pub(crate) unread: i64,
}

/// How much was noted as read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadOut {
    /// Messages that were not read before.
    pub(crate) read: i64,
}

/// Which channels to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChannelsQuery {
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

/// Which messages to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessagesQuery {
    /// Only those to this address.
    recipient: Option<String>,
    /// Only those with a delivery that is `queued`, `deferred`, `sent`, `delivered` or `failed`.
    state: Option<String>,
    /// Only those that came of this event.
    event_id: Option<String>,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

impl TryFrom<MessagesQuery> for Filter {
    type Error = Problem;

    fn try_from(query: MessagesQuery) -> Result<Self, Problem> {
        let mut fields = Fields::new();
        let filter = Self {
            recipient: query.recipient.and_then(|text| fields.take("recipient", text.parse())),
            state: query.state.and_then(|text| fields.take("state", text.parse())),
            event: query.event_id.and_then(|text| fields.take("event_id", text.parse())),
        };
        fields.done().map_err(Problem::fields).map(|()| filter)
    }
}

/// Whose inbox, and what of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboxQuery {
    /// Somebody else's inbox, with `notifications:read`; the caller's own unless named.
    pub(crate) recipient: Option<String>,
    /// Only what is not read.
    #[serde(default)]
    pub(crate) unread: bool,
    /// Rows per page, 1 to 200; 50 unless named.
    #[serde(rename = "limit")]
    #[param(value_type = Option<u16>)]
    _limit: Option<IgnoredAny>,
    /// Where to go on, from `links.next`.
    #[serde(rename = "cursor")]
    #[param(value_type = Option<String>)]
    _cursor: Option<IgnoredAny>,
}

/// Whose inbox.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReaderQuery {
    /// Somebody else's inbox, with `notifications:read` to look and `notifications:write` to note as read; the caller's
    /// own unless named.
    pub(crate) recipient: Option<String>,
}

/// A message that is to be sent outside any rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageIn {
    /// Whom to tell: an address; the message stands in that inbox.
    #[schema(example = "sales-manager@example.com")]
    recipient: String,
    /// What about, in a line.
    title: Option<String>,
    /// What.
    body: String,
    /// The name or id of the one channel to leave by, or `in_app` for the inbox alone; else by all active default ones.
    channel: Option<String>,
}

impl From<MessageIn> for NewMessage {
    fn from(sent: MessageIn) -> Self {
        Self {
            recipient: sent.recipient,
            title: sent.title,
            body: sent.body,
            channel: sent.channel,
            event_id: None,
            job_id: None,
        }
    }
}
