//! How is what goes to endpoints looked at over HTTP, and sent again?

use crate::wire::deliveries::{DeliveriesQuery, DeliveryDetailOut, DeliveryOut};
use edge::{Authorized, Faults, Id, List, Paging, Problem, Query, Shown, needs};
use kernel::{Fields, JobId};
use pipeline::webhooks as use_cases;

/// The deliveries, newest first
///
/// Whatever goes, went or could not go to an endpoint. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/deliveries", operation_id = "listWebhookDeliveries", tag = "webhooks",
    params(DeliveriesQuery),
    responses((status = 200, description = "A page of deliveries.", body = List<DeliveryOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    paging: Paging,
    Query(wanted): Query<DeliveriesQuery>,
) -> Result<List<DeliveryOut>, Problem> {
    let mut fields = Fields::new();
    let filter = wanted.filter(&mut fields);
    fields.done().map_err(Problem::fields)?;
    let page = use_cases::deliveries(&world.db, &call, filter, &paging.request).await?;
    Ok(paging.list(page, DeliveryOut::from))
}

/// One delivery, with its attempts
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/deliveries/{id}", operation_id = "getWebhookDelivery", tag = "webhooks",
    params(("id" = String, Path, description = "The delivery's id.")),
    responses((status = 200, description = "The delivery.", body = DeliveryDetailOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<JobId>,
) -> Result<Shown<DeliveryDetailOut>, Problem> {
    let seen = use_cases::delivery(&world.db, &call, &id).await?;
    Ok(Shown::as_is("webhook_delivery", seen.into()))
}

/// Send a delivery again
///
/// Now, with all its attempts before it, under the same `webhook-id`; also one that arrived. Needs `webhooks:write`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/deliveries/{id}/retry", operation_id = "retryWebhookDelivery", tag = "webhooks",
    params(("id" = String, Path, description = "The delivery's id.")),
    responses((status = 202, description = "It is queued.", body = DeliveryDetailOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn retry(
    Authorized { call, world, .. }: Authorized<needs::WebhooksWrite>,
    Id(id): Id<JobId>,
) -> Result<Shown<DeliveryDetailOut>, Problem> {
    use_cases::retry(&world.db, &call, &id).await?;
    guest::nudge(&world.settings.internal_token);
    let seen = use_cases::delivery(&world.db, &call, &id).await?;
    Ok(Shown::accepted("webhook_delivery", seen.into()))
}
