//! What does a component answer to? Its part of the OpenAPI document, told to the platform component.

use crate::{Internal, Problem, Unspecific};
use axum::Router;
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

/// The envelope of every error.
#[derive(ToSchema, serde::Serialize)]
pub struct FaultBody {
    /// The error itself.
    pub error: FaultError,
}

/// An error: what happened, and what to do.
#[derive(ToSchema, serde::Serialize)]
pub struct FaultError {
    /// Stable; docs/errors.md lists all.
    pub code: String,
    /// For people.
    pub message: String,
    /// The faulty fields, all at once.
    pub details: Vec<FaultDetail>,
    /// Names the entry in the log.
    pub request_id: String,
}

/// One faulty field.
#[derive(ToSchema, serde::Serialize)]
pub struct FaultDetail {
    /// Its path: `conditions[0].type`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// The answers that any route may give, for `responses(...)` of utoipa.
#[derive(utoipa::IntoResponses)]
pub enum Faults {
    /// The request cannot be read, or has faulty fields.
    #[response(status = 400)]
    Invalid(FaultBody),
    /// No credential, or one that does not hold.
    #[response(status = 401)]
    Unauthenticated(FaultBody),
    /// The credential lacks the permission, or is another tenant's.
    #[response(status = 403)]
    Forbidden(FaultBody),
    /// There is no such thing, or it is not yours.
    #[response(status = 404)]
    NotFound(FaultBody),
    /// The present state does not allow it.
    #[response(status = 409)]
    Conflict(FaultBody),
    /// It changed since.
    #[response(status = 412)]
    Stale(FaultBody),
    /// The body is larger than 1 MiB (a file that is imported: 8 MiB).
    #[response(status = 413)]
    TooLarge(FaultBody),
    /// The content type is not read here.
    #[response(status = 415)]
    Unsupported(FaultBody),
    /// Understood, but it cannot be carried out as it stands.
    #[response(status = 422)]
    Unprocessable(FaultBody),
    /// Wait for `Retry-After` seconds.
    #[response(status = 429)]
    TooMany(FaultBody),
    /// Something failed on our side.
    #[response(status = 500)]
    Internal(FaultBody),
    /// The system is busy; wait for `Retry-After` seconds.
    #[response(status = 503)]
    Unavailable(FaultBody),
}

/// What stands in every component's part.
#[derive(OpenApi)]
#[openapi(components(schemas(FaultBody, FaultError, FaultDetail)))]
pub struct Fragment;

/// The routes of a component, and beside them `/internal/openapi.json`, which the platform component asks for with the
/// internal token.
pub fn fragment(routes: OpenApiRouter) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(secured()).merge(routes).split_for_parts();
    let router = router.route(
        "/internal/openapi.json",
        axum::routing::get(move |_: Internal| {
            let document = document.clone();
            async move { axum::Json(document) }
        }),
    );
    // Once per instance: each of these takes the router apart.
    router
        .fallback(|| async { Problem::from(Unspecific::NoRoute) })
        .method_not_allowed_fallback(|| async { Problem::from(Unspecific::Method) })
}

fn secured() -> Document {
    let mut document = Fragment::openapi();
    let scheme = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An access token from /api/v1/auth/login, or an API key (`sbx_…`)."))
            .build(),
    );
    document.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    document
}
