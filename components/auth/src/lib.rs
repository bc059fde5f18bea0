//! Identity over HTTP: who comes in, and who may do what.

mod routes;
mod wire;

guest::component!(crate::routes::router);
