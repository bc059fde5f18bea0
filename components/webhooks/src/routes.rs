//! Which routes lead to webhooks?

mod deliveries;
mod endpoints;
mod hooks;
mod portal_links;
mod replays;
mod requests;
mod sources;

use axum::Router;
use edge::World;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST of ours; providers know things by ids of their own.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::get, endpoints::replace, endpoints::change, endpoints::delete))
        .routes(routes!(endpoints::test))
        .routes(routes!(endpoints::rotate))
        .routes(routes!(endpoints::stats))
        .routes(routes!(replays::replay))
        .routes(routes!(replays::list))
        .routes(routes!(replays::of_endpoint))
        .routes(routes!(replays::get))
        .routes(routes!(replays::cancel))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::retry))
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::get, sources::replace, sources::change, sources::delete))
        .routes(routes!(requests::list))
        .routes(routes!(requests::get))
        .routes(routes!(requests::verify))
        .routes(routes!(requests::preview))
        .routes(routes!(hooks::send, hooks::challenge, hooks::agree))
        .routes(routes!(portal_links::list, portal_links::create))
        .routes(routes!(portal_links::get, portal_links::end));
    crate::portal::router().merge(edge::idempotent_but(edge::fragment(routes), "/hooks/"))
}
