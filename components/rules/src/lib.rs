//! How does Spin reach the rules area?

mod place;
mod routes;
mod wire;

guest::component!(crate::routes::router);
