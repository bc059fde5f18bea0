//! How does Spin reach the webhooks area?

mod portal;
mod routes;
mod wire;

guest::component!(crate::routes::router);
