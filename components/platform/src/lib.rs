//! How the system is, and what it offers.

mod error;
mod gauges;
mod health;
mod interface;
mod routes;
mod store;
mod wire;

guest::component!(crate::routes::router);
