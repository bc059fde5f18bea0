//! What does each preset look at?

use super::{Algorithm, Encoding, Preset, Received, Scheme, VerifyingSecret, body, key::Signatures, mac};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{Instant, Kind, Secret};
use serde_json::Value;

/// How far off the time may be that a sender says, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;
/// The longest id that is kept of a provider, in bytes.
const LONGEST_ID: usize = 200;
/// The most signatures that are looked at: each may cost a look at the whole body.
const MOST_SIGNATURES: usize = 16;

/// A request that holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// The provider's id of what is sent, the same each time that it is sent.
    pub id: Option<String>,
    /// What happened, in the provider's words: `push`, `invoice.paid`, `orders/create`.
    pub kind: Option<String>,
    /// Which of the secrets it was made with, from 0; `None` if nothing was verified.
    pub secret: Option<usize>,
    /// A digest of what was signed, if a time is part of that: the same only if this very request comes again.
    pub seen: Option<[u8; 32]>,
}

/// Why a request is not taken. Nothing of it is repeated but names of headers that we asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A header is not there.
    #[error("the header {0} is missing")]
    Missing(String),
    /// A header is there more than once.
    #[error("the header {0} is there more than once")]
    Twice(String),
    /// A header does not say what it should.
    #[error("the header {0} is not as the provider writes it")]
    Malformed(String),
    /// It was sent too long ago, or its clock is wrong.
    #[error(
        "it says that it was sent {0} s away from now; at most 300 are allowed, so that what was sent once cannot be sent again"
    )]
    Stale(i64),
    /// No secret makes this signature.
    #[error(
        "no secret of the source makes the signature: look whether it is the one that the provider shows, and whether something changed the body on its way"
    )]
    Signature,
    /// The credential is none of the source's.
    #[error("the credential is none of the source's secrets")]
    Credential,
    /// The source has no secret that could be used.
    #[error("the source has no secret that it could be verified with")]
    NoSecret,
    /// The token that Meta shows is not the source's.
    #[error("hub.verify_token is not the verify_token of the source")]
    VerifyToken,
    /// What it asks us to say back cannot be said.
    #[error("what it asks us to say back is empty, longer than 1,000 bytes, or has control characters in it")]
    Challenge,
    /// It comes from an address that the source is not open to.
    #[error("the source is not open to the address that it comes from")]
    Address,
    /// Too many come.
    #[error("more requests came in this minute than the source takes")]
    Rate,
}

impl Refusal {
    /// The stable code, for whoever sent it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "WEBHOOK_HEADER_MISSING",
            Self::Twice(_) => "WEBHOOK_HEADER_TWICE",
            Self::Malformed(_) => "WEBHOOK_HEADER_MALFORMED",
            Self::Stale(_) => "WEBHOOK_STALE",
            Self::Signature => "WEBHOOK_SIGNATURE",
            Self::Credential => "WEBHOOK_CREDENTIAL",
            Self::NoSecret => "WEBHOOK_NO_SECRET",
            Self::VerifyToken => "WEBHOOK_VERIFY_TOKEN",
            Self::Challenge => "WEBHOOK_CHALLENGE",
            Self::Address => "WEBHOOK_SENDER_ADDRESS",
            Self::Rate => "RATE_LIMITED",
        }
    }

    /// What the sender may do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Missing(_)
            | Self::Twice(_)
            | Self::Malformed(_)
            | Self::Stale(_)
            | Self::Signature
            | Self::Credential
            | Self::NoSecret => Kind::Unauthenticated,
            Self::VerifyToken | Self::Address => Kind::Forbidden,
            Self::Challenge => Kind::Invalid,
            Self::Rate => Kind::TooMany,
        }
    }

    /// A word for each kind, for the log.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing(_) => "header_missing",
            Self::Twice(_) => "header_twice",
            Self::Malformed(_) => "header_malformed",
            Self::Stale(_) => "stale",
            Self::Signature => "signature",
            Self::Credential => "credential",
            Self::NoSecret => "no_secret",
            Self::VerifyToken => "verify_token",
            Self::Challenge => "challenge",
            Self::Address => "address",
            Self::Rate => "rate",
        }
    }
}

/// Whether a request holds by one of the secrets.
///
/// # Errors
/// [`Refusal`].
pub fn verify(
    preset: &Preset,
    secrets: &[Secret<String>],
    received: &Received<'_>,
) -> Result<Proof, Refusal> {
    if preset.verifies() && secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    match preset {
        Preset::StandardWebhooks => standard(secrets, received),
        Preset::GitHub => github(secrets, received),
        Preset::Stripe => stripe(secrets, received),
        Preset::Slack => slack(secrets, received),
        Preset::Shopify => shopify(secrets, received),
        Preset::Hmac(scheme) => hmac(scheme, secrets, received),
        Preset::Bearer => credential("Bearer", secrets, received, |token| Some(token.as_bytes().to_vec())),
        Preset::Basic => credential("Basic", secrets, received, |token| STANDARD.decode(token).ok()),
        Preset::Unverified => Ok(Proof::default()),
    }
}

