//! What can go wrong with a webhook, and what may be done about it?

use crate::{
    ENDPOINTS_MAX, Reason, ReplayState, SOURCES_MAX,
    inbound::Refusal,
    portal::{CUSTOMER_ENDPOINTS_MAX, PORTAL_LINKS_MAX},
};
use db::DbError;
use kernel::{Fault, FieldFault, Kind, Span, TargetError};
use vault::VaultError;

/// A fault of the webhooks area.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Fields of the request are faulty.
    #[error("The request has fields that cannot be accepted; `details` names each.")]
    Invalid(Vec<FieldFault>),
    /// No endpoint has this id.
    #[error(
        "There is no webhook endpoint with that id here. It may have been deleted; the list of endpoints shows those that exist."
    )]
    Unknown,
    /// No more endpoints fit.
    #[error(
        "There are {ENDPOINTS_MAX} webhook endpoints, the most that there may be. Delete one that is not needed."
    )]
    TooMany,
    /// The endpoint changed since the caller looked.
    #[error(
        "The endpoint was changed since you looked; it is at version {0} now. Fetch it again, then repeat your change."
    )]
    Stale(i64),
    /// The endpoint is switched off.
    #[error("The webhook endpoint is switched off: {0}. Switch it on, then try again.")]
    Disabled(Reason),
    /// No portal link has this id.
    #[error("There is no portal link with that id here. It was ended, or its time is over.")]
    UnknownLink,
    /// No more links fit.
    #[error(
        "There are {PORTAL_LINKS_MAX} live portal links of this customer, the most that there may be. End one, or wait until one is over."
    )]
    TooManyLinks,
    /// A link that was shown opens nothing.
    #[error("This link is not valid, or not any more. Ask for a new one where you got it.")]
    LinkClosed,
    /// A form was not made by a page of this link.
    #[error("This form was not sent from a page that is still good. Open the page anew, and try again.")]
    ForeignForm,
    /// No more endpoints of a customer fit.
    #[error(
        "You have {CUSTOMER_ENDPOINTS_MAX} endpoints, the most that there may be. Delete one that is not needed."
    )]
    TooManyOfCustomer,
    /// The endpoint's address may no longer be sent to.
    #[error("The address of the webhook endpoint {0}.")]
    Target(TargetError),
    /// The endpoint's own body cannot be made of this event.
    #[error("The body that the webhook endpoint wants cannot be made of this: {0}. Correct its template.")]
    Body(String),
    /// No source has this id.
    #[error(
        "There is no webhook source with that id here. It may have been deleted; the list of sources shows those that exist."
    )]
    UnknownSource,
    /// No more sources fit.
    #[error(
        "There are {SOURCES_MAX} webhook sources, the most that there may be. Delete one that is not needed."
    )]
    TooManySources,
    /// The source changed since the caller looked.
    #[error(
        "The source was changed since you looked; it is at version {0} now. Fetch it again, then repeat your change."
    )]
    StaleSource(i64),
    /// No request of the source has this id.
    #[error(
        "The source has no request with that id. It may be too old to be kept; the list of its requests shows those that are."
    )]
    UnknownRequest,
    /// Nobody takes requests at this address.
    #[error("Nothing takes requests at this address.")]
    NoSource,
    /// A request to a source is not taken.
    #[error("The request is not taken: {0}.")]
    Refused(Refusal),
    /// No replay has this id.
    #[error(
        "There is no replay with that id here. It may have been forgotten, or have gone with its endpoint."
    )]
    ReplayUnknown,
    /// As many replays are under way as may be.
    #[error(
        "{0} replays are under way, the most that there may be. Wait until one has ended, or cancel one."
    )]
    ReplaysUnderWay(u32),
    /// The replay has ended.
    #[error("The replay has ended ({0}); only one that has not ended can be cancelled.")]
    ReplayEnded(ReplayState),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Fault for WebhookError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::Unknown
            | Self::UnknownSource
            | Self::UnknownRequest
            | Self::NoSource
            | Self::ReplayUnknown
            | Self::UnknownLink => Kind::NotFound,
            Self::LinkClosed => Kind::Unauthenticated,
            Self::ForeignForm => Kind::Forbidden,
            Self::Stale(_) | Self::StaleSource(_) => Kind::Stale,
            Self::Refused(refusal) => refusal.kind(),
            Self::Disabled(_) | Self::ReplaysUnderWay(_) | Self::ReplayEnded(_) => Kind::Conflict,
            Self::TooMany
            | Self::TooManySources
            | Self::TooManyLinks
            | Self::TooManyOfCustomer
            | Self::Target(_)
            | Self::Body(_) => Kind::Unprocessable,
            Self::Vault(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "VALIDATION_ERROR",
            Self::Unknown
            | Self::UnknownSource
            | Self::UnknownRequest
            | Self::ReplayUnknown
            | Self::UnknownLink => "NOT_FOUND",
            Self::TooManyLinks => "WEBHOOK_PORTAL_LINK_LIMIT",
            Self::LinkClosed => "WEBHOOK_PORTAL_LINK_CLOSED",
            Self::ForeignForm => "CSRF_TOKEN_REQUIRED",
            Self::NoSource => "WEBHOOK_NO_SOURCE",
            Self::Refused(refusal) => refusal.code(),
            Self::TooManySources => "WEBHOOK_SOURCE_LIMIT",
            Self::Stale(_) | Self::StaleSource(_) => "PRECONDITION_FAILED",
            Self::Disabled(_) => "WEBHOOK_ENDPOINT_DISABLED",
            Self::ReplaysUnderWay(_) => "WEBHOOK_REPLAYS_UNDER_WAY",
            Self::ReplayEnded(_) => "WEBHOOK_REPLAY_ENDED",
            Self::TooMany | Self::TooManyOfCustomer => "WEBHOOK_ENDPOINT_LIMIT",
            Self::Target(_) => "WEBHOOK_ADDRESS_REFUSED",
            Self::Body(_) => "WEBHOOK_BODY_FAILED",
            Self::Vault(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        if let Self::Invalid(faults) = self { faults } else { &[] }
    }

    fn retry_after(&self) -> Option<Span> {
        if let Self::Db(error) = self { error.retry_after() } else { None }
    }
}
