//! Which routes lead to triggers and events?

mod events;
mod triggers;

use axum::Router;
use edge::World;
use events::App;
use pipeline::{Books, Door};
use std::sync::Arc;

/// All of them. Events count once by a key of their own; what else is posted takes idempotency keys.
pub(crate) fn router(world: &Arc<World>) -> Router {
    let door = Door::new(world.db.clone(), Arc::new(Books::default()), Arc::new(guest::SpinBells));
    let app = Arc::new(App { door });
    let routes = events::routes().with_state(app).merge(triggers::routes());
    edge::idempotent_but(edge::fragment(routes), "/api/v1/events")
}