/// Which secret made one of these signatures over these pieces. All are tried, so that the time tells nothing.
fn made_by(
    algorithm: Algorithm,
    secrets: &[Secret<String>],
    pieces: &[&[u8]],
    signatures: &[Vec<u8>],
) -> Result<usize, Refusal> {
    let mut found = None;
    for (place, secret) in secrets.iter().enumerate() {
        let made = mac::made(algorithm, secret.expose().as_bytes(), pieces);
        if signatures.iter().filter(|signature| mac::same(&made, signature)).count() > 0 {
            found = found.or(Some(place));
        }
    }
    found.ok_or(Refusal::Signature)
}

/// The parts of a header that may hold signatures, if there are not too many of them.
fn parts<'a>(header: &str, text: &'a str, mark: char) -> Result<Vec<&'a str>, Refusal> {
    let parts: Vec<&str> = text.split(mark).take(MOST_SIGNATURES.saturating_add(1)).collect();
    if parts.len() > MOST_SIGNATURES { Err(Refusal::Malformed(header.to_owned())) } else { Ok(parts) }
}

/// The time that a header says is near enough.
fn timely(text: &str, header: &str, at: Instant) -> Result<(), Refusal> {
    let malformed = || Refusal::Malformed(header.to_owned());
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    let sent: i64 = text.parse().map_err(|_| malformed())?;
    let away = at.seconds().saturating_sub(sent);
    if away.saturating_abs() > TOLERANCE_SECONDS { Err(Refusal::Stale(away)) } else { Ok(()) }
}

/// A provider's id, if it is one that can be kept.
pub(crate) fn id(text: &str) -> Option<String> {
    let is_sound = (1..=LONGEST_ID).contains(&text.len()) && !text.chars().any(char::is_control);
    is_sound.then(|| text.to_owned())
}

/// A text of the body, if it is JSON.
fn within(body: &Value, name: &str) -> Option<String> {
    id(body.get(name)?.as_str()?)
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
fn standard(secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    let family = if received.header("webhook-id")?.is_none() && received.header("svix-id")?.is_some() {
        "svix"
    } else {
        "webhook"
    };
    let (id_header, timestamp_header, signature_header) =
        (format!("{family}-id"), format!("{family}-timestamp"), format!("{family}-signature"));
    let (sent_id, timestamp) = (received.needs(&id_header)?, received.needs(&timestamp_header)?);
    timely(timestamp, &timestamp_header, received.at)?;
    let mut signatures = Signatures::default();
    for one in parts(&signature_header, received.needs(&signature_header)?, ' ')? {
        match one.split_once(',') {
            Some(("v1", text)) => signatures.shared.extend(Encoding::Base64.read(text)),
            Some(("v1a", text)) => signatures.public.extend(Encoding::Base64.read(text)),
            // Versions to come.
            Some(_) | None => {}
        }
    }
    let pieces: [&[u8]; 5] = [sent_id.as_bytes(), b".", timestamp.as_bytes(), b".", received.body];
    let mut found = None;
    for (place, secret) in secrets.iter().enumerate() {
        let key = secret.expose().parse::<VerifyingSecret>().map_err(|_| Refusal::NoSecret)?;
        if key.signed(&pieces, &signatures) {
            found = found.or(Some(place));
        }
    }
    let secret = found.ok_or(Refusal::Signature)?;
    let body: Value = serde_json::from_slice(received.body).unwrap_or_default();
    Ok(Proof {
        id: id(sent_id),
        kind: within(&body, "type"),
        secret: Some(secret),
        seen: Some(mac::digest(&pieces)),
    })
}

/// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
fn github(secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    const HEADER: &str = "x-hub-signature-256";
    let signature = received.needs(HEADER)?.strip_prefix("sha256=").and_then(|text| Encoding::Hex.read(text));
    let signature = signature.ok_or_else(|| Refusal::Malformed(HEADER.to_owned()))?;
    let secret = made_by(Algorithm::Sha256, secrets, &[received.body], &[signature])?;
    Ok(Proof {
        id: received.header("x-github-delivery")?.and_then(id),
        kind: received.header("x-github-event")?.and_then(id),
        secret: Some(secret),
        seen: None,
    })
}

/// <https://docs.stripe.com/webhooks#verify-manually>
fn stripe(secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    const HEADER: &str = "stripe-signature";
    let all = parts(HEADER, received.needs(HEADER)?, ',')?;
    let parts: Vec<(&str, &str)> = all.into_iter().filter_map(|part| part.trim().split_once('=')).collect();
    let timestamp = parts.iter().find(|(name, _)| *name == "t").map(|(_, value)| *value);
    let timestamp = timestamp.ok_or_else(|| Refusal::Malformed(HEADER.to_owned()))?;
    timely(timestamp, HEADER, received.at)?;
    let signatures: Vec<Vec<u8>> = parts
        .iter()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, value)| Encoding::Hex.read(value))
        .collect();
    let pieces: [&[u8]; 3] = [timestamp.as_bytes(), b".", received.body];
    let secret = made_by(Algorithm::Sha256, secrets, &pieces, &signatures)?;
    let body: Value = serde_json::from_slice(received.body).unwrap_or_default();
    Ok(Proof {
        id: within(&body, "id"),
        kind: within(&body, "type"),
        secret: Some(secret),
        seen: Some(mac::digest(&pieces)),
    })
}

