//! What does a tenant's customer do who came by a link? All that the pages offer, within the bounds of the link: each use case looks for
//! itself whether the endpoint, or the delivery's, is the customer's, in the transaction that relies on it.

mod sight;

pub use sight::{again, deliveries, delivery};

use super::{Example, anew, end, lay_test};
use crate::store::portal as store;
use ::webhooks::{
    Endpoint, EndpointFilter, EndpointPatch, Means, Rotation, SigningKey, WebhookError,
    portal::{Choice, NewPortalLink, Offer, PortalLink, PortalToken, Sent, Wishes},
    service::{self, Seen, portal as links},
};
use db::{Db, DbError, Scope, Tx};
use jobs::JobError;
use kernel::{
    Call, EndpointId, Fault, FieldFault, Instant, JobId, Kind, Page, PageRequest, PortalLinkId, Span,
};

/// Somebody who came by a link, with what it opens.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The call, which has no permission.
    pub call: Call,
    /// The link.
    pub link: PortalLink,
}

/// A fault of what a customer does.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// Of an endpoint, or of the link.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// Of a delivery.
    #[error(transparent)]
    Job(#[from] JobError),
}

impl From<DbError> for PortalError {
    fn from(error: DbError) -> Self {
        Self::Webhook(error.into())
    }
}

impl Fault for PortalError {
    fn kind(&self) -> Kind {
        match self {
            Self::Webhook(error) => error.kind(),
            Self::Job(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Webhook(error) => error.code(),
            Self::Job(error) => error.code(),
        }
    }

    fn fields(&self) -> &[FieldFault] {
        match self {
            Self::Webhook(error) => error.fields(),
            Self::Job(error) => error.fields(),
        }
    }

    fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Webhook(error) => error.retry_after(),
            Self::Job(error) => error.retry_after(),
        }
    }
}

/// Makes a link for a customer; gives it with its token, which is never shown again.
///
/// # Errors
/// As [`links::create_link`].
pub async fn create_link(
    db: &Db,
    call: &Call,
    new: NewPortalLink,
) -> Result<(PortalLink, PortalToken), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = links::create_link(&mut tx.scope(call.tenant()), call, new).await;
    end(tx, outcome).await
}

/// Ends a link at once.
///
/// # Errors
/// As [`links::end_link`].
pub async fn end_link(db: &Db, call: &Call, id: &PortalLinkId) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = links::end_link(&mut tx.scope(call.tenant()), call, id).await;
    end(tx, outcome).await
}

/// The link that a token opens at `now`, and the name of its tenant. A tenant that is suspended has no pages.
///
/// # Errors
/// [`WebhookError::LinkClosed`], whatever is wrong with it.
pub async fn enter(db: &Db, token: &PortalToken, now: Instant) -> Result<(PortalLink, String), WebhookError> {
    let mut lease = db.read().await?;
    let mut scope = lease.scope(token.tenant())?;
    let link = links::open(&mut scope, token, now).await?;
    let house = store::house(&mut scope).await?.filter(|house| house.active);
    house.map(|house| (link, house.name)).ok_or(WebhookError::LinkClosed)
}

/// The customer's endpoints, oldest first.
///
/// # Errors
/// The database's, the vault's.
pub async fn endpoints(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    page: &PageRequest,
) -> Result<Page<Seen>, WebhookError> {
    let filter = EndpointFilter { customer: Some(who.link.customer.clone()), ..EndpointFilter::default() };
    service::list(db, &who.call, means, &filter, page).await
}

/// One of them.
///
/// # Errors
/// [`WebhookError::Unknown`].
pub async fn endpoint(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    id: &EndpointId,
) -> Result<Seen, WebhookError> {
    let seen = service::get(db, &who.call, means, id).await?;
    if seen.endpoint.customer.as_ref() == Some(&who.link.customer) {
        Ok(seen)
    } else {
        Err(WebhookError::Unknown)
    }
}

/// What the customer may choose among.
///
/// # Errors
/// The database's.
pub async fn offer(db: &Db, who: &Customer) -> Result<Offer, WebhookError> {
    let mut lease = db.read().await?;
    Ok(offered(&mut lease.scope(who.call.tenant())?, who).await?)
}

async fn offered(scope: &mut Scope<'_>, who: &Customer) -> Result<Offer, DbError> {
    let catalogue = rules::service::triggers::load(scope).await?;
    let choices = catalogue.all().map(|trigger| Choice {
        module: trigger.module_type.to_string(),
        kind: format!("{}.{}", trigger.module_type, trigger.trigger_id),
        description: trigger.description.clone(),
    });
    Ok(Offer::new(&who.link, choices))
}

