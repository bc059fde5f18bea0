//! Which routes lead to notifications?

mod channels;
mod inbox;
mod messages;

use axum::Router;
use edge::World;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// All of them, with idempotency keys on every POST.
pub(crate) fn router(_: &Arc<World>) -> Router {
    let routes = OpenApiRouter::new()
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::get, channels::replace, channels::change, channels::delete))
        .routes(routes!(channels::test))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(messages::get))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::unread_count))
        .routes(routes!(inbox::read))
        .routes(routes!(inbox::read_all));
    edge::idempotent(edge::fragment(routes))
}