/// <https://docs.slack.dev/authentication/verifying-requests-from-slack>
fn slack(secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    const HEADER: &str = "x-slack-signature";
    const TIMESTAMP: &str = "x-slack-request-timestamp";
    let timestamp = received.needs(TIMESTAMP)?;
    timely(timestamp, TIMESTAMP, received.at)?;
    let signature = received.needs(HEADER)?.strip_prefix("v0=").and_then(|text| Encoding::Hex.read(text));
    let signature = signature.ok_or_else(|| Refusal::Malformed(HEADER.to_owned()))?;
    let pieces: [&[u8]; 4] = [b"v0:", timestamp.as_bytes(), b":", received.body];
    let secret = made_by(Algorithm::Sha256, secrets, &pieces, &[signature])?;
    let body = body::read(received.header("content-type")?, received.body);
    let nested = |name: &str| within(body.get(name)?, "type");
    // An event, an interaction, or a command.
    let kind = nested("event").or_else(|| nested("payload")).or_else(|| within(&body, "type"));
    Ok(Proof {
        id: within(&body, "event_id"),
        kind: kind.or_else(|| within(&body, "command")),
        secret: Some(secret),
        seen: Some(mac::digest(&pieces)),
    })
}

/// <https://shopify.dev/docs/apps/build/webhooks/subscribe/https>
fn shopify(secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    const HEADER: &str = "x-shopify-hmac-sha256";
    let signature = Encoding::Base64.read(received.needs(HEADER)?);
    let signature = signature.ok_or_else(|| Refusal::Malformed(HEADER.to_owned()))?;
    let secret = made_by(Algorithm::Sha256, secrets, &[received.body], &[signature])?;
    Ok(Proof {
        id: received.header("x-shopify-event-id")?.and_then(id),
        kind: received.header("x-shopify-topic")?.and_then(id),
        secret: Some(secret),
        seen: None,
    })
}

fn hmac(scheme: &Scheme, secrets: &[Secret<String>], received: &Received<'_>) -> Result<Proof, Refusal> {
    let timestamp = match &scheme.timestamp_header {
        Some(header) => {
            let said = received.needs(header)?;
            timely(said, header, received.at)?;
            said
        }
        None => "",
    };
    let sent_id = match &scheme.id_header {
        Some(header) => Some(received.needs(header)?),
        None => None,
    };
    let signature = received.needs(&scheme.header)?.strip_prefix(scheme.prefix.as_str());
    let signature = signature.and_then(|text| scheme.encoding.read(text));
    let signature = signature.ok_or_else(|| Refusal::Malformed(scheme.header.clone()))?;
    let pieces = scheme.pieces(received.body, timestamp, sent_id.unwrap_or_default());
    let secret = made_by(scheme.algorithm, secrets, &pieces, &[signature])?;
    let seen = scheme.timestamp_header.as_ref().map(|_| mac::digest(&pieces));
    Ok(Proof { id: sent_id.and_then(id), kind: None, secret: Some(secret), seen })
}

/// RFC 6750 and RFC 7617: the scheme's name in any case, one space or more, then the credential.
fn credential(
    name: &str,
    secrets: &[Secret<String>],
    received: &Received<'_>,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Proof, Refusal> {
    const HEADER: &str = "authorization";
    let parts = received.needs(HEADER)?.split_once(' ');
    let token = parts.filter(|(said, _)| said.eq_ignore_ascii_case(name)).map(|(_, token)| token.trim());
    let given = token.and_then(read).ok_or_else(|| Refusal::Malformed(HEADER.to_owned()))?;
    let mut found = None;
    for (place, secret) in secrets.iter().enumerate() {
        if mac::same(secret.expose().as_bytes(), &given) {
            found = found.or(Some(place));
        }
    }
    match found {
        Some(place) => Ok(Proof { secret: Some(place), ..Proof::default() }),
        None => Err(Refusal::Credential),
    }
}
