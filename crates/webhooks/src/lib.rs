//! Where do events go outside? To endpoints: addresses of customers' that take requests signed as Standard Webhooks 1.0 has it.
//!
//! Decisions are pure: [`Endpoint`] and its changes, which events it wants ([`Subscription`]), [`Keyring`] and what is sent
//! ([`Dispatch`]), what an answer means ([`judge`]), how an endpoint fares and what follows ([`Health`]).
//! [`service`] keeps endpoints and makes requests; when something is sent, and how often, whoever brings areas together says.

mod answer;
mod attempted;
mod auth;
mod dispatch;
mod endpoint;
mod error;
mod event_type;
mod figures;
mod header;
mod health;
mod keyring;
mod policy;
pub mod portal;
mod rotation;
pub mod service;
mod signature;
mod store;
mod subscription;

pub use answer::{Came, Judgement, Verdict, judge};
pub use attempted::{Answered, Attempted};
pub use auth::{Auth, AuthWish};
pub use dispatch::{Dispatch, Outbound, TokenWish};
pub use endpoint::{Disabled, ENDPOINTS_MAX, Endpoint, EndpointPatch, NewEndpoint, Reason, UnknownReason};
pub use error::WebhookError;
pub use event_type::EventType;
pub use figures::Figures;
pub use health::{Admission, Circuit, Consequence, GIVES_UP_AFTER, Health, Lines, Sign};
pub use keyring::{Keyring, Retired};
pub use policy::{Policy, PolicyPatch, Rate};
pub use rotation::Rotation;
pub use signature::{Signature, SigningKey};
pub use store::{attempt::KeptAttempt, endpoint::EndpointFilter, privacy::REDACTIONS};
pub use subscription::{Line, Subscription, endpoint_of, lines};

pub use language::duration::write as written;

use vault::{Column, Vault};

/// What of this area is sealed.
pub const SEALED: &[Column] = &[store::endpoint::SEALED];

/// What endpoints need of the operator.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// Seals and opens the keys that sign.
    pub vault: &'a Vault,
    /// Whether private addresses may be sent to: the variable `allow_private_outbound`.
    pub allow_private: bool,
}
