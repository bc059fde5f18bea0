//! What can be seen of requests that came to a source, and tried on them?

use crate::wire::requests::{PreviewIn, PreviewOut, RequestOut, RequestsQuery, VerdictOut, WholeRequestOut};
use edge::{Authorized, Faults, Id, Json, List, Paging, Problem, Query, Shown, Within, needs};
use kernel::{ReceiptId, SourceId};
use pipeline::sources::{self, PREVIEWED};
use webhooks::{Outcome, WebhookError, service::requests};

/// On how many requests a mapping is tried unless the caller says.
const PREVIEWS: u16 = 5;

/// What came to a source, newest first
///
/// Also what was not taken, each with the reason: the newest 1,000 that were refused are kept. Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/sources/{id}/requests", operation_id = "listWebhookRequests", tag = "webhooks",
    params(("id" = String, Path, description = "The source's id."), RequestsQuery),
    responses((status = 200, description = "A page of requests.", body = List<RequestOut>), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn list(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<SourceId>,
    paging: Paging,
    Query(query): Query<RequestsQuery>,
) -> Result<List<RequestOut>, Problem> {
    let read = |text: String| text.parse::<Outcome>().map_err(|fault| Problem::field("outcome", fault));
    let outcome = query.outcome.map(read).transpose()?;
    let page = requests::list(&world.db, &call, &id, outcome, &paging.request).await?;
    Ok(paging.list(page, RequestOut::from))
}

/// One request, byte for byte
///
/// Needs `webhooks:read`.
#[utoipa::path(
    get, path = "/api/v1/webhooks/sources/{id}/requests/{request_id}", operation_id = "getWebhookRequest", tag = "webhooks",
    params(
        ("id" = String, Path, description = "The source's id."),
        ("request_id" = String, Path, description = "The request's id.")
    ),
    responses((status = 200, description = "The request.", body = WholeRequestOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn get(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Within(source, id): Within<SourceId, ReceiptId>,
) -> Result<Shown<WholeRequestOut>, Problem> {
    let kept = requests::get(&world.db, &call, &source, &id).await?;
    Ok(Shown::as_is("webhook_request", kept.into()))
}

/// Verify a request again
///
/// The kept bytes, with the secrets that the source has now, as of the time when they came. Needs `webhooks:read`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/sources/{id}/requests/{request_id}/verify", operation_id = "verifyWebhookRequest",
    tag = "webhooks",
    params(
        ("id" = String, Path, description = "The source's id."),
        ("request_id" = String, Path, description = "The request's id.")
    ),
    responses((status = 200, description = "Whether it holds.", body = VerdictOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn verify(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Within(source, id): Within<SourceId, ReceiptId>,
) -> Result<Shown<VerdictOut>, Problem> {
    let vault = world.vault().map_err(WebhookError::from)?;
    let again = requests::verify_again(&world.db, &call, &vault, &source, &id).await?;
    Ok(Shown::as_is("webhook_verdict", again.into()))
}

/// Try a mapping
///
/// On a request that came, or on the newest ones: the trigger and the data that would come of each, and why no event would. Nothing is
/// done. Needs `webhooks:read`.
#[utoipa::path(
    post, path = "/api/v1/webhooks/sources/{id}/preview", operation_id = "previewWebhookMapping", tag = "webhooks",
    params(("id" = String, Path, description = "The source's id.")),
    request_body = PreviewIn,
    responses((status = 200, description = "What would come of the requests.", body = PreviewOut), Faults),
    security(("bearer" = []))
)]
pub(crate) async fn preview(
    Authorized { call, world, .. }: Authorized<needs::WebhooksRead>,
    Id(id): Id<SourceId>,
    Json(sent): Json<PreviewIn>,
) -> Result<Shown<PreviewOut>, Problem> {
    let request = sent.request_id.map(|text| text.parse::<ReceiptId>()).transpose();
    let request = request.map_err(|fault| Problem::field("request_id", fault))?;
    let most = sent.limit.unwrap_or(PREVIEWS);
    if !(1..=PREVIEWED).contains(&most) {
        return Err(Problem::field("limit", format!("must be from 1 to {PREVIEWED}")));
    }
    let mapping = sent.mapping.map(Into::into);
    let previews = sources::preview(&world.db, &call, &id, mapping, (request.as_ref(), most)).await?;
    let data = previews.into_iter().map(Into::into).collect();
    Ok(Shown::as_is("webhook_preview", PreviewOut { data }))
}
