//! What is an endpoint? An address of a customer's that takes signed requests, until it is switched off.

mod wish;

pub use wish::{EndpointPatch, NewEndpoint};
pub(crate) use wish::{checked_customer, checked_event_types};

use crate::{Auth, EventType, Policy, Signature, WebhookError};
use kernel::{EndpointId, Instant};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// How many endpoints a tenant can have.
pub const ENDPOINTS_MAX: i64 = 1_000;

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Somebody switched it off.
    Asked,
    /// It answered 410.
    Gone,
    /// Nothing arrived there for five days.
    Failing,
}

impl Reason {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Asked, Self::Gone, Self::Failing];

    /// The published name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// The text names no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of asked, gone, failing")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked => "somebody switched it off",
            Self::Gone => "it answered 410, which means that it is gone",
            Self::Failing => "nothing arrived there for five days",
        })
    }
}

/// Since when nothing is sent to an endpoint, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Instant,
    /// Why.
    pub reason: Reason,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its id, by which rules name it.
    pub id: EndpointId,
    /// Its address.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whose it is, if it belongs to a customer of the tenant's: the tenant's own name for them.
    pub customer: Option<String>,
    /// The types of events that are sent there of themselves; none: only what rules send.
    pub event_types: Vec<EventType>,
    /// The conditions that such an event must meet, as a rule writes them.
    pub filter: Option<Value>,
    /// What is sent instead of the usual body: JSON, in whose texts templates may stand.
    pub body: Option<Value>,
    /// Headers that are sent along, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// What lets us in besides the signature.
    pub auth: Auth,
    /// How requests are signed.
    pub signature: Signature,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// What somebody else's program keeps with it.
    pub metadata: BTreeMap<String, String>,
    /// How patiently and how gently things are brought there.
    pub policy: Policy,
    /// Whether it is switched off.
    pub disabled: Option<Disabled>,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was set up.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
}

impl Endpoint {
    /// The endpoint, switched off for `reason` after a request that was sent at `sent`; `None` if that says nothing of it any more:
    /// it was changed since, or is switched off.
    pub(crate) fn switched_off(self, reason: Reason, sent: Instant, now: Instant) -> Option<Self> {
        if self.disabled.is_some() || self.updated_at > sent {
            return None;
        }
        let version = self.version.saturating_add(1);
        Some(Self { disabled: Some(Disabled { at: now, reason }), version, updated_at: now, ..self })
    }

    /// Whether something may be sent to it.
    ///
    /// # Errors
    /// [`WebhookError::Disabled`].
    pub fn must_be_active(&self) -> Result<(), WebhookError> {
        self.disabled.map_or(Ok(()), |disabled| Err(WebhookError::Disabled(disabled.reason)))
    }
}
