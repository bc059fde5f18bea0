//! Which ways lead out? A [`Channel`] is one that a tenant has set up: a webhook, or an incoming webhook of Slack.
//!
//! Its credential (the address, which carries tokens, and the header values) is kept apart from what may be shown.
//! In-app needs no channel: it is always there.

use kernel::{ChannelId, FieldFault, Fields, Instant, Secret, Target};
use std::{fmt, str::FromStr};

/// The name by which a message asks for the inbox alone.
pub const IN_APP: &str = "in_app";
/// How many channels a tenant can have.
pub const CHANNELS_MAX: i64 = 100;
/// The longest name of a channel, in characters.
const NAME_MAX: usize = 80;
/// How many headers a webhook can have.
const HEADERS_MAX: usize = 16;
/// The longest name and value of a header, in bytes.
const HEADER_NAME_MAX: usize = 64;
const HEADER_VALUE_MAX: usize = 2048;

/// Headers that we set ourselves, or that belong to the connection.
const RESERVED_HEADERS: [&str; 15] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The text is not one of a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct NotListed(pub &'static str);

/// A kind of way that a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// The inbox in the product.
    InApp,
    /// An incoming webhook of Slack.
    Slack,
    /// A customer's own HTTP endpoint.
    Webhook,
}

impl ChannelKind {
    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InApp => IN_APP,
            Self::Slack => "slack",
            Self::Webhook => "webhook",
        }
    }
}

impl FromStr for ChannelKind {
    type Err = NotListed;
    fn from_str(text: &str) -> Result<Self, NotListed> {
        [Self::InApp, Self::Slack, Self::Webhook]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(NotListed("in_app, slack, webhook"))
    }
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How a webhook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
}

impl Method {
    /// The word in the request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl FromStr for Method {
    type Err = NotListed;
    fn from_str(text: &str) -> Result<Self, NotListed> {
        [Self::Post, Self::Put]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or(NotListed("POST, PUT"))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What kind of way a channel is, with that part of its settings that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    /// An incoming webhook of Slack.
    Slack,
    /// A customer's own HTTP endpoint.
    Webhook {
        /// How it is called.
        method: Method,
        /// The names of the headers that are added.
        header_names: Vec<String>,
    },
}

impl Setup {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ChannelKind {
        match self {
            Self::Slack => ChannelKind::Slack,
            Self::Webhook { .. } => ChannelKind::Webhook,
        }
    }
}

/// A way that notifications leave by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its name, by which rules ask for it; no two of a tenant differ in case only.
    pub name: String,
    /// Where it leads, masked: `https://hooks.slack.com/…`.
    pub address: String,
    /// Its kind and settings.
    pub setup: Setup,
    /// Whether messages leave by it.
    pub is_active: bool,
    /// Whether messages that ask for no channel leave by it.
    pub is_default: bool,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was set up.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

/// What lets us in at the other end: sealed at rest, never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The whole address.
    pub(crate) url: Secret<String>,
    /// The headers that are added.
    pub(crate) headers: Vec<(String, Secret<String>)>,
}

/// A channel to be set up.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// Its kind: `slack` or `webhook`.
    pub kind: String,
    /// Where it leads.
    pub url: String,
    /// How a webhook is called: `POST` or `PUT`; `POST` unless named.
    pub method: Option<String>,
    /// Headers that a webhook adds.
    pub headers: Option<Vec<(String, String)>>,
    /// Whether messages leave by it.
    pub is_active: bool,
    /// Whether messages that ask for no channel leave by it.
    pub is_default: bool,
}

/// What is to be changed of a channel; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ChannelPatch {
    /// Its kind, which must stay.
    pub kind: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Where it leads.
    pub url: Option<String>,
    /// How a webhook is called: `POST` or `PUT`.
    pub method: Option<String>,
    /// Headers that a webhook adds: all of them.
    pub headers: Option<Vec<(String, String)>>,
    /// Whether messages leave by it.
    pub is_active: Option<bool>,
    /// Whether messages that ask for no channel leave by it.
    pub is_default: Option<bool>,
}

/// Header names and values that let us in.
type Headers = Vec<(String, Secret<String>)>;

impl From<NewChannel> for ChannelPatch {
    /// The whole channel anew: what is left out is as for a new one.
    fn from(new: NewChannel) -> Self {
        let anew = new.kind == ChannelKind::Webhook.as_str();
        Self {
            kind: Some(new.kind),
            name: Some(new.name),
            url: Some(new.url),
            method: new.method.or_else(|| anew.then(|| Method::Post.to_string())),
            headers: new.headers.or_else(|| anew.then(Vec::new)),
            is_active: Some(new.is_active),
            is_default: Some(new.is_default),
        }
    }
}

impl NewChannel {
    /// The channel and its credential.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn set_up(
        self,
        id: ChannelId,
        now: Instant,
        allow_private: bool,
    ) -> Result<(Channel, Credential), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = fields.take("name", checked_name(&self.name));
        let target = fields.take("url", Target::parse(&self.url, allow_private));
        let before = (Method::Post, Headers::new());
        let setup = settings(self.kind.parse().ok(), before, self.method, self.headers, &mut fields);
        let made = name.zip(target).zip(setup).map(|((name, target), (setup, headers))| {
            let channel = Channel {
                id,
                name,
                address: target.masked(),
                setup,
                is_active: self.is_active,
                is_default: self.is_default,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            let url = Secret::new(target.expose().to_owned());
            (channel, Credential { url, headers })
        });
        fields.give(made)
    }
}

