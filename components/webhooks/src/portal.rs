//! Which pages does a tenant's customer see? Plain HTML, without a script, for whoever came by a link of theirs. They are no part of the
//! interface's document: no program is meant to read them.

mod deliveries;
mod door;
mod endpoints;

use axum::{
    Router,
    routing::{get, post},
};
use door::Refused;
use edge::Unspecific;

/// All pages. Neither keys nor sessions open them, nor do idempotency keys count: a form that is sent twice says so itself.
pub(crate) fn router() -> Router {
    let pages = Router::new()
        .route("/portal/webhooks", get(endpoints::list))
        .route("/portal/webhooks/new", get(endpoints::blank).post(endpoints::create))
        .route("/portal/webhooks/leave", post(door::leave))
        .route("/portal/webhooks/endpoints/{id}", get(endpoints::show))
        .route("/portal/webhooks/endpoints/{id}/change", get(endpoints::edit).post(endpoints::change))
        .route("/portal/webhooks/endpoints/{id}/switch", post(endpoints::switch))
        .route("/portal/webhooks/endpoints/{id}/secret", post(endpoints::rotate))
        .route("/portal/webhooks/endpoints/{id}/test", post(endpoints::test))
        .route("/portal/webhooks/endpoints/{id}/delete", get(endpoints::confirm).post(endpoints::delete))
        .route("/portal/webhooks/deliveries/{id}", get(deliveries::show))
        .route("/portal/webhooks/deliveries/{id}/again", post(deliveries::again));
    pages.route("/portal/{*rest}", axum::routing::any(nothing)).method_not_allowed_fallback(nothing)
}

/// What a path leads to that leads nowhere.
async fn nothing(inside: door::Inside) -> Refused {
    inside.refused(Unspecific::NotFound("page"))
}
