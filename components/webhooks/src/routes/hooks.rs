//! How does a request of a provider come in? It is verified, stored and answered; what comes of it is the queue's.

use crate::wire::requests::TakenOut;
use axum::{
    Extension,
    body::Bytes,
    extract::Path,
    response::{IntoResponse as _, Response},
};
use edge::{Faults, Problem, Quota, Shown, Unspecific, Visitor, World};
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use kernel::{Call, Principal, SourceId, Span, TenantId};
use pipeline::sources;
use std::sync::Arc;
use webhooks::{
    Source, WebhookError,
    inbound::{Asked, Challenge, Received, Refusal},
    service::sources::{Verdict, find},
};

/// How many lines a minute a source's log gets of what is not taken: a flood of it neither fills the disk nor holds the lock.
const LINES: u32 = 60;

/// A request as it came, before anything is known of it.
pub(crate) struct Arrived {
    world: Arc<World>,
    visitor: Arc<Visitor>,
    place: (String, String),
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// Send something to a source
///
/// The provider's request, signed as the source's preset has it. 202 means that it is stored; what comes of it is told by the source's
/// requests. One that came before is answered with the first one's id.
#[utoipa::path(
    post, path = "/hooks/{tenant}/{source}", operation_id = "sendToWebhookSource", tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "The tenant's slug."),
        ("source" = String, Path, description = "The source's id.")
    ),
    request_body(content((Object = "application/json"), (Object = "application/x-www-form-urlencoded"))),
    responses(
        (status = 202, description = "It is stored.", body = TakenOut),
        (status = 200, description = "What the provider asked to be said back.", body = String, content_type = "text/plain"),
        Faults
    )
)]
pub(crate) async fn send(arrived: Arrived) -> Result<Response, Problem> {
    arrived.answer().await
}

/// Answer Meta's challenge
///
/// Says `hub.challenge` back to whoever shows the source's `verify_token` as `hub.verify_token`.
#[utoipa::path(
    get, path = "/hooks/{tenant}/{source}", operation_id = "answerWebhookChallenge", tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "The tenant's slug."),
        ("source" = String, Path, description = "The source's id.")
    ),
    responses((status = 200, description = "The challenge.", body = String, content_type = "text/plain"), Faults)
)]
pub(crate) async fn challenge(arrived: Arrived) -> Result<Response, Problem> {
    arrived.answer().await
}

/// Agree to take CloudEvents
///
/// As the CloudEvents webhook specification has it, section 4: a sender that names itself in `WebHook-Request-Origin` is allowed to send.
#[utoipa::path(
    options, path = "/hooks/{tenant}/{source}", operation_id = "agreeToWebhooks", tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "The tenant's slug."),
        ("source" = String, Path, description = "The source's id.")
    ),
    responses((status = 200, description = "The sender may send."), Faults)
)]
pub(crate) async fn agree(arrived: Arrived) -> Result<Response, Problem> {
    arrived.answer().await
}

impl<S: Send + Sync> axum::extract::FromRequest<S> for Arrived {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        use axum::RequestExt as _;
        let mut request = request;
        let lost = |_| Problem::from(Unspecific::Internal);
        let Extension(world) = request.extract_parts::<Extension<Arc<World>>>().await.map_err(lost)?;
        let Extension(visitor) = request.extract_parts::<Extension<Arc<Visitor>>>().await.map_err(lost)?;
        let place = request.extract_parts::<Path<(String, String)>>().await;
        let Path(place) = place.map_err(|_| Problem::from(WebhookError::NoSource))?;
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, state).await.map_err(|_| Unspecific::Internal)?;
        Ok(Self { world, visitor, place, method, uri, headers, body })
    }
}

impl Arrived {
    async fn answer(self) -> Result<Response, Problem> {
        let (tenant, id) = &self.place;
        let tenant: TenantId = tenant.parse().map_err(|_| WebhookError::NoSource)?;
        let id: SourceId = id.parse().map_err(|_| WebhookError::NoSource)?;
        let world = &self.world;
        let call = self.call(tenant);
        let vault = world.vault().map_err(WebhookError::from)?;
        let open = find(&world.db, &vault, call.tenant(), &id).await?;
        let (headers, query) = (self.header_list(), self.query());
        let received = Received { headers: &headers, body: &self.body, at: call.now };
        let quota =
            Quota { key: format!("hook:{id}"), limit: open.source.rate_per_minute, per: Span::minutes(1) };
        if let Err(problem) = self.visitor.spend(world, &quota).await {
            self.refuse(&call, &open.source, &received, &Refusal::Rate).await?;
            return Err(problem);
        }
        let asked = Asked { method: self.method.as_str(), query: &query };
        let address = call.address.as_ref().and_then(|text| text.parse().ok());
        match open.judge(&asked, &received, address) {
            Ok(Verdict::Take(proof)) => {
                let (request, duplicate) =
                    sources::receive(&world.db, &call, &open.source, &received, &proof).await?;
                if !duplicate {
                    guest::nudge(&world.settings.internal_token);
                }
                let out = TakenOut { id: request.to_string(), duplicate };
                Ok(Shown::accepted("webhook_request", out).into_response())
            }
            Ok(Verdict::Answer(challenge)) => {
                if self.has_room(&open.source).await {
                    sources::answered(&world.db, &call, &open.source, &received).await?;
                }
                Ok(said(challenge))
            }
            Ok(Verdict::Nothing) => Err(Unspecific::Method.into()),
            Err(refusal) => {
                self.refuse(&call, &open.source, &received, &refusal).await?;
                Err(WebhookError::Refused(refusal).into())
            }
        }
    }

    /// What happens here we do ourselves, on behalf of nobody whom we know.
    fn call(&self, tenant: TenantId) -> Call {
        Call {
            principal: Principal::system(tenant),
            now: self.world.clock.now(),
            request: self.visitor.request.clone(),
            trace: self.visitor.trace.clone(),
            address: self.visitor.address.clone(),
            chance: Arc::clone(&self.world.chance),
        }
    }

    fn header_list(&self) -> Vec<(String, String)> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        self.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
    }

    fn query(&self) -> Vec<(String, String)> {
        let fields = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&self.uri);
        fields.map(|fields| fields.0).unwrap_or_default()
    }

    async fn refuse(
        &self,
        call: &Call,
        source: &Source,
        received: &Received<'_>,
        refusal: &Refusal,
    ) -> Result<(), Problem> {
        if self.has_room(source).await {
            sources::refuse(&self.world.db, call, source, received, refusal).await?;
        }
        Ok(())
    }

    /// Whether the source's log has room for one more line in this minute.
    async fn has_room(&self, source: &Source) -> bool {
        let key = format!("hook-lines:{}", source.id);
        let counted = self.world.limits.count(&key, Span::minutes(1), self.world.clock.now()).await;
        counted.is_some_and(|counted| counted.this <= LINES)
    }
}

fn said(challenge: Challenge) -> Response {
    match challenge {
        Challenge::Text(text) => {
            let mut response = text.into_response();
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, plain);
            response
        }
        Challenge::Headers(all) => {
            let mut response = Response::default();
            for (name, value) in all {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
            response
        }
    }
}
