//! How does Spin reach the notifications area?

mod routes;
mod wire;

guest::component!(crate::routes::router);
