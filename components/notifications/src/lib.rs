//! How does Spin reach the notifications area?

mod place;
mod routes;
mod wire;

guest::component!(crate::routes::router);
