//! Which routes lead to triggers, events and schedules?

mod events;
mod schedules;
mod triggers;

use axum::Router;
use edge::World;
use events::App;
use pipeline::{Books, Door};
use std::sync::Arc;

/// All of them. Events count once by a key of their own; what else is posted takes idempotency keys.
pub(crate) fn router(world: &Arc<World>) -> Router {
    let books: Arc<Books> = Arc::default();
    let door = Door::new(world.db.clone(), Arc::clone(&books), Arc::new(guest::SpinBells));
    let app = Arc::new(App { books, door });
    let routes = events::routes().merge(schedules::routes()).with_state(app).merge(triggers::routes());
    edge::idempotent_but(edge::fragment(routes), "/api/v1/events")
}
