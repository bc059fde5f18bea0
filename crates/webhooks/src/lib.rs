//! Where do events go outside? To endpoints: addresses of customers' that take requests signed as Standard Webhooks 1.0 has it. And
//! where do they come from outside? From sources: addresses of ours that take what providers sign.
//!
//! Decisions are pure: [`Endpoint`] and its changes, which events it wants ([`Subscription`]), [`Keyring`] and what is sent
//! ([`Dispatch`]), what an answer means ([`judge`]), how an endpoint fares and what follows ([`Health`]).
//! [`service`] keeps endpoints and makes requests; when something is sent, and how often, whoever brings areas together says.

mod answer;
mod attempted;
mod auth;
mod capture;
mod dispatch;
mod endpoint;
mod error;
mod event_type;
mod figures;
mod header;
mod health;
pub mod inbound;
mod keyring;
mod policy;
pub mod portal;
mod replay;
mod rotation;
pub mod service;
mod signature;
mod source;
mod store;
mod subscription;

pub use answer::{Came, Judgement, Verdict, judge};
pub use attempted::{Answered, Attempted};
pub use auth::{Auth, AuthWish};
pub use capture::{Capture, Kept, KeptHeader, Outcome, UnknownOutcome, kept_headers};
pub use dispatch::{Dispatch, Outbound, TokenWish};
pub use endpoint::{Disabled, ENDPOINTS_MAX, Endpoint, EndpointPatch, NewEndpoint, Reason, UnknownReason};
pub use error::WebhookError;
pub use event_type::EventType;
pub use figures::Figures;
pub use health::{Admission, Circuit, Consequence, GIVES_UP_AFTER, Health, Lines, Sign};
pub use keyring::{Keyring, Retired};
pub use policy::{Policy, PolicyPatch, Rate};
pub use replay::{
    Carried, REPLAYS_KEPT_DAYS, REPLAYS_MOST, Replay, ReplayForm, ReplayState, ReplayWish, Which,
};
pub use rotation::Rotation;
pub use signature::{Signature, SigningKey};
pub use source::{KEEP_DAYS, Mapping, SENDER_RATE, SOURCES_MAX, Secrets, Source, SourceDraft, SourcePatch};
pub use store::{
    attempt::KeptAttempt, endpoint::EndpointFilter, privacy::REDACTIONS, request::SOURCE_REDACTIONS,
};
pub use subscription::{Line, Subscription, endpoint_of, lines};

pub use language::duration::write as written;

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
