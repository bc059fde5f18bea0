//! Which routes lead to webhooks?

mod deliveries;
mod endpoints;
mod portal_links;

use axum::Router;
use edge::World;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::get, endpoints::replace, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::test))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::stats))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::retry))
        .routes(routes!(portal_links::list, portal_links::create))
        .routes(routes!(portal_links::get, portal_links::end));
    crate::portal::router().merge(edge::idempotent(edge::fragment(routes)))
}
