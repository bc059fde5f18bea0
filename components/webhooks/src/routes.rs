//! Which routes lead to webhooks?

mod endpoints;

use axum::Router;
use edge::World;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::get, endpoints::replace, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::test));
    edge::idempotent(edge::fragment(routes))
}
