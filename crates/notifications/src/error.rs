//! What can go wrong with a notification, and what may be done about it?

use crate::{DeliveryState, TargetError};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, Span};
use vault::VaultError;

/// A fault of this area.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// Fields of a request, or of a message that a rule made, are faulty.
    #[error("Some fields cannot be accepted: {}.", told(.0))]
    Invalid(Vec<FieldFault>),
    /// No channel has this id.
    #[error("There is no such channel.")]
    ChannelUnknown,
    /// Another channel has this name.
    #[error("There is a channel called {0:?} already. Choose another name.")]
    NameTaken(String),
    /// No more channels fit.
    #[error("There are {0} channels already, which is the limit. Delete one that is not needed.")]
    TooMany(i64),
    /// The channel changed since the caller looked.
    #[error("The channel was changed since you looked. Fetch it again, then repeat your change.")]
    Stale,
    /// A message names a channel that does not exist.
    #[error("There is no channel called {0:?}. Correct the channel in the rule, or set one up by that name.")]
    RouteUnknown(String),
    /// A message names a channel that is switched off.
    #[error("The channel {0:?} is switched off. Switch it on, then retry.")]
    RouteInactive(String),
    /// The channel of a delivery was deleted.
    #[error("The channel {0:?} was deleted before the message could leave by it.")]
    ChannelGone(String),
    /// The channel's address may no longer be sent to.
    #[error("The address of the channel {name:?} {fault}.")]
    Target {
        /// The channel's name.
        name: String,
        /// Why not.
        fault: TargetError,
    },
    /// No message has this id, or it is not in this inbox.
    #[error("There is no such message.")]
    MessageUnknown,
    /// No delivery has this id.
    #[error("There is no such delivery.")]
    DeliveryUnknown,
    /// A delivery cannot go from one state to the other.
    #[error("A delivery that is {from} cannot become {to}.")]
    Transition {
        /// Its state.
        from: DeliveryState,
        /// The wanted state.
        to: DeliveryState,
    },
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Each fault ends the sentence that its field begins.
fn told(fields: &[FieldFault]) -> String {
    let all: Vec<String> = fields.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    all.join("; ")
}

impl Fault for NotificationError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::ChannelUnknown | Self::MessageUnknown | Self::DeliveryUnknown => Kind::NotFound,
            Self::NameTaken(_) | Self::Transition { .. } => Kind::Conflict,
            Self::Stale => Kind::Stale,
            Self::TooMany(_)
            | Self::RouteUnknown(_)
            | Self::RouteInactive(_)
            | Self::ChannelGone(_)
            | Self::Target { .. } => Kind::Unprocessable,
            Self::Vault(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::ChannelUnknown => "NOT_FOUND",
            Self::NameTaken(_) => "CHANNEL_NAME_TAKEN",
            Self::TooMany(_) => "CHANNEL_LIMIT_REACHED",
            Self::Stale => "PRECONDITION_FAILED",
            Self::RouteUnknown(_) => "MESSAGE_CHANNEL_UNKNOWN",
            Self::RouteInactive(_) => "MESSAGE_CHANNEL_INACTIVE",
            Self::ChannelGone(_) => "DELIVERY_CHANNEL_DELETED",
            Self::Target { .. } => "CHANNEL_ADDRESS_REFUSED",
            Self::MessageUnknown => "NOT_FOUND",
            Self::DeliveryUnknown => "DELIVERY_UNKNOWN",
            Self::Transition { .. } => "DELIVERY_SETTLED",
            Self::Vault(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Invalid(fields) => fields,
            Self::ChannelUnknown
            | Self::NameTaken(_)
            | Self::TooMany(_)
            | Self::Stale
            | Self::RouteUnknown(_)
            | Self::RouteInactive(_)
            | Self::ChannelGone(_)
            | Self::Target { .. }
            | Self::MessageUnknown
            | Self::DeliveryUnknown
            | Self::Transition { .. }
            | Self::Vault(_)
            | Self::Db(_) => &[],
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Db(error) => error.retry_after(),
            Self::Invalid(_)
            | Self::ChannelUnknown
            | Self::NameTaken(_)
            | Self::TooMany(_)
            | Self::Stale
            | Self::RouteUnknown(_)
            | Self::RouteInactive(_)
            | Self::ChannelGone(_)
            | Self::Target { .. }
            | Self::MessageUnknown
            | Self::DeliveryUnknown
            | Self::Transition { .. }
            | Self::Vault(_) => None,
        }
    }
}