/// Sets an endpoint up as a form wants it; gives it with the key that signs, which is never shown again.
///
/// # Errors
/// [`WebhookError::Invalid`], [`WebhookError::TooManyOfCustomer`], [`WebhookError::TooMany`].
pub async fn create(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    sent: &Sent,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = made(&mut tx, who, means, sent).await;
    end(tx, outcome).await
}

async fn made(
    tx: &mut Tx,
    who: &Customer,
    means: Means<'_>,
    sent: &Sent,
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let mut scope = tx.scope(who.call.tenant());
    let offer = offered(&mut scope, who).await?;
    let new = Wishes::read(sent, &offer).create(&who.link, &offer, means.allow_private);
    let new = new.map_err(WebhookError::Invalid)?;
    let made = links::create_own(&mut scope, &who.call, means, (&who.link, new)).await?;
    rules::service::moved(&mut scope).await?;
    Ok(made)
}

/// Changes an endpoint as a form wants it, if it is still of the version that the customer saw.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`], [`WebhookError::Invalid`].
pub async fn change(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    (id, sent): (&EndpointId, &Sent),
) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = changed(&mut tx, who, means, (id, sent)).await;
    end(tx, outcome).await
}

async fn changed(
    tx: &mut Tx,
    who: &Customer,
    means: Means<'_>,
    (id, sent): (&EndpointId, &Sent),
) -> Result<(), WebhookError> {
    let mut scope = tx.scope(who.call.tenant());
    let before = links::own(&mut scope, &who.link, id).await?;
    let offer = offered(&mut scope, who).await?;
    let wishes = Wishes::read(sent, &offer);
    let patch = wishes.change(&before, &who.link, &offer, means.allow_private);
    let patch = patch.map_err(WebhookError::Invalid)?;
    service::change(&mut scope, &who.call, means, id, patch, Some(sent.version())).await?;
    anew(tx, who.call.tenant(), id).await
}

/// Switches an endpoint on or off, if it is still of the version that the customer saw.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`].
pub async fn switch(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    id: &EndpointId,
    (on, version): (bool, i64),
) -> Result<(), WebhookError> {
    let patch = EndpointPatch { is_active: Some(on), ..EndpointPatch::default() };
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.call.tenant());
    let outcome = match links::own(&mut scope, &who.link, id).await {
        Ok(_) => service::change(&mut scope, &who.call, means, id, patch, Some(version)).await.map(drop),
        Err(fault) => Err(fault),
    };
    let outcome = match outcome {
        Ok(()) => anew(&mut tx, who.call.tenant(), id).await,
        Err(fault) => Err(fault),
    };
    end(tx, outcome).await
}

/// Gives an endpoint another key, if it is still of the version that the customer saw.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`], [`WebhookError::Invalid`].
pub async fn rotate(
    db: &Db,
    who: &Customer,
    means: Means<'_>,
    id: &EndpointId,
    (rotation, version): (Rotation, i64),
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.call.tenant());
    let outcome = match links::own(&mut scope, &who.link, id).await {
        Ok(_) => service::rotate(&mut scope, &who.call, means, id, rotation, Some(version)).await,
        Err(fault) => Err(fault),
    };
    end(tx, outcome).await
}

/// Takes an endpoint down, if it is still of the version that the customer saw.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Stale`].
pub async fn delete(db: &Db, who: &Customer, id: &EndpointId, version: i64) -> Result<(), WebhookError> {
    let mut tx = db.begin().await?;
    let mut scope = tx.scope(who.call.tenant());
    let outcome = match links::own(&mut scope, &who.link, id).await {
        Ok(_) => service::delete(&mut scope, &who.call, id, Some(version)).await,
        Err(fault) => Err(fault),
    };
    let outcome = match outcome {
        Ok(()) => anew(&mut tx, who.call.tenant(), id).await,
        Err(fault) => Err(fault),
    };
    end(tx, outcome).await
}

/// Sends an endpoint something to try it with, of a type that the link offers; none: nothing but a test.
///
/// # Errors
/// [`WebhookError::Unknown`], [`WebhookError::Disabled`], [`WebhookError::Invalid`].
pub async fn test(
    db: &Db,
    who: &Customer,
    id: &EndpointId,
    kind: Option<String>,
) -> Result<JobId, WebhookError> {
    let mut tx = db.begin().await?;
    let outcome = tried(&mut tx, who, id, kind).await;
    end(tx, outcome).await
}

async fn tried(
    tx: &mut Tx,
    who: &Customer,
    id: &EndpointId,
    kind: Option<String>,
) -> Result<JobId, WebhookError> {
    links::own(&mut tx.scope(who.call.tenant()), &who.link, id).await?;
    if let Some(kind) = &kind
        && !who.link.offers(kind)
    {
        return Err(WebhookError::Invalid(vec![FieldFault::new(
            "type",
            "must be one of those that are offered",
        )]));
    }
    lay_test(tx, &who.call, id, Example { kind }).await
}
