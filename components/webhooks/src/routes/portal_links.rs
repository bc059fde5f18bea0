//! How are links for customers made and ended over HTTP? What they open, `portal` shows.

use crate::wire::portal_links::{PortalLinkIn, PortalLinkMadeOut, PortalLinkOut, PortalLinksQuery};
use axum::response::NoContent;
use edge::{Authorized, Faults, Id, Json, List, Paging, Problem, Query, Shown, needs};
use kernel::PortalLinkId;
use pipeline::webhooks::portal as use_cases;
use webhooks::service::portal as links;

/// Links for customers that are good now, oldest first
///
/// Without their addresses, which are shown once. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/portal-links", operation_id = "listWebhookPortalLinks", tag = "webhooks",
    params(PortalLinksQuery),
    responses((status = 200, description = "A page of links.", body = List<PortalLinkOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    paging: Paging,
    Query(wanted): Query<PortalLinksQuery>,
) -> Result<List<PortalLinkOut>, Problem> {
    let page = links::links(&world.db, &call, wanted.customer.as_deref(), &paging.request).await?;
    Ok(paging.list(page, PortalLinkOut::from))
}

/// Make a link for a customer
///
/// Send your customer's browser to `url`: there they set up endpoints of their own, see what was sent, and send it again. It is good until
/// `expires_at`, as often as it is opened, and shown this once. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/portal-links", operation_id = "createWebhookPortalLink", tag = "webhooks",
    request_body = PortalLinkIn,
    responses((status = 201, description = "The link.", body = PortalLinkMadeOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn create(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Json(sent): Json<PortalLinkIn>,
) -> Result<Shown<PortalLinkMadeOut>, Problem> {
    let (link, token) = use_cases::create_link(&world.db, &call, sent.into()).await?;
    let location = format!("/api/v1/webhooks/portal-links/{}", link.id);
    let out = PortalLinkMadeOut::of(&link, &token, &world.settings.public_url);
    Ok(Shown::created("webhook_portal_link", out, location).confidential())
}

/// One link for a customer
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/portal-links/{id}", operation_id = "getWebhookPortalLink", tag = "webhooks",
    params(("id" = String, Path, description = "The link's id.")),
    responses((status = 200, description = "The link, without its address.", body = PortalLinkOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<PortalLinkId>,
) -> Result<Shown<PortalLinkOut>, Problem> {
    Ok(Shown::as_is("webhook_portal_link", links::link(&world.db, &call, &id).await?.into()))
}

/// End a link for a customer
///
/// At once, also for whoever is on its pages. Needs `webhooks:write`.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/portal-links/{id}", operation_id = "endWebhookPortalLink", tag = "webhooks",
    params(("id" = String, Path, description = "The link's id.")),
    responses((status = 204, description = "It opens nothing any more."), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn end(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<PortalLinkId>,
) -> Result<NoContent, Problem> {
    use_cases::end_link(&world.db, &call, &id).await?;
    Ok(NoContent)
}
