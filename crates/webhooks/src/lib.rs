//! Where do events go outside? To endpoints: addresses of customers' that take requests signed as Standard Webhooks 1.0 has it. And
//! where do they come from outside? From sources: addresses of ours that take what providers sign.
//!
//! Decisions are pure: [`Endpoint`] and its changes, [`SigningKey`], what is sent ([`Dispatch`]) and what an answer means ([`judge`]).
//! [`service`] keeps endpoints and makes requests; when something is sent, and how often, whoever brings areas together says.

mod answer;
mod capture;
mod dispatch;
mod endpoint;
mod error;
pub mod inbound;
pub mod service;
mod signature;
mod source;
mod store;

pub use answer::{Judgement, judge};
pub use capture::{Capture, Kept, KeptHeader, Outcome, UnknownOutcome, kept_headers};
pub use dispatch::{Dispatch, Outbound};
pub use endpoint::{Disabled, ENDPOINTS_MAX, Endpoint, EndpointPatch, NewEndpoint, Reason, UnknownReason};
pub use error::WebhookError;
pub use signature::SigningKey;
pub use source::{KEEP_DAYS, Mapping, SENDER_RATE, SOURCES_MAX, Secrets, Source, SourceDraft, SourcePatch};
pub use store::{privacy::REDACTIONS, request::SOURCE_REDACTIONS};

use vault::{Column, Vault};

/// What of this area is sealed.
pub const SEALED: &[Column] = &[store::endpoint::SEALED, store::source::SEALED];

/// What endpoints need of the operator.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// Seals and opens the keys that sign.
    pub vault: &'a Vault,
    /// Whether private addresses may be sent to: the variable `allow_private_outbound`.
    pub allow_private: bool,
}