impl Channel {
    /// The channel and its credential as `patch` wants them, one version on.
    ///
    /// # Errors
    /// All faulty fields.
    pub(crate) fn change(
        self,
        credential: Credential,
        patch: ChannelPatch,
        now: Instant,
        allow_private: bool,
    ) -> Result<(Self, Credential), Vec<FieldFault>> {
        let mut fields = Fields::new();
        let name = match &patch.name {
            Some(name) => fields.take("name", checked_name(name)),
            None => Some(self.name),
        };
        let reach = match &patch.url {
            Some(url) => fields
                .take("url", Target::parse(url, allow_private))
                .map(|target| (target.masked(), Secret::new(target.expose().to_owned()))),
            None => Some((self.address, credential.url)),
        };
        let kind = self.setup.kind();
        if patch.kind.as_deref().is_some_and(|wanted| wanted != kind.as_str()) {
            fields.fault("kind", format_args!("must stay {kind}; set up another channel for another kind"));
        }
        let method = match self.setup {
            Setup::Slack => Method::Post,
            Setup::Webhook { method, .. } => method,
        };
        let before = (method, credential.headers);
        let setup = settings(Some(kind), before, patch.method, patch.headers, &mut fields);
        let made = name.zip(reach).zip(setup).map(|((name, (address, url)), (setup, headers))| {
            let channel = Self {
                id: self.id,
                name,
                address,
                setup,
                is_active: patch.is_active.unwrap_or(self.is_active),
                is_default: patch.is_default.unwrap_or(self.is_default),
                version: self.version.saturating_add(1),
                created_at: self.created_at,
                updated_at: now,
            };
            (channel, Credential { url, headers })
        });
        fields.give(made)
    }
}

/// The settings of a channel of this kind, after what is wanted was put over what was there before.
fn settings(
    kind: Option<ChannelKind>,
    before: (Method, Headers),
    method: Option<String>,
    headers: Option<Vec<(String, String)>>,
    fields: &mut Fields,
) -> Option<(Setup, Headers)> {
    match kind {
        None | Some(ChannelKind::InApp) => {
            fields.fault("kind", "must be slack or webhook; in_app is always there, without a channel");
            None
        }
        Some(ChannelKind::Slack) => {
            if method.is_some() {
                fields.fault("method", "is only for webhooks; leave it out");
            }
            if headers.is_some() {
                fields.fault("headers", "is only for webhooks; leave it out");
            }
            Some((Setup::Slack, Headers::new()))
        }
        Some(ChannelKind::Webhook) => {
            let headers = headers.map_or(before.1, |wanted| checked_headers(wanted, fields));
            let method = match method {
                Some(text) => fields.take("method", text.parse())?,
                None => before.0,
            };
            let header_names = headers.iter().map(|(name, _)| name.clone()).collect();
            Some((Setup::Webhook { method, header_names }, headers))
        }
    }
}

fn checked_name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Err("must be 1 to 80 characters on one line");
    }
    let an_id = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("chn_"));
    if an_id || name.eq_ignore_ascii_case(IN_APP) {
        return Err("must not be in_app or begin with chn_, so that a rule's channel means one thing");
    }
    Ok(name.to_owned())
}

fn checked_headers(wanted: Vec<(String, String)>, fields: &mut Fields) -> Headers {
    if wanted.len() > HEADERS_MAX {
        fields.fault("headers", "must be at most 16 headers");
    }
    let mut headers = Headers::new();
    for (name, value) in wanted {
        let field = format!("headers.{name}");
        if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            fields.fault(&field, "is there twice");
        } else if let Err(fault) = check_header(&name, &value) {
            fields.fault(&field, fault);
        }
        headers.push((name, Secret::new(value)));
    }
    headers
}

