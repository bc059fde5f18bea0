//! What can be done with links for customers, and what may a customer touch who came by one? Endpoints of theirs, and nothing else: to
//! whoever asks for another, it is not there.

use super::create;
use crate::{
    Endpoint, Means, NewEndpoint, SigningKey, WebhookError,
    portal::{NewPortalLink, PortalLink, PortalToken},
    store::{endpoint, portal as store},
};
use audit::Entry;
use db::{Db, DbError, Scope};
use kernel::{Call, EndpointId, FieldFault, Instant, Page, PageRequest, PortalLinkId, Secret, Target};
use serde_json::{Value, json};

/// How many links that are over go each time that one is made.
const SWEPT: i64 = 100;

/// Makes a link, in the caller's transaction; gives it with its token, which is never shown again.
///
/// # Errors
/// [`WebhookError::Invalid`], [`WebhookError::TooManyLinks`].
pub async fn create_link(
    scope: &mut Scope<'_>,
    call: &Call,
    new: NewPortalLink,
) -> Result<(PortalLink, PortalToken), WebhookError> {
    let (link, token) = new.make(call).map_err(WebhookError::Invalid)?;
    store::forget(scope, call.now, SWEPT).await?;
    if !store::insert(scope, &link, &token.hash()).await? {
        return Err(WebhookError::TooManyLinks);
    }
    record(scope, call, "webhook_portal_link.created", (None, Some(&link))).await?;
    Ok((link, token))
}

/// Links that are good now, oldest first.
///
/// # Errors
/// [`WebhookError::Db`].
pub async fn links(
    db: &Db,
    call: &Call,
    customer: Option<&str>,
    page: &PageRequest,
) -> Result<Page<PortalLink>, WebhookError> {
    let mut lease = db.read().await?;
    let rows = store::list(&mut lease.scope(call.tenant())?, customer, call.now, page).await?;
    Ok(Page::cut(rows, page, |link: &PortalLink| link.id.as_str().to_owned()))
}

/// One of them.
///
/// # Errors
/// [`WebhookError::UnknownLink`].
pub async fn link(db: &Db, call: &Call, id: &PortalLinkId) -> Result<PortalLink, WebhookError> {
    let mut lease = db.read().await?;
    live(&mut lease.scope(call.tenant())?, call, id).await
}

/// Ends a link at once, in the caller's transaction.
///
/// # Errors
/// [`WebhookError::UnknownLink`].
pub async fn end_link(scope: &mut Scope<'_>, call: &Call, id: &PortalLinkId) -> Result<(), WebhookError> {
    let link = live(scope, call, id).await?;
    store::delete(scope, id).await?;
    Ok(record(scope, call, "webhook_portal_link.ended", (Some(&link), None)).await?)
}

/// Removes links whose time is over, at most `most`; how many.
///
/// # Errors
/// [`DbError`].
pub async fn forget_links(scope: &mut Scope<'_>, now: Instant, most: i64) -> Result<usize, DbError> {
    store::forget(scope, now, most).await
}

/// The link that a token opens at `now`; `scope` is that of the token's tenant.
///
/// # Errors
/// [`WebhookError::LinkClosed`], whatever is wrong with it.
pub async fn open(
    scope: &mut Scope<'_>,
    token: &PortalToken,
    now: Instant,
) -> Result<PortalLink, WebhookError> {
    let found = store::shown(scope, &token.link).await?.ok_or(WebhookError::LinkClosed)?;
    // In constant time, and before anything else is looked at: who guesses learns nothing of the rest.
    let is_known = found.hash == Secret::new(token.hash().expose().to_vec());
    if is_known && found.link.is_live(now) { Ok(found.link) } else { Err(WebhookError::LinkClosed) }
}

/// An endpoint of the link's customer.
///
/// # Errors
/// [`WebhookError::Unknown`], also for one that is somebody else's.
pub async fn own(
    scope: &mut Scope<'_>,
    link: &PortalLink,
    id: &EndpointId,
) -> Result<Endpoint, WebhookError> {
    let found = endpoint::get(scope, id).await?.map(|stored| stored.endpoint);
    let own = found.filter(|endpoint| endpoint.customer.as_ref() == Some(&link.customer));
    own.ok_or(WebhookError::Unknown)
}

/// Sets an endpoint of the link's customer up, in the caller's transaction. A form that is sent twice makes one: the same address does not
/// come again.
///
/// # Errors
/// As [`create`]; [`WebhookError::TooManyOfCustomer`].
pub async fn create_own(
    scope: &mut Scope<'_>,
    call: &Call,
    means: Means<'_>,
    (link, new): (&PortalLink, NewEndpoint),
) -> Result<(Endpoint, SigningKey), WebhookError> {
    let url = Target::parse(&new.url, means.allow_private).map(|target| target.expose().to_owned());
    let room = store::room(scope, &link.customer, url.as_deref().unwrap_or_default()).await?;
    if room.is_known {
        let message = "is that of an endpoint which is there already; change that one instead";
        return Err(WebhookError::Invalid(vec![FieldFault::new("url", message)]));
    }
    if !room.has_room {
        return Err(WebhookError::TooManyOfCustomer);
    }
    create(scope, call, means, new).await
}

async fn live(scope: &mut Scope<'_>, call: &Call, id: &PortalLinkId) -> Result<PortalLink, WebhookError> {
    let found = store::shown(scope, id).await?.map(|found| found.link);
    found.filter(|link| link.is_live(call.now)).ok_or(WebhookError::UnknownLink)
}

async fn record(
    scope: &mut Scope<'_>,
    call: &Call,
    action: &str,
    (before, after): (Option<&PortalLink>, Option<&PortalLink>),
) -> Result<(), DbError> {
    let subject = after.or(before).map_or("", |link| link.id.as_str());
    let entry = Entry { action, subject, before: before.map(seen), after: after.map(seen) };
    audit::append(scope, call, &entry).await
}

/// What the audit says of a link: of where it leads back to, no more than the host.
fn seen(link: &PortalLink) -> Value {
    let back = link.return_url.as_deref().and_then(|text| Target::parse(text, true).ok());
    json!({
        "customer": link.customer,
        "event_types": link.event_types.iter().map(crate::EventType::as_str).collect::<Vec<_>>(),
        "filter": link.filter,
        "return_url": back.map(|target| target.masked()),
        "expires_at": link.expires_at.to_string(),
    })
}
