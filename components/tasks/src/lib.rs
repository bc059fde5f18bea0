//! How does Spin reach the tasks area?

mod routes;
mod wire;

guest::component!(crate::routes::router);