/// A header as RFC 9110 allows it (5.1 and 5.5), without obsolete bytes.
fn check_header(name: &str, value: &str) -> Result<(), &'static str> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !(1..=HEADER_NAME_MAX).contains(&name.len()) || !name.bytes().all(token) {
        return Err("has a name that is not 1 to 64 letters, digits and hyphens");
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
        return Err("is a header that is set by the connection or by us; leave it out");
    }
    let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if value.len() > HEADER_VALUE_MAX || !printable || value.trim() != value {
        return Err("must be at most 2048 printable ASCII characters, without spaces at the ends");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_700_000_000_000);

    fn id() -> ChannelId {
        "chn_01hf7yat00zzzzzzzzzzzzzzzz".parse().unwrap()
    }

    fn webhook() -> NewChannel {
        NewChannel {
            name: " Ops ".to_owned(),
            kind: "webhook".to_owned(),
            url: "https://example.com/hook?token=t".to_owned(),
            method: None,
            headers: Some(vec![("Authorization".to_owned(), "Bearer s".to_owned())]),
            is_active: true,
            is_default: false,
        }
    }

    #[track_caller]
    fn check(new: NewChannel, wanted: &[&str]) {
        let faults = new.set_up(id(), NOW, false).err().unwrap_or_default();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_channel_shows_no_secret() {
        let (channel, credential) = webhook().set_up(id(), NOW, false).unwrap();
        assert_eq!(channel.name, "Ops");
        assert_eq!(channel.address, "https://example.com/…");
        assert_eq!(
            channel.setup,
            Setup::Webhook { method: Method::Post, header_names: vec!["Authorization".to_owned()] }
        );
        assert_eq!(credential.url.expose(), "https://example.com/hook?token=t");
        assert!(!format!("{channel:?} {credential:?}").contains("token=t"));
        assert!(!format!("{channel:?} {credential:?}").contains("Bearer s"));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        check(
            NewChannel {
                name: String::new(),
                kind: "slack".to_owned(),
                url: "http://127.0.0.1/".to_owned(),
                method: Some("PUT".to_owned()),
                ..webhook()
            },
            &[
                "name: must be 1 to 80 characters on one line",
                "url: names a private host or address; use a public one, or ask the operator to set \
                 allow_private_outbound",
                "method: is only for webhooks; leave it out",
                "headers: is only for webhooks; leave it out",
            ],
        );
        check(
            NewChannel { kind: "in_app".to_owned(), ..webhook() },
            &["kind: must be slack or webhook; in_app is always there, without a channel"],
        );
        check(
            NewChannel { url: "x".to_owned(), method: Some("GET".to_owned()), ..webhook() },
            &[
                "url: is not a URL; write it in full, such as https://example.com/hook",
                "method: must be one of POST, PUT",
            ],
        );
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in ["in_app", "IN_APP", "chn_x", "CHN_01hf7yat00zzzzzzzzzzzzzzzz"] {
            check(
                NewChannel { name: name.to_owned(), ..webhook() },
                &["name: must not be in_app or begin with chn_, so that a rule's channel means one thing"],
            );
        }
    }

    #[test]
    fn headers() {
        let one = |name: &str, value: &str| NewChannel {
            headers: Some(vec![(name.to_owned(), value.to_owned())]),
            ..webhook()
        };
        check(one("X-Team", "a b"), &[]);
        let reserved = "is a header that is set by the connection or by us; leave it out";
        for name in ["host", "Content-Length", "IDEMPOTENCY-KEY", "Proxy-Authorization"] {
            check(one(name, "x"), &[&format!("headers.{name}: {reserved}")]);
        }
        for name in ["", "a b", "a:b", "ä", "a\r\nb"] {
            let words = "has a name that is not 1 to 64 letters, digits and hyphens";
            check(one(name, "x"), &[&format!("headers.{name}: {words}")]);
        }
        for value in ["a\r\nX-Evil: 1", "ä", " x", "\u{7f}", &"x".repeat(2049)] {
            let words = "must be at most 2048 printable ASCII characters, without spaces at the ends";
            check(one("X-A", value), &[&format!("headers.X-A: {words}")]);
        }
        let twice = vec![("X-A".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())];
        check(NewChannel { headers: Some(twice), ..webhook() }, &["headers.x-a: is there twice"]);
    }

    #[test]
    fn a_patch_keeps_what_it_does_not_name() {
        let (before, credential) = webhook().set_up(id(), NOW, false).unwrap();
        let later = Instant::from_millis(1_700_000_000_001);
        let patch = ChannelPatch {
            method: Some("PUT".to_owned()),
            is_active: Some(false),
            ..ChannelPatch::default()
        };
        let (after, kept) = before.clone().change(credential.clone(), patch, later, false).unwrap();
        assert_eq!(kept, credential);
        assert_eq!(
            after,
            Channel {
                setup: Setup::Webhook { method: Method::Put, header_names: vec!["Authorization".to_owned()] },
                is_active: false,
                version: 2,
                updated_at: later,
                ..before.clone()
            }
        );

        let patch = ChannelPatch {
            name: Some("in_app".to_owned()),
            url: Some("ftp://x/".to_owned()),
            ..ChannelPatch::default()
        };
        let faults = before.change(credential, patch, later, false).unwrap_err();
        let faulty: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(faulty, ["name", "url"]);
    }

    #[test]
    fn a_channel_made_anew_keeps_its_kind_alone() {
        let (before, credential) = webhook().set_up(id(), NOW, false).unwrap();
        let anew = NewChannel { headers: None, method: None, name: "Anew".to_owned(), ..webhook() };
        let change = |new: NewChannel| before.clone().change(credential.clone(), new.into(), NOW, false);
        let (after, kept) = change(anew.clone()).unwrap();
        assert_eq!(after.setup, Setup::Webhook { method: Method::Post, header_names: Vec::new() });
        assert!(kept.headers.is_empty());
        let faults = change(NewChannel { kind: "slack".to_owned(), ..anew }).unwrap_err();
        assert_eq!(faults[0].to_string(), "kind: must stay webhook; set up another channel for another kind");
    }
}
