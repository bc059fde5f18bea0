//! How does Spin reach the rules area?

mod routes;
mod wire;

guest::component!(crate::routes::router);
