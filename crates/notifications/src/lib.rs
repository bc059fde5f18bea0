//! Who is told what, on which way, and what became of it?
//!
//! A rule's job writes a [`Message`] ([`expand_many`]): it stands in its recipient's inbox at once, and a [`Delivery`]
//! is queued for each channel that it leaves by. For each of these a job of its own asks for the request ([`prepare`]),
//! sends it, lets the answer be judged ([`judge`]) and writes down what became of it ([`settle`]). Retries, leases
//! and dead letters are the queue's.

mod channel;
mod error;
mod message;
mod request;
mod route;
mod service;
mod store;

pub use channel::{
    CHANNELS_MAX, Channel, ChannelKind, ChannelPatch, IN_APP, Method, NewChannel, NotListed, Setup,
};
pub use error::NotificationError;
pub use kernel::{TargetError, permitted};
pub use message::{
    Delivery, DeliveryChannel, DeliveryState, InboxEntry, Message, NewMessage, Outcome, Recipient,
};
pub use request::{Answer, Failure, Judgement, Outbound, judge, retry_after};
pub use service::{
    channels,
    deliver::{Prepared, Settlement, prepare, settle},
    expand::{Expanded, expand, expand_many},
    inbox, messages, privacy,
};

use kernel::Secret;
use std::sync::Arc;
use vault::{Column, Vault};

/// What of this area is sealed.
pub const SEALED: &[Column] = &[store::channel::SEALED];

/// What channels need of the operator.
#[derive(Debug, Clone)]
pub struct Means {
    /// Seals and opens what lets us in at the other end.
    pub vault: Arc<Vault>,
    /// Whether private addresses may be sent to: the variable `allow_private_outbound`.
    pub allow_private: bool,
}

impl Means {
    /// Means with a vault of these keys: the variable `vault_keys`.
    ///
    /// # Errors
    /// [`NotificationError::Vault`] if the keys do not read.
    pub fn new(vault_keys: &Secret<String>, allow_private: bool) -> Result<Self, NotificationError> {
        let vault = Arc::new(Vault::from_keys(vault_keys.expose())?);
        Ok(Self { vault, allow_private })
    }
}
