//! Triggers and events: the door through which everything comes in.

mod routes;
mod wire;

guest::component!(crate::routes::router);
