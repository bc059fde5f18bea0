//! How does Spin reach the records area?

mod routes;
mod wire;

guest::component!(crate::routes::router);
